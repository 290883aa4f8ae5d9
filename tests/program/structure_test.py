"""The rules of the source tree: who includes what, headers that stand alone, tests in their mirrored place, style."""
import concurrent.futures
import re
import shlex
import subprocess
import tempfile
import unittest

from harness import REPOSITORY

# A room -> the rooms whose headers it may include, itself and include/paceline apart. Arrows go one way.
ROOMS = {
    "include/paceline": [],
    "src/library": ["host"],
    "src/host": [],
    "src/probe": [],
    "src/storage": ["host"],
    "src/workloads": ["host"],
    "src/report": ["host", "storage", "engine"],
    "src/engine": ["host", "storage", "workloads", "report"],
    "src/study": ["host", "storage"],
    "src/cli": ["host", "engine", "study", "workloads"],
}
# Plain values that pass between rooms: any of them may include these.
VALUES = ["storage/result_shape.hpp"]
# The reader of CSV that `paceline table` has, for tables of times.
CSV = {"src/study/import": ["workloads/table/records.hpp", "workloads/table/foreign.hpp"]}
MPI = ["include/paceline/comm.hpp", "include/paceline/node_memory.hpp"]


def sources(*folders):
    return sorted(path for folder in folders for path in (REPOSITORY / folder).rglob("*")
                  if path.suffix in (".hpp", ".cpp", ".h", ".cc"))


def includes(path):
    """(opening character, name) of each."""
    return re.findall(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', path.read_text(), re.MULTILINE)


def name_of(path):
    return str(path.relative_to(REPOSITORY))


class Includes(unittest.TestCase):
    def test_there_is_something_to_look_at(self):
        self.assertGreater(len(sources("include", "src")), 40)
        self.assertIn(("<", "mpi.h"), includes(REPOSITORY / MPI[0]))
        # A new room needs its line in ROOMS.
        rooms = {f"src/{path.name}" for path in (REPOSITORY / "src").iterdir() if path.is_dir()}
        self.assertLessEqual(rooms, set(ROOMS))

    def test_one_way(self):
        for room, others in ROOMS.items():
            own = room.removeprefix("src/")
            for path in sources(room):
                for opening, name in includes(path):
                    if opening == "<" or name.startswith("hwy/") or name in VALUES:  # Highway's macros want quotes
                        continue
                    if name in CSV.get(name_of(path.parent), []):
                        continue
                    with self.subTest(f"{name_of(path)} includes {name}"):
                        self.assertIn(name.split("/")[0], [own, *others])

    def test_mpi_where_ranks_talk(self):
        self.assertEqual([name_of(path) for path in sources("include", "src") if ("<", "mpi.h") in includes(path)], MPI)

    def test_hdf5_in_storage(self):
        for path in sources("include", "src"):
            if any(re.match(r"(hdf5|H5)", name) for _, name in includes(path)):
                self.assertTrue(name_of(path).startswith("src/storage/"), name_of(path))

    def test_workloads_know_no_ranks_and_no_files(self):
        for path in sources("src/workloads"):
            names = {name for _, name in includes(path)}
            self.assertFalse(names & {"mpi.h", "paceline/comm.hpp", "paceline/node_memory.hpp"}, name_of(path))
            self.assertNotRegex(path.read_text(), r"\bMPI_|\bH5[A-Z]", name_of(path))

    def test_engine_knows_no_workload(self):
        for path in sources("src/engine", "src/report", "src/host", "src/storage", "src/library"):
            self.assertNotRegex(path.read_text().lower(), "fractal|mandelbrot", name_of(path))


class Headers(unittest.TestCase):
    def test_public_headers_compile_alone(self):
        shown = subprocess.run(["mpicc", "--showme:compile"], capture_output=True, text=True, check=True)
        words = ["g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                 "-DOMPI_SKIP_MPICXX", f"-I{REPOSITORY}/include", *shlex.split(shown.stdout)]

        def compile_alone(header):
            with tempfile.NamedTemporaryFile("w", suffix=".cpp") as file:
                file.write(f"#include <paceline/{header.name}>\n#include <paceline/{header.name}>\n")
                file.flush()
                return header.name, subprocess.run([*words, file.name], capture_output=True, text=True)

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for name, result in pool.map(compile_alone, sources("include/paceline")):
                self.assertEqual(result.returncode, 0, f"{name}\n{result.stderr}")


class Tests(unittest.TestCase):
    def test_mirror_the_sources(self):
        """Tests of src/engine lie in tests/engine, those of include/paceline in tests/library."""
        found = [path for path in sources("tests") if path.name.endswith("_test.cpp")]
        self.assertGreater(len(found), 0)
        for path in found:
            place = path.relative_to(REPOSITORY / "tests").parent
            self.assertTrue((REPOSITORY / "src" / place).is_dir(), name_of(path))

    def test_program_tests_are_registered(self):
        registered = (REPOSITORY / "tests/CMakeLists.txt").read_text()
        for path in (REPOSITORY / "tests/program").glob("*_test.py"):
            self.assertRegex(registered, rf"\b{path.name.removesuffix('_test.py')}\b", path.name)


class Style(unittest.TestCase):
    def test_clang_format(self):
        result = subprocess.run(["clang-format", "--dry-run", "-Werror", *sources("include", "src", "tests", "bench")],
                                cwd=REPOSITORY, capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, "\n".join(result.stderr.splitlines()[:20]))


if __name__ == "__main__":
    unittest.main()
