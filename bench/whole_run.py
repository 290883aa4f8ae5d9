#!/usr/bin/env python3
"""Question: how much faster is a whole run of the lessons' image than NumPy, and does a second rank or thread help?

Everything is run in turn, round by round, so that a machine whose speed drifts favours nobody; medians are printed.
NumPy runs the lessons' own loop in one process, without start-up; paceline is timed from exec to exit.
Limit: 1 rank to 2 ranks, and 1 thread to 2 threads, can be 2.00 at best. Run: python3 bench/whole_run.py [ROUNDS]
"""
import json
import statistics
import subprocess
import sys
import time

from runs import ENVIRONMENT, PROGRAM, launcher, needed

np = needed("numpy", "python3-numpy")

DEEP = ["--max-iter", "1000", "--interior", "plain"]


def numpy_seconds():
    start = time.perf_counter()
    x, y = np.meshgrid(np.linspace(-1.5, 0, 3000), np.linspace(-1, 0, 4000))
    c = x + 1j * y
    z = c.copy()
    counts = np.full(c.shape, 20, np.uint8)
    with np.errstate(all="ignore"):
        for i in range(20):
            z = z**2 + c
            counts[(np.abs(z) > 2) & (counts == 20)] = i
    seconds = time.perf_counter() - start
    assert counts.sum(dtype=np.uint64) == 128933124
    return seconds


def paceline(ranks, threads, *options):
    # Each rank has cores of its own; a benchmark never oversubscribes. Ranks 0: one, without mpirun.
    start_ranks = launcher(ranks, threads) if ranks else []
    command = [*start_ranks, PROGRAM, "fractal", "--threads", str(threads), "--json", *options]
    start = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=ENVIRONMENT)
    return time.perf_counter() - start, json.loads(done.stdout)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    figures = {}

    def add(name, value):
        figures.setdefault(name, []).append(value)

    for _ in range(rounds):
        loop = numpy_seconds()
        wall, record = paceline(1, 1)
        alone, _ = paceline(0, 1)
        add("NumPy loop [s]", loop)
        add("paceline, 1 rank x 1 thread, exec to exit [s]", wall)
        add("  without mpirun [s]", alone)
        add("  of it compute [s]", record["phases"]["compute"])
        add("NumPy / paceline, exec to exit", loop / wall)
        add("NumPy / paceline, exec to exit without mpirun", loop / alone)
        add("NumPy / paceline, compute phase", loop / record["phases"]["compute"])
        for name, options in (("20 iterations", []), ("1,000 iterations, plain", DEEP)):
            one = paceline(1, 1, *options)[1]
            ranks = paceline(2, 1, *options)[1]
            threads = paceline(1, 2, *options)[1]
            assert one["digest"] == ranks["digest"] == threads["digest"]
            add(f"{name}: 1 to 2 ranks, compute phase", one["phases"]["compute"] / ranks["phases"]["compute"])
            add(f"{name}: 1 to 2 threads, compute phase", one["phases"]["compute"] / threads["phases"]["compute"])
            add(f"{name}: rate of one core [{one['rate_unit']}]", one["rate"])
    for name, values in figures.items():
        print(f"{name:55} {statistics.median(values):9.3f}   ({min(values):.3f} to {max(values):.3f})")


if __name__ == "__main__":
    main()
