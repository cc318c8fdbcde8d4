# SPDX-License-Identifier: BSD-3-Clause
"""pi: a sum shared out. The integral of 4 / (1 + x^2) from 0 to 1 by the midpoint rule: each process
adds up every size-th strip, one reduction adds up the sums."""
import math
import sys

import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()
strips = 1_000_000

x = (np.arange(rank, strips, size) + 0.5) / strips
mine = np.array([np.sum(4 / (1 + x * x)) / strips])
pi = np.zeros(1)
comm.Allreduce(mine, pi, op=MPI.SUM)

if rank == 0:
    print(f"pi is {pi[0]:.12f} by {strips} strips on {size} processes")
if not abs(pi[0] - math.pi) < 1e-10:
    sys.exit(f"rank {rank}: {pi[0]} is not pi")
