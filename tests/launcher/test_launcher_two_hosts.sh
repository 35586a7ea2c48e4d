#!/usr/bin/env bash
# CTEST LABELS patient
# trireme run over two hosts: network namespaces of this machine with a cable between them, which is cut.
# Needs root, iproute2 and util-linux, too.
# shellcheck disable=SC2154 # claims.sh sets them
set -u
. "$(dirname "$0")/claims.sh"
[ "$(id -u)" = 0 ] && command -v ip >/dev/null && command -v unshare >/dev/null || skip "needs root, ip and unshare for hosts of its own"
a=trireme-a$$ b=trireme-b$$
ip netns add $a 2>/dev/null || skip "may not make network namespaces here"
folder=$(mktemp -d)
cleanup() {
    for host in $a $b; do
        for pid in $(ip netns pids $host 2>/dev/null); do kill -KILL "$pid"; done
        ip netns del $host
        rm -rf "/etc/netns/$host"
    done 2>/dev/null
    rm -rf "$folder"
}
trap cleanup EXIT
cd "$folder" || exit 1
for name in $(compgen -e | grep -E '^(OMPI_MCA_(pml|btl)|OMP_|GOMP_|TRIREME_LAUNCHER|TRIREME_RESTART|SLURM_)'); do unset "$name"; done

ip netns add $b && ip -n $a link add eth0 type veth peer name eth0 netns $b 2>/dev/null || skip "may not join network namespaces here"
number=1
for host in $a $b; do
    mkdir -p "/etc/netns/$host"
    printf '127.0.0.1 localhost\n10.83.0.1 %s\n10.83.0.2 %s\n' $a $b >"/etc/netns/$host/hosts"
    ip -n $host addr add 10.83.0.$((number++))/24 dev eth0
    ip -n $host link set lo up
    ip -n $host link set eth0 up
done
# stands for ssh: on_host HOST COMMAND...
cat >on_host <<'EOF'
#!/bin/sh
host=$1
shift
exec ip netns exec "$host" unshare --uts --ipc --mount sh -c 'hostname "$1"; mount -t tmpfs tmpfs /dev/shm; shift; exec sh -c "$*"' sh "$host" "$@"
EOF
chmod +x on_host
./on_host $b true >/dev/null 2>&1 || skip "may not enter network namespaces here"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_plm=rsh OMPI_MCA_plm_rsh_agent=$folder/on_host
export OMPI_MCA_oob_tcp_if_include=eth0 OMPI_MCA_btl_tcp_if_include=eth0

left() { # programs and daemons that still run on a host
    local pid
    for pid in $(ip netns pids "$1"); do
        case $(cat "/proc/$pid/comm" 2>/dev/null) in sleep | launcher_ranks | orted | prted | trireme | mpirun) echo -n "$pid $(cat /proc/$pid/comm) " ;; esac
    done
}
run() { ./on_host $a "cd $folder; exec timeout -k 1 60 $trireme run --oversubscribe $*" >out 2>err </dev/null; }
script() { # what every rank runs
    printf '#!/bin/bash\nR=$%s\n%s\n' "$rank" "$1" >program
    chmod +x program
}

script 'echo "$R on $(hostname) $MINE $OMP_NUM_THREADS $TRIREME_RESTART $TRIREME_LAUNCHER"'
MINE=yes run --hosts $a:1,$b:1 --threads 1 -x MINE ./program
result "ranks start on both hosts, with their settings" "$(printf "0 on %s yes 1 0 \n1 on %s yes 1 0 \n" $a $b | diff - <(sort out) | head -n 3)"
result "the table tells of both" "$(grep -qE "^ +1 +$b " err && grep -qE "^ +0 +$a " err || echo "it does not")"
run --hosts $a:2,$b:2 -n 3 -q ./program
result "three ranks fill two hosts" "$(cut -d ' ' -f 1,3 out | sort | tr '\n' ' ' | grep -vx "0 $a 1 $a 2 $b ")"
printf '%s slots=1\n%s:1\n' $b $a >list
run --hostfile list -q ./program
result "a hostfile gives the hosts" "$(cut -d ' ' -f 3 out | sort | tr '\n' ' ' | grep -vx "$a $b ")"

