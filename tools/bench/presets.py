# SPDX-License-Identifier: BSD-3-Clause
"""oriel-bench --preset: fixed sets of jobs, and the ratios that are wanted of them."""
import os

from runs import OURS, Job, die
from tables import bytes_of, print_columns, short, title


class Target:
    """A row of a preset's table: the ratio must be at most, or at least, `limit`; to the best of the others, or to
    `peer` alone."""

    def __init__(self, job, test, size, limit, at_least=False, against=None, peer=None):
        self.key = job.key(test, job.ranks, size)
        self.limit = limit
        self.at_least = at_least
        self.against = against.key(test, against.ranks, size) if against else None
        self.peer = peer

    def other(self, results):
        if self.against:
            return results.median(OURS, self.against)
        if self.peer:
            return results.median(self.peer, self.key)
        return results.best_peer(self.key)

    def can_be_judged(self, results):
        return not self.peer or self.peer in results.values

    def judge(self, results):
        mine, other = results.median(OURS, self.key), self.other(results)
        ratio = mine / other if mine is not None and other else None
        if ratio is None:
            return None, "not measured"
        met = ratio >= self.limit if self.at_least else ratio <= self.limit
        return ratio, "pass" if met else "FAIL"


def print_targets(targets, results):
    rows = [["target", "size", "ours", "best other", "ratio", "wanted", ""]]
    for t in targets:
        ratio, verdict = t.judge(results)
        than = " / single" if t.against else f" / {t.peer}" if t.peer in results.values else ""
        wanted = (">= " if t.at_least else "<= ") + str(t.limit)
        size = bytes_of(t.key[4]) if t.key[4] or t.key[0] == "latency" else ""
        rows.append([title(t.key, results) + than, size, short(results.median(OURS, t.key)), short(t.other(results)),
                     short(ratio), wanted, verdict])
    print_columns(rows)
    verdicts = [row[-1] for row, t in zip(rows[1:], targets) if t.can_be_judged(results)]
    print(f"{verdicts.count('pass')} of {len(verdicts)} targets met")
    return all(v == "pass" for v in verdicts)


def two_processors(options):
    allowed = sorted(options.cpus or os.sched_getaffinity(0))
    if len(allowed) < 2:
        die("a preset needs two processors, and only one may be used here")
    return (allowed[0], allowed[1])


def confined(cpus):
    """None where the set is all there is anyway."""
    return None if set(cpus) == set(os.sched_getaffinity(0)) else cpus


def preset_node(options):
    """What the node provider must show, on two processors against the best of the peers."""
    both = two_processors(options)
    where = confined(both)
    latency = Job(["latency"], [0, 8, 1024, 8192, 65536, 1 << 20], cpus=where)
    bandwidth = Job(["bandwidth"], [8192, 65536, 1 << 20, 4 << 20], cpus=where)
    rate = Job(["rate"], [8], cpus=where)
    eight = Job(["barrier", "allreduce", "alltoall", "pairs"], [8], ranks=8, cpus=where)
    one = Job(["latency"], [8], cpus=both[:1])
    multiple = Job(["latency"], [8], cpus=where, thread="multiple", ours_only=True)
    limits = {0: 0.65, 8: 0.65, 1024: 0.85, 8192: 0.85, 65536: 1.0, 1 << 20: 1.0}
    targets = [Target(latency, "latency", size, limit) for size, limit in limits.items()]
    targets.append(Target(rate, "rate", 8, 3, at_least=True))
    limits = {8192: 1.15, 65536: 1.0, 1 << 20: 1.0, 4 << 20: 1.0}
    targets += [Target(bandwidth, "bandwidth", size, limit, at_least=True) for size, limit in limits.items()]
    targets += [Target(eight, test, 0 if test == "barrier" else 8, 0.5) for test in eight.tests]
    targets.append(Target(one, "latency", 8, 0.01))
    targets.append(Target(multiple, "latency", 8, 1.1, against=latency))
    return [latency, multiple, bandwidth, rate, one, eight], targets


def preset_notebook(options):
    """What eight ranks on two processors do, as in a notebook."""
    where = confined(two_processors(options))
    tests = "barrier bcast reduce allreduce allgather alltoall scatter gather pairs".split()
    jobs = [Job([test], [8, 65536], ranks=8, cpus=where) for test in tests]
    jobs.append(Job(["startup"], ranks=8, cpus=where))
    targets = [Target(job, test, 8 if test != "barrier" else 0, 0.5) for job in jobs for test in job.tests
               if test in ("barrier", "allreduce", "alltoall", "pairs")]
    return jobs, targets


COLLECTIVES = {  # by ranks: the test, and the ratio that is wanted for each size
    2: {"barrier": {0: 0.85}, "allreduce": {8: 0.8, 65536: 0.8, 1 << 20: 0.8}, "bcast": {8: 0.9, 1 << 20: 0.9},
        "allgather": {8: 0.8, 1 << 20: 0.9}, "alltoall": {8: 0.9, 1 << 20: 0.9}},
    8: {"barrier": {0: 0.35}, "allreduce": {8: 0.4, 65536: 0.6}, "bcast": {8: 0.5, 1 << 20: 0.7},
        "alltoall": {8: 0.4, 1024: 0.6}, "reduce_scatter": {65536: 0.6}},
}


def preset_collectives(options):
    """What collectives must show on two processors, with a processor a rank and with four ranks on each."""
    where = confined(two_processors(options))
    jobs, targets = [], []
    for ranks, tests in COLLECTIVES.items():
        for test, limits in tests.items():
            jobs.append(Job([test], list(limits), ranks=ranks, cpus=where))
            targets += [Target(jobs[-1], test, size, limit) for size, limit in limits.items()]
    return jobs, targets


def preset_datatype(options):
    """Messages whose bytes do not lie together; the contiguous one of the same length beside them."""
    where = confined(two_processors(options))
    sizes = {"vector": 65536, "column": 65536, "indexed": 320000, "face_x": 131072, "face_y": 131072, "face_z": 131072,
             "halo": 131072}
    jobs = [Job([test], [size], cpus=where) for test, size in sizes.items()]
    targets = [Target(job, job.tests[0], job.sizes[0], 1.0) for job in jobs]
    return [Job(["latency"], [65536, 131072], cpus=where)] + jobs, targets


def preset_rma(options):
    """Windows of two ranks: memory that the library shares, memory of the program's, and over sockets."""
    where = confined(two_processors(options))
    shared = Job(["put", "get"], [8, 65536], cpus=where)
    atomic = Job(["fetch_and_op", "compare_and_swap"], cpus=where)
    fence = Job(["put_fence"], [8], cpus=where)
    summed = Job(["accumulate"], [8192], cpus=where)
    own = Job(["create_put"], [8], cpus=where)
    sockets = Job(["put", "get"], [8], cpus=where, tcp=True)
    limits = [(shared, "put", 8, 1.0), (shared, "get", 8, 1.0), (atomic, "fetch_and_op", 0, 1.0),
              (atomic, "compare_and_swap", 0, 1.0), (shared, "put", 65536, 1.0), (fence, "put_fence", 8, 0.8),
              (summed, "accumulate", 8192, 1.0), (sockets, "put", 8, 0.8), (sockets, "get", 8, 0.9)]
    targets = [Target(*limit) for limit in limits] + [Target(own, "create_put", 8, 0.7, peer="mpich")]
    return [shared, atomic, fence, summed, own, sockets], targets


PRESETS = {"collectives": preset_collectives, "datatype": preset_datatype, "node": preset_node,
           "notebook": preset_notebook, "rma": preset_rma}
