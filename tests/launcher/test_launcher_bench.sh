#!/usr/bin/env bash
# trireme bench as a user types it, on this host.
# shellcheck disable=SC2154 # claims.sh sets them
set -u
. "$(dirname "$0")/claims.sh"
[ -x "$TRIREME_BIN/trireme-bench-worker" ] || skip "no worker beside $trireme"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
for name in $(compgen -e | grep -E '^(OMPI_MCA_(pml|btl)|OMP_|GOMP_|TRIREME_LAUNCHER|TRIREME_RESTART|SLURM_)'); do unset "$name"; done

bench() { "$trireme" bench "$@" >out 2>err </dev/null; }
holds() { # TEXT...: each is in out
    local text
    for text; do grep -qF -e "$text" out || echo "no '$text' "; done
}
refused() { # SENTENCE TEXT OPTION...
    local sentence=$1 text=$2
    shift 2
    bench "$@"
    local status=$?
    result "$sentence" "$([ $status = 2 ] || echo "status $status ")$(grep -qF -e "$text" err || echo "no '$text'")"
}

bench --help
result "help fits 80 columns and names its files" "$(holds "usage: trireme bench" results.csv scaling.png)$(awk 'length > 80' out)"
refused "ranks rise" "--ranks 2,1" --ranks 2,1
refused "a network is two numbers" "--network 3" --network 3
refused "time is a number" "--compute soon" --compute soon
refused "ranks are said once" "one of the two" --ranks 1 -n 2
refused "no argument is expected" "'here'" here
bench --ranks 1 --rounds 1 --compute 0.002 --out nowhere/at/all
result "a folder that cannot be made is an error" "$([ $? != 0 ] && grep -q "nowhere/at/all" err || echo "it is not")$(grep "trireme bench: 1 rank" err)"
touch plain
bench --ranks 1 --rounds 1 --compute 0.002 --out plain
result "so is one that is none, before anything is measured" "$([ $? != 0 ] && grep -q "plain: Not a directory" err || echo "it is not")$(grep "trireme bench: 1 rank" err)"
bench --ranks 1,60000 --rounds 1 --samples 16 --out unmade
result "so are more ranks than there is room for" "$([ $? = 2 ] && grep -q -e "--oversubscribe" err || echo "they are not")$(grep "trireme bench: 1 rank" err)$(ls -d unmade 2>/dev/null)"

bench --ranks 1 --rounds 1 --compute 0.01 --network 5,10
result "one rank and a network give a prediction" "$([ $? = 0 ] || echo "status not 0 ")$(holds "as said by --network" "10 ms of simulated device work" "best bucket on 1024 ranks")"
result "in a table" "$(grep -c '^predicted,' trireme-bench/results.csv | grep -vx 11)"
result "and a picture, or one of characters" "$([ -s trireme-bench/scaling.png ] || holds "weak scaling")"
bench --ranks 1 --rounds 1 --compute 0.01 --network 0.1,1000
result "where the size of buckets makes no difference, that is said" "$(holds "best bucket on 1024 ranks: as above; no other makes a step of ")"
bench --ranks 1 --rounds 1 --compute 0.01 --network 1000,100
result "and where the search ended at its edge" "$(holds "best bucket on 1024 ranks: 32768 KiB, the largest looked at, ")"

if [ -x "$program" ]; then # built with MPI
    bench --ranks 1,2 --rounds 1 --samples 16 --oversubscribe --out two
    result "two ranks are measured" "$([ $? = 0 ] || echo "status not 0 ")$(holds "784-512-512-10" "from 7 sums over 2" "between hosts  not measured")"
    result "their sums, their steps" "$(awk -F, '$1 == "step" && $5 > 0 { s++ } $1 == "sum" && $5 > 0 { n++ } END { if (s != 2 || n != 7) print s, n }' two/results.csv)"
    printf '#!/bin/sh\ncase $* in *"-n 2 "*) exit 9 ;; esac\nexec mpirun "$@"\n' >fails && chmod +x fails
    TRIREME_MPIRUN=$folder/fails bench --ranks 1,2 --rounds 1 --samples 16 --oversubscribe
    result "what there is is told, even if a job fails" "$([ $? = 9 ] || echo "it does not fail ")$(holds "784-512-512-10")"
    bench --ranks 2 --rounds 1 --samples 16 --oversubscribe
    result "without one rank nothing is predicted" "$([ $? = 0 ] || echo "status not 0 ")$(holds "Nothing is predicted")"
fi

[ $failures = 0 ] || echo "$failures failed"
[ $failures = 0 ]
