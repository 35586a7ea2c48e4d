# shellcheck shell=bash disable=SC2154 # the packages, $jobs, say, stop and need are dev's
# The stages of `./dev gpu`, which reads this file: each is a command of its own where time on a machine with a GPU is short.
#
# A stage is a list of steps with a time limit each. What a step says stands in OUT/now.txt while it runs; then its line
# (ok, FAILED, SKIPPED) and the end of what it said go into OUT/gpu-STAGE.txt, at once, so that a run that is cut off leaves
# all that came before, and where it was. A failure does not stop the steps after it.

gpu_stages=(build smoke test sanitize bench)
gpu_out=benchmarks/gpu gpu_folder='' gpu_end=0 gpu_report='' gpu_failures=0 gpu_quick=''

gpu_main() { # what follows `./dev gpu`
    local stage stages=() seconds=0
    while [ $# -gt 0 ]; do
        case $1 in
        --out) gpu_out=${2:?} && shift ;;
        --seconds) seconds=${2:?} && shift ;;
        --build) gpu_folder=$(cd "${2:?}" && pwd) && shift ;;
        --quick) gpu_quick=yes ;;
        build | smoke | test | sanitize | bench) stages+=("$1") ;;
        pack) gpu_pack && return ;;
        *) stop "./dev gpu: what is $1? (./dev help gpu)" ;;
        esac
        shift
    done
    need_gpu
    [ ${#stages[@]} -gt 0 ] || stages=("${gpu_stages[@]}")
    if [ -f .gpu/env.sh ]; then
        set +eu +o pipefail # it was not written for these
        # shellcheck disable=SC1091 # a folder of packages, not part of the project
        . .gpu/env.sh
        set -eu -o pipefail
    fi

    # A build that is named is taken as it is.
    local built=$gpu_folder
    gpu_folder=${gpu_folder:-$PWD/build/cuda}
    mkdir -p "$gpu_out" "$gpu_folder"
    gpu_out=$(cd "$gpu_out" && pwd)
    [ "$seconds" = 0 ] || gpu_end=$((SECONDS + seconds))
    for stage in "${stages[@]}"; do
        [ "$stage" = build ] || [ -z "$built" ] || [ -x "$gpu_folder/bin/trireme" ] || stop "nothing is built in $gpu_folder"
        gpu_report=$gpu_out/gpu-$stage.txt
        gpu_head >"$gpu_report"
        "gpu_$stage"
        printf '\n==== the end of %s, %s\n' "$stage" "$(date -u +%H:%M:%SZ)" >>"$gpu_report"
        say "Report: $gpu_report"
        grep -E '^(ok|FAILED|SKIPPED) ' "$gpu_report" || true
    done
    rm -f "$gpu_out/now.txt"
    [ $gpu_failures = 0 ]
}

# What a build wants beside what .gpu has already, from this machine's packages; and which commit it is, where git is not.
gpu_pack() {
    local lib=.gpu/usr/lib/x86_64-linux-gnu file
    [ -f .gpu/env.sh ] || stop "no .gpu/env.sh: a folder of packages has to be there"
    need libcmocka-dev zlib1g-dev git
    mkdir -p $lib/pkgconfig .gpu/usr/include
    cp -P /usr/include/{cmocka,zlib,zconf}.h .gpu/usr/include/
    cp -P /usr/lib/x86_64-linux-gnu/libcmocka.so* $lib/
    # Only for the linker: at run time a machine's own one is the right one for its programs.
    ln -sfn ../../../fallback/libz.so.1 $lib/libz.so
    for file in cmocka zlib; do
        sed 's,/usr\(/\|$\),${pcfiledir}/../../..\1,g' /usr/lib/x86_64-linux-gnu/pkgconfig/$file.pc >$lib/pkgconfig/$file.pc
    done
    git describe --always --abbrev=40 --dirty=-changed >.gpu/commit || echo unknown >.gpu/commit
    du -sm .gpu | sed 's/\t.*/ MiB in .gpu/'
}

# Is a header there for the compiler, or in .gpu? Before minutes of compiling without it.
gpu_header() { echo "#include <$1>" | ${CC:-cc} -I.gpu/usr/include -E -x c - >/dev/null 2>&1; }

# The machine, so that every report stands for itself.
gpu_head() {
    { nvidia-smi --query-gpu=name,uuid,driver_version,memory.total,clocks.max.sm,clocks.max.mem --format=csv; } 2>/dev/null || echo "no nvidia-smi"
    { nvcc --version || echo "no nvcc"; } 2>&1 | tail -1
    echo "commit $(git rev-parse HEAD 2>/dev/null || cat .gpu/commit 2>/dev/null || echo unknown), $(date -u +%Y-%m-%dT%H:%M:%SZ), $(nproc) cores"
    echo "library ${TRIREME_CUDA_LIBRARY:-$gpu_folder/lib/libtrireme-cuda.so}"
    env | grep -E '^(CUDA|NVIDIA|NCCL|CUBLAS)' | grep -vE '^(CUDA_HOME|NVIDIA_REQUIRE|NVIDIA_PRODUCT)' || true # TF32 by decree, say
}

gpu_line() { # WORD WHAT: in the report, and for who looks on
    printf '%-7s %s\n' "$1" "$2" | tee -a "$gpu_report"
    [ "$1" != FAILED ] || gpu_failures=$((gpu_failures + 1))
}

gpu_step() { # NAME SECONDS COMMAND...
    local name=$1 limit=$2 status=0 start=$SECONDS now=$gpu_out/now.txt
    shift 2
    if [ $gpu_end != 0 ] && [ $((gpu_end - SECONDS)) -lt "$limit" ]; then
        limit=$((gpu_end - SECONDS))
        [ $limit -ge 5 ] || { gpu_line SKIPPED "$name: no time is left"; return 0; }
    fi
    say "$name"
    printf '==== %s\n$ %s\n' "$name" "$*" >"$now"
    timeout --kill-after=5 "$limit" "$@" >>"$now" 2>&1 </dev/null || status=$?
    local took=$((SECONDS - start)) lines=40
    case $status in
    0) gpu_line ok "$name ($took s)" ;;
    77) gpu_line SKIPPED "$name: $(tail -1 "$now")" ;;
    124 | 137) gpu_line FAILED "$name: stopped after $took s" ;;
    *) gpu_line FAILED "$name: status $status after $took s" ;;
    esac
    [ $status = 0 ] || [ $status = 77 ] || lines=1000
    {
        head -2 "$now"
        # A build that goes on after errors has them far from its end.
        [ $lines = 40 ] || tail -n +3 "$now" | head -n -1000 | grep -A 8 -m 25 -E '^FAILED:|error:|\*\*\*Failed' | cut -c1-400 || true
        tail -n +3 "$now" | tail -n $lines | cut -c1-400
        echo
    } >>"$gpu_report"
    [ $status = 0 ] || [ $status = 77 ]
}

