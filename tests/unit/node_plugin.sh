#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The node provider as a plug-in of the system's libfabric: fi_info lists it, and fi_pingpong, which
# knows nothing of MPI, runs over it between two processes.
set -u
skip() { echo "SKIP: $*"; exit 77; }
fail() { echo "FAIL: $*" >&2; exit 1; }

FI_PROVIDER_PATH=${top_builddir:-.}/.libs
FI_LOG_LEVEL=warn
export FI_PROVIDER_PATH FI_LOG_LEVEL
test -f "$FI_PROVIDER_PATH/liboriel-fi.so" || fail "no liboriel-fi.so in $FI_PROVIDER_PATH"
if ldd "$FI_PROVIDER_PATH/liboriel-fi.so" | grep -q 'lib[at]san\|libubsan'; then
    skip "a plug-in with a sanitizer cannot be loaded by a program without"
fi
command -v fi_info >/dev/null || skip "fi_info is not installed (package libfabric-bin)"
command -v fi_pingpong >/dev/null || skip "fi_pingpong is not installed (package libfabric-bin)"

info=$(fi_info -p oriel) || fail "fi_info does not find the provider: $info"
echo "$info" | grep -q '^provider: oriel' || fail "fi_info shows another: $info"
echo "$info" | grep -q 'FI_EP_RDM' || fail "no FI_EP_RDM: $info"

# once OPTIONS...: a server and a client, which agree on their addresses over a port of the loopback.
once() {
    fi_pingpong -p oriel -e rdm -B "$port" "$@" >"$dir/server" 2>&1 &
    server=$!
    until fi_pingpong -p oriel -e rdm -P "$port" "$@" 127.0.0.1 >"$dir/client" 2>&1; do
        # The server was not there yet, or is no more.
        kill -0 $server 2>/dev/null || return 1
        grep -q 'Connection refused' "$dir/client" || { kill $server; return 1; }
        sleep 0.1
    done
    wait $server
}

# A port may be somebody else's: then it is another one's turn.
pingpong() {
    for try in 1 2 3 4 5; do
        port=$((port + 1))
        if once "$@"; then
            tail -n 1 "$dir/client"
            return
        fi
        grep -q 'in use' "$dir/server" || break
    done
    cat "$dir/server" "$dir/client" >&2
    fail "fi_pingpong $*"
}

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
port=$((12000 + $$ % 8000))
for size in 64 1024 4096 16384 65536 1048576; do
    pingpong -c -I 20 -S $size
done
ORIEL_SINGLE_COPY=no
export ORIEL_SINGLE_COPY
pingpong -c -I 20 -S 1048576
