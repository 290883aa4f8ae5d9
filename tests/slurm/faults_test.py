"""What ends jobs before they are done: time limit, scancel, preemption's signal, lost nodes. Nothing is lost by it, and
the result is that of a run that nobody disturbed."""
import time

import cluster

cluster.enter_sandbox()

import h5py  # noqa: E402
from slurm_case import SlurmCase, harness  # noqa: E402


ROWS = 4000
IMAGE = ["--rows", ROWS, "--cols", 200, "--re=-0.6:0.3", "--im=-0.5:0.5", "--max-iter", 10**6]
# The first start of a job iterates the interior, which takes minutes and changes no count, and writes a few rows at a
# time; later ones do without and take a second.
SLOW_FIRST = """#!/bin/sh
[ "${SLURM_RESTART_COUNT:-0}" = 0 ] || exec "%s" "$@"
exec "%s" "$@" --interior plain --memory-limit 25856
"""


class Faults(SlurmCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program = cls.scratch / "slow_first"
        cls.program.write_text(SLOW_FIRST % (harness.PROGRAM, harness.PROGRAM))
        cls.program.chmod(0o755)
        # Slurm looks at time limits every 30 s: this one waits beside the others.
        cls.late = cls.start_slow("--time=1", "--signal=B:USR1@50", "--nodelist=n1", "--nodes=1")
        cls.digest = cls.digest_of(cls, ["fractal", *IMAGE])

    @classmethod
    def start_slow(cls, *options, **environment):
        return cls.submit("fractal.sbatch", *IMAGE, options=["--ntasks-per-node=1", *options], PACELINE=cls.program,
                          **environment)

    def path_of(self, job):
        return self.scratch / f"fractal-{job}.h5"

    def start(self, **environment):
        """A job on four nodes of which a part is in the file."""
        job = self.start_slow("--nodes=4", **environment)
        part = f"{self.path_of(job)}.part"
        cluster.wait_for(lambda: harness.finished(part) > 0 or self.slurm.state(job) not in ("PENDING", "RUNNING"), 60,
                         lambda: f"no item is finished\n{self.slurm.report(job)}")
        self.assertEqual(self.slurm.state(job), "RUNNING", self.slurm.log(job))
        return job

    def assert_resumed(self, job):
        """The job was put back into the queue and went on with what was saved, to the right end. Returns its log and
        how many items were there."""
        log = self.completed(job, timeout=120)
        # A time limit may come again; of all starts, the last one tells.
        self.assertGreater(self.restarts(job), 0, log)
        facts, _ = self.assert_result(self.path_of(job), self.digest, job)
        self.assertEqual(facts["slurm_restart_count"], str(self.restarts(job)))
        resumed, = self.numbers(rf"(\d+) of {ROWS} items were there already", log)
        self.assertGreater(resumed, 0, log)
        return log, resumed

    def assert_saved_in_time(self, job):
        """It was told, saved, and nothing of what it had saved was computed again."""
        log, resumed = self.assert_resumed(job)
        self.assertIn("exit code 6", log)
        self.assertIn("the time is up", log)
        self.assertEqual(self.numbers(rf"(\d+) of {ROWS} items are saved", log)[-1], resumed, log)

    def test_signal(self):
        """What the time limit sends, and preemption with PreemptParameters=send_user_signal."""
        for launcher in ("srun", "mpirun"):
            with self.subTest(launcher):
                job = self.start(PACELINE_LAUNCHER=launcher)
                cluster.call("scancel", "--batch", "--signal=USR1", job)
                self.assert_saved_in_time(job)

    def test_time_limit(self):
        self.assert_saved_in_time(self.late)

    def test_a_study_goes_on(self):
        job = self.submit("strong_scaling.sbatch", harness.PROGRAM, "calibrate", "--seconds", 0.3, options=["-w", "n4"],
                          PACELINE_REPEATS=3, PACELINE_RANKS="1,2")
        path = self.scratch / f"strong-{job}.h5"

        def count():
            try:
                with h5py.File(path) as file:
                    return len(file["/study/samples"])
            except OSError:
                return 0
        cluster.wait_for(lambda: count() >= 2, 60, lambda: self.slurm.report(job))
        cluster.call("scancel", "--batch", "--signal=USR1", job)
        log = self.completed(job)
        self.assertEqual(self.restarts(job), 1, log)
        with h5py.File(path) as file:
            rows = file["/study/samples"][:]
            runs = {(row["ranks"], row["warmup"], row["repeat"]) for row in rows}
            self.assertEqual((len(rows), len(runs)), (8, 8), "each run once")
            self.assertEqual(set(rows["status"]), {b"ok"}, log)

    def test_scancel(self):
        job = self.start()
        cluster.call("scancel", job)
        self.slurm.wait(job, "CANCELLED")
        cluster.wait_for(lambda: "is cancelled" in self.slurm.log(job), 30, lambda: self.slurm.report(job))
        saved = harness.finished(f"{self.path_of(job)}.part")
        self.assertIn(f"({saved} of {ROWS} items are saved", self.slurm.log(job))
        next_job = self.submit("fractal.sbatch", *IMAGE, options=["--nodes=2"], PACELINE_OUTPUT=self.path_of(job))
        log = self.completed(next_job)
        self.assertEqual(self.numbers(rf"(\d+) of {ROWS} items were there already", log), [saved])
        self.assert_result(self.path_of(job), self.digest, next_job)
        self.assertEqual(self.slurm.state(job), "CANCELLED", "nobody puts it back into the queue")

    def other_node(self, job):
        """One that the batch script does not run on."""
        return 1 + int(self.slurm.jobs(job)[0]["BatchHost"][1:]) % self.slurm.nodes

    def test_lost_node(self):
        job = self.start(PACELINE_WATCHDOG=4)
        node = self.other_node(job)
        start = time.monotonic()
        self.slurm.lose(node)
        cluster.wait_for(lambda: "back into the queue" in self.slurm.log(job) or self.restarts(job) > 0, 90,
                         lambda: self.slurm.report(job))
        print(f"note: {time.monotonic() - start:.1f} s from the lost node to the job's end")
        self.slurm.bring_back(node)
        log, _ = self.assert_resumed(job)
        if self.slurm.has_networks:
            self.assertRegex(log, rf"error: rank \d on n{node} gave no sign of life for \d+ s .*--watchdog 4")

    def test_killed_slurmd(self):
        """Slurm takes the node for lost, though its ranks live."""
        job = self.start(PACELINE_WATCHDOG=4)
        node = self.other_node(job)
        start = time.monotonic()
        self.slurm.slurmd[node].kill()
        self.slurm.slurmd[node].wait()
        cluster.wait_for(lambda: self.restarts(job) > 0, 90, lambda: self.slurm.report(job))
        print(f"note: {time.monotonic() - start:.1f} s from the killed slurmd to the job's end")
        self.slurm.bring_back(node)
        log, _ = self.assert_resumed(job)
        self.assertNotIn("sign of life", log, "its ranks were there")

    def test_mistakes_are_not_repeated(self):
        job = self.submit("fractal.sbatch", "--rows", 0)
        self.slurm.wait(job, "FAILED")
        self.assertEqual(self.restarts(job), 0)
        self.assertRegex(self.slurm.log(job), "paceline: error: .*--rows")


if __name__ == "__main__":
    harness.main()
