#!/usr/bin/env bash
# The trireme command as a user types it. Needs $TRIREME_BIN, the folder it was built in.
set -u
# shellcheck source=tests/launcher/claim.sh
. "$(dirname "$0")/claim.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
for name in $(compgen -e | grep -E '^(OMPI_|PMIX_|PRTE_|OMP_|GOMP_|NCCL_|TRIREME_[A-Z]*|COLUMNS|HWLOC_|SLURM_)'); do unset "$name"; done

# a stand-in for mpirun: tells how it was called
mkdir fake
printf '#!/bin/sh\necho "called: $*"\necho "yield=$OMPI_MCA_mpi_yield_when_idle threads=$OMP_NUM_THREADS pml=$OMPI_MCA_pml spin=$GOMP_SPINCOUNT"\nexit 5\n' >fake/mpirun
chmod +x fake/mpirun
touch plain
with_fake=(env "PATH=$folder/fake:$PATH" "$trireme")
on() { env "HWLOC_SYNTHETIC=$1" "PATH=$folder/fake:$PATH" "$trireme" "${@:2}"; }
with_hwloc() { "$trireme" info | grep -q 'from hwloc'; }

alive() { # one of these processes runs, and is not a zombie
    local pid
    for pid; do grep -q '^State:.[^ZX]' "/proc/$pid/status" 2>/dev/null && return 0; done
    return 1
}
leaves_of_a_killed_run() { # what is wrong with the folder own, if anything
    local job
    "${in_own[@]}" 'echo ready; exec sleep 60' >ready 2>err &
    job=$!
    for _ in {1..600}; do [ "$(wc -l <ready)" = 2 ] && break || sleep 0.05; done
    [ -n "$(ls own)" ] || echo "there was no folder"
    kill -KILL $job
    wait $job 2>/dev/null
    for _ in {1..600}; do [ -z "$(ls own)" ] && break || sleep 0.05; done
    ls own
}
ranks_end_with_their_mpirun() {
    local mpirun
    "$trireme" run -q -n 2 --oversubscribe sh -c 'echo $$; exec sleep 60' >pids &
    mpirun=$!
    for _ in {1..100}; do [ "$(wc -l <pids)" = 2 ] && break || sleep 0.05; done
    mapfile -t ranks <pids
    kill -KILL $mpirun
    for _ in {1..20}; do alive "${ranks[@]}" && sleep 0.05 || return 0; done
    kill -KILL "${ranks[@]}"
    return 1
}

claim "help lists the commands" 0 "run " "topo " "info " -- "$trireme"
claim "help explains a command" 0 "usage: trireme run" "--oversubscribe" -- "$trireme" help run
claim "--help too" 0 "usage: trireme run" -- "$trireme" --help run
claim "one at a time" 2 err "'x': one command" -- "$trireme" help run x
claim "nor does what mpirun starts speak as another" 2 err "trireme rank: needs SHARES -- program" -- "$trireme" rank
claim "every command has --help" 0 "usage: trireme topo" -- "$trireme" topo --help
claim "the version is told" 0 "trireme 0." -- "$trireme" --version
claim "an unknown command is a usage error" 2 err "no command 'jump'" "usage:" -- "$trireme" jump
claim "an unknown option is a usage error" 2 err "no option --jump" "--help" -- "$trireme" run --jump true
claim "an unknown letter is named" 2 err "no option -z" -- "$trireme" run -qz true
claim "a value that is missing is a usage error" 2 err "-n needs a value" -- "$trireme" run -n
claim "a number that is none is a usage error" 2 err "-n two: a whole number from 1 to 65536" -- "$trireme" run -n two true
claim "no ranks at all is a usage error" 2 err "-n 0" -- "$trireme" run -n 0 true
claim "run wants a program" 2 err "no program named" -- "$trireme" run -n 1
claim "topo takes no argument" 2 err "'here'" -- "$trireme" topo here
claim "a list of hosts is checked" 2 err "'a:none' is no host" -- "$trireme" run --hosts a:none,b true
claim "a hostfile is checked" 2 err "nosuchfile: No such file" -- "$trireme" run --hostfile nosuchfile true
claim "that it can be read, too" 2 err "/: Is a directory" -- "$trireme" run --hostfile / true
claim "hosts stand in one place" 2 err "one of the two" -- "$trireme" run --hosts a --hostfile plain true
claim "more ranks than slots are refused" 2 err "3 ranks, but the hosts have 2 slots" -- "$trireme" run -n 3 --hosts a:1,b:1 true
claim "ranks are dealt out over hosts" 5 "called: -n 3 --host a:2,b:1 --bind-to none --map-by slot -x TRIREME_LAUNCHER" "rank auto -- true" -- "${with_fake[@]}" run -n 3 --hosts a:2,b:2 true
claim "between hosts Open MPI chooses the transport" 5 "pml= " -- "${with_fake[@]}" run --hosts a,b true
claim "hosts get the settings of the library, NCCL and OpenMP" 5 "-x NCCL_DEBUG" "-x OMP_PROC_BIND" "-x TRIREME_CHECK" "-x MINE=1 " -- \
    env NCCL_DEBUG=info OMP_PROC_BIND=true TRIREME_CHECK=1 "${with_fake[@]}" run --hosts a,b -x MINE=1 true
