#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs mpi4py's own tests with the mpirun and the python3 that come first in PATH.

usage: run.py [-n RANKS[,RANKS...]] [-e ENDPOINT[,ENDPOINT...]] [-t SECONDS] [-x GROUP] FOLDER [GROUP...]

FOLDER is the unpacked source distribution of the very mpi4py that is installed; cffi, dill and PyYAML are there, too. A case is a group
of test modules on a number of ranks (1,2,4 by default) over endpoints (node, stream, tcp, which is libfabric's, or both as on
two hosts; by default node and stream in turn). It passes if every rank's tests pass and no test is left out for a reason that is not in
ALLOWED: what the library cannot do is a failure, not a skip. Each case prints PASS or FAIL.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# Modules by group; every module of the folder is in one group or in LATER.
GROUPS = {
    "p2p": "p2p_* request grequest status msgspec msgzero buffer threads pickle",
    "type": "datatype pack address util_dtlib",
    "comm": "comm comm_* group environ errhandler errorcode exceptions attributes info session "
            "toplevel mpiapi mpiabi package doc subclass objmodel handle cffi ctypes mpimem",
    "coll": "cco_* op util_pkl5",
    "win": "rma rma_nb win util_sync",
    "file": "io file",
}
# What tests need that is not there yet; this list only shrinks.
LATER = {
    "spawn": "process creation",
    "dynproc": "process creation",
    "util_pool": "process creation",
    "ulfm": "fault tolerance",
}
# Why a test may leave itself out: the number of ranks, and what needs a graphics processor or a compiler in Python.
ALLOWED = re.compile(r"comm\.size|mpi-world-size|world size|numba|cupy")
ENDPOINTS = {
    "node": {"ORIEL_NODE": "yes"},
    "stream": {"ORIEL_NODE": "no", "ORIEL_PROVIDER": "stream"},
    "tcp": {"ORIEL_NODE": "no", "ORIEL_PROVIDER": "tcp"},
    "both": {"ORIEL_NODE": "yes", "ORIEL_PRETEND_HOSTS": "2", "ORIEL_INTERFACE": "lo"},
}


def modules(tests):
    """Names of the folder's modules by group."""
    names = sorted(path.stem.removeprefix("test_") for path in tests.glob("test_*.py"))
    found = {}
    for group, patterns in GROUPS.items():
        found[group] = [name for name in names if name not in LATER
                        and any(pathlib.PurePath(name).match(pattern) for pattern in patterns.split())]
    stray = set(names) - set(LATER) - {name for group in found.values() for name in group}
    if stray:
        sys.exit(f"mpi4py: these modules are in no group: {' '.join(sorted(stray))}")
    return found


def run(tests, names, ranks, endpoint, seconds):
    """None, or why the case fails, with the end of the output."""
    command = ["mpirun", "--oversubscribe", "-n", str(ranks), "python3", "main.py", "--no-builddir", "-v"]
    for name in names:
        command += ["-i", f"^test_{name}[.]py$"]
    # Files are synchronised thousands of times: not with a disk.
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as scratch:
        return judge(command, tests, ranks, seconds, dict(os.environ, PYTHONDONTWRITEBYTECODE="1", TMPDIR=scratch,
                                                          **ENDPOINTS[endpoint]))


def judge(command, tests, ranks, seconds, env):
    try:
        done = subprocess.run(command, cwd=tests, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=seconds, text=True, errors="replace")
    except subprocess.TimeoutExpired as expired:
        return [f"not done after {seconds} s"] + last_lines((expired.stdout or b"").decode(errors="replace"))
    if done.returncode:
        return [f"exit status {done.returncode}"] + last_lines(done.stdout)
    ran = [int(n) for n in re.findall(r"^Ran (\d+) tests", done.stdout, re.M)]
    if len(ran) != ranks or not all(ran):
        return [f"tests that ran, by rank: {ran}"] + last_lines(done.stdout)
    reasons = {reason for reason in re.findall(r"skipped '([^']*)'", done.stdout) if not ALLOWED.search(reason)}
    return [f"left out because of: {', '.join(sorted(reasons))}"] if reasons else None


def last_lines(text):
    bad = [line for line in text.splitlines() if re.match(r"(ERROR|FAIL): |\w*(Error|Exception): |mpi4py\.MPI\.Exc", line)]
    return sorted(set(bad))[:20] + text.splitlines()[-8:]


def main():
    parser = argparse.ArgumentParser(usage=__doc__.splitlines()[2].removeprefix("usage: "))
    parser.add_argument("-n", default="1,2,4")
    parser.add_argument("-e", default="node,stream")
    parser.add_argument("-t", type=int, default=600)
    parser.add_argument("-x", choices=GROUPS, help="leave that group out")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("groups", nargs="*")
    options = parser.parse_args()
    tests = options.folder.resolve() / "test"
    groups = modules(tests)
    passed = failed = 0
    for endpoint in options.e.split(","):
        for ranks in map(int, options.n.split(",")):
            for group in options.groups or [name for name in groups if name != options.x]:
                why = run(tests, groups[group], ranks, endpoint, options.t)
                print(f"{'FAIL' if why else 'PASS'}: mpi4py-{group}-on-{ranks}-over-{endpoint}", flush=True)
                for line in why or []:
                    print(f"    {line}")
                passed += why is None
                failed += why is not None
    print(f"# PASS: {passed}\n# FAIL: {failed}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
