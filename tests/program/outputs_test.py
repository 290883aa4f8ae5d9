"""What lies in the way of a run's files: leftovers, links, pipes and folders under the names that a run uses meanwhile,
and names with characters that a terminal acts on. No file of others is touched, nothing hangs, an error is one line."""
import json
import os
import stat
import unittest

import h5py

import fault_case
import harness

USAGE, INPUT, OUTPUT = 2, 3, 4
IMAGE = ["fractal", "--rows", 40, "--cols", 30, "--max-iter", 100]
VICTIM = b"a file of others"


class InTheWay(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.path, self.part = self.folder / "f.h5", self.folder / "f.h5.part"
        self.picture, self.picture_part = self.folder / "f.png", self.folder / "f.png.part"
        self.words = [*IMAGE, "-o", self.path, "--png", self.picture]
        self.victim = self.folder / "victim"

    def clear(self):
        for path in (self.path, self.part, self.picture, self.picture_part, self.victim):
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink(missing_ok=True)

    def assert_right(self):
        """The result and its picture, and nothing that a run uses meanwhile."""
        reference = self.folder / "reference"
        if not reference.exists():
            reference.mkdir()
            self.run_ok([*IMAGE, "-o", reference / "f.h5", "--png", reference / "f.png"])
        self.assertEqual(fault_case.contents(self.path), fault_case.contents(reference / "f.h5"))
        self.assertEqual(self.picture.read_bytes(), (reference / "f.png").read_bytes())
        self.assertFalse([path.name for path in self.folder.iterdir() if ".part" in path.name])

    def test_leftovers_without_a_result(self):
        """What a run leaves that is killed before its file has a structure, and while it draws."""
        for ranks in (None, 2):
            for options in (["--resume"], ["--force"]):
                with self.subTest(ranks=ranks, options=options):
                    self.part.write_bytes(b"")
                    self.picture_part.write_bytes(b"\x89PNG")
                    result = self.run_ok([*self.words, *options, "--json"], ranks)
                    self.assertEqual(result.json["resumed_items"], 0)
                    self.assert_right()
                    self.path.unlink()
                    self.picture.unlink()

    def test_picture_that_was_not_finished(self):
        """The result is complete: only the picture is drawn again."""
        for left in (b"", b"\x89PNG half"):
            self.path.unlink(missing_ok=True)
            self.picture.unlink(missing_ok=True)
            self.record([*IMAGE, "-o", self.path])
            self.picture_part.write_bytes(left)
            result = self.run_ok([*self.words, "--resume", "--json"])
            self.assertEqual(result.json["resumed_items"], 40)
            self.assert_right()

    def test_picture_alone_is_advised_nothing_that_does_not_help(self):
        self.picture.write_bytes(b"mine")
        result = harness.run([*IMAGE, "--png", self.picture])
        self.assert_error(result, OUTPUT, "f.png", "--force")
        self.assertNotIn("--resume", result.err)

    def test_links(self):
        """Names that are a run's alone are never followed to a file of others."""
        for name in (self.part, self.picture_part):
            for target in (VICTIM, None):
                for options in ([], ["--resume"], ["--force"]):
                    with self.subTest(name=name.name, target=target, options=options):
                        self.clear()
                        if target is not None:
                            self.victim.write_bytes(target)
                        name.symlink_to(self.victim)
                        result = harness.run([*self.words, *options])
                        self.assertEqual(self.victim.read_bytes() if self.victim.exists() else None, target, result)
                        if result.code == 0:
                            self.assert_right()
                        else:
                            self.assertIn(result.code, (INPUT, OUTPUT), result)
                            self.assert_error(result, result.code)

    def test_pipes_and_folders(self):
        for name in (self.part, self.picture_part):
            for make in (os.mkfifo, os.mkdir):
                for options in ([], ["--resume"], ["--force"]):
                    with self.subTest(name=name.name, make=make.__name__, options=options):
                        self.clear()
                        make(name)
                        result = harness.run([*self.words, *options], timeout=20)
                        if result.code == 0:
                            self.assert_right()
                        else:
                            self.assert_error(result, OUTPUT, name.name)

    def test_scratch(self):
        """Where there is no --output: a name that can't be foreseen, for no eyes but the user's, or no name at all."""
        scratch = self.folder / "scratch"
        scratch.mkdir()
        log = self.folder / "log"
        words = ["array", "--op", "sum", "--size", 20000]
        wrap = ["env", f"TMPDIR={scratch}", f"LD_PRELOAD={fault_case.SHIM}", f"FAULT_FILES={scratch}/*paceline*",
                f"FAULT_LOG={log}"]
        result = harness.run(words, wrap_rank=wrap)
        self.assertEqual(result.code, 0, result)
        calls = [line.split() for line in log.with_name("log.0").read_text().splitlines()]
        self.assertTrue(calls, "the scratch file has another place or name")
        for call in calls:
            self.assertNotIn(call[2], os.path.basename(call[4]))  # the process id
        self.assertEqual(list(scratch.iterdir()), [])
        for at in (2, len(calls)):
            harness.run(words, wrap_rank=[*wrap, f"FAULT_AT={at}"])
            for path in scratch.iterdir():
                self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path)

    def test_scratch_without_a_place(self):
        result = harness.run(["array", "--op", "sum", "--size", 20000], TMPDIR=str(self.folder / "nowhere"))
        self.assert_error(result, OUTPUT, "TMPDIR")


