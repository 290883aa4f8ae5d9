"""Whatever stops a run, what was finished is kept, and --resume ends with the bits of a run that was left alone."""
import os
import pathlib
import random
import signal
import time
import unittest

import h5py

import harness

INTERRUPTED = 6
ROWS = 160
# Some seconds of uneven work on any machine, in many bands. Skipping the interior gives the same in no time.
SMALL = ["fractal", "--rows", ROWS, "--cols", 160, "--re=-0.6:0.3", "--im=-0.4:0.5", "--max-iter", 800000,
         "--memory-limit", 4 * (4 * 160 + 8) * 8]
SLOW = [*SMALL, "--interior", "plain"]


class Resume(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.digest = harness.run([*SMALL, "--json"]).json["digest"]

    def setUp(self):
        super().setUp()
        self.path = self.folder / "f.h5"
        self.part = pathlib.Path(f"{self.path}.part")

    def start(self, *options, ranks=2):
        """A run that has written something."""
        run = harness.Running([*SLOW, "-o", self.path, *options], ranks)
        self.addCleanup(run.__exit__)
        self.assertTrue(run.wait_for(lambda: harness.finished(self.part) > 0), "it was over before it could be stopped")
        return run

    def assert_resumes(self, *options, ranks=None):
        """Goes on with what is there, and ends with the right digest. Returns the number of items that were there."""
        left = harness.finished(self.part)
        record = self.record([*SMALL, "-o", self.path, "--resume", *options], ranks)
        self.assertEqual(record["digest"], self.digest)
        self.assertLessEqual(record["resumed_items"], left)
        self.assert_only("f.h5")
        with h5py.File(self.path) as file:
            self.assertEqual(harness.attribute(file, "digest"), self.digest)
            self.assertTrue(file["/run/finished"][:].all())
        return record["resumed_items"]

    def assert_interrupted(self, result, name):
        """Returns the number of items that it says are saved."""
        self.assert_error(result, INTERRUPTED, f"({name})", "the same command with --resume goes on")
        saved = int(result.err.split(f" of {ROWS} items are saved in {self.part}")[0].split()[-1].lstrip("("))
        self.assertEqual(harness.finished(self.part), saved)
        self.assertTrue(0 < saved < ROWS, saved)
        self.assert_only("f.h5.part")
        return saved

    def test_another_run_on_the_same_output(self):
        for ranks in (None, 2):
            run = self.start(ranks=ranks)
            harness.kill(run.ranks(), signal.SIGSTOP)  # under way for as long as it takes
            for options in ([], ["--force"], ["--resume"]):
                other = harness.run([*SMALL, "-o", self.path, *options], ranks)
                self.assert_error(other, 4, "another run is writing", str(self.part))
            self.assert_only("f.h5.part")
            harness.kill(run.ranks())
            run.result()
            self.assert_resumes(ranks=2)
            self.path.unlink()

    # Signals that ask a run to stop.

    def test_sigterm_to_all_ranks(self):
        run = self.start(ranks=3)
        harness.kill(run.ranks(), signal.SIGTERM)
        saved = self.assert_interrupted(run.result(timeout=10), "Terminated")
        there = self.assert_resumes("--schedule", "weighted", "--gather", "root", "--threads", 2, ranks=2)
        self.assertEqual(there, saved)

    def test_sigusr1_to_one_rank(self):
        """What batch systems send before the time limit."""
        for schedule in ("block", "cyclic"):
            with self.subTest(schedule):
                self.part.unlink(missing_ok=True)
                run = self.start("--gather", "root", "--schedule", schedule)
                harness.kill(run.ranks()[1:], signal.SIGUSR1)
                saved = self.assert_interrupted(run.result(timeout=10), "User defined signal 1")
        self.assertEqual(self.assert_resumes("--threads", 2, "--chunk", 7), saved)

    def test_sigint_without_mpirun(self):
        run = self.start(ranks=None)
        harness.kill(run.ranks(), signal.SIGINT)
        saved = self.assert_interrupted(run.result(timeout=10), "Interrupt")
        self.assertEqual(self.assert_resumes(ranks=3), saved)

    def test_interrupted_twice(self):
        for _ in range(2):
            run = harness.Running([*SLOW, "-o", self.path, "--resume"], 2)
            self.addCleanup(run.__exit__)
            before = harness.finished(self.part)
            self.assertTrue(run.wait_for(lambda: harness.finished(self.part) > before))
            harness.kill(run.ranks(), signal.SIGTERM)
            self.assertGreater(self.assert_interrupted(run.result(timeout=10), "Terminated"), before)
        self.assert_resumes()

    def test_sigterm_to_mpirun(self):
        """Open MPI passes it on and kills the ranks soon after: what they say is its business, the file is ours. MPICH
        lets them end, but its exit code is 0 or theirs, by chance and with any program."""
        run = self.start()
        harness.kill([run.process.pid], signal.SIGTERM)
        code = run.result(timeout=10).code
        if harness.IS_MPICH:
            self.assertIn(code, (0, INTERRUPTED))
        else:
            self.assertNotEqual(code, 0)
        self.assertGreater(self.assert_resumes(), 0)

    def test_nothing_to_save_to(self):
        with harness.Running([*SLOW, "--progress", "always"], 2) as run:
            def is_under_way():
                run.err.seek(0)
                return "10 %" in run.err.read()
            self.assertTrue(run.wait_for(is_under_way))
            harness.kill(run.ranks(), signal.SIGTERM)
            result = run.result(timeout=10)
        self.assertEqual(result.code, 1, result)
        self.assertIn("paceline: error: interrupted by signal 15 (Terminated) (there is no --output", result.err)
        self.assertEqual(result.out, "")

    # What gives no warning.

    def test_one_rank_killed(self):
        run = self.start(ranks=3)
        harness.kill(run.ranks()[1:2])
        at = time.monotonic()
        self.assertNotEqual(run.result(timeout=20).code, 0)
        self.assertLess(time.monotonic() - at, 10)
        self.assert_only("f.h5.part")
        self.assertGreater(self.assert_resumes("--schedule", "cyclic", ranks=2), 0)

    def test_killed_again_and_again(self):
        seed = random.randrange(1 << 32)
        moments = random.Random(seed)
        left = []
        for attempt in range(6):
            if self.path.exists():
                break
            gather = ("parallel", "root")[attempt % 2]
            with harness.Running([*SLOW, "-o", self.path, "--resume", "--gather", gather], 1 + attempt % 3) as run:
                # From before MPI is up to the middle of the work.
                time.sleep(moments.uniform(0.1, 0.9))
                harness.kill(run.ranks())
                run.result(timeout=10)
            self.assertLessEqual({path.name for path in self.folder.iterdir()}, {"f.h5", "f.h5.part"}, f"seed {seed}")
            left.append(harness.finished(self.part))
        if not self.path.exists():
            self.assert_resumes(ranks=2)
        with h5py.File(self.path) as file:
            self.assertEqual(harness.attribute(file, "digest"), self.digest, f"seed {seed}, finished {left}")

    def test_killed_while_the_file_is_made(self):
        """Moments of an empty or half-made file: nothing is lost, so any run starts anew."""
        run = self.start()
        harness.kill(run.ranks())
        run.result(timeout=10)
        with h5py.File(self.part, "r+") as file:
            file["/run/finished"][:] = 0
        whole = self.part.read_bytes()
        # Before all else is there it is no file of HDF5.
        for made in (b"", bytes(8), bytes(8) + whole[8:2000], bytes(8) + whole[8:-1], whole):
            for options in (["--resume"], [], ["--force"]):
                with self.subTest(made=len(made), options=options):
                    self.part.write_bytes(made)
                    result = self.run_ok([*SMALL, "-o", self.path, "--json", *options], ranks=2)
                    self.assertEqual((result.json["digest"], result.json["resumed_items"]), (self.digest, 0))
                    self.assertRegex(result.err, rf"\A(paceline: note: nothing is finished in {self.part}\n)?\Z")
                    self.assert_only("f.h5")
                    self.path.unlink()

    def test_changed_byte_is_noticed(self):
        run = self.start()
        harness.kill(run.ranks())
        run.result(timeout=10)
        left = harness.finished(self.part)
        with h5py.File(self.part) as file:
            first = int(file["/run/finished"][:].argmax())
            counts = file["/fractal/counts"]
            at = counts.id.get_offset() + first * counts.shape[1] * counts.dtype.itemsize + 5
        with open(self.part, "r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 1]))
        self.assertEqual(self.assert_resumes(ranks=2), left - 1)

    def test_watchdog_names_the_rank(self):
        run = self.start("--watchdog", 2, "--schedule", "block", ranks=3)
        os.kill(run.ranks()[1], signal.SIGSTOP)
        at = time.monotonic()
        result = run.result(timeout=20)
        self.assertLess(time.monotonic() - at, 10)
        self.assertEqual(result.code, 1, result)
        self.assertRegex(result.err, r"(?m)^paceline: error: rank 1 on \S+ made no progress for \d+ s \(--watchdog 2\)")
        self.assertEqual(result.err.count("paceline: error"), 1, result)
        self.assertGreater(self.assert_resumes(), 0)

    def test_watchdog_is_quiet_when_all_is_well(self):
        self.record([*SMALL, "--watchdog", 5, "-o", self.path], ranks=2)

    # Nothing to go on with.

    def test_resume_of_nothing_starts(self):
        self.assertEqual(self.assert_resumes(ranks=2), 0)

    def test_resume_of_what_is_complete(self):
        self.record([*SMALL, "-o", self.path])
        before = self.path.read_bytes()
        result = self.run_ok([*SMALL, "-o", self.path, "--resume", "--json"], ranks=2)
        self.assertEqual(result.json["digest"], self.digest)
        self.assertEqual(result.json["resumed_items"], ROWS)
        self.assertEqual(result.err, f"paceline: note: {self.path} is complete already\n")
        self.assertEqual(self.path.read_bytes(), before)


if __name__ == "__main__":
    unittest.main()
