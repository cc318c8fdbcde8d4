#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What mpiexec promises, without MPI: options, errors, exit statuses, signals, output, nothing left.
# Run by make check from the build tree. Every wait is bounded; nothing sleeps to be in time.

build=$(cd "${top_builddir:-.}" && pwd)
mpiexec=${MPIEXEC:-$build/mpiexec}
client=${PMIX_CLIENT:-$build/tests/launcher/pmix_client}
work=$(mktemp -d) || exit 99
mark=oriel-$$-$RANDOM # in the command line of every process that must not outlive its job
failed=0 passed=0
mkdir "$work/tmp" "$work/bin"
export TMPDIR=$work/tmp
unset SLURM_JOB_ID SLURM_STEP_NUM_TASKS SLURMD_NODENAME
trap 'rm -rf "$work"' EXIT

pass() { passed=$((passed + 1)); }

fail()
{
    failed=$((failed + 1))
    printf 'FAIL: %s\n' "$*"
    sed 's/^/    stdout: /' "$work/out" | head -20
    sed 's/^/    stderr: /' "$work/err" | head -20
}

# run NAME ARGUMENT...: mpiexec with its output in $work/out and err, its status in $status.
run()
{
    name=$1
    shift
    timeout -k 5 60 "$mpiexec" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

expect_status() { if [ "$status" -eq "$1" ]; then pass; else fail "$name: status $status, not $1"; fi; }

expect_out()
{
    if [ "$(sort "$work/out")" = "$(printf '%s\n' "$@" | sort)" ]; then pass
    else fail "$name: output is not: $*"; fi
}

# expect_line PATTERN: standard error is this one line.
expect_line()
{
    if [ "$(wc -l <"$work/err")" -eq 1 ] && grep -qE -e "$1" "$work/err"; then pass
    else fail "$name: standard error is not one line that matches: $1"; fi
}

expect_quiet() { if [ -s "$work/err" ]; then fail "$name: standard error is not empty"; else pass; fi; }

# expect_within MS STARTED
expect_within()
{
    local took=$((($(date +%s%N) - $2) / 1000000))

    if [ "$took" -le "$1" ]; then pass; else fail "$name: took $took ms, not at most $1"; fi
}

# wait_until SECONDS COMMAND...: polls.
wait_until()
{
    local end=$((SECONDS + $1))

    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.02
    done
}

marked_processes()
{
    grep -ls "$mark-[r]ank" /proc/[0-9]*/cmdline # which is not grep's own
}

no_marked_process() { [ -z "$(marked_processes)" ]; }
has_lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }
folder_is_empty() { [ -z "$(ls -A "$TMPDIR")" ]; }
is_gone() { ! kill -0 "$1" 2>/dev/null; }

expect_nothing_left()
{
    if wait_until 5 no_marked_process; then pass
    else fail "$name: left processes: $(marked_processes)"; fi
    if wait_until 5 folder_is_empty; then pass
    else fail "$name: left in TMPDIR: $(ls -A "$TMPDIR")"; fi
}

# The ranks of most tests: print "ready", then stay. The mark is an argument, seen in /proc.
stay='echo ready; while :; do sleep 60; done'

test_options()
{
    run "-n" -n 3 echo a
    expect_status 0
    expect_out a a a
    expect_quiet
    for spelling in -np --np -c --n -n; do
        run "$spelling" $spelling 2 echo a
        expect_out a a
    done
    run "--np=2" --np=2 echo a
    expect_out a a
    run "default number" echo a
    expect_status 0
    [ "$(wc -l <"$work/out")" -eq "$(nproc)" ] && pass || fail "default number: not nproc ranks"
    run "default number follows the affinity mask" -n 1 true
    taskset -c "$(taskset -pc $$ | sed 's/.*: *//; s/[-,].*//')" "$mpiexec" echo a >"$work/out"
    expect_out a
    run "ppn" -ppn 3 echo a
    expect_out a a a
    run "ppr" --map-by ppr:5:node echo a
    expect_out a a a a a
    run "ppr and -n" --map-by ppr:5:node:PE=2 -n 1 echo a
    expect_out a
    expect_quiet
    run "ppr of another unit" --map-by ppr:2:socket -n 1 echo a
    expect_quiet
    run "ppr of another unit without -n" --map-by ppr:2:socket echo a
    expect_status 0
    expect_line "--map-by ppr:2:socket has no effect"
    run "accepted" --oversubscribe --allow-run-as-root --map-by core --rank-by slot \
        --mca btl self -mca pml ob1 -q -v -n 1 echo a
    expect_status 0
    expect_out a
    run "--" -n 1 -- echo -n
    expect_status 0
    run "program's own options" -n 1 echo -n2 --bind-to : -n 1 echo --np
    expect_out "-n2 --bind-to" "--np"
    run "several programs" -n 2 sh -c 'echo $PMIX_RANK a' : -n 1 sh -c 'echo $PMIX_RANK b'
    expect_out "0 a" "1 a" "2 b"
    run "--version" --version
    expect_status 0
    grep -q Oriel "$work/out" && pass || fail "--version does not name Oriel"
    run "--help" --help
    expect_status 0
    grep -q -e --oversubscribe "$work/out" && pass || fail "--help does not list options"
}

