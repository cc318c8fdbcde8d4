# SPDX-License-Identifier: BSD-3-Clause
"""oriel-bench --plot: diagrams, drawn by gnuplot."""
import statistics
import subprocess

from runs import die, last_words, say
from tables import title

LINES = """set terminal svg noenhanced size {width},{height} font "sans,11" background "white"
set output {output}
set multiplot layout {rows},{columns}
set key top left
set grid
"""


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def plot(results, libraries, path):
    """One diagram a test: the medians over the size, or bars where there is but one; whiskers from least to most."""
    groups = {}
    for key in results.order:
        groups.setdefault(key[:4] + key[5:], []).append(key)
    if not groups:
        say("nothing was measured that could be drawn")
        return
    columns = min(2, len(groups))
    rows = (len(groups) + columns - 1) // columns
    script = [LINES.format(width=560 * columns, height=360 * rows, output=quoted(path), rows=rows, columns=columns)]
    for group, keys in groups.items():
        drawn, data = [], []
        for place, library in enumerate(lib for lib in libraries if any(results.of(lib.name, k) for k in keys)):
            drawn.append(f"'-' using 1:2:3:4 with yerrorlines title {quoted(library.name)}")
            for key in keys:
                values = results.of(library.name, key)
                if values:
                    x = key[4] if len(keys) > 1 else place
                    # a logarithmic axis has no place for nothing
                    low, middle, high = (max(v, 1e-3) for v in (min(values), statistics.median(values), max(values)))
                    data.append(f"{max(x, 1) if len(keys) > 1 else x} {middle} {low} {high}")
            data.append("e")
        script.append(f"set title {quoted(title(keys[0], results))}")
        script.append(f"set ylabel {quoted(results.units[group[0]])}")
        script.append("set logscale y")
        if len(keys) > 1:
            script.append('set logscale x 2\nset xlabel "bytes"\nset format x "%.0f"\nset autoscale x\nset xtics auto')
        else:
            script.append('unset logscale x\nset xlabel ""\nset xrange [-0.5:3]\nunset xtics')
        script.append("plot " + ", ".join(drawn))
        script += data
    script.append("unset multiplot\n")
    done = subprocess.run(["gnuplot"], input="\n".join(script), capture_output=True, text=True)
    if done.returncode != 0:
        die(f"gnuplot failed: {last_words(done.stderr)}")
    say(f"wrote {path}")
