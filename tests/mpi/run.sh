#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# run.sh NP[,NP...] PROGRAM [ARGUMENT...]: runs the program under the build tree's mpiexec on each
# number of ranks in turn; fails with the first that fails, or takes longer than TIMEOUT seconds.
# To be called in the build tree's top folder, as make does.
set -u
counts=$1
program=$2
shift 2
mpiexec=${MPIEXEC:-./mpiexec}
LD_LIBRARY_PATH=$PWD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH

for np in $(echo "$counts" | tr , ' '); do
    timeout -k 5 "${TIMEOUT:-60}" "$mpiexec" --oversubscribe -n "$np" "./$program" "$@" </dev/null
    status=$?
    if [ $status -ne 0 ]; then
        echo "run.sh: $program on $np ranks ended with status $status" >&2
        exit $status
    fi
done
