#!/bin/bash
# docs_program.sh CC PAGE INCLUDE LIBRARY: the C of a page is one program, which compiles without a warning, learns, and goes on
# where it was when it is started again.
set -eu
compiler=$1 page=$2 include=$3 library=$4
rm -rf run ./*.safetensors
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$page" >program.c
"$compiler" -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Werror -I"$include" program.c -o program "$library" -Wl,-rpath,"${library%/*}" -lm
awk 'BEGIN {
    print "size,rooms,age,price"
    for (i = 0; i < 300; i++) {
        size = 30 + i * 71 % 170; rooms = 1 + i * 13 % 6; age = i * 29 % 80
        print size "," rooms "," age "," (2.5 * size + 10 * rooms - 0.8 * age) / 300
    }
}' >houses.csv
./program | tee whole
best=$(sed -n 's/^epoch [0-9]*: \(.*\), the best so far$/\1/p' whole | tail -n 1)
awk -v best="$best" 'BEGIN { exit !(best > 0 && best < 0.02) }' || { echo "it learns to $best only"; exit 1; }
[ -s best.safetensors ] || { echo "the best model is not there"; exit 1; }

epochs=$(grep -c '^epoch' whole)
[ "$epochs" -gt 2 ] || { echo "it stopped after $epochs epochs"; exit 1; }
last=$(find run -name '*.json' | sort | tail -n 1)
rm -f "$last" # as if it had been killed within its last epoch
./program | tee rest
grep -q '^goes on behind step' rest || { echo "it does not go on"; exit 1; }
diff <(tail -n 1 whole) <(tail -n 1 rest) || { echo "it ends otherwise than the whole run"; exit 1; }
