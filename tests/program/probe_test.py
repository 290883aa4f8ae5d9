"""The probe against programs that keep stamps of their own, by every compiler, MPI and OpenMP runtime that is here."""
import pathlib

import harness
from probe_harness import Probe, expected, has, measured

OPENMP = ["threads", "static", "dynamic", "sections", "phases", "tasks", "tasks-left", "taskloop", "critical", "locks",
          "nested", "ordered"]


class Dialled(Probe):
    def openmp(self, words):
        program = self.build([*words, "-std=c++20", "-fopenmp", "-DNO_MPI"])
        for scenario in OPENMP:
            with self.subTest(scenario):
                self.check([program, scenario], False, True)

    def test_openmp_of_gnu(self):
        self.openmp(["g++"])

    def test_openmp_of_llvm(self):
        self.openmp(["clang++"])

    def test_program_of_gnu_on_the_runtime_of_llvm(self):
        program = self.build(["g++", "-std=c++20", "-fopenmp", "-DNO_MPI"])
        library = next(pathlib.Path("/usr/lib").glob("llvm-*/lib/libomp.so.5"), None)
        if library is None:
            self.fail("libomp is not installed")
        for scenario in ("threads", "phases", "tasks", "locks"):
            with self.subTest(scenario):
                # It has the entry points of GNU's, and comes first.
                self.check([program, scenario], False, True, LD_PRELOAD=str(library))

    def mpi(self, suffix, words, **more):
        plain = self.build([*words, "-std=c++20", "-DOMPI_SKIP_MPICXX"], **more)
        for scenario in ("ranks", "transfer"):
            with self.subTest(scenario):
                self.check(self.mpirun(suffix, 2, [plain, scenario]), True, False)
        program = self.build([*words, "-std=c++20", "-fopenmp", "-DOMPI_SKIP_MPICXX"], **more)
        for scenario in ("hybrid", "nested", "tasks"):
            with self.subTest(scenario):
                self.check(self.mpirun(suffix, 2, [program, scenario]), True, True)

    def test_open_mpi_with_gnu(self):
        self.mpi("openmpi", ["mpicxx.openmpi"])

    def test_open_mpi_with_llvm(self):
        if not has("clang++"):
            self.fail("clang++ is not installed")
        self.mpi("openmpi", ["mpicxx.openmpi"], OMPI_CXX="clang++")

    def test_mpich_with_gnu(self):
        self.mpi("mpich", ["mpicxx.mpich"])

    def test_mpich_with_llvm(self):
        if not has("clang++"):
            self.fail("clang++ is not installed")
        self.mpi("mpich", ["mpicxx.mpich"], MPICH_CXX="clang++")

    def fortran(self, suffix):
        for binding in ("MPIF_H", "MPI_MODULE", "MPI_F08"):
            with self.subTest(binding):
                program = self.build([f"mpif90.{suffix}", "-cpp", "-fallow-argument-mismatch", f"-D{binding}"], "hello.f90")
                self.check(self.mpirun(suffix, 2, [program]), True, False)

    def test_fortran_with_open_mpi(self):
        self.fortran("openmpi")

    def test_fortran_with_mpich(self):
        self.fortran("mpich")

    def test_a_wrong_factor_is_seen(self):
        """The canary: stamps that tell of a tenth less work must not agree."""
        program = self.build(["g++", "-std=c++20", "-fopenmp", "-DNO_MPI"])
        result, record = self.profile([program, "threads"])
        own = self.own_stamps(result)
        own[0]["useful"] *= 0.9
        wanted, got = expected(own, False, True), measured(record)
        self.assertGreater(abs(wanted["parallel_efficiency"] - got["parallel_efficiency"]), 0.02)


if __name__ == "__main__":
    harness.main()
