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

# pingpong SIZES...: a server and a client on the loopback, where they agree on their addresses.
port=$((20000 + $$ % 20000))
pingpong() {
    fi_pingpong -p oriel -e rdm -B "$port" "$@" >server.$$ 2>&1 &
    server=$!
    n=0
    until fi_pingpong -p oriel -e rdm -P "$port" "$@" 127.0.0.1 >client.$$ 2>&1; do
        n=$((n + 1))
        if test $n -gt 20 || ! kill -0 $server 2>/dev/null; then
            kill $server 2>/dev/null
            cat server.$$ client.$$ >&2
            rm -f server.$$ client.$$
            fail "fi_pingpong $*"
        fi
        sleep 0.1
    done
    wait $server || fail "the server of fi_pingpong $*: $(cat server.$$)"
    tail -n 1 client.$$
    rm -f server.$$ client.$$
    port=$((port + 1))
}

for size in 64 1024 4096 16384 65536 1048576; do
    pingpong -c -I 100 -S $size
done
ORIEL_SINGLE_COPY=no
export ORIEL_SINGLE_COPY
pingpong -c -I 50 -S 1048576
