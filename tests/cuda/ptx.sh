#!/bin/bash
# ptx.sh NVCC KERNELS FOLDER:FOLDER...
# In float32, nvcc makes approximate or flushing instructions of no row but those whose function CUDA brings.
set -u
nvcc=$1 kernels=$2
IFS=: read -ra folders <<<"$3"
flags=(-std=c++17 -arch=sm_90 -ptx -fmad=false -ftz=false -prec-div=true -prec-sqrt=true)
theirs=" tan log2 log10 "

wrong=0
for file in rows rows_backward; do
    "$nvcc" "${flags[@]}" "${folders[@]/#/-I}" "$kernels/$file.cu" -o $file.ptx || exit 1
    entries=$(grep -c '\.entry' $file.ptx)
    found=$(awk '/\.entry/ { name = $NF } /\.approx|\.ftz/ { print name }' $file.ptx | sort -u | sed 's/(.*//' | c++filt |
        grep -oE '::[a-z0-9]+_(value|derivative)_f32' | sed -E 's/^:://; s/_(value|derivative)_f32$//' | sort -u)
    echo "$file: $entries kernels; approximate in float32: ${found//$'\n'/ }"
    [ "$entries" -gt 200 ] || wrong=1
    [[ $file != rows || " ${found//$'\n'/ } " == *" tan "* ]] || wrong=1 # it looks where there is something to see
    for row in $found; do
        [[ $theirs == *" $row "* ]] || { wrong=1; echo "$row should be exact"; }
    done
done
exit $wrong
