"""Every job script, as a user submits it, on a Slurm of our own: states, files, layouts, binding and digests."""
import json
import os
import re
import subprocess
import unittest

import cluster

cluster.enter_sandbox()

import h5py  # noqa: E402
from slurm_case import JOBS, SlurmCase, harness  # noqa: E402

FRACTAL = ["fractal", "--rows", 300, "--cols", 200]
OWN = r"""#include <mpi.h>
#include <stdio.h>
/* Says what an ideal program would take. */
int main(int argc, char** argv) {
  int size, rank;
  MPI_Init(&argc, &argv);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank == 0) printf("result %s\ntotal:%.6fs\n", argc > 1 ? argv[1] : "", 8.0 / size);
  return MPI_Finalize();
}
"""


class Scripts(unittest.TestCase):
    """What can be said of them without running them."""

    def test_shellcheck(self):
        files = [*JOBS.glob("*.sh"), *JOBS.glob("*.sbatch")]
        self.assertGreater(len(files), 9)
        found = subprocess.run(["shellcheck", "--external-sources", "--source-path", harness.REPOSITORY, *files],
                               capture_output=True, text=True)
        self.assertEqual(found.returncode, 0, found.stdout)

    def test_heads(self):
        for path in [*JOBS.glob("*.sbatch"), JOBS / "submit_nodes.sh"]:
            head = re.match(r"(#.*\n)+", path.read_text()).group()
            for word in ("Needs: ", "Makes: ", "Costs: "):
                self.assertIn(word, head, path.name)

    def test_nothing_of_a_site(self):
        for path in JOBS.glob("*.sbatch"):
            lines = [line for line in path.read_text().splitlines() if not line.startswith("# ")]
            self.assertNotRegex("\n".join(lines), r"--account|--partition|--qos|module |mpirun|srun ", path.name)
            self.assertIn(path.name, (JOBS / "README.md").read_text())


