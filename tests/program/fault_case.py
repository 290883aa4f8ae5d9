"""What the tests of faults share: small runs of every workload, and what must hold of a file that has its name."""
import dataclasses
import os
import pathlib
import pickle
import random
import re
import shutil
import subprocess
import sys

import h5py
import numpy

import harness

SHIM = str(pathlib.Path(os.environ.get("PACELINE_FAULTS", "build/tests/libfaults.so")).resolve())
IS_LONG = os.environ.get("PACELINE_CAMPAIGN") == "long"
SEED = int(os.environ.get("PACELINE_SEED", random.randrange(1 << 32)))
OUTPUT = 4
# An end after a fault that takes longer than this is a hang.
LIMIT_S = 20
# Open MPI looks for no networks: that is half of the time that a small run takes.
os.environ.update(OMPI_MCA_pml="ob1", OMPI_MCA_btl="self,vader")
# Two ranks at most, and two runs at a time: PROCESSORS in CMakeLists.txt is as much.
AT_ONCE = int(os.environ.get("PACELINE_AT_ONCE", 2))

# What differs from run to run in files of the same result.
OF_THE_RUN = re.compile(r"/run/|.*/(seconds|rank|thread)$")
OF_THE_FILE = {"command", "date", "digest"}

WORKLOADS = {
    "fractal": ["fractal", "--rows", 48, "--cols", 40, "--max-iter", 50, "--memory-limit", 4096],
    "picture": ["fractal", "--rows", 40, "--cols", 300, "--max-iter", 300, "--memory-limit", "32kB"],
    "multiply": ["array", "--op", "multiply", "--size", 20000, "--memory-limit", "200kB"],
    "sum": ["array", "--op", "sum", "--input", "numbers.h5:values", "--memory-limit", "100kB"],
    "dot": ["array", "--op", "dot", "--size", 40000, "--memory-limit", "100kB"],
    "table": ["table", "table.csv", "--memory-limit", "64KiB", "--range", 2000],
    "tasks": ["tasks", "--work", "squares:1000", "--count", 40, "--memory-limit", 1500],
    "fetch": ["fetch", "--from", "urls.txt", "--allow-file", "--parallel", 2, "--memory-limit", "20kB"],
    "calibrate": ["calibrate", "--serial", 0.1, "--seconds", 0.02],
}
# Files that a workload reads, as patterns.
READERS = {"sum": "numbers.h5", "table": "table.csv", "fetch": "page*"}
TABLE = "time,count,name\n" + "".join(
    f'{i * 0.25},{i * i % 1009},{"" if i % 7 == 0 else "station " + "abc"[i % 3] * (i % 9)}\n' for i in range(400))


def make_inputs(folder):
    """What the workloads read, in a folder that runs don't write to."""
    with h5py.File(folder / "numbers.h5", "w") as file:
        file["values"] = numpy.sqrt(numpy.arange(30000.0))
    (folder / "table.csv").write_text(TABLE)
    for i in range(10):
        (folder / f"page{i}").write_bytes(bytes([65 + i]) * (100 + 50 * i))
    (folder / "urls.txt").write_text("".join(f"file://{folder}/page{i}\n" for i in range(10)))


def outputs(name, folder):
    """The options that say where a run writes."""
    return ["-o", folder / "f.h5", *(["--png", folder / "f.png"] if name == "picture" else [])]


def output_names(name):
    return {"f.h5", "f.png"} if name == "picture" else {"f.h5"}


def one_line(text):
    """What a run said on stderr, without the lines by which Open MPI tells of writes that fail."""
    return "".join(line for line in text.splitlines(True) if not line.startswith("mca_"))


def is_one_error(result):
    return re.fullmatch(r"paceline: error: [^\n]+ \([^\n]+\); [^\n]+\n", one_line(result.err)) is not None


def attributes(thing, names_left_out=()):
    """As comparable values; references to other objects are their names."""
    found = {}
    for name, value in thing.attrs.items():
        if name in names_left_out or name in ("DIMENSION_LIST", "REFERENCE_LIST"):
            continue
        if isinstance(value, (h5py.Reference, numpy.ndarray)) and h5py.check_ref_dtype(thing.attrs.get_id(name).dtype):
            value = [thing.file[reference].name for reference in numpy.ravel(value)]
        found[name] = repr(numpy.asarray(value).tolist())  # NaN equals itself as text
    return found


def contents(path):
    """All of a result file that is the same in every run: (shape, type, bytes, attributes) of each object."""
    found = {}
    with h5py.File(path, "r") as file:
        found["/"] = attributes(file, OF_THE_FILE)
        digest = file.attrs["digest"]

        def look(name, thing):
            if OF_THE_RUN.match("/" + name):
                return
            if isinstance(thing, h5py.Dataset):
                value = thing[()]
                data = value.tobytes() if thing.dtype.kind != "O" else repr(numpy.asarray(value).tolist())
                scales = [scale.name for d in thing.dims for scale in d.values()] if thing.shape else []
                found[name] = (thing.shape, str(thing.dtype), data, attributes(thing), scales)
            else:
                found[name] = attributes(thing)

        file.visititems(look)
        if "fetch" in file:  # bodies lie in the order in which they came
            bodies, begin, size = (file["fetch"][name][:] for name in ("body", "body_begin", "bytes"))
            found["fetch/body"] = [bodies[at:at + count].tobytes() for at, count in zip(begin, size)]
            del found["fetch/body_begin"]
        found["finished"] = bool(file["/run/finished"][:].all())
        found["ranks"] = len(file["/run/ranks"]) > 0
        found["digest"] = digest if isinstance(digest, str) else digest.decode()
    return found


