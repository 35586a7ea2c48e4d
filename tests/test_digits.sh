#!/usr/bin/env bash
# CTEST LABELS mpi
# The digits example as a newcomer runs it. Needs $TRIREME_BIN, the folder it was built in, and $TEST_DIR, this one.
set -u
digits=$TRIREME_BIN/digits
trireme=$TRIREME_BIN/trireme
[ -x "$digits" ] || { echo "no $digits"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export TRIREME_PROGRESS=none
failures=0

ranks() { # ranks N ARGUMENT...
    local n=$1
    shift
    if command -v mpirun >mpirun.path; then "$trireme" run -q --oversubscribe -n "$n" "$digits" "$@"; else "$digits" "$@"; fi
}
claim() { # claim SENTENCE COMMAND...
    local sentence=$1
    shift
    if "$@" >out 2>err; then
        echo "ok      $sentence"
    else
        echo "FAILED  $sentence"
        sed 's/^/        | /' out err
        failures=$((failures + 1))
    fi
}
at_least() { awk -v least="$1" '/^test accuracy/ { found = 1; good = $3 >= least } END { exit !(found && good) }' "$2"; }
fails_with() { # fails_with STATUS TEXT COMMAND...
    local status=$1 text=$2
    shift 2
    "$@" >said 2>&1
    [ $? = "$status" ] && grep -qF -e "$text" said || { cat said; return 1; }
}
curves_agree() { # every step's loss within 1e-5 of the first file's, and as many steps
    awk -F, 'FNR == 1 { file++; next }
        file == 1 { want[FNR] = $3; steps = FNR; next }
        { got[file] = FNR; d = $3 - want[FNR]; if (d < 0) d = -d; if (!(d <= 1e-5 * want[FNR])) { print FILENAME, FNR, $3, want[FNR]; bad = 1 } }
        END { for (f = 2; f <= file; f++) if (got[f] != steps) bad = 1; exit bad || file < 2 || steps < 100 }' "$@"
}

# ---- learning ----
learns() { ranks 2 --out two --csv two.csv >two.out && at_least 0.96 two.out && grep -qE '^test accuracy 0\.[0-9]{4} \([0-9]+/360\)$' two.out; }
claim "two ranks learn to read at least 96 % of the held-out digits" learns
leaves() { [ -s two/digits.safetensors ] && { [ -s two/loss.png ] || ! command -v gnuplot; }; }
claim "a checkpoint and a picture of the loss are left" leaves
narrow() { ranks 2 --bfloat16 --epochs 6 --hidden 48 --out narrow --csv narrow.csv >narrow.out && at_least 0.85 narrow.out; }
claim "and in bfloat16 most of them" narrow
rounded() { ranks 2 --epochs 1 --hidden 48 --out wide --csv wide.csv >out && ! cmp -s <(head -n 20 wide.csv) <(head -n 20 narrow.csv); }
claim "with other losses than float32's" rounded
for n in 1 2 4; do ranks $n --epochs 10 --out "$n" --csv "$n.csv" >"$n.out" 2>&1; done
claim "the loss curve is the same on 1, 2 and 4 ranks" curves_agree 1.csv 2.csv 4.csv
ranks 3 --epochs 4 --lr 0.01 --batch 7 --out odd3 --csv odd3.csv >out 2>&1
"$digits" --epochs 4 --lr 0.01 --batch 7 --out odd1 --csv odd1.csv >out 2>&1
claim "also where batches do not divide by the ranks" curves_agree odd1.csv odd3.csv

same_bits() {
    for n in 1 3; do ranks $n --epochs 2 --reproducible --out "same$n" >out || return 1; done
    cmp same1/digits.safetensors same3/digits.safetensors
}
claim "with --reproducible one rank and three end with the same model, bit for bit" same_bits

resumes() {
    "$digits" --epochs 6 --out half --csv run.csv >out && "$digits" --resume half/digits.safetensors --epochs 12 --out rest --csv run.csv >out &&
        "$digits" --epochs 12 --out whole --csv whole.csv >out && cmp rest/digits.safetensors whole/digits.safetensors && cmp run.csv whole.csv
}
claim "resuming from a checkpoint ends where an unbroken run ends, bit for bit" resumes

# 23 steps an epoch: the last checkpoint, of step 63, is in the middle of one.
stops() { ranks 2 --epochs 3 --out ck2 --checkpoints ck --every 7 >out && [ "$(ls ck/*63.json)" = ck/step-000000000063.json ] && [ "$(ls ck | wc -l)" = 9 ]; }
claim "two ranks leave their last three checkpoints" stops
ranks 2 --epochs 8 --out unbroken --csv unbroken.csv >out 2>&1
{ head -n 1 unbroken.csv && tail -n +65 unbroken.csv; } >from64.csv
goes_on() { # goes_on RANKS: from a copy of the folder
    cp -r ck "ck-$1" && ranks "$1" --epochs 8 --out "on$1" --checkpoints "ck-$1" --every 1000 --csv "on$1.csv" >out && curves_agree from64.csv "on$1.csv"
}
claim "two ranks go on in the middle of an epoch" goes_on 2
claim "and end where an unbroken run ends, bit for bit" cmp on2/digits.safetensors unbroken/digits.safetensors
claim "one rank goes on from the checkpoint of two" goes_on 1
claim "so do three" goes_on 3
# 23 steps are told of, 20 are in the checkpoint: the last three are done again.
tells_once() {
    "$digits" --epochs 1 --out told1 --checkpoints told --every 20 --csv told.csv >out &&
        "$digits" --epochs 2 --out told2 --checkpoints told --every 20 --csv told.csv >out &&
        "$digits" --epochs 2 --out told3 --csv once.csv >out && cmp told.csv once.csv
}
claim "steps after the last checkpoint are told once, though they are done twice" tells_once
# A rank is killed once there is a checkpoint; the launcher starts all of them again, and they go on.
restarts() {
    command -v mpirun >mpirun.path || return 0
    printf '#!/bin/sh\necho $$ >pid.$OMPI_COMM_WORLD_RANK\nexec "$@"\n' >noting && chmod +x noting
    "$trireme" run -q --oversubscribe -n 2 --max-restarts 2 ./noting "$digits" --epochs 12 --hidden 512 --out killed --checkpoints kills --every 5 --csv killed.csv >job.out 2>&1 &
    local job=$!
    for _ in $(seq 1000); do
        ls kills/*.json >there 2>&1 && break
        sleep 0.01
    done
    kill -9 "$(cat pid.1)"
    wait $job
    grep -qF "restart 1 of 2" job.out || { cat job.out; return 1; }
    ranks 2 --epochs 12 --hidden 512 --out alive --csv alive.csv >out && cmp killed/digits.safetensors alive/digits.safetensors && cmp killed.csv alive.csv
}
claim "a run whose rank is killed is started again and ends as if it had not been" restarts

makes_room() {
    "$digits" --epochs 12 --hidden 512 --out room --checkpoints rooms --every 5 >out 2>&1 &
    local job=$!
    for _ in $(seq 1000); do
        ls rooms/*.json >there 2>&1 && break
        sleep 0.01
    done
    kill -USR1 $job
    wait $job
    [ $? = 75 ] && [ ! -e room/digits.safetensors ] && "$digits" --epochs 12 --hidden 512 --out room --checkpoints rooms >out &&
        "$digits" --epochs 12 --hidden 512 --out one >out && cmp room/digits.safetensors one/digits.safetensors
}
claim "a run that is told to make room says so by its status, and goes on later" makes_room
ranks_make_room() {
    command -v mpirun >mpirun.path || return 0
    "$trireme" run -q --oversubscribe -n 2 --max-restarts 2 "$digits" --epochs 100000 --out room2 --checkpoints rooms2 --every 5 >job.out 2>&1 &
    local job=$!
    for _ in $(seq 1000); do
        ls rooms2/*.json >there 2>&1 && break
        sleep 0.01
    done
    kill -USR1 $job
    wait $job
    [ $? = 75 ] && [ "$(tail -n 1 job.out)" = "trireme run: told to stop by SIGUSR1, and stopped: start it again to go on" ] &&
        ! grep -e "failed first" -e "restart " job.out || { cat job.out; return 1; }
}
claim "so does one of two ranks, which is no failure and not started again" ranks_make_room

rates() { "$digits" --epochs 1 --lr 0.5 --out r1 >out && "$digits" --epochs 2 --resume r1/digits.safetensors --out r2 >out && "$digits" --epochs 3 --resume r2/digits.safetensors --lr 0.25 --out r3 >out; }
rate_is() { head -c 200 "$1/digits.safetensors" | grep -qaF "\"learning_rate\":\"$2\""; }
claim "a run goes on with the checkpoint's learning rate" rates
claim "which is the one it began with" rate_is r2 5e-1
claim "unless another is asked for" rate_is r3 25e-2

# ---- MNIST's files: two images each, made here ----
idx() { # idx FILE HEADER BYTES: octal
    printf "$2$3" >"$1"
}
mkdir mnist
pixels='\001\002\003\004\005\006\007\010'
idx mnist/train-images-idx3-ubyte '\0\0\010\003\0\0\0\002\0\0\0\002\0\0\0\002' "$pixels"
idx mnist/train-labels-idx1-ubyte '\0\0\010\001\0\0\0\002' '\003\007'
cp mnist/train-images-idx3-ubyte mnist/t10k-images.idx3-ubyte
cp mnist/train-labels-idx1-ubyte mnist/t10k-labels-idx1-ubyte
gzip mnist/train-labels-idx1-ubyte
claim "a folder with MNIST's files is read, plain and gzip" "$digits" --data mnist --epochs 1 --out mnist.out
printf '\0\0\010\003\0\0\0\002\0\0' >mnist/train-images-idx3-ubyte
claim "a file cut short is named" fails_with 1 "train-images-idx3-ubyte" "$digits" --data mnist --out mnist.out

# ---- what bad input gets ----
claim "an unknown option is refused with the usage, status 2" fails_with 2 "usage: digits" "$digits" --frobnicate
claim "a bad value is named, status 2" fails_with 2 '--epochs: "many" will not do' "$digits" --epochs many
claim "a stray word is refused, status 2" fails_with 2 '"banana" is no option' "$digits" banana
claim "a missing file is named" fails_with 1 "nowhere.npz: No such file or directory" "$digits" --data nowhere.npz
claim "a device that is not there is named" fails_with 1 "cuda:3" "$digits" --device cuda:3
claim "a folder that cannot be made is named before the training" fails_with 1 "no/such/place" "$digits" --out no/such/place
claim "an error on two ranks names rank, host and message, and ends" fails_with 1 "of 2 on" ranks 2 --data nowhere.npz
cp two/digits.safetensors before
printf 'not a checkpoint' >broken
claim "a broken checkpoint is refused" fails_with 1 "broken" "$digits" --resume broken --out two
claim "and the good one stays" cmp two/digits.safetensors before
file_limit() { (ulimit -f 100; trap '' XFSZ; "$digits" --epochs 1 --hidden 2000 --out two); }
claim "a checkpoint that does not fit is an error" fails_with 1 "digits.safetensors" file_limit
claim "and the good one stays, with nothing left beside it" sh -c 'cmp two/digits.safetensors before && [ "$(ls -A two | grep -c safetensors)" = 1 ]'

[ $failures = 0 ] || { echo "$failures claims failed"; exit 1; }