test_environment()
{
    run "-x NAME=VALUE" -x A=1 -x B=x=y -n 1 sh -c 'echo $A $B'
    expect_out "1 x=y"
    A=from_here run "-x NAME" -genvnone -x A -x PATH -n 1 sh -c 'echo $A'
    expect_out from_here
    run "-genv" -genv A 1 -genv B=2 -n 1 sh -c 'echo $A $B'
    expect_out "1 2"
    A=1 B=2 run "-genvlist" -genvlist PATH,A -n 1 sh -c 'echo $A,$B'
    expect_out "1,"
    A=1 run "-genvall" -genvall -n 1 sh -c 'echo $A'
    expect_out 1
    run "-env is for one program" -env A 1 -n 1 sh -c 'echo a$A' : -n 1 sh -c 'echo b$A'
    expect_out a1 b
    run "-x of a later program" -x A=1 -x B=1 -n 1 sh -c 'echo $A $B' : -x A=2 -n 1 sh -c 'echo $A $B'
    expect_out "1 1" "2 1"
    run "--wdir" --wdir / -n 1 pwd
    expect_out /
    run "--wdir and a relative program" --wdir /bin -n 1 ./echo a
    expect_out a
    printf 'echo no shebang $1\n' >"$work/bin/script"
    chmod +x "$work/bin/script"
    run "script without #!" -n 1 "$work/bin/script" x
    expect_out "no shebang x"
    PMIX_RANK=7 PMIX_NAMESPACE=stale PMIX_SERVER_URI4=stale run "stale PMIx variables" -n 2 \
        "$client" exchange
    expect_status 0
    run "closed descriptors" -n 1 sh -c 'ls /proc/self/fd | wc -l'
    # 0, 1, 2 and ls's own; whatever the test itself was started with is inherited.
    [ "$(cat "$work/out")" -eq "$(ls /proc/self/fd | wc -l)" ] && pass ||
        fail "descriptors: a rank has $(cat "$work/out") of them"
}

test_bad_input()
{
    for n in 0 x -1 1.5 "" 99999999999; do
        run "-n '$n'" -n "$n" touch "$work/started"
        expect_status 2
        expect_line "-n $n: the number of processes must be a positive whole number"
    done
    run "-n at the end" -n
    expect_status 2
    expect_line "-n needs a value"
    run "no program" -n 2
    expect_status 2
    expect_line "no program was given"
    run "no arguments"
    expect_status 2
    expect_line "no program was given"
    run "no program after :" -n 1 touch "$work/started" :
    expect_status 2
    expect_line "no program was given"
    run "unknown option" --oversubscibe -n 1 touch "$work/started"
    expect_status 2
    expect_line "unknown option --oversubscibe, the nearest known one is --oversubscribe"
    run "unknown option with a value" -n 1 --tag-outptu=x touch "$work/started"
    expect_status 2
    expect_line "unknown option --tag-outptu=x, the nearest known one is --tag-output"
    run "missing program" -n 2 no-such-program-$mark
    expect_status 127
    expect_line "no-such-program-$mark: program not found in PATH"
    run "missing path" -n 2 ./no/such
    expect_status 127
    expect_line "./no/such: program not found"
    run "missing second program" -n 1 touch "$work/started" : -n 1 ./no/such
    expect_status 127
    run "not executable" -n 2 /etc/passwd
    expect_status 126
    expect_line "/etc/passwd: program cannot be executed"
    run "a folder" -n 2 /tmp
    expect_status 126
    run "no name" -n 1 ""
    expect_status 127
    expect_line ": program not found"
    run "-genv without a name" -genv -n 1 touch "$work/started"
    expect_status 2
    expect_line "-genv -n: a variable's name is expected"
    (ulimit -n 100; run "more ranks than descriptors can be had" -n 64 touch "$work/started"
        expect_status 1
        expect_line "64 ranks need [0-9]+ open files, and 100 are allowed \(ulimit -n\)"
        [ $failed -eq 0 ]) && pass || failed=$((failed + 1))
    run "bad --wdir" --wdir /no/such -n 1 touch "$work/started"
    expect_status 2
    expect_line "/no/such: No such file"
    run "bad --bind-to" --bind-to moon -n 1 touch "$work/started"
    expect_status 2
    expect_line "--bind-to moon: ranks can be bound to none, hwthread, core"
    for policy in ppr:0:node slot:PE=x; do
        run "bad --map-by $policy" --map-by $policy touch "$work/started"
        expect_status 2
        expect_line "--map-by .*: the number of process.* must be a positive whole number"
    done
    run "bad --timeout" --timeout soon -n 1 touch "$work/started"
    expect_status 2
    run "a flag with a value" --tag-output=x -n 1 touch "$work/started"
    expect_status 2
    expect_line "--tag-output takes no value"
    if [ -e "$work/started" ]; then fail "bad input: something was started"; else pass; fi
    name="bad input" expect_nothing_left
}

