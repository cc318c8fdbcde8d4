# SPDX-License-Identifier: BSD-3-Clause
"""counter: one-sided. Rank 0 holds a table with a place for each process; all put into it and add to a
common sum under a lock, while rank 0 does nothing about it itself. Then everyone reads it."""
import sys

import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()
unit = MPI.INT64_T.Get_size()

# Places 0 to size-1 are one process's each, place size is the sum.
win = MPI.Win.Allocate((size + 1) * unit if rank == 0 else 0, unit, comm=comm)
win.Fence()
if rank == 0:
    np.frombuffer(win.tomemory(), dtype=np.int64)[:] = 0
win.Fence()

mine = np.array([rank + 1], dtype=np.int64)
win.Lock(0, MPI.LOCK_SHARED)
win.Put(mine, 0, rank)
win.Accumulate(mine, 0, size, MPI.SUM)
win.Unlock(0)
comm.Barrier()

table = np.empty(size + 1, dtype=np.int64)
win.Lock(0, MPI.LOCK_SHARED)
win.Get(table, 0)
win.Unlock(0)
win.Free()

want = [*range(1, size + 1), size * (size + 1) // 2]
if rank == 0:
    print(f"the table of {size} processes adds up to {table[-1]} ({want[-1]} expected)")
if table.tolist() != want:
    sys.exit(f"rank {rank} read {table.tolist()} instead of {want}")
