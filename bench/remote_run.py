#!/usr/bin/env python3
"""Question: what do operations on shared state cost from another node, beside the round trips that they need?

Three nodes of network namespaces of this machine, one rank each, over TCP. Each line: microseconds an operation, and how
often the raw round trips it takes (bench/remote_bench.cpp), medians over ROUNDS runs. Run: python3 bench/remote_run.py [ROUNDS]
"""
import pathlib
import re
import shutil
import statistics
import sys
import tempfile

import runs

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "network"))
import network  # noqa: E402

BENCH = runs.built("bench/remote_bench", "PACELINE_REMOTE_BENCH")


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    folder = tempfile.mkdtemp(prefix="paceline-network-")
    figures = {}
    try:
        nodes = network.Network(folder)
        for _ in range(rounds):
            # More threads wait than this machine may have cores.
            with nodes.start([BENCH], options=[]) as job:
                if job.wait() != 0:
                    sys.exit(job.text())
                for name, *values in re.findall(r"(?m)^(\w+) ([0-9.]+) ([0-9.]+) ([0-9.]+) ([0-9.]+)$", job.text()):
                    figures.setdefault(name, []).append(list(map(float, values)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for name, values in figures.items():
        median, least, most, ratio = (statistics.median(column) for column in zip(*values))
        print(f"{name:20} {median:8.1f} us ({least:.1f} to {most:.1f}) {ratio:6.2f} of its round trips")


if __name__ == "__main__":
    network.enter_sandbox()
    main()
