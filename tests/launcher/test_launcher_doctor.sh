#!/usr/bin/env bash
# trireme doctor on one host: this one, and one with GPUs, whose bus is a folder of files and whose driver and devices are
# played ($TRIREME_NVML_LIBRARY, played_nvml.c; $PLAYED_DEVICES, played_device.c).
set -u
# shellcheck source=tests/launcher/claim.sh
. "$(dirname "$0")/claim.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
for name in $(compgen -e | grep -E '^(OMP_|GOMP_|TRIREME_TIMEOUT|TRIREME_TRANSPORT|SLURM_|CUDA_|HWLOC_)'); do unset "$name"; done
# a stand-in for the program that sums on the ranks, which is another test's matter: the job is what it says
mkdir bin
cp "$trireme" bin/
ln -s "$TRIREME_BIN/../lib" lib
printf '#!/bin/sh\necho "${JOB:-check ranks 2 hosts 1 device cpu 2e-06 0.001 shared memory}"\nexit ${STATUS:-0}\n' >bin/trireme-bench-worker
chmod +x bin/trireme-bench-worker
printf '#!/bin/sh\n[ "$1" = --version ] && { echo "mpirun (Open MPI) ${FAKE:-4.1.4}"; exit; }\n[ -z "${BREAKS-}" ] || { printf -- "-----\\nmpirun was unable to\\n\\nmake a folder.\\n-----\\n" >&2; exit 1; }\nwhile [ "$1" != rank ]; do last=$1; shift; done\nexec env OMPI_COMM_WORLD_LOCAL_RANK=0 OMPI_COMM_WORLD_RANK=0 "$last" "$@"\n' >mpirun
chmod +x mpirun
doctor=(env "PATH=$folder:$PATH" "$folder/bin/trireme" doctor)
line() { grep -qE "^  $1 +$2 +$3" out || { echo "no line: $1 $2 $3"; }; }
# this machine without whatever GPUs it has
mkdir -p bare/dev bare/sys
ln -s /proc bare/proc && ln -s /sys/fs bare/sys/fs && ln -s /dev/shm bare/dev/shm
none=(env "TRIREME_TEST_ROOT=$folder/bare" TRIREME_NVML_LIBRARY=/nowhere TRIREME_CUDA_LIBRARY=/nowhere)
look() { "${none[@]}" "${doctor[@]}" "$@" >out 2>err </dev/null; status=$?; }

claim "help explains it, in 80 columns" 0 "usage: trireme doctor" "Exits with 0" -- "${doctor[@]}" --help
claim "which fits" 0 -- bash -c "'$trireme' doctor --help | awk 'length > 80 { exit 1 }'"
claim "an argument is a usage error" 2 err "'here': no argument" -- "${doctor[@]}" here
claim "hosts stand in one place" 2 err "one of the two" -- "${doctor[@]}" --hosts a --hostfile b
claim "a list of hosts is checked" 2 err "trireme doctor: 'a:none' is no host" -- "${doctor[@]}" --hosts a:none

look -n 1 --oversubscribe
result "one rank anywhere is looked at" "$([ $status -le 1 ] && line ok trireme 0.1.0; line ok cores '[0-9]+ usable of'; line '(ok|warning)' memory '.* available of'; line '(ok|warning)' /dev/shm '.* free of'; line '(ok|warning)' memlock '')"
result "without GPUs there is one line of them" "$(line ok GPUs 'none.*: ranks compute on their cores'; [ "$(grep -c 'GPU\|CUDA\|NCCL' out)" = 1 ] || echo "there are more")"
result "sums that are right are told with their times" "$(line ok job 'sums over 2 ranks of 1 host on cpu are right: 2 us for'; grep -q '1 ms for 4 MiB; shared memory' out || echo 'no times')"
result "in 80 columns" "$(awk 'length > 80' out)"
look -n 60000
result "more ranks than cores are a problem" "$([ $status = 3 ] || echo "status $status"; line PROBLEM cores '60000 ranks, but this job may use'; grep -q -- '-> fewer ranks' out || echo 'no advice'; tail -n 1 out | grep -q 'problem' || echo 'not counted')"
look -n 60000 --oversubscribe --start-timeout 1
result "and a warning if they are wanted" "$(line warning cores '60000 ranks on')"
if "$trireme" info | grep -q 'MPI        no'; then
    echo "skipped: claims on the MPI that the library was built with"
else
    STATUS=7 JOB='trireme run: rank 1 said: a sum is wrong' look -n 1
    result "a job that fails is a problem, with what it said" "$([ $status = 3 ] || echo "status $status"; line PROBLEM job 'fails with status 7: trireme run: rank 1 said: a sum is')"
    told() { tr '\n' ' ' <out | sed 's/ \+/ /g' | grep -qF "$1" || echo "not told: $1"; }
    BREAKS=1 look -n 1
    result "and so is an mpirun that ends, with what it wrote" "$([ $status = 3 ] || echo "status $status"; told "mpirun ended with status 1 before all ranks had started, and wrote: mpirun was unable to make a folder.")"
    BREAKS=1 look --hosts nosuchhost:1
    result "on the way to a host, too" "$([ $status = 3 ] || echo "status $status"; told "start trireme run: $folder/mpirun ended with status 1"; told "and wrote: mpirun was unable to make a folder.")"
fi
rm bin/trireme-bench-worker
look -n 1
result "a trireme that is not whole is told" "$([ $status = 1 ] || echo "status $status"; line warning job 'not tried')"

