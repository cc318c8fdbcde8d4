#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# debian13.sh FOLDER: Oriel with Debian 13's packages (libfabric 2.1, PMIx 5.0), in a debootstrap folder: it builds with
# -Werror (but for one guess of gcc 14's), and the unit tests and some programs of tests/mpi pass. What `make check-debian13` calls. The folder is
# made once and used again; --new begins anew.
set -eu
top=$(cd -- "$(dirname -- "$0")/.." && pwd -P)
new=no
[ "${1-}" != --new ] || { new=yes; shift; }
[ $# -eq 1 ] || { echo "usage: debian13.sh [--new] FOLDER" >&2; exit 2; }
folder=$1
root=$folder/root
needs=gcc,libc6-dev,make,autoconf,automake,libtool,pkg-config,libfabric-dev,libpmix-dev,libhwloc-dev,libibverbs-dev
needs=$needs,libcriterion-dev,python3,procps,iproute2
tests='tests/link_provider tests/unit/test_fabric tests/unit/test_boot tests/unit/test_node_message
    tests/unit/test_node_rma tests/mpi/life_test.sh tests/mpi/p2p_order.mpi tests/mpi/p2p_modes.mpi tests/mpi/p2p_probe.mpi
    tests/mpi/p2p_truncate.mpi tests/mpi/p2p_cancel.mpi tests/mpi/p2p_split.mpi tests/mpi/p2p_vector.mpi
    tests/mpi/p2p_threads.mpi tests/mpi/p2p_flow.mpi tests/mpi/p2p_surplus.mpi tests/mpi/p2p_match_fuzz.mpi tests/mpi/coll_forms.mpi
    tests/mpi/coll_progress.mpi tests/mpi/win_oracle.mpi tests/mpi/win_progress.mpi tests/mpi/file_forms.mpi
    tests/mpi/win_shape.mpi tests/mpi/win_words.mpi tests/launcher/launcher.sh'

if [ "$(id -u)" -ne 0 ]; then
    echo 'SKIP: debian13: a root folder is made and entered by root'
    exit 77
fi
if ! command -v debootstrap > /dev/null; then
    echo 'SKIP: debian13: debootstrap is missing (Debian: apt-get install debootstrap)'
    exit 77
fi

# The mirror and the way to it that this machine uses.
make_root()
{
    local mirror

    mirror=$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] *\)\?\([^ ]*\) .*/\2/p' /etc/apt/sources.list \
        /etc/apt/sources.list.d/* 2> /dev/null | grep -v security | head -n 1)
    rm -rf "$root"
    mkdir -p "$root"
    debootstrap --variant=minbase --include="$needs" trixie "$root" "${mirror:-http://deb.debian.org/debian}"
    : > "$folder/made"
}

[ $new = no ] && [ -e "$folder/made" ] || make_root > "$folder.log" 2>&1 ||
    { tail -n 20 "$folder.log"; echo 'FAIL: debian13: no root folder'; exit 1; }

# A mount and PID namespace of its own: what it mounts and starts ends with it.
mkdir -p "$folder/build" "$root/oriel" "$root/build"
exec unshare --mount --pid --fork --kill-child bash -euc '
    root=$1 top=$2 build=$3 tests=$4
    mount --make-rprivate /
    mount --bind "$top" "$root/oriel"
    mount -o remount,bind,ro "$root/oriel"
    mount --bind "$build" "$root/build"
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys" # where it is missing, PMIx 5 has hwloc say so on stderr
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/dev/shm"
    mount -t tmpfs tmpfs "$root/tmp"
    exec chroot "$root" /bin/bash -euc "
        cd /build
        mkdir -p source make
        (cd /oriel && tar -cf - --exclude=./build --exclude=./.git .) | tar -xf - -C source
        dpkg-query -W -f \"\\\${Package} \\\${Version}\\n\" libfabric1 libpmix2t64 gcc
        (cd source && autoreconf -fi > ../autoreconf.log 2>&1) || { tail ../build/autoreconf.log; exit 1; }
        cd make
        # Whether gcc believes that a function has set a variable depends on what it inlined: told, and no error.
        ../source/configure --enable-werror CFLAGS=-Wno-error=maybe-uninitialized > configure.log || { tail configure.log; exit 1; }
        make -j2 > make.log 2>&1 || { grep -m 20 -E \"error|warning\" make.log; echo FAIL: debian13: the build; exit 1; }
        make check TESTS=\"\$1\"
    " bash "$tests"
' bash "$root" "$top" "$folder/build" "$(echo $tests)"
