#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A batch job on two hosts, four processes each:  sbatch job.sh ./hello
# or, where the program is a script:              sbatch job.sh python3 hello.py
#
#SBATCH --job-name=oriel
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --output=oriel-%j.out
#SBATCH --time=10

# Which network, how long the start took: one line.
export ORIEL_VERBOSE=1

# PMIx tells the processes of each other; without --mpi=pmix they would not know.
exec srun --mpi=pmix --kill-on-bad-exit=1 "$@"
