"""`paceline tasks`: known results, each task's time and place beside them, the same bits for every layout."""
import os
import signal
import subprocess
import unittest

import h5py
import numpy as np

import harness


class Tasks(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "t.h5"

    def compute(self, options, ranks=None, threads=1):
        record = self.record(["tasks", *options, "-o", self.path, "--threads", threads, "--force"], ranks)
        with h5py.File(self.path) as file:
            tasks = {name: dataset[:] for name, dataset in file["tasks"].items()}
            self.assertEqual(harness.attribute(file["tasks/seconds"], "units"), "s")
            self.assertEqual(harness.attribute(file, "digest"), record["digest"])
        self.assertEqual(set(tasks), {"result", "seconds", "rank", "thread"})
        self.assertEqual({len(column) for column in tasks.values()}, {record["items"]})
        return tasks, record

    def test_known_results(self):
        for work, expected in (("squares:2000", 2664667000), ("squares:0", 0), ("squares:1", 0), ("fib:20", 6765),
                               ("fib:0", 0), ("fib:1", 1), ("sleep:0.01", 0.01), ("spin:0.001", 0.001)):
            with self.subTest(work):
                tasks, _ = self.compute(["--work", work, "--count", 5, "--verify"])
                self.assertEqual(tasks["result"].tolist(), [expected] * 5)

    def test_the_pool_computes_the_same(self):
        """The library that users program with, on the same tasks."""
        for work, count, call, ranks, threads in (("squares:2000", 500, "map", 3, 1), ("fib:15", 300, "submit", 2, 2),
                                                  ("sleep:0.001", 60, "imap", 4, 1), ("squares:300", 4000, "imap", 1, 2)):
            with self.subTest(work, call=call, ranks=ranks):
                tasks, _ = self.compute(["--work", work, "--count", count], ranks, threads)
                run = self.by_pool(work, count, call, threads, ranks=ranks)
                self.assertEqual((run.returncode, run.stderr), (0, ""), run)
                self.assertEqual(list(map(int, run.stdout.split())), tasks["result"].view(np.int64).tolist())

    def test_the_pool_fails_in_the_same_task(self):
        run = self.by_pool("fail:7", 20, "map", 1, ranks=2)
        self.assertEqual(run.returncode, 1, run)
        self.assertRegex(run.stderr, r"task 7 failed on rank [01]")

    def by_pool(self, *words, ranks):
        words = ["mpirun", "-q", "--oversubscribe", "-np", ranks, os.environ["PACELINE_POOL_TASKS"], *words]
        return subprocess.run(list(map(str, words)), env=harness.environment(), capture_output=True, text=True, timeout=60)

    def test_lessons_fibonacci(self):
        tasks, _ = self.compute(["--work", "fib:34", "--count", 2], 2)
        self.assertEqual(tasks["result"].tolist(), [5702887] * 2)

    def test_time_and_place(self):
        ranks, threads = 3, 2
        tasks, record = self.compute(["--work", "sleep:0.02", "--count", 60], ranks, threads)
        self.assertEqual(set(tasks["rank"]), set(range(ranks)))
        self.assertEqual(set(tasks["thread"]), set(range(threads)))
        self.assertTrue((tasks["seconds"] >= 0.02).all())
        busy = np.array(record["thread_busy_s"])
        for rank in range(ranks):
            mine = tasks["seconds"][tasks["rank"] == rank].sum()
            self.assertAlmostEqual(mine, busy[rank].sum(), delta=1e-3)

    def test_same_bits_for_every_layout(self):
        expected = None
        for ranks, threads, options in (
                (1, 1, []), (1, 2, ["--unordered"]), (2, 1, ["--schedule", "cyclic", "--gather", "root"]),
                (3, 2, ["--schedule", "block"]), (4, 2, ["--chunk", 7, "--memory-limit", 8000]),
                (8, 1, ["--unordered", "--memory-limit", 8000]), (2, 2, ["--schedule", "weighted"])):
            with self.subTest(ranks=ranks, threads=threads, options=options):
                tasks, record = self.compute(["--work", "squares:100", "--count", 1009, *options], ranks, threads)
                expected = expected or (record["digest"], tasks["result"].tobytes())
                self.assertEqual((record["digest"], tasks["result"].tobytes()), expected)
                self.assertEqual(record["rate_unit"], "tasks/s")
                self.assertTrue(((tasks["rank"] >= 0) & (tasks["rank"] < ranks)).all())
                self.assertTrue(((tasks["thread"] >= 0) & (tasks["thread"] < threads)).all())
                self.assertTrue((tasks["seconds"] > 0).all())

    def test_unordered_is_one_band(self):
        words = ["--work", "squares:10", "--count", 600_000, "--memory-limit", "1GB"]
        self.assertGreater(self.record(["tasks", *words])["bands"], 1)
        self.assertEqual(self.record(["tasks", *words, "--unordered"])["bands"], 1)

    def test_failing_task(self):
        for ranks in (None, 3):
            result = harness.run(["tasks", "--work", "fail:7", "--count", 50, "-o", self.path], ranks)
            self.assert_error(result, 1, "task 7 throws, as --work fail:7 asks", "rank ")
            self.assert_only("t.h5.part")
            (self.folder / "t.h5.part").unlink()

    def test_resume(self):
        words = ["tasks", "--work", "sleep:0.01", "--count", 600, "--memory-limit", 6000, "-o", self.path]
        part = self.folder / "t.h5.part"
        with harness.Running(words, 2) as running:
            self.assertTrue(running.wait_for(lambda: harness.finished(part) > 0))
            harness.kill(running.ranks(), signal.SIGTERM)
            self.assert_error(running.result(), 6, "--resume")
        record = self.record([*words, "--resume"], 3)
        self.assertGreater(record["resumed_items"], 0)
        with h5py.File(self.path) as file:
            # Those of the first run kept their times.
            self.assertTrue((file["tasks/seconds"][:] >= 0.01).all())
            self.assertEqual(set(file["tasks/result"][:]), {0.01})

    def test_dry_run_and_watchdog(self):
        self.assertIn("/tasks/result", self.run_ok(["tasks", "--dry-run"], 2).out)
        result = harness.run(["tasks", "--work", "sleep:30", "--count", 4, "--watchdog", 1], 2, timeout=20)
        self.assertEqual(result.code, 1, result)
        self.assertIn("made no progress", result.err)

    def test_usage_errors(self):
        for options, *parts in (
                (["--work", "dance:3"], "dance:3", "no such work"),
                (["--work", "fib"], "missing"),
                (["--work", "fib:x"], "'x'"),
                (["--work", "fib:-1"], "0 to 90"),
                (["--work", "squares:99999999"], "0 to 3024617"),
                (["--work", "squares:1.5"], "1.5"),
                (["--work", "sleep:nan"], "seconds"),
                (["--work", "sleep:-1"], "seconds"),
                (["--work", "fail:10", "--count", 10], "tasks 0 to 9"),
                (["--count", 0], "--count"),
        ):
            with self.subTest(options):
                self.assert_error(harness.run(["tasks", *options]), 2, *parts)


if __name__ == "__main__":
    unittest.main()