test_hosts()
{
    for host in localhost 127.0.0.1 "$(hostname)" localhost:8,127.0.0.1; do
        run "--host $host" --host "$host" -n 2 echo a
        expect_status 0
        expect_out a a
    done
    printf '# a comment\n%s slots=4\n\nlocalhost:2\n' "$(hostname)" >"$work/hosts"
    for option in --hostfile -machinefile -f; do
        run "$option" $option "$work/hosts" -n 1 echo a
        expect_out a
    done
    run "slots of a host" --host localhost:5 echo a
    expect_out a a a a a
    run "slots of a file" -f "$work/hosts" echo a
    expect_out a a a a a a
    run "slots of a file with blanks" -f <(echo 'localhost slots = 3 max_slots = 9') echo a
    expect_out a a a
    run "one slot a name" --host localhost,localhost echo a
    expect_out a a
    run "one slot a name, or more" --host localhost:2 --host localhost echo a
    expect_out a a a
    run "no slots" --host localhost echo a
    [ "$(wc -l <"$work/out")" -eq "$(nproc)" ] && pass || fail "no slots: not nproc ranks"
    run "no slots in a file" -f <(echo localhost; echo localhost; echo localhost) echo a
    [ "$(wc -l <"$work/out")" -eq "$(nproc)" ] && pass || fail "no slots in a file: not nproc ranks"
    run "slots of a host and of a file" --host localhost:2 -f "$work/hosts" echo a
    expect_out a a
    run "slots and -ppn" -f "$work/hosts" -ppn 1 echo a
    expect_out a
    run "another host" -H localhost,no-such-host.invalid -n 1 touch "$work/started"
    expect_status 2
    expect_line "no-such-host.invalid is not this host: .*(salloc, sbatch).*prterun"
    run "no hostfile" -f "$work/none" -n 1 touch "$work/started"
    expect_status 2
    expect_line "$work/none: No such file"
    if [ -e "$work/started" ]; then fail "hosts: something was started"; else pass; fi
}

test_binding()
{
    run "binding" -export-bindings --bind-to-core --np 8 \
        sh -c 'sed -n "s/Cpus_allowed_list:\t/$PMIX_RANK /p" /proc/self/status'
    expect_status 0
    # What is said of a rank is what the rank itself sees.
    sed -n 's/.*: rank \([0-9]*\) on .* is bound to processors \(.*\)/\1 \2/p' "$work/err" |
        sort >"$work/said"
    if [ "$(wc -l <"$work/said")" -eq 8 ] && sort "$work/out" | cmp -s - "$work/said"; then pass
    else fail "binding: what is said and what ranks see differ"; fi
    for where in none hwthread core numa package socket; do
        run "--bind-to $where" --bind-to $where -n 3 true
        expect_status 0
        expect_quiet
    done
    if [ "$(nproc)" -ge 2 ]; then
        OMP_NUM_THREADS='' run "PE=2" --map-by slot:PE=2 --bind-to hwthread -n 3 nproc
        expect_out 2 2 2
        OMP_NUM_THREADS='' run "PE=2 alone" --map-by slot:PE=2 --report-bindings -n 1 true
        expect_line 'rank 0 on .* is bound to processors '
    fi
    # Of two NUMA nodes only one has a processor that may be used.
    if taskset -c 0 true 2>/dev/null; then
        name="--bind-to numa on a part"
        HWLOC_SYNTHETIC="numa:2 core:1 pu:1" HWLOC_THISSYSTEM=1 taskset -c 0 "$mpiexec" --bind-to numa \
            -n 2 echo a >"$work/out" 2>"$work/err" </dev/null
        status=$?
        expect_status 0
        expect_quiet
        expect_out a a
    fi
    run "--report-bindings" --report-bindings -n 2 true
    expect_status 0
    [ "$(grep -c 'rank [01] on .* is not bound' "$work/err")" -eq 2 ] && pass ||
        fail "--report-bindings: not a line a rank"
}

