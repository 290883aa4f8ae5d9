"""Ranks of a pool that die, freeze or leave, with launchers that end the job and with one that does not."""
import os
import pathlib
import re
import subprocess
import unittest

import harness

PROGRAM = os.environ["PACELINE_POOL_FAULTS"]
EXAMPLES = pathlib.Path(os.environ["PACELINE_EXAMPLES"])


class Faults(harness.TestCase):
    def run_faults(self, *what, ranks=3, recovery=True, timeout=40):
        """recovery: Open MPI leaves the other ranks alone when one dies."""
        words = ["mpirun", "-q", "--oversubscribe", *["--enable-recovery"] * recovery, "-np", str(ranks), PROGRAM, *what]
        return subprocess.run(words, env=harness.environment(), capture_output=True, text=True, timeout=timeout)

    def test_a_rank_is_killed(self):
        for call, tasks in (("submit", 200), ("then", 200), ("map", 1), ("starmap", 1), ("map_async", 1), ("imap", 200),
                            ("imap_unordered", 200)):
            with self.subTest(call):
                run = self.run_faults("die", call)
                self.assertRegex(run.stdout, r"(?m)^task \d+ is lost with rank 1 on \S+ \(its process ended\)$", run)
                self.assertRegex(run.stdout, rf"{tasks} tasks, [1-9]\d* lost: some\nthen 10\n", run)

    def test_mpirun_ends_the_job_itself(self):
        run = self.run_faults("die", recovery=False)
        self.assertNotEqual(run.returncode, 0, run)

    def test_a_rank_falls_silent(self):
        """Then mpirun waits for the process for ever, so the driver's own end is what is looked at."""
        with harness.Running(["freeze"], ranks=3, program=PROGRAM) as running:
            text = ""

            def is_told():
                nonlocal text
                running.out.flush()
                text = os.pread(running.out.fileno(), 10**6, 0).decode()
                return "then 10" in text

            self.assertTrue(running.wait_for(is_told, timeout=30))
        self.assertRegex(text, r"(?m)^task \d+ is lost with rank 1 on \S+ \(nothing was heard of it for 2 s\)$")
        self.assertRegex(text, r"200 tasks, [1-9]\d* lost: some")

    def test_the_driver_is_killed(self):
        run = self.run_faults("driver")
        self.assertRegex(run.stderr, r"paceline: error: rank [12] on \S+ ends \(rank 0 on \S+, which drives its pool, "
                                     r"is gone\); start again")

    def test_a_rank_leaves_by_an_exception(self):
        run = self.run_faults("leave")
        self.assertIn("rank 1: rank 1 has enough", run.stderr)
        self.assertRegex(run.stdout, r"200 tasks, [1-9]\d* lost: some\nthen 10\n", run)

    def test_results_larger_than_counts(self):
        """1 GB, and more than 2 GiB, while a rank is lost that is silent for 2 s: bytes that come are signs of life."""
        for size in (10**9 + 2, 2**31 + 10**7):
            needed = 3.5 * size
            available = int(re.search(r"MemAvailable: +(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) * 1024
            if available < needed:
                print(f"skipped: a result of {size} bytes needs {needed / 1e9:.1f} GB of memory")
                continue
            with self.subTest(size):
                run = self.run_faults("large", str(size), ranks=2, timeout=300)
                self.assertEqual((run.returncode, run.stderr), (0, ""), run)
                self.assertEqual(run.stdout, f"{size} bytes from rank 1: right\nthen 10\n")


class Examples(harness.TestCase):
    """Those of the README: each compiles by itself and does what its comment says."""

    def check(self, name, pattern):
        for ranks in (None, 1, 3):
            result = harness.run([], ranks, program=str(EXAMPLES / name))
            self.assertEqual((result.code, result.err), (0, ""), result)
            self.assertRegex(result.out, pattern)

    def test_map(self):
        self.check("example_map", r"\A2664667000\n\Z")

    def test_submit(self):
        self.check("example_submit", r"\Aababab 196419\n\Z")

    def test_imap(self):
        self.check("example_imap", r"\A7919\n\Z")

    def test_process(self):
        self.check("example_process", r"\Aquick is done: 1\nstuck is alive: 1\nterminated: 1\n\Z")

    def test_as_completed(self):
        self.check("example_as_completed", r"\A1 ready first\n220\n\Z")

    def test_lambda(self):
        self.check("example_lambda", r"\A7.5 Hello, world\n\Z")

    def test_coroutine(self):
        self.check("example_coroutine", r"\A10967\n\Z")

    def test_handles(self):
        self.check("example_handles", r"\A5050\n\Z")

    def test_queue_join(self):
        self.check("example_queue_join", r"\A5050\n\Z")

    def test_pipe(self):
        self.check("example_pipe", r"\Ahello yourself\n\Z")

    def test_bounded(self):
        self.check("example_bounded", r'\Anever more than two: 1\nsemaphore "licences" was given 1 units too many '
                                      r"\(at most 2 can be free\)\n\Z")

    def test_locks(self):
        self.check("example_locks", r"\A1000\n\Z")

    def test_queue(self):
        self.check("example_queue", r"\A499500\n\Z")

    def test_snapshot(self):
        self.check("example_snapshot", r"\A10 snapshots, 0 half done\n\Z")

    def test_deadlock(self):
        for ranks in (2, 3):
            result = harness.run([], ranks, program=str(EXAMPLES / "example_deadlock"))
            self.assertEqual((result.code, result.err), (0, ""), result)
            self.assertRegex(result.out, r'\Adeadlock of .*rank 0 has mutex "left" and waits for mutex "right".*\n\Z')

    def test_errors(self):
        self.check("example_errors", r"\A2\ntask 1 failed on rank \d on \S+ \(negative\)\n"
                                     r"task 2 did not return on rank \d on \S+ \(it was given up after 0.5 s\)\n3\n\Z")


if __name__ == "__main__":
    unittest.main()