def difference(folder, reference):
    """Why the complete files in a folder are not those of an undisturbed run; "" if they are."""
    try:
        found = contents(folder / "f.h5")
    except Exception as error:  # whatever h5py makes of a damaged file
        return f"f.h5 can't be read: {error!r}"
    for name in reference.keys() | found.keys():
        if name != "picture" and reference.get(name) != found.get(name):
            return f"{name} in f.h5 is not what it is in an undisturbed run"
    picture = folder / "f.png"
    if picture.exists() and picture.read_bytes() != reference["picture"]:
        return "f.png is another picture"
    return ""


@dataclasses.dataclass(frozen=True)
class Fault:
    workload: str
    ranks: int
    rank: int  # on which the call fails
    at: int
    how: str

    def __str__(self):
        where = f", rank {self.rank} of {self.ranks}" if self.ranks > 1 else ""
        return f"{self.workload}, {self.how} at call {self.at}{where}"


def ranks_to_resume(fault):
    """Another number than that of the run; mpirun takes long, so that one rank often goes on where one was."""
    return 1 if fault.ranks == 2 or (fault.at % 4 != 0 and not IS_LONG) else 2


class FaultCase(harness.TestCase):
    """Runs in which a call fails, and what was promised of them."""

    @classmethod
    def setUpClass(cls):
        print(f"PACELINE_SEED={SEED}", file=sys.stderr)

    def setUp(self):
        super().setUp()
        self.inputs = self.folder / "inputs"
        self.inputs.mkdir()
        make_inputs(self.inputs)
        self.references = {}
        self.numbers = iter(range(1 << 30))

    def start(self, workload, folder, ranks, options=(), **fault):
        """Runs a workload; fault: the variables of fault.cpp."""
        variables = [f"FAULT_{name.upper()}={value}" for name, value in fault.items()]
        wrap = ["env", f"LD_PRELOAD={SHIM}", *variables] if fault else []
        words = [*WORKLOADS[workload], *outputs(workload, folder), *options]
        return harness.run(words, ranks if ranks > 1 else None, LIMIT_S, cwd=self.inputs, wrap_rank=wrap)

    def new_folder(self):
        folder = self.folder / str(next(self.numbers))
        folder.mkdir()
        return folder

    def calls(self, workload, ranks):
        """The reference of a workload is made, and the number of calls that each rank makes is counted."""
        folder = self.new_folder()
        log = folder.with_suffix(".log")
        result = self.start(workload, folder, ranks, ["--json"], files=f"{folder}*", log=log)
        self.assertEqual((result.code, result.err), (0, ""), result)
        reference = contents(folder / "f.h5")
        if (folder / "f.png").exists():
            reference["picture"] = (folder / "f.png").read_bytes()
        if workload in self.references:
            self.assertEqual(difference(folder, self.references[workload]), "")
        self.references.setdefault(workload, reference)
        shutil.rmtree(folder)
        return [len(self.trace(log, rank)) for rank in range(ranks)]

    @staticmethod
    def trace(log, rank):
        path = log.with_name(f"{log.name}.{rank}")
        return path.read_text().splitlines() if path.exists() else []

    def judge_first(self, fault, result, folder):
        """What is wrong with how a run ended in which a call failed."""
        is_killed = fault.how in ("kill", "half")
        if is_killed and result.code == 0:
            return "the run ended well though it was killed"
        if not is_killed and result.code not in (0, OUTPUT):
            return "the exit code is not 4"
        if not is_killed and result.code == OUTPUT and not is_one_error(result):
            return "the error is not one line"
        if result.code == 0 and fault.how in ("ENOSPC", "EIO"):
            return "the run ended well though its calls failed"
        if (folder / "f.h5").exists():
            return difference(folder, self.references[fault.workload])
        return "the run ended well and left no file" if result.code == 0 else ""

    def judge_resumed(self, fault, result, folder):
        reference = self.references[fault.workload]
        if result.code != 0:
            return "--resume failed"
        if not all(line.startswith("paceline: note: ") for line in result.err.splitlines()):
            return "--resume said more than notes"
        if result.json["digest"] != reference["digest"]:
            return f"--resume reported the digest {result.json['digest']}, not {reference['digest']}"
        left = {path.name for path in folder.iterdir()}
        if left != output_names(fault.workload):
            return f"after --resume there are {sorted(left)}"
        return difference(folder, reference)


def difference_in_child(folder, reference):
    """The same for files that may crash HDF5: in a process of its own."""
    asked = pickle.dumps((folder, reference))
    try:
        child = subprocess.run([sys.executable, __file__], input=asked, capture_output=True, timeout=20)
    except subprocess.TimeoutExpired:
        return "f.h5 hangs who reads it"
    if child.returncode != 0:
        return f"f.h5 crashes who reads it: exit code {child.returncode}"
    return child.stdout.decode()


if __name__ == "__main__":
    print(difference(*pickle.load(sys.stdin.buffer)), end="")