test_output()
{
    local n

    run "tags" --tag-output -n 2 sh -c 'echo o$PMIX_RANK; echo e$PMIX_RANK >&2'
    expect_out "[1,0]<stdout>:o0" "[1,1]<stdout>:o1"
    [ "$(sort "$work/err" | tr '\n' ' ')" = "[1,0]<stderr>:e0 [1,1]<stderr>:e1 " ] && pass ||
        fail "tags: on standard error"
    run "Hydra's tags" -l -n 2 sh -c 'printf "a\nb"'
    [ "$(tr '\n' ' ' <"$work/out" | tr -d '01')" = "[] a [] b [] a [] b" ] ||
        [ "$(grep -c '^\[[01]\] [ab]$' "$work/out")" -eq 4 ] && pass || fail "Hydra's tags"
    run "last line without an end" -n 1 printf 'a\nb'
    [ "$(od -c "$work/out" | head -1)" = "$(printf 'a\nb' | od -c | head -1)" ] && pass ||
        fail "last line without an end: changed"
    run "merged" --merge-stderr-to-stdout -n 1 sh -c 'echo a; echo b >&2'
    expect_out a b
    expect_quiet

    # 8 ranks, 10000 lines each, written in pieces: all lines whole, each rank's in order.
    run "whole lines" -n 8 awk -v r=x 'BEGIN { r = ENVIRON["PMIX_RANK"]
        for (i = 0; i < 10000; i++) { printf "%d:", r; if (i % 7 == 0) fflush()
            printf "%d:", i; if (i % 11 == 0) fflush(); print "0123456789 0123456789 0123456789" } }'
    expect_status 0
    n=$(grep -cE '^[0-7]:[0-9]+:0123456789 0123456789 0123456789$' "$work/out")
    if [ "$n" -eq 80000 ] && [ "$(wc -l <"$work/out")" -eq 80000 ]; then pass
    else fail "whole lines: $n of 80000"; fi
    awk -F: '$2 != next_of[$1]++ { exit 1 }' "$work/out" && pass ||
        fail "whole lines: a rank's lines are out of order"

    # Both streams in one pipe, lines longer than a pipe takes at once.
    timeout 60 "$mpiexec" -n 4 sh -c 'i=0; while [ $i -lt 20 ]; do i=$((i + 1))
        printf "%020000d\n" 0 | tr 0 a; printf "%020000d\n" 0 | tr 0 b >&2
        done' </dev/null 2>&1 | cat >"$work/out"
    n=$(awk 'length == 20000 && (/^a*$/ || /^b*$/)' "$work/out" | wc -l)
    name="long lines"
    if [ "$n" -eq 160 ] && [ "$(wc -l <"$work/out")" -eq 160 ]; then pass
    else fail "long lines: $n of 160 whole"; : >"$work/out"; fi

    # Rank 0 writes full buffers, slowly and ending anywhere in a line, others write lines between them; a program can
    # be at both ends of the second job alone. With </dev/null no other length is a prompt either.
    seq -f 'rank 0 line %010.0f' 1000 | head -c 12288 >"$work/data"
    for size in 4096 1000; do
        how="timeout 60 \"$mpiexec\" -n 2 sh -c 'n=0; while [ \$n -lt 3 ]; do n=\$((n + 1)); test \$PMIX_RANK = 1 ||
            dd bs=$size count=1 status=none; sleep 0.3; test \$PMIX_RANK = 0 || echo other; done <\"\$0\"' \"$work/data\""
        for input in '</dev/null' '< <(sleep 1)'; do
            [ "$size$input" = '1000< <(sleep 1)' ] && continue
            eval "$how $input" 2>"$work/err" | cat >"$work/out"
            { head -c $((3 * size)) "$work/data"; echo; } >"$work/wanted"
            grep -v '^other$' "$work/out" | cmp -s - "$work/wanted" && pass ||
                fail "blocks of $size bytes $input: a line is torn"
        done
    done

    run "--output-filename" --output-filename "$work/files" -n 2 \
        sh -c 'echo o$PMIX_RANK; echo e$PMIX_RANK >&2'
    expect_status 0
    expect_quiet
    [ "$(cat "$work"/files/1/rank.[01]/std{out,err} | tr '\n' ' ')" = "o0 o1 e0 e1 " ] && pass ||
        fail "--output-filename: files differ"

    # A reader that goes away ends the job, soon and quietly.
    started=$(date +%s%N)
    timeout 60 "$mpiexec" -n 2 sh -c 'while :; do echo a; done' "$mark-rank" 2>"$work/err" \
        </dev/null | head -1 >"$work/out"
    status=${PIPESTATUS[0]} name="reader gone"
    expect_status 141
    expect_quiet
    expect_within 5000 "$started"
    expect_nothing_left

    # A reader that pauses while more waits than is kept for it, until long after the ranks' end: the
    # lines that the others then wrote are still in their pipes.
    timeout 60 "$mpiexec" -n 4 sh -c 'if [ $PMIX_RANK = 0 ]; then yes | head -c 1180000; : >"$0"; exit; fi
        until [ -e "$0" ]; do sleep 0.02; done; echo result' "$work/full" 2>"$work/err" </dev/null |
        { wait_until 20 test -e "$work/full"; sleep 3; cat; } >"$work/data"
    status=${PIPESTATUS[0]} name="reader that pauses"
    expect_status 0
    expect_quiet
    grep -v '^y$' "$work/data" >"$work/out"
    expect_out result result result
    [ "$(wc -c <"$work/data")" -eq 1180021 ] && pass || fail "$name: not all was passed on"

    if [ -w /dev/full ]; then
        timeout 60 "$mpiexec" -n 1 echo a >/dev/full 2>"$work/err" </dev/null
        status=$? name="full disk"
        expect_status 1
        expect_line "standard output cannot be written: No space left"
    fi
}

