#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the tests of MPICH's source distribution with the mpicc and the mpirun that come first in PATH.

usage: run.py FOLDER [DIRECTORY...]

FOLDER keeps the sources, fetched from Debian's archive by the first call, and what was built of them. A DIRECTORY is one of those with
a testlist, as pt2pt or threads/comm; by default all of DIRECTORIES. Each entry of a testlist is a case and prints PASS, FAIL or SKIP;
what cannot pass, or is not ours to pass, stands in EXCUSED with the reason, and a program there that does pass is a failure too, so
that the list stays true.
"""
import collections
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import urllib.request

SOURCES = "http://deb.debian.org/debian/pool/main/m/mpich/mpich_4.0.2.orig.tar.xz"
SHA256 = "b27039f964afeb6b8a3e009c56b441cbe368c26d6d6476ad3bb7190996875860"
DIRECTORIES = """attr coll comm datatype errhan errors/coll errors/io errors/rma errors/topo group info init io
    mpi_t part pt2pt rma threads/coll threads/comm threads/init threads/part threads/pt2pt threads/rma
    topo""".split()

SELF = "expects errors without a communicator at MPI_COMM_WORLD; since MPI-4 they are MPI_COMM_SELF's"
REMOVED = "uses names that MPI-3 removed"
POINTERS = "takes handles for integers"
EXCUSED = {
    "attrerrtype": SELF,
    "reduce_local": SELF,
    "nonblocking2": POINTERS,
    "nonblocking3": POINTERS,
    "pack_external": POINTERS,
    "mt_improbe_isendrecv": "compares a message with MPI_REQUEST_NULL",
    "mt_improbe_sendrecv": "compares a message with MPI_REQUEST_NULL",
    "mt_improbe_sendrecv_huge": "compares a message with MPI_REQUEST_NULL",
    "mprobe": "uses MPI_Fint, which the ABI leaves to Fortran's library",
    "indexed_misc": "builds a type from another that it has freed",
    "lbub_oldapi": REMOVED,
    "transpose_pack_oldapi": REMOVED,
    "typename_oldapi": REMOVED,
    "indexed_misc_oldapi": REMOVED,
    "simple_size_extent_oldapi": REMOVED,
    "struct_no_real_types": REMOVED,
    "commcall_oldapi": REMOVED,
    "sendself": REMOVED + ", by the library of its data types",
    "typename": "wants one of two names that the standard gives a type",
    "adderr": "uses MPICH's own MPIX_ functions",
    "qmpi_test": "uses an interface that is MPICH's own",
    "infocreateenv": "wants the same before MPI_Init, when the size of the job is not known",
    "win_info": "wants hints back that were not taken",
    "tst_fileview": "wants MPI_ERR_IO for a wrong argument",
    "nonblocking_pready": "sends nothing of type MPI_DATATYPE_NULL, which is an error",
    "cartsuball": "wants one process in a grid without dimensions, not all (8.5.6)",
    "dims5": "wants 21 x 16 x 15 for 20 x 18 x 14, which are as close",
    "oplxor": "wants logical operators on floating-point numbers, which have none (6.9.2)",
    "multisend4": "spins in a barrier of its own, by more threads than there are processors",
}
MAY_PASS = {"multisend4", "reduce_local"}  # of the latter name there are two


def prepare(folder):
    """Sources, configured for the mpicc in PATH; gives their tests' folder."""
    tests = folder / "mpich-4.0.2" / "test" / "mpi"
    archive = folder / "mpich.tar.xz"
    if not tests.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(SOURCES) as answer:
            archive.write_bytes(answer.read())
        if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
            sys.exit(f"mpich: {archive} is not what was expected")
        subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)
    if not (tests / "util" / "libmtest.la").exists():
        prefix = pathlib.Path(subprocess.check_output(["which", "mpicc"], text=True).strip()).parent.parent
        with open(folder / "build.log", "w", encoding="utf-8") as log:
            for command in ([tests / "configure", f"--with-mpi={prefix}", "--disable-fortran", "--disable-cxx",
                             "--disable-spawn", "--disable-ft-tests", "CC=mpicc"],
                            ["make", "-j2", "-C", "util"], ["make", "-j2", "-C", "dtpools"]):
                if subprocess.run(command, cwd=tests, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                  check=False).returncode:
                    sys.exit(f"mpich: {command[0]} failed, see {folder}/build.log")
    return tests


def run(tests, directory, report):
    """(name, why it failed or None) of each entry; the report is runtests' own."""
    up = "/".join([".."] * (directory.count("/") + 1))
    report.unlink(missing_ok=True)
    done = subprocess.run([f"{up}/runtests", "-srcdir=.", "-tests=testlist", f"-xmlfile={report}",
                           "-mpiexec=timeout -k 5 300 mpirun --oversubscribe"],
                          cwd=tests / directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if not report.exists():
        return [("runtests", done.stdout)]
    found = []
    for entry in re.findall(r"<MPITEST>(.*?)</MPITEST>", report.read_text(errors="replace"), re.S):
        def field(name, entry=entry):
            at = re.search(f"<{name}>(.*?)</{name}>", entry, re.S)
            return at.group(1).strip() if at else ""
        found.append((field("NAME"), None if field("STATUS") == "pass" else field("TESTDIFF") or "it failed"))
    return found


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__.splitlines()[2])
    folder = pathlib.Path(sys.argv[1]).resolve()
    tests = prepare(folder)
    os.environ.pop("MPITEST_VERBOSE", None)
    counts = collections.Counter()
    for directory in sys.argv[2:] or DIRECTORIES:
        found = run(tests, directory, folder / f"{directory.replace('/', '_')}.xml")
        # An excuse may hold for some of a program's entries only.
        failing = {name for name, why in found if why}
        if not found:
            found = [("runtests", "no test ran")]
        for name, why in found:
            verdict = "FAIL" if why else "PASS"
            reason = EXCUSED.get(name)
            if why and "ndevices" in why:
                verdict, reason = "SKIP", "wants a graphics processor"
            elif why and reason:
                verdict = "SKIP"
            elif reason and name not in failing | MAY_PASS:
                verdict, why = "FAIL", "it passes, and stands in EXCUSED"
            counts[verdict] += 1
            print(f"{verdict}: mpich-{directory}-{name}{': ' + reason if verdict == 'SKIP' else ''}", flush=True)
            if verdict == "FAIL":
                print("    " + "\n    ".join(why.splitlines()[:20]))
    print(f"# PASS: {counts['PASS']}\n# FAIL: {counts['FAIL']}\n# SKIP: {counts['SKIP']}")
    return counts["FAIL"] > 0


if __name__ == "__main__":
    sys.exit(main())