# stands for Slurm's srun, as mpirun calls it: srun --nodelist=a,b ... orted ...
mkdir slurm
cat >slurm/srun <<'EOF'
#!/bin/bash
for word; do case $word in --nodelist=*) list=${word#*=} ;; esac done
while [[ $1 == --* ]]; do shift; done
id=0
for host in ${list//,/ }; do SLURM_NODEID=$((id++)) "$ON_HOST" "$host" "$(printf '%q ' "$@")" & done
wait
EOF
chmod +x slurm/srun
slurm_run() (
    unset OMPI_MCA_plm OMPI_MCA_plm_rsh_agent
    export ON_HOST=$folder/on_host PATH=$folder/slurm:$PATH SLURM_JOB_ID=7 SLURM_JOBID=7 SLURM_JOB_NUM_NODES=2 SLURM_NNODES=2
    export SLURM_NODELIST=$a,$b SLURM_JOB_NODELIST=$a,$b SLURM_TASKS_PER_NODE=2,1 SLURM_NTASKS=3
    run "$@"
)
slurm_run -q ./program
result "in a Slurm allocation srun starts what is on the other host" "$(cut -d ' ' -f 1,3 out | sort | tr '\n' ' ' | grep -vx "0 $a 1 $a 2 $b ")"

script '[ $R = 1 ] && { sleep 0.5; kill -KILL $$; }; exec sleep 60'
began=$(now_ms)
run --hosts $a:1,$b:1 ./program
status=$?
result "a rank killed on the other host ends the job" "$([ $status = 137 ] && [ $(($(now_ms) - began)) -le 6000 ] || echo "status $status after $(($(now_ms) - began)) ms")"
result "which the last line says" "$(tail -n 1 err | grep -vx "trireme run: rank 1 of 2 on $b failed first: killed by signal 9 (Killed)")"

# With the library's ranks: rank 1, alone on its host, keeps rank 0 waiting.
stuck() { # SENTENCE WAY REPORT...
    local sentence=$1 way=$2 wrong='' status began
    shift 2
    began=$(now_ms)
    TRIREME_TIMEOUT=2 TRIREME_CHECK=0 ${bare:-run --hosts $a:1,$b:1 -q} "$program" "$way"
    status=$?
    [ $status != 0 ] && [ $status != 124 ] || wrong="status $status"
    [ $(($(now_ms) - began)) -le 12000 ] || wrong="took $(($(now_ms) - began)) ms"
    grep -qF "trireme: rank 0 of 2 on $a ends all ranks: after 2 s (TRIREME_TIMEOUT) rank 1 on $b " err || wrong="rank 1 is not named"
    for text; do grep -qF "$text" err || wrong="not told: $text"; done
    [ -n "${bare:-}" ] || tail -n 1 err | grep -F "trireme run: rank 1 of 2 on $b failed first: after 2 s (TRIREME_TIMEOUT) it " | grep -qF "$1" ||
        wrong="the last line does not name it, or not why"
    result "$sentence" "$wrong"
}
mpirun_bare() { ./on_host $a "cd $folder; exec timeout -k 1 60 mpirun -n 2 --host $a:1,$b:1 -x TRIREME_TIMEOUT -x TRIREME_CHECK --oversubscribe $*" >out 2>err </dev/null; }
if [ -x "$program" ]; then
    for bare in "" mpirun_bare; do
        stuck "a stopped rank on the other host is named${bare:+ under mpirun}" stop " does not answer, though its host does: it is stopped"
        stuck "so is an endless loop" loop " has not come to #" " is alive and runs code of its own" "trireme:   rank 1 on $b, process "
        stuck "and a missed collective" miss " asks for #" " where others ask for #"
    done
    TRIREME_TIMEOUT=2 run --hosts $a:1,$b:1 -q "$program" stop-before
    result "a rank that does not come to tr_dist_init on the other host is named" "$(tail -n 1 err |
        grep -vF "rank 1 of 2 on $b failed first: after 5 s (TRIREME_TIMEOUT) it has not come to tr_dist_init(), where others wait: its program is stopped")"
else
    echo "skipped: claims that need the library's ranks"
fi

cut_cable() { # SECONDS-AFTER-THE-START SENTENCE AND-ITS-NAME AND-NOTHING-IS-LEFT: b's cable, while ./program runs on both
    rm -f started.*
    {
        for _ in {1..100}; do [ -e started.0 ] && [ -e started.1 ] && break || sleep 0.1; done
        sleep "$1"
        ip -n $b link set eth0 down
        now_ms >cut_at
    } &
    run --hosts $a:1,$b:1 --host-timeout 2 ./program
    status=$?
    took=$(($(now_ms) - $(cat cut_at)))
    result "$2" "$([ $status = 1 ] && [ $took -le 9000 ] || echo "status $status, $took ms after the cut")"
    result "$3" "$(tail -n 1 err | grep -q "^trireme run: rank 1 of 2 on $b failed first: no word from its host for 2 s" || echo "it is not")"
    for _ in {1..100}; do [ -n "$(left $a)$(left $b)" ] && sleep 0.1 || break; done
    result "$4" "$(left $a)$(left $b)"
    ip -n $b link set eth0 up
}
script 'echo $R >started.$R; exec sleep 60'
cut_cable 0 "a cable that is cut ends the job" "and the host is named" "nothing is left on either host"
if [ -x "$program" ]; then # rank 0 waits in a collective after 3 s
    script 'echo $R >started.$R; exec '"$program loop"
    cut_cable 3 "so does one that is cut in a collective" "with the host's name" "and nothing is left on either"
fi

script 'echo $R >started.$R; exec sleep 60'
rm -f started.*
{
    for _ in {1..100}; do [ -e started.0 ] && [ -e started.1 ] && break || sleep 0.1; done
    for pid in $(ip netns pids $b); do kill -KILL "$pid"; done 2>/dev/null
    now_ms >cut_at
} &
run --hosts $a:1,$b:1 ./program
status=$?
took=$(($(now_ms) - $(cat cut_at)))
result "a host on which everything is killed ends the job" "$([ $status != 0 ] && [ $status != 124 ] && [ $took -le 9000 ] || echo "status $status, after $took ms")"
result "and it is named" "$(tail -n 1 err | grep -q "^trireme run: rank 1 of 2 on $b failed first: " || echo "it is not")"
result "and nothing is left on the other" "$(sleep 1; left $a)"
ip -n $b link set eth0 down

began=$(now_ms)
run --hosts $a:1,$b:1 --start-timeout 3 ./program
status=$?
result "a host that is not there ends the start" "$([ $status != 0 ] && [ $(($(now_ms) - began)) -le 12000 ] || echo "status $status after $(($(now_ms) - began)) ms")"
result "and nothing is left of it" "$(left $a)$(left $b)"

[ "$failures" = 0 ] || echo "$failures failed"
[ "$failures" = 0 ]
