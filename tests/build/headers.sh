#!/bin/bash
# headers.sh INCLUDE: every public header compiles by itself, as C11 and as C++17, without a warning.
include=$1
wrong=0
try() { # compiler language standard header
    command -v "$1" >/dev/null || return 0
    "$1" -x "$2" -std="$3" -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -I"$include" \
        - <<<"#include <trireme/$4>" || { echo "$4: $1 -std=$3 refuses it"; wrong=$((wrong + 1)); }
}
for header in "$include"/trireme/*.h; do
    name=${header##*/}
    try gcc c c11 "$name"
    try clang c c11 "$name"
    try g++ c++ c++17 "$name"
    try clang++ c++ c++17 "$name"
done
echo "$wrong refused"
[ $wrong = 0 ]