gpu_has() { command -v "$1" >/dev/null; }

# "90-real" of what is in the machine: "native" asks a program that CMake compiles, and guesses if that fails.
gpu_architectures() {
    local found
    found=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | sed -n 's/^\([0-9]*\)\.\([0-9]\)$/\1\2-real/p' | sort -u | paste -sd ';') || true
    echo "${CUDAARCHS:-${found:-native}}"
}

gpu_build() {
    local options=(-DCMAKE_CUDA_ARCHITECTURES="$(gpu_architectures)")
    [ -f .gpu/env.sh ] || need "${build_packages[@]}" "${test_packages[@]}"
    if ! gpu_header zlib.h; then
        gpu_line FAILED "nothing is built: no zlib.h (zlib1g-dev; ./dev gpu pack brings it into .gpu)"
        return 0
    fi
    if ! pkg-config --exists 'cmocka >= 1.1'; then
        options+=(-DBUILD_TESTING=OFF)
        gpu_line SKIPPED "all tests but the programs: no cmocka (libcmocka-dev; ./dev gpu pack brings it into .gpu)"
    fi
    gpu_step "disk, memory, tools" 60 bash -c 'df -h . | tail -1; free -g | sed -n 2p; cmake --version | head -1; gcc --version | head -1
        python3 -c "import torch; print(\"PyTorch\", torch.__version__, torch.cuda.is_available())" || echo "no PyTorch"
        mpirun --version | head -1; compute-sanitizer --version | tail -1; true' || true
    gpu_step "configure" 120 cmake --preset cuda -B "$gpu_folder" "${options[@]}" --log-level=WARNING || return 0
    gpu_step "compile" 560 cmake --build "$gpu_folder" --parallel "$jobs" -- -k 0 || true
    # Its warnings (status 1) are about the machine.
    gpu_step "the doctor" 120 bash -c '"$1/bin/trireme" doctor --full || [ $? = 1 ]' - "$gpu_folder" || true
}

# Each test is a process of its own: what a fault leaves behind ends with it. Most wait for the device.
gpu_ctest() { # NAME SECONDS LABELS
    gpu_step "$1" "$2" ctest --test-dir "$gpu_folder" -L "$3" --no-tests=error --output-on-failure --parallel "$((jobs < 8 ? 4 : 8))"
}

# Seconds, to know where one stands: a call of every family of kernels, each alone, a graph, NCCL on one rank.
gpu_smoke() {
    gpu_step "the device" 60 "$gpu_folder/bin/trireme" info || true
    if [ ! -d "$gpu_folder/tests/run" ]; then
        gpu_line SKIPPED "a first look: it was not built"
        return 0
    fi
    gpu_ctest "a first look" 150 '^smoke$' || gpu_again
}

