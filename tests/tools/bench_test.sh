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
refused '9-8' --sizes 9-8 latency
refused '2147483648' --sizes 2048M latency
refused 'ends before' --cpus 3-1 latency
refused '1K' --cpus 1K latency
refused 'no number' --repeats 10000000000 latency
refused 'kinds' --tune=
refused 'kinds' --tune latency
refused 'together' --tune --cliffs
refused 'tests by name' latency --tune
refused '--plot' --tune --plot "$scratch/x.svg"
refused '--against' --cliffs --against mpich
refused 'microseconds' --cliffs startup
refused 'tests by name' --instructions latency
refused '--csv' --instructions --csv "$scratch/x.csv"
refused 'cannot write' --cliffs --csv /nowhere/file.csv
refused 'cannot write' --tune --csv /nowhere/file.csv
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

for way in '--cliffs barrier' --tune; do
    # shellcheck disable=SC2086 # words
    run --ranks 2 --launch oriel=--nonsense $way > "$scratch/output"
    equal "status of failed runs of $way" $? 1
    grep -q '^oriel-bench: [0-9]* runs failed' "$scratch/errors" || complain "$way: $(cat "$scratch/errors")"
done

# Looking for cliffs, what is asked for is measured.
run --cliffs --ranks 2 --sizes 8,64 --thread multiple --time 0.01 --csv "$scratch/cliffs" bcast > "$scratch/output" ||
    complain "--cliffs: $(cat "$scratch/output" "$scratch/errors")"
equal 'points of --cliffs' "$(cut -d ' ' -f -3 "$scratch/cliffs")" 'bcast 2 8
bcast 2 64'

# A reader that goes away is no reason for a traceback.
{
    run --list
    echo "status $?" >> "$scratch/errors"
} | :
equal 'without a reader' "$(cat "$scratch/errors")" 'status 1'

# What needs two processors says so.
cpu=$("$python" -c 'import os; print(min(os.sched_getaffinity(0)))')
run --preset notebook --cpus "$cpu" > "$scratch/output"
equal 'status of a preset on one processor' $? 1
grep -q 'needs two processors' "$scratch/errors" || complain "a preset on one processor: $(cat "$scratch/errors")"

# Another library's mpicc is not taken for ours, nor is a folder with one the current one.
mkdir -p "$scratch/other/bin"
ln -s /bin/true "$scratch/other/bin/mpicc"
ln -s /bin/true "$scratch/other/bin/mpiexec"
"$python" "$bench" --oriel "$scratch/other" --cache "$scratch/cache" latency > "$scratch/output" 2> "$scratch/errors"
equal 'status with a library of others' $? 2

# What oriel-bench is made of: a time is not that of the next look; a message has letters; the lengths that are
# chosen, not measured, are not printed; a diagram for each of what is measured in one way; any name can be its file's.
mkdir "$scratch/draw"
printf '#!/bin/sh\n/bin/cat > "%s"\n' "$scratch/draw/script" > "$scratch/draw/gnuplot"
chmod +x "$scratch/draw/gnuplot"
PYTHONPATH=$top_srcdir/tools/bench PATH=$scratch/draw:$PATH "$python" -B - "$top_builddir/oriel-info" \
    > "$scratch/output" 2> "$scratch/errors" << 'END' || complain "the modules: $(cat "$scratch/errors")"
import sys
import plot, presets, runs, tune

took = min(runs.start(["sleep", "0.035"], None, False, 10)[2] for _ in range(5))
assert took < 0.06, took
output, wrong, _ = runs.start(["sh", "-c", "echo; echo ---- >&2; echo why >&2; exit 3"], None, False, 10)
assert wrong == "status 3: why", wrong
assert runs.start(["sleep", "9"], None, False, 0.1)[1] == "not done after 0.1 s"

formulas = tune.Formulas(sys.argv[1])
times = [tune.Time("BARRIER", name, 2, 0, 1.0, 1) for name, (_, needs) in formulas.rows["BARRIER"].items()
         if not tune.skip(needs, 2, "node")]
tune.report(formulas, "node", times)

class Library:
    name = "openmpi"

results = runs.Results(None)
for tcp in False, True:
    job = runs.Job(["put"], tcp=tcp)
    for size in 8, 64:
        results.add(Library, job.key("put", 2, size), 1.0, "us", 1, 1)
plot.plot(results, [Library], 'a"b.svg')
verdict = presets.Target(runs.Job(["put"]), "put", 8, 1.0, peer="mpich")
assert presets.print_targets([verdict], results)
END
grep -q '^export ORIEL_COLL_COST_NODE=.*message=' "$scratch/output" || complain "--tune prints no costs"
grep -q 'eager=' "$scratch/output" && complain "--tune prints a length that was not measured"
grep -q 'put, 2 ranks .*not measured' "$scratch/output" || complain "a target without its peer: $(cat "$scratch/output")"
grep -q '^0 of 0 targets' "$scratch/output" || complain "a target without its peer is judged"
grep -q mpich "$scratch/output" && complain "a target names a peer that was not measured"
equal 'diagrams' "$(grep -c '^set title "put' "$scratch/draw/script")" 2
grep -q 'svg noenhanced' "$scratch/draw/script" || complain "underscores in a diagram mean subscripts"
grep -qF 'set output "a\"b.svg"' "$scratch/draw/script" || complain "the name of a diagram's file is not quoted"
PATH=$scratch/draw:$PATH run --rounds 1 --launch oriel=--nonsense --plot "$scratch/x.svg" latency > "$scratch/output"
equal 'status where there is nothing to draw' $? 1
grep -q Traceback "$scratch/errors" && complain "nothing to draw: $(cat "$scratch/errors")"

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
[ -z "$(find "$prefix" -name __pycache__)" ] || complain "installed: it writes beside its modules"
exit $failed
