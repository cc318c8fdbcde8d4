#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# oriel-bench: every test runs on 2 ranks and its figures can be read, what is wrong with the command
# line is said in one line, a peer that is missing is named with its package, and it works installed.
set -u
. "$top_srcdir/tests/tools/lib.sh"
bench=$top_srcdir/tools/oriel-bench

# the interpreter itself: what is called python3 may be a script, which would need PATH
if ! python=$(python3 -c 'import sys; print(sys.executable)'); then
    echo "bench_test: there is no python3 (apt-get install python3)"
    exit 77
fi
if nm -D "$top_builddir/.libs/libmpi_abi.so.1" | grep -q '__[at]san_init'; then
    echo "bench_test: a program built without the sanitizer cannot use a library that has it"
    exit 77
fi

run()
{
    "$python" "$bench" --oriel "$top_builddir" --cache "$scratch/cache" "$@" 2> "$scratch/errors"
}

# All tests at two sizes, and each gives a figure at each size it has, above zero but for the overlap.
run --list > "$scratch/list" || complain "--list fails: $(cat "$scratch/errors")"
names=$(awk '$1 != "startup" { print $1 }' "$scratch/list")
[ "$(echo "$names" | wc -w)" -ge 30 ] || complain "--list shows only: $names"
run --ranks 2 --rounds 1 --repeats 2 --sizes 8,8K --timeout 60 --csv "$scratch/all.csv" > "$scratch/table" ||
    complain "not every test runs: $(grep -v ' round ' "$scratch/errors")"
head -n 1 "$scratch/all.csv" | tr -d '\r' > "$scratch/heading"
equal 'heading of the csv' "$(cat "$scratch/heading")" \
    library,test,ranks,processors,threads,bytes,round,value,unit,repeats,over
for name in $names startup init; do
    values=$(tr -d '\r' < "$scratch/all.csv" | awk -F, -v test="$name" '
        $1 == "oriel" && $2 == test && $3 == 2 && $5 == "single" && $7 == 1 && $8 ~ /^[0-9.e+-]+$/ {
            if ($8 > 0 || (test == "overlap" && $8 >= 0))
                print $6
        }' | tr '\n' ' ')
    case $name in
    barrier | fetch_and_op | compare_and_swap | fetch_busy | startup | init) equal "$name" "$values" '0 ' ;;
    *) equal "$name" "$values" '8 8192 ' ;;
    esac
    grep -q "^$name, 2 ranks " "$scratch/table" || complain "$name is not in the table"
done

# refused WHAT ARGUMENT...: one line with WHAT in it, and status 2
refused()
{
    what=$1
    shift
    run "$@" > "$scratch/output"
    equal "status of $*" $? 2
    equal "lines of $*" "$(wc -l < "$scratch/errors")" 1
    grep -q -e "$what" "$scratch/errors" || complain "$*: $(cat "$scratch/errors")"
    [ ! -s "$scratch/output" ] || complain "$*: writes to standard output"
}
refused "no test 'latncy'" latncy
refused "no library 'mvapich'" --against mvapich
refused 'processor 99999' --cpus 99999 latency
refused 'processors' --cpus one latency
refused "'0' is no number" --ranks 0 latency
refused 'sizes' --sizes 8,big latency
refused 'no time' --time -1 latency
refused '--preset' --preset node latency
refused 'invalid choice' --preset laptop
refused '--launch' --launch openmpi=-x latency
refused 'neither an installation' --oriel /nowhere latency
refused 'cannot write' --csv /nowhere/file.csv latency
refused 'nonsense' --nonsense

# A launcher that fails is told, and is not a figure.
run --rounds 1 --launch oriel=--nonsense latency > "$scratch/output"
equal 'status of a failed run' $? 1
grep -q '^oriel-bench: 1 runs failed' "$scratch/errors" || complain "a failed run: $(cat "$scratch/errors")"

# ranks: the processes that run a program of oriel-bench's
ranks()
{
    for process in /proc/[0-9]*; do
        { tr '\0' ' ' < "$process/cmdline"; } 2> "$scratch/gone" | grep -q "^$scratch/cache/" && echo "${process#/proc/}"
    done
}

# One that is ended takes its ranks with it.
"$python" "$bench" --oriel "$top_builddir" --cache "$scratch/cache" --rounds 1 --time 100 --sizes 8 latency \
    > "$scratch/output" 2> "$scratch/errors" &
child=$!
tries=0
while [ "$(ranks | wc -w)" -lt 2 ] && [ $tries -lt 300 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
[ $tries -lt 300 ] || complain "the ranks do not start: $(cat "$scratch/errors")"
kill "$child"
wait "$child"
equal 'status of one that is ended' $? 143
[ -z "$(ranks)" ] || complain "ranks are left behind: $(ranks)"

# What is missing; this PATH has neither the peers nor gnuplot.
mkdir "$scratch/bin"
for library in mpich openmpi; do
    PATH=$scratch/bin run --against $library latency
    equal "status without $library" $? 1
    grep -q "apt-get install $library" "$scratch/errors" || complain "without $library: $(cat "$scratch/errors")"
done
PATH=$scratch/bin run --plot "$scratch/x.svg" latency
grep -q 'apt-get install gnuplot' "$scratch/errors" || complain "without gnuplot: $(cat "$scratch/errors")"

# From an installation, by itself.
stage
"$prefix/bin/oriel-bench" --cache "$scratch/cache" --rounds 1 --repeats 2 --sizes 8 latency \
    > "$scratch/table" 2> "$scratch/errors" || complain "installed: $(cat "$scratch/errors")"
grep -q '^latency, 2 ranks  8 B' "$scratch/table" || complain "installed: $(cat "$scratch/table")"
exit $failed