[ -f "${PLAYED_DEVICES:-}" ] && [ -f "${TRIREME_NVML_LIBRARY:-}" ] || skip "no played devices"
for bus in 0000:17:00.0 0000:65:00.0; do
    mkdir -p "machine/sys/bus/pci/devices/$bus" "machine/proc/driver/nvidia/gpus/$bus" machine/dev/shm
    for pair in class=0x030200 vendor=0x10de device=0x2330 numa_node=0; do echo "${pair#*=}" >"machine/sys/bus/pci/devices/$bus/${pair%=*}"; done
    printf 'Model: \t\t NVIDIA H100 80GB HBM3\n' >"machine/proc/driver/nvidia/gpus/$bus/information"
done
none=()
gpus() { # SENTENCE WHAT-IS-PLAYED STATUS LINE... [-- OPTION...]: each "GRADE SUBJECT TEXT"
    local sentence=$1 nvml=$2 want=$3 wrong='' one
    local -a lines=()
    shift 3
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        lines+=("$1")
        shift
    done
    shift
    PLAYED_NVML=$nvml PLAYED_DEVICE=${nvml#*|} TRIREME_TEST_ROOT=$folder/machine TRIREME_CUDA_LIBRARY=$PLAYED_DEVICES look -n 1 "$@"
    [ $status = "$want" ] || wrong="status $status, not $want"
    for one in "${lines[@]}"; do
        read -r grade subject text <<<"$one"
        tr '\n' ' ' <out | sed 's/ \+/ /g' | grep -qE " $grade $subject $text" || wrong="no line: $one"
    done
    result "$sentence" "$wrong"
}
gpus "GPUs in order are told" "gpus=2|devices=2" 1 "ok driver 580.65.06, for CUDA up to 13.0" "ok CUDA 13.0" "ok devices 2 x NVIDIA H100 80GB HBM3, 79.6 GiB, sm_90" \
    "ok peers every device reaches" --
cp out sound
gpus "a driver that is too old is a problem" "gpus=2 cuda=12040 driver=550.1 |devices=2" 3 "ok driver 550.1, for CUDA up to 12.4" "PROBLEM CUDA libtrireme-cuda runs on CUDA 13.0, the driver serves up to 12.4" --
gpus "so is one that does not run" "fail=9|devices=0" 3 "PROBLEM driver Driver Not Loaded -> install" "PROBLEM devices none: no CUDA-capable device is detected" --
gpus "heat is a warning" "gpus=2 hot=1|devices=2" 1 "warning clocks GPU 1 \(0000:65:00.0\) runs at 900 of 1980 MHz: it is too hot -> look at fans" --
gpus "memory that others hold, too" "gpus=2 busy=0|devices=2" 1 "warning GPU memory GPU 0 \(0000:17:00.0\): 40 GiB of 79.6 GiB in use, by 3 processes" --
gpus "and a driver that does not stay" "gpus=2 unsteady=0|devices=2" 1 "warning driver GPU 0 .* every start waits for it -> systemctl enable" --
gpus "and lanes that are missing" "gpus=2 narrow=1|devices=2" 1 "warning PCIe GPU 1 .* has 4 of 16 lanes" --
gpus "and NVLinks that are down" "gpus=2 unlinked=1|devices=2" 1 "warning NVLink GPU 1 .* has 1 of 2 links up" --
gpus "memory errors are a problem" "gpus=2 ecc=1|devices=2" 3 "PROBLEM ECC GPU 1 .*: 5 memory errors that could not be corrected" --
gpus "rows to be replaced are a warning" "gpus=2 worn=0|devices=2" 1 "warning ECC GPU 0 .* waits for a reset" --
gpus "a GPU that lets nobody compute is a problem" "gpus=2 prohibited=0|devices=2" 3 "PROBLEM GPU mode GPU 0 .* lets nobody compute -> nvidia-smi -c DEFAULT" --
gpus "a GPU that did not start is missed" "gpus=2|devices=1" 1 "warning devices 1 of the 2 GPUs on the bus" --
export CUDA_VISIBLE_DEVICES=1
gpus "unless it was hidden" "gpus=2|devices=1" 1 "ok devices 1 of the 2 GPUs on the bus: CUDA_VISIBLE_DEVICES=1" --
unset CUDA_VISIBLE_DEVICES
gpus "peers that do not reach each other are told" "gpus=1|devices=2 alone" 1 "ok peers no device reaches another's memory" --
gpus "and warned of where NVLinks join them" "gpus=2|devices=2 alone" 1 "warning peers devices reach each other's memory in 0 of 2 pairs" --
gpus "copies are compared and timed" "gpus=2|devices=2" 1 "copies from the host: " "copies to the host: " "copies between devices: .* GB/s" -- --full
result "but not by default" "$(grep copies sound)"
gpus "a copy between devices that arrives wrong is a problem" "gpus=2|devices=2 wrong=1" 3 "PROBLEM copies cuda:0 to cuda:1: 1 of 8388608 words arrive wrong -> switch IOMMU" -- --full
gpus "so is one to a device and back" "gpus=2|devices=1 lost=0" 3 "PROBLEM copies cuda:0 and the host: 1 of 8388608 words come back wrong" -- --full
gpus "and one that fails" "gpus=2|devices=2 fails=0" 3 "PROBLEM copies cuda:1 to cuda:0: CUDA: peer access is not supported" -- --full
gpus "a slow pair is a warning" "gpus=2|devices=3 slow=2" 1 "warning copies between devices: one at " -- --full
result "what is told of GPUs fits 80 columns" "$(awk 'length > 80' out sound)"

[ "$failures" = 0 ] || echo "$failures failed"
[ "$failures" = 0 ]
