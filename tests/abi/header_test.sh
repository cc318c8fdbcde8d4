#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# header.sh sees each kind of slip in mpi.h.
set -eu
work=$(mktemp -d "${TMPDIR:-/tmp}/abi_header_test.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

# slip WHAT SED-EXPRESSION PATTERN: the header so changed is refused with PATTERN
slip()
{
    sed -E "$2" "$top_srcdir/include/mpi.h" > "$work/mpi.h"
    if cmp -s "$top_srcdir/include/mpi.h" "$work/mpi.h"; then
        echo "header_test: $1: the expression changes nothing"
        failed=1
        return
    fi
    said=$("$top_srcdir/tests/abi/header.sh" "$work" 2>&1) && status=0 || status=$?
    if [ $status -eq 0 ] || ! printf '%s\n' "$said" | grep -q "$3"; then
        echo "header_test: $1: not seen (status $status): $said"
        failed=1
    fi
}

slip 'a value' '/define MPI_SUM /s/0x00000021/0x00000022/' 'MPI_SUM is 34, not 33'
slip 'the type of a constant' '/define MPI_SUM /s/MPI_Op/MPI_Comm/' 'MPI_SUM is not of type MPI_Op'
slip 'a constant that is missing' '/define MPI_TAG_UB /d' 'MPI_TAG_UB'
slip 'an argument' 's/MPI_Comm_rank\(MPI_Comm comm, int \*rank\)/MPI_Comm_rank(MPI_Comm comm, long *rank)/' \
    MPI_Comm_rank
slip 'a twin that is missing' '/^int PMPI_Comm_rank\(/d' PMPI_Comm_rank
slip 'a function too many' 's/^int MPI_Finalize\(void\);/&int MPI_Finalise(void);/' MPI_Finalise
slip 'the status' 's/int MPI_internal\[5\]/int MPI_internal[6]/' MPI_Status
slip 'a callback' '/^typedef int MPI_Grequest_free_function/s/void \*/int */' MPI_Grequest_free_function
slip 'a handle' 's/^typedef struct MPI_ABI_Op \*MPI_Op;/typedef struct MPI_ABI_Opp *MPI_Op;/' MPI_Op
exit $failed
