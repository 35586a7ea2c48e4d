#!/usr/bin/env bash
# killed.sh PROGRAM MPIEXEC...: a rank is killed while gradients travel from devices, and the job ends in time.
program=$1
shift
TRIREME_TIMEOUT=60 timeout -k 5 40 "$@" "$program" >output.txt 2>&1
status=$?
if [ $status = 77 ]; then exit 77; fi
if [ $status = 0 ] || [ $status = 124 ] || [ $SECONDS -ge 40 ] || ! grep -q "rank 1 .*signal 9" output.txt; then
    cat output.txt
    echo "status $status after $SECONDS s: expected an end with a word on rank 1 and signal 9 within 40 s"
    exit 1
fi
