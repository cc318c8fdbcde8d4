# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# For tests on several hosts: `on_hosts N` first, then `run HOST COMMAND...`. Sourced, from the build tree's top folder.

here=$top_srcdir/tests/cluster
cd "$top_builddir" || exit 99
LD_LIBRARY_PATH=$PWD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
PATH=$PWD:$PATH
export LD_LIBRARY_PATH PATH
failed=0
# shellcheck source=tests/verdict.sh
. "$top_srcdir/tests/verdict.sh"

# on_hosts N: a cluster of this test's own; where there can be none the test is skipped and says why.
on_hosts()
{
    "$here/cluster" possible || exit 77
    work=$(mktemp -d "$PWD/cluster.XXXXXX") || exit 99
    CLUSTER_NAME=t$$
    # The hosts have a /tmp of their own: where this tree lies there they see it, with its sources.
    CLUSTER_SHARED=$(cd "$top_srcdir" && pwd)
    case $PWD/ in
    "$CLUSTER_SHARED"/*) ;;
    *) CLUSTER_SHARED=$PWD ;;
    esac
    export CLUSTER_NAME CLUSTER_SHARED
    trap end EXIT
    trap 'exit 1' INT TERM HUP
    "$here/cluster" up "$1" || exit 99
}

end()
{
    if [ $failed -ne 0 ]; then
        "$here/cluster" log | tail -n 60
        reasons
    fi
    "$here/cluster" down
    rm -rf "$work"
}

cluster()
{
    "$here/cluster" "$@"
}

# run HOST COMMAND...: the output goes to $work/out and $work/err, the status to $status, what it was to $how
run()
{
    how="$* on $1"
    timeout -k 5 "${TIMEOUT:-60}" "$here/cluster" run "$@" > "$work/out" 2> "$work/err" < /dev/null
    status=$?
}

# said COUNT PATTERN: that many of our lines match, and there is no other of ours
said()
{
    [ "$(grep -cE "^([0-9]+: )?oriel(\[[0-9]+\])?: $2" "$work/err")" -eq "$1" ] || complain "not $1 times: $2"
    [ "$(grep -c 'oriel' "$work/err")" -eq "$1" ] || complain "it says more than $1 times: $2"
}

# nothing_left HOST...: no process, segment or file of a job
nothing_left()
{
    local host

    for host; do
        cluster quiet "$host" > "$work/left" || complain "left on $host: $(cat "$work/left")"
        cluster run "$host" find /dev/shm /tmp -mindepth 1 -name '*oriel*' ! -path '/tmp/oriel-cluster*' \
            ! -path "$CLUSTER_SHARED/*" > "$work/left"
        [ ! -s "$work/left" ] || complain "files left on $host: $(cat "$work/left")"
    done
}
