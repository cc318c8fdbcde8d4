#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""How long it takes to start, against the MPI libraries of Debian and against plain Python.

Needs Oriel's mpicc and mpirun, and the python3 that has mpi4py, first in PATH. A program of
MPI_Init, MPI_Barrier and MPI_Finalize runs on 8 ranks ten times under each launcher in turn; the
medians are compared. A library that is not installed is a skip.
"""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 10
PROGRAM = """
#include <mpi.h>
int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Finalize();
    return 0;
}
"""
# name: compiler, launcher
LIBRARIES = {
    "oriel": ("mpicc", ["mpirun", "--oversubscribe", "--np", "8"]),
    "mpich": ("mpicc.mpich", ["mpiexec.mpich", "-n", "8"]),
    "openmpi": ("mpicc.openmpi", ["mpirun.openmpi", "--oversubscribe", "-n", "8"]),
}
# Open MPI asks for this before root may use it.
ENVIRONMENT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
IMPORT = "from mpi4py import MPI; print(MPI.Get_library_version())"
IMPORT_LIMIT_MS = 150

results = {"PASS": 0, "FAIL": 0, "SKIP": 0}


def report(result, name, *why):
    results[result] += 1
    print(f"{result}: {name}")
    for line in why:
        print(f"    {line}")


def milliseconds(command):
    started = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return (time.perf_counter() - started) * 1000


def medians(commands):
    """The median of each command's times; they run in turn, so that noise meets all alike."""
    times = {name: [] for name in commands}
    for command in commands.values():
        milliseconds(command)  # the first call reads from disk
    for _ in range(RUNS):
        for name, command in commands.items():
            times[name].append(milliseconds(command))
    return {name: statistics.median(t) for name, t in times.items()}


def launchers(folder):
    source = os.path.join(folder, "start.c")
    with open(source, "w") as file:
        file.write(PROGRAM)
    commands = {}
    for name, (compiler, launcher) in LIBRARIES.items():
        if shutil.which(compiler) is None or shutil.which(launcher[0]) is None:
            report("SKIP", f"start of 8 ranks against {name}", f"{compiler} or {launcher[0]} is not installed")
            continue
        program = os.path.join(folder, name)
        subprocess.run([compiler, "-o", program, source], check=True)
        commands[name] = launcher + [program]
    took = medians(commands)
    for name in commands:
        if name != "oriel":
            fits = took["oriel"] < took[name]
            report("PASS" if fits else "FAIL", f"start of 8 ranks against {name}",
                   f"{took['oriel']:.0f} ms, {name} takes {took[name]:.0f} ms")


def python():
    version = subprocess.run(["python3", "-c", IMPORT], check=True, capture_output=True, text=True).stdout
    named = "Oriel" in version
    report("PASS" if named else "FAIL", "mpi4py without a launcher names Oriel", version.strip())
    took = medians({"plain": ["python3", "-c", "pass"], "mpi4py": ["python3", "-c", IMPORT]})
    more = took["mpi4py"] - took["plain"]
    report("PASS" if more < IMPORT_LIMIT_MS else "FAIL", "import of mpi4py",
           f"{more:.0f} ms more than plain Python; the limit is {IMPORT_LIMIT_MS} ms")


with tempfile.TemporaryDirectory(prefix="startup.") as scratch:
    launchers(scratch)
python()
for result, n in results.items():
    print(f"# {result}: {n}")
sys.exit(results["FAIL"] > 0)
