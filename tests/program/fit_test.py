"""`paceline fit` and `paceline compare` as users run them, on small studies of a program that is not ours."""
import json
import os
import pathlib
import shutil
import tempfile
import unittest

import h5py
import numpy

from harness import PROGRAM, TestCase, main, run

# Real studies whose times are replaced by known ones: a file as users have it, and answers that are known.
SECONDS = {(1, 1): 10.0, (2, 1): 5.5, (1, 2): 5.5, (2, 2): 3.25}  # a serial fraction of 0.1


def setUpModule():
    global made
    made = pathlib.Path(tempfile.mkdtemp(prefix="paceline-test-")) / "study.h5"
    unittest.addModuleCleanup(shutil.rmtree, made.parent, ignore_errors=True)
    result = run(["study", "-o", made, "--ranks", "1,2", "--threads", "1,2", "--repeats", "4", "--launcher", "{command}",
                  "--binding", "ignore", "--oversubscribe", "--", "sh", "-c", "exit 0 # {ranks}"])
    assert result.code == 0, result


class Studies(TestCase):
    def study(self, name="study.h5", change=lambda rows: None):
        """A study with the known times, one per cent apart from run to run, after `change` of its samples."""
        path = self.folder / name
        shutil.copy(made, path)
        with h5py.File(path, "r+") as file:
            rows = file["/study/samples"][:]
            for i, row in enumerate(rows):
                row["wall_s"] = SECONDS[row["ranks"], row["threads"]] * (1 + 0.01 * (i * 7 % 5 - 2) / 2)
                row["bound_ok"] = 1
            change(rows)
            file["/study/samples"][:] = rows
            if "fit" in file:
                del file["fit"]
        return path


