#!/usr/bin/env python3
"""Question: how fast does `paceline table` take columns of a CSV file from the page cache, beside DuckDB, Polars, pandas
and Dask?

Numbers, texts and quoted fields, all columns by all of them with the same types, on one core and on all. Everything is
run in turn, round by round, so that a machine whose speed drifts favours nobody. Medians are printed, how many times as
long as the fastest peer each took, and the load of the machine. Paceline's seconds are of the whole program, MPI's start
included, and beside them those of looking at the file and computing; the peers' are without their start, and the second
read where the first one warms them up. Limit: the fastest peer, on all columns as float64.
DuckDB and Polars are npm packages. They are installed into the folder that PEERS names (~/.cache/paceline-peers) where
they are not there yet, and skipped, saying so, where npm can't get them.
Run: [PEERS=FOLDER] python3 bench/table_run.py [ROUNDS] [MILLIONS OF ROWS]
"""
import csv
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from runs import CORES, ENVIRONMENT, PROGRAM, launcher, needed, seconds

numpy = needed("numpy", "python3-numpy")
pandas = needed("pandas", "python3-pandas")

try:
    import dask
    import dask.dataframe
except ImportError:
    dask = None

COLUMNS = ["id", "count"] + [f"x{k}" for k in range(6)]
PEERS = pathlib.Path(os.environ.get("PEERS", pathlib.Path.home() / ".cache" / "paceline-peers"))
PACKAGES = {"duckdb": "@duckdb/node-api", "polars": "nodejs-polars"}
# Of each file: its columns, as they are asked for.
NUMBERS = {name: "float64" for name in COLUMNS}
TEXTS = {"id": "int64", "t": "text", "u": "text", "x": "float64"}
QUOTED = {"id": "int64", "q": "text", "r": "text", "x": "float64"}


def make(path, millions):
    """Two columns of integers and six of reals with six decimals."""
    rows, rng = 1_000_000, numpy.random.default_rng(1)
    for part in range(millions):
        frame = pandas.DataFrame({"id": numpy.arange(rows) + part * rows, "count": rng.integers(-10**6, 10**9, rows)})
        for k in range(6):
            frame[f"x{k}"] = rng.normal(0, 100, rows).round(6)
        frame.to_csv(path, index=False, mode="a", header=part == 0)


def make_texts(path, millions):
    """Two texts without quotes, and two numbers."""
    rows, rng = 1_000_000, numpy.random.default_rng(2)
    for part in range(millions):
        names = [prefix + pandas.Series(rng.integers(0, 10**6, rows)).astype(str) for prefix in ("name ", "of street ")]
        frame = pandas.DataFrame({"id": numpy.arange(rows) + part * rows, "t": names[0], "u": names[1],
                                  "x": rng.normal(0, 100, rows).round(6)})
        frame.to_csv(path, index=False, mode="a", header=part == 0)


def make_quoted(path, millions):
    """Two texts in quotes, with commas and doubled quotes in some, and two numbers."""
    rows, rng = 1_000_000, numpy.random.default_rng(3)
    words = numpy.array(["alpha", "beta", "gamma ray", "delta, of a river", 'the "fifth" one', "zeta"])
    for part in range(millions):
        frame = pandas.DataFrame({"id": numpy.arange(rows) + part * rows, "q": words[rng.integers(0, len(words), rows)],
                                  "r": words[rng.integers(0, len(words), rows)], "x": rng.normal(0, 100, rows).round(6)})
        frame.to_csv(path, index=False, mode="a", header=part == 0, quoting=csv.QUOTE_NONNUMERIC)


def installed(package):
    return (PEERS / "node_modules" / package).is_dir()


def install(package, version="latest"):
    if installed(package):
        return True
    PEERS.mkdir(parents=True, exist_ok=True)
    words = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--fetch-retries", "0", "--prefix", str(PEERS),
             f"{package}@{version}"]
    try:
        subprocess.run(words, capture_output=True, timeout=300)
    except subprocess.TimeoutExpired:
        pass
    return installed(package)


