#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# oriel-info: what it says is so, and its JSON is JSON.
set -u
cd "$top_builddir" || exit 1
LD_LIBRARY_PATH=$PWD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
failed=0

complain()
{
    echo "info_test: $*"
    failed=1
}

# has PATTERN OPTION...
has()
{
    pattern=$1
    shift
    ./oriel-info "$@" | grep -qE -- "$pattern" || complain "oriel-info $*: no line matches: $pattern"
}

has '^Oriel [0-9.]+, MPI 5.0 .*libfabric [12]\.[0-9]+, PMIx .*[0-9]' --version
[ "$(./oriel-info --version | wc -l)" -eq 1 ] || complain '--version is more than one line'
ORIEL_SPIN=7 has '^ORIEL_SPIN \(int\) = 7 \[set in the environment\]' --params
has '^ORIEL_SPIN \(int\) = 10000$' --params
ORIEL_SPIN=abc has '^ORIEL_SPIN \(int\) = 10000$' --params 2> /dev/null

# refused NAME=VALUE: said in one line, and the default stands
refused()
{
    said=$(env "$1" ./oriel-info --params 2>&1 > /dev/null)
    case $said in
    "oriel: $1 is "*"; the default, "*", stands") ;;
    *) complain "$1: says '$said'" ;;
    esac
}
for setting in SPIN=abc NODE_RINGS=99 NODE_RINGS=-1 CREDIT=-1 SLEEP_AFTER=-1 COLL_TRIALS=-1 COLL_AREA_AFTER=-7 \
    PRETEND_HOSTS=-2 LOG=foo LOCKS=foo PROGRESS=foo INITIAL_ERRHANDLER=foo; do
    refused "ORIEL_$setting"
done
for options in --params --help --json; do
    ./oriel-info $options > /dev/full 2> /dev/null && complain "$options to a full device succeeds"
done
has '^\* oriel +node +chosen' --providers
[ "$(./oriel-info --providers | grep -c '^\*')" -le 2 ] || complain 'more than one is chosen for a kind of job'
ORIEL_NODE=no has '^\* stream +lo +chosen' --providers
ORIEL_NODE=no has '^  tcp;ofi_rxm +lo +not chosen: a better one comes first' --providers
ORIEL_NODE=no ORIEL_PROVIDER=tcp has '^\* tcp;ofi_rxm +lo +chosen' --providers
ORIEL_NODE=no FI_PROVIDER=tcp has '^  stream +lo +not chosen: FI_PROVIDER names another' --providers
has '^    windows: .*processor' --providers
has 'several hosts' --providers
[ -n "$(ls /sys/class/infiniband 2> /dev/null)" ] || has '^  \(RDMA\) +none +not chosen: ' --providers
has 'sockets .*not chosen: ' --providers
has '^MPI_Allreduce' --collectives
has '^  doubling' --collectives
if command -v python3 > /dev/null; then
    ORIEL_INTERFACE=$(printf '\377a\303\244\355\240\200') ORIEL_SPIN=7 ./oriel-info --json | python3 -c '
import json, sys
all = json.loads(sys.stdin.buffer.read().decode("utf-8"))
interface = [p for p in all["parameters"] if p["name"] == "ORIEL_INTERFACE"][0]
assert interface["value"] == "\ufffda\u00e4\ufffd\ufffd\ufffd", interface
spin = [p for p in all["parameters"] if p["name"] == "ORIEL_SPIN"][0]
assert spin["value"] == "7" and spin["default"] == "10000" and spin["from"] == "environment", spin
chosen = [p["provider"] for p in all["providers"]["one_host"] if p["chosen"]]
assert chosen == ["oriel"], chosen
assert {"operation", "algorithm", "needs", "cost"} == set(all["collectives"][0])
' || complain '--json'
fi
./oriel-info nonsense > /dev/null 2>&1 && complain 'nonsense is accepted'
FI_PROVIDER=nosuch ORIEL_NODE=no ./oriel-info --providers > /dev/null 2>&1 && complain 'nosuch can be used'

# Where no device is there for it, libfabric is not even loaded: that costs each process 80 ms of a processor.
if ! ls /sys/class/infiniband/* /sys/class/cxi/* /dev/hfi1* > /dev/null 2>&1; then
    loaded=$(ORIEL_NODE=no LD_DEBUG=files ./mpiexec --oversubscribe -n 2 tests/cluster/hello 2>&1 |
        grep -c 'file=libfabric[.]so.*dynamically loaded')
    [ "$loaded" -eq 0 ] || complain "libfabric was loaded $loaded times by a job that needs none of it"
fi

# ORIEL_VERBOSE: one line a job.
lines=$(ORIEL_VERBOSE=1 ./mpiexec --oversubscribe -n 3 tests/cluster/hello 2>&1 | grep '^oriel')
echo "$lines" | grep -qE '^oriel\[0\]: 3 ranks on 1 host: shared memory, .*; MPI_Init took [0-9.]+ ms$' ||
    complain "ORIEL_VERBOSE: $lines"
[ "$(echo "$lines" | wc -l)" -eq 1 ] || complain "ORIEL_VERBOSE says more than one line"
exit $failed
