#!/bin/bash
# floors.sh CC ROOT FLOOR=FOLDER:FOLDER...
# An include of the own floor or one below compiles; an include upwards or sideways does not.
set -u
cc=$1 root=$2
shift 2

declare -A below=(
    [core]="core"
    [kernels]="core kernels"
    [autograd]="core kernels autograd"
    [io]="core io"
    [nn]="core kernels autograd io nn"
    [data]="core io data"
    [report]="core report"
)

tried=0 wrong=0
for view in "$@"; do
    from=${view%%=*}
    IFS=: read -ra folders <<<"${view#*=}"
    for to in "${!below[@]}"; do
        for header in "$root/$to"/*.h; do
            [ -e "$header" ] || continue
            [[ $header != *_of.h ]] || continue # a text to be included once for each type, by its own floor
            include="$to/${header##*/}"
            message=$(echo "#include \"$include\"" | "$cc" -std=gnu17 -fsyntax-only "${folders[@]/#/-I}" -x c - 2>&1)
            compiled=$?
            tried=$((tried + 1))
            if [[ " ${below[$from]} " == *" $to "* ]]; then
                [ $compiled = 0 ] || { wrong=$((wrong + 1)); echo "$from cannot include $include:"; echo "$message"; }
            else
                [ $compiled != 0 ] || { wrong=$((wrong + 1)); echo "$from can include $include, which is above it"; }
            fi
        done
    done
done
echo "$tried includes tried, $wrong wrong"
[ $tried -gt 0 ] && [ $wrong = 0 ]