class OneLine(harness.TestCase):
    """Names that come from outside are shown so that a line stays a line, and a terminal does nothing but show it."""

    STRANGE = "a\nb\x1b[31mc\x07\x7fd"

    def assert_line(self, result, code):
        self.assert_error(result, code)
        self.assertNotRegex(result.err[:-1], r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", result)

    def test_options(self):
        for words, code in ((["fractal", "--formula", self.STRANGE], USAGE), (["fractal", f"--{self.STRANGE}"], USAGE),
                            ([self.STRANGE], USAGE), (["array", "--op", self.STRANGE], USAGE),
                            (["tasks", "--work", self.STRANGE], USAGE), (["fractal", "--re", self.STRANGE], USAGE),
                            (["fetch", f"http://{self.STRANGE}/"], USAGE),
                            (["plot", self.STRANGE, "-o", "x.png"], INPUT),
                            (["fit", self.STRANGE], INPUT), (["table", self.STRANGE], INPUT),
                            (["array", "--op", "sum", "--input", f"{self.STRANGE}:x"], INPUT)):
            with self.subTest(words):
                self.assert_line(harness.run(words), code)

    def test_bytes_that_are_no_text(self):
        name = os.fsdecode(b"\xff\xfe.csv")
        self.assert_line(harness.run(["table", name]), INPUT)
        (self.folder / name).write_text("x\n1\n")
        result = self.run_ok(["table", self.folder / name, "-o", self.folder / "t.h5", "--json"])
        self.assertIn("table", json.loads(result.out.encode("utf-8", "strict").decode())["command"])

    def test_places(self):
        self.assert_line(harness.run([*IMAGE, "-o", self.folder / self.STRANGE / "f.h5"]), OUTPUT)
        path = self.folder / f"{self.STRANGE}.h5"
        result = self.run_ok([*IMAGE, "-o", path])
        self.assertNotRegex(result.out.replace("\n", ""), r"[\x00-\x1f\x7f]", result)
        self.assert_line(harness.run([*IMAGE, "-o", path]), OUTPUT)
        with h5py.File(path) as file:
            self.assertIn("fractal", str(file.attrs["command"]))

    def test_names_within_files(self):
        table = self.folder / "t.csv"
        table.write_text(f'"{self.STRANGE}",y\n1,2\n')
        self.assert_line(harness.run(["table", table, "--columns", "z"]), INPUT)
        with h5py.File(self.folder / "x.h5", "w") as file:
            file[self.STRANGE] = [1.0]
        self.assert_line(harness.run(["array", "--op", "sum", "--input", f"{self.folder}/x.h5:y"]), INPUT)


if __name__ == "__main__":
    unittest.main()
