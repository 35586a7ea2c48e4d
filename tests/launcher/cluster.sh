# Several hosts on one machine, for tests of what crosses a network; to be sourced.
#
#   cluster_may              whether this machine lets us; else it says why not
#   cluster_up N MBIT US     makes the hosts ${hosts[@]}: network namespaces with links of MBIT each way and US microseconds of
#                            delay on top; settings for Open MPI; $folder/on_host HOST COMMAND... stands for ssh
#   cluster_run COMMAND...   on the first host, in $folder
#   cluster_down             also when the shell exits
#
# What runs on the hosts is more important than the rest of the machine (nice); $ahead says how else: "chrt -r 1" is ahead of
# everything, for times that hold on a busy machine.  Ranks on too few cores spend theirs on yielding to each other.
# Without a delay the links are pairs on a bridge with token buckets at both ends: a host may send 100 microseconds' worth at
# once, then the rate binds.  With one, packets are carried by tests/cable, since not every kernel delays them itself.
# Needs $TRIREME_BIN, root, iproute2, util-linux and Open MPI.
# shellcheck shell=bash

hosts=() folder='' carrier=''

cluster_may() {
    command -v mpirun >/dev/null && mpirun --version | grep -q 'Open MPI' || { echo "needs Open MPI's mpirun"; return 1; }
    [ "$(id -u)" = 0 ] && command -v ip >/dev/null && command -v tc >/dev/null && command -v unshare >/dev/null ||
        { echo "needs root, ip, tc and unshare for hosts of its own"; return 1; }
    ip netns add "trireme-$$-try" 2>/dev/null || { echo "may not make network namespaces here"; return 1; }
    ip netns exec "trireme-$$-try" unshare --uts --ipc --mount true 2>/dev/null
    local entered=$?
    ip netns del "trireme-$$-try"
    [ $entered = 0 ] || { echo "may not enter network namespaces here"; return 1; }
}

cluster_down() {
    local host pid
    for host in "${hosts[@]}" "trireme-$$-switch"; do
        for pid in $(ip netns pids "$host" 2>/dev/null); do kill -KILL "$pid"; done
        ip netns del "$host"
        rm -rf "/etc/netns/$host"
    done 2>/dev/null
    [ -z "$carrier" ] || kill "$carrier" 2>/dev/null
    [ -z "$folder" ] || rm -rf "$folder"
    hosts=() folder='' carrier=''
}

# shellcheck disable=SC2016 # what on_host is to expand
cluster_up() {
    local mbit=$2 delay_us=$3 host number name
    cluster_down
    trap cluster_down EXIT
    folder=$(mktemp -d)
    for number in $(seq "$1"); do hosts+=("trireme-$$-$number"); done
    for host in "${hosts[@]}"; do
        ip netns add "$host" || return 1
        ip -n "$host" link set lo up
        mkdir -p "/etc/netns/$host"
        {
            echo "127.0.0.1 localhost"
            for number in $(seq "$1"); do echo "10.84.0.$number ${hosts[number - 1]}"; done
        } >"/etc/netns/$host/hosts"
    done
    if [ "$delay_us" = 0 ]; then cluster_bridge "$mbit"; else cluster_cable "$mbit" "$delay_us"; fi || return 1
    number=1
    for host in "${hosts[@]}"; do
        ip -n "$host" addr add "10.84.0.$((number++))/24" dev eth0 && ip -n "$host" link set eth0 up || return 1
        ip netns exec "$host" sysctl -qw net.ipv4.tcp_slow_start_after_idle=0 net.ipv4.tcp_congestion_control=reno 2>/dev/null
    done
    for number in $(seq 2 "$1"); do cluster_answers "10.84.0.$number" || return 1; done
    printf '%s\n' '#!/bin/sh' 'host=$1' 'shift' \
        'exec ip netns exec "$host" unshare --uts --ipc --mount sh -c '\''hostname "$1"; mount -t tmpfs tmpfs /dev/shm; shift; exec '"${ahead:-nice -n -15}"' sh -c "$*"'\'' sh "$host" "$@"' \
        >"$folder/on_host"
    chmod +x "$folder/on_host"
    for name in $(compgen -e | grep -E '^(OMPI_MCA_(pml|btl)|OMP_|GOMP_|TRIREME_LAUNCHER|TRIREME_RESTART|SLURM_)'); do unset "$name"; done
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_plm=rsh OMPI_MCA_plm_rsh_agent=$folder/on_host
    export OMPI_MCA_plm_rsh_no_tree_spawn=1 OMPI_MCA_oob_tcp_if_include=eth0 OMPI_MCA_btl_tcp_if_include=eth0
    export OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,vader,tcp OMPI_MCA_mpi_yield_when_idle=1 # the hosts share this machine's cores
}

# Whether the first host reaches that address within seconds: a link that has just been set up may carry nothing yet.
cluster_answers() {
    for _ in {1..100}; do
        ip netns exec "${hosts[0]}" env LC_ALL=C timeout 1 bash -c ": </dev/tcp/$1/9" 2>&1 | grep -q refused && return 0 || sleep 0.05
    done
    return 1
}

cluster_bridge() {
    local mbit=$1 switch=trireme-$$-switch burst=$(($1 * 25 / 2)) number=1 host
    [ "$burst" -ge 4000 ] || burst=4000
    ip netns add "$switch" && ip -n "$switch" link add br0 type bridge && ip -n "$switch" link set br0 up || return 1
    for host in "${hosts[@]}"; do
        ip -n "$host" link add eth0 type veth peer name "p$number" netns "$switch" &&
            ip -n "$switch" link set "p$number" master br0 up &&
            tc -n "$host" qdisc add dev eth0 root tbf rate "${mbit}mbit" burst $burst limit 4mb &&
            tc -n "$switch" qdisc add dev "p$number" root tbf rate "${mbit}mbit" burst $((burst * 4)) limit 4mb || return 1
        number=$((number + 1))
    done
}

cluster_cable() {
    local host
    "$TRIREME_BIN/../tests/cable" "$1" "$2" "${hosts[@]}" &
    carrier=$!
    for host in "${hosts[@]}"; do
        for _ in {1..100}; do ip -n "$host" link show eth0 >/dev/null 2>&1 && continue 2 || sleep 0.05; done
        return 1
    done
}

cluster_run() { "$folder/on_host" "${hosts[0]}" "cd $folder && exec $*"; }
