#!/usr/bin/env bash
# CTEST LABELS cluster patient
# trireme doctor on several hosts, which are network namespaces of this machine.
set -u
# shellcheck source=tests/launcher/claim.sh
. "$(dirname "$0")/claim.sh"
# shellcheck source=tests/launcher/cluster.sh
. "$(dirname "$0")/cluster.sh"
[ -x "$TRIREME_BIN/trireme-bench-worker" ] || skip "the program that sums on the ranks is not built"
why=$(cluster_may) || skip "$why"
cluster_up 3 1000 0 2>/dev/null || skip "may not join network namespaces here"
cd "$folder" || exit 1
a=${hosts[0]} b=${hosts[1]} c=${hosts[2]}
look() { cluster_run "timeout -k 1 100 $trireme doctor --oversubscribe $*" >out 2>err </dev/null; status=$?; }
told() { tr '\n' ' ' <out | sed 's/ \+/ /g' | grep -qE "$1" || echo "not told: $1"; }

look --hosts "$a:1,$b:2"
result "hosts that are alike are told of once" "$([ $status -le 1 ] || echo "status $status"; told '3 ranks on 2 hosts all hosts ok trireme 0.1.0 ok MPI Open MPI'; [ "$(grep -c ' trireme  ' out)" = 1 ] || echo 'more than once')"
result "what differs is told under the host's name" "$(told "$a ok cores .* 1 rank of"; told "$b (ok|warning) cores .*2 ranks")"
result "their clocks are compared" "$(told 'ok clocks less than [0-9.]+ ms apart')"
result "the line between them is measured" "$(told "network $a - $b: [0-9.]+ us there and back, [0-9.]+ Gbit/s")"
result "and a job's sums, on all" "$(told 'ok job sums over 3 ranks of 2 hosts on cpu are right')"

look --hosts "$a:1,$b:1,$c:1" --full
result "with more hosts each pair is measured" "$([ "$(grep -cE 'network +'"($a|$b) - ($b|$c)" out)" = 3 ] || echo 'not three')"

tc -n "$a" qdisc replace dev eth0 root tbf rate 50mbit burst 16000 limit 400000
look --hosts "$a:1,$b:1"
result "a line that is slow one way is a warning" "$([ $status = 1 ] || echo "status $status"; told "warning network $a - $b: 0.0[0-9]+ Gbit/s there, 0.[0-9]+ back -> look at its cable")"
tc -n "$a" qdisc del dev eth0 root

look --hosts "$a:1,nosuchhost:1"
result "a host that is not there is a problem, with its name" "$([ $status = 3 ] || echo "status $status"; told 'nosuchhost PROBLEM start .* -> this host knows no address of it')"
result "and keeps no other from being told of" "$(told "$a ok trireme")"
ip -n "$c" link set eth0 down
look --hosts "$a:1,$c:1" --start-timeout 5
result "so is one whose cable is cut" "$([ $status = 3 ] || echo "status $status"; told "$c PROBLEM start .* -> does it answer without a password")"
ip -n "$c" link set eth0 up

sed -i "/ $b\$/d" "/etc/netns/$a/hosts"
look --hosts "$a:1,$b:1"
result "a host whose name another does not know is a warning" "$(told "warning names $a does not know the name $b")"
result "it fits 80 columns" "$(awk 'length > 80' out)"
left=''
for host in "$a" "$b" "$c"; do for pid in $(ip netns pids "$host"); do left+="$(cat "/proc/$pid/comm") "; done; done
result "nothing is left on any host" "$left"

[ "$failures" = 0 ] || echo "$failures failed"
[ "$failures" = 0 ]
