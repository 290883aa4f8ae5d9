"""What the benchmarks of whole runs share."""
import importlib
import os
import pathlib
import sys
import time


def built(name, variable):
    """Something of the build, from whatever folder this is run; the environment variable names another."""
    path = pathlib.Path(os.environ.get(variable, pathlib.Path(__file__).resolve().parent.parent / "build" / name)).resolve()
    if not path.exists():
        sys.exit(f"there is no {path}: build it (bash jobs/quickstart.sh), or name another by {variable}")
    return str(path)


def needed(module, package):
    """A module that this benchmark can't do without."""
    try:
        return importlib.import_module(module)
    except ImportError:
        sys.exit(f"{sys.executable} has no {module}: apt-get install {package}, and run this by /usr/bin/python3")


PROGRAM = built("paceline", "PACELINE")
ENVIRONMENT = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
CORES = len(os.sched_getaffinity(0))


def launcher(ranks, threads):
    """mpirun with a core for each thread."""
    return ["mpirun", "-np", str(ranks), "--map-by", f"slot:PE={threads}", "--bind-to", "core"]


def seconds(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
