#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# How MPI starts and ends, and what is legal before and after: alone, and under mpiexec.
set -u
cd "$top_builddir" || exit 1
LD_LIBRARY_PATH=$PWD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
work=$(mktemp -d "${TMPDIR:-/tmp}/life_test.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

# run MODE [COMMAND...]: what it says goes to $work/out and $work/err
run()
{
    mode=$1
    shift
    timeout -k 5 60 "$@" tests/mpi/life "$mode" > "$work/out" 2> "$work/err" < /dev/null
    status=$?
    how="$mode${1:+ under $*}"
}

complain()
{
    echo "life_test: $how: $*"
    cat "$work/out" "$work/err"
    failed=1
}

# silent: it ended well and said nothing
silent()
{
    [ $status -eq 0 ] || complain "status $status"
    [ ! -s "$work/out" ] && [ ! -s "$work/err" ] || complain "it is not silent"
}

# says STATUS LINE: standard error is this one line
says()
{
    [ $status -eq "$1" ] || complain "status $status, not $1"
    [ "$(cat "$work/err")" = "$2" ] || complain "it should have said: $2"
}

# said STATUS LINE: a rank of several said this line, whatever the launcher adds; once each at most
said()
{
    [ $status -eq "$1" ] || complain "status $status, not $1"
    times=$(grep -cE "^oriel\[[0-9]\]: $2\$" "$work/err")
    [ "$times" -ge 1 ] && [ "$times" -le 3 ] || complain "$times ranks said: $2"
    [ "$(grep -cF "$2" "$work/err")" = "$times" ] || complain "the launcher says it again"
}

for mode in plain levels init_in_thread attributes attributes_fail forks children sessions session_hints cycles handlers; do
    run $mode
    silent
    run $mode ./mpiexec --oversubscribe -n 3
    silent
done
run no_finalize
silent
ORIEL_INITIAL_ERRHANDLER=mpi_errors_return run initial
silent
run initial ./mpiexec --initial-errhandler mpi_errors_return --oversubscribe -n 2
silent

known='MPI_ERR_OTHER: the call failed:'
run init_twice
says 1 "oriel: MPI_Init: $known MPI is initialized already"
run finalize_first
says 1 "oriel: MPI_Finalize: $known MPI_Init has not been called yet"
run finalize_twice
says 1 "oriel: MPI_Finalize: $known MPI_Finalize has been called already"
run init_again
says 1 "oriel: MPI_Init: $known MPI cannot be initialized again after MPI_Finalize"
run rank_first
says 1 "oriel: MPI_Comm_rank: $known MPI_Init has not been called yet"
run rank_after
says 1 "oriel: MPI_Comm_rank: $known MPI_Finalize has been called already"
run abort_3
says 3 'oriel: MPI_Abort on MPI_COMM_WORLD with error code 3'
[ "$(cat "$work/out")" = 'printed before' ] || complain 'output before MPI_Abort is lost'
run abort_first
says 5 'oriel: MPI_Abort on no communicator with error code 5'
run fatal
says 1 'oriel: MPI_Send on MPI_COMM_WORLD: MPI_ERR_RANK: invalid rank: destination 4, the communicator has 1 rank'

run attributes_end
says 1 'oriel: MPI_Finalize: MPI_ERR_IO: input or output failed: returned by an attribute'"'"'s delete function'

run own_code
says 1 'oriel: MPI_Comm_call_errhandler on MPI_COMM_WORLD: error code 16384, returned by a function of the program'"'"'s'
run own_code_told
says 1 'oriel: MPI_Comm_call_errhandler on MPI_COMM_WORLD: out of paper'

timeout -k 5 60 ./mpiexec -n 1 tests/mpi/life programs : -n 2 tests/mpi/life programs \
    > "$work/out" 2> "$work/err" < /dev/null
status=$?
how='programs, two of them'
[ $status -eq 0 ] || complain "status $status"
[ "$(sort "$work/out" | tr '\n' ',')" = '0: program 0 of 3,1: program 1 of 3,2: program 1 of 3,' ] ||
    complain 'the programs are not told their numbers'

run abort_3 ./mpiexec --oversubscribe -n 3
said 3 'MPI_Abort on MPI_COMM_WORLD with error code 3'
run fatal ./mpiexec --oversubscribe -n 3
said 1 'MPI_Send on MPI_COMM_WORLD: MPI_ERR_RANK: invalid rank: destination 6, the communicator has 3 ranks'

# One of several that were started without PMIx must not run as several jobs of one.
SLURM_STEP_NUM_TASKS=4 SLURM_PROCID=0 run plain
[ $status -ne 0 ] || complain 'it ran as one of four without PMIx'
[ "$(wc -l < "$work/err")" = 1 ] || complain 'one line should say how to start it'
exit $failed
