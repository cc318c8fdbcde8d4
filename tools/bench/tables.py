# SPDX-License-Identifier: BSD-3-Clause
"""oriel-bench: columns for people."""
import statistics


def short(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def bytes_of(size):
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} B"


def title(key, results):
    test, ranks, cpus, thread, _, tcp = key
    words = f"{test}, {ranks} ranks"
    if cpus:
        words += f" on {len(cpus)} cpu" + ("s" if len(cpus) > 1 else "")
    return words + (", multiple" if thread == "multiple" else "") + (", tcp" if tcp else "")


def print_columns(rows):
    """The first row is the heading; the first two columns lean left, the others right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())


def cell(values):
    if not values:
        return "-"
    return f"{short(statistics.median(values))} ({short(min(values))}-{short(max(values))})"


def print_table(results, libraries):
    heading = ["test", "size", "unit"] + [lib.name for lib in libraries]
    compared = len(libraries) > 1
    rows = [heading + (["oriel/best"] if compared else [])]
    for key in results.order:
        size = bytes_of(key[4]) if key[4] or key[0].startswith("latency") else ""
        row = [title(key, results), size, results.units[key[0]]]
        row += [cell(results.of(lib.name, key)) for lib in libraries]
        rows.append(row + ([short(results.ratio(key))] if compared else []))
    print_columns(rows)
