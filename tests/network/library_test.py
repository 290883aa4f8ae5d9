"""The library over three nodes: a link that is cut and restored, a slow one, a rank or a whole job that stands still."""
import os
import pathlib
import shutil
import signal
import tempfile
import time
import unittest

import network

PROGRAM = pathlib.Path(os.environ["PACELINE_NETWORK_FAULTS"])


class Library(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="paceline-network-")
        cls.network = network.Network(cls.folder)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def run_program(self, *words):
        return self.network.start([PROGRAM, *words])

    def assert_went_on(self, job, lost):
        self.assertEqual(job.wait(), 0, job.text())
        self.assertRegex(job.text(), rf"done many, lost {lost}")
        self.assertIn("then 10", job.text())
        self.assertNotIn("error", job.text().replace("TaskError", ""))

    def signal(self, job, number, ranks=None):
        pids = job.processes(PROGRAM.name)
        self.assertEqual(len(pids), 3)
        for pid in pids if ranks is None else [pids[rank] for rank in ranks]:
            os.kill(pid, number)

    def test_shared_state_needs_no_thread_level_of_the_user(self):
        with self.run_program("sync") as job:
            self.assertEqual(job.wait(), 0, job.text())
            self.assertIn("total 150, bytes 3000", job.text())

    def test_a_rank_stands_still_and_goes_on(self):
        with self.run_program("tasks", 10) as job:
            job.wait_for("running")
            ranks = {pid: pathlib.Path(f"/proc/{pid}/environ").read_text() for pid in job.processes(PROGRAM.name)}
            victim = next(pid for pid, text in ranks.items() if "OMPI_COMM_WORLD_RANK=2\0" in text)
            os.kill(victim, signal.SIGSTOP)
            time.sleep(5)
            os.kill(victim, signal.SIGCONT)
            self.assert_went_on(job, "some task [0-9]+ is lost with rank 2 on n3")

    def test_a_link_is_cut_and_restored(self):
        with self.run_program("tasks", 15) as job:
            job.wait_for("running")
            self.network.cut("n2")
            try:
                time.sleep(8)
            finally:
                self.network.restore("n2")
            self.assert_went_on(job, "some task [0-9]+ is lost with rank 1 on n2")

    def test_a_job_is_suspended(self):
        for what in ("tasks", "hold"):
            with self.subTest(what), self.run_program(what, 4) as job:
                job.wait_for("running")
                self.signal(job, signal.SIGSTOP)
                time.sleep(5)
                self.signal(job, signal.SIGCONT)
                if what == "tasks":
                    self.assert_went_on(job, "none")
                else:
                    self.assertEqual(job.wait(), 0, job.text())
                    self.assertIn("all had it", job.text())

    def test_large_results_over_a_slow_link(self):
        for name in self.network.names:
            self.network.slow(name, "100mbit")
        try:
            with self.run_program("blocks", 50_000_000) as job:
                self.assertEqual(job.wait(), 0, job.text())
                self.assertIn("bytes 150000000", job.text())
        finally:
            for name in self.network.names:
                self.network.slow(name, "10gbit")


if __name__ == "__main__":
    network.enter_sandbox()
    unittest.main()