test_input()
{
    seq 5 | timeout 60 "$mpiexec" -n 3 sh -c 'sed "s/^/$PMIX_RANK /"' >"$work/out" 2>"$work/err"
    status=$? name="standard input"
    expect_status 0
    expect_out "0 1" "0 2" "0 3" "0 4" "0 5"
    head -c 3000000 /dev/urandom >"$work/data"
    timeout 60 "$mpiexec" -n 2 sh -c 'test $PMIX_RANK = 1 || md5sum' <"$work/data" >"$work/out"
    [ "$(cat "$work/out")" = "$(md5sum <"$work/data")" ] && pass || fail "standard input: changed"
    # What rank 0 does not read is left for the next.
    printf '1\n2\n' | { timeout 60 "$mpiexec" -n 2 true; cat; } >"$work/out"
    name="input that is not read" expect_out 1 2
    timeout 60 "$mpiexec" -n 2 cat <&- >"$work/out" 2>"$work/err"
    status=$? name="closed standard input"
    expect_status 0
    expect_quiet
    # A program that drives rank 0 through pipes sees its prompt before it answers.
    : >"$work/out"
    { wait_until 10 grep -q 'name?' "$work/out" && echo Ada; } |
        timeout 30 "$mpiexec" -n 2 sh -c 'test $PMIX_RANK = 1 || { printf name?; read a; echo hello $a; }' \
            2>"$work/err" | cat >"$work/out"
    grep -q 'hello Ada' "$work/out" && pass || fail "pipes: no answer to the prompt"
    if command -v script >/dev/null; then
        # From a terminal: a prompt is seen before the answer, and the line's end is the input's.
        { wait_until 20 grep -q 'name?' "$work/out"; echo Ada; } |
            timeout 60 script -qefc "'$mpiexec' -n 2 sh -c 'test \$PMIX_RANK = 1 ||
                { printf name?; read a; echo hello \$a; }'" /dev/null >"$work/out" 2>"$work/err"
        name=terminal
        grep -q 'hello Ada' "$work/out" && pass || fail "terminal: no answer to the prompt"
        # From a terminal of another session's, as a program that drives this one through a pty has it.
        : >"$work/out"
        { wait_until 20 grep -q 'name?' "$work/out"; echo Ada; wait_until 5 grep -q 'hello' "$work/out"; } |
            timeout 30 script -qefc "setsid -w timeout 10 '$mpiexec' -n 1 sh -c 'echo name?; read a
                echo hello \$a'" /dev/null >"$work/out" 2>"$work/err"
        grep -q 'hello Ada' "$work/out" && pass || fail "another session's terminal: it is not read"
        # It is read as fast as rank 0 reads, without a pause after any line.
        : >"$work/out"
        { wait_until 20 grep -q up "$work/out"; seq 1000; wait_until 20 grep -q 'last 1000' "$work/out"; } |
            timeout 40 script -qefc "setsid -w timeout 20 '$mpiexec' -n 1 sh -c 'echo up
                for i in \$(seq 1000); do read a; done; echo last \$a'" /dev/null >"$work/out" 2>"$work/err"
        grep -q 'last 1000' "$work/out" && pass || fail "another session's terminal: it is read slowly"
        # Rank 0 does not read: no more than a first line is kept from the shell that reads that terminal, too.
        : >"$work/out"
        { wait_until 10 grep -q up "$work/out"; echo one; wait_until 10 grep -q has "$work/out"; echo two; sleep 0.2
            : >"$work/go"; wait_until 10 grep -q 'got two' "$work/out"; : >"$work/done"; } |
            timeout 30 script -qefc "setsid '$mpiexec' -n 1 bash -c 'echo up; until read -t 0; do sleep 0.02; done
                echo has; until [ -e $work/done ]; do sleep 0.02; done' </dev/tty & until [ -e $work/go ]; do sleep 0.02; done
                read -r a; echo got \$a; wait" /dev/null >"$work/out" 2>"$work/err"
        grep -q 'got two' "$work/out" && pass || fail "another session's terminal: the shell's line is taken"
    fi
}

