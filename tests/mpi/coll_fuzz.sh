#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# coll_fuzz.sh CASES ENDPOINT [SEED]: the collective fuzzer on 2 to 16 ranks in turn, each run with a
# seed and hence algorithms of its own, until so many cases are done. To be called in the build tree.
# It tells of each run as automake's test driver would.
set -u
cases=$1
endpoint=$2
seed=${3:-1000}
here=$(cd -- "$(dirname -- "$0")" && pwd -P)
each=500
done=0
passed=0
failed=0

while [ $done -lt "$cases" ]; do
    for np in 2 3 4 5 6 7 8 11 13 16; do
        [ $done -lt "$cases" ] || break
        seed=$((seed + 1))
        name=coll_fuzz-seed-$seed-on-$np-over-$endpoint
        if ENDPOINTS=$endpoint TIMEOUT=300 "$here/run.sh" $np tests/mpi/coll_fuzz.mpi $each $seed > coll_fuzz.out 2>&1
        then
            echo "PASS: $name"
            passed=$((passed + 1))
        else
            echo "FAIL: $name"
            sed 's/^/    /' coll_fuzz.out | head -n 20
            failed=$((failed + 1))
        fi
        done=$((done + each))
    done
done
rm -f coll_fuzz.out
echo "# PASS: $passed"
echo "# FAIL: $failed"
[ $failed -eq 0 ]
