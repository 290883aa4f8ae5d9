"""`paceline profile`: programs that end in every way, real ones, and the command itself."""
import os
import re
import subprocess

import harness
from probe_harness import Probe, has


class Ends(Probe):
    """Programs that end in other ways than by MPI_Finalize, and those that start others."""

    def ends(self, how, ranks=2, **more):
        program = self.build(["mpicxx.openmpi", "-std=c++20", "-DOMPI_SKIP_MPICXX"], "ends.cpp")
        return self.profile(self.mpirun("openmpi", ranks, [program, how]), **more)

    def assert_measured(self, result, record, *warnings):
        self.assertEqual(result.code, 0, result)
        self.assertGreater(record["parallel_efficiency"], 0.2, record)
        self.assertEqual(len(record["per_rank"]), 2)
        self.assertIsNone(record["not_measured"])
        text = "\n".join(record["warnings"])
        for warning in warnings:
            self.assertIn(warning, text)
        if not warnings:
            self.assertNotIn("MPI_Finalize", text)

    def assert_not_measured(self, result, record, code, *parts):
        self.assertEqual(result.code, code, result)
        for name in ("parallel_efficiency", "mpi", "openmp", "elapsed_s"):
            self.assertIsNone(record[name])
        self.assertIn("efficiencies: not measured (", result.out)
        for part in parts:
            self.assertIn(part, record["not_measured"])

    def test_children_are_no_ranks(self):
        self.assert_measured(*self.ends("fork"))

    def test_a_program_that_becomes_another_before_it_is_parallel(self):
        self.assert_measured(*self.ends("exec-before"))

    def test_exit_without_finalize(self):
        for how in ("exit", "_exit"):
            with self.subTest(how):
                result, record = self.ends(how)
                # Open MPI itself minds.
                self.assertIn(result.code, (0, 1))
                self.assertGreater(record["parallel_efficiency"], 0.2, record)
                self.assertIn("ended without MPI_Finalize", "\n".join(record["warnings"]))

    def test_what_left_no_record_is_not_measured(self):
        for how, code in (("kill", 1), ("abort", 1), ("exec-after", 1)):
            with self.subTest(how):
                result, record = self.ends(how)
                self.assertEqual(record["ranks"] or 2, 2)
                self.assert_not_measured(result, record, code, "record")

    def test_a_program_without_ranks_and_threads(self):
        result, record = self.profile(["true"])
        self.assert_not_measured(result, record, 5, "no process left a record")
        self.assertIsNone(record["ranks"])

    def test_several_programs_are_not_mixed(self):
        program = self.build(["mpicxx.openmpi", "-std=c++20", "-DOMPI_SKIP_MPICXX"], "ends.cpp")
        one = " ".join(map(str, self.mpirun("openmpi", 2, [program, "finalize"])))
        result, record = self.profile(["sh", "-c", f"{one} && {one}"])
        self.assert_not_measured(result, record, 5, "several MPI programs ran")

    def test_a_static_program_is_told(self):
        source = self.folder / "static.c"
        source.write_text("int main(void) { return 0; }")
        subprocess.run(["gcc", "-static", source, "-o", self.folder / "static"], check=True)
        result, record = self.profile([self.folder / "static"])
        self.assert_not_measured(result, record, 5)
        self.assertIn("static is statically linked", "\n".join(record["warnings"]))


class Binding(Probe):
    def test_threads_that_are_bound_share_nothing(self):
        """OpenMP binds the first thread to one core: the process still has the others."""
        program = self.build(["g++", "-std=c++20", "-fopenmp", "-DNO_MPI"])
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("there is one processor")
        _, record = self.profile([program, "threads"], OMP_PROC_BIND="close", OMP_PLACES="threads")
        self.assertEqual(record["threads"], 2)
        self.assertNotIn("on 1 processors", "\n".join(record["warnings"]))