claim "this host alone is not several" 5 "--host localhost:1 --bind-to none" -- "${with_fake[@]}" run --hosts "$(hostname):1" true
slurm=(env SLURM_JOB_ID=7 SLURM_JOB_NUM_NODES=3 "SLURM_JOB_NODELIST=n[08-10]" "SLURM_TASKS_PER_NODE=2(x2),1" SLURM_NTASKS=5)
claim "a Slurm allocation gives the hosts" 5 "called: -n 5 --host n08:2,n09:2,n10:1 " err "5 ranks on 3 hosts" -- "${slurm[@]}" "${with_fake[@]}" run true
claim "and a number of ranks cuts it" 5 "called: -n 2 --host n08:2 " -- "${slurm[@]}" "${with_fake[@]}" run -n 2 true
claim "one host of Slurm's gives the number" 5 "called: -n 1 --host localhost:1 " -- env SLURM_JOB_NUM_NODES=1 SLURM_NTASKS=1 SLURM_JOB_NODELIST=n1 "${with_fake[@]}" run true
claim "a program that is missing is not found" 127 err "no program 'nosuch'" -- "$trireme" run nosuch
claim "a program without ./ is found out" 127 err "did you mean ./called ?" -- bash -c "cp /bin/true called; '$trireme' run called"
claim "a file that is no program cannot be executed" 126 err "./plain is not an executable" -- "$trireme" run ./plain
claim "rank by hand is refused" 2 err "no local rank" -- "$trireme" rank 0 -- true
claim "info tells what was found" 0 "built with" "compiler" "found here" "ranks meet" -- "$trireme" info
claim "info says why there is no CUDA device" 0 "CUDA       no device: /nowhere" -- env TRIREME_CUDA_LIBRARY=/nowhere "$trireme" info
claim "info tells the level that the library chooses" 0 "kernels    $(grep -q avx2 /proc/cpuinfo && echo "x86-64-v2 (SSE4.2); TRIREME_CPU_LEVEL holds it below")" -- \
    env TRIREME_CPU_LEVEL=v2 "$trireme" info
claim "topo shows the job's share" 0 "This job may use" "1 rank would sit" -- "$trireme" topo -n 1
claim "topo refuses what run refuses" 2 err "--oversubscribe" -- "$trireme" topo -n 60000

claim "mpirun's status is ours" 5 "called: -n 1 --host localhost:1 --bind-to none" err "1 rank on" -- "${with_fake[@]}" run -n 1 true
claim "-np is understood" 5 "called: -n 1 " -- "${with_fake[@]}" run -np 1 true
claim "arguments of the program are left alone" 5 "-- true -n 7 --quiet" -- "${with_fake[@]}" run -q -n 1 true -n 7 --quiet
claim "no shares, no binding" 5 "--bind-to none $trireme rank none -- true" -- "${with_fake[@]}" run --no-bind -n 1 true
claim "the caller's threads stand" 5 "threads=7" -- env OMP_NUM_THREADS=7 "${with_fake[@]}" run -n 1 true
claim "threads soon stop spinning" 5 "spin=10000" -- "${with_fake[@]}" run -n 1 --threads 2 true
claim "unless the caller says how they wait" 5 "spin=77" -- env GOMP_SPINCOUNT=77 "${with_fake[@]}" run -n 1 --threads 2 true
claim "--threads stands above them" 5 "threads=1" -- env OMP_NUM_THREADS=7 "${with_fake[@]}" run -n 1 --threads 1 true
claim "the caller's transport stands" 5 "pml=cm" -- env OMPI_MCA_pml=cm "${with_fake[@]}" run -n 1 true
claim "waiting ranks yield when oversubscribed" 5 "yield=1" -- "${with_fake[@]}" run -n 99 --oversubscribe true
claim "and only then" 5 "yield= " -- "${with_fake[@]}" run -n 1 true
claim "quiet is quiet" 0 -- bash -c "PATH=/nowhere '$trireme' run -q -n 1 /bin/true 2>&1 >/dev/null | /usr/bin/wc -c | /bin/grep -qx 0"
claim "without mpirun one rank still runs" 3 -- env "PATH=/nowhere" "$trireme" run -q -n 1 /bin/sh -c 'exit 3'
claim "with the variables it was given" 0 "yes" -- env "PATH=/nowhere" "$trireme" run -q -n 1 -x MINE=yes /bin/sh -c 'echo $MINE'
claim "help fits 80 columns" 0 -- bash -c "for c in run topo info trace; do '$trireme' \$c --help; done | awk 'length > 80 { exit 1 }'"
claim "without mpirun more ranks need a package" 127 err "openmpi-bin" -- env "PATH=/nowhere" "$trireme" run --oversubscribe -n 3 /bin/sh
claim "an mpirun of one's own is taken" 5 "called: " -- env TRIREME_MPIRUN="$folder/fake/mpirun" PATH=/nowhere "$trireme" run -n 1 /bin/true
claim "dry-run runs nothing" 0 "mpirun -n 1" "--bind-to none" -- "$trireme" run -n 1 --dry-run false
claim "what dry-run prints is what would run" 5 "called: " "-- true it's a \$HOME" -- \
    bash -c "PATH='$folder/fake:$PATH' '$trireme' run -q -n 1 --dry-run true \"it's\" 'a \$HOME' | bash"

