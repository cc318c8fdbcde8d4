#!/bin/busybox sh
# SPDX-License-Identifier: BSD-3-Clause
# The first process of a machine (`machines`): loads the modules, puts an overlay over the files of the machine outside, and
# goes on with machine.sh in there.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do
    insmod "/modules/$module" || echo "machine: $module does not load"
done < /modules/order
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro root /host
mount -t tmpfs -o size=75% tmpfs /own
mkdir -p /own/upper /own/work
mount -t overlay -o lowerdir=/host,upperdir=/own/upper,workdir=/own/work overlay /new
mkdir -p /new/control
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=none control /new/control
for folder in proc sys dev; do mount -o move /$folder /new/$folder; done
exec switch_root /new /bin/bash /control/machine.sh
