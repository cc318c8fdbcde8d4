# SPDX-License-Identifier: BSD-3-Clause
"""oriel-bench: one start of the program after the other, and what they gave."""
import csv
import os
import re
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time

OURS = "oriel"
RESULT = re.compile(r"^([a-z_]+) (\d+) (\d+) (\S+) (\S+) (\d+)$")
INT_MAX = (1 << 31) - 1
MORE_IS_BETTER = {"MB/s", "M/s", "%"}


def say(text):
    print(f"oriel-bench: {text}", file=sys.stderr, flush=True)


def die(text, status=1):
    say(text)
    sys.exit(status)


class Job:
    """One start of the program under a launcher: tests that share ranks, processors and thread level."""

    def __init__(self, tests, sizes=None, ranks=2, cpus=None, thread="single", ours_only=False, tcp=False):
        self.tests = tests
        self.sizes = sizes
        self.ranks = ranks
        self.cpus = cpus
        self.thread = thread
        self.ours_only = ours_only
        self.tcp = tcp

    def __str__(self):
        on = f" on processors {','.join(map(str, self.cpus))}" if self.cpus else ""
        multiple = ", MPI_THREAD_MULTIPLE" if self.thread == "multiple" else ""
        return f"{' '.join(self.tests)}, {self.ranks} ranks{on}{multiple}{', over tcp' if self.tcp else ''}"

    def key(self, test, ranks, size):
        return (test, int(ranks), self.cpus, self.thread, int(size), self.tcp)


def prepare_child(cpus, priority):
    """What the launcher starts with; it leads a session of its own and so can be ended with all that it started."""

    def prepare():
        os.setsid()
        if cpus:
            os.sched_setaffinity(0, cpus)
        if priority:
            try:
                os.setpriority(os.PRIO_PROCESS, 0, -20)
                with open("/proc/self/autogroup", "w") as group:
                    group.write("-20")
            except OSError:
                pass  # told once, at the beginning

    return prepare


def end(child):
    """Ends a launcher that takes too long: asks, so that it may end its ranks, then insists."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, number)
            child.wait(5)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
        return
    child.wait()


def wait(child, timeout):
    """Whether it ended in time. Waits for the event: Popen.wait() would look at intervals that double, up to 50 ms."""
    try:
        watch = os.pidfd_open(child.pid)
    except (AttributeError, OSError):  # before Python 3.9, or Linux 5.3
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True
    try:
        poll = select.poll()
        poll.register(watch, select.POLLIN)
        return bool(poll.poll(min(timeout * 1000, INT_MAX)))
    finally:
        os.close(watch)


def start(command, cpus, priority, timeout, environment=None):
    """Runs a command; gives its output, what is wrong with it, if anything, and its seconds."""
    begin = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors, tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            preexec_fn=prepare_child(cpus, priority),
            env=dict(os.environ, **environment) if environment else None,
        )
        try:
            in_time = wait(child, timeout)
            took = time.perf_counter() - begin
            if in_time:
                child.wait()
        finally:
            if child.returncode is None:
                end(child)
        wrong = None if in_time else f"not done after {timeout:g} s"
        errors.seek(0)
        output.seek(0)
        if child.returncode != 0 and not wrong:
            wrong = f"status {child.returncode}: {last_words(errors.read())}"
        return output.read(), wrong, took


def last_words(text):
    """One line of what a program complained: its own, if it did."""
    lines = [line.strip() for line in text.splitlines() if any(map(str.isalpha, line))]
    own = [line for line in lines if line.startswith("bench:")]
    return (own or lines or ["(it said nothing)"])[0]


class Results:
    """values[library][key] is the list of what the rounds gave; units[test] is what they mean."""

    def __init__(self, file):
        self.values = {}
        self.units = {}
        self.order = []
        self.failures = 0
        self.file = file
        self.csv = csv.writer(file) if file else None
        if self.csv:
            self.csv.writerow("library test ranks processors threads bytes round value unit repeats over".split())

    def add(self, library, key, value, unit, number, repeats):
        test, ranks, cpus, thread, size, tcp = key
        self.values.setdefault(library.name, {}).setdefault(key, []).append(value)
        self.units[test] = unit
        if key not in self.order:
            self.order.append(key)
        if self.csv:
            where = "+".join(map(str, cpus)) if cpus else "all"
            row = [library.name, test, ranks, where, thread, size, number, value, unit, repeats]
            self.csv.writerow(row + ["tcp" if tcp else "node"])
            self.file.flush()

    def of(self, name, key):
        return self.values.get(name, {}).get(key)

    def median(self, name, key):
        values = self.of(name, key)
        return statistics.median(values) if values else None

    def best_peer(self, key):
        medians = [m for m in (self.median(n, key) for n in self.values if n != OURS) if m is not None]
        if not medians:
            return None
        return max(medians) if self.units[key[0]] in MORE_IS_BETTER else min(medians)

    def ratio(self, key):
        mine, best = self.median(OURS, key), self.best_peer(key)
        return mine / best if mine is not None and best else None


def run_job(job, library, options, number, results):
    words = ["-T", job.thread]
    words += ["-n", str(options.repeats)] if options.repeats else ["-t", str(options.time)]
    words += ["-p"] if options.priority else []
    words += ["-o", str(options.offset)] if options.offset else []
    words += ["-s", ",".join(map(str, job.sizes))] if job.sizes else []
    command = library.command(job.ranks, job.tests, job.cpus, job.tcp) + [library.program] + words + job.tests
    output, wrong, took = start(command, job.cpus, options.priority, options.timeout)
    if wrong:
        say(f"{library.name}: {job}: {wrong}")
        results.failures += 1
        return
    for line in output.splitlines():
        match = RESULT.match(line)
        if not match:
            say(f"{library.name} wrote: {line}")
            continue
        test, ranks, size, value, unit, repeats = match.groups()
        results.add(library, job.key(test, ranks, size), float(value), unit, number, repeats)
    if "startup" in job.tests:
        results.add(library, job.key("startup", job.ranks, 0), took * 1000, "ms", number, 1)


def run_all(jobs, libraries, options, results):
    begin = time.perf_counter()
    for number in range(1, options.rounds + 1):
        for done, job in enumerate(jobs):
            # Each round begins with another library: no one always has the warm caches.
            turn = [libraries[(i + number) % len(libraries)] for i in range(len(libraries))]
            for library in turn:
                if job.ours_only and library.name != OURS:
                    continue
                passed = time.perf_counter() - begin
                say(
                    f"round {number}/{options.rounds}, {done + 1}/{len(jobs)}, {passed:.0f} s, "
                    f"load {os.getloadavg()[0]:.1f}: {library.name}: {job}"
                )
                run_job(job, library, options, number, results)