def npm_peers():
    """Those that are there, or that npm gets."""
    if shutil.which("npm") is None:
        print("there is no npm: DuckDB and Polars are skipped")
        return []
    found = []
    for name, package in PACKAGES.items():
        is_there = install(package)
        if is_there and name == "polars":
            # Its machine code is a package of its own, which npm leaves out at times, and must be of its version.
            version = json.loads((PEERS / "node_modules" / package / "package.json").read_text())["version"]
            is_there = install(f"nodejs-polars-linux-{'arm64' if platform.machine() == 'aarch64' else 'x64'}-gnu", version)
        if is_there:
            found.append(name)
        else:
            print(f"npm can't get {package} into {PEERS}: it is skipped")
    return found


def peer(name, path, columns, threads):
    """Seconds of one read, in a process of its own; the second one, since the first also warms up the engine."""
    source = PEERS / "table_peers.mjs"  # packages are looked for beside it
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


# In a process of its own, on so many cores: FILE THREADS COLUMN:TYPE,...
PANDAS = """
import sys, time, pandas
types = dict(word.rsplit(":", 1) for word in sys.argv[3].split(","))
types = {name: "str" if kind == "text" else kind for name, kind in types.items()}
for _ in range(2):
    start = time.perf_counter()
    frame = pandas.read_csv(sys.argv[1], usecols=list(types), dtype=types)
    assert len(frame) > 0
    print(time.perf_counter() - start)
"""
DASK = """
import sys, time, dask, dask.dataframe
types = dict(word.rsplit(":", 1) for word in sys.argv[3].split(","))
types = {name: "str" if kind == "text" else kind for name, kind in types.items()}
with dask.config.set(scheduler="threads", num_workers=int(sys.argv[2])):
    for _ in range(2):
        start = time.perf_counter()
        frame = dask.dataframe.read_csv(sys.argv[1], usecols=list(types), dtype=types).compute()
        assert len(frame) > 0
        print(time.perf_counter() - start)
"""


def python_peer(program, path, columns, threads):
    listed = ",".join(f"{column}:{kind}" for column, kind in columns.items())
    words = ["taskset", "-c", f"0-{threads - 1}", sys.executable, "-c", program, str(path), str(threads), listed]
    return float(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout.split()[-1])


def beside_peers(folder, rounds, millions):
    """The same columns and types by all, on one core and on all."""
    peers = {name: peer for name in npm_peers()}
    peers["pandas"] = lambda name, *rest: python_peer(PANDAS, *rest)
    if dask:
        peers["Dask, threads"] = lambda name, *rest: python_peer(DASK, *rest)
    for kind, fill, columns in (("numbers", make, NUMBERS), ("texts", make_texts, TEXTS), ("quoted", make_quoted, QUOTED)):
        path = pathlib.Path(folder) / f"{kind}.csv"
        if not path.exists():
            fill(path, millions)
        figures = {}
        for _ in range(rounds):
            for threads in sorted({1, CORES}):
                wall, work = paceline(path, columns, 1, threads)
                figures.setdefault((threads, "paceline, whole program"), []).append(wall)
                figures.setdefault((threads, "paceline, scan and compute"), []).append(work)
                for name, run in peers.items():
                    figures.setdefault((threads, name), []).append(run(name, path, columns, threads))
        medians = {key: statistics.median(values) for key, values in figures.items()}
        for (threads, name), values in figures.items():
            median = medians[threads, name]
            best = min(medians[threads, peer] for peer in peers)
            print(f"{kind}, all columns, {threads} threads: {name:28} {median:7.3f} s, "
                  f"{path.stat().st_size / 1e9 / median:6.3f} GB/s ({min(values):.3f} to {max(values):.3f} s), "
                  f"{median / best:5.2f} of the fastest peer", flush=True)


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
