#!/usr/bin/env python3
"""Question: how does the pool compare with Python's pools over processes, on the machine and the day at hand?

Everything is run in turn, round by round; medians are printed. Peers: mpi4py.futures and Dask (skipped, saying so, where
they are not installed), ProcessPoolExecutor and multiprocessing.Pool; two workers each, the pool on 2 ranks x 1 thread.
Limits: OpenMP's own tasks, in bench/pool_bench.cpp. Run: python3 bench/pool_run.py [ROUNDS]
"""
import concurrent.futures
import importlib.util
import json
import multiprocessing
import statistics
import subprocess
import sys

import runs

BENCH = runs.built("bench/pool_bench", "PACELINE_POOL_BENCH")
ENVIRONMENT = {**runs.ENVIRONMENT, "OMP_NUM_THREADS": "1"}
# mpi4py's workers are ranks of their own beside the one that drives.
MPI4PY = """
import time
from mpi4py.futures import MPICommExecutor
def same(i): return i
with MPICommExecutor() as pool:
    if pool is not None:
        list(pool.map(same, range(100)))
        start = time.perf_counter()
        for future in [pool.submit(same, i) for i in range(4000)]: future.result()
        print(4000 / (time.perf_counter() - start))
"""


def same(i):
    return i


def rate(tasks, action):
    return tasks / runs.seconds(action)


def paceline():
    words = ["mpirun", "-q", "-np", "2", "--bind-to", "none", "--oversubscribe", BENCH, "--benchmark_format=json",
             "--benchmark_min_time=0.3", "--benchmark_repetitions=1"]
    run = subprocess.run(words, check=True, stdout=subprocess.PIPE, env=ENVIRONMENT)
    for bench in json.loads(run.stdout)["benchmarks"]:
        for unit in ("tasks/s", "efficiency"):
            if unit in bench:
                yield f"paceline bench: {bench['name'].removesuffix('/real_time')} [{unit}]", bench[unit]


def mpi4py():
    run = subprocess.run(["mpirun", "-q", "-np", "3", "--bind-to", "none", "--oversubscribe", sys.executable, "-c",
                          MPI4PY], check=True, stdout=subprocess.PIPE, env=ENVIRONMENT)
    yield "mpi4py.futures: submit [tasks/s]", float(run.stdout)


def dask():
    import distributed
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with distributed.Client(cluster) as client:
            client.gather([client.submit(same, i) for i in range(100)])

            def work():
                client.gather([client.submit(same, i + 1000, pure=False) for i in range(1000)])
            yield "Dask: submit [tasks/s]", rate(1000, work)


def processes():
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        list(pool.map(same, range(100)))
        yield "ProcessPoolExecutor: submit [tasks/s]", rate(
            4000, lambda: [future.result() for future in [pool.submit(same, i) for i in range(4000)]])
    with multiprocessing.Pool(2) as pool:
        pool.map(same, range(1000))
        yield "multiprocessing.Pool: map [tasks/s]", rate(2_000_000, lambda: pool.map(same, range(2_000_000)))


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    parts = [paceline, processes]
    for part, module in ((mpi4py, "mpi4py"), (dask, "distributed")):
        if importlib.util.find_spec(module):
            parts.append(part)
        else:
            print(f"{module} is not installed: skipped")
    figures = {}
    for _ in range(rounds):
        for part in parts:
            for name, value in part():
                figures.setdefault(name, []).append(value)
    for name, values in figures.items():
        print(f"{name:60} {statistics.median(values):14,.3f}   ({min(values):,.3f} to {max(values):,.3f})")


if __name__ == "__main__":
    main()
