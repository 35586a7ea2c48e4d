# What the tests of trireme run share beside claim.sh. To be sourced. Needs Open MPI's mpirun.
# shellcheck shell=bash disable=SC2034 # who sources this uses it
# shellcheck source=tests/launcher/claim.sh
. "$(dirname "${BASH_SOURCE[0]}")/claim.sh"
program=$TRIREME_BIN/../tests/launcher_ranks # goes wrong on rank 1 as it is told
rank='OMPI_COMM_WORLD_RANK'
command -v mpirun >/dev/null && mpirun --version | grep -q 'Open MPI' || skip "needs Open MPI's mpirun"

now_ms() { echo $(($(date +%s%N) / 1000000)); }
