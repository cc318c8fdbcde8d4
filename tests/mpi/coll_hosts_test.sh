#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Collectives in two levels: on one machine that passes for several hosts, with as many ranks on each
# and with fewer on some, from the first operation on; forced, then where the formulas say so, and
# once without shared memory.
set -u
cd "$top_builddir" || exit 1
LD_LIBRARY_PATH=$PWD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
ORIEL_INTERFACE=lo ORIEL_LOG=error ORIEL_COLL_AREA_AFTER=0
export LD_LIBRARY_PATH ORIEL_INTERFACE ORIEL_LOG ORIEL_COLL_AREA_AFTER
failed=0

# try HOSTS RANKS PROGRAM [ARGUMENT...]
try()
{
    ORIEL_PRETEND_HOSTS=$1
    export ORIEL_PRETEND_HOSTS
    ranks=$2 program=$3
    shift 3
    timeout -k 5 120 ./mpiexec --oversubscribe -n "$ranks" "tests/mpi/$program.mpi" "$@" \
        > coll_hosts_test.out 2>&1 </dev/null && return
    echo "coll_hosts_test: $program on $ranks ranks of $ORIEL_PRETEND_HOSTS hosts:"
    cat coll_hosts_test.out
    failed=1
}

try 3 7 coll_fuzz 200 7
for operation in BARRIER BCAST ALLGATHER REDUCE ALLREDUCE; do
    eval "ORIEL_COLL_$operation=hosts; export ORIEL_COLL_$operation"
done
try 2 3 coll_forms
try 3 7 coll_forms
try 2 5 coll_area 60
try 3 6 coll_area 60
try 2 8 coll_fuzz 200 2
try 4 7 coll_fuzz 200 4
ORIEL_NODE=no
export ORIEL_NODE
try 2 5 coll_forms
rm -f coll_hosts_test.out
exit $failed
