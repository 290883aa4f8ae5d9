#!/usr/bin/env python3
"""Question: how fast does `paceline table` take columns of a CSV file from the page cache, beside pandas and Dask?

Everything is run in turn, round by round, so that a machine whose speed drifts favours nobody; medians are printed, and
the load of the machine. Paceline's seconds are of the whole program, MPI's start included, and beside them those of
looking at the file and computing. Limit: 1.5 GB/s on 2 cores, for numeric columns.
Run: python3 bench/table_run.py [ROUNDS] [MILLIONS OF ROWS]
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import pandas

from runs import CORES, ENVIRONMENT, PROGRAM, launcher, seconds

try:
    import dask
    import dask.dataframe
except ImportError:
    dask = None

COLUMNS = ["id", "count"] + [f"x{k}" for k in range(6)]


def make(path, millions):
    """Two columns of integers and six of reals with six decimals."""
    rows, rng = 1_000_000, numpy.random.default_rng(1)
    for part in range(millions):
        frame = pandas.DataFrame({"id": numpy.arange(rows) + part * rows, "count": rng.integers(-10**6, 10**9, rows)})
        for k in range(6):
            frame[f"x{k}"] = rng.normal(0, 100, rows).round(6)
        frame.to_csv(path, index=False, mode="a", header=part == 0)


def paceline(path, columns, ranks, threads):
    words = [*launcher(ranks, threads), PROGRAM, "table", str(path), "--columns", ",".join(columns),
             "--threads", str(threads), "--memory-limit", "4GB", "--json"]
    start = time.perf_counter()
    output = subprocess.run(words, check=True, stdout=subprocess.PIPE, env=ENVIRONMENT).stdout
    wall = time.perf_counter() - start
    phases = json.loads(output)["phases"]
    return wall, phases["plan"] + phases["scatter"] + phases["compute"]


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    millions = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "numbers.csv"
        make(path, millions)
        size = path.stat().st_size / 1e9
        for _ in range(rounds):
            for columns in (["x0", "x5"], COLUMNS):
                def add(name, value):
                    figures.setdefault((len(columns), name), []).append(value)

                for ranks, threads in {(CORES, 1), (1, CORES)}:
                    wall, work = paceline(path, columns, ranks, threads)
                    add(f"paceline {ranks} x {threads}, whole program", wall)
                    add(f"paceline {ranks} x {threads}, survey and compute", work)
                add("pandas.read_csv", seconds(lambda: pandas.read_csv(path, usecols=columns)))
                if dask:
                    with dask.config.set(scheduler="processes", num_workers=CORES):
                        frame = dask.dataframe.read_csv(path, usecols=columns)
                        add("dask.dataframe, processes, sum", seconds(lambda: frame.sum().compute()))
    print(f"{size:.2f} GB, {CORES} cores, load {os.getloadavg()[0]:.1f}")
    for (count, name), values in sorted(figures.items()):
        median = statistics.median(values)
        print(f"{count} of {len(COLUMNS)} columns: {name:40} {median:7.3f} s, {size / median:6.3f} GB/s "
              f"({min(values):.3f} to {max(values):.3f} s)")


if __name__ == "__main__":
    main()
