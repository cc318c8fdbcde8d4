# SPDX-License-Identifier: BSD-3-Clause
# Shared by the tests of what is installed: a staged installation that is thrown away at the end.

test_name=$(basename "$0" .sh)
failed=0
scratch=$(mktemp -d "${TMPDIR:-/tmp}/$test_name.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

complain()
{
    echo "$test_name: $*"
    failed=1
}

# equal WHAT GOT WANTED
equal()
{
    [ "$2" = "$3" ] || complain "$1: '$2' instead of '$3'"
}

# stage: installs this build below $scratch and sets `prefix` to where it stands, a place it was not configured for
stage()
{
    ${MAKE:-make} -C "$top_builddir" install DESTDIR="$scratch/stage" > "$scratch/install.log" 2>&1 || {
        cat "$scratch/install.log"
        complain "make install DESTDIR=... failed"
        exit 1
    }
    mpicc=$(find "$scratch/stage" -name mpicc ! -type d)
    prefix=${mpicc%/bin/mpicc}
    libdir=$(dirname "$(find "$prefix" -name libmpi_abi.so.1)")
}
