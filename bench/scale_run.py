#!/usr/bin/env python3
"""Question: is what bench/scale_bench simulates what real ranks do?

64 ranks share the machine's cores: their tasks sleep, which takes none. Compared are
  handing out   the real dispenser on 4 nodes of 16 ranks that are not really there, tasks as uneven as the Mandelbrot set's
                rows, the same number for each rank as 65,536 rows give 4,096 ranks
  the program   `paceline tasks`, on one node
with the simulation of the same tasks, ranks and nodes, given how often a writing thread looks here. Efficiency is the
tasks' time over that of all ranks until the last one is done. Limit: a difference of 5 %.
Run: python3 bench/scale_run.py [ROUNDS]
"""
import json
import statistics
import subprocess
import sys

import runs

BENCH = runs.built("bench/scale_bench", "PACELINE_SCALE_BENCH")
RANKS = 64
NODE_RANKS = 16
TASKS = 16 * RANKS
MEAN_MS = 150
SLEEP_S = 0.4
COUNT = 1000
# No network: 64 ranks of one machine would start slowly. A rank that waits yields its core.
MPIRUN = ["mpirun", "-q", "-np", str(RANKS), "--oversubscribe", "--bind-to", "none",
          "--mca", "mpi_yield_when_idle", "1", "--mca", "pml", "ob1", "--mca", "btl", "self,vader"]


def output(words):
    environment = {**runs.ENVIRONMENT, "OMP_NUM_THREADS": "1"}
    return subprocess.run(list(map(str, words)), check=True, stdout=subprocess.PIPE, env=environment, text=True).stdout


def simulated(node_ranks, milliseconds, tasks, kind, *look_us):
    """Seconds by schedule."""
    lines = output([BENCH, "simulate", RANKS, node_ranks, milliseconds, tasks, kind, *look_us]).splitlines()
    return {schedule: float(seconds) for schedule, seconds in map(str.split, lines)}


def say(name, real, simulation):
    """Of efficiencies, real ones as a list."""
    middle = statistics.median(real)
    difference = simulation / middle - 1
    print(f"{name:<24} real {middle:.3f} ({min(real):.3f} to {max(real):.3f}), simulated {simulation:.3f}: "
          f"{100 * difference:+.1f} %", flush=True)
    return abs(difference)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"efficiency on {RANKS} ranks, {rounds} rounds, median and range", flush=True)
    lines = output([*MPIRUN, BENCH, "real", NODE_RANKS, MEAN_MS, TASKS, "uneven", rounds]).splitlines()
    looks = [float(line.split()[2]) for line in lines]
    print(f"a writing thread looks each {statistics.median(looks):.0f} us ({min(looks):.0f} to {max(looks):.0f})")
    work_s = 1e-3 * MEAN_MS * TASKS / RANKS
    differences = []
    for schedule, seconds in simulated(NODE_RANKS, MEAN_MS, TASKS, "uneven", statistics.median(looks)).items():
        real = [work_s / float(line.split()[1]) for line in lines if line.startswith(schedule)]
        differences.append(say(f"handing out, {schedule}", real, work_s / seconds))

    # A start takes much longer than a round.
    program = [json.loads(output([*MPIRUN, runs.PROGRAM, "tasks", "--work", f"sleep:{SLEEP_S}", "--count", COUNT,
                                  "--json"]))["efficiency"]["parallel_efficiency"] for _ in range(min(rounds, 2))]
    seconds = simulated(RANKS, 1e3 * SLEEP_S, COUNT, "even", statistics.median(looks))["dynamic"]
    differences.append(say("the program", program, SLEEP_S * COUNT / RANKS / seconds))
    print(f"the largest difference is {100 * max(differences):.1f} %")
    return 0 if max(differences) <= 0.05 else 1


if __name__ == "__main__":
    sys.exit(main())
