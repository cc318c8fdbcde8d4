#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs mpi4py's tests of collectives with each algorithm forced in turn.

usage: algorithms.py [-p PASS[,PASS...]] [-n RANKS[,RANKS...]] [-e ENDPOINT[,ENDPOINT...]] [-t SECONDS] FOLDER

In pass i, from 0 on, every operation is forced to the i-th of its algorithms (of core/coll/coll_table.def), from
its first call on; operations that have fewer begin again with their first. The rest is run.py's.
"""
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PREFIX = "ORIEL_COLL_"
TABLE = HERE.parent.parent / "core" / "coll" / "coll_table.def"


def algorithms():
    """The names by operation, in the order of the table."""
    found = {}
    for operation, name in re.findall(r"^ALGORITHM\((\w+),\s*(\w+),", TABLE.read_text(), re.M):
        found.setdefault(operation, []).append(name)
    if len(found) < 20 or not all(found.values()):
        sys.exit(f"algorithms.py: {TABLE} is not understood")
    return found


def main():
    table = algorithms()
    failed = 0
    passes = range(max(map(len, table.values())))
    words = sys.argv[1:]
    if words[:1] == ["-p"]:
        passes = [int(number) for number in words[1].split(",")]
        words = words[2:]
    for number in passes:
        forced = {PREFIX + operation: names[number % len(names)] for operation, names in table.items()
                  if not operation.startswith("NEIGHBOR") and len(names) > 1}
        print(f"== {number}: " + " ".join(f"{variable[len(PREFIX):].lower()}={name}"
                                          for variable, name in forced.items()), flush=True)
        env = dict(os.environ, ORIEL_COLL_AREA_AFTER="0", ORIEL_LOG="error", **forced)
        done = subprocess.run([sys.executable, "-u", str(HERE / "run.py"), *words, "coll"], env=env,
                              stdin=subprocess.DEVNULL)
        failed += done.returncode != 0
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
