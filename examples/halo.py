# SPDX-License-Identifier: BSD-3-Clause
"""halo: each process owns a part of a rod and needs its neighbours' border cells. Heat flows from the
hot end to the cold one; every step exchanges one cell with each side by Sendrecv. PROC_NULL stands
beyond the ends, so that they need no case of their own. The parts make the same rod as one process
would: rank 0 computes it again to see."""
import sys

import numpy as np
from mpi4py import MPI

CELLS, STEPS = 64, 500  # cells of each process


def relax(t):
    t[1:-1] += 0.25 * (t[:-2] - 2 * t[1:-1] + t[2:])


comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()
left = rank - 1 if rank > 0 else MPI.PROC_NULL
right = rank + 1 if rank < size - 1 else MPI.PROC_NULL

t = np.zeros(CELLS + 2)  # the first and the last are the halo
if rank == 0:
    t[0] = 1
for _ in range(STEPS):
    comm.Sendrecv(t[1:2], dest=left, recvbuf=t[-1:], source=right)
    comm.Sendrecv(t[-2:-1], dest=right, recvbuf=t[:1], source=left)
    relax(t)

whole = np.empty(size * CELLS) if rank == 0 else None
comm.Gather(t[1:-1], whole, root=0)
if rank == 0:
    alone = np.zeros(size * CELLS + 2)
    alone[0] = 1
    for _ in range(STEPS):
        relax(alone)
    worst = np.max(np.abs(whole - alone[1:-1]))
    print(f"{size * CELLS} cells on {size} processes after {STEPS} steps differ by {worst:.1e} from one process's")
    if not worst < 1e-12:
        sys.exit("the rods differ")
