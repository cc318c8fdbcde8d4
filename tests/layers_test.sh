#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# layers.sh sees each kind of breach, and no breach where there is none.
set -eu
tree=$(mktemp -d "${TMPDIR:-/tmp}/layers_test.XXXXXX")
trap 'rm -rf "$tree"' EXIT
failed=0

# put FILE LINE...
put()
{
    file=$tree/$1
    shift
    mkdir -p "${file%/*}"
    printf '%s\n' "$@" > "$file"
}

# expect WHAT PATTERN: the script complains with PATTERN; then the tree is empty again
expect()
{
    mkdir -p "$tree/core" "$tree/provider" "$tree/include" "$tree/tools" "$tree/tests"
    said=$("$top_srcdir/tests/layers.sh" "$tree" 2>&1) && status=0 || status=$?
    if [ -z "$2" ] && [ $status -ne 0 ]; then
        echo "layers_test: $1: refused: $said"
        failed=1
    elif [ -n "$2" ] && { [ $status -eq 0 ] || ! printf '%s\n' "$said" | grep -q "$2"; }; then
        echo "layers_test: $1: not seen (status $status): $said"
        failed=1
    fi
    rm -rf "${tree:?}"/*
}

put core/p2p/a.c '#include "core/object/comm.h"' '#include "provider/base/list.h"' '#include <mpi.h>' \
    '/* as "tcp" does' ' * "verbs" */ int x; // "shm"' 'char s[] = "/dev/shm/x";'
put provider/fabric/fabric_quirks.c 'char *s = "tcp;ofi_rxm", *t = "stream";'
put provider/stream/stream_provider.h '#define STREAM_PROVIDER_NAME "stream"'
expect 'a good tree' ''
put core/p2p/a.c '#include "core/coll/coll.h"'
expect 'p2p includes coll' 'a.c:1: core/p2p includes core/coll/coll.h'
put core/coll/a.c '#include "core/win/win.h"'
expect 'coll includes win' 'arrows go down only'
put core/object/a.c '#include "../p2p/request.h"'
expect 'an upward path by ..' 'from the top of the tree'
put core/p2p/a.c '#include <rdma/fabric.h>'
expect 'core includes libfabric' 'core includes <rdma'
put core/p2p/a.h '# include <pmix.h>'
expect 'core includes PMIx' 'core includes <pmix.h>'
put provider/boot/a.c '#include <mpi.h>'
expect 'provider includes mpi.h' 'provider includes mpi.h'
put provider/boot/a.c '#include "core/object/comm.h"'
expect 'provider includes core' 'provider includes core'
put core/p2p/a.c 'f("tcp;ofi_rxm");'
expect 'a provider is named' 'a.c:1: a provider is named'
put provider/stream/stream_provider.h '#define STREAM_PROVIDER_NAME "stream"' 'char *s = "stream";'
expect 'our own is named' 'stream_provider.h:2: a provider is named'
put core/new/a.c 'int x;'
expect 'a folder of no layer' 'no place among the layers'
put core/p2p/a.c $(seq 801)
expect 'a file too long' '801 lines'
put tools/a '#!/bin/sh' $(seq 800)
expect 'a script too long' 'tools/a: 801 lines'
put tests/a.py $(seq 801)
expect 'a module too long' 'tests/a.py: 801 lines'
put tests/a $(seq 801)
expect 'what is no script may be long' ''
put include/mpi.h $(seq 801)
expect 'mpi.h may be long' ''
exit $failed
