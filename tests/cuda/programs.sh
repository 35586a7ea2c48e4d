#!/usr/bin/env bash
# The example programs say with --device cuda what they say with --device cpu. Needs $TRIREME_BIN, the folder they were
# built in, and $TRIREME_CUDA_LIBRARY.
set -u
[ -x "$TRIREME_BIN/digits" ] || { echo "no $TRIREME_BIN/digits"; exit 77; }
"$TRIREME_BIN/trireme" info | grep -q '^ *cuda:0 ' || { echo "skipped: no device ($TRIREME_CUDA_LIBRARY)"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export TRIREME_PROGRESS=none
failures=0

# All numbers, cells' among them, within 1e-4 * max(1, |number|): those that are what rounding left are 0 to this.
same_numbers() { # same_numbers FILE FILE
    awk 'function size(x) { return x < 0 ? -x : x }
        FNR == NR { want[FNR] = $1; numbers = FNR; next }
        !(size($1 - want[FNR]) <= 1e-4 * (size(want[FNR]) > 1 ? size(want[FNR]) : 1)) { print "number " FNR " is " $1 ", wants " want[FNR]; wrong++ }
        END { exit wrong > 0 || FNR != numbers || numbers < 20 }' "$1" "$2"
}
# Losses, step by step, within 1e-5 of the CPU's; or as far apart as bfloat16's sums in another order make them.
same_curve() { # same_curve FILE FILE [TOLERANCE]
    awk -F, -v most="${3:-1e-5}" 'FNR == 1 { next }
        FNR == NR { want[FNR] = $3; lines = FNR; next }
        { d = $3 - want[FNR]; if (d < 0) d = -d; if (!(d <= most)) { print FNR, $3, want[FNR]; wrong++ } }
        END { exit wrong > 0 || FNR != lines || lines < 20 }' "$1" "$2"
}
near_curve() { same_curve "$1" "$2" 5e-3; }
claim() { # claim SENTENCE COMPARISON WHAT PROGRAM ARGUMENT...: of the files cpu/WHAT and cuda/WHAT
    local sentence=$1 comparison=$2 what=$3
    shift 3
    for device in cpu cuda; do
        mkdir -p $device
        (cd $device && "$TRIREME_BIN/$1" --device $device --out . "${@:2}" >out 2>err)
        local status=$?
        [ $status = 0 ] && continue
        echo "FAILED  $sentence: --device $device ends with $status"
        cat $device/err
        failures=$((failures + 1))
        return
    done
    for device in cpu cuda; do
        grep -v -e '^picture ' -e '^gnuplot is not' $device/out | sed 's/cuda:0//' | grep -oE '[-+]?[0-9]+[.]?[0-9]*(e[-+]?[0-9]+)?' >$device/said
    done
    if $comparison cpu/"$what" cuda/"$what" >difference; then
        echo "ok      $sentence"
    else
        echo "FAILED  $sentence"
        head -20 difference
        failures=$((failures + 1))
    fi
}

claim "digits: the curve of losses" same_curve losses.csv digits --epochs 1 --hidden 48 --csv losses.csv
claim "digits: the curve of losses of bfloat16" near_curve losses.csv digits --bfloat16 --epochs 1 --hidden 48 --csv losses.csv
for program in basics bootcamp hidden_layer line_fit crop_yields; do
    claim "$program: what it prints" same_numbers said $program
done
[ $failures = 0 ]
