#!/usr/bin/env bash
# nccl.sh PROGRAM FAKE_NCCL MPIEXEC...: which way devices meet, and how a job ends whose NCCL fails or does not go on.
set -u
program=$1
fake=$2
shift 2
mpirun=("$@")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export TMPDIR=$folder TRIREME_NCCL_LIBRARY=$fake PLAYED_DEVICES=4 TRIREME_CHECK=0
failures=0

# A rank's own environment: for_rank RANK VARIABLE=VALUE, in the words of env.
cat >ranks.sh <<'END'
if [ "${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-0}}" = "$1" ]; then export "$2"; fi
shift 2
exec "$@"
END

verdict() { # verdict NAME WELL|BADLY MESSAGE STATUS
    local ended=WELL
    [ "$4" = 0 ] || ended=BADLY
    if [ "$4" = 77 ]; then exit 77; fi
    if [ "$4" != 124 ] && [ "$ended" = "$2" ] && grep -qE -e "$3" out; then
        echo "ok      $1"
    else
        echo "FAILED  $1: status $4, expected to end $2 with: $3"
        sed 's/^/        | /' out
        failures=$((failures + 1))
    fi
}

run() { # run NAME WELL|BADLY MESSAGE MODE VARIABLE=VALUE...
    local name=$1 how=$2 message=$3 mode=$4
    shift 4
    timeout -k 5 60 env "$@" "${mpirun[@]}" "$program" "$mode" >out 2>&1
    verdict "$name" "$how" "$message" $?
}

run_rank_1() { # the same, where rank 1 alone has the variable
    local name=$1 how=$2 message=$3 mode=$4 setting=$5
    shift 5
    timeout -k 5 60 env "$@" "${mpirun[@]}" bash ranks.sh 1 "$setting" "$program" "$mode" >out 2>&1
    verdict "$name" "$how" "$message" $?
}

run "each rank has a device of its own" WELL '^rank 1: .*; cuda:1 by NCCL 2\.28\.99$' names
run "ranks share a device" WELL '^rank 0: .*; cuda:0 through pinned memory: ranks 0 and 1 share a device$' names PLAYED_DEVICES=1
run_rank_1 "ranks share a device and NCCL takes it for two" WELL '^rank 0: .*; cuda:0 by NCCL 2\.28\.99$' names NCCL_HOSTID=another PLAYED_DEVICES=1
run "the host is asked for" WELL '^rank 0: .*through pinned memory: TRIREME_DEVICE_TRANSPORT=host$' names TRIREME_DEVICE_TRANSPORT=host
run_rank_1 "one rank has no NCCL" WELL '^rank 0: .*through pinned memory: no NCCL on rank 1: .*nowhere' names TRIREME_NCCL_LIBRARY=/nowhere
run_rank_1 "one rank has another NCCL" WELL 'through pinned memory: NCCL is 2\.28\.99 on rank 0, 2\.21\.5 on rank 1' names FAKE_NCCL_VERSION=22105
run_rank_1 "one rank has an NCCL of long ago" WELL 'no NCCL on rank 1: it is 2\.8\.3, older than 2\.14' names FAKE_NCCL_VERSION=2803
run_rank_1 "NCCL is asked for where a rank has none" BADLY 'TRIREME_DEVICE_TRANSPORT=nccl: no NCCL on rank 1' names TRIREME_NCCL_LIBRARY=/nowhere TRIREME_DEVICE_TRANSPORT=nccl
run "an unknown way" BADLY 'TRIREME_DEVICE_TRANSPORT.*expected auto, nccl or host' names TRIREME_DEVICE_TRANSPORT=mpi

run "a call fails" BADLY 'rank 1 of [0-9]+ on .*: NCCL: all_reduce: unhandled system error: played; TRIREME_DEVICE_TRANSPORT=host' sums FAKE_NCCL_FAIL=1:4
run "a device does not bring its part" BADLY 'after 2 s .TRIREME_TIMEOUT. all ranks have come to #.* and wait for each other; their devices are in it' sums FAKE_NCCL_STALL=1:7 TRIREME_TIMEOUT=2
run "and NCCL is told to give up" BADLY 'fake NCCL: rank [0-9] aborts' sums FAKE_NCCL_STALL=1:7 TRIREME_TIMEOUT=2 FAKE_NCCL_TALKS=1
run "and does not" BADLY 'after 2 s .TRIREME_TIMEOUT. all ranks have come to #.* and wait for each other' sums FAKE_NCCL_STALL=1:7 TRIREME_TIMEOUT=2 FAKE_NCCL_HANGS=1
if grep -E 'signal 14|Alarm clock' out; then
    echo "FAILED  a rank waited with NCCL instead of ending the others"
    failures=$((failures + 1))
fi
run "large parameters travel in a group" WELL '^rank 1 began like rank 0$' group
run "a group's end fails" BADLY 'rank 1 of [0-9]+ on .*: NCCL: broadcast: unhandled system error: played; TRIREME_DEVICE_TRANSPORT=host' group FAKE_NCCL_FAIL=1:2
run "a device does not bring its part of a group" BADLY 'after 2 s .TRIREME_TIMEOUT. all ranks have come to #.* and wait for each other; their devices are in it' group FAKE_NCCL_STALL=1:2 TRIREME_TIMEOUT=2
run "a recorded step is a graph" WELL '^rank 1: 1 graph, loss -?[0-9.]+$' graph
run "a recorded step of NCCL's from long ago is some" WELL '^rank 1: [2-9] graph, loss -?[0-9.]+$' graph FAKE_NCCL_VERSION=22605
run "graphs are not to have its calls" WELL '^rank 1: [2-9] graph, loss -?[0-9.]+$' graph TRIREME_NCCL_GRAPHS=off
run "an unknown wish for graphs" BADLY 'TRIREME_NCCL_GRAPHS.*expected on or off' graph TRIREME_NCCL_GRAPHS=maybe
run "a call fails while a step is captured" BADLY 'rank 1 of [0-9]+ on .*: NCCL: all_reduce: unhandled system error: played' graph FAKE_NCCL_FAIL=1:8
run "a device does not bring its part of a graph" BADLY 'after 2 s .TRIREME_TIMEOUT. all ranks have come to #[0-9]+ all_reduce of [0-9]+ float32 .gradients, in a graph. at nccl_ways.c:[0-9]+ and wait for each other; their devices are in it' graph FAKE_NCCL_STALL=1:30 TRIREME_TIMEOUT=2
run "a rank does not come" BADLY 'after 2 s .TRIREME_TIMEOUT. rank [0-9] on .* has not come to #[0-9]+ all_reduce of 1000 float32.* at nccl_ways.c:.*sleeps' late TRIREME_TIMEOUT=2
run "NCCL says that it has failed while nobody asks" BADLY 'rank 0 on .*: remote process exited or there was a network error' rests FAKE_NCCL_BREAK=0:8
exit $((failures > 0))
