#!/usr/bin/env bash
# The tutorials' programs print what PyTorch prints. Needs $TRIREME_BIN, the folder they were built in, and $TEST_DIR.
set -u
[ -x "$TRIREME_BIN/basics" ] || { echo "no $TRIREME_BIN/basics"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
golden=$TEST_DIR/golden/tutorials
failures=0

claim() { # claim SENTENCE COMMAND...
    local sentence=$1
    shift
    if "$@" >said 2>&1; then
        echo "ok      $sentence"
    else
        echo "FAILED  $sentence"
        sed 's/^/        | /' said
        failures=$((failures + 1))
    fi
}
compare() { # compare GOLDEN PROGRAM ARGUMENT...: without what depends on the machine: pictures, and lines of source
    local expected=$1 program=$2
    shift 2
    "$TRIREME_BIN/$program" --out "$folder" "$@" >"$expected.raw" 2>err || { cat err; failures=$((failures + 1)); }
    if [ -s err ]; then
        echo "FAILED  $program has something on stderr"
        cat err
        failures=$((failures + 1))
    fi
    grep -v -e '^picture ' -e '^gnuplot is not installed' "$expected.raw" | sed "s/ ($program\.c:[0-9]*)\$//" >printed
    awk -v program="$program" -f "$TEST_DIR/compare_tutorial.awk" "$golden/cells.txt" "$golden/$expected.txt" printed ||
        failures=$((failures + 1))
}

for program in basics bootcamp hidden_layer line_fit crop_yields; do compare $program $program; done
compare crop_yields_seed_1 crop_yields --seed 1

# The course shows what was printed: every ```text block of its README is a cell of one of the programs.
course_is_true() {
    cat basics.raw bootcamp.raw hidden_layer.raw line_fit.raw crop_yields.raw | grep -v '^picture ' >all
    awk 'function finish() {
            sub(/\n+$/, "", block)
            if (number && !course) cell[number] = block
            if (number && course) { shown++; if (cell[number] != block) { print "the course shows another " number; wrong = 1 } }
            number = ""
        }
        FNR == 1 && NR > 1 { finish(); course = 1 }
        course && /^```/ { finish(); inside = $0 == "```text"; next }
        (inside || !course) && /^\[[0-9]+\.[0-9]+\]$/ { finish(); number = $0; block = ""; next }
        { block = block $0 "\n" }
        END { exit wrong || shown < 10 }' all "$1"
}
claim "the course shows what the programs print" course_is_true "$TEST_DIR/../examples/tutorials/README.md"

exits() { # exits STATUS PROGRAM ARGUMENT...
    local status=$1 program=$2
    shift 2
    "$TRIREME_BIN/$program" "$@"
    [ $? = "$status" ]
}
ends_at_once() { # ends_at_once PROGRAM ARGUMENT...: with a word on stderr, and none of the output that would be wrong
    "$TRIREME_BIN/$1" "${@:2}" >stdout 2>stderr
    [ $? = 1 ] && [ -s stderr ] && [ ! -s stdout ]
}
for program in basics bootcamp hidden_layer line_fit crop_yields; do
    claim "$program refuses an option that it does not know" exits 2 $program --colour
    claim "$program refuses a seed that is no number" exits 2 $program --seed one
    claim "$program refuses a device that there is not" exits 2 $program --device gpu
    claim "$program says how it is used" exits 0 $program --help
    claim "$program does not begin without its device" ends_at_once $program --device cuda:63
done
for program in basics bootcamp hidden_layer line_fit; do
    claim "$program does not begin without its folder" ends_at_once $program --out "$folder/not/there"
done

other_seed_other_numbers() {
    "$TRIREME_BIN/line_fit" --out . --seed 1 >first && "$TRIREME_BIN/line_fit" --out . --seed 1 >second &&
        "$TRIREME_BIN/line_fit" --out . --seed 2 >third && cmp first second && ! cmp -s first third
}
claim "the same seed gives the same numbers, another one others" other_seed_other_numbers

drawn_as_text() { "$TRIREME_BIN/line_fit" --out . --text >text && grep -q 'noise data' text && [ "$(wc -l <text)" -gt 60 ]; }
claim "--text draws the pictures in the terminal" drawn_as_text

is_picture() {
    case $1 in
    *.gif) [ "$(head -c 3 "$1")" = GIF ] ;;
    *) [ "$(head -c 4 "$1" | tail -c 3)" = PNG ] ;;
    esac || { echo "$1 is no picture"; return 1; }
}
pictures_are_written() {
    local program=$1 count=$2 name
    rm -rf pictures
    "$TRIREME_BIN/$program" --out pictures >list || return 1
    sed -n 's/^picture //p' list >names
    [ "$(wc -l <names)" = "$count" ] || { echo "$(wc -l <names) pictures, not $count"; return 1; }
    while read -r name; do is_picture "$name" || return 1; done <names
}
if command -v gnuplot >gnuplot.path; then
    claim "basics writes its pictures as PNG" pictures_are_written basics 7
    claim "bootcamp writes its pictures as PNG, and the animation as GIF" pictures_are_written bootcamp 2
    claim "hidden_layer writes its pictures as PNG" pictures_are_written hidden_layer 6
    claim "line_fit writes its picture as PNG" pictures_are_written line_fit 1
fi

without_gnuplot() {
    PATH=$folder/nothing "$TRIREME_BIN/basics" --out without >list || return 1
    [ "$(grep -c '^gnuplot is not installed' list)" = 1 ] && ! grep -q '^picture' list && grep -qF '[0.37]' list
}
claim "without gnuplot the program says so once and goes on" without_gnuplot

exit $((failures > 0))
