#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# win_oracle.sh OPERATIONS ENDPOINT [SEED]: random operations on windows on 2 to 8 ranks in turn, each
# run with a seed of its own, until so many are done. To be called in the build tree. It tells of each
# run as automake's test driver would.
set -u
operations=$1
endpoint=$2
seed=${3:-4000}
here=$(cd -- "$(dirname -- "$0")" && pwd -P)
each=3000 # operations of all ranks, at least
done=0
passed=0
failed=0

while [ $done -lt "$operations" ]; do
    for np in 2 3 4 5 6 7 8; do
        # As in run.sh: with fewer, no rank of two hosts has another beside it.
        [ "$endpoint" = both ] && [ $np -lt 4 ] && continue
        [ $done -lt "$operations" ] || break
        seed=$((seed + 1))
        name=win_oracle-seed-$seed-on-$np-over-$endpoint
        ENDPOINTS=$endpoint TIMEOUT=300 "$here/run.sh" $np tests/mpi/win_oracle.mpi $((each / np)) $seed \
            > win_oracle.out 2>&1
        status=$?
        ran=$(sed -n 's/^[0-9]* ranks, \([0-9]*\) operations$/\1/p' win_oracle.out)
        if [ $status -eq 0 ] && [ "${ran:-0}" -ge $each ]; then
            echo "PASS: $name"
            passed=$((passed + 1))
        else
            echo "FAIL: $name"
            sed 's/^/    /' win_oracle.out | head -n 20
            failed=$((failed + 1))
        fi
        done=$((done + ${ran:-$each}))
    done
done
rm -f win_oracle.out
echo "$done operations over $endpoint"
echo "# PASS: $passed"
echo "# FAIL: $failed"
[ $failed -eq 0 ]
