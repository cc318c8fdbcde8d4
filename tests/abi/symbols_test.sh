#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The library exports the ABI and nothing else; and check-symbols sees a library that does not.
set -eu
check=$top_srcdir/tools/check-symbols
work=$(mktemp -d "${TMPDIR:-/tmp}/symbols_test.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

"$check" "$top_builddir/.libs/libmpi_abi.so" || failed=1

# A library of stubs: SYMBOLS is what it defines beyond the ABI, DROP what it leaves out.
stub()
{
    tail -n +2 "$top_srcdir/tests/abi/functions.tsv" | cut -f 1 | grep -vx "${DROP-}" |
        sed 's/.*/void P&(void) {} void &(void) __attribute__((weak, alias("P&")));/' > "$work/stub.c"
    echo "${SYMBOLS-}" >> "$work/stub.c"
    ${CC:-cc} -w -shared -fPIC -Wl,-soname,"$1" -o "$work/stub.so" "$work/stub.c"
    said=$("$check" "$work/stub.so") && status=0 || status=$?
}

# refused WHAT PATTERN: the stub was, for this reason
refused()
{
    if [ $status -ne 1 ] || ! printf '%s\n' "$said" | grep -q "$2"; then
        echo "symbols_test: $1: not seen (status $status): $said"
        failed=1
    fi
}

DROP='nothing' stub libmpi_abi.so.1
if [ $status -ne 0 ]; then
    echo "symbols_test: a good library is refused: $said"
    failed=1
fi
DROP='MPI_Ssend_c' stub libmpi_abi.so.1
refused 'a call that is missing' 'missing, 2: MPI_Ssend_c PMPI_Ssend_c'
SYMBOLS='int helper;' DROP='nothing' stub libmpi_abi.so.1
refused 'a symbol too many' 'not of the ABI, 1: helper'
SYMBOLS='void PMPI_Send(void) {} void MPI_Send(void) {}' DROP='MPI_Send' stub libmpi_abi.so.1
refused 'a strong MPI_ name' 'not weak.*MPI_Send'
DROP='nothing' stub libmpi.so.12
refused 'another SONAME' 'the SONAME is libmpi.so.12'

# Each call of the list of unwritten ones is one of the ABI's, once.
todo=$("$check" --todo "$top_builddir/.libs/libmpi_abi.so" | grep '^MPI_' || :)
[ "$(printf '%s\n' "$todo" | sort -u | wc -l)" = "$(printf '%s\n' "$todo" | wc -l)" ] || {
    echo "symbols_test: a call is listed twice as unwritten"
    failed=1
}
exit $failed