test_status()
{
    run "own status" -n 1 sh -c 'exit 42'
    expect_status 42
    expect_line 'rank 0 \(pid [0-9]+ on .+\) exited with status 42$'
    started=$(date +%s%N)
    run "one fails" -n 4 sh -c 'test $PMIX_RANK != 2 || exit 7; '"$stay" "$mark-rank"
    expect_status 7
    expect_line 'rank 2 \(pid [0-9]+ on .+\) exited with status 7; the other ranks have been ended'
    expect_within 5000 "$started"
    expect_nothing_left
    run "one is killed" -n 4 sh -c 'test $PMIX_RANK != 1 || kill -9 $$; '"$stay" "$mark-rank"
    expect_status 137
    expect_line 'rank 1 \(pid [0-9]+ on .+\) was killed by signal 9 \(SIGKILL, Killed\)'
    expect_nothing_left
    run "one fails, the others ignore SIGTERM" -n 3 \
        sh -c 'trap "" TERM; test $PMIX_RANK != 1 || exit 3; '"$stay" "$mark-rank"
    expect_status 3
    expect_nothing_left
    run "segmentation fault" -n 2 sh -c 'test $PMIX_RANK = 0 || kill -SEGV $$'
    expect_status 139
    expect_line 'rank 1 .* was killed by signal 11 \(SIGSEGV, Segmentation fault\)'
    run "grandchildren" -n 2 sh -c 'sh -c "sleep 600; : '"$mark-rank"'" & setsid sh -c "sleep 600
        : '"$mark-rank"'" & exit 0'
    expect_status 0
    expect_nothing_left
    run "what is left behind may finish" -n 2 sh -c '(sleep 0.2; echo late) & exit 0'
    expect_out late late
    # A shell's background process, where mpiexec takes the shell's place: it is not the job's, and not waited for.
    started=$(date +%s%N) name="a process of the caller's"
    sh -c 'sleep 60 >&- 2>&- & echo $! >"$0"; exec "$@"' "$work/pid" "$mpiexec" -n 1 echo a \
        >"$work/out" 2>"$work/err" </dev/null
    status=$?
    expect_status 0
    expect_within 900 "$started"
    kill "$(cat "$work/pid")" 2>/dev/null && pass || fail "$name: was killed"
    started=$(date +%s%N)
    run "--timeout" --timeout 1 -n 2 sh -c "$stay" "$mark-rank"
    expect_status 124
    expect_line 'ended after 1 second \(--timeout\)'
    expect_within 8000 "$started"
    expect_nothing_left
}

# start_job SIGNALS...: mpiexec in the background, until all its four ranks are ready.
start_job()
{
    : >"$work/out"
    env --default-signal=HUP,INT,QUIT,TSTP ${ignored:+--ignore-signal="$ignored"} \
        "$mpiexec" -n 4 sh -c "$1$stay" "$mark-rank" >"$work/out" 2>"$work/err" </dev/null &
    job=$!
    if ! wait_until 20 has_lines "$work/out" 4; then
        fail "$name: ranks did not start"
        kill -9 $job
    fi
}