# Where the fault was, not where it was met.
gpu_again() {
    gpu_step "what failed, launch by launch" 100 env CUDA_LAUNCH_BLOCKING=1 ctest --test-dir "$gpu_folder" --rerun-failed --output-on-failure || true
    local name failed=()
    gpu_has compute-sanitizer || return 0
    while read -r name; do failed+=("$name"); done < <(sed -n 's/^[0-9]*:smoke_\(.*\)_gpu$/\1/p' "$gpu_folder/Testing/Temporary/LastTestsFailed.log" 2>/dev/null)
    for name in "${failed[@]::3}"; do
        gpu_step "memcheck of $name" 60 env TRIREME_CUDA_LIBRARY="${TRIREME_CUDA_LIBRARY:-$gpu_folder/lib/libtrireme-cuda.so}" \
            compute-sanitizer "$gpu_folder/tests/test_cuda_smoke" "$name" || true
    done
}

gpu_test() {
    if [ -d "$gpu_folder/tests/run" ]; then
        gpu_ctest "tests of the label gpu" 420 '^gpu(-mpi)?$' || true
    else
        gpu_line SKIPPED "tests of the label gpu: they were not built"
        gpu_step "the programs" 240 env TRIREME_BIN="$gpu_folder/bin" \
            TRIREME_CUDA_LIBRARY="${TRIREME_CUDA_LIBRARY:-$gpu_folder/lib/libtrireme-cuda.so}" bash tests/cuda/programs.sh || true
    fi
    local name
    for name in ops matmul loops train memory startup scaling; do # their answers
        gpu_step "the answers of bench_$name" 90 "$gpu_folder/bin/bench_$name" --quick --device cuda || true
    done
    [ -d "$gpu_folder/tests/run" ] || return 0
    # The last, since they may hang; and if two do, all will.
    gpu_step "NCCL, two ranks on one GPU" 70 ctest --test-dir "$gpu_folder" -R '^test_dist_device_2_nccl_gpu$' --no-tests=error --output-on-failure &&
        gpu_ctest "NCCL, ranks on one GPU" 240 '^gpu-nccl$' || true
}

gpu_sanitize() {
    if ! gpu_has compute-sanitizer; then
        gpu_line SKIPPED "compute-sanitizer is not here"
        return 0
    fi
    # The tests of kernels on the device, and the golden cases, which meet every kernel.
    local kernels=(test_ops_golden) program
    for program in "$gpu_folder"/tests/test_cuda_*_device; do
        [ ! -x "$program" ] || kernels+=("$(basename "$program")")
    done
    gpu_checked memcheck "${kernels[@]}" test_cuda_programs test_writes_golden test_cuda_products test_cuda_memory test_cuda_copies
    gpu_checked racecheck "${kernels[@]}"
    gpu_checked initcheck "${kernels[@]}" test_cuda_programs test_writes_golden
    gpu_checked synccheck "${kernels[@]}"
    gpu_checked ordered test_cuda_programs test_cuda_memory test_cuda_copies test_record_programs
    gpu_checked memcheck test_record test_record_plan test_record_programs test_record_refused test_cuda_bits # slow ones
}
gpu_checked() { # TOOL TEST...
    local tool=$1 test programs=()
    shift
    for test in "$@"; do
        if [ -x "$gpu_folder/tests/$test" ]; then
            programs+=("$gpu_folder/tests/$test")
        else
            gpu_line SKIPPED "$tool, $test: not built"
        fi
    done
    [ ${#programs[@]} -gt 0 ] || return 0
    gpu_step "$tool of ${#programs[@]} programs" 300 env TRIREME_TEST_DEVICE=cuda \
        TRIREME_CUDA_LIBRARY="${TRIREME_CUDA_LIBRARY:-$gpu_folder/lib/libtrireme-cuda.so}" \
        bash tests/cuda/sanitized.sh "$tool" "${programs[@]}" || true
}

gpu_bench() {
    gpu_has python3 || { gpu_line SKIPPED "benchmarks: no python3"; return 0; }
    gpu_step "benchmarks" 560 env PYTHONUNBUFFERED=1 python3 benchmarks/run.py --device cuda --build "$gpu_folder" --out "$gpu_out" \
        ${gpu_quick:+--quick} || true
    if gpu_has nvidia-smi; then
        gpu_step "clocks after it" 20 nvidia-smi -q -d CLOCK,PERFORMANCE,TEMPERATURE || true
    else
        gpu_line SKIPPED "clocks after it: nvidia-smi is not here"
    fi
}
