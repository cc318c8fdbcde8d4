#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the tutorial with the mpirun and the python3 that come first in PATH.

usage: run.py [lines|sweep]...     (both by default)

  lines   each line of commands.txt, unchanged
  sweep   each program on every number of processes that its text allows

Each case prints PASS or FAIL; the last lines count them. A case passes if the output is what the
program promises, the exit status is right, and neither a process nor a file in /dev/shm or /tmp is
left. Where it may, the script runs itself in namespaces of its own, in which every process and
every file is the job's; elsewhere it compares with what was there before.
"""
import contextlib
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # here and in what is run
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
from promise import PROGRAMS, kept  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
FAILING = {"demo_iscatterv": 1}  # exit status other than 0
MAKE_BOBFILE = """
import pickle
from Bob import Bob
with open('bobfile.pkl', 'wb') as picklefile:
    pickle.dump(Bob('bottles of beer on the wall'), picklefile)
"""
SHARED_PLACES = ("/dev/shm", "/tmp")
ALONE = "ORIEL_SEED_NAMESPACES"
MARK = "ORIEL_SEED_JOB"


def covering():
    """Shell commands that put an empty file system over each shared place. What of it is needed and lies in /tmp is
    taken along if it is this tree; otherwise /tmp stays as it is."""
    cover = ["mount -t tmpfs -o mode=1777 tmpfs {0}".format(place) for place in SHARED_PLACES]
    needed = [str(HERE), sys.prefix, os.getcwd(), os.path.realpath(shutil.which("mpirun") or "")]
    tree = str(HERE.parent.parent)
    if not any(path.startswith("/tmp/") for path in needed):
        return cover
    if not all(f"{path}/".startswith(f"{tree}/") for path in needed if path.startswith("/tmp/")):
        return cover[:1]
    aside, place = "/dev/shm/tree", shlex.quote(tree)
    return [cover[0], f"mkdir {aside}", f"mount --bind {place} {aside}", cover[1],
            f"mkdir -p {place}", f"mount --move {aside} {place}", f"rmdir {aside}", f"cd {shlex.quote(os.getcwd())}"]


def enter_namespaces():
    """Starts this script again with processes, /dev/shm and /tmp of its own, if that is allowed."""
    unshare = ["unshare", "--mount", "--pid", "--fork", "--mount-proc"]
    if os.getuid() != 0:
        unshare.insert(1, "--map-root-user")
    setup = " && ".join(covering())
    if shutil.which("unshare") is None or subprocess.run(unshare + ["sh", "-c", setup], capture_output=True).returncode:
        print("seed: namespaces are not allowed here: what is left is told by comparing before and after", flush=True)
        return
    env = dict(os.environ, **{ALONE: "1"})
    # sh stays as the namespace's first process: it collects orphans
    command = f'{setup} && "$0" "$@"; status=$?; exit $status'
    again = [sys.executable, str(HERE / "run.py"), *sys.argv[1:]]
    sys.exit(subprocess.run(unshare + ["sh", "-c", command, *again], env=env).returncode)


def processes(mark):
    """Processes that carry the mark in their environment; in a namespace of our own, all but ours."""
    found = []
    own = {os.getpid(), os.getppid(), 1}
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) in own:
            continue
        try:
            state = pathlib.Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[0]
            environ = pathlib.Path(f"/proc/{entry}/environ").read_bytes().split(b"\0")
            name = pathlib.Path(f"/proc/{entry}/comm").read_text().strip()
        except OSError:
            continue
        if state != "Z" and (ALONE in os.environ or f"{MARK}={mark}".encode() in environ):
            found.append((int(entry), name))
    return found


def files():
    return {os.path.join(place, name) for place in SHARED_PLACES for name in os.listdir(place)}


def leftovers(mark, before):
    """What is still there; a process on its way out has half a second. Then it is ended, for the next case."""
    end = time.monotonic() + 0.5
    while (left := processes(mark)) and time.monotonic() < end:
        time.sleep(0.01)
    for pid, _ in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return [f"left running: {pid} ({name})" for pid, name in left] + [f"left behind: {f}" for f in sorted(files() - before)]


class Runner:
    def __init__(self, folder):
        self.folder = folder
        self.passed = self.failed = 0

    def case(self, name, command, promise):
        mark = f"{os.getpid()}-{self.passed + self.failed}"
        before = files()
        started = time.monotonic()
        wrong = []
        # Output goes to files: a process that is left would hold a pipe open.
        with open(os.path.join(self.folder, "..", "out"), "w+") as out, \
                open(os.path.join(self.folder, "..", "err"), "w+") as err:
            try:
                status = subprocess.run(
                    command, shell=True, cwd=self.folder, env=dict(os.environ, **{MARK: mark}),
                    stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=120).returncode
            except subprocess.TimeoutExpired:
                status = "none, ended after 120 s"
            out.seek(0)
            err.seek(0)
            lines, said = out.read().splitlines(), err.read()
        want = FAILING.get(name, 0)
        if status != want:
            wrong.append(f"exit status {status} instead of {want}")
        if want and "Traceback" not in said:
            wrong.append("no Python exception on standard error")
        wrong += kept(promise, lines)
        wrong += leftovers(mark, before)
        if wrong:
            self.failed += 1
            print(f"FAIL: {command}")
            for line in wrong[:20] + ["stderr:"] + said.splitlines()[-12:]:
                print(f"    {line}")
        else:
            self.passed += 1
            print(f"PASS: {command} ({time.monotonic() - started:.1f} s)")
        sys.stdout.flush()


def command_lines():
    """(program, line) of each line of the tutorial"""
    for line in (HERE / "programs" / "commands.txt").read_text().splitlines():
        if line.strip():
            yield re.search(r"([\w-]+)\.py$", line.strip())[1], line.strip()


def expected(name):
    lines = (HERE / "expected" / f"{name}.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def run_lines(runner):
    for name, line in command_lines():
        runner.case(name, line, expected(name))


def run_sweep(runner):
    for name, line in command_lines():
        path = line.split()[-1]
        for n in PROGRAMS[name][1]:
            runner.case(name, f"mpirun --oversubscribe -n {n} python3 {path}", PROGRAMS[name][0](n))


def main():
    parts = {"lines": run_lines, "sweep": run_sweep}
    asked = sys.argv[1:] or list(parts)
    if any(part not in parts for part in asked):
        sys.exit(__doc__)
    for tool in ("mpirun", "python3"):
        if shutil.which(tool) is None:
            sys.exit(f"seed: no {tool} in PATH; run tools/quickstart and source build/env.sh")
    if ALONE not in os.environ:
        enter_namespaces()
    # not in /tmp, which is watched
    scratch = tempfile.mkdtemp(prefix="seed.", dir=os.environ.get("ORIEL_SEED_SCRATCH", os.getcwd()))
    try:
        folder = os.path.join(scratch, "programs")
        shutil.copytree(HERE / "programs", folder)
        subprocess.run([sys.executable, "-c", MAKE_BOBFILE], cwd=folder, check=True)
        runner = Runner(folder)
        for part in asked:
            parts[part](runner)
    finally:
        shutil.rmtree(scratch)
    print(f"# PASS: {runner.passed}\n# FAIL: {runner.failed}")
    sys.exit(1 if runner.failed else 0)


if __name__ == "__main__":
    main()