class Fit(Studies):
    def test_the_law_is_found(self):
        path = self.study()
        fit = self.record(["fit", path, "--at", "4x2"])
        serial = fit["models"]["amdahl"]["serial_fraction"]
        self.assertLessEqual(serial["low"], 0.1)
        self.assertGreaterEqual(serial["high"], 0.1)
        self.assertAlmostEqual(serial["value"], 0.1, delta=0.02)
        self.assertEqual(fit["chosen"], "amdahl")
        self.assertEqual(fit["fastest"], [{"ranks": 2, "threads": 2}])
        self.assertEqual(len(fit["layouts"]), 4)
        self.assertTrue(all(row["used"] for row in fit["layouts"]))
        # Of all cores that were measured, and half as many again.
        self.assertEqual([(point["ranks"], point["threads"]) for point in fit["curve"]], [(n, 1) for n in range(1, 7)])
        for point in fit["curve"]:
            self.assertLess(point["low"], point["value"])
            self.assertLess(point["value"], point["high"])
        at = fit["prediction"]
        self.assertEqual((at["ranks"], at["threads"]), (4, 2))
        self.assertLess(at["low"], 10 * (0.1 + 0.9 / 8))
        self.assertGreater(at["high"], 10 * (0.1 + 0.9 / 8))
        self.assertEqual(self.record(["fit", path, "--at", "4x2"]), fit, "the same file, the same fit")

    def test_the_file_keeps_the_fit(self):
        path = self.study()
        fit = self.record(["fit", path])
        with h5py.File(path, "r") as file:
            self.assertEqual(json.loads(file["/fit/json"][()]), fit)
            self.assertEqual(len(file["/study/samples"]), 20)

    def test_text(self):
        text = self.run_ok(["fit", self.study()]).out
        for part in ("16 runs of 4 layouts count, 4 warm-ups", "serial_fraction", "amdahl: ", "use 2 ranks x 2 threads"):
            self.assertIn(part, text)

    def test_unbound_and_failed_runs_are_named(self):
        def change(rows):
            rows["bound_ok"][(rows["ranks"] == 2) & (rows["threads"] == 2)] = 0
            rows["wall_s"][(rows["ranks"] == 1) & (rows["threads"] == 2)] = numpy.nan

        fit = self.record(["fit", self.study(change=change), "--at", "64x1"])
        why = {(row["ranks"], row["threads"]): row["why_not"] for row in fit["layouts"]}
        self.assertEqual(why[2, 2], "no run counts: 4 with threads that share a core")
        self.assertEqual(why[1, 2], "no run counts: 4 told a time that is no positive number")
        self.assertIsNone(fit["chosen"])
        self.assertIsNone(fit["prediction"])
        self.assertIn("2 layouts are too few", fit["why"])

    def test_model_is_forced(self):
        path = self.study()
        self.assertEqual(self.record(["fit", path, "--model", "two-level"])["chosen"], "two-level")
        self.assert_error(run(["fit", path, "--model", "gustafson"]), 2, "weak scaling")

    def test_bad_files(self):
        path = self.study()
        other = self.folder / "other.h5"
        self.assert_error(run(["fit", other]), 3)
        other.write_bytes(path.read_bytes()[:2000])
        self.assert_error(run(["fit", other]), 3)
        other.write_text("no study\n")
        self.assert_error(run(["fit", other]), 3)
        with h5py.File(other, "w") as file:
            file["x"] = 1
        self.assert_error(run(["fit", other]), 3)
        self.assert_error(run(["compare", path, other]), 3)
        self.assert_error(run(["compare", other, path]), 3)

    def test_the_fit_is_told_where_it_cant_be_kept(self):
        """Permissions don't hold root back, so root becomes nobody, with a program that nobody can reach."""
        path = self.study()
        program = self.folder / "paceline"
        shutil.copy(PROGRAM, program)
        self.folder.chmod(0o555)
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        result = run(["fit", path], wrap=nobody, program=str(program))
        self.folder.chmod(0o777)
        self.assertEqual(result.code, 4, result)
        self.assertIn("use 2 ranks", result.out)
        self.assertIn("can't keep the fit", result.err)
        self.assertIn("Permission denied", result.err)
        self.assertIn("copy the study", result.err)
        self.assertNotIn("--resume", result.err)

    def test_a_limit_on_the_file_is_told(self):
        path = self.study()
        size = path.stat().st_size
        for limit in (1, size // 1024 - 1, size // 1024 + 2):
            before = path.read_bytes()
            words = ["bash", "-c", f'ulimit -f {limit}; exec "$@"', "bash"]
            result = run(["fit", path], wrap=words)
            self.assertEqual(result.code, 4, result)
            self.assertRegex(result.err, r"\Apaceline: error: can't keep the fit[^\n]+\n\Z", result)
            self.assertEqual(path.read_bytes(), before)
            self.assert_only(path.name)

    def test_one_process_alone(self):
        path = self.study()
        for words in (["fit", path], ["compare", path, path], ["merge", path, "-o", self.folder / "all.h5"],
                      ["plot", path, "-o", self.folder / "p.png"]):
            self.assert_error(run(words, ranks=2), 2, "for one process", "without mpirun")
        self.assert_only(path.name)
        self.run_ok(["compare", path, path], ranks=1)
        # PMIx alone does not tell how many there are; and only rank 0 speaks.
        self.assertEqual(run(["fit", path], PMIX_RANK="1").code, 2)
        self.assertEqual(run(["fit", path], PMIX_RANK="0").code, 0)

    def test_output_that_nobody_takes(self):
        path = self.study()
        for words in (["fit", path], ["compare", path, path], ["info"], ["--version"], ["--help"],
                      ["fractal", "--dry-run"]):
            for place in (">/dev/full", ">&-"):
                result = run(words, wrap=["bash", "-c", f'exec "$@" {place}', "bash"])
                self.assert_error(result, 4, "can't write")
        with h5py.File(path, "r") as file:
            self.assertEqual(len(file["/study/samples"]), 20)

    def test_usage(self):
        self.assert_error(run(["fit", self.study(), "--at", "8"]), 2, "RANKSxTHREADS")


class Compare(Studies):
    def test_the_same(self):
        result = self.run_ok(["compare", self.study("a.h5"), self.study("b.h5")])
        self.assertIn("no difference beyond the noise in 4 layouts", result.out)

    def test_a_slower_layout(self):
        def change(rows):
            rows["wall_s"][(rows["ranks"] == 2) & (rows["threads"] == 2)] *= 1.2

        result = self.run_ok(["compare", self.study("a.h5"), self.study("b.h5", change)])
        self.assertRegex(result.out, r"2 x 2 +1\.2\d* .*B is slower")
        self.assertIn("of 4 layouts, B is slower on 1 and faster on 0", result.out)


if __name__ == "__main__":
    main()
