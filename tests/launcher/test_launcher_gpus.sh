#!/usr/bin/env bash
# trireme topo where there are GPUs: the bus is a folder of files, NVIDIA's management library is played
# ($TRIREME_NVML_LIBRARY, played_nvml.c).
set -u
# shellcheck source=tests/launcher/claim.sh
. "$(dirname "$0")/claim.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
unset CUDA_VISIBLE_DEVICES
gpu() { # BUS NUMA-NODE: a GPU on the bus of ./machine
    local device=machine/sys/bus/pci/devices/$1
    mkdir -p "$device" "machine/proc/driver/nvidia/gpus/$1"
    echo 0x030200 >"$device/class"
    echo 0x10de >"$device/vendor"
    echo 0x2330 >"$device/device"
    echo "$2" >"$device/numa_node"
    printf 'Model: \t\t NVIDIA H100 80GB HBM3\n' >"machine/proc/driver/nvidia/gpus/$1/information"
}
gpu 0000:17:00.0 0
gpu 0000:65:00.0 0
gpu 0000:99:00.0 1
gpu 0000:ca:00.0 1
# TRIREME_CUDA_LIBRARY says that ranks compute on GPUs, whatever the build; no device is found behind it
topo() { env "TRIREME_TEST_ROOT=$folder/machine" TRIREME_CUDA_LIBRARY=/nowhere "HWLOC_SYNTHETIC=pack:2 [numa(memory=270582939648)] core:8 pu:1" "$trireme" topo "$@"; }
"$trireme" info | grep -q 'from hwloc' || skip "built without hwloc"

claim "GPUs are told with memory and node" 0 "GPUs       4" " 0  0000:17:00.0  NVIDIA H100 80GB HBM3, 79.6 GiB, NUMA node 0" \
    " 3  0000:ca:00.0  NVIDIA H100 80GB HBM3, 79.6 GiB, NUMA node 1" -- env PLAYED_NVML=gpus=4 bash -c "$(declare -f topo); folder='$folder' trireme='$trireme' topo"
export PLAYED_NVML=gpus=4
claim "and what joins them" 0 "       NVLink 2 to 0, 2 to 2, 2 to 3" -- topo
PLAYED_NVML="gpus=4 switch unlinked=1"
claim "through a switch, or not" 0 "NVLink 18 to a switch" "NVLink 9 to a switch, 9 not connected" -- topo
PLAYED_NVML="gpus=4"
claim "a rank is started for each, beside it" 0 "4 ranks would sit" "     2  synthetic          1      4        4    2  8-11" -- topo
claim "of those that programs see" 0 "1 rank would sit" "CUDA_VISIBLE_DEVICES=3" "    0  0-15" -- env CUDA_VISIBLE_DEVICES=3 "TRIREME_TEST_ROOT=$folder/machine" \
    TRIREME_CUDA_LIBRARY=/nowhere "HWLOC_SYNTHETIC=pack:2 [numa] core:8 pu:1" "$trireme" topo
claim "nobody is warned where all are near" 1 -- bash -c "$(declare -f topo); folder='$folder' trireme='$trireme' topo | grep warning"
export CUDA_VISIBLE_DEVICES=2,3
claim "a GPU far from its rank's cores is a warning" 0 "warning: rank 1: its GPU (0000:ca:00.0) is beside NUMA node 1, its cores are not" "would mend it" -- topo -n 2
unset CUDA_VISIBLE_DEVICES
PLAYED_NVML="fail=9"
claim "without its driver the bus tells what it knows" 0 " 0  0000:17:00.0  NVIDIA H100 80GB HBM3, NUMA node 0" -- topo
PLAYED_NVML="gpus=4 switch unlinked=1"
claim "it fits 80 columns" 0 -- bash -c "$(declare -f topo); folder='$folder' trireme='$trireme' topo | awk '!/no device/ && length > 80 { exit 1 }'"

[ "$failures" = 0 ] || echo "$failures failed"
[ "$failures" = 0 ]
