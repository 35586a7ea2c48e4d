#!/usr/bin/env bash
# sanitized.sh TOOL PROGRAM...: one of compute-sanitizer's tools over programs, four at a time, which is what a GPU and its
# machine bear. Each has two minutes and a folder of its own; what it found is printed when it ends. "ordered" is memcheck
# that looks at the order of streams, too: memory used before it is there, or after it was given back.
# Options as compute-sanitizer 2025.3 (CUDA 13.0) knows them.
set -u
if [ "$1" != --one ]; then
    tool=$1
    shift
    printf '%s\n' "$@" | xargs -P 4 -I '{}' bash "$0" --one "$tool" '{}'
    exit
fi

tool=$2 program=$3 start=$SECONDS status=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
# What a call of the runtime says is looked at by who calls: tests run out of memory on purpose. Each program and its
# children want ports of their own, ten by default for all.
options=(--error-exitcode 1 --print-limit 20 --report-api-errors no --max-connections 64)
case $tool in
ordered) options+=(--tool memcheck --track-stream-ordered-races all) ;;
*) options+=(--tool "$tool") ;;
esac
# The limit makes a group of processes of its own, which who ends this one would not reach.
timeout --kill-after=5 120 compute-sanitizer "${options[@]}" "$program" >said 2>&1 </dev/null &
trap 'kill $!; exit 143' TERM
wait $! || status=$?
# A program that begins nothing on a device is an error of its own.
if grep -q 'before first instrumented API call' said && grep -q '^skipped' said; then status=77; fi
what="$tool, $(basename "$program") ($((SECONDS - start)) s)"
case $status in
0) echo "ok      $what" ;;
77) echo "SKIPPED $what: $(tail -1 said)" ;;
124 | 137) printf 'FAILED  %s: it was stopped\n%s\n' "$what" "$(tail -n 40 said)" ;;
*) printf 'FAILED  %s: status %s\n%s\n' "$what" $status "$(tail -n 80 said)" ;;
esac
[ $status = 0 ] || [ $status = 77 ]
