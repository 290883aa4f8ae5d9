#!/usr/bin/env python3
"""Question: how fast does `paceline table` take columns of a CSV file from the page cache, beside DuckDB, Polars, pandas
and Dask?

Everything is run in turn, round by round, so that a machine whose speed drifts favours nobody; medians are printed, and
the load of the machine. Paceline's seconds are of the whole program, MPI's start included, and beside them those of
looking at the file and computing; the peers' are without their start. Limit: 1.5 GB/s on 2 cores, for numeric columns,
and the best peer on all columns as float64. DuckDB and Polars are npm packages, which PEERS names the folder of:
    npm install --prefix FOLDER @duckdb/node-api nodejs-polars
Run: [PEERS=FOLDER] python3 bench/table_run.py [ROUNDS] [MILLIONS OF ROWS]
"""
import json
import os
import pathlib
import shutil
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
PEERS = os.environ.get("PEERS")
# Of each file: its columns, as they are asked for.
NUMBERS = {name: "float64" for name in COLUMNS}
TEXTS = {"id": "int64", "t": "text", "q": "text", "x": "float64"}


def make(path, millions):
    """Two columns of integers and six of reals with six decimals."""
    rows, rng = 1_000_000, numpy.random.default_rng(1)
    for part in range(millions):
        frame = pandas.DataFrame({"id": numpy.arange(rows) + part * rows, "count": rng.integers(-10**6, 10**9, rows)})
        for k in range(6):
            frame[f"x{k}"] = rng.normal(0, 100, rows).round(6)
        frame.to_csv(path, index=False, mode="a", header=part == 0)


def make_texts(path, millions):
    """A text without quotes, one with quotes and commas, and two numbers."""
    rows, rng = 1_000_000, numpy.random.default_rng(2)
    words = numpy.array(["alpha", "beta", "gamma ray", "delta, of a river", "the \"fifth\" one", "zeta"])
    for part in range(millions):
        frame = pandas.DataFrame({"id": numpy.arange(rows) + part * rows, "t": "name " + pandas.Series(rng.integers(0, 10**6, rows)).astype(str),
                                  "q": words[rng.integers(0, len(words), rows)], "x": rng.normal(0, 100, rows).round(6)})
        frame.to_csv(path, index=False, mode="a", header=part == 0)


def peer(name, path, columns, threads):
    """Seconds of one read, in a process of its own; the second one, since the first also warms up the engine."""
    source = pathlib.Path(PEERS, "table_peers.mjs")  # packages are looked for beside it
    shutil.copy(pathlib.Path(__file__).with_name("table_peers.mjs"), source)
    listed = ",".join(f"{column}:{kind}" for column, kind in columns.items())
    words = ["taskset", "-c", f"0-{threads - 1}", "node", str(source), name, str(path), str(threads), listed, "2"]
    output = subprocess.run(words, check=True, stdout=subprocess.PIPE, env={**os.environ, "POLARS_MAX_THREADS": str(threads)}).stdout
    return float(output.split()[-1])


def paceline(path, columns, ranks, threads):
    if isinstance(columns, dict):
        columns = [f"{column}:{kind}" for column, kind in columns.items()]
    words = [*launcher(ranks, threads), PROGRAM, "table", str(path), "--columns", ",".join(columns),
             "--threads", str(threads), "--memory-limit", "4GB", "--json"]
    start = time.perf_counter()
    output = subprocess.run(words, check=True, stdout=subprocess.PIPE, env=ENVIRONMENT).stdout
    wall = time.perf_counter() - start
    phases = json.loads(output)["phases"]
    return wall, phases["plan"] + phases["scatter"] + phases["compute"]


def beside_peers(folder, rounds, millions):
    """The same columns and types by all, on one core and on all."""
    if not PEERS:
        return
    for kind, fill, columns in (("numbers", make, NUMBERS), ("texts", make_texts, TEXTS)):
        path = pathlib.Path(folder) / f"{kind}.csv"
        if not path.exists():
            fill(path, millions)
        figures = {}
        for _ in range(rounds):
            for threads in sorted({1, CORES}):
                wall, work = paceline(path, columns, 1, threads)
                figures.setdefault((threads, "paceline, whole program"), []).append(wall)
                figures.setdefault((threads, "paceline, scan and compute"), []).append(work)
                for name in ("duckdb", "polars"):
                    figures.setdefault((threads, name), []).append(peer(name, path, columns, threads))
        for (threads, name), values in sorted(figures.items()):
            median = statistics.median(values)
            print(f"{kind}, all columns, {threads} threads: {name:30} {median:7.3f} s, "
                  f"{path.stat().st_size / 1e9 / median:6.3f} GB/s ({min(values):.3f} to {max(values):.3f} s)")


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
        beside_peers(folder, rounds, millions)
    print(f"{size:.2f} GB, {CORES} cores, load {os.getloadavg()[0]:.1f}")
    for (count, name), values in sorted(figures.items()):
        median = statistics.median(values)
        print(f"{count} of {len(COLUMNS)} columns: {name:40} {median:7.3f} s, {size / median:6.3f} GB/s "
              f"({min(values):.3f} to {max(values):.3f} s)")


if __name__ == "__main__":
    main()
