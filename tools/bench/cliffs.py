# SPDX-License-Identifier: BSD-3-Clause
"""oriel-bench --cliffs: where a collective is slower than with both more and less of the same.

Every operation is measured on each number of ranks with each power of two of bytes. A cliff is a point
that takes more than 1.3 times as long as both its neighbours, those with one rank more and less or those
with half and twice the bytes; it counts when it is one again in the medians of several measurements of
all three, taken in turn, first of a few and then of many that are longer.
"""
import statistics

TESTS = ["barrier", "bcast", "reduce", "allreduce", "reduce_scatter", "reduce_scatter_block", "scan", "exscan",
         "allgather", "allgatherv", "gather", "gatherv", "scatter", "scatterv", "alltoall", "alltoallv"]
BY_RANK = {"allgather", "allgatherv", "gather", "gatherv", "scatter", "scatterv", "alltoall", "alltoallv",
           "reduce_scatter", "reduce_scatter_block"}  # a block for each rank in one buffer
MOST = 1 << 20  # bytes of a block
MOST_IN_ALL = 1 << 26  # of all ranks' buffers for blocks
STEEP = 1.3
LOOKS = [(5, 1), (15, 10)]  # again: measurements of each, and how much longer


def sizes_of(test, ranks, asked):
    """Those asked for, or the powers of two, as far as the buffers become not too long."""
    if test == "barrier":
        return [0]
    most = min(MOST, MOST_IN_ALL // (ranks * ranks)) if test in BY_RANK else min(MOST, MOST_IN_ALL // ranks)
    return [size for size in asked or [1 << i for i in range(21)] if size <= most]


def neighbours(times, point):
    """Pairs of points that lie on either side."""
    test, ranks, size = point
    pairs = [((test, ranks - 1, size), (test, ranks + 1, size))]
    if size > 1:
        pairs.append(((test, ranks, size // 2), (test, ranks, size * 2)))
    return [pair for pair in pairs if all(p in times for p in pair)]


def height(times, point, pair):
    return times[point] / max(times[p] for p in pair)


def suspects(times):
    for point in times:
        for pair in neighbours(times, point):
            if height(times, point, pair) > STEEP:
                yield point, pair


def name(point):
    return f"{point[0]}, {point[1]} ranks, {point[2]} B"


def measured(run, points, count, longer):
    """The medians of the points, measured in turn."""
    values = {p: [] for p in points}
    for _ in range(count):
        for test, ranks, size in points:
            found = run(test, ranks, [size], longer=longer)
            if size in found:
                values[test, ranks, size].append(found[size])
    return {p: statistics.median(v) for p, v in values.items() if v}


def look_again(run, point, pair, say):
    """The times of the three, if it is a cliff at each look or cannot be looked at; else None."""
    for count, longer in LOOKS:
        times = measured(run, (point, *pair), count, longer)
        if len(times) < 3:
            return {p: times.get(p, float("nan")) for p in (point, *pair)}
        say(f"again: {name(point)}: {times[point]:.3g} us beside {' and '.join(f'{times[p]:.3g}' for p in pair)}")
        if height(times, point, pair) <= STEEP:
            return None
    return times


def sweep(run, tests, counts, asked, say, file):
    times = {}
    for ranks in counts:
        for test in tests:
            sizes = sizes_of(test, ranks, asked)
            if not sizes or (ranks < 2 and test not in TESTS):
                continue
            say(f"{test} on {ranks} ranks")
            for size, took in run(test, ranks, sizes).items():
                times[test, ranks, size] = took
                if file:
                    file.write(f"{test} {ranks} {size} {took:.4g}\n")
                    file.flush()
    return times


def cliffs(run, tests, counts, sizes, say, file=None):
    """Prints what is a cliff; whether there is none in what was measured."""
    times = sweep(run, tests, counts, sizes, say, file)
    found = 0
    looked = list(suspects(times))
    for point, pair in looked:
        again = look_again(run, point, pair, say)
        if again:
            found += 1
            print(f"cliff: {name(point)}: {again[point]:.3g} us; " +
                  ", ".join(f"{name(p)}: {again[p]:.3g} us" for p in pair), flush=True)
    print(f"{len(times)} points, {len(looked)} looked at again, {found} cliffs")
    return bool(times) and found == 0
