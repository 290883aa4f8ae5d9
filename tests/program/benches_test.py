"""Benchmarks run, from any folder, and print medians with their range: what nobody runs breaks unnoticed. No figure is
looked at here."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

import harness

BENCHES = pathlib.Path(harness.PROGRAM).parent / "bench"
# Of each, what takes least time.
QUICK = {
    "array_kernel_bench": "^sum/AVX.*threads:1/",
    "fractal_kernel_bench": "^plain_lessons/[^/]*/",
    "pool_bench": "^map_empty",
    "storage_bench": "/12/",
    "study_fit_bench": "/usl/",
    "sync_bench": "",
    "table_kernel_bench": "",
}


class BenchesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_in_folder(self, words):
        done = subprocess.run(words, cwd=self.folder, env=harness.environment(PACELINE=harness.PROGRAM),
                              capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_each_prints_medians_and_ranges(self):
        known = {path.name for path in BENCHES.glob("*_bench")}
        # These are no kernels: a script runs each.
        self.assertEqual(known, set(QUICK) | {"probe_bench", "remote_bench", "scale_bench"})
        for name, some in QUICK.items():
            with self.subTest(name):
                ranks = [*harness.MPIRUN, "-np", "2"] if name == "sync_bench" else []
                words = [*ranks, BENCHES / name, "--benchmark_repetitions=2", "--benchmark_min_time=0.001"]
                out = self.run_in_folder([*words, f"--benchmark_filter={some}"] if some else words)
                for what in ("_median", "_min", "_max"):
                    self.assertIn(what, out)
                self.assertNotIn("ERROR", out)

    def test_scale_is_simulated(self):
        out = self.run_in_folder([BENCHES / "scale_bench", "simulate", "64", "16", "20", "1024", "uneven"])
        self.assertIn("dynamic", out)

    def test_scripts_find_the_build(self):
        scripts = harness.REPOSITORY / "bench"
        out = self.run_in_folder([sys.executable, scripts / "whole_run.py", "1"])
        self.assertIn("1 to 2 ranks, compute phase", out)

    def test_scripts_name_what_they_need(self):
        scripts = harness.REPOSITORY / "bench"
        done = subprocess.run([sys.executable, "-S", scripts / "array_run.py"], cwd=self.folder, capture_output=True,
                              text=True, env=harness.environment(PYTHONPATH="", PACELINE=harness.PROGRAM))
        self.assertEqual(done.returncode, 1)
        self.assertIn("apt-get install python3-numpy", done.stderr)
        done = subprocess.run([sys.executable, scripts / "whole_run.py"], capture_output=True, text=True,
                              env=harness.environment(PACELINE="/nowhere/paceline"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no /nowhere/paceline: build it", done.stderr)


if __name__ == "__main__":
    unittest.main()
