#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What runs on the first machine (verbs.rdma): each program, on all machines.
failed=0

job()
{
    how=$*
    timeout -k 5 300 srun --mpi=pmix --kill-on-bad-exit=1 -N2 "$@" > /tmp/job.out 2>&1
    status=$?
    read -r up rest < /proc/uptime
    echo "$how: status $status at $up s"
}

complain()
{
    echo "FAILED: $*"
    tail -n 20 /tmp/job.out
    failed=1
}

./oriel-info --providers > /tmp/job.out 2>&1
grep -q '^\* verbs;ofi_rxm *rxe0 .*chosen' /tmp/job.out || complain 'oriel-info does not say that verbs is chosen'

for program in $programs; do
    for n in $ranks; do
        ORIEL_LOG=info job -n"$n" --ntasks-per-node=$((n / 2)) "tests/mpi/.libs/$program.mpi"
        [ $status -eq 0 ] || complain "$how"
        [ "$(grep -c 'verbs;ofi_rxm on rxe0' /tmp/job.out)" -eq "$n" ] || complain "$how: not over verbs"
    done
done
exit $failed