# end_job: waits for it, bounded.
end_job()
{
    wait_until 20 is_gone $job || { fail "$name: did not end"; kill -9 $job; }
    wait $job
    status=$?
}

test_signals()
{
    for pair in INT:130 TERM:143 HUP:129; do
        name="SIG${pair%:*}"
        start_job
        started=$(date +%s%N)
        kill -"${pair%:*}" $job
        end_job
        expect_status "${pair#*:}"
        expect_line "the job was ended by SIG${pair%:*}"
        expect_within 1900 "$started" # no rank had to be killed after the grace
        expect_nothing_left
    done
    # Where they are ignored, as nohup and a shell's & have it, the job goes on until another one comes.
    ignored=HUP,INT,QUIT start_job
    name="ignored signals"
    for signal in HUP INT QUIT TERM; do kill -$signal $job; done
    end_job
    expect_status 143
    expect_line "the job was ended by SIGTERM"
    expect_nothing_left
    name="SIGTERM reaches ranks"
    start_job 'trap "echo asked; exit 0" TERM; '"sleep 0;"
    # A shell runs its trap when the sleep that it waits for has ended: the whole group is told.
    kill -TERM $job
    end_job
    expect_status 143
    [ "$(grep -c asked "$work/out")" -eq 4 ] && pass || fail "$name: not all were asked"

    name="second Ctrl-C"
    start_job 'trap "echo ignored" TERM; '
    started=$(date +%s%N)
    kill -INT $job
    wait_until 5 grep -q ended "$work/err"
    kill -INT $job
    end_job
    expect_status 130
    expect_within 1900 "$started"
    expect_nothing_left

    name="SIGKILL of mpiexec"
    start_job 'sh -c "sleep 600; : '"$mark-rank"'" & '
    kill -KILL $job
    wait $job 2>/dev/null
    expect_nothing_left

    name="SIGTSTP and SIGCONT"
    start_job
    kill -TSTP $job
    wait_until 5 grep -q '^State:.*T' /proc/$job/status && pass || fail "$name: does not stop"
    kill -CONT $job
    wait_until 5 grep -q '^State:.*[SR]' /proc/$job/status && pass || fail "$name: does not go on"
    kill -TERM $job
    end_job
    expect_status 143
    expect_nothing_left
}

test_pmix()
{
    for n in 1 2 5 8; do
        for action in nothing keys exchange direct publish; do
            [ $action = publish ] && [ $n = 1 ] && continue
            run "client $action, $n ranks" -n $n "$client" $action
            expect_status 0
            expect_quiet
            [ $action = nothing ] || [ "$(grep -c '^ok$' "$work/out")" -eq $n ] && pass ||
                fail "$name: not every rank is content"
        done
    done
    run "exit after finalize" -n 4 "$client" exit 1 5
    expect_status 5
    expect_line 'rank 1 .* exited with status 5'
    started=$(date +%s%N)
    run "exit 0 without finalize" -n 4 "$client" leave 1 0
    expect_status 1
    expect_line 'rank 1 .* exited without calling MPI_Finalize'
    expect_within 5000 "$started"
    run "exit 5 without finalize" -n 4 "$client" leave 1 5
    expect_status 5
    expect_line 'rank 1 .* exited with status 5 without calling MPI_Finalize'
    run "killed in a fence" -n 4 "$client" die 2
    expect_status 137
    expect_line 'rank 2 .* was killed by signal 9'
    run "abort" -n 4 "$client" abort 1 3
    expect_status 3
    expect_line 'rank 1 .* aborted the job with status 3'
    run "abort with a message" -n 4 "$client" abort 1 3 "gone astray"
    expect_status 3
    expect_line '^mpi[a-z-]*: gone astray$'
    run "abort 256 is no success" -n 2 "$client" abort 1 256
    expect_status 1
    (ulimit -Sn 100; run "more ranks than descriptors" -n 64 "$client" exchange
        [ $status -eq 0 ] && [ "$(grep -c '^ok$' "$work/out")" -eq 64 ]) && pass ||
        fail "more ranks than descriptors"
    name="PMIx" expect_nothing_left
    # The server listens on the loopback interface alone.
    if command -v ss >/dev/null; then
        run "listening" -n 1 sh -c 'ss -Hlntp | grep "pid=$(cut -d " " -f 4 /proc/$$/stat),"'
        grep -q '127\.0\.0\.1:' "$work/out" && ! grep -qE '0\.0\.0\.0:[0-9]+ +users|\[::\]:[0-9]' \
            "$work/out" && pass || fail "listening: not on 127.0.0.1 alone"
    fi
}

