"""Runs the program as a user would: alone or under mpirun, never without a time-out. PACELINE names the program."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import h5py

# Files of runs that are under way are looked at too, and nobody locks them.
os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE"

PROGRAM = str(pathlib.Path(os.environ.get("PACELINE", "build/paceline")).resolve())
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
# -q: mpirun adds no words of its own to ours. Another MPI's has other options.
MPIRUN = os.environ.get("PACELINE_MPIRUN", "mpirun -q --oversubscribe").split()
ENVIRONMENT = {
    # Tests have more ranks than cores, and may be root in a container.
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    # Where a rank fails, mpirun waits one or two seconds for ranks that have gone long ago.
    "OMPI_MCA_odls_base_sigkill_timeout": "0",
    "OMP_NUM_THREADS": "1",
}
# How ranks write together; see src/storage/transfer.hpp.
IS_MPICH = "PACELINE_MPIRUN" in os.environ
IO_MODE = "independent" if IS_MPICH else "collective"
if IS_MPICH:
    # MPICH's UCX takes shared memory from files, which would meet the limits of files that tests set.
    ENVIRONMENT["UCX_TLS"] = "self,sysv"


def command(arguments, ranks=None, program=PROGRAM, wrap_rank=()):
    """The words of a command line. ranks None: without mpirun."""
    words = [*wrap_rank, program, *map(str, arguments)]
    return words if ranks is None else [*MPIRUN, "-np", str(ranks), *words]


def environment(**more):
    return {**os.environ, **ENVIRONMENT, **more}


def children(pid):
    """Process ids of all descendants."""
    found = []
    try:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *children(child)]
    except OSError:
        pass  # ended meanwhile
    return found


def state(pid):
    """For example "mpirun: T (stopped)": who has stopped a process from outside makes it look as if it hung."""
    try:
        facts = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
        return f"{facts['Name']}: {facts['State']}"
    except OSError:
        return "gone"


def kill(pids, number=signal.SIGKILL):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


class Result:
    def __init__(self, words, code, out, err, seconds):
        self.words, self.code, self.out, self.err, self.seconds = words, code, out, err, seconds

    @property
    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f"{' '.join(self.words)}\nexit code {self.code}, {self.seconds:.1f} s\n{self.out}{self.err}"


class Running:
    """A run that is under way. Leaving the with-block kills whatever is left of it."""

    def __init__(self, arguments, ranks=None, cwd=None, wrap=(), wrap_rank=(), program=PROGRAM, **more):
        """wrap, wrap_rank: words in front of all or of the program itself; more: variables of the environment."""
        self.program = program
        self.words = [*map(str, wrap), *command(arguments, ranks, program, wrap_rank)]
        self.start = time.monotonic()
        # Bytes that are no text are kept for tests to see.
        self.out, self.err = (tempfile.TemporaryFile("w+", errors="surrogateescape") for _ in range(2))
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err,
                                        cwd=cwd, env=environment(**more))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        everyone = [self.process.pid, *children(self.process.pid)]
        if self.process.poll() is None:
            kill(everyone)
            self.process.wait()
        self.out.close()
        self.err.close()

    def ranks(self):
        """Process ids of the ranks, in rank order."""
        found = {}
        for pid in [self.process.pid, *children(self.process.pid)]:
            try:
                if os.readlink(f"/proc/{pid}/exe") != self.program:
                    continue
                words = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            except OSError:
                continue
            rank = [int(word.split(b"=")[1]) for word in words
                    if word.startswith((b"OMPI_COMM_WORLD_RANK=", b"PMI_RANK="))]
            # A rank comes before its child, which reads an input for it.
            found.setdefault(rank[0] if rank else 0, pid)
        return [found[rank] for rank in sorted(found)]

    def wait_for(self, condition, timeout=20):
        """True once the condition holds, False if the run ends before."""
        while time.monotonic() < self.start + timeout:
            if condition():
                return True
            if self.process.poll() is not None:
                return False
            time.sleep(0.01)
        raise AssertionError(f"{' '.join(self.words)}: did not get there in {timeout} s")

    def result(self, timeout=60):
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            everyone = [self.process.pid, *children(self.process.pid)]
            told = ", ".join(map(state, everyone))
            kill(everyone)
            raise AssertionError(f"{' '.join(self.words)}: still running after {timeout} s ({told})") from None
        seconds = time.monotonic() - self.start
        self.out.seek(0)
        self.err.seek(0)
        # Of a rank that is gone, the library of events in mpirun itself sometimes says that it had been.
        err = "".join(line for line in self.err if not line.startswith("[warn] Epoll "))
        return Result(self.words, code, self.out.read(), err, seconds)


def run(arguments, ranks=None, timeout=60, **more):
    with Running(arguments, ranks, **more) as running:
        return running.result(timeout)


def finished(part):
    """Number of items that an interrupted file, or one under way, holds; 0 before it is there."""
    try:
        with h5py.File(part, "r") as file:
            return int(file["/run/finished"][:].sum())
    except (OSError, KeyError):
        return 0


def attribute(holder, name):
    """An attribute of a file, group or dataset. Texts are of a fixed length, of which h5py makes bytes."""
    value = holder.attrs[name]
    return value.decode() if isinstance(value, bytes) else value


class TestCase(unittest.TestCase):
    """Each test has a folder of its own, `self.folder`, open to every user."""

    maxDiff = 2000

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="paceline-test-"))
        self.folder.chmod(0o777)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_ok(self, arguments, ranks=None, **more):
        result = run(arguments, ranks, **more)
        self.assertEqual(result.code, 0, result)
        return result

    def record(self, arguments, ranks=None, **more):
        """The JSON record of a run that succeeds and says nothing else."""
        result = self.run_ok([*arguments, "--json"], ranks, **more)
        self.assertEqual(result.err, "", result)
        return result.json

    def assert_error(self, result, code, *parts):
        """One line `paceline: error: PROBLEM (WHY); SUGGESTION` on stderr, nothing on stdout, this exit code."""
        self.assertEqual(result.code, code, result)
        self.assertEqual(result.out, "", result)
        self.assertRegex(result.err, r"\Apaceline: error: [^\n]+ \([^\n]+\); [^\n]+\n\Z", result)
        for part in parts:
            self.assertIn(part, result.err)

    def assert_only(self, *names):
        """Nothing but these files lies in the folder: no .part, no scratch."""
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), sorted(names))


main = unittest.main
