#!/usr/bin/env bash
# CTEST LABELS patient
# How a job under trireme run ends: by a failure, by a signal, with an mpirun that hangs; and restarts.
# shellcheck disable=SC2154 # claims.sh sets them
set -u
. "$(dirname "$0")/claims.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export TMPDIR=$folder # bare mpirun's files, too
cd "$folder" || exit 1
unset TRIREME_LAUNCHER TRIREME_RESTART
alive() { # one of these processes runs, and is not a zombie
    local pid
    for pid; do grep -q '^State:.[^ZX]' "/proc/$pid/status" 2>/dev/null && return 0; done
    return 1
}
pids() { cat pid.* 2>/dev/null; }

# ends SENTENCE STATUS SECONDS LAST-LINE OPTIONS... -- SCRIPT: three ranks of a shell script ($R is the rank, its pid lands in
# pid.R); the job ends in time, with this status and last line, and leaves no rank behind
ends() {
    local sentence=$1 want=$2 limit=$3 last=$4 wrong='' status began
    shift 4
    local options=()
    while [ "$1" != -- ]; do options+=("$1") && shift; done
    rm -f pid.*
    began=$(now_ms)
    timeout -k 1 60 "$trireme" run -q -n 3 --oversubscribe "${options[@]+"${options[@]}"}" \
        bash -c "R=\$$rank; echo \$\$ >pid.\$R; $2" >out 2>err </dev/null
    status=$?
    [ "$status" = "$want" ] || wrong="exit status $status, not $want"
    [ $(($(now_ms) - began)) -le $((limit * 1000)) ] || wrong="took $(($(now_ms) - began)) ms"
    [ -z "$last" ] || tail -n 1 err | grep -qF -e "$last" || wrong="the last line is not '$last'"
    # shellcheck disable=SC2046 # one word for each process
    alive $(pids) && wrong="a rank lives on" && kill -KILL $(pids)
    result "$sentence" "$wrong"
}
host=$(hostname)
others='sleep 60'

ends "a rank that exits ends the others" 3 5 "rank 1 of 3 on $host failed first: exit status 3" -- "[ \$R = 1 ] && exit 3; $others"
ends "its last words are told" 3 5 "failed first" -- "[ \$R = 1 ] && { echo out of luck >&2; exit 3; }; $others"
grep -qx 'trireme run: rank 1 said: out of luck' err || result "which they are" "not in err"
ends "a rank that is killed ends the others" 137 5 "rank 2 of 3 on $host failed first: killed by signal 9 (Killed)" -- "[ \$R = 2 ] && kill -KILL \$\$; $others"
ends "ranks that ignore SIGTERM end too" 3 5 "rank 0 of 3 on $host failed first" -- "trap '' TERM; [ \$R = 0 ] && exit 3; while :; do sleep 1; done"
ends "a stopped rank ends too" 3 5 "rank 0 of 3 on $host failed first" -- "[ \$R = 0 ] && { sleep 0.5; exit 3; }; kill -STOP \$\$; $others"
ends "so do the children of ranks" 3 5 "rank 0 of 3" -- "[ \$R = 0 ] && { sleep 0.3; exit 3; }; sleep 60 & echo \$! >pid.child\$R; wait"
ends "an mpirun that hangs does not matter" 3 8 "rank 1 of 3 on $host failed first: exit status 3" -- "[ \$R = 1 ] && { kill -STOP \$(ps -o ppid= -p \$PPID); exit 3; }; $others"
ends "who says why is to blame, not who fails with it" 1 5 "rank 2 of 3 on $host failed first: exit status 1" -- \
    "[ \$R = 2 ] && { echo 'trireme: rank 2 of 3 on $host: lr is nan' >&2; sleep 0.5; exit 1; }; sleep 0.3; exit 1"
grep -qx 'trireme run: rank 2 said: lr is nan' err || result "and what it said is told" "not in err"
ends "a program that is no program is said" 126 5 "failed first: exit status 126" -- "exec $folder"
ends "a job that goes well says nothing" 0 10 "" -- "exit 0"
[ -s err ] && result "nothing at all" "err is not empty"