if command -v taskset >/dev/null; then
    first=$(taskset -cp $$ | sed 's/.*: *\([0-9]*\).*/\1/')
    claim "a narrower affinity is never widened" 0 "Cpus_allowed_list:	$first" -- \
        taskset -c "$first" env OMPI_COMM_WORLD_LOCAL_RANK=0 "$trireme" rank 0-8191 -- \
        sh -c 'grep -x "Cpus_allowed_list:.[0-9]*" /proc/self/status'
    claim "shares are cut from a narrower affinity" 5 "rank $first:$first -- true" -- taskset -c "$first" "${with_fake[@]}" run -n 2 --oversubscribe true
fi

if command -v script >/dev/null; then
    claim "ranks are told of the terminal" 0 "TRIREME_PROGRESS=bar" -- \
        env TERM=xterm script -qec "PATH='$folder/fake:$PATH' '$trireme' run -q -n 1 --dry-run true" /dev/null
fi
claim "and of none where there is none" 0 -- bash -c "'$trireme' run -n 1 --dry-run true | grep -c PROGRESS | grep -qx 0"

if with_hwloc; then
    claim "shares follow the topology" 5 "rank 0-1,4-5:2-3,6-7 -- true" "threads=2" -- on "pack:2 [numa] core:2 pu:2(indexes=0,4,1,5,2,6,3,7)" run true
    claim "too many ranks are refused" 2 err "4 ranks, but this job may use 2 cores" "--oversubscribe" -- on "core:2 pu:1" run -n 4 true
    claim "topo fits 80 columns" 0 -- bash -c "HWLOC_SYNTHETIC='pack:2 [numa(memory=270582939648)] l3:2 core:16 pu:2' '$trireme' topo -n 8 | awk 'length > 80 { exit 1 }'"
    claim "a share of CPUs that are not there is said, and run" 0 err "not bound" "CPUs" -- env OMPI_COMM_WORLD_LOCAL_RANK=0 "$trireme" rank 8000 -- true
else
    echo "skipped: claims on imagined machines (built without hwloc)"
fi

if command -v mpirun >/dev/null && mpirun --version | grep -q 'Open MPI'; then
    claim "ranks know their number" 0 "0 of 2" "1 of 2" -- "$trireme" run -n 2 --oversubscribe sh -c 'echo $OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE'
    claim "each rank is bound to its share" 0 -- bash -c "
        cpus=\$('$trireme' run -q -n 1 --dry-run true | tr -d '\\\\\\n' | sed 's/.*rank *\\([^ ]*\\) .*/\\1/')
        '$trireme' run -q -n 1 sh -c 'grep Cpus_allowed_list /proc/self/status' | grep -qx \"Cpus_allowed_list:.\$cpus\""
    claim "ranks end with their mpirun" 0 -- ranks_end_with_their_mpirun
    claim "a rank's exit status is ours" 9 -- "$trireme" run -q -n 2 --oversubscribe sh -c 'exit 9'
    mkdir own
    in_own=(env "TMPDIR=$folder/own" "$trireme" run -q -n 2 --oversubscribe sh -c)
    claim "mpirun's files stand in a folder of the job" 0 "$folder/own/trireme-" "/ompi." -- "${in_own[@]}" 'ls -d $TMPDIR/trireme-*/ompi.*'
    result "which goes with it" "$(ls own)"
    result "also where mpirun is killed" "$("${in_own[@]}" '[ $OMPI_COMM_WORLD_RANK = 1 ] || kill -KILL $(ps -o ppid= -p $PPID); sleep 30' >out 2>err && echo "no failure"; ls own)"
    result "or trireme run itself" "$(leaves_of_a_killed_run)"
    claim "one that the user names is taken" 0 "$folder/own/ompi." -- env "OMPI_MCA_orte_tmpdir_base=$folder/own" "${in_own[@]}" 'ls -d $TMPDIR/*'
    result "and no other is made" "$(grep trireme- out)"
    claim "a batch system's slots do not count" 0 "0 of 2" -- env SLURM_JOB_ID=1 SLURM_JOBID=1 SLURM_NODELIST=elsewhere \
        SLURM_JOB_NODELIST=elsewhere SLURM_TASKS_PER_NODE=1 SLURM_NNODES=1 \
        "$trireme" run -n 2 --oversubscribe sh -c 'echo $OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE'
else
    echo "skipped: claims that need Open MPI's mpirun"
fi

[ "$failures" = 0 ] || echo "$failures failed"
[ "$failures" = 0 ]