class Programs(Probe):
    """Real ones."""

    def test_results_of_ours_do_not_change(self):
        line = ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", 2, harness.PROGRAM, "fractal", "--rows", 400, "--cols", 300,
                "--max-iter", 2000, "--interior", "plain", "--threads", 2]
        plain = subprocess.run(list(map(str, line)), capture_output=True, text=True, check=True, env=harness.environment())
        result, record = self.profile(line)
        self.assertEqual(result.code, 0, result)
        digest = re.search("digest: .*", plain.stdout).group()
        self.assertIn(digest, result.out)
        self.assertEqual((record["ranks"], record["threads"]), (2, 2))
        self.assertIsNotNone(record["openmp"])
        self.assertGreater(record["mpi_calls"]["collective"]["calls"], 0)

    def test_lammps(self):
        if not has("lmp"):
            self.skipTest("lammps is not installed")
        (self.folder / "in.melt").write_text("""
units lj
atom_style atomic
lattice fcc 0.8442
region box block 0 10 0 10 0 10
create_box 1 box
create_atoms 1 box
mass 1 1.0
velocity all create 3.0 87287 loop geom
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0 2.5
fix 1 all nve
thermo 50
run 150
""")
        line = [*self.mpirun("openmpi", 2, ["lmp", "-in", "in.melt"])]
        result, record = self.profile(line)
        self.assertEqual(result.code, 0, result)
        self.assertEqual(record["ranks"], 2)
        self.assertTrue(0 < record["parallel_efficiency"] < 1, record)
        self.assertGreater(record["mpi_calls"]["point_to_point"]["calls"], 1000)
        # It is the same calculation.
        plain = subprocess.run(list(map(str, line)), capture_output=True, text=True, env=harness.environment(), cwd=self.folder)
        last = [row for row in plain.stdout.splitlines() if re.match(r"\s*150 ", row)]
        self.assertEqual(len(last), 1, plain.stdout)
        self.assertIn(last[0], result.out)

    def test_mpi_that_python_loads_late(self):
        try:
            subprocess.run(["/usr/bin/python3", "-c", "import mpi4py"], check=True, capture_output=True)
        except subprocess.CalledProcessError:
            self.skipTest("mpi4py is not installed")
        script = ("import time; from mpi4py import MPI; time.sleep(0.3 * (1 + MPI.COMM_WORLD.rank)); "
                  "print(MPI.COMM_WORLD.allreduce(1)); time.sleep(0.1)")
        result, record = self.profile(self.mpirun("openmpi", 2, ["/usr/bin/python3", "-c", script]))
        self.assertEqual(result.code, 0, result)
        self.assertEqual(result.out.count("2\n"), 2, result)
        # 0.4 and 0.7 s of 0.7 are useful.
        self.assertAlmostEqual(record["mpi"]["load_balance"], 0.55 / 0.7, delta=0.1)
        self.assertGreater(record["mpi_calls"]["collective"]["calls"], 1)


class Command(Probe):
    def test_json_alone_on_standard_output(self):
        program = self.build(["g++", "-std=c++20", "-fopenmp", "-DNO_MPI"])
        result = harness.run(["profile", "--json", "--", program, "threads"], cwd=self.folder)
        self.assertEqual(result.code, 0, result)
        self.assertIn("dial {", result.err)
        self.assertEqual(list(result.json)[:7], ["command", "ranks", "threads", "elapsed_s", "parallel_efficiency", "mpi", "openmp"])
        self.assertIsNone(result.json["mpi"])
        self.assertEqual(sorted(result.json["openmp"]), ["efficiency", "load_balance", "scheduling", "serial"])
        self.assertLessEqual({"rank", "host", "useful_s", "mpi_s", "openmp_wait_s", "serial_idle_s", "cpu_s", "max_rss_bytes"},
                             set(result.json["per_rank"][0]))

    def test_a_program_that_fails_is_told(self):
        result, record = self.profile(["false"])
        self.assertEqual(result.code, 1, result)
        self.assertIn("the command failed with exit code 1", record["warnings"])

    def test_mistakes(self):
        self.assert_error(harness.run(["profile"]), 2, "no launch line")
        self.assert_error(harness.run(["profile", "--", "no-such-program"], cwd=self.folder), 2, "can't start no-such-program")
        self.assert_error(harness.run(["profile", "-o", "/nowhere/p.json", "--", "true"], cwd=self.folder), 4, "/nowhere")
        file = self.folder / "p.json"
        file.write_text("mine")
        self.assert_error(harness.run(["profile", "-o", file, "--", "true"], cwd=self.folder), 4, "p.json")
        self.assertEqual(file.read_text(), "mine")
        self.assert_only("p.json")

    def test_the_folder_goes_when_the_run_is_ended(self):
        with harness.Running(["profile", "--", "sleep", 60], cwd=self.folder) as running:
            running.wait_for(lambda: any(self.folder.glob(".paceline-profile-*")) and harness.children(running.process.pid))
            running.process.terminate()
            result = running.result()
        self.assertEqual(result.code, 1, result)
        self.assertIn("killed by signal 15", result.out)
        self.assert_only()


if __name__ == "__main__":
    harness.main()
