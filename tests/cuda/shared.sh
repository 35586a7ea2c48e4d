#!/usr/bin/env bash
# Four ranks that share the devices of a machine, or have one each, learn the digits with the losses of one. Needs
# $TRIREME_BIN, the folder the programs were built in, and $TRIREME_CUDA_LIBRARY.
set -u
[ -x "$TRIREME_BIN/digits" ] || { echo "no $TRIREME_BIN/digits"; exit 77; }
"$TRIREME_BIN/trireme" info | grep -q '^ *cuda:0 ' || { echo "skipped: no device ($TRIREME_CUDA_LIBRARY)"; exit 77; }
export TRIREME_PROGRESS=none TRIREME_LEDGER=1000
for ranks in 1 4; do
    mkdir -p of_$ranks
    "$TRIREME_BIN/trireme" run --quiet --oversubscribe -n $ranks "$TRIREME_BIN/digits" --epochs 1 --hidden 32 --batch 256 --out of_$ranks \
        --csv of_$ranks/losses.csv >of_$ranks/said 2>&1 || {
        echo "FAILED  $ranks ranks end with $?"
        cat of_$ranks/said
        exit 1
    }
done
# step,epoch,loss
awk -F, 'FNR == 1 { next }
    FNR == NR { want[FNR] = $3; lines = FNR; next }
    { d = $3 - want[FNR]; if (d < 0) d = -d; if (!(d <= 1e-5)) { print FNR, $3, want[FNR]; wrong++ } }
    END { exit wrong > 0 || FNR != lines || lines < 5 }' of_1/losses.csv of_4/losses.csv || {
    echo "FAILED  the losses of four ranks are those of one"
    exit 1
}
echo "ok      the losses of four ranks are those of one: $(($(wc -l <of_1/losses.csv) - 1)) steps"
said='^trireme: devices sum gradients [0-9.]* ms a backward, [0-9.]*% of it behind backward.s own work$'
grep -q "$said" of_4/said || {
    echo "FAILED  the ledger says what the devices did"
    cat of_4/said
    exit 1
}
grep -q "$said" of_1/said && {
    echo "FAILED  one rank has nothing to sum"
    exit 1
}
grep "$said" of_4/said
columns='^ *device\( *[0-9.]*\)\{6\}$'
for ranks in 1 4; do
    grep -q "$columns" of_$ranks/said || {
        echo "FAILED  the ledger of $ranks ranks says what a step's columns took there"
        cat of_$ranks/said
        exit 1
    }
    grep "$columns" of_$ranks/said
done
