#!/usr/bin/env bash
# `trireme info` names the level of the kernels that the library chooses. Needs $TRIREME_BIN, the folder it was built in.
set -u
trireme=$TRIREME_BIN/trireme
library=$TRIREME_BIN/../tests/test_kernels_level
[ -x "$trireme" ] || { echo "no $trireme"; exit 77; }
failures=0
for cap in "" v2 v3 v4 generic banana; do
    export TRIREME_CPU_LEVEL=$cap
    [ "$cap" ] || unset TRIREME_CPU_LEVEL
    said=$("$trireme" info | sed -nE 's/^ *kernels +(x86-64-)?([a-z0-9]+).*/\2/p')
    chosen=$("$library" the_choice_is_told 2>&1 | sed -n 's/^level //p')
    if [ "$said" ] && [ "$said" = "$chosen" ]; then
        echo "ok      with TRIREME_CPU_LEVEL '$cap' both say $said"
    else
        echo "FAILED  with TRIREME_CPU_LEVEL '$cap' info says '$said', the library chooses '$chosen'"
        failures=$((failures + 1))
    fi
done
[ $failures = 0 ]
