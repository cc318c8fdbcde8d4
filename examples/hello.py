# SPDX-License-Identifier: BSD-3-Clause
"""hello: who is there. Every process tells its rank, the number of processes and its host; rank 0
collects the lines, so that they come out in order."""
import sys

from mpi4py import MPI

comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()
line = f"hello from rank {rank} of {size} on {MPI.Get_processor_name()}"

lines = comm.gather(line, root=0)
if rank == 0:
    print("\n".join(lines))
    for other, line in enumerate(lines):
        if not line.startswith(f"hello from rank {other} of {size} "):
            sys.exit(f"rank {other} said: {line}")
