#!/usr/bin/env bash
# The table that ./dev bench writes: a quick one, of two cases, beside plain C and without PyTorch.
# CTEST LABELS bench
set -u
program=$TRIREME_BIN/bench_loops
[ -x "$program" ] || { echo "skipped: no $program"; exit 77; }
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }

mkdir -p build/bin
ln -sf "$TRIREME_BIN"/{bench,peer}_loops build/bin/
python3 "$TEST_DIR/../benchmarks/run.py" --quick --build build --python none --filter "linear regression" loops >out 2>err || {
    cat out err
    echo "FAILED  it runs"
    exit 1
}
status=0
for row in '| linear regression | 100x2 | 1 | [0-9]' '| linear regression, replayed | 100x2 | 1 | [0-9]'; do
    if grep -q "^$row" build/bench/RESULTS.md; then
        echo "ok      a row $row"
    else
        cat build/bench/RESULTS.md
        echo "FAILED  no row $row"
        status=1
    fi
done
exit $status
