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


if __name__ == "__main__":
    unittest.main()
