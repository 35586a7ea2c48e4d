#!/usr/bin/env bash
# ./dev gpu without a GPU: its stages on the played device, with a compute-sanitizer, a ctest and a cmake that are played
# too. Needs $TRIREME_BIN, the folder the programs were built in, $TRIREME_CUDA_LIBRARY and $TEST_DIR, this folder.
set -u
dev=$TEST_DIR/../../dev
failures=0
rm -rf tools build out calls pids packed
mkdir -p tools build/bin build/tests/run out
ln -s "$TRIREME_BIN"/{trireme,trireme-bench-worker,bench_ops} build/bin/
for name in matmul loops train memory startup scaling; do ln -s /bin/true build/bin/bench_$name; done
for test in test_ops_golden test_cuda_programs test_cuda_sort_device test_cuda_smoke; do ln -s /bin/true build/tests/$test; done

tool() { # tool NAME: a program of that name that notes its call and does what stdin says
    { echo '#!/usr/bin/env bash'; echo "echo \"$1 \$*\" >>'$PWD/calls'"; cat; } >"tools/$1"
    chmod +x "tools/$1"
}
tool nvidia-smi <<<'echo "a CPU that plays a GPU"'
tool nvcc <<<'echo "release 13.0, played"'
tool dpkg-query <<<'printf "ii "'
tool cmake <<<'case $1 in --build) echo "ninja: 7 targets" ;; esac'
tool ctest <<<'echo "1 of 2 tests failed"; exit 8'
tool python3 <<<'echo "measured"; exit 0'
tool compute-sanitizer <<'EOF'
case "$*" in
*racecheck*test_ops_golden*) echo "ERROR SUMMARY: 1 race"; exit 1 ;;
*synccheck*) echo "the device has no such tool"; exit 77 ;;
esac
for program; do :; done
exec "$program"
EOF
PATH=$PWD/tools:$PATH
gpu() { # gpu STATUS ARGUMENT...
    local want=$1 status=0
    shift
    "$dev" gpu --build "$PWD/build" --out "$PWD/out" "$@" >said 2>&1 || status=$?
    [ $status = "$want" ] && return
    echo "FAILED  ./dev gpu $*: status $status, wanted $want"
    cat said
    failures=$((failures + 1))
}
holds() { # holds SENTENCE FILE PATTERN
    if grep -qE -- "$3" "$2"; then
        echo "ok      $1"
    else
        echo "FAILED  $1: no $3 in $2"
        cat "$2"
        failures=$((failures + 1))
    fi
}

gpu 0 build
holds "the report begins with the machine" out/gpu-build.txt '^a CPU that plays a GPU'
holds "the build is compiled" calls '^cmake --build .*/build --parallel'
holds "the doctor finds no problem" out/gpu-build.txt '^ok      the doctor'
holds "what was built is said" out/gpu-build.txt '^ninja: 7 targets'

mkdir -p build/Testing/Temporary
echo "12:smoke_softmax_gpu" >build/Testing/Temporary/LastTestsFailed.log
gpu 1 smoke
holds "the device is there" out/gpu-smoke.txt '^a CPU that plays a GPU'
holds "and described" out/gpu-smoke.txt '^ok      the device'
holds "the first look runs" calls '^ctest .*-L .smoke'
holds "what fails there runs again" calls '^ctest .*--rerun-failed'
holds "and under memcheck" calls '^compute-sanitizer .*test_cuda_smoke softmax'

gpu 1 test
holds "a failed step is said" out/gpu-test.txt '^FAILED  tests of the label gpu: status 8'
holds "with what it printed" out/gpu-test.txt '^1 of 2 tests failed'
holds "the steps behind it run" out/gpu-test.txt '^ok      the answers of bench_memory'
holds "NCCL's ranks on one GPU come last" out/gpu-test.txt '^FAILED  NCCL, two ranks on one GPU: status 8'
holds "a device answers" out/gpu-test.txt '^ok      the answers of bench_ops'

