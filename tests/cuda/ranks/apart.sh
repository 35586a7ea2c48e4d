#!/bin/bash
# PROGRAM...: a rank whose GPU NCCL takes for one on a host of its own, so that ranks that share a GPU meet by it.
export NCCL_HOSTID=rank${OMPI_COMM_WORLD_RANK:-0}
exec "$@"
