# SPDX-License-Identifier: BSD-3-Clause
"""What each program of the tutorial prints on n processes, by its text. See README.md for the marks."""
import re

import numpy as np

DATA = np.array([0.12, 3.45, 6.78, 9.10])
ANY_FLOATS = r"\[.*\]"


def exactly(lines):
    """The lines of each string, literally: NumPy breaks a long array over several."""
    return ["= " + line for text in lines for line in text.split("\n")]


def fstmpi(n):
    return exactly(f"Process {r}: Sending {r} to 0." for r in range(n)) + [
        rf"% {n * (n - 1) // 2} Root: Sum of ranks is \[(-?\d+)\]"
    ]


def picklempi(n):
    return exactly(f"{n * n + r} bottles of beer on the wall" for r in range(n))


def p2p(n):
    return exactly([f"Process 0 sends {DATA}", f"Process 1 receives {DATA}"])


def p2p_test(n):
    return p2p(n) + [r"? Isend of process 0 pending \.\.\.", r"? Isend of process 0 successful\."]


def p2p_wait(n):
    return p2p(n) + exactly(["Isend successfull"])


def testany(n):
    return exactly([f"Process 0 sends {DATA}"] + [f"Process {r} receives {DATA}" for r in range(1, n)])


def waitall(n):
    return testany(n) + exactly(["Process 0 waits for all requests to complete", "Process 0 finished waiting"])


def split(n):
    lines = [f"Process {r} in comm({n})" for r in range(n)]
    for r in range(n):
        half = (n + 1) // 2 if r % 2 == 0 else n // 2
        lines.append(f"Process {r} in comm({n}) \t {r // 2} in newcomm({half})")
    return exactly(lines)


def groups(n):
    return exactly(f"Process {r} is in comm{'even' if r in (0, 2, 4, 6) else 'odd'}" for r in range(n))


def broadcast(n):
    data = np.array([2.71, 8.28, 1.82, 8.459], dtype=np.float32)
    lines = [f"Process 0 initially has {data}", f"Process 0 broadcasts {data}"]
    lines += [f"Process {r} received {data} from process 0" for r in range(n)]
    return exactly(lines) + [f"~ Process {r} initially has {ANY_FLOATS}" for r in range(1, n)]


def scatter(n):
    squares = np.arange(n, dtype=np.int32) ** 2
    return exactly([f"Process 0 scatters {squares}"] + [f"Process {r} received [{r * r}] from process 0" for r in range(n)])


def pairs(n):
    return np.repeat(np.arange(n, dtype=np.int32), 2) ** 2


def gather(n):
    lines = [f"Process {r} sends [{r * r} {r * r}]" for r in range(n)]
    return exactly(lines + [f"Process 0 gathered {pairs(n)} from processes 0 to {n}"])


def allgather(n):
    lines = [f"Process {r} sends [{r * r} {r * r}]" for r in range(n)]
    return exactly(lines + [f"Process {r} allgathered {pairs(n)} from processes 0 to {n}" for r in range(n)])


def allgatherv(n):
    sends = ["[0]", "[1]", "[2 2]", "[3 3 3]"]
    lines = [f"Process {r} sends {sends[r]}" for r in range(n)]
    return exactly(lines + [f"Process {r} allgatherved [0 1 2 2 3 3 3]" for r in range(n)])


def iscatterv(n):
    lines = ["Process 0 sends [0]"] + [f"Process {r} sends None" for r in range(1, n)]
    return exactly(lines) + [r"* (Process [1-9]\d* iscatterved \[.*| *-?\d[-\d ]*\]?)"]


def reduction(result_at_root, result_elsewhere, dtype):
    def lines(n):
        for r in range(n):
            yield f"Process {r} sends {np.array([r, n], dtype=dtype)} via Reduce"
            result = result_at_root(n) if r == 0 else result_elsewhere(n)
            yield f"Process {r} receives {np.array(result, dtype=dtype)} via Reduce"

    return lambda n: exactly(lines(n))


def sums(n):
    return [n * (n - 1) // 2, n * n]


def products(n):
    return [0.0, float(n) ** n]


def barrier(n):
    return exactly(f"Process {r} has {what} the barrier" for r in range(n) for what in ("reached", "passed"))


def ring_of_gets(n):
    return exactly(f"Process {r} computes\tsum = {n * (n - 1) // 2}" for r in range(n))


def put_then_get(n):
    return exactly(f"Process {r} computes\tbuf = {np.arange(n, dtype=np.int32)}" for r in range(n))


EVERY = (1, 2, 3, 4, 5, 8, 16)
PAIR = EVERY[1:]
# name: (its promise, the numbers of processes that its text allows)
PROGRAMS = {
    "fstmpi": (fstmpi, EVERY),
    "picklempi": (picklempi, EVERY),
    "demo-bp2p": (p2p, PAIR),
    "demo_bp2p-synchronous": (p2p, PAIR),
    "demo_bp2p-buffered": (p2p, PAIR),
    "demo_bp2p-standard": (p2p, PAIR),
    "demo_bp2p-ready": (p2p, PAIR),
    "demo_ip2p-standard-test": (p2p_test, PAIR),
    "demo_ip2p-standard-wait": (p2p_wait, PAIR),
    "demo_ip2p-standard-testany": (testany, EVERY),
    "demo_ip2p-standard-waitall": (waitall, EVERY),
    "comm_split": (split, EVERY),
    "demo_groups": (groups, (8, 16)),  # names rank 6
    "demo_broadcast": (broadcast, EVERY),
    "demo_scatter": (scatter, EVERY),
    "demo_gather": (gather, EVERY),
    "demo_allgather": (allgather, EVERY),
    "demo_allgatherv": (allgatherv, (4,)),  # has four counts
    "demo_iscatterv": (iscatterv, (4,)),
    "demo_reduce": (reduction(sums, lambda n: [0, 0], np.int32), EVERY),
    "demo_allreduce": (reduction(products, products, np.float32), EVERY),
    "demo_iallreduce": (reduction(sums, sums, np.float32), EVERY),
    "demo_barrier": (barrier, EVERY),
    "demo_osc-get-ats": (ring_of_gets, EVERY),
    "demo_osc-getput-pts": (put_then_get, EVERY),
}


def kept(promise, lines):
    """What is wrong with these lines, as a list of complaints; empty if the promise is kept."""
    left = list(lines)
    wrong = []

    def take(fits):
        for i, line in enumerate(left):
            if fits(line):
                return left.pop(i)
        return None

    # Literal lines are taken first, so that a pattern cannot take theirs.
    for rule in sorted(promise, key=lambda rule: "=%~?*".index(rule[0])):
        mark, text = rule[0], rule[2:]
        if mark == "=":
            found = take(lambda line: line == text)
        elif mark == "%":
            value, pattern = text.split(" ", 1)
            found = take(lambda line: (m := re.fullmatch(pattern, line)) and int(m[1]) % 2**32 == int(value))
        else:
            found = take(lambda line: re.fullmatch(text, line))
            while found is not None and mark == "*":
                found = take(lambda line: re.fullmatch(text, line))
        if found is None and mark not in "?*":
            wrong.append(f"missing: {rule}")
    return wrong + [f"not promised: {line}" for line in left]
