#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# header.sh [DIRECTORY]: mpi.h (in DIRECTORY, else in the tree) against the tables of the standard ABI:
# every constant's value and type, every prototype with its PMPI twin, every type and callback.
set -eu
include=${1-$top_srcdir/include}
tables=$top_srcdir/tests/abi
work=$(mktemp -d "${TMPDIR:-/tmp}/abi_header.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

fail()
{
    echo "header.sh: $*"
    failed=1
}

# rows TABLE: its lines but the first
rows()
{
    tail -n +2 "$tables/$1.tsv"
}

# ---- A program that prints each constant that is not what the table says ----

# An enumerator has type int in C; its enumeration is checked with the types.
constants()
{
    cat << 'END'
#include <mpi.h>
#include <stdio.h>
static int wrong;
#define SAME(name, type) __builtin_types_compatible_p(__typeof__(name), type)
static void check(const char *name, int same, const char *type, long long is, long long should)
{
    if (!same)
        wrong = printf("%s is not of type %s\n", name, type);
    if (is != should)
        wrong = printf("%s is %lld, not %lld\n", name, is, should);
}
int main(void)
{
END
    rows constants | awk -F '\t' '
        $3 == "ctype" { next }
        { type = $3 ~ /^MPI_T_(cb_safety|source_order)$/ ? "int" : $3
          printf "    check(\"%s\", SAME(%s, %s), \"%s\", (long long)(intptr_t)%s, %sLL);\n", \
                 $1, $1, type, type, $1, $4 }
        END { printf "    return wrong != 0;\n}\n" }'
}

# ---- Declarations that clash with the header's where they differ ----

prototypes()
{
    echo '#include <mpi.h>'
    rows functions | awk -F '\t' '
        function declare(name,    n, i, part, list, at, type, size) {
            list = $4 == 0 ? "void" : ""
            n = $4 == 0 ? 0 : split($5, part, /; */)
            for (i = 1; i <= n; i++) {
                at = match(part[i], /[A-Za-z_0-9]+$/)
                type = at ? substr(part[i], 1, at - 1) : part[i]
                size = index(type, "[") ? substr(type, index(type, "[")) : ""
                sub(/\[.*/, "", type)
                gsub(/ *$/, "", size)
                list = list (i > 1 ? ", " : "") type " " (at ? substr(part[i], at) : "") size
            }
            # the first line fails where the header has no such function
            printf "extern __typeof__(%s) *known_%s;\n%s %s(%s);\n", name, name, $3, name, list
        }
        { declare($1); declare($7) }'
}

# ---- Assertions about types ----

types()
{
    cat << 'END'
#include <mpi.h>
#include <stddef.h>
#define SAME(type, other) _Static_assert(__builtin_types_compatible_p(type, other), #type)
#define FIELD(name, at) _Static_assert(offsetof(MPI_Status, name) == at, #name)
FIELD(MPI_SOURCE, 0); FIELD(MPI_TAG, 4); FIELD(MPI_ERROR, 8); FIELD(MPI_internal, 12);
_Static_assert(_Alignof(MPI_Status) == 4, "MPI_Status");
SAME(__typeof__(((MPI_Status *)0)->MPI_internal), int[5]);
END
    rows types | awk -F '\t' '
        $2 == "absent" { next }
        $4 ~ /^[0-9]+$/ { printf "_Static_assert(sizeof(%s) == %s, \"%s\");\n", $1, $4, $1 }
        $2 ~ /^(integer|opaque_handle|opaque_handle_tool|enum)$/ { printf "SAME(%s, %s);\n", $1, $3 }
        $2 == "callback_prototype" {
            sub(/\(\*\)/, "(*" $1 "_pointer)", $3)
            printf "typedef %s;\n", $3
            printf "SAME(%s *, %s_pointer);\n", $1, $1 }
        $2 == "callback_alias" { printf "SAME(%s *, %s *);\n", $1, $3 }'
}

# try COMPILER NAME: compiles what NAME writes
try()
{
    if ! $1 -std=gnu11 -Wall -Werror -I"$include" -o "$work/$2" "$work/$2.c" $3 > "$work/said" 2>&1; then
        fail "$1 on $2: $(grep error "$work/said" | head -20)"
        return 1
    fi
}

for name in constants prototypes types; do
    $name > "$work/$name.c"
done
for compiler in ${CC:-cc} clang; do
    command -v "$compiler" > /dev/null || continue
    if try "$compiler" constants ''; then
        said=$("$work/constants") || fail "constants: $said"
    fi
    try "$compiler" prototypes -c || :
    try "$compiler" types -c || :
done
if command -v "${CXX:-c++}" > /dev/null; then
    sed 's/__typeof__/decltype/; 1a extern "C" {' "$work/prototypes.c" > "$work/prototypes.cc"
    echo '}' >> "$work/prototypes.cc"
    ${CXX:-c++} -fsyntax-only -Wall -Werror -I"$include" "$work/prototypes.cc" > "$work/said" 2>&1 ||
        fail "${CXX:-c++}: $(grep error "$work/said" | head -20)"
fi

# What the ABI does not have, and that nothing is declared beyond the table.
if grep -nE 'MPI_Fint|_c2f|_f2c' "$include/mpi.h"; then
    fail "mpi.h has names of Fortran's that the ABI leaves out"
fi
grep -oE '\bP?MPI_[A-Za-z_0-9]+\(' "$include/mpi.h" | tr -d '(' | grep -vE '_(function|function_c|fn)$' |
    sort -u > "$work/declared"
rows functions | awk -F '\t' '{ print $1; print $7 }' | sort -u > "$work/listed"
extra=$(comm -23 "$work/declared" "$work/listed")
[ -z "$extra" ] || fail "mpi.h declares what the ABI does not have:" $extra
exit $failed
