# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# For the tests on RDMA networks. Sourced, from the build tree's top folder.

here=$top_srcdir/tests/rdma
cd "$top_builddir" || exit 99
LD_LIBRARY_PATH=$PWD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
failed=0
# shellcheck source=tests/verdict.sh
. "$top_srcdir/tests/verdict.sh"
work=$(mktemp -d "$PWD/rdma.XXXXXX") || exit 99
trap 'reasons; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

# What is run over each network, by name. The wildcards are in p2p_order, p2p_probe and p2p_match_fuzz.
p2p='p2p_buffered p2p_cancel p2p_complete p2p_errors p2p_flow p2p_large p2p_match_fuzz p2p_modes p2p_order
    p2p_partitioned p2p_persistent p2p_probe p2p_self p2p_split p2p_surplus p2p_threads p2p_truncate p2p_vector'
coll='coll_area coll_forms coll_fuzz coll_many coll_progress coll_threads neighbor'
win='win_atomic win_contend win_errors win_fuzz win_oracle win_progress win_shape win_words'

skip()
{
    echo "$*"
    exit 77
}

# run COMMAND...: the output goes to $work/out and $work/err, the status to $status, what it was to $how
run()
{
    how=$*
    timeout -k 5 "${TIMEOUT:-120}" "$@" > "$work/out" 2> "$work/err" < /dev/null
    status=$?
}

# A file of the adapter's: what its driver says in sysfs.
adapter_says()
{
    mkdir -p "$(dirname "$work/hfi1_0/$1")"
    echo "$2" > "$work/hfi1_0/$1"
}

# fake_adapter: what hfi_shim.c needs beside it
fake_adapter()
{
    ${CC:-cc} -O1 -shared -fPIC -o "$work/hfi_shim.so" "$here/hfi_shim.c" -ldl || exit 99
    mkdir -p "$work/hfi1_"
    adapter_says nctxts 16
    adapter_says nfreectxts 16
    adapter_says ports/1/lid 0x1
    adapter_says ports/1/phys_state '5: LinkUp'
    adapter_says ports/1/state '4: ACTIVE'
    adapter_says ports/1/gids/0 fe80:0000:0000:0000:0011:7501:0101:0001
    adapter_says ports/1/rate '100 Gb/sec (4X EDR)'
    export HFI_SYSFS_PATH=$work/hfi1_ PSM2_DEVICES=self,shm
}
