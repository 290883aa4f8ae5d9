"""`paceline profile`: programs that end in every way, real ones, and the command itself."""
import json
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

    def test_agrees_with_our_own_clocks(self):
        """Uneven rows that are not balanced, over ranks and over threads: the probe sees what the run itself measured."""
        # The lower half of the image is much more work than the upper half, and each worker takes one half.
        image = ["fractal", "--rows", 1000, "--cols", 1000, "--im=-1:0", "--max-iter", 60000, "--interior", "plain"]
        for ranks, options in ((2, ["--threads", 1, "--schedule", "block"]),
                               (1, ["--threads", 2, "--schedule", "dynamic", "--chunk", 500])):
            with self.subTest(ranks=ranks):
                line = self.mpirun("openmpi", ranks, [harness.PROGRAM, *image, *options, "--json"])
                told = []
                for _ in range(3):  # a machine that starves one of them between two clocks does so once
                    result, record = self.profile(line)
                    self.assertEqual(result.code, 0, result)
                    own = json.loads(re.search(r"\{\"workload\".*", result.out).group())["efficiency"]
                    pairs = [(own["parallel_efficiency"], record["parallel_efficiency"]),
                             *((own["mpi"][name], record["mpi"][name]) for name in own["mpi"]),
                             *((own["openmp"][name], record["openmp"][name]) for name in own["openmp"])]
                    self.assertLess(own["parallel_efficiency"], 0.8, own)
                    if max(abs(a - b) for a, b in pairs) <= 0.02:
                        break
                    told.append(f"{pairs} {result}")
                else:
                    self.fail("\n".join(told))

    def test_lammps(self):
        if not has("lmp"):
            self.fail("lammps is not installed")
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

    def test_quantum_espresso(self):
        """Fortran, with an energy to compare. Its own program makes the pseudopotential of hydrogen."""
        (self.folder / "ld1.in").write_text("""&input
 title='H', zed=1.0, rel=0, config='1s1 2p-1', iswitch=3, dft='PZ'
/
&inputp
 pseudotype=1, tm=.true., lloc=0, file_pseudopw='H.UPF'
/
1
1S 1 0 1.0 0.0 1.2 1.2
""")
        (self.folder / "h2.in").write_text("""&control
 calculation='scf', prefix='h2', pseudo_dir='.', outdir='./out'
/
&system
 ibrav=1, celldm(1)=8.0, nat=2, ntyp=1, ecutwfc=25
/
&electrons
 conv_thr=1e-8
/
ATOMIC_SPECIES
H 1.0 H.UPF
ATOMIC_POSITIONS bohr
H 0 0 -0.7
H 0 0 0.7
K_POINTS automatic
2 2 2 1 1 1
""")
        with open(self.folder / "ld1.in", encoding="utf-8") as given:
            made = subprocess.run(["ld1.x"], stdin=given, capture_output=True, text=True, env=harness.environment(),
                                  cwd=self.folder)
        self.assertTrue((self.folder / "H.UPF").exists(), made)
        line = self.mpirun("openmpi", 2, ["pw.x", "-in", "h2.in"])
        plain = subprocess.run(list(map(str, line)), capture_output=True, text=True, env=harness.environment(), cwd=self.folder)
        energy = re.search(r"^!.*", plain.stdout, re.MULTILINE)
        self.assertIsNotNone(energy, plain)
        result, record = self.profile(line)
        self.assertEqual(result.code, 0, result)
        self.assertIn(energy.group(), result.out)
        self.assertEqual(record["ranks"], 2)
        self.assertTrue(0 < record["parallel_efficiency"] < 1, record)
        self.assertGreater(record["mpi_calls"]["collective"]["calls"], 1000)

    def test_mpi_that_python_loads_late(self):
        try:
            subprocess.run(["/usr/bin/python3", "-c", "import mpi4py"], check=True, capture_output=True)
        except subprocess.CalledProcessError:
            self.fail("mpi4py is not installed")
        script = ("import time; from mpi4py import MPI; time.sleep(0.3 * (1 + MPI.COMM_WORLD.rank)); "
                  "print(f'sum {MPI.COMM_WORLD.allreduce(1)}\\n', end=''); time.sleep(0.1)")
        result, record = self.profile(self.mpirun("openmpi", 2, ["/usr/bin/python3", "-c", script]))
        self.assertEqual(result.code, 0, result)
        self.assertEqual(result.out.count("sum 2"), 2, result)
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
