#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The house stands as it was drawn: calls go down only, api -> file, win -> coll -> p2p -> object ->
# provider; libfabric and PMIx are the provider's business alone, MPI the core's; a provider's name
# is written in one file (stream, our own, also where it is defined). What the #include lines cannot
# show, tests/link_provider does: the provider links without anything above it.
#
# Usage: layers.sh [TREE]; the tree is $top_srcdir by default.
set -u
cd "${1:-${top_srcdir:-.}}" || exit 1
failed=0

find core provider include tools tests -name '*.[ch]' -o -name '*.def' | sort | xargs awk '
function complain(text)
{
    printf "%s:%d: %s\n", FILENAME, FNR, text
    bad++
}

# The folder that a path belongs to: core/p2p/send.c -> core/p2p; provider as a whole is one layer.
function layer_of(path)
{
    if (path ~ /^provider\//)
        return "provider"
    if (match(path, /^core\/[a-z0-9]+\//))
        return substr(path, 1, RLENGTH - 1)
    return ""
}

# Takes comments out of a line; a comment may go on over several.
function code(line,    start, end)
{
    if (in_comment) {
        end = index(line, "*/")
        if (!end)
            return ""
        line = substr(line, end + 2)
        in_comment = 0
    }
    while ((start = match(line, /\/\*/))) {
        end = index(substr(line, start + 2), "*/")
        if (!end) {
            in_comment = 1
            return substr(line, 1, start - 1)
        }
        line = substr(line, 1, start - 1) " " substr(line, start + 2 + end + 1)
    }
    sub(/\/\/.*/, "", line)
    return line
}

# Looks at the file that has just been read whole.
function check_length()
{
    if (lines <= 800 || last ~ /(^|\/)mpi\.h$|_table\.c$|\.def$/)
        return
    printf "%s: %d lines; no file is longer than 800\n", last, lines
    bad++
}

BEGIN {
    # What each layer may include besides itself.
    below["core/api"] = "core/file core/win core/coll core/p2p core/object provider"
    below["core/file"] = "core/win core/coll core/p2p core/object provider"
    below["core/win"] = "core/coll core/p2p core/object provider"
    below["core/coll"] = "core/p2p core/object provider"
    below["core/p2p"] = "core/object provider"
    below["core/object"] = "provider"
    below["provider"] = ""
    name = "(tcp|verbs|psm2?|psm3|opx|efa|cxi|shm|sm2|udp|sockets|usnic|gni|bgq|mrail|lnx|ofi_[a-z]+|stream)"
    names = "\"\\^?" name "([;,:]" name ")*\""
}

FNR == 1 {
    check_length()
    last = FILENAME
    in_comment = 0
    own = layer_of(FILENAME)
    if (FILENAME ~ /^core\// && !(own in below))
        complain("this folder has no place among the layers of tests/layers.sh")
}

{
    lines = FNR
    text = code($0)
}

text ~ /^[ \t]*#[ \t]*include/ {
    header = text
    sub(/^[^<"]*[<"]/, "", header)
    sub(/[>"].*$/, "", header)
    if (FILENAME ~ /^core\// && header ~ /^(rdma\/|pmix)/)
        complain("core includes <" header ">; only provider/ speaks to libfabric and PMIx")
    if (FILENAME ~ /^provider\// && (header ~ /(^|\/)mpi\.h$/ || header ~ /^core\//))
        complain("provider includes " header "; it knows nothing above it")
    to = layer_of(header)
    if (FILENAME ~ /^core\// && header ~ /^\.\./)
        complain("an #include goes by its path from the top of the tree, not by " header)
    if (own != "" && to != "" && to != own && index(" " below[own] " ", " " to " ") == 0)
        complain(own " includes " header "; arrows go down only")
    next
}

# Elsewhere it is STREAM_PROVIDER_NAME.
FILENAME == "provider/stream/stream_provider.h" && text ~ /^#define STREAM_PROVIDER_NAME / {
    next
}

FILENAME ~ /^(core|provider)\// && FILENAME != "provider/fabric/fabric_quirks.c" && text ~ names {
    complain("a provider is named; only provider/fabric/fabric_quirks.c does that")
}

END {
    check_length()
    exit bad > 0
}
' || failed=1

# Scripts are no longer than other files; many have names without an extension.
find provider include tools tests -type f \( -name '*.py' -o -name '*.sh' -o ! -name '*.*' \) | sort | {
    while read -r file; do
        case $file in
        *.py | *.sh) ;;
        *) [ "$(head -c 2 "$file" | tr -d '\0')" = '#!' ] || continue ;;
        esac
        lines=$(wc -l < "$file")
        if [ "$lines" -gt 800 ]; then
            echo "$file: $lines lines; no file is longer than 800"
            failed=1
        fi
    done
    exit $failed
}
