#!/usr/bin/env bash
# benchmarks.sh NAME: the answers of bench_NAME on a CUDA device, and the shape of its table. Needs $TRIREME_BIN, the
# folder it was built in, and $TRIREME_CUDA_LIBRARY.
set -u
failures=0
launcher=() # what the next claim's program runs under
header=subject,case,size,type,threads,who,version,median,p10,p90,unit,samples,rate,rate_unit,ceiling,share,error

# Every row has all columns, a time, and an answer that was checked, unless nobody can check it (--unchecked).
complete() { # complete FILE ROWS [--unchecked]
    awk -v header=$header -v least="$2" -v unchecked="${3:-}" '
        { line = $0; gsub(/"[^"]*"/, "x", line); columns = split(line, cell, ",") }
        NR == 1 { if ($0 != header) { print "header: " $0; wrong++ }; next }
        columns != 17 { print columns " columns: " $0; wrong++; next }
        !(cell[8] > 0) || cell[8] ~ /inf|nan/ { print "no time: " $0; wrong++ }
        unchecked == "" && cell[17] !~ /^[0-9]/ { print "not checked: " $0; wrong++ }
        END { if (NR - 1 < least) { print NR - 1 " rows, " least " are wanted"; wrong++ }; exit wrong > 0 }' "$1"
}
claim() { # claim NAME ROWS [--unchecked] [--ceilings]: every row has something to be held against
    local name=$1 least=$2 unchecked='' ceilings=''
    shift 2
    case " $* " in *' --unchecked '*) unchecked=--unchecked ;; esac
    case " $* " in *' --ceilings '*) ceilings=yes ;; esac
    if ! "${launcher[@]}" "$TRIREME_BIN/bench_$name" --quick --rounds 1 --device cuda --csv "$name.csv" >"$name.out" 2>&1; then
        echo "FAILED  bench_$name runs"
        cat "$name.out"
        failures=$((failures + 1))
    elif ! complete "$name.csv" "$least" $unchecked; then
        echo "FAILED  bench_$name: its table"
        failures=$((failures + 1))
    elif [ -n "$ceilings" ] && [ "$(awk 'NR > 1' "$name.csv" | grep -vcE ',[0-9.e+-]+,[0-9.e+-]+,[^,]*$')" != 0 ]; then
        echo "FAILED  bench_$name: rows without a ceiling"
        cat "$name.csv"
        failures=$((failures + 1))
    else
        echo "ok      bench_$name: $(($(wc -l <"$name.csv") - 1)) rows"
        grep '^# not here' "$name.out"
    fi
}

ends() { # ends SENTENCE STATUS TEXT COMMAND...: with this status (a pattern), and saying this
    local sentence=$1 want=$2 text=$3 status=0
    shift 3
    "$@" >out 2>&1 || status=$?
    # shellcheck disable=SC2053 # it is a pattern
    if [[ $status == $want ]] && grep -q -e "$text" out; then
        echo "ok      $sentence"
    else
        echo "FAILED  $sentence: status $status"
        cat out
        failures=$((failures + 1))
    fi
}

case $1 in
ops) claim ops 12 --ceilings ;;
matmul) claim matmul 20 --ceilings ;;
train) claim train 4 --ceilings ;;
loops) claim loops 17 ;;
memory) claim memory 6 ;;
startup) claim startup 2 --unchecked ;;
scaling) TRIREME_DEVICE_TRANSPORT=host claim scaling 4 --unchecked ;; # played devices do not say that they are one
allreduce) # one rank by NCCL, two on devices of their own, two on one
    says() { # says WORDS: how devices met
        if grep -qE "^# .*$1\$" allreduce.out; then
            echo "ok      $1"
        else
            echo "FAILED  they did not meet $1"
            failures=$((failures + 1))
        fi
    }
    launcher=("$TRIREME_BIN/trireme" run --quiet --oversubscribe -n 1)
    claim allreduce 6 --ceilings
    says 'by NCCL [0-9.]+'
    launcher=("$TRIREME_BIN/trireme" run --quiet --oversubscribe -n 2)
    claim allreduce 6 --ceilings
    says 'by NCCL [0-9.]+'
    PLAYED_DEVICES=1 claim allreduce 12 --ceilings
    says 'through pinned memory: ranks 0 and 1 share a device'
    FAKE_NCCL_FAIL=1:9 ends "a rank that fails ends the others" '[1-9]*' '^bench_allreduce: NCCL: all_reduce: unhandled system error' \
        "${launcher[@]}" "$TRIREME_BIN/bench_allreduce" --quick --device cuda
    TRIREME_CUDA_LIBRARY=/nonexistent.so ends "without a device it is a skip" 77 'skipped: .*nonexistent' \
        "${launcher[@]}" "$TRIREME_BIN/bench_allreduce" --quick --device cuda
    ;;
