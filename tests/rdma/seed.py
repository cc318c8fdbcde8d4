#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The tutorial's programs (tests/seed) on all machines, each on the fewest ranks that its text allows and both have: what
it promises must be printed."""
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
SEED = pathlib.Path(__file__).resolve().parent.parent / "seed"
sys.path.insert(0, str(SEED))
from promise import PROGRAMS, kept  # noqa: E402

ON_EACH = 120  # seconds: a program imports NumPy in an emulated machine
BOB = """
import pickle
from Bob import Bob
with open('bobfile.pkl', 'wb') as file:
    pickle.dump(Bob('bottles of beer on the wall'), file)
"""
FAILS = {"demo_iscatterv"}  # mpi4py refuses its buffers


def paths():
    for line in (SEED / "programs" / "commands.txt").read_text().splitlines():
        if line.strip():
            yield pathlib.Path(line.split()[-1])


def run(path, ranks, folder):
    """What is wrong with it."""
    command = ["srun", "--mpi=pmix", "-N2", f"-n{ranks}", f"--ntasks-per-node={ranks // 2}", sys.executable, str(path)]
    try:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=ON_EACH, text=True)
    except subprocess.TimeoutExpired:
        return [f"not over after {ON_EACH} s"]
    wrong = kept(PROGRAMS[path.stem][0](ranks), done.stdout.splitlines())
    if (done.returncode != 0) != (path.stem in FAILS):
        wrong.append(f"status {done.returncode}")
    return wrong + done.stderr.splitlines()[-10:] if wrong else []


def main():
    """With arguments, those programs alone."""
    failed = 0
    with tempfile.TemporaryDirectory(dir="/control") as folder:  # which all machines see
        subprocess.run(["cp", "-r", f"{SEED}/programs/.", folder], check=True)
        subprocess.run([sys.executable, "-c", BOB], cwd=folder, check=True)
        for path in paths():
            if sys.argv[1:] and path.stem not in sys.argv[1:]:
                continue
            wrong = run(path, min(n for n in PROGRAMS[path.stem][1] if n % 2 == 0), folder)
            failed += bool(wrong)
            print(f"{path.stem}: {'; '.join(wrong) or 'ok'}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
