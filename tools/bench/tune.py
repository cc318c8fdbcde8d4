# SPDX-License-Identifier: BSD-3-Clause
"""oriel-bench --tune: what the formulas of the collectives' table must be told of this machine.

Every algorithm is forced in turn and measured; then the costs are sought with which the formulas come
nearest to all the times, in proportion, without going far from the ones in force for what the times
say nothing about. What is printed can be put into the environment.
"""
import json
import math
import os
import subprocess

# Tests of the benchmark by operation, and whether their size is that of a block of each rank.
TESTS = {
    "BARRIER": ("barrier", False), "BCAST": ("bcast", False), "REDUCE": ("reduce", False),
    "ALLREDUCE": ("allreduce", False), "SCAN": ("scan", False), "EXSCAN": ("exscan", False),
    "GATHER": ("gather", True), "SCATTER": ("scatter", True), "ALLGATHER": ("allgather", True),
    "ALLGATHERV": ("allgatherv", True), "ALLTOALL": ("alltoall", True), "REDUCE_SCATTER": ("reduce_scatter", True),
    "REDUCE_SCATTER_BLOCK": ("reduce_scatter_block", True),
}
SIZES = [8, 512, 8192, 65536, 262144, 1 << 20]
MOST_BYTES = 1 << 23  # of all ranks' blocks in one rank's buffer
FIXED = ("eager", "segment")  # lengths that are chosen, not measured
SET = 512 * 1024
NEAR = 0.02  # how much a cost's distance from its default counts beside a time's from its formula


class Formulas:
    """The table of the installed library, and the costs in force."""

    def __init__(self, info):
        found = json.loads(subprocess.run([info, "--collectives", "--json"], check=True, capture_output=True,
                                          text=True).stdout)
        self.rows = {}
        for row in found["collectives"]:
            code = compile(row["cost"], f"{row['operation']} {row['algorithm']}", "eval")
            self.rows.setdefault(row["operation"], {})[row["algorithm"]] = (code, row["needs"])
        self.costs = found["costs"]

    def cost(self, operation, name, p, n, load, c):
        """Microseconds by the formula; c: the costs of the endpoint."""
        lap = c["turn"] * load * (1 + load / 4) if load > 1 else 0

        def length(b):
            return b * load * (c["long_byte"] if b > c["eager"] else c["byte"])

        def message(b):
            return lap + (c["long_message"] if b > c["eager"] else c["message"]) + length(b)

        def active(k):
            return max(1 / load, min(k / p, 1))

        def passed(b, k):
            return message(b) - (1 - active(2 * k if b > c["eager"] else k)) * length(b)

        lg, lg4 = math.ceil(math.log2(p)), math.ceil(math.log(p, 4) - 1e-9)
        words = {
            "level": p / lg if p > 1 else 1, "level4": p / lg4 if p > 1 else 1,
            "active": active, "passed": passed, "hop": lambda b, k: passed(b, k) - 0.6 * lap,
            "p": p, "n": n, "part": n / p, "odd": int(p & (p - 1) != 0), "lg": lg, "lg4": lg4,
            "SET": SET, "message": message, "bytes": length,
            "more": lambda b: 0.75 * lap + load * c["post"] + length(b), "piece": lambda b: min(b, c["segment"]),
            "pieces": lambda b: max(1, math.ceil(b / c["segment"])),
            "area": lambda b, room: (lap + c["step"]) * max(1, math.ceil(b / room)) + p * c["look"],
            "fetch": lambda b: load * (c["fetch"] + b * c["fetch_byte"]),
            "crowd": 1 + load / 16 if load > 1 else 1,
            "fold": c["fold"] * load, "copy": c["copy"] * load, "move": c["move"] * load,
        }
        return eval(self.rows[operation][name][0], {"__builtins__": {}}, words)


class Time:
    def __init__(self, operation, name, p, size, took, load):
        self.operation, self.name, self.p, self.size, self.took, self.load = operation, name, p, size, took, load
        self.n = size * p if TESTS[operation][1] else size


def forced(operation, name, endpoint):
    environment = {f"ORIEL_COLL_{operation}": name, "ORIEL_NODE": "no" if endpoint == "stack" else "yes",
                   "ORIEL_LOG": "error"}
    if name not in ("area", "stripes", "direct"):
        environment["ORIEL_COLL_AREA_AFTER"] = "-1"
    return environment


