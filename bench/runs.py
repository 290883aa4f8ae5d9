"""What the benchmarks of whole runs share."""
import os
import time

PROGRAM = os.path.abspath(os.environ.get("PACELINE", os.path.join(os.path.dirname(__file__), "../build/paceline")))
ENVIRONMENT = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
CORES = len(os.sched_getaffinity(0))


def launcher(ranks, threads):
    """mpirun with a core for each thread."""
    return ["mpirun", "-np", str(ranks), "--map-by", f"slot:PE={threads}", "--bind-to", "core"]


def seconds(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