# expect_srun NAME WANTED ARGUMENT...: what a srun in PATH is called with.
expect_srun()
{
    local wanted=$2

    name="srun: $1"
    shift 2
    PATH=$work/bin:$PATH SLURM_JOB_ID=1 SLURM_JOB_NUM_NODES=2 timeout 60 "$mpiexec" "$@" \
        >"$work/out" 2>"$work/err" </dev/null
    status=$?
    if [ "$(cat "$work/out")" = "$wanted" ]; then pass
    else fail "$name: not called with: $wanted"; fi
}

test_slurm()
{
    local base="--mpi=pmix --kill-on-bad-exit=1" all="--export=ALL" in="--input=0"

    printf '#!/bin/sh\necho "$*"\n' >"$work/bin/srun"
    chmod +x "$work/bin/srun"
    expect_srun plain "$base $in $all prog" prog
    expect_srun number "$base --ntasks=4 $in $all prog -n 3" -n 4 prog -n 3
    expect_srun binding "$base $in --cpu-bind=cores $all prog" --bind-to core prog
    expect_srun report "$base $in --cpu-bind=verbose,sockets $all prog" -report-bindings --bind-to socket prog
    expect_srun folder "$base $in --chdir=/tmp $all prog" --wdir /tmp prog
    expect_srun variables "$base $in --export=ALL,A=1,B=2 prog" -x A=1 -genv B 2 prog
    expect_srun "no variables" "$base $in --export=NIL prog" -genvnone prog
    expect_srun "value with a comma" "$base $in --export=ALL,A prog" -x A=1,2 prog
    expect_srun "a program's value with a comma" \
        "$base --ntasks=1 $in $all a : $base --ntasks=1 --input=none --export=ALL,B=3 env A=1,2 b x" \
        -n 1 a : -n 1 -x A=1,2 -x B=3 b x
    expect_srun hosts "$base $in $all --nodelist=a,b prog" --host a:2,b prog
    SLURMD_NODENAME=n7 expect_srun "this host" "$base $in $all --nodelist=n7,b prog" --host localhost,b prog
    SLURMD_NODENAME=n7 expect_srun "this host's address" "$base $in $all --nodelist=n7 prog" --host ::1 prog
    # It is in most /etc/hosts.
    SLURMD_NODENAME=n7 expect_srun "no look-up" "$base $in $all --nodelist=ip6-localhost prog" --host ip6-localhost prog
    expect_srun tags "$base $in $all --label prog" --tag-output prog
    expect_srun time "$base $in $all --time=2 prog" --timeout 61 prog
    expect_srun output "$base --ntasks=2 $in --output=$work/s/1/rank.%t/stdout \
--error=$work/s/1/rank.%t/stderr $all prog" --output-filename "$work/s" -n 2 prog
    expect_srun programs "$base --ntasks=1 $in $all a x : $base --ntasks=2 --input=none $all b" -n 1 a x : -n 2 b
    expect_srun "no binding for it" "" --bind-to l3cache prog
    expect_status 2
    expect_line "--bind-to l3cache: srun cannot"
    # srun takes signals that were ignored: the terminal's must not reach it then.
    printf '#!/bin/sh\nset -- $(cat /proc/self/stat)\n[ $6 = $$ ] && echo apart || echo together\n' >"$work/bin/srun"
    (
        PATH="$work/bin:$PATH" SLURM_JOB_ID=1 SLURM_JOB_NUM_NODES=2 env --default-signal=HUP,INT,QUIT "$mpiexec" prog
        PATH="$work/bin:$PATH" SLURM_JOB_ID=1 SLURM_JOB_NUM_NODES=2 env --ignore-signal=INT "$mpiexec" prog
    ) >"$work/out" 2>"$work/err"
    name="srun and ignored signals"
    expect_out together apart
    name="inside a step"
    PATH=$work/bin:$PATH SLURM_JOB_ID=1 SLURM_STEP_NUM_TASKS=1 "$mpiexec" -n 1 echo here \
        >"$work/out" 2>"$work/err"
    expect_out here
    name="no srun in PATH"
    PATH=/nonexistent SLURM_JOB_ID=1 SLURM_JOB_NUM_NODES=2 "$mpiexec" prog >"$work/out" 2>"$work/err"
    status=$?
    expect_status 127
    expect_line "srun"
}

: >"$work/out"
: >"$work/err"
for t in ${*:-options environment bad_input hosts binding output input status signals pmix slurm}; do
    test_"$t"
done
name=end expect_nothing_left
echo "launcher: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
