#!/bin/bash
# harness.sh PROGRAM SOURCE: each bad_ test fails by itself, the good ones pass, also right after a failure.
program=$1 source=$2
wrong=0
expect() { # status filter
    "$program" "$2" >output 2>&1
    local status=$?
    [ $status = "$1" ] || { echo "$2: status $status, not $1"; cat output; wrong=$((wrong + 1)); }
}
tests=$(grep -o '^TEST([a-z_]*' "$source" | cut -c6-)
for test in $tests; do
    case $test in
    bad_*) expect 1 "$test" ;;
    good_*) expect 0 "$test" ;;
    *) expect 77 "$test" ;;
    esac
done
expect 1 no_such_test
expect 1 scope # a failing test among good ones
grep -q 'OK \] good_scopes' output || { echo "a failure spoilt its neighbour"; wrong=$((wrong + 1)); }
echo "$(wc -w <<<"$tests") tests, $wrong wrong"
[ $wrong = 0 ]
