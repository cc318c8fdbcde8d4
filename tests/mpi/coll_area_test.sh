#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Collectives through shared areas, from the first operation on and each of their algorithms forced,
# and never; and a job that one of its ranks leaves without a word while the others wait for it.
set -u
cd "$top_builddir" || exit 1
ENDPOINTS=node
export ENDPOINTS
run=$top_srcdir/tests/mpi/run.sh
failed=0

# try AFTER ALGORITHM: of each operation that has one of that name, the others go as they please
try()
{
    (
        ORIEL_COLL_AREA_AFTER=$1 ORIEL_LOG=error
        export ORIEL_COLL_AREA_AFTER ORIEL_LOG
        for operation in BARRIER BCAST GATHER SCATTER ALLGATHER ALLGATHERV ALLTOALL REDUCE \
            ALLREDUCE REDUCE_SCATTER REDUCE_SCATTER_BLOCK SCAN EXSCAN; do
            eval "ORIEL_COLL_$operation=\$2; export ORIEL_COLL_$operation"
        done
        "$run" 2,5 tests/mpi/coll_forms.mpi && "$run" 3 tests/mpi/coll_area.mpi 200
    ) > coll_area_test.out 2>&1 && return
    echo "coll_area_test: areas after $1 operations, algorithms $2:"
    cat coll_area_test.out
    failed=1
}

try 0 area
try 0 stripes
try 0 direct
try 3 ''
try -1 ''

"$run" 4 tests/mpi/coll_area.mpi killed > coll_area_test.out 2>&1
status=$?
if [ $status -ne 137 ]; then
    echo "coll_area_test: a killed rank gives status $status, not 137:"
    cat coll_area_test.out
    failed=1
fi
rm -f coll_area_test.out
exit $failed
