# SPDX-License-Identifier: BSD-3-Clause
"""ring: a token goes round three times; each process adds its rank to it. The token is a Python
object, pickled on its way. Only rank 0 sends before it receives: that is what keeps a ring from
standing still."""
import sys

from mpi4py import MPI

comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()
left, right = (rank - 1) % size, (rank + 1) % size
rounds = 3
token = {"sum": 0, "seen": []}

for tag in range(rounds if size > 1 else 0):
    if rank == 0:
        comm.send(token, dest=right, tag=tag)
    token = comm.recv(source=left, tag=tag)
    token["sum"] += rank
    token["seen"].append(rank)
    if rank != 0:
        comm.send(token, dest=right, tag=tag)

if rank == 0:
    want = rounds * size * (size - 1) // 2
    print(f"the token came back with {token['sum']} after {rounds} rounds of {size} processes ({want} expected)")
    if token["sum"] != want or (size > 1 and token["seen"] != [*range(1, size), 0] * rounds):
        sys.exit(f"the token is wrong: {token}")
