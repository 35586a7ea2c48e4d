#!/usr/bin/env bash
# CTEST LABELS mpi
# Variables that cannot mean what they say are refused, by name.
set -u
digits=$TRIREME_BIN/digits
[ -x "$digits" ] || { echo "no $digits"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export TRIREME_PROGRESS=none
failures=0

refuses() { # refuses MESSAGE COMMAND...
    local message=$1
    shift
    if timeout 30 "$@" >out 2>&1 || ! grep -qF -e "$message" out; then
        echo "FAILED  $* is refused with: $message"
        sed 's/^/        | /' out
        failures=$((failures + 1))
    else
        echo "ok      $message"
    fi
}
for value in abc -5 1e3 ' 5' 5x 99999999999999999999; do
    refuses "TRIREME_LEDGER=$value: expected a whole number from 0 to" env "TRIREME_LEDGER=$value" "$digits" --epochs 1
done
for value in x 0 -1 1e6; do
    refuses "TRIREME_TRACE_EVENTS=$value: expected a whole number from 1 to" \
        env TRIREME_TRACE=trace "TRIREME_TRACE_EVENTS=$value" "$digits" --epochs 1
done
if command -v mpirun >path; then
    refuses "TRIREME_LEDGER=abc: expected" env TRIREME_LEDGER=abc "$TRIREME_BIN/trireme" run -q --oversubscribe -n 2 "$digits" --epochs 1
    refuses "TRIREME_TRACE_EVENTS=x: expected" \
        env TRIREME_TRACE=trace TRIREME_TRACE_EVENTS=x "$TRIREME_BIN/trireme" run -q --oversubscribe -n 2 "$digits" --epochs 1
fi
for value in '' 0 100; do
    TRIREME_LEDGER=$value "$digits" --epochs 1 >out 2>&1 || { echo "FAILED  TRIREME_LEDGER=$value is taken"; cat out; failures=$((failures + 1)); }
done
# The manual has each of our variables once.
page=$TEST_DIR/../docs/environment.md
for variable in $(grep -oE '^\| `[A-Z_]+`(, `[A-Z_]+`)*' "$page" | grep -oE '[A-Z_]+' | sort | uniq -d); do
    echo "FAILED  docs/environment.md has $variable once"
    failures=$((failures + 1))
done
cd "$TEST_DIR/.." || exit 1
for variable in $(grep -rhoE '"TRIREME_[A-Z_]+"' --include='*.c' core kernels autograd io nn data report dist launcher | tr -d '"' | sort -u); do
    grep -qE "^\| .*\`$variable\`.* \|" "$page" || {
        echo "FAILED  docs/environment.md has $variable"
        failures=$((failures + 1))
    }
done
exit $((failures > 0))
