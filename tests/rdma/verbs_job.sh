#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What runs on the first machine (verbs.rdma): each of the cases, on all machines. The last ones spoil the machines.
failed=0

start()
{
    timeout -k 5 "${limit:-300}" srun --mpi=pmix --kill-on-bad-exit=1 -N2 -n"$n" --ntasks-per-node=$((n / 2)) "$@" \
        > /tmp/job.out 2>&1
    status=$?
}

# job COMMAND...: on as many ranks of both machines as n says. Slurm's parts of a machine that is starved give each other
# up before the ranks have begun: then once more.
job()
{
    how=$*
    start "$@"
    [ $status -eq 0 ] || ! grep -q 'before step completely launched' /tmp/job.out || start "$@"
    read -r up rest < /proc/uptime
    echo "$how on $n ranks: status $status at $up s"
}

complain()
{
    echo "FAILED: $*"
    tail -n 20 /tmp/job.out
    failed=1
}

right()
{
    [ $status -eq 0 ] || complain "$how"
}

says()
{
    grep -q "$1" /tmp/job.out || complain "$how does not say: $1"
}

case_chosen()
{
    how='oriel-info --providers'
    ./oriel-info --providers > /tmp/job.out 2>&1
    says '^\* verbs;ofi_rxm *rxe0 .*chosen'
}

case_programs()
{
    local less

    for program in $programs; do
        # 2 MiB take 3 s in such machines. The first number is seconds, the other one bytes.
        case $program in
            coll_progress) less=15 ;;
            p2p_large) less=1048576 ;;
            *) less= ;;
        esac
        for n in $ranks; do
            ORIEL_LOG=info job "tests/mpi/.libs/$program.mpi" $less
            right
            [ "$(grep -c 'verbs;ofi_rxm on rxe0' /tmp/job.out)" -eq "$n" ] || complain "$how: not over verbs"
        done
    done
}

# The fuzzers against their models, at more length than among the programs.
case_fuzzers()
{
    local fuzzer

    for n in $ranks; do
        for fuzzer in p2p_match_fuzz coll_fuzz win_oracle; do
            limit=1800 job "tests/mpi/.libs/$fuzzer.mpi" 1000 7
            right
        done
    done
}

case_stopped()
{
    mkdir -p /control/stopped
    job tests/rdma/.libs/stopped /control/stopped
    right
}

case_forked()
{
    job tests/rdma/.libs/forked
    right
}

# With the C library's allocator, and with one that keeps and gives back memory in its own way.
case_remapped()
{
    local jemalloc limit=$((120 + rounds))

    job tests/rdma/.libs/remap "$rounds"
    right
    says 'the same address again'
    cat /tmp/job.out
    jemalloc=$(ldconfig -p | sed -n 's/.*libjemalloc\.so\.2 .*=> //p' | head -n 1)
    [ -n "$jemalloc" ] || { complain 'no libjemalloc.so.2 (Debian: libjemalloc2)'; return; }
    job env LD_PRELOAD="$jemalloc" tests/rdma/.libs/remap "$rounds"
    right
    cat /tmp/job.out
}

# With subprocess.run and os.fork while there is registered memory.
case_python()
{
    limit=600 job "$python" "$top_srcdir/tests/rdma/remap.py"
    right
}

case_seed()
{
    how='the programs of tests/seed'
    "$python" "$top_srcdir/tests/rdma/seed.py" > /tmp/job.out 2>&1 || complain "$how"
    cat /tmp/job.out
}

# Some of mpi4py's own tests, where its sources are.
case_mpi4py()
{
    local module

    cd "$mpi4py/test" || { complain "no sources of mpi4py in $mpi4py"; return; }
    for module in rma p2p_buf; do
        PYTHONDONTWRITEBYTECODE=1 limit=1800 job "$python" main.py --no-builddir -i "^test_${module}[.]py\$"
        right
        [ "$(grep -c '^Ran [1-9]' /tmp/job.out)" -eq "$n" ] || complain "$how: not run on all ranks"
    done
    cd - > /dev/null || exit 1
}

# Root is let lock any memory, by a capability which is given up here.
case_locked()
{
    local nothing='setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock prlimit --memlock=0:0'

    job $nothing tests/mpi/.libs/p2p_modes.mpi
    [ $status -ne 0 ] || complain "$how: it runs"
    says 'the RDMA device rxe0 port 1 is active, but .* verbs;ofi_rxm on rxe0 does not open .*locked.*ORIEL_ALLOW_TCP=yes'
    ORIEL_ALLOW_TCP=yes ORIEL_LOG=info job $nothing tests/mpi/.libs/p2p_modes.mpi
    right
    says 'stream on eth0'
}

case_unloaded()
{
    job sh -c 'rdma link delete rxe0 && busybox rmmod rdma_rxe'
    right
    how='oriel-info --providers with no rdma_rxe'
    ./oriel-info --providers > /tmp/job.out 2>&1
    says '^\* stream *eth0 .*chosen'
    says '(RDMA) *none *not chosen: no device of this host has an active port'
    ORIEL_LOG=info job tests/mpi/.libs/p2p_modes.mpi
    right
    says 'stream on eth0'
}

for one in $cases; do
    n=2 limit=
    "case_$one"
done
exit $failed
