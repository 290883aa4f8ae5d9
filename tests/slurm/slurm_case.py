"""Tests that submit the job scripts to a cluster of their own, which all tests of a program share."""
import os
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "program"))

import cluster  # noqa: E402
import h5py  # noqa: E402
import harness  # noqa: E402

JOBS = harness.REPOSITORY / "jobs"


class SlurmCase(harness.TestCase):
    slurm = None

    @classmethod
    def setUpClass(cls):
        if SlurmCase.slurm is None:
            folder = pathlib.Path(tempfile.mkdtemp(prefix="paceline-slurm-"))
            unittest.addModuleCleanup(shutil.rmtree, folder, ignore_errors=True)
            SlurmCase.slurm = cluster.Cluster(folder)
            unittest.addModuleCleanup(SlurmCase.slurm.stop)
            SlurmCase.slurm.start()
            os.environ.update(PACELINE=harness.PROGRAM, PACELINE_SCRATCH=str(folder), PACELINE_WATCHDOG="20")
        cls.scratch = SlurmCase.slurm.folder

    @classmethod
    def submit(cls, script, *arguments, options=(), **environment):
        return cls.slurm.submit(*options, JOBS / script, *arguments, **environment)

    def completed(self, job, timeout=120):
        """Waits for the job to end well. Returns what it said."""
        facts = self.slurm.wait(job, "COMPLETED", timeout=timeout)
        self.assertEqual(facts["ExitCode"], "0:0", self.slurm.report(job))
        return self.slurm.log(job)

    def digest_of(self, arguments):
        """Of an undisturbed run outside of Slurm."""
        environment = {name: "" for name in os.environ if name.startswith("SLURM_")}
        return harness.run([*arguments, "--json"], timeout=120, **environment).json["digest"]

    def assert_result(self, path, digest, job=None):
        self.assertFalse(pathlib.Path(f"{path}.part").exists(), path)
        with h5py.File(path) as file:
            about = {name: harness.attribute(file, name) for name in file.attrs}
            self.assertEqual(about["digest"], digest)
            self.assertTrue(file["/run/finished"][:].all())
            if job:
                self.assertEqual(about["slurm_job_id"], job)
                self.assertEqual(about["slurm_partition"], "main")
                self.assertRegex(about["slurm_nodes"], r"^n\[?[1-4]")
            return about, file["/run/ranks"][:]

    def restarts(self, job):
        return int(self.slurm.jobs(job)[0]["Restarts"])

    @staticmethod
    def numbers(pattern, text):
        return [int(number) for number in re.findall(pattern, text)]
