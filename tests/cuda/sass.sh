#!/bin/bash
# sass.sh NVCC FILE...: what nvcc made of the kernels in these libraries or objects, as cuobjdump shows it.
#   - where memory is flat, float32 moves in words of 16 bytes
#   - a product is not fused with the sum that follows it
#   - no hot kernel keeps an array in local memory, where a spill or a loop that was not unrolled puts it
#   - nothing adds floats in the order of arrival
set -u
export LC_ALL=C
PATH=$PATH:$(dirname "$1")
shift
command -v cuobjdump >/dev/null || { echo "skipped: no cuobjdump"; exit 77; }
command -v nvdisasm >/dev/null || [ -n "${NVDISASM_PATH:-}" ] || { echo "skipped: no nvdisasm, which cuobjdump asks"; exit 77; }
arch=$(cuobjdump -lelf "$1" | grep -oE 'sm_[0-9]+' | sort -t_ -k2 -n -u | awk '{ last = $1 } /sm_90/ { print; seen = 1 } END { if (!seen) print last }')
[ -n "$arch" ] || { echo "no kernels in $1"; exit 1; }

# KERNEL<TAB>INSTRUCTION<TAB>HOW OFTEN
for file in "$@"; do cuobjdump -sass -arch "$arch" "$file"; done | awk '
/Function :/ { kernel = $NF }
{
    for (i = 2; i <= 4; i++) # behind a predicate, too
        if ($i ~ /^(LDG|STG|LDL|STL|REDG?|ATOM[GS]?|FFMA|DFMA|EXIT)(\.|$)/) { n[kernel "\t" $i]++; break }
}
END { for (k in n) print k "\t" n[k] }' | c++filt | sed -E 's/&?_INTERNAL_[0-9a-z_]+:://g; s/^void //; s/\([^\t]*\)\t/\t/' | sort >sass.txt
kernels=$(cut -f1 sass.txt | sort -u | wc -l)
echo "$arch: $kernels kernels"
wrong=0
[ "$kernels" -gt 1000 ] || { echo "fewer than there are"; wrong=1; }

# Patterns: of the beginning of a kernel's name, and of a whole instruction.
count() { # KERNEL INSTRUCTION
    awk -F '\t' -v kernel="^($1)" -v instruction="^($2)\$" '$1 ~ kernel && $2 ~ instruction { n += $3 } END { print n + 0 }' sass.txt
}
at_least() { # HOW-OFTEN KERNEL INSTRUCTION
    local n
    n=$(count "$2" "$3")
    [ "$n" -ge "$1" ] || { echo "$2: $n times $3, not $1"; wrong=1; }
}
never() { # KERNEL INSTRUCTION
    local n
    n=$(count "$1" "$2")
    at_least 1 "$1" EXIT # it is there
    [ "$n" = 0 ] || { echo "$1: $n times $2"; wrong=1; }
}

# KERNEL ARRAYS-READ ARRAYS-WRITTEN
while read -r kernel loads stores; do
    at_least "$loads" "$kernel" 'LDG[.]E[.]128.*'
    at_least "$stores" "$kernel" 'STG[.]E[.]128.*'
    never "$kernel" '(LDL|STL).*'
done <<'EOF'
walk_flat<binary<float,.float,.add_f32 2 1
walk_flat<binary<float,.float,.mul_f32 2 1
walk_flat<binary<bf16,.float,.add_f32 2 1
walk_flat<row_value<float,.float,.relu_value 1 1
walk_flat<row_value<float,.float,.exp_value 1 1
walk_flat<row_value<float,.float,.tanh_value 1 1
walk_flat<row_backward<float,.float,.relu_derivative 2 1
walk_flat<row_backward<float,.float,.tanh_derivative 2 1
walk_flat<move<unsigned.int> 1 1
step_all<sgd_f32,.false> 3 2
step_all<adam_f32,.false> 5 4
do_casts 2 2
EOF
at_least 3 do_chain 'LDG[.]E[.]128.*' # whose tan() is CUDA's, with an array
at_least 1 do_chain 'STG[.]E[.]128.*'
for kernel in 'multiply<float,' 'softmax_rows<float' 'reduce_rows<' 'reduce_columns<'; do
    never "$kernel" '(LDL|STL).*'
done

# Their formulas have sums of products, and no division, which is made of fused ones.
for kernel in 'walk_flat<row_backward<float,.float,.tanh_derivative' 'walk_flat<row_backward<float,.float,.tan_derivative' 'step_all<sgd_f32'; do
    never "$kernel" 'FFMA.*'
done
never 'step_all<sgd_f64' 'DFMA.*'
at_least 4 'walk_flat<row_value<float,.float,.exp_value' 'FFMA.*' # it looks where there is something to see

awk -F '\t' '$2 ~ /^(RED|ATOM)/ && $2 ~ /[.](F16|F32|F64|BF16)/ { print $1 ": " $2; found = 1 } END { exit found }' sass.txt || wrong=1
at_least 1 find_last 'ATOMG.*'
exit $wrong
