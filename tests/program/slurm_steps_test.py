"""Steps as Slurm 23.11 and newer start them, by a stand-in for srun that refuses what theirs does."""
import os

import harness

# As srun 24.05 says it: https://github.com/SchedMD/slurm, src/common/slurm_opt.c.
SRUN = r"""#!/usr/bin/python3
import os, re, subprocess, sys
if "--version" in sys.argv:
    print("slurm 24.05.3")
    sys.exit()
words = sys.argv[1:]
given = {}
while words and words[0].startswith("--"):
    name, _, value = words.pop(0)[2:].partition("=")
    given[name] = value
task = os.environ.get("SRUN_CPUS_PER_TASK", os.environ.get("SLURM_CPUS_PER_TASK"))
tres = re.search(r"cpu[:=](\d+)", os.environ.get("SLURM_TRES_PER_TASK", ""))
for cpus in {os.environ.get("SLURM_CPUS_PER_TASK"), os.environ.get("SRUN_CPUS_PER_TASK")} - {None}:
    if tres and cpus != tres[1]:
        sys.exit(f"srun: fatal: cpus_per_task set by two different environment variables "
                 f"SLURM_CPUS_PER_TASK={cpus} != SLURM_TRES_PER_TASK=cpu:{tres[1]}")
ranks = int(given["ntasks"])
with open(os.environ["SRUN_LOG"], "a") as log:
    print(ranks, given.get("cpus-per-task", task), *words, file=log)
cores = sorted(os.sched_getaffinity(0))
width = max(1, len(cores) // ranks)
started = [subprocess.Popen(words, env={**os.environ, "SLURM_PROCID": str(rank), "SLURM_STEP_NUM_TASKS": str(ranks)},
                            preexec_fn=lambda rank=rank: os.sched_setaffinity(0, cores[rank * width:][:width] or cores))
           for rank in range(ranks)]
sys.exit(max(process.wait() for process in started))
"""


class Steps(harness.TestCase):
    def setUp(self):
        super().setUp()
        srun = self.folder / "bin/srun"
        srun.parent.mkdir()
        srun.write_text(SRUN)
        srun.chmod(0o755)
        self.log = self.folder / "log"
        self.job = {"PATH": f"{srun.parent}:{os.environ['PATH']}", "SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": "1",
                    "SLURM_JOB_CPUS_PER_NODE": "2", "SRUN_LOG": str(self.log)}
        self.study = ["study", "-o", self.folder / "s.h5", "--repeats", "1", "--warmup", "0", "--oversubscribe"]

    def test_variables_that_differ_stop_no_step(self):
        # A login shell's variable in a job that asked for another number, and the job's own.
        for cpus, tres in (("6", "cpu=1"), ("2", "gres/gpu:1,cpu:8")):
            with self.subTest(cpus=cpus, tres=tres):
                result = harness.run([*self.study, "--force", "--ranks", "1,3", "--", "/bin/true"], **self.job,
                                     SLURM_CPUS_PER_TASK=cpus, SLURM_TRES_PER_TASK=tres)
                self.assertEqual(result.code, 0, result)
                self.assertNotIn("fatal", str(result))
        ran = [line.split() for line in self.log.read_text().splitlines()]
        self.assertEqual({(ranks, command) for ranks, _, command, *_ in ran if command == "/bin/true"},
                         {("1", "/bin/true"), ("3", "/bin/true")})

    def test_the_stand_in_refuses_as_slurm_does(self):
        result = harness.run(["--ntasks=1", "true"], program=str(self.folder / "bin/srun"), **self.job,
                             SLURM_CPUS_PER_TASK="6", SLURM_TRES_PER_TASK="cpu=1")
        self.assertEqual(result.code, 1)
        self.assertRegex(result.err, "cpus_per_task set by two different environment variables")

    def test_heterogeneous_jobs_are_refused(self):
        result = harness.run([*self.study, "--", "/bin/true"], **self.job, SLURM_HET_SIZE="2")
        self.assert_error(result, 2, "heterogeneous", "SLURM_HET_SIZE is 2")


if __name__ == "__main__":
    harness.main()
