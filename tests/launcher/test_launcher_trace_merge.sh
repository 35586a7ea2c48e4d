#!/usr/bin/env bash
# trireme trace merge as a user types it, and what a job with a killed rank leaves to it.
# Needs $TRIREME_BIN, the folder it was built in.
set -u
# shellcheck source=tests/launcher/claim.sh
. "$(dirname "$0")/claim.sh"
ranks=$TRIREME_BIN/../tests/launcher_ranks
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export TMPDIR=$folder # bare mpirun's files, too
cd "$folder" || exit 1
unset TRIREME_LAUNCHER TRIREME_TRACE TRIREME_LEDGER

# rank_file RANK RANKS JOB EVENTS
rank_file() { printf '{"otherData":{"trireme":1,"job":"%s","rank":%d,"ranks":%d,"host":"h%d","dropped":%d},\n"traceEvents":[\n%s\n]}\n' "$3" "$1" "$2" "$1" "$5" "$4" >"made/rank-$1.json"; }
span() { printf '{"ph":"X","name":"%s","pid":%d,"tid":1,"ts":%s,"dur":%s}' "$@"; }

mkdir made
rank_file 0 2 a "$(span third 0 3.5 1),$(span first 0 1 2)" 0
rank_file 1 2 a "$(span inside 1 1.5 0.5),$(span second 1 1.5 1)" 7
claim "ranks become one file, told in a line" 0 "made/trace.json: 4 spans of 2 ranks on 2 hosts, 0.000 s" err "rank 1 had no room for 7 more spans" -- "$trireme" trace merge made
claim "in the order of time, what holds before what is held" 0 -- bash -c "grep -o 'first\|second\|inside\|third' made/trace.json | tr '\n' ' ' | grep -qx 'first second inside third '"
claim "it goes where it is wanted" 0 "elsewhere: 4 spans" -- "$trireme" trace merge made -o elsewhere
claim "what it made is no rank's" 0 "4 spans" -- "$trireme" trace merge made
claim "a place that cannot be written is named" 1 err "/proc/nope: " -- "$trireme" trace merge made -o /proc/nope
rm made/rank-0.json
claim "a rank that left nothing is missed" 0 "2 spans of 1 rank" err "rank 0 of 2 has left nothing" -- "$trireme" trace merge made
rank_file 0 2 b "$(span old 0 1 1)" 0
claim "another job's file is refused" 1 err "made/rank-0.json and made/rank-1.json are of different jobs" -- "$trireme" trace merge made
head -c 150 made/rank-1.json >made/rank-0.json
claim "a file that is cut is refused, and where" 1 err "made/rank-0.json:3:" "the end of the file" -- "$trireme" trace merge made
claim "and nothing is written" 0 -- bash -c "'$trireme' trace merge made -o nothing; [ ! -e nothing ]"
echo garbage >made/rank-0.json
claim "garbage is refused" 1 err "made/rank-0.json:1:1: an object is expected, met 'g'" -- "$trireme" trace merge made
rm made/rank-0.json
head -c 100000 /dev/urandom >made/rank-0.part
claim "garbage from a killed rank is refused" 1 err "made/rank-0.part: is not what a rank" -- "$trireme" trace merge made
mkdir empty
claim "an empty folder is said to be one" 1 err "empty: there is no rank-N.json" -- "$trireme" trace merge empty
claim "no folder at all too" 1 err "nosuch: No such file" -- "$trireme" trace merge nosuch
claim "merge is the only word" 2 err "'split': merge is expected" -- "$trireme" trace split made
claim "a folder is wanted" 2 err "the folder of the traces is missing" -- "$trireme" trace merge
claim "help fits 80 columns" 0 -- bash -c "'$trireme' trace --help | awk 'length > 80 { exit 1 }'"

if [ -x "$ranks" ] && command -v mpirun >/dev/null; then
    claim "ranks that end well write theirs" 0 -- env TRIREME_TRACE=well mpirun -np 2 "$ranks" well
    claim "and leave nothing else" 0 -- bash -c "ls well | tr '\n' ' ' | grep -qx 'rank-0.json rank-1.json '"
    claim "which merge" 0 "of 2 ranks on 1 host" -- "$trireme" trace merge well
    mpirun_status=0
    TRIREME_TRACE=killed timeout 60 mpirun -np 2 "$ranks" kill >out 2>err || mpirun_status=$?
    [ $mpirun_status != 0 ] || { echo "FAILED  a killed rank's job ends with 0"; failures=$((failures + 1)); }
    claim "a killed rank leaves what it had noted" 0 "of 2 ranks on 1 host" err "rank 1 did not live to write its trace" -- "$trireme" trace merge killed
    claim "which is there" 0 -- bash -c "grep -q '\"all_reduce\",\"cat\":\"collective\",\"pid\":1' killed/trace.json"
    claim "the other's is there as well" 0 -- bash -c "grep -q '\"all_reduce\",\"cat\":\"collective\",\"pid\":0' killed/trace.json"
    claim "a folder that cannot be made is one error, and the ranks end" 1 err "TRIREME_TRACE: /proc/nope: " -- env TRIREME_TRACE=/proc/nope timeout 60 mpirun -np 2 "$ranks" well
else
    echo "skipped: claims that need mpirun and ranks"
fi

[ "$failures" = 0 ] || echo "$failures failed"
[ "$failures" = 0 ]
