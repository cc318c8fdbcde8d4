#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Shows that every call of some chapters has a test that fails when the call is broken.

usage: broken.py [-n RANKS] [-t SECONDS] [FUNCTION...]

To be run in the top folder of a build tree whose tests are built (make check TESTS=). Each function
in turn is replaced, by LD_PRELOAD, by one that does nothing and returns 0; then the programs of this
folder that call it are run, on 2 ranks by default, until one ends otherwise than it should, or takes
longer than 20 seconds. What no program notices is told, and the exit status is 1. Without a name:
all functions of CATEGORIES.
"""
import argparse
import csv
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# As tests/abi/functions.tsv has them, and single calls of other categories.
CATEGORIES = "abi attr comm errhan group handle_int_conv info init misc session tool topo"
ALSO = "MPI_Comm_get_parent MPI_Comm_disconnect"
# It does nothing by definition.
NOTHING_TO_DO = {"MPI_Pcontrol"}
# life.c's modes, and the exit status where it is not 0
LIFE_MODES = {"plain": 0, "levels": 0, "init_in_thread": 0, "attributes": 0, "forks": 0, "sessions": 0,
              "cycles": 0, "handlers": 0, "abort_3": 3}
BROKEN = """
__asm__(".text\\n.globl " NAME "\\n" NAME ":\\nxor %eax, %eax\\npxor %xmm0, %xmm0\\nret\\n");
"""


def functions():
    with open(HERE.parent / "abi" / "functions.tsv", newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))
    wanted = CATEGORIES.split()
    return [row["name"] for row in rows if row["category"] in wanted or row["name"] in ALSO.split()]


def programs():
    """Of each program: the calls that it makes, how it is started and how it ends."""
    for path in sorted(pathlib.Path("tests/mpi/.libs").iterdir()):
        cases = [([str(path)], 0)] if path.suffix == ".mpi" else [
            ([str(path), mode], status) for mode, status in LIFE_MODES.items() if path.name == "life"]
        symbols = subprocess.run(["nm", "-D", "--undefined-only", path], check=True, capture_output=True, text=True)
        yield set(re.findall(r"\bMPI_\w+", symbols.stdout)), cases


def notices(command, status, broken, ranks, seconds):
    env = dict(os.environ, LD_LIBRARY_PATH=os.path.abspath(".libs"))
    launcher = ["./mpiexec", "--oversubscribe", "--timeout", str(seconds), "-n", str(ranks), "-x", f"LD_PRELOAD={broken}"]
    return subprocess.run(launcher + command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode != status


def main():
    parser = argparse.ArgumentParser(usage=__doc__.splitlines()[2].removeprefix("usage: "))
    parser.add_argument("-n", type=int, default=2)
    parser.add_argument("-t", type=int, default=20)
    parser.add_argument("functions", nargs="*")
    options = parser.parse_args()
    tests = list(programs())
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="broken.") as folder:
        source = pathlib.Path(folder) / "broken.c"
        source.write_text(BROKEN)
        for name in options.functions or functions():
            broken = os.path.join(folder, name + ".so")
            subprocess.run(["cc", "-shared", "-fPIC", f'-DNAME="{name}"', "-o", broken, source], check=True)
            cases = [case for calls, cases in tests if name in calls for case in cases]
            if name in NOTHING_TO_DO or any(notices(*case, broken, options.n, options.t) for case in cases):
                passed += 1
                print(f"PASS: {name}", flush=True)
            else:
                failed += 1
                print(f"FAIL: {name}: {len(cases)} programs call it, and none notices", flush=True)
    print(f"# PASS: {passed}\n# FAIL: {failed}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
