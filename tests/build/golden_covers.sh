#!/bin/bash
# golden_covers.sh INCLUDE GOLDEN: every operation that a header declares has golden cases made by PyTorch: some; of them
# on strides that are not row-major, with a size 0, with a size 1, and with NaN or infinity, but where a reason stands here.
include=$1 golden=$2
declared=$(sed -nE 's/^TR_API [^(]*\((tr_[a-z0-9_]+)\)\(.*/\1/p' "$include"/trireme/{ops,reduce,arrange,linalg}.h | sed 's/^tr_//' | sort -u)
[ "$(wc -w <<<"$declared")" -gt 100 ] || { echo "only $(wc -w <<<"$declared") declarations were found"; exit 1; }

# shellcheck disable=SC2016 # awk's dollars
{
    tr ' ' '\n' <<<"$declared" | sed 's/^/declared /'
    cat <<'END'
without cases uniform_    random numbers: golden/random.txt
without cases normal_
without nan det         what LAPACK makes of NaN is its own affair
without nan inv
without nan solve
END
    grep -hv '^#' "$golden"/ops.txt "$golden"/ops_everywhere.txt | sed 's/^/case /'
} | awk '
    $1 == "declared" { declared[$2] = 1; next }
    $1 == "without" { excused[$2 " " $3] = 1; next }
    {
        name = $2
        split($0, field, "|")
        seen[name " cases"] = 1
        n = split(field[3], input, ";")
        for (i = 1; i <= n; i++) {
            split(input[i], word, " ")
            if (word[3] == "turned" || word[3] == "step" || word[3] == "stretched") seen[name " strides"] = 1
            if (word[2] ~ /(^|x)0(x|$)/) seen[name " empty"] = 1
            if (word[2] ~ /(^|x)1(x|$)/) seen[name " one"] = 1
            if (input[i] ~ / (nan|-?inf)( |$)/) seen[name " nan"] = 1
        }
    }
    END {
        kinds = split("cases strides empty one nan", kind, " ")
        for (name in declared)
            for (k = 1; k <= kinds; k++)
                if (!((name " " kind[k]) in seen) && !(("cases " name) in excused) && !((kind[k] " " name) in excused)) {
                    print "tr_" name ": no golden " (kind[k] == "cases" ? "cases" : "case with " kind[k])
                    wrong = 1
                }
        if (wrong) exit 1
        print "every operation has golden cases of each kind"
    }'