class Submitted(SlurmCase):
    """All are submitted at once; each test looks at one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.scratch / "own.c").write_text(OWN)
        subprocess.run(["mpicc", "own.c", "-o", "own"], cwd=cls.scratch, check=True)
        paceline = [harness.PROGRAM, *FRACTAL]
        two_nodes = ["--nodes=2", "--ntasks-per-node=2"]
        cls.jobs = {
            "srun": cls.submit("fractal.sbatch", *FRACTAL[1:], options=two_nodes),
            "mpirun": cls.submit("fractal.sbatch", *FRACTAL[1:], options=two_nodes, PACELINE_LAUNCHER="mpirun"),
            "hybrid": cls.submit("hybrid_grid.sbatch", *paceline, PACELINE_REPEATS=2),
            "strong": cls.submit("strong_scaling.sbatch", *paceline, options=["--nodes=2"], PACELINE_REPEATS=2,
                                 PACELINE_RANKS="2,4", PACELINE_LAUNCHER="mpirun"),
            "weak": cls.submit("weak_scaling.sbatch", harness.PROGRAM, "fractal", "--rows", "{scale}00", "--cols", 200,
                               PACELINE_REPEATS=2),
            "own": cls.submit("own_program.sbatch", "./own", "{ranks}x{threads}", PACELINE_REPEATS=2,
                              PACELINE_RANKS="1,2",
                              PACELINE_STUDY_OPTIONS="--time-regex total:(.*)s --digest-regex result(.)"),
            "array": cls.submit("fractal.sbatch", *FRACTAL[1:], options=["--array=1-2", "--ntasks-per-node=1"]),
            "nobody": cls.submit("own_program.sbatch"),
        }
        cls.digest = cls.digest_of(cls, FRACTAL)

    def study(self, name, job, layouts, left_out=()):
        """The samples of a study that went well, with the layouts (ranks, threads, nodes) that it should have."""
        log = self.completed(job)
        self.assertNotIn("badly bound", log)
        self.assertGreater((self.scratch / f"{name}-{job}.png").stat().st_size, 10000, log)
        with h5py.File(self.scratch / f"{name}-{job}.h5") as file:
            rows = file["/study/samples"][:]
            self.assertEqual({(row["ranks"], row["threads"], row["nodes"]) for row in rows}, set(layouts))
            self.assertEqual(len(rows), 3 * len(layouts))
            self.assertEqual(set(rows["status"]), {b"ok"}, log)
            self.assertTrue(rows["bound_ok"].all(), log)
            self.assertEqual({(row["ranks"], row["threads"]) for row in file["/study/left_out"][:]}, set(left_out))
            self.assertEqual(file["study"].attrs["slurm_job_id"].decode(), job)
            self.assertTrue(json.loads(file["/fit/json"][()])["layouts"])
            return rows

    def test_fractal(self):
        for launcher in ("srun", "mpirun"):
            with self.subTest(launcher):
                job = self.jobs[launcher]
                log = self.completed(job)
                facts, ranks = self.assert_result(self.scratch / f"fractal-{job}.h5", self.digest, job)
                self.assertEqual(facts["slurm_cpus_per_task"], "1")
                self.assertEqual(facts["slurm_restart_count"], "0")
                self.assertEqual(len(ranks), 4)
                self.assertEqual(len(set(ranks["host"])), 2)
                self.assertEqual(set(ranks["bound_cores"]), {1}, log)
                self.assertIn(f"digest: {self.digest}", log)

    def test_array(self):
        """Its tasks would all do the same: each says so."""
        job = self.jobs["array"]
        self.slurm.wait(job, "FAILED", timeout=120)
        for task in (1, 2):
            self.assertFalse((self.scratch / f"fractal-{job}_{task}.h5").exists(), self.slurm.report(job))
        self.assertIn("this is an array job", self.slurm.report(job))

    def test_hybrid_grid(self):
        rows = self.study("hybrid", self.jobs["hybrid"], self.grid(), self.too_large())
        self.assertEqual(set(rows["digest"]), {self.digest.encode()})

    def grid(self):
        return [(r, t, 1) for r, t in self.all_layouts() if r * t <= self.slurm.cores]

    def too_large(self):
        return [(r, t) for r, t in self.all_layouts() if r * t > self.slurm.cores]

    def all_layouts(self):
        cpus = int(re.search(r"CPUTot=(\d+)", cluster.call("scontrol", "show", "node", "n1")).group(1))
        powers = sorted({*(2**k for k in range(cpus.bit_length()) if 2**k < cpus), cpus})
        return [(r, t) for r in powers for t in powers]

    def test_strong_scaling(self):
        rows = self.study("strong", self.jobs["strong"], [(2, 1, 2), (4, 1, 2)])
        self.assertEqual(set(rows["digest"]), {self.digest.encode()})

    def test_weak_scaling(self):
        layouts = [(r, 1, 1) for r, t in self.all_layouts() if t == 1 and r <= self.slurm.cores]
        rows = self.study("weak", self.jobs["weak"], layouts,
                          [(r, 1) for r, t in self.all_layouts() if t == 1 and r > self.slurm.cores])
        self.assertEqual(len(set(rows["digest"])), len(layouts), "the work grows")

    def test_own_program(self):
        rows = self.study("own", self.jobs["own"], [(1, 1, 1), (2, 1, 1)])
        for row in rows:
            self.assertEqual(row["wall_s"], 8 / row["ranks"], "what it says counts")
        self.slurm.wait(self.jobs["nobody"], "FAILED")
        self.assertIn("paceline: error: no program is named", self.slurm.log(self.jobs["nobody"]))


class OverNodes(SlurmCase):
    """jobs/submit_nodes.sh: a job for each number of nodes, and one that puts them together."""

    def nodes(self, *words):
        found = subprocess.run([JOBS / "submit_nodes.sh", *map(str, words)], capture_output=True, text=True, timeout=60,
                               cwd=self.scratch, env={**os.environ, "PACELINE_REPEATS": "1"})
        return found.returncode, found.stdout, found.stderr

    def test_dry_run(self):
        code, out, err = self.nodes("--dry-run", "--nodes", "1,2,4", "--ranks-per-node", "1,2", "--time", "1-12")
        self.assertEqual((code, err), (0, ""))
        hours = 36 * int(re.search(r"on nodes of (\d+) CPUs", out).group(1))
        for n, ranks in ((1, "1,2"), (2, "2,4"), (4, "4,8")):
            self.assertIn(f"nodes {n}: ranks {ranks}, threads 1, at most {n * hours} core-hours", out)
        self.assertIn(f"together at most {7 * hours} core-hours", out)
        self.assertIn("--dependency=afterany:JOB1:JOB2:JOB4", out)
        self.assertEqual(cluster.call("squeue", "-h"), "")

    def test_mistakes(self):
        for words in (["--nodes", "1,x"], ["--nodes"], ["--bogus"], ["--time", "soon"], ["--threads", "0"]):
            code, out, err = self.nodes(*words, "--dry-run")
            self.assertEqual((code, out), (2, ""), err)
            self.assertRegex(err, r"\Apaceline: error: .*\n\Z")

    def test_parts_make_a_whole(self):
        digest = self.digest_of(FRACTAL)
        for name, how in (("chain", ["--chain"]), ("together", [])):
            with self.subTest(name):
                self.check(name, how, digest)

    def check(self, name, how, digest):
        counts = (1, 2, 4) if how else (1, 2)
        code, out, err = self.nodes(*how, "--nodes", ",".join(map(str, counts)), "--ranks-per-node", 2, "-o",
                                    f"{name}.h5", "--", harness.PROGRAM, *FRACTAL)
        self.assertEqual(code, 0, err)
        *parts, last = self.numbers(r"job (\d+)", out)
        self.assertEqual(len(parts), len(counts))
        self.completed(last, timeout=180)
        jobs = [self.slurm.jobs(job)[0] for job in parts]
        for job, nodes in zip(jobs, counts):
            self.assertEqual((job["JobState"], job["NumNodes"]), ("COMPLETED", str(nodes)))
        if how:
            for before, after in zip(jobs, jobs[1:]):
                self.assertLessEqual(before["EndTime"], after["StartTime"])
        whole = self.scratch / f"{name}.h5"
        with h5py.File(whole) as file:
            rows = file["/study/samples"][:]
            self.assertEqual({(row["ranks"], row["nodes"]) for row in rows}, {(2 * n, n) for n in counts})
            self.assertEqual(len(rows), 2 * len(counts))
            self.assertEqual(set(rows["digest"]), {digest.encode()})
            self.assertEqual(list(rows["order"]), list(range(len(rows))))
            self.assertEqual(file["study"].attrs["slurm_job_id"].decode(), " | ".join(map(str, parts)))
            self.assertIn("/fit/json", file)
        self.assertTrue(whole.with_suffix(".png").exists())
        # A part that is lost costs its layouts, not the study.
        job = self.submit("collect.sbatch", self.scratch / f"{name}.n1.h5", "lost.h5",
                          PACELINE_OUTPUT=self.scratch / f"{name}.rest.h5")
        self.slurm.wait(job, "FAILED")
        self.assertIn("note: lost.h5 is missing", self.slurm.log(job))
        with h5py.File(self.scratch / f"{name}.rest.h5") as file:
            self.assertEqual(set(file["/study/samples"]["nodes"]), {1})


if __name__ == "__main__":
    harness.main()
