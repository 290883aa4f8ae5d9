#!/usr/bin/env python3
"""Question: what does the probe cost a call?

Limit: an 8-byte ping-pong and an empty parallel region become no more than 5 % slower. The calls are run with the probe
and without in turn, and the medians of the ratios of neighbours are printed: a busy machine meets both.
Run: python3 bench/probe_run.py [ROUNDS]
"""
import statistics
import subprocess
import sys

import runs

BENCH = runs.built("bench/probe_bench", "PACELINE_PROBE_BENCH")
PROBE = runs.built("libpaceline_probe.so", "PACELINE_PROBE")


def times(ranks, threads, preload):
    """Nanoseconds of each call."""
    words = [BENCH] if ranks == 1 else [*runs.launcher(ranks, 1), BENCH]
    environment = {**runs.ENVIRONMENT, "LD_PRELOAD": preload, "OMP_NUM_THREADS": str(threads), "OMP_PROC_BIND": "close"}
    out = subprocess.run(words, env=environment, check=True, capture_output=True, text=True).stdout
    return {name: float(ns) for name, ns in (line.split() for line in out.splitlines())}


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    for ranks, threads in ((2, 1), (1, 1), (1, 2)):
        if ranks * threads > runs.CORES:
            print(f"{ranks} x {threads}: there are {runs.CORES} cores")
            continue
        pairs = [(times(ranks, threads, ""), times(ranks, threads, PROBE)) for _ in range(rounds)]
        for name in pairs[0][0]:
            without = statistics.median(plain[name] for plain, _ in pairs)
            ratio = statistics.median(probed[name] / plain[name] for plain, probed in pairs)
            print(f"{ranks} x {threads}  {name:<10} {without:9.1f} ns   x {ratio:.3f}", flush=True)


if __name__ == "__main__":
    main()
