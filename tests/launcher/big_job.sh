#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A start among RANKS (100000) ranks, of which two are here: groups and process sets are right, and
# what MPI_Init takes is what it takes among 256, but for eight bytes a rank that nobody touches.
set -u
cd "$top_builddir" || exit 1
LD_LIBRARY_PATH=$PWD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
ranks=${RANKS:-100000}
work=$(mktemp -d "${TMPDIR:-/tmp}/big_job.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT

for n in 256 "$ranks"; do
    timeout -k 5 60 tests/launcher/big_job "$n" 2 tests/launcher/big_rank "$n" \
        > "$work/$n" 2> "$work/err" || { cat "$work/$n" "$work/err"; echo "$n ranks failed"; exit 1; }
    echo "$n ranks:"
    cat "$work/$n"
done
awk -v ranks="$ranks" '
    /MPI_Init/ { heap[FILENAME] = $6; resident[FILENAME] = $10; if (!first) first = FILENAME }
    END {
        heap_more = heap[FILENAME] - heap[first]
        resident_more = resident[FILENAME] - resident[first]
        if (heap_more > ranks * 8 / 1024 + 256) {
            print "the heap grows by " heap_more " KiB"; exit 1
        }
        if (resident_more > 1024) { print "memory grows by " resident_more " KiB"; exit 1 }
    }' "$work/256" "$work/$ranks"