report) # the tables of a run on the device, beside a PyTorch that is played too
    command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
    run="$TEST_DIR/../../benchmarks/run.py"
    mkdir -p build/bin out
    rm -rf build/bin/* out/*
    ln -s "$TRIREME_BIN"/{trireme,bench_train,bench_ops} build/bin/
    cat >python <<'EOF'
#!/usr/bin/env bash
[ "$1" = -c ] && { echo 2.0; exit; }
case $1 in */torch_train.py) ;; *) exit 77 ;; esac
while [ "$1" != --csv ]; do [ "$1" != --device ] || device=$2; shift; done
echo subject,case,size,type,threads,who,version,median,p10,p90,unit,samples,rate,rate_unit,ceiling,share,error >"$2"
for who in pytorch "pytorch, CUDA graph"; do
    echo "train,digits,batch 64,float32,1,\"$who\",2.0,1000000,1,1,ms,3,1,samples/s,,,"
done >>"$2"
[ "$device" = cuda ]
EOF
    printf '#!/bin/sh\necho " mlp eager  batch 64  WRONG: error 1"\nexit 1\n' >build/bin/bench_memory
    chmod +x python build/bin/bench_memory
    python3 "$run" --device cuda --quick --build build --out out --python "$PWD/python" --filter digits train ops memory >said 2>&1
    status=$?
    table=$(echo out/RESULTS-*.md)
    holds() { # holds SENTENCE PATTERN
        if grep -qE "$2" "$table"; then
            echo "ok      $1"
        else
            echo "FAILED  $1: no $2"
            failures=$((failures + 1))
        fi
    }
    [ $status = 1 ] || { echo "FAILED  status $status"; failures=1; }
    holds "the device stands in the table" '^\| device \| .*sm_[0-9]+'
    holds "both of PyTorch's ways have columns" 'PyTorch 2.0, ms \| PyTorch / trireme \| PyTorch 2.0, CUDA graph, ms \| PyTorch, CUDA graph / trireme'
    holds "a row has both ratios" '^\| digits \| batch 64 \| float32 \| .* \| [0-9,]+ \| \*\*[0-9,]+\*\* \| [0-9,]+ \| \*\*[0-9,]+\*\* \|$'
    holds "a wrong answer is said" '^bench_memory: mlp eager batch 64 WRONG: error 1'
    [ "$(cat out/rows-*.csv | grep -c '^1,train,')" -ge 3 ] || { echo "FAILED  rows"; failures=$((failures + 1)); }
    if command -v gnuplot >path; then
        # As it comes from a machine without gnuplot, and is drawn at home.
        rm -rf out/pictures-*
        sed -i '/^!\[/d' "$table"
        python3 "$run" --draw "$table" >>said 2>&1 || { echo "FAILED  --draw"; failures=$((failures + 1)); }
        python3 "$run" --draw out/RESULTS-none.md >said.draw 2>&1
        [ $? = 2 ] && grep -q 'wants a table and its rows: .*rows-none.csv' said.draw || { echo "FAILED  --draw of no table"; failures=$((failures + 1)); }
        holds "a picture stands in the table" '^!\[train\]\(pictures-[^/]*/train.png\)$'
        [ "$(head -c 4 out/pictures-*/train.png | tail -c 3)" = PNG ] || { echo "FAILED  the picture is one"; failures=$((failures + 1)); }
    fi
    if python3 "$run" --device cuda --quick --build build --check train >said.check 2>&1 && grep -q 'nothing to compare' said.check; then
        echo "ok      --check without last results compares nothing"
    else
        cat said.check
        echo "FAILED  --check"
        failures=$((failures + 1))
    fi
    [ $failures = 0 ] || cat said "$table"
    ;;
none) # who has no such device says so, and is no failure
    TRIREME_CUDA_LIBRARY=/nonexistent.so ends "without a device it is a skip" 77 'skipped: .*nonexistent' \
        "$TRIREME_BIN/bench_ops" --quick --device cuda
    ends "what is no device's name is a wrong option" 2 '"gpu" is none of cpu' "$TRIREME_BIN/bench_ops" --quick --device gpu
    ;;
*) echo "FAILED  what is $1?"; failures=1 ;;
esac
exit $((failures > 0))
