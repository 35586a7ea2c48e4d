# What a tutorial's program printed, held against what PyTorch prints, cell by cell.
#   awk -v program=NAME -f compare_tutorial.awk golden/tutorials/cells.txt GOLDEN PRINTED
# cells.txt says how a cell is compared where the text is not the same, character for character:
#   NAME CELL near TOLERANCE   words the same, numbers within TOLERANCE * max(1, |number|)
#   NAME CELL says             every golden line's text is found in the printed line, after the function that says it
#   NAME CELL any              the same number of lines
#   NAME CELL waits ...        may differ still, the library lacks something; what follows is how it will be compared.  Once
#                              it agrees, it says so: strike out the word
FNR == 1 { file++; cell = "" }
file == 1 {
    if ($1 != program) next
    how[$2] = $3
    if ($3 == "waits") { then[$2] = $4; tolerance[$2] = $5 } else tolerance[$2] = $4
    next
}
/^\[[0-9]+\.[0-9]+\]$/ {
    cell = substr($0, 2, length($0) - 2)
    if (file == 2) order[++cells] = cell
    else if (!(cell in lines2)) { print "FAILED  [" cell "] is in no tutorial"; failed++ }
    if (file == 3 && cell in lines3) { print "FAILED  [" cell "] comes twice"; failed++ }
    if (file == 2) lines2[cell] = 0; else lines3[cell] = 0
    next
}
file == 2 && cell { golden[cell, ++lines2[cell]] = $0 }
file == 3 && cell { printed[cell, ++lines3[cell]] = $0 }

function trimmed(text, cell, n) { # the number of lines without the empty ones at the end
    while (n > 0 && text[cell, n] == "") n--
    return n
}
function same_number(a, b, tolerance,    size) {
    size = b < 0 ? -b : b
    if (size < 1) size = 1
    a -= b
    if (a < 0) a = -a
    return a <= tolerance * size
}
function near(a, b, tolerance,    x, y, number) { # numbers are taken out of both lines, one by one
    number = "[-+]?[0-9]+[.]?[0-9]*(e[-+]?[0-9]+)?"
    while (match(b, number)) {
        y = substr(b, RSTART, RLENGTH); b = substr(b, 1, RSTART - 1) "#" substr(b, RSTART + RLENGTH)
        if (!match(a, number)) return 0
        x = substr(a, RSTART, RLENGTH); a = substr(a, 1, RSTART - 1) "#" substr(a, RSTART + RLENGTH)
        if (!same_number(x + 0, y + 0, tolerance)) return 0
    }
    gsub(/ +/, " ", a); gsub(/ ,/, ",", a)
    gsub(/ +/, " ", b); gsub(/ ,/, ",", b)
    return a == b
}
function says(a, b,    kind) {
    kind = b; sub(/: .*/, ": ", kind)
    return index(a, kind) == 1 && index(a, substr(b, length(kind) + 1)) > 0
}
function agree(cell, mode,    i, n, a, b) {
    if (!(cell in lines3)) return 0
    n = trimmed(golden, cell, lines2[cell])
    if (n != trimmed(printed, cell, lines3[cell])) return 0
    for (i = 1; i <= n; i++) {
        a = printed[cell, i]; b = golden[cell, i]
        if (a == b || mode == "any") continue
        if (mode == "near" && near(a, b, tolerance[cell])) continue
        if (mode == "says" && says(a, b)) continue
        return 0
    }
    return 1
}
END {
    for (c = 1; c <= cells; c++) {
        cell = order[c]; mode = how[cell]
        if (mode == "waits") {
            print (agree(cell, then[cell]) ? "arrived" : "waits  ") " [" cell "]"
            continue
        }
        if (agree(cell, mode)) continue
        failed++
        print "FAILED  [" cell "]" (cell in lines3 ? "" : " is missing")
        for (i = 1; i <= lines2[cell]; i++) print "  PyTorch  | " golden[cell, i]
        for (i = 1; i <= lines3[cell]; i++) print "  printed  | " printed[cell, i]
    }
    print (failed ? "FAILED" : "ok") "      " program ": " cells " cells, " failed + 0 " wrong"
    exit failed > 0
}