# with the library: rank 1 goes wrong while the others wait in a collective
library() { # SENTENCE WAY STATUS HOW TEXT
    local wrong='' status began
    began=$(now_ms)
    timeout -k 1 60 "$trireme" run -q -n 3 --oversubscribe "$program" "$2" >out 2>err </dev/null
    status=$?
    [ "$status" = "$3" ] || wrong="exit status $status, not $3"
    [ $(($(now_ms) - began)) -le 5000 ] || wrong="took $(($(now_ms) - began)) ms"
    [ "$2" = well ] || tail -n 1 err | grep -qF "rank 1 of 3 on $host failed first: $4" || wrong="the last line is not '$4'"
    case $(tail -n 1 err) in *"rank 1 of 3 on $host failed first: with the error told above") wrong= ;; esac # mpirun was faster
    [ -z "${5:-}" ] || grep -q "^trireme run: rank 1 said: $5" err || wrong="it did not say '$5'"
    result "$1" "$wrong"
}
if [ -x "$program" ]; then
    library "ranks that meet and part are no failure" well 0 ""
    library "a rank killed in a collective is named" kill 137 "killed by signal 9 (Killed)"
    library "a rank that crashes is named" crash 134 "killed by signal 6 (Aborted)"
    library "a rank that leaves early is named" exit 3 "exit status 3" "exited with status 3 before tr_dist_finish"
    library "a rank with an error is named, with its error" error 1 "exit status 1" "tr_matmul: (2, 3) float32 @ (2, 3) float32"
    # what the report of the others says of rank 1, or all say
    stuck() { # SENTENCE WAY LAST-LINE: with # for a number
        local wrong='' status began
        began=$(now_ms)
        TRIREME_TIMEOUT=2 timeout -k 1 60 "$trireme" run -q -n 3 --oversubscribe "$program" "$2" >out 2>err </dev/null
        status=$?
        [ $status = 1 ] || wrong="exit status $status, not 1"
        [ $(($(now_ms) - began)) -le 14000 ] || wrong="took $(($(now_ms) - began)) ms"
        tail -n 1 err | sed -E 's/#[0-9]+/#/g; s/process [0-9]+/process #/' | grep -qF "$3" || wrong="the last line is not '$3'"
        result "$1" "$wrong"
    }
    late="rank 1 of 3 on $host failed first: after 2 s (TRIREME_TIMEOUT) it has not come to # comparison (all_reduce float32 (1000,)) at launcher_ranks.c:38: its process #"
    stuck "a rank that is stopped is named, and that it is" stop "trireme run: $late is stopped (as by kill -STOP or a debugger), "
    stuck "so is one in an endless loop" loop "trireme run: $late is alive and runs code of its own (an endless loop, "
    stuck "where all say the same, nobody is blamed" miss "trireme run: all 3 ranks: tr_"
    # ranks 1 and 2 of the job call each other 0 and 1
    apart() { # SENTENCE WAY LAST-LINE
        local wrong='' status
        TRIREME_TIMEOUT=2 timeout -k 1 60 "$trireme" run -q -n 3 --oversubscribe "$program" "$2" apart >out 2>err </dev/null
        status=$?
        [ $status != 0 ] && [ $status != 124 ] || wrong="exit status $status"
        tail -n 1 err | grep -qF "trireme run: $3" || wrong="the last line is not '$3'"
        result "$1" "$wrong"
    }
    apart "one that is stuck in a communicator of the program's own has the job's number" stop "rank 2 of 3 (1 of 2 in its communicator) on $host failed first: after 2 s"
    apart "so has one whose error another passes on" error "rank 2 of 3 (1 of 2 in its communicator) on $host failed first: "
    apart "where all of them say the same, no others are meant" miss "all 2 ranks of a communicator: tr_"
    # rank 1 does not come to tr_dist_init, where the others wait inside MPI
    absent() { # SENTENCE WAY WORDS COMMAND...
        local sentence=$1 way=$2 words=$3 wrong='' status began
        shift 3
        began=$(now_ms)
        TRIREME_TIMEOUT=2 timeout -k 1 60 "$@" "$program" "$way" >out 2>err </dev/null
        status=$?
        [ $status = 1 ] || wrong="exit status $status, not 1"
        [ $(($(now_ms) - began)) -le 14000 ] || wrong="took $(($(now_ms) - began)) ms"
        grep -qF -e "$words" err || wrong="not told: $words"
        result "$sentence" "$wrong"
    }
    run=("$trireme" run -q -n 3 --oversubscribe)
    absent "a rank that is stopped before tr_dist_init is named" stop-before \
        "rank 1 of 3 on $host failed first: after 5 s (TRIREME_TIMEOUT) it has not come to tr_dist_init(), where others wait: its program is stopped" "${run[@]}"
    absent "so is one in an endless loop" loop-before "where others wait: its program runs (an endless loop" "${run[@]}"
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    absent "under mpirun too" loop-before \
        "rank 0 of 3 on $host ends all ranks: after 5 s (TRIREME_TIMEOUT) rank 1 of this host has not come to tr_dist_init()" mpirun -n 3 --oversubscribe
