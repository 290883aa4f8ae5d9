#!/usr/bin/env python3
"""Questions: how does `paceline array` compare with NumPy on the lessons' 16 million doubles, what do private and shared
memory cost, and do all layouts agree?

Everything is run in turn, round by round, so that a machine whose speed drifts favours nobody; medians are printed.
Limit: the memory's bandwidth, which bench/array_kernel_bench.cpp measures. Run: python3 bench/array_run.py [ROUNDS]
"""
import concurrent.futures
import json
import statistics
import subprocess
import sys
import time

from runs import CORES, ENVIRONMENT, PROGRAM, launcher, needed, seconds

np = needed("numpy", "python3-numpy")

SIZE = 16_000_000


def paceline(ranks, threads, *options):
    command = launcher(ranks, threads) + [PROGRAM, "array", "--threads", str(threads), "--json", *options]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=ENVIRONMENT).stdout)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    figures, digests = {}, {}

    def add(name, value):
        figures.setdefault(name, []).append(value)

    start = time.perf_counter()
    x, y = (np.random.Generator(np.random.Philox(key=key)).random(SIZE) for key in (0, 1))
    add("NumPy: make x and y [s]", time.perf_counter() - start)
    z = np.empty_like(x)
    halves = [slice(SIZE * k // CORES, SIZE * (k + 1) // CORES) for k in range(CORES)]
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        def split():
            list(pool.map(lambda part: np.multiply(x[part], y[part], out=z[part]), halves))

        for _ in range(rounds):
            new = seconds(lambda: x * y)
            out = seconds(lambda: np.multiply(x, y, out=z))
            add("NumPy: x * y, into new memory [s]", new)
            add("NumPy: x * y, into memory that is there [s]", out)
            add(f"NumPy: the same, {CORES} threads [s]", seconds(split))
            add("NumPy: x.sum() [s]", seconds(lambda: x.sum()))
            for ranks, threads in [(1, 1)] + [(CORES, 1), (1, CORES)] * (CORES > 1):
                for memory in ("private", "shared"):
                    record = paceline(ranks, threads, "--memory", memory)
                    name = f"paceline: {ranks} x {threads}, {memory}"
                    compute = record["phases"]["compute"]
                    add(f"{name}: compute [s]", compute)
                    add(f"{name}: rate [GB/s]", record["rate"])
                    add(f"{name}: allocate [s]", record["inputs"]["allocate_s"])
                    add(f"{name}: make [s]", record["inputs"]["fill_s"])
                    add(f"{name}: copy [s]", record["inputs"]["copy_s"])
                    digests[name] = record["digest"]
                    if (ranks, threads, memory) == (1, 1, "private"):
                        add("NumPy / paceline, one core, compute phase", out / compute)
            record = paceline(1, 1, "--op", "sum")
            add("paceline: 1 x 1, sum: compute [s]", record["phases"]["compute"])
    for name, values in figures.items():
        print(f"{name:50} {statistics.median(values):9.4f}   ({min(values):.4f} to {max(values):.4f})")
    assert len(set(digests.values())) == 1, digests
    print(f"{len(digests)} layouts, one digest: {next(iter(digests.values()))}")


if __name__ == "__main__":
    main()
