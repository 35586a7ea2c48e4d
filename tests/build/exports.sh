#!/bin/bash
# exports.sh NM LIBRARY...: each exports something, and nothing that is not tr_*.
nm=$1
shift
for library in "$@"; do
    names=$("$nm" -D --defined-only "$library" | awk '{ print $NF }') || exit 1
    other=$(grep -v '^tr_' <<<"$names")
    [ -n "$names" ] || { echo "$library exports nothing"; exit 1; }
    [ -z "$other" ] || { echo "$library exports what is not its own:"; echo "$other"; exit 1; }
    echo "${library##*/}: $(wc -l <<<"$names") names"
done
