# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the tests on several hosts and on RDMA networks share. Sourced by their lib.sh: $work, $how, $status and $failed
# are those of its `run`.

# complain WHY...: the test fails, and goes on
complain()
{
    echo "FAILED: $how: $*"
    head -n 30 "$work/out" "$work/err"
    failed=1
    reasons="$reasons$(echo "FAILED: $how: $*"; tail -n 3 "$work/err")
"
}

# reasons: once more at the end, which is what is read first
reasons=
reasons()
{
    printf '%s' "$reasons" | head -n 24
}

# ended STATUS
ended()
{
    [ "$status" -eq "$1" ] || complain "status $status, not $1"
}
