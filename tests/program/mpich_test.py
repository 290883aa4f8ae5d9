"""A build with MPICH beside one with Open MPI: the same bits, and each program started by the mpirun of its own MPI."""
import os
import pathlib
import shlex
import unittest

import h5py
import harness

# The build with Open MPI, where there is one.
OTHER = os.environ.get("PACELINE_OTHER", "")
SMALL = ["--rows", "300", "--cols", "200", "--max-iter", "300"]


def launcher_lines(path):
    """Words of the lines with which a study has started its layouts."""
    with h5py.File(path) as file:
        return [shlex.split(line) for line in harness.attribute(file["study"], "launcher_lines").splitlines()]


class Mpich(harness.TestCase):
    def test_the_build_is_what_it_should_be(self):
        self.assertRegex(self.run_ok(["info"]).out, r"mpi +MPICH \d")

    def test_same_bits_on_any_number_of_ranks_and_by_either_mpi(self):
        for work in (["fractal", *SMALL], ["array", "--op", "sum", "--size", "100003"]):
            digests = {self.record(work, ranks)["digest"] for ranks in (None, 1, 2, 3)}
            for schedule in ("cyclic", "weighted"):
                digests.add(self.record([*work, "--schedule", schedule], 3)["digest"])
            if pathlib.Path(OTHER).is_file():
                digests.add(self.record(work, program=OTHER)["digest"])
            self.assertEqual(len(digests), 1, work)

    def test_a_file_is_complete_for_any_number_of_ranks(self):
        # Its digest has the highest bit: MPICH's greatest number of all ranks is 0 then.
        path = self.folder / "f.h5"
        work = ["fractal", "--rows", "300", "--cols", "400", "--max-iter", "250", "-o", path]
        digest = self.record(work, 3)["digest"]
        self.assertGreaterEqual(int(digest, 16), 1 << 63)
        for ranks in (1, 2, 3):
            result = self.run_ok([*work, "--resume", "--json"], ranks)
            self.assertEqual((result.json["digest"], result.json["resumed_items"]), (digest, 300))

    def test_interrupted_and_resumed(self):
        path = self.folder / "f.h5"
        work = ["fractal", "--rows", "200", "--cols", "200", "--max-iter", "2000000", "--interior", "plain",
                "--re=-0.6:0.3", "--im=-0.5:0.5", "-o", path, "--save-every", "0.05"]
        with harness.Running(work, 2) as running:
            self.assertTrue(running.wait_for(lambda: harness.finished(f"{path}.part") > 0))
            harness.kill(running.ranks())
            self.assertNotEqual(running.result().code, 0)
        result = self.run_ok([*work, "--resume", "--json"], 3, timeout=200)
        self.assertGreater(result.json["resumed_items"], 0)
        self.assertEqual(result.json["digest"], self.record(work[:-4], 2, timeout=200)["digest"])

    def test_unbound_ranks_share_cores_and_are_told(self):
        cores = len(os.sched_getaffinity(0))
        plain = {"OMP_NUM_THREADS": ""}
        result = self.run_ok(["fractal", *SMALL], 2, **plain)
        self.assertIn(f"2 ranks x {max(1, cores // 2)} thread", result.out)
        self.assertRegex(result.out, r"note +ranks are not bound and share \d+ cores; mpirun -bind-to core:\d+ binds them"
                         if cores > 1 else "oversubscribed")

    def study(self, program, *options):
        path = self.folder / "s.h5"
        result = harness.run(["study", "-o", path, "--force", "--ranks", "1,2", "--repeats", "1", "--warmup", "0",
                              "--oversubscribe", "--binding", "ignore", *options, "--", program, "fractal", *SMALL],
                             timeout=200)
        self.assertEqual(result.code, 0, result)
        return launcher_lines(path)

    def test_study_starts_each_program_by_its_own_mpi(self):
        self.assertEqual({"mpirun.mpich" in str(line) for line in self.study("paceline")}, {True})
        if pathlib.Path(OTHER).is_file():
            for line in self.study(OTHER):
                self.assertIn("--map-by", line, "Open MPI's words")
                self.assertNotIn("mpich", str(line))

    def test_profile(self):
        result = self.run_ok(["profile", "--json", "--", *harness.MPIRUN, "-np", "2", harness.PROGRAM, "fractal", *SMALL])
        self.assertEqual((result.json["ranks"], len(result.json["per_rank"])), (2, 2))


if __name__ == "__main__":
    unittest.main()