else
    echo "skipped: claims that need the library's ranks"
fi

# throws SENTENCE HOW WORDS COMMAND...: C++ code throws on rank 1 while the others are in a collective
throws() {
    local sentence=$1 how=$2 words=$3 wrong='' status began
    shift 3
    began=$(now_ms)
    timeout -k 1 60 "$@" "$thrower" "$how" >out 2>err </dev/null
    status=$?
    [ "$status" != 0 ] && [ "$status" != 124 ] || wrong="exit status $status"
    [ $(($(now_ms) - began)) -le 5000 ] || wrong="took $(($(now_ms) - began)) ms"
    grep -qF -e "$words" err || wrong="not told: $words"
    for _ in {1..20}; do pgrep -f "$thrower" >lives || break && sleep 0.1; done
    [ -s lives ] && wrong="a rank lives on"
    grep -qF 'the mesh has a hole' err || wrong="what was thrown is not told"
    result "$sentence" "$wrong"
}
thrower=$TRIREME_BIN/../tests/launcher_throws
if [ -x "$thrower" ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    run=("$trireme" run -q -n 3 --oversubscribe)
    bare=(mpirun -n 3 --oversubscribe)
    throws "an exception that nobody catches ends all ranks" uncaught "trireme run: rank 1 of 3 on $host failed first" "${run[@]}"
    throws "so does one that main catches" caught "trireme run: rank 1 of 3 on $host failed first" "${run[@]}"
    throws "under bare mpirun too" uncaught "rank 1 " "${bare[@]}" # told by mpirun or by the other ranks, whoever is faster
    throws "either of them" caught "trireme: rank 1 of 3 on $host: exited with status 4 before tr_dist_finish" "${bare[@]}"
else
    echo "skipped: claims that need a C++ compiler and the library's ranks"
fi

# told SENTENCE SIGNAL STATUS SECONDS SCRIPT: trireme run gets the signal when all ranks run
told() {
    local sentence=$1 signal=$2 want=$3 limit=$4 wrong='' status began job
    rm -f pid.*
    "$trireme" run -q -n 2 --oversubscribe ${6:+$6} bash -c "echo \$\$ >pid.\$$rank; $5" >out 2>err &
    job=$!
    for _ in {1..200}; do [ "$(pids | wc -w)" = 2 ] && break || sleep 0.05; done
    sleep 0.3
    began=$(now_ms)
    kill "-$signal" $job
    { wait $job; } 2>/dev/null
    status=$?
    [ "$status" = "$want" ] || wrong="exit status $status, not $want"
    [ $(($(now_ms) - began)) -le $((limit * 1000)) ] || wrong="took $(($(now_ms) - began)) ms"
    # shellcheck disable=SC2046 # one word for each process
    for _ in {1..20}; do alive $(pids) && sleep 0.1 || break; done
    # shellcheck disable=SC2046 # one word for each process
    alive $(pids) && wrong="a rank lives on" && kill -KILL $(pids)
    result "$sentence" "$wrong"
}
set -m # or background jobs would ignore SIGINT
told "SIGTERM ends everything" TERM 143 5 'exec sleep 60'
told "SIGINT ends everything" INT 130 5 'exec sleep 60'
told "ranks that do not heed it are killed" TERM 143 6 'trap "" TERM; while :; do sleep 1; done'
told "SIGKILL ends everything" KILL 137 5 'exec sleep 60'
told "ranks that leave in order say so by their status" TERM 5 5 'trap "sleep 0.5; exit 5" TERM; while :; do sleep 0.1; done'
told "ranks that were told to stop, and stop, have not failed" USR1 75 5 'trap "sleep 0.\$OMPI_COMM_WORLD_RANK; exit 75" USR1; while :; do sleep 0.1; done' --max-restarts=2
says_it_stopped() { grep -qx "trireme run: told to stop$1, and stopped: start it again to go on" err && ! grep -e "failed first" -e "restart " err; }
says_it_stopped " by SIGUSR1" || result "which is what is said" "it is not"
told "nor have they by SIGTERM" TERM 75 5 'trap "exit 75" TERM; while :; do sleep 0.1; done'
says_it_stopped " by SIGTERM" || result "which is said, too" "it is not"
told "a longer grace is granted" TERM 5 9 'trap "sleep 3; exit 5" TERM; while :; do sleep 0.1; done' --grace=6
set +m

# restarts SENTENCE STATUS STARTS OPTION SCRIPT: the job is started so often
restarts() {
    local wrong='' status
    rm -f starts
    timeout -k 1 60 "$trireme" run -q -n 2 --oversubscribe $4 bash -c "[ \$$rank = 0 ] && echo \"\$TRIREME_RESTART\" >>starts; $5" >out 2>err </dev/null
    status=$?
    [ "$status" = "$2" ] || wrong="exit status $status, not $2"
    [ "$(tr '\n' ' ' <starts)" = "$3" ] || wrong="the starts are $(tr '\n' ' ' <starts), not $3"
    result "$1" "$wrong"
}
restarts "a job that fails is not restarted unasked" 3 "0 " "" "[ \$$rank = 1 ] && { sleep 0.5; exit 3; }; sleep 60"
restarts "restarts end after K" 3 "0 1 2 " --max-restarts=2 "sleep 0.5; exit 3"
grep -q 'restart 1 of 2' err && tail -n 1 err | grep -q 'no restart is left of 2' || result "which is said" "not in err"
restarts "they end when the job goes well" 0 "0 1 " --max-restarts=5 "sleep 0.5; [ \$TRIREME_RESTART = 1 ]"
restarts "ranks that say they were told to stop are not started again, whoever told them" 75 "0 " --max-restarts=5 "sleep 0.\$$rank; exit 75"
says_it_stopped "" || result "nor blamed" "they are"
restarts "one that says so while others go on has failed" 75 "0 " "" "[ \$$rank = 1 ] && exit 75; sleep 60"
restarts "one that fails then is the first" 4 "0 " "" "[ \$$rank = 1 ] && exit 75; sleep 0.7; exit 4"
restarts "a usage error is not tried again" 2 "0 " --max-restarts=5 "sleep 0.5; exit 2"
restarts "a program that is not there neither" 127 "0 " --max-restarts=5 "sleep 0.5; exit 127"
"$trireme" run -q --max-restarts=3 -n 2 --oversubscribe bash -c 'echo x >>interrupted; sleep 60' >out 2>err &
sleep 1
kill -TERM $!
wait $!
[ "$(wc -l <interrupted)" = 2 ]
result "nor a job that was told to end" "$([ "$(wc -l <interrupted)" = 2 ] || echo "it was")"

# output
"$trireme" run -q -n 2 --oversubscribe --tag-output bash -c "for i in {1..2000}; do printf 'line %d of rank %d ' \$i \$$rank; echo end; done; printf last" >out 2>err
result "lines stay whole" "$(grep -vxE '\[([01])\] (line [0-9]+ of rank \1 end|last)' out | head -n 1)"
result "and none is lost" "$([ "$(wc -l <out)" = 4002 ] || wc -l <out)"
"$trireme" run -q -n 2 --oversubscribe bash -c "for i in {1..2000}; do echo line \$i of rank \$$rank end; done" >out 2>err
result "without tags too" "$(grep -vxE 'line [0-9]+ of rank [01] end' out | head -n 1)"
"$trireme" run -q -n 2 --oversubscribe --log-dir logs bash -c "echo rank \$$rank; echo error >&2; sleep 0.\$$rank; exit \$$rank" >out 2>err
result "each rank has its log" "$([ "$(cat logs/rank-0.log)" = $'rank 0\nerror' ] && grep -qx 'rank 1' logs/rank-1.log || echo "$(ls logs)")"
result "and the log of the failed one is named" "$(grep -q 'logs/rank-1.log' err || echo "it is not")"
printf 'one\ntwo\n' | "$trireme" run -q -n 2 --oversubscribe cat >out 2>err
result "what stands on standard input goes to rank 0" "$([ "$(cat out)" = $'one\ntwo' ] || echo "not so")"

# a reader that goes away, and one that reads nothing
timeout 20 "$trireme" run -q -n 2 --oversubscribe yes | head -n 1 >out
result "a reader that goes away ends the job" "$([ "${PIPESTATUS[0]}" != 124 ] || echo "it does not")"
mkfifo unread
exec 9<>unread
"$trireme" run -q -n 2 --oversubscribe yes >unread 2>err &
job=$!
sleep 1
kill -TERM $job
for _ in {1..120}; do alive $job && sleep 0.1 || break; done # SIGTERM, SIGKILL, and mpirun, two seconds each
result "one that reads nothing does not keep the job from ending" "$(! alive $job || { kill -KILL $job; echo "it does"; })"

[ "$failures" = 0 ] || echo "$failures failed"
[ "$failures" = 0 ]
