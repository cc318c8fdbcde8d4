#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What a machine does (`machines`): its network and its Soft-RoCE device, Slurm, and on the first one the command. Slurm and
# not our own mpiexec starts the ranks, as mpiexec serves one host, and as it is what sites with such networks have.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
exec < /dev/null
for word in $(cat /proc/cmdline); do
    case $word in machine=*) number=${word#*=} ;; esac
done
. /control/job
subnet=198.51.100

mkdir -p /dev/shm /dev/pts
mount -t tmpfs shm /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs run /run
echo "m$number" > /proc/sys/kernel/hostname
{
    echo '127.0.0.1 localhost'
    for ((k = 0; k < count; k++)); do echo "$subnet.$((k + 1)) m$k"; done
} > /etc/hosts
: > /etc/resolv.conf
# The device's first address is the link-local IPv6 one, and is wanted at once.
for k in all default; do echo 0 > /proc/sys/net/ipv6/conf/$k/accept_dad; done
ip link set lo up
for nic in /sys/class/net/*; do
    nic=${nic##*/}
    [ "$nic" = lo ] || break
done
ip link set "$nic" name eth0 2> /dev/null
ip link set eth0 mtu 4500
ip addr add "$subnet.$((number + 1))/24" dev eth0
ip link set eth0 up
rdma link add rxe0 type rxe netdev eth0 || echo 'machine: no Soft-RoCE device'
ulimit -l unlimited
ulimit -c 0

mkdir -p /run/munge /run/slurm/state /run/slurm/spool
export SLURM_CONF=/run/slurm/slurm.conf
{
    echo "ClusterName=oriel
SlurmctldHost=m0($subnet.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=/run/munge/socket
CryptoType=crypto/munge
StateSaveLocation=/run/slurm/state
SlurmdSpoolDir=/run/slurm/spool
SlurmctldPidFile=/run/slurm/slurmctld.pid
SlurmdPidFile=/run/slurm/slurmd.pid
SlurmctldLogFile=/run/slurm/slurmctld.log
SlurmdLogFile=/run/slurm/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_min_interval=1000,batch_sched_delay=0,bf_interval=1
ReturnToService=2
MessageTimeout=100
SlurmdTimeout=600
SlurmctldTimeout=600
KillWait=2"
    for ((k = 0; k < count; k++)); do echo "NodeName=m$k NodeAddr=$subnet.$((k + 1)) CPUs=16 RealMemory=100 State=UNKNOWN"; done
    echo 'PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES'
} > $SLURM_CONF
echo 'CgroupPlugin=cgroup/v1' > /run/slurm/cgroup.conf
: > /run/slurm/plugstack.conf
: > /run/slurm/mpi.conf
cp /control/munge.key /run/munge/key
chmod 400 /run/munge/key
munged --foreground --force --key-file=/run/munge/key --socket=/run/munge/socket --pid-file=/run/munge/pid \
    --log-file=/run/munge/log --seed-file=/run/munge/seed &
while [ ! -S /run/munge/socket ]; do sleep 0.2; done
[ "$number" -ne 0 ] || slurmctld -D &
slurmd -D -N "m$number" &

if [ "$number" -ne 0 ]; then
    wait
else
    until [ "$(sinfo -h -N -t idle -o %N 2> /dev/null | sort -u | wc -l)" -eq "$count" ]; do sleep 0.5; done
    read -r up rest < /proc/uptime
    echo "machine: $count machines up after $up s, $(rdma link)"
    cd "$folder" || cd /
    "${command[@]}" > /control/out 2> /control/err
    echo $? > /control/status.new
    cp /run/slurm/*.log /control/
    mv /control/status.new /control/status
fi
busybox reboot -f
