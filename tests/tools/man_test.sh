#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The manual: every page is well-formed, and oriel(7) knows exactly the parameters of param.def.
set -u
failed=0
complain()
{
    echo "man_test: $*"
    failed=1
}

# PARAM(field, "NAME", ...) may be broken after any comma
for name in $(tr '\n' ' ' < "$top_srcdir/provider/base/param.def" |
    grep -o 'PARAM([a-z_0-9]*, *"[A-Z_0-9]*"' | sed 's/.*"\(.*\)"/\1/'); do
    grep -q "^\.It Ev ORIEL_$name\$" "$top_srcdir/docs/man/oriel.7" ||
        complain "oriel.7 does not have ORIEL_$name of param.def"
done
for name in $(sed -n 's/^\.It Ev ORIEL_//p' "$top_srcdir/docs/man/oriel.7"); do
    tr '\n' ' ' < "$top_srcdir/provider/base/param.def" | grep -q "PARAM([a-z_0-9]*, *\"$name\"" ||
        complain "oriel.7 has ORIEL_$name, which param.def does not"
done

if ! command -v mandoc > /dev/null; then
    [ $failed -eq 0 ] || exit 1
    echo "man_test: mandoc is not installed: the pages' form is not checked (apt-get install mandoc)"
    exit 77
fi
mandoc -T lint -W warning "$top_srcdir"/docs/man/*.[1-8] || failed=1
exit $failed
