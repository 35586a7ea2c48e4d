# What the tests of trireme run share: where it is, a folder to work in, and how a claim is told. To be sourced.
# Needs $TRIREME_BIN, the folder it was built in, and Open MPI's mpirun.
# shellcheck shell=bash disable=SC2034 # who sources this uses it
trireme=$TRIREME_BIN/trireme
program=$TRIREME_BIN/../tests/launcher_ranks # goes wrong on rank 1 as it is told
rank='OMPI_COMM_WORLD_RANK'
failures=0
skip() { echo "skipped: $1"; exit 77; }
[ -x "$trireme" ] || skip "no $trireme"
command -v mpirun >/dev/null && mpirun --version | grep -q 'Open MPI' || skip "needs Open MPI's mpirun"

result() { # SENTENCE WHAT-IS-WRONG: "" if nothing is
    if [ -z "$2" ]; then
        echo "ok      $1"
    else
        echo "FAILED  $1: $2"
        sed 's/^/        | /' out err
        failures=$((failures + 1))
    fi
}
now_ms() { echo $(($(date +%s%N) / 1000000)); }
