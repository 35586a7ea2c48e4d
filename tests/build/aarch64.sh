#!/bin/bash
# aarch64.sh SOURCES FLOOR... -- FOLDER:FOLDER...: floors compile for a processor that is not x86-64, without a warning.
# Needs a compiler for one and its C library's headers (Debian, Ubuntu: apt install gcc-aarch64-linux-gnu); those of other
# libraries are this machine's.
compiler=aarch64-linux-gnu-gcc
command -v $compiler >/dev/null || { echo "skipped: no $compiler"; exit 77; }
cd "$1" || exit 1
shift
flags=(-std=gnu17 -fsyntax-only -fopenmp -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -I. -Iinclude)
files=()
while [ "$1" != -- ]; do
    mapfile -t -O ${#files[@]} files < <(find "$1" -name '*.c' -not -path '*/cuda/*')
    shift
done
shift
mapfile -t outer < <(printf '%s\n' "${@//:/$'\n'}" /usr/include)
for folder in "${outer[@]}"; do flags+=(-idirafter "$folder"); done

wrong=0
for file in "${files[@]}"; do
    level=()
    [[ $file == */levels/* ]] && level=(-DKERNEL_LEVEL=generic)
    $compiler "${flags[@]}" "${level[@]}" "$file" || wrong=$((wrong + 1))
done
echo "$wrong of ${#files[@]} files refused"
[ $wrong = 0 ] && [ ${#files[@]} -gt 100 ]
