#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What a user sees who makes a mistake, or whose rank dies: one clear message, the right exit status,
# nothing left running. Each case over shared memory and over the network's loopback.
set -u
cd "$top_builddir" || exit 1
LD_LIBRARY_PATH=$PWD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH ORIEL_NODE
work=$(mktemp -d "${TMPDIR:-/tmp}/bad_input_test.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

complain()
{
    echo "bad_input_test: $case (ORIEL_NODE=$ORIEL_NODE): $*"
    sed 's/^/    /' "$work/out" "$work/err"
    failed=1
}

# expect CASE STATUS PATTERN...: three ranks, the last of which errs; each pattern is in a line
expect()
{
    case=$1
    wanted=$2
    shift 2
    timeout -k 5 60 ./mpiexec -n 3 tests/mpi/bad_input "$case" \
        > "$work/out" 2> "$work/err" < /dev/null
    status=$?
    [ $status -eq "$wanted" ] || complain "exit status $status, not $wanted"
    for pattern; do
        grep -q -e "$pattern" "$work/err" || complain "no line says: $pattern"
    done
    [ "$(wc -l < "$work/err")" -le 2 ] || complain "more than two lines"
    ! grep -q "not reached" "$work/out" || complain "it went on"
}

# The whole job ends at Ctrl-C, and nothing stays behind.
interrupt()
{
    case=ctrl-c
    : > "$work/out"
    # A shell has its background jobs ignore SIGINT, and mpiexec would, too.
    env --default-signal=INT ./mpiexec -n 3 tests/mpi/bad_input waits \
        > "$work/out" 2> "$work/err" < /dev/null &
    launcher=$!
    tries=0
    until grep -q waiting "$work/out" || [ $tries -eq 300 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    kill -INT $launcher
    wait $launcher
    status=$?
    [ $status -eq 130 ] || complain "exit status $status, not 130"
    grep -q SIGINT "$work/err" || complain "no line names the signal"
}

for ORIEL_NODE in yes no; do
    expect wrong-rank 1 'MPI_Send on MPI_COMM_WORLD: MPI_ERR_RANK.*99.*3 ranks'
    expect negative-tag 1 'MPI_Send on MPI_COMM_WORLD: MPI_ERR_TAG.*-5'
    expect negative-count 1 'MPI_Send on MPI_COMM_WORLD: MPI_ERR_COUNT.*-1'
    expect freed-comm 1 'MPI_Send: MPI_ERR_COMM.*freed'
    expect null-type 1 'MPI_Send on MPI_COMM_WORLD: MPI_ERR_TYPE'
    expect truncation 1 'MPI_Sendrecv on MPI_COMM_SELF: MPI_ERR_TRUNCATE.*80 bytes.*40'
    expect unwritten 1 'MPI_ERR_UNSUPPORTED_OPERATION.*MPI_Comm_spawn'
    expect abort 3 'MPI_Abort.*3' 'rank 2 .*status 3'
    expect killed 137 'rank 2 (pid [0-9]* on .*) was killed by signal 9 (SIGKILL'
    expect leaves 1 'rank 2 (pid [0-9]* on .*'
    interrupt
done

# A provider that is not there is named, with the variable that asked for it.
case=FI_PROVIDER
FI_PROVIDER=nosuch timeout -k 5 60 ./mpiexec -n 3 tests/mpi/bad_input none \
    > "$work/out" 2> "$work/err" < /dev/null
status=$?
[ $status -eq 1 ] || complain "exit status $status, not 1"
grep -q 'FI_PROVIDER=nosuch: no such provider' "$work/err" || complain "the variable is not named"

# It is about networks, of which a job on one host needs none; and what leaves some out, or is empty, asks for nothing.
for asked in mlx '^tcp' ''; do
    for ORIEL_NODE in yes no; do
        [ "$ORIEL_NODE,$asked" != no,mlx ] || continue
        case="FI_PROVIDER='$asked', ORIEL_NODE=$ORIEL_NODE"
        FI_PROVIDER=$asked timeout -k 5 60 ./mpiexec -n 2 tests/cluster/hello \
            > "$work/out" 2> "$work/err" < /dev/null
        status=$?
        [ $status -eq 0 ] || complain "exit status $status"
    done
done

case=ORIEL_PROVIDER
ORIEL_PROVIDER=nosuch timeout -k 5 60 ./mpiexec -n 2 tests/mpi/bad_input none \
    > "$work/out" 2> "$work/err" < /dev/null
status=$?
[ $status -eq 1 ] || complain "exit status $status, not 1"
grep -q 'ORIEL_PROVIDER=nosuch: no such provider.*there is .*stream.*tcp' "$work/err" ||
    complain "what there is is not listed"

# Shared memory that runs out, at the start of one rank and at its first long message.
no_room()
{
    case=$1
    ORIEL_NODE=yes timeout -k 5 60 ./mpiexec -n 2 strace -f -o /dev/null \
        -e inject=fallocate:error=ENOSPC:"$2" tests/mpi/bad_input "$3" \
        > "$work/out" 2> "$work/err" < /dev/null
    status=$?
    [ $status -eq 1 ] || complain "exit status $status, not 1"
    grep -q "$4" "$work/err" || complain "no line says: $4"
}
if strace -o /dev/null -e inject=fallocate:error=ENOSPC true 2> /dev/null; then
    # One rank that gets none must not go to the network alone.
    case=no-segment
    # shellcheck disable=SC2016 # the rank's own shell expands it
    ORIEL_NODE=yes timeout -k 5 60 ./mpiexec -n 2 sh -c '[ "$PMIX_RANK" = 0 ] ||
        set -- strace -f -o /dev/null -e inject=memfd_create:error=EMFILE "$@"; exec "$@"' sh tests/mpi/bad_input none \
        > "$work/out" 2> "$work/err" < /dev/null
    status=$?
    [ $status -eq 1 ] || complain "exit status $status, not 1"
    grep -q 'no shared memory with the ranks on this host: Too many open files' "$work/err" || complain 'it does not say why'
    no_room at-start when=1+ none 'no shared memory with the ranks on this host: No space left.*ORIEL_NODE=no'
    no_room later when=2+ sends-long 'MPI_Send.*MPI_ERR_NO_SPACE.*No space left'
fi

left=$(ps -eo args= | grep "^tests/mpi/bad_input " || true)
[ -z "$left" ] || { echo "bad_input_test: still running: $left"; failed=1; }
exit $failed
