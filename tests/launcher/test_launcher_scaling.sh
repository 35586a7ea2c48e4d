#!/usr/bin/env bash
# CTEST LABELS cluster patient
# `trireme bench` on four hosts of one's own with links of 1 Gbit/s, without a delay and with 50 us: what it predicts for four
# hosts from one and two, and how much of the sums backward hides, for a module and for buffers of one's own.  A second try
# where the first misses: these hosts share the machine's cores with whatever else runs there.  On a quiet machine:
#     SCALING_OFF=10 SCALING_HIDDEN=80 ctest --preset release -R launcher_scaling --verbose
# Needs what cluster.sh needs.
# shellcheck disable=SC2154 # claims.sh sets them
set -u
. "$(dirname "$0")/claims.sh"
off=${SCALING_OFF:-10} hidden=${SCALING_HIDDEN:-60} # per cent
# shellcheck source=tests/launcher/cluster.sh
. "$(dirname "$0")/cluster.sh"
worker=$TRIREME_BIN/trireme-bench-worker
[ -x "$worker" ] && [ -x "$TRIREME_BIN/../tests/cable" ] || skip "no $worker, or no cable"
[ -x "$program" ] || skip "built without MPI"
why=$(cluster_may) || skip "$why"

# Reads results.csv; says what misses.
judge() {
    awk -F, -v off="$off" -v hidden="$hidden" '
        $1 == "step" { seconds[$2] = $5 }
        $1 ~ /step|buffers/ && $2 > 1 { n++; if ($11 * 100 < hidden) printf "%s on %d hosts: %.1f %% hidden, not %d; ", $1, $2, 100 * $11, hidden }
        $1 == "predicted" { predicted[$2] = $5 }
        END {
            if (n != 4 || !predicted[4]) { printf "results.csv is not whole"; exit }
            miss = 100 * (seconds[4] / predicted[4] - 1)
            if (miss > off || miss < -off) printf "the prediction for 4 hosts is %.1f %% off, not %d", miss, off
        }' "$folder/out/results.csv"
}

chrt -r 1 true 2>/dev/null && ahead='chrt -r 1'
for delay_us in 0 50; do
    for try in 1 2; do
        cluster_up 4 1000 $delay_us || skip "no hosts with a delay of $delay_us us: $(tail -n 1 "$folder/err" 2>/dev/null)"
        list=$(printf '%s:1,' "${hosts[@]}")
        cluster_run timeout -k 1 100 "$trireme" bench --hosts "${list%,}" --ranks 1,2,4 --fit-ranks 2 \
            --compute 0.25 --rounds 5 --out out || { missed="it failed with status $?"; continue; }
        missed=$(judge)
        [ -n "$missed" ] || break
        echo "try $try, delay $delay_us us: $missed"
    done
    [ -z "$missed" ] && echo "ok      delay $delay_us us" && continue
    echo "FAILED  delay $delay_us us: $missed"
    failures=$((failures + 1))
done
[ $failures = 0 ]
