"""`paceline fit` and `paceline compare` as users run them, on small studies of a program that is not ours."""
import collections
import json
import os
import pathlib
import random
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

    def test_nothing_counts(self):
        def change(rows):
            rows["bound_ok"] = 0

        result = run(["fit", self.study(change=change)])
        self.assertEqual(result.code, 5, result)
        self.assertIn("no layout counts", result.out)
        self.assertRegex(result.err, r"\Apaceline: error: no run counts[^\n]+ \(1 x 1: [^\n]+threads that share a core\); [^\n]+\n\Z")

    def test_what_follows(self):
        fit = self.record(["fit", self.study(), "--threshold", "80%"])
        amdahl = fit["models"]["amdahl"]
        self.assertAlmostEqual(amdahl["limit_speedup"]["value"], 1 / amdahl["serial_fraction"]["value"])
        threshold = fit["threshold"]
        self.assertEqual((threshold["ranks"] * threshold["threads"], threshold["efficiency"]), (2, 0.8))
        # 1/(1 + s*(p - 1)) >= 0.8 holds up to p = 1 + 0.25/s.
        self.assertEqual(threshold["cores_by_law"], int(1 + 0.25 / amdahl["serial_fraction"]["value"]))
        text = self.run_ok(["fit", self.study()]).out
        for part in ("limit     speed-up on any number of cores", ">= 75 %   efficiency up to 2 x 2 measured"):
            self.assertIn(part, text)
        throughput = self.record(["fit", self.study(), "--objective", "throughput"])
        self.assertEqual(throughput["chosen"], "amdahl")

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
        self.assertEqual(why[1, 2], "no run counts: 4 reported a time that is not a positive number")
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


class Damaged(Studies):
    """Whatever the bytes of a study are, each command ends in time with a result or with one line."""

    def commands(self, path):
        return (["fit", path], ["compare", path, self.whole], ["merge", path, self.whole, "-o", self.folder / "m.h5", "--force"],
                ["plot", path, "-o", self.folder / "p.png", "--force"], ["report", path, "-o", self.folder / "r.csv", "--force"])

    def assert_told(self, result, words):
        self.assertIn(result.code, (0, 2, 3, 5), result)
        self.assertNotIn("Traceback", result.err)
        self.assertNotIn("HDF5-DIAG", result.err)
        errors = [line for line in result.err.splitlines() if not line.startswith("paceline: note: ")]
        self.assertEqual(len(errors), 0 if result.code == 0 else 1, (words, str(result)))
        for line in errors:
            self.assertTrue(line.startswith("paceline: error: "), line)
            self.assertTrue(line.isprintable(), line)

    def test_bytes_by_seed(self):
        self.whole = self.study("whole.h5")
        bytes_of_it = self.whole.read_bytes()
        chance = random.Random(int(os.environ.get("PACELINE_SEED", 20261129)))
        # PACELINE_MUTATIONS: more of them, by hand.
        mutations = int(os.environ.get("PACELINE_MUTATIONS", 30))
        path = self.folder / "damaged.h5"
        codes = collections.Counter()
        for number in range(mutations):
            data = bytearray(bytes_of_it)
            kind = number % 3
            place = chance.randrange(len(data))
            if kind == 0:
                for _ in range(chance.randint(1, 8)):
                    data[chance.randrange(len(data))] = chance.randrange(256)
            elif kind == 1:
                data[place:place + 256] = bytes(len(data[place:place + 256]))
            else:
                del data[place:]
            path.write_bytes(data)
            words = self.commands(path)[number % 5]
            with self.subTest(f"mutation {number}: {words[0]}"):
                result = run(words, timeout=60)
                self.assert_told(result, words)
                codes[result.code] += 1
        self.assertGreater(codes[3], 0, "the damage is seen")

    def test_values_that_can_not_be(self):
        self.whole = self.study("whole.h5")
        for column, value in (("ranks", 0), ("ranks", -5), ("ranks", 2**31 - 1), ("threads", 0), ("nodes", 0), ("repeat", -1),
                              ("order", -7), ("status", b"odd")):
            def change(rows):
                rows[column][3] = value
            path = self.study("odd.h5", change)
            for words in self.commands(path):
                with self.subTest(f"{column} {value}: {words[0]}"):
                    self.assert_error(run(words), 3, "odd.h5 is damaged or not a study")

    def test_what_hdf5_loops_on(self):
        """A heap of variable-length texts, as files of other programs have it, with its sizes zeroed."""
        path = self.folder / "heap.h5"
        with h5py.File(path, "w") as file:
            file.attrs["software"] = "other"
            group = file.create_group("study")
            for name in ("command", "launcher", "mode"):
                group.attrs[name] = name + 300 * "x"
        data = bytearray(path.read_bytes())
        place = data.index(b"GCOL")
        data[place + 16:place + 4096] = bytes(len(data[place + 16:place + 4096]))
        path.write_bytes(data)
        self.whole = self.study("whole.h5")
        result = run(["fit", path], timeout=60)
        self.assert_error(result, 3, "damaged or not a study")

    def test_files_of_the_first_version(self):
        """They have texts of variable length."""
        whole = self.study("whole.h5")
        old = self.folder / "old.h5"
        text = h5py.string_dtype()
        with h5py.File(whole) as source, h5py.File(old, "w") as file:
            group = file.create_group("study")
            for name, value in source["study"].attrs.items():
                group.attrs[name] = value.decode()
            for name in ("samples", "left_out"):
                rows = source["study"][name][:]
                kept = [column for column in rows.dtype.names if not column.endswith("_bytes")]
                types = [(column, text if column in ("digest", "reason") else rows.dtype[column]) for column in kept]
                table = numpy.empty(len(rows), types)
                for column in kept:
                    table[column] = rows[column]
                group.create_dataset(name, data=table, maxshape=(None,), chunks=(32,))
        fit = self.record(["fit", old])
        self.assertEqual(fit["models"], self.record(["fit", whole])["models"])


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

    def test_a_gate(self):
        def change(rows):
            rows["wall_s"][(rows["ranks"] == 2) & (rows["threads"] == 2)] *= 1.2

        old, new = self.study("a.h5"), self.study("b.h5", change)
        result = run(["compare", old, new, "--fail-above", "5%"])
        self.assertEqual(result.code, 5, result)
        self.assertRegex(result.out, r"gate +slower by more than 5 %: 2 x 2 by \d+")
        self.assertRegex(result.err, r"\Apaceline: error: slower by more than 5 % \(2 x 2 by [^\n]+\); [^\n]+\n\Z")
        result = run(["compare", old, new, "--fail-above", "5%", "--json"])
        self.assertEqual(result.code, 5, result)
        gates = {(row["ranks"], row["threads"]): row["gate"] for row in result.json["layouts"]}
        self.assertEqual(gates, {(1, 1): "passes", (1, 2): "passes", (2, 1): "passes", (2, 2): "fails"})
        result = self.run_ok(["compare", old, new, "--fail-above", "20%"])
        self.assertRegex(result.out, r"unresolved: 2 x 2 \(the interval holds 20 %")
        self.run_ok(["compare", old, new, "--fail-above", "40%"])
        self.assertIsNone(self.record(["compare", old, new])["layouts"][0]["gate"])
        self.assert_error(run(["compare", old, new, "--fail-above", "5"]), 2, "like 5%")


if __name__ == "__main__":
    main()
