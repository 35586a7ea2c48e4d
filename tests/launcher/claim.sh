# What the launcher's tests share: where it is, and how a claim is told. To be sourced.
# Needs $TRIREME_BIN, the folder it was built in.
# shellcheck shell=bash disable=SC2034 # who sources this uses it
trireme=$TRIREME_BIN/trireme
failures=0
skip() { echo "skipped: $1"; exit 77; }
[ -x "$trireme" ] || skip "no $trireme"

result() { # SENTENCE WHAT-IS-WRONG: "" if nothing is
    if [ -z "$2" ]; then
        echo "ok      $1"
    else
        echo "FAILED  $1: $2"
        sed 's/^/        | /' out err
        failures=$((failures + 1))
    fi
}

# claim SENTENCE STATUS [in OUT|err] TEXT... -- COMMAND: it exits so, and standard output or error holds the texts
claim() {
    local sentence=$1 want=$2 stream=out status text wrong=''
    local -a texts=()
    shift 2
    while [ "$1" != -- ]; do
        case $1 in out | err) stream=$1 ;; *) texts+=("$stream:$1") ;; esac
        shift
    done
    shift
    "$@" >out 2>err </dev/null
    status=$?
    [ "$status" = "$want" ] || wrong="exit status $status, not $want"
    for text in "${texts[@]+"${texts[@]}"}"; do
        grep -qF -e "${text#*:}" "${text%%:*}" || wrong="no '${text#*:}' in ${text%%:*}"
    done
    result "$sentence" "$wrong"
}