def skip(needs, p, endpoint):
    return (needs == "in place" or "hosts" in needs or (endpoint == "stack" and "memory is shared" in needs)
            or ("power of two" in needs and p & (p - 1)))


def measure(formulas, endpoint, counts, processors, run, say):
    """Times of all algorithms on those numbers of ranks; run(test, p, sizes, environment) gives them by size."""
    times = []
    for operation, (test, blocks) in TESTS.items():
        for name, (_, needs) in formulas.rows[operation].items():
            for p in counts:
                if skip(needs, p, endpoint):
                    continue
                say(f"{endpoint}, {p} ranks: {test} by {name}")
                sizes = [s for s in SIZES if not blocks or s * p <= MOST_BYTES] if operation != "BARRIER" else [0]
                load = max(1, p / processors)
                for size, took in run(test, p, sizes, forced(operation, name, endpoint)).items():
                    times.append(Time(operation, name, p, size, took, load))
    return times


def distance(formulas, times, costs, default):
    total = 0
    for t in times:
        total += math.log(max(formulas.cost(t.operation, t.name, t.p, t.n, t.load, costs), 1e-4) / t.took) ** 2
    for name, value in costs.items():
        if name not in FIXED and default[name] > 0:
            total += NEAR * len(times) / len(costs) * math.log(value / default[name]) ** 2
    return total


def fit(formulas, times, default):
    """The costs that come nearest, each changed in turn as long as that helps."""
    costs = dict(default)
    best = distance(formulas, times, costs, default)
    step = 2.0
    while step > 1.01:
        better = False
        for name in costs:
            if name in FIXED or costs[name] <= 0:
                continue
            for factor in (step, 1 / step):
                trial = dict(costs, **{name: costs[name] * factor})
                found = distance(formulas, times, trial, default)
                if found < best * (1 - 1e-6):
                    best, costs, better = found, trial, True
        if not better:
            step = math.sqrt(step)
    return costs, math.exp(math.sqrt(best / len(times)))


def losses(formulas, times, costs):
    """For each operation, ranks and size: how much slower the algorithm is that the formulas choose."""
    groups = {}
    for t in times:
        groups.setdefault((t.operation, t.p, t.size), []).append(t)
    found = []
    for key, group in groups.items():
        chosen = min(group, key=lambda t: formulas.cost(t.operation, t.name, t.p, t.n, t.load, costs))
        best = min(group, key=lambda t: t.took)
        found.append((chosen.took / best.took, key, chosen, best))
    return sorted(found, key=lambda f: f[0], reverse=True)


def tune(info, endpoints, counts, processors, run, say, file=None):
    """Prints the costs; whether there are any to print."""
    formulas = Formulas(info)
    good = True
    for endpoint in endpoints:
        times = measure(formulas, endpoint, counts, processors, run, say)
        if file:
            for t in times:
                file.write(f"{endpoint} {t.operation} {t.name} {t.p} {t.size} {t.took:.4g}\n")
            file.flush()
        if times:
            report(formulas, endpoint, times)
        else:
            say(f"{endpoint}: nothing was measured, so there are no costs")
            good = False
    return good


def report(formulas, endpoint, times):
    default = formulas.costs[endpoint]
    costs, error = fit(formulas, times, default)
    print(f"# {endpoint}: {len(times)} times; the formulas are right within a factor of {error:.2f}")
    worst = losses(formulas, times, costs)
    mean = math.exp(sum(math.log(f[0]) for f in worst) / len(worst))
    print(f"# what they choose is {mean:.3f} times as slow as the fastest, on average; at worst:")
    for ratio, (operation, p, size), chosen, best in worst[:8]:
        print(f"#   {ratio:.2f}  {operation} on {p} ranks, {size} B: {chosen.name} {chosen.took:.3g} us, "
              f"{best.name} {best.took:.3g} us")
    values = ",".join(f"{name}={value:.3g}" for name, value in costs.items() if value > 0 and name not in FIXED)
    print(f"export ORIEL_COLL_COST_{endpoint.upper()}={values}")


def tool(folder):
    """oriel-info of an installation or a build tree."""
    for path in (os.path.join(folder, "bin", "oriel-info"), os.path.join(folder, "oriel-info")):
        if os.access(path, os.X_OK):
            return path
    return None
