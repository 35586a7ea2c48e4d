#!/bin/bash
# mpi_calls.sh ROOT
# One file of the library calls MPI and knows its types; in all others MPI_ stands in words alone.
set -u
cd "$1" || exit 1

one=dist/mpi_calls.c wrong=0
for file in {core,kernels,autograd,io,nn,data,report,dist}/{,*/}*.[ch]; do
    if [ ! -e "$file" ] || [ "$file" = $one ]; then continue; fi
    # without comments and strings
    found=$(tr '\n' '\1' <"$file" | sed -E 's|/\*([^*]\|\*+[^*/])*\*+/||g; s|"(\\.\|[^"\\])*"|""|g' | tr '\1' '\n' | grep -nE '\bMPI_[A-Za-z]|<mpi\.h>')
    [ -z "$found" ] || { wrong=$((wrong + 1)); echo "$file:"; echo "$found"; }
done
calls=$(grep -cE '\bMPI_[A-Z][a-z]+_?[a-z]*[a-z_]*\(' $one)
echo "$calls lines of $one call MPI, $wrong other files do"
[ "$calls" -gt 20 ] && [ $wrong = 0 ]
