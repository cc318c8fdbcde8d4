#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A start among RANKS (100000) ranks on two hosts, of which three are there: groups and process sets are right, and
# what MPI_Init takes is what it takes among 256, but for eight bytes a rank that nobody touches. The hosts are the
# two ends of a cable in a network namespace, whatever else this machine is connected to.
set -u
script=$(cd "$(dirname "$0")" && pwd)/${0##*/}
cd "$top_builddir" || exit 1
LD_LIBRARY_PATH=$PWD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
ranks=${RANKS:-100000}
if [ "${1-}" != inside ]; then
    space='unshare --net'
    [ "$(id -u)" -eq 0 ] || space='unshare --net --map-root-user'
    if ! $space ip link add name here type veth peer name there 2> /dev/null; then
        echo "big_job: this machine lets nobody make a network namespace with ip (apt-get install iproute2)"
        exit 77
    fi
    exec $space "$script" inside
fi
ip link add name here type veth peer name there && ip link set lo up &&
    ip address add 10.1.0.1/24 dev here && ip link set here up &&
    ip address add 10.1.0.2/24 dev there && ip link set there up || exit 99
work=$(mktemp -d "${TMPDIR:-/tmp}/big_job.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT

for n in 256 "$ranks"; do
    timeout -k 5 60 tests/launcher/big_job "$n" 2 tests/launcher/big_rank "$n" \
        > "$work/$n" 2> "$work/err" || { cat "$work/$n" "$work/err"; echo "$n ranks failed"; exit 1; }
    echo "$n ranks:"
    cat "$work/$n"
done
awk -v ranks="$ranks" '
    /MPI_Init/ { time[FILENAME] = $4; heap[FILENAME] = $6; resident[FILENAME] = $10; if (!first) first = FILENAME }
    END {
        if (time[FILENAME] > 3 * time[first] + 3000) { print "MPI_Init takes longer"; exit 1 }
        heap_more = heap[FILENAME] - heap[first]
        resident_more = resident[FILENAME] - resident[first]
        if (heap_more > ranks * 8 / 1024 + 256) {
            print "the heap grows by " heap_more " KiB"; exit 1
        }
        if (resident_more > 1024) { print "memory grows by " resident_more " KiB"; exit 1 }
    }' "$work/256" "$work/$ranks"
