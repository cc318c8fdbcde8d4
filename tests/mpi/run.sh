#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# run.sh NP[,NP...] PROGRAM [ARGUMENT...]: runs the program under the build tree's mpiexec on each
# number of ranks in turn: over shared memory (node); with that off, over the network's loopback
# (stream); and with both, as on two hosts. Fails with the first that fails, or takes longer than
# TIMEOUT seconds. ENDPOINTS names some of "node stream tcp both", where tcp is libfabric's provider;
# ORIEL_PROVIDER the network of "both". To be called in the build tree's top folder, as make does.
set -u
counts=$1
program=$2
shift 2
mpiexec=${MPIEXEC:-./mpiexec}
LD_LIBRARY_PATH=$PWD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH ORIEL_NODE

named=${ORIEL_PROVIDER-}
case $program in
*/win_words.mpi | */p2p_surplus.mpi) all='node stream tcp both' ;; # only libfabric's have remote atomics, or hold few receives
*/p2p_mates.mpi | */coll_meet.mpi) all=node ;; # about the processors of ranks that share memory
*) all='node stream both' ;;
esac
for endpoint in ${ENDPOINTS:-$all}; do
    unset ORIEL_PRETEND_HOSTS ORIEL_INTERFACE ORIEL_PROVIDER
    case $endpoint in
    node) ORIEL_NODE=yes ;;
    stream | tcp)
        ORIEL_NODE=no ORIEL_PROVIDER=$endpoint
        export ORIEL_PROVIDER
        ;;
    both)
        ORIEL_NODE=yes ORIEL_PRETEND_HOSTS=2 ORIEL_INTERFACE=lo
        export ORIEL_PRETEND_HOSTS ORIEL_INTERFACE
        [ -z "$named" ] || export ORIEL_PROVIDER="$named"
        ;;
    *) echo "run.sh: ENDPOINTS: $endpoint is none of node, stream, tcp and both" >&2; exit 99 ;;
    esac
    for np in $(echo "$counts" | tr , ' '); do
        # With fewer, no rank of two hosts has another beside it.
        [ $endpoint = both ] && [ "$np" -lt 3 ] && continue
        timeout -k 5 "${TIMEOUT:-120}" \
            "$mpiexec" --oversubscribe -n "$np" "./$program" "$@" </dev/null
        status=$?
        if [ $status -ne 0 ]; then
            echo "run.sh: $program on $np ranks over $endpoint ended with status $status" >&2
            exit $status
        fi
    done
done
