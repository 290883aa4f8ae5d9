"""An outside project finds, builds against and runs with what `cmake --install` leaves."""
import os
import pathlib
import subprocess
import unittest

import harness

BUILD = pathlib.Path(os.environ["PACELINE_BUILD"])


class Install(harness.TestCase):
    def sh(self, *words):
        run = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=240,
                             env=harness.environment())
        self.assertEqual(run.returncode, 0, f"{run.stdout}\n{run.stderr}")
        return run.stdout

    def test_outside_project(self):
        prefix, outside = self.folder / "prefix", self.folder / "outside"
        self.sh("cmake", "--install", BUILD, "--prefix", prefix)
        # What only Paceline's own program needs is not for others.
        headers = {path.name for path in (prefix / "include/paceline").iterdir()}
        self.assertIn("pool.hpp", headers)
        self.assertFalse(headers & {"workload.hpp", "choice.hpp"})
        self.assertEqual(self.sh(prefix / "bin/paceline", "--version").split()[0], "paceline")
        self.sh("cmake", "-S", harness.REPOSITORY / "tests/install", "-B", outside, f"-DCMAKE_PREFIX_PATH={prefix}")
        self.sh("cmake", "--build", outside)
        # The build tree is not needed: nothing that was installed names it.
        for path in (prefix / "lib").rglob("*.cmake"):
            self.assertNotIn(str(BUILD), path.read_text(), path)
        self.assertEqual(self.sh(outside / "outside"), "42\n")
        self.assertEqual(self.sh("mpirun", "--oversubscribe", "-np", 3, outside / "outside"), "42\n")

    def test_moved(self):
        """Program, probe, scripts and manual find each other wherever they lie."""
        self.sh("cmake", "--install", BUILD, "--prefix", self.folder / "first")
        prefix = (self.folder / "first").rename(self.folder / "other place")
        program, file = prefix / "bin/paceline", self.folder / "f.h5"
        self.sh(program, "fractal", "--rows", 30, "--cols", 20, "-o", file)
        self.sh(program, "plot", file, "-o", self.folder / "f.png")
        told = self.sh(program, "profile", "--", program, "tasks", "--count", 2)
        self.assertRegex(told, "(?i)parallel efficiency")
        for name in ("man/man1/paceline.1", "man/man1/paceline-study.1", "bash-completion/completions/paceline",
                     "zsh/site-functions/_paceline", "fish/vendor_completions.d/paceline.fish",
                     "paceline/jobs/strong_scaling.sbatch", "paceline/jobs/package/paceline.tcl"):
            self.assertTrue((prefix / "share" / name).is_file(), name)
        for path in [path for path in prefix.rglob("*") if path.is_file()]:
            self.assertNotIn(str(self.folder / "first").encode(), path.read_bytes(), path)


if __name__ == "__main__":
    unittest.main()