gpu 1 sanitize
holds "memcheck sees the golden cases" calls '^compute-sanitizer .*--tool memcheck .*test_ops_golden'
holds "and the kernels on the device" calls '^compute-sanitizer .*--tool initcheck .*test_cuda_sort_device'
holds "a tool that finds nothing is well" out/gpu-sanitize.txt '^ok      memcheck of 3 programs'
holds "calls that fail on purpose are no findings" calls '^compute-sanitizer --error-exitcode 1 .*--report-api-errors no .*--tool memcheck'
holds "memory is used in the order of streams" calls '^compute-sanitizer .*--track-stream-ordered-races all .*test_cuda_programs'
holds "a race is a failure" out/gpu-sanitize.txt '^FAILED  racecheck of 2 programs'
holds "of that program alone" out/gpu-sanitize.txt '^FAILED  racecheck, test_ops_golden .*: status 1'
holds "with what was found" out/gpu-sanitize.txt '^ERROR SUMMARY: 1 race'
holds "what a tool cannot do is skipped" out/gpu-sanitize.txt '^SKIPPED synccheck, test_ops_golden .*: the device has no such tool'
holds "what was not built is skipped" out/gpu-sanitize.txt '^SKIPPED memcheck, test_cuda_bits: not built'

gpu 0 --quick bench
holds "the benchmarks run" calls '^python3 benchmarks/run.py --device cuda --build .*/build --out .*/out --quick'

# What a machine without packages wants from this one.
if [ -e /usr/lib/x86_64-linux-gnu/libcmocka.so ]; then
    mkdir -p packed/.gpu/fallback
    touch packed/.gpu/env.sh
    (
        cd packed || exit
        # shellcheck disable=SC2317 # gpu_pack asks for it
        need() { :; }
        # shellcheck source=gpu.sh disable=SC1091
        . "$TEST_DIR/gpu.sh"
        gpu_pack
    ) >said 2>&1
    holds "cmocka is packed" <(PKG_CONFIG_PATH=$PWD/packed/.gpu/usr/lib/x86_64-linux-gnu/pkgconfig pkg-config --libs cmocka) 'packed/.gpu/'
    holds "zlib is packed" packed/.gpu/usr/include/zlib.h 'inflateInit'
    holds "and its library only for the linker" <(ls packed/.gpu/usr/lib/x86_64-linux-gnu) '^libz.so$'
    holds "and which commit it is" packed/.gpu/commit '^([0-9a-f]{40}|unknown)'
fi

# Where cmocka is missing all but the tests is built; where a step never ends, the report has all before it.
ln -sf /bin/true build/bin/trireme # the doctor takes its time
tool pkg-config <<<'exit 1'
gpu 0 build
holds "cmocka's absence is said" out/gpu-build.txt '^SKIPPED .*cmocka'
holds "and no test is built" calls '^cmake --preset cuda .*-DBUILD_TESTING=OFF'
tool compute-sanitizer <<<"echo \$\$ >>'$PWD/pids'; exec sleep 100"
gpu 1 --seconds 6 sanitize
holds "a step that never ends is stopped" out/gpu-sanitize.txt '^FAILED  memcheck of 3 programs: stopped after'
holds "what has no time left is skipped" out/gpu-sanitize.txt '^SKIPPED racecheck of 2 programs: no time is left'
for second in 1 2 3 4 5 6 7 8 9 10; do
    left=0
    while read -r pid; do
        if kill -0 "$pid" 2>/dev/null; then left=1; fi
    done <pids
    [ $left = 0 ] && break
    sleep 1
done
[ $left = 0 ] || { echo "FAILED  after $second s what was stopped still runs"; failures=$((failures + 1)); }
[ ! -e out/now.txt ] || { echo "FAILED  out/now.txt is left"; failures=$((failures + 1)); }
exit $((failures > 0))
