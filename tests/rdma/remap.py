# SPDX-License-Identifier: BSD-3-Clause
"""What Python programs do to memory that a network has registered: blocks that are mapped, sent and unmapped again and
again, a file that is mapped read-only, and other programs started in between by subprocess.run, os.fork and
multiprocessing. Between rank 0 and rank 1: every byte must be right."""
import mmap
import multiprocessing
import os
import subprocess
import sys
import tempfile

from mpi4py import MPI

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 20
LEN = 1 << 20
comm = MPI.COMM_WORLD
rank = comm.rank


def pattern(seed):
    return bytes((seed + i) % 251 for i in range(251)) * (LEN // 251 + 1)


def exchange(memory, seed):
    """Rank 0's memory to rank 1's."""
    if rank == 0:
        memory[:LEN] = pattern(seed)[:LEN]
        comm.Send([memory, LEN, MPI.BYTE], 1)
    else:
        comm.Recv([memory, LEN, MPI.BYTE], 0)
        assert memory[:LEN] == pattern(seed)[:LEN], seed


def mapped_blocks():
    for seed in range(ROUNDS):
        with mmap.mmap(-1, LEN) as memory:
            exchange(memory, seed)
        if seed % 5 == 0:
            assert subprocess.run([sys.executable, "-S", "-c", "print(6 * 7)"], stdout=subprocess.PIPE,
                                  check=True).stdout == b"42\n"


def read_only_file():
    with tempfile.TemporaryFile() as file:
        file.write(pattern(3)[:LEN])
        file.flush()
        if rank == 0:
            with mmap.mmap(file.fileno(), LEN, prot=mmap.PROT_READ) as memory:
                comm.Send([memory, LEN, MPI.BYTE], 1)
        else:
            memory = bytearray(LEN)
            comm.Recv([memory, LEN, MPI.BYTE], 0)
            assert memory == pattern(3)[:LEN]


def double(number):
    return 2 * number


def children():
    """While a window is registered: what it shows to others is this process's memory, and no child's."""
    window = MPI.Win.Allocate(LEN, comm=comm)
    memory = window.tomemory()
    memory[:] = pattern(1)[:LEN]
    comm.Barrier()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(double, range(4)) == [0, 2, 4, 6]
        memory[:] = pattern(rank + 10)[:LEN]
        comm.Barrier()
        got = bytearray(LEN)
        window.Lock(1 - rank, MPI.LOCK_SHARED)
        window.Get([got, LEN, MPI.BYTE], 1 - rank)
        window.Unlock(1 - rank)
        assert got == pattern(1 - rank + 10)[:LEN]
        comm.Barrier()
    child = os.fork()
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    comm.Barrier()
    window.Free()


if comm.size > 1 and rank < 2:
    mapped_blocks()
    read_only_file()
    children()
comm.Barrier()
if rank == 0:
    print("remap.py: ok")
