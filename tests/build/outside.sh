#!/bin/bash
# outside.sh cmake|pkgconfig c|cxx PREFIX DIST CMAKE SOURCE
# Builds and runs somebody else's program against the installed tree, in the current folder.
set -eu
way=$1 language=$2 prefix=$3 dist=$4 cmake=$5 source=$6
case $language in
c) compiler=${CC:-cc} file=program.c flags=-std=c11 ;;
cxx) compiler=${CXX:-c++} file=program.cpp flags=-std=c++17 ;;
esac
command -v "$compiler" >/dev/null || { echo "no $compiler here"; exit 77; }

rm -rf build program
if [ "$way" = cmake ]; then
    "$cmake" -S "$source" -B build -DCMAKE_PREFIX_PATH="$prefix" -DLANGUAGE="$language" -DDIST="$dist"
    "$cmake" --build build
    build/program
else
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name trireme.pc)")
    export PKG_CONFIG_PATH
    packages=(trireme)
    if [ "$dist" = 1 ]; then packages+=(trireme-dist); fi
    [ "$(pkg-config --modversion trireme)" != "" ]
    read -ra cflags <<<"$(pkg-config --cflags "${packages[@]}")"
    read -ra libs <<<"$(pkg-config --libs "${packages[@]}")"
    [ "$dist" = 1 ] && cflags+=(-DDIST)
    "$compiler" "$flags" -Wall -Wextra -Wpedantic -Werror "${cflags[@]}" "$source/$file" -o program "${libs[@]}"
    LD_LIBRARY_PATH=$(pkg-config --variable=libdir trireme) ./program
fi
