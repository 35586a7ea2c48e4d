#!/bin/sh
# The program in the README is the one that is built.
set -eu
root=$(dirname "$0")/..
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$root/README.md" | diff - "$root/examples/mnist.c"
