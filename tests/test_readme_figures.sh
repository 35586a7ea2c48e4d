#!/bin/sh
# The README's figures are those of the last whole run of ./dev bench.
set -eu
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
python3 -B "$(dirname "$0")/../benchmarks/readme.py"
