"""Each exit code with its sentence: told once, by rank 0, in one line, and nothing of the user's is lost."""
import concurrent.futures
import ctypes
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import unittest

import h5py

import harness

USAGE, INPUT, OUTPUT, CHECK = 2, 3, 4, 5
IMAGE = ["--rows", 40, "--cols", 30, "--re=-2:1", "--im=-1:1", "--max-iter", 100]
# Lasts seconds on any machine, in many bands.
SLOW = ["--rows", 200, "--cols", 200, "--re=-0.6:0.3", "--im=-0.5:0.5", "--max-iter", 10**6, "--interior", "plain",
        "--memory-limit", 4 * 808 * 8]
# Mounts a small file system on $0 that goes with the process, which takes itself for root meanwhile.
TMPFS = ["unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size="$1" tmpfs "$0" && shift && exec "$@"']


class CommandLine(harness.TestCase):
    def test_usage_errors(self):
        for options, *parts in (
                (["--bogus"], "--bogus"),
                (["--rows", "0"], "--rows", "0"),
                (["--rows", "-1"], "--rows", "-1"),
                (["--rows", "1000000000000"], "--rows", "1000000000000"),
                (["--rows", "NaN"], "--rows", "NaN"),
                (["--rows", "1.5"], "--rows"),
                (["--rows", "99999999999999999999"], "--rows"),
                (["--cols", "0"], "--cols"),
                (["--re", "1:1"], "--re 1:1", "the range is empty"),
                (["--im=nan:1"], "--im nan:1", "not finite"),
                (["--re=0:inf"], "--re 0:inf", "not finite"),
                (["--re=-1e308:1e308", "--cols", "2"], "--re", "overflows"),
                (["--re", "1"], "--re 1", "not two numbers"),
                (["--re=1:2:3"], "not two numbers"),
                (["--re="], "--re"),
                (["--max-iter", "0"], "--max-iter"),
                (["--formula", "newton"], "newton"),
                (["--formula", "julia", "--julia-c", "1"], "--julia-c 1"),
                (["--colormap", "jet"], "jet", "viridis"),
                (["--threads", "0"], "--threads"),
                (["--schedule", "random"], "random"),
                (["--chunk", "0"], "--chunk"),
                (["--gather", "all"], "all"),
                (["--memory-limit", "lots"], "--memory-limit"),
                (["--memory-limit", "0"], "--memory-limit"),
                (["--watchdog", "-1"], "--watchdog"),
                (["--force", "--resume"], "--force", "--resume"),
                (["-o"], "-o"),
        ):
            with self.subTest(options):
                self.assert_error(harness.run(["fractal", *options]), USAGE, *parts)
        for arguments in ([], ["mandelbrot"], ["plot"], ["info", "--bogus"]):
            with self.subTest(arguments):
                self.assert_error(harness.run(arguments), USAGE, "--help")

    def test_one_rank_speaks(self):
        for options in (["--bogus"], ["--re", "1:1"], ["--memory-limit", "1"]):
            with self.subTest(options):
                self.assert_error(harness.run(["fractal", *options], ranks=3), USAGE)


class Outputs(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "f.h5"

    def fail(self, *parts, output=None, options=(), code=OUTPUT, ranks=None, **more):
        result = harness.run(["fractal", *IMAGE, "-o", output or self.path, *options], ranks, **more)
        self.assert_error(result, code, *parts)

    def test_existing_output(self):
        self.path.write_text("mine")
        self.fail("f.h5 (it exists); --force overwrites it")
        self.fail("f.h5 (it exists); --force overwrites it", ranks=3)
        self.assertEqual(self.path.read_text(), "mine")
        self.run_ok(["fractal", *IMAGE, "-o", self.path, "--force"])
        self.assertTrue(h5py.is_hdf5(self.path))

    def test_existing_part(self):
        """One in which anything is finished is not lost unasked."""
        part = pathlib.Path(f"{self.path}.part")
        self.run_ok(["fractal", *IMAGE, "-o", part])
        with h5py.File(part, "r+") as file:
            file["/run/finished"][1:] = 0
        before = part.read_bytes()
        self.fail("f.h5.part", "--resume", "--force", ranks=3)
        # Whatever its parameters were.
        other = [200 if option == 100 else option for option in IMAGE]
        self.assert_error(harness.run(["fractal", *other, "-o", self.path]), OUTPUT, "f.h5.part", "--resume", "--force")
        self.assertEqual(part.read_bytes(), before)
        self.run_ok(["fractal", *IMAGE, "-o", self.path, "--force"])
        self.assert_only("f.h5")
        # Nothing is lost here.
        for left in (b"", b"text", bytes(10_000)):
            self.path.unlink()
            part.write_bytes(left)
            self.run_ok(["fractal", *IMAGE, "-o", self.path], ranks=3)
            self.assert_only("f.h5")

    def test_places_that_are_none(self):
        self.fail("there is no folder", output=self.folder / "no" / "f.h5", ranks=3)
        self.fail("it is a folder", output=self.folder)
        self.fail("it is a folder", output=self.folder, options=["--force"])
        (self.folder / "file").write_text("mine")
        self.fail("not a folder", output=self.folder / "file" / "f.h5")
        self.assert_only("file")

    def test_unwritable_folder(self):
        """Permissions don't hold root back, so root becomes nobody."""
        program = shutil.copy(harness.PROGRAM, self.folder)
        closed = self.folder / "closed"
        closed.mkdir()
        closed.chmod(0o555)
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        for ranks in (None, 3):
            self.fail("closed", "Permission denied", output=closed / "f.h5", ranks=ranks, wrap=nobody, program=program)
        self.fail("closed", "Permission denied", options=["--png", closed / "f.png"], wrap=nobody, program=program)

    def test_picture(self):
        (self.folder / "f.png").write_text("mine")
        self.fail("f.png (it exists); --force", options=["--png", self.folder / "f.png"])
        self.assertEqual((self.folder / "f.png").read_text(), "mine")
        self.fail("there is no folder", options=["--png", self.folder / "no" / "f.png"])
        self.fail("it is a folder", options=["--png", self.folder])
        self.assert_only("f.png")

    def test_devices_and_pipes_are_no_files(self):
        pipe = self.folder / "pipe.h5"
        os.mkfifo(pipe)
        for options in (["-o", pipe], ["--png", pipe]):
            with self.subTest(options=options):
                result = harness.run(["fractal", *IMAGE, *options, "--force"])
                self.assertEqual((result.code, result.out), (OUTPUT, ""))
                self.assertRegex(result.err, r"\Apaceline: error: .*it is a device or a pipe.*\n\Z")
        self.assertTrue(pipe.is_fifo())
        self.assert_only("pipe.h5")

    def test_links_stay(self):
        """What a link points to is written, wherever it lies and whether it is there or not."""
        there = self.folder / "there"
        there.mkdir()
        self.path.symlink_to("there/result.h5")
        picture = self.folder / "f.png"
        picture.symlink_to(there / "picture.png")
        for options in ([], ["--force"], ["--force", "--gather", "root"]):
            with self.subTest(options):
                if options:
                    (there / "result.h5").write_text("old")
                    (there / "picture.png").write_text("old")
                    self.fail("f.h5 (it exists)")
                self.run_ok(["fractal", *IMAGE, "-o", self.path, "--png", picture, *options], ranks=3)
                self.assertEqual((os.readlink(self.path), os.readlink(picture)),
                                 ("there/result.h5", str(there / "picture.png")))
                self.assertTrue(h5py.is_hdf5(there / "result.h5"))
                self.assertTrue((there / "picture.png").read_bytes().startswith(b"\x89PNG"))
                self.assertEqual(sorted(os.listdir(there)), ["picture.png", "result.h5"])
        part = there / "result.h5.part"
        (there / "result.h5").rename(part)
        self.fail("an interrupted run", str(part))
        part.unlink()
        self.run_ok(["fractal", *IMAGE, "-o", self.path])
        self.run_ok(["plot", self.path, "-o", picture, "--force"])
        self.assertTrue(picture.is_symlink())
        self.assert_only("f.h5", "f.png", "there")
        shutil.rmtree(there)
        self.fail("f.h5 (there is no folder")

    def test_links_in_a_circle(self):
        self.path.symlink_to("g.h5")
        (self.folder / "g.h5").symlink_to("f.h5")
        self.fail("f.h5 (its symbolic links lead in a circle)", options=["--force"], ranks=3)
        self.fail("f.h5 (its symbolic links lead in a circle)", output=self.folder / "r.h5",
                  options=["--png", self.path])
        self.run_ok(["fractal", *IMAGE, "-o", self.folder / "r.h5"])
        (self.folder / "p.png").symlink_to("p.png")
        self.assert_error(harness.run(["plot", self.folder / "r.h5", "-o", self.folder / "p.png"]), OUTPUT, "circle")
        self.assert_only("f.h5", "g.h5", "p.png", "r.h5")

    def test_picture_over_the_result(self):
        for output, picture in (("f.h5", "f.h5"), ("f.h5", "./f.h5"), ("./f.h5", self.folder / "f.h5"),
                                ("f.h5", "f.h5.part")):
            with self.subTest(picture=picture):
                self.fail("two outputs", output=output, options=["--png", picture], code=USAGE, cwd=self.folder)
        (self.folder / "link.h5").symlink_to("f.h5")
        self.fail("two outputs", output="link.h5", options=["--png", "f.h5"], code=USAGE, cwd=self.folder)
        self.assert_only("link.h5")

    def test_report_that_nobody_takes(self):
        with open("/dev/full", "w") as full:
            run = subprocess.run(harness.command(["fractal", *IMAGE]), stdout=full, stderr=subprocess.PIPE, text=True,
                                 env=harness.environment(), timeout=60)
        self.assertEqual(run.returncode, OUTPUT)
        self.assertEqual(run.stderr, "paceline: error: can't write the report (No space left on device); free space, or "
                                     "print to another place\n")

    def test_interrupted_without_an_output(self):
        def catches(pid):
            caught = re.search(r"(?m)^SigCgt:\s*(\w+)", pathlib.Path(f"/proc/{pid}/status").read_text())
            return int(caught[1], 16) >> (signal.SIGTERM - 1) & 1

        with harness.Running(["tasks", "--work", "sleep:0.05", "--count", 2000]) as running:
            self.assertTrue(running.wait_for(lambda: any(map(catches, running.ranks()))))
            harness.kill(running.ranks(), signal.SIGTERM)
            result = running.result()
        self.assertEqual(result.code, 1, result)
        self.assertRegex(result.err.splitlines()[-1], r"^paceline: error: interrupted by signal 15 [^;]*\(there is no "
                                                      r"--output, so nothing is saved\); with one, --resume could go on$")


class FullDisk(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "f.h5"

    def tmpfs(self, size):
        """Words that mount a small file system where self.folder / "small" is, or nothing where that is forbidden."""
        small = self.folder / "small"
        small.mkdir()
        words = [*TMPFS, str(small), size]
        return words if subprocess.run([*words, "true"], capture_output=True).returncode == 0 else None

    def test_seen_before_computing(self):
        # Open MPI's own files need more, so that the limit is the program's alone.
        result = harness.run(["fractal", *SLOW, "-o", self.path], ranks=1, timeout=10,
                             wrap_rank=["prlimit", "--fsize=100000"])
        self.assert_error(result, OUTPUT, "the limit for a file is 100.0 kB", "ulimit -f")
        self.assert_only()
        if wrap := self.tmpfs("256k"):
            result = harness.run(["fractal", *SLOW, "-o", self.folder / "small" / "f.h5"], 3, timeout=10, wrap=wrap,
                                 TMPDIR=str(self.folder))
            self.assert_error(result, OUTPUT, "are free")

    def check_full_in_mid_run(self, gather):
        """A file-size limit that comes when the run is under way. What is there stays and is gone on with."""
        with harness.Running(["fractal", *SLOW, "-o", self.path, "--gather", gather], ranks=3) as run:
            self.assertTrue(run.wait_for(lambda: harness.finished(f"{self.path}.part") > 0))
            for pid in run.ranks():
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (1 << 16, resource.RLIM_INFINITY))
            result = run.result(timeout=20)
        if gather == "parallel":
            # Open MPI tells nobody why a write failed but the user, in a line of its own.
            result.err = "".join(line for line in result.err.splitlines(True) if not line.startswith("mca_"))
        self.assert_error(result, OUTPUT, "f.h5.part", "File too large" if gather == "root" else "write", "--resume")
        self.assert_only("f.h5.part")
        self.assertGreater(harness.finished(f"{self.path}.part"), 0)

    def test_full_in_mid_run_parallel(self):
        self.check_full_in_mid_run("parallel")

    def test_full_in_mid_run_root(self):
        self.check_full_in_mid_run("root")

    def test_disk_that_others_fill(self):
        wrap = self.tmpfs("1536k")
        if wrap is None:
            return self.check_full_in_mid_run("root")
        path = self.folder / "small" / "f.h5"
        with harness.Running(["fractal", *SLOW, "-o", path], ranks=2, wrap=wrap, TMPDIR=str(self.folder)) as run:
            self.assertTrue(run.wait_for(lambda: len(run.ranks()) == 2))
            inside = pathlib.Path(f"/proc/{run.ranks()[0]}/root/{path}.part")
            self.assertTrue(run.wait_for(lambda: harness.finished(inside) > 0))
            with open(inside.with_name("others"), "wb", buffering=0) as others:
                with self.assertRaises(OSError):
                    while True:
                        others.write(b"x" * 4096)
            result = run.result(timeout=20)
        self.assert_error(result, OUTPUT, "f.h5.part", "no space left", "free space", "--resume")

    def test_no_room_for_the_picture(self):
        """The result is kept, and --resume draws it where there is room."""
        wrap = self.tmpfs("4k") or ["prlimit", "--fsize=16384"]
        image = ["fractal", "--rows", 300, "--cols", 400, "--max-iter", 250, "-o", self.path]
        result = harness.run([*image, "--png", self.folder / "small" / "f.png"], wrap=wrap,
                             TMPDIR=str(self.folder))
        self.assert_error(result, OUTPUT, "f.png", "No space left on device")
        picture = self.folder / "f.png"
        again = self.run_ok([*image, "--png", picture, "--resume", "--json"], ranks=2)
        self.assertRegex(again.err, r"\Apaceline: note: [^\n]*f.h5 is complete already\n\Z")
        resumed = again.json
        self.assertEqual(resumed["resumed_items"], 300)
        self.assertTrue(picture.exists())
        self.assertEqual(resumed["digest"], self.record([*image, "--force"])["digest"])


class Inputs(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "f.h5"
        self.part = pathlib.Path(f"{self.path}.part")
        self.digest = self.record(["fractal", *IMAGE, "-o", self.path])["digest"]

    def resume(self, *options, ranks=3):
        return harness.run(["fractal", *IMAGE, "-o", self.path, "--resume", *options], ranks)

    def make_unfinished(self, missing=slice(10, 20)):
        """What a run leaves that was killed: rows are not there, nor the digest and the tables."""
        with h5py.File(self.path, "a") as file:
            del file.attrs["digest"], file["/run/ranks"], file["/run/threads"]
            file["/run/finished"][missing] = 0
            file["/fractal/counts"][missing] = 77
        self.path.rename(self.part)

    def test_damaged_outside_of_the_data(self):
        """Nothing of that is believed, so a run goes on with the rows that are there."""
        self.make_unfinished()
        content = self.part.read_bytes()
        wrong_length, other_type = (self.folder / name for name in ("a", "b"))
        for path in (wrong_length, other_type):
            path.write_bytes(content)
        with h5py.File(wrong_length, "a") as file:
            del file["/run/finished"]
            file["/run/finished"] = [1] * 7
        with h5py.File(other_type, "a") as file:
            del file["/fractal/counts"]
            file["/fractal/counts"] = [["text"] * 30] * 40
        cases = {"empty": (b"", 0), "text": (b"Not HDF5.\n" * 100, 0), "first bytes": (content[:3000], 0),
                 "last byte missing": (content[:-1], 30), "first byte wrong": (b"X" + content[1:], 30),
                 "zeros": (bytes(len(content)), 0), "flags of another length": (wrong_length.read_bytes(), 30),
                 "another type": (other_type.read_bytes(), 30)}
        cases = [(name, gather, *case) for name, case in cases.items() for gather in ("parallel", "root")
                 if gather == "parallel" or name in ("last byte missing", "another type")]

        def resume(case):
            name, gather, damaged, items = case
            path = self.folder / f"{name}, {gather}.h5"
            pathlib.Path(f"{path}.part").write_bytes(damaged)
            result = harness.run(["fractal", *IMAGE, "-o", path, "--resume", "--gather", gather, "--verify", "--json"], 3)
            return name, gather, items, result

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for name, gather, items, result in pool.map(resume, cases):
                with self.subTest(name, gather=gather):
                    self.assertEqual(result.code, 0, result)
                    self.assertEqual((result.json["digest"], result.json["resumed_items"]), (self.digest, items), result)
                    self.assertEqual("nothing is finished" in result.err, items == 0 and name != "first bytes", result)

    def identity(self):
        """Where the bytes are by which a file knows its run."""
        with h5py.File(self.path) as file:
            return file["/run/identity"].id.get_offset(), file["/run/identity"].size

    def test_damaged_identity(self):
        """Nobody knows what these rows are of: they are not gone on with, nor lost."""
        at, size = self.identity()
        self.make_unfinished()
        content = self.part.read_bytes()
        # From 56 to 87 lies what a complete file says, which is not believed of this one.
        for place in (at, at + 50, at + 55, at + 88, at + size - 1):
            damaged = content[:place] + bytes([content[place] ^ 1]) + content[place + 1:]
            self.part.write_bytes(damaged)
            for result in (self.resume(), harness.run(["fractal", *IMAGE, "-o", self.path, "--resume"])):
                self.assert_error(result, INPUT, "f.h5.part", "damaged", "--force")
            self.assertTrue(self.part.read_bytes() == damaged, "the file was changed")

    def test_foreign_file(self):
        with h5py.File(self.part, "w") as file:
            file["x"] = [1.0, 2.0]
        self.path.unlink()
        foreign = self.part.read_bytes()
        self.assert_error(self.resume(), INPUT, "f.h5.part", "not a result of paceline", "--force")
        self.assert_error(harness.run(["fractal", *IMAGE, "-o", self.path]), OUTPUT, "an interrupted run")
        self.assertEqual(self.part.read_bytes(), foreign)

    def test_damaged_though_complete(self):
        content = self.path.read_bytes()
        for damaged in (content[:5000], b"Not HDF5."):
            self.path.write_bytes(damaged)
            self.assert_error(self.resume(), INPUT, "f.h5", "damaged")

    def test_any_byte_of_a_complete_file_counts(self):
        """Rows, axes, palette, tables, attributes, and what HDF5 has between them."""
        content = self.path.read_bytes()
        places = {0, len(content) - 1, *range(100, len(content), len(content) // 25)}
        with h5py.File(self.path) as file:
            for name in ("/fractal/counts", "/fractal/re", "/run/ranks", "/run/finished", "/run/item_digest",
                         "/run/identity"):
                places.add(file[name].id.get_offset() + 3)
        for number, place in enumerate(sorted(places)):
            damaged = content[:place] + bytes([content[place] ^ 4]) + content[place + 1:]
            self.path.write_bytes(damaged)
            with self.subTest(place=place):
                result = self.resume(ranks=3 if number % 5 == 0 else None)
                self.assert_error(result, INPUT, "f.h5", "damaged", "--force")
                self.assertTrue(self.path.read_bytes() == damaged, "the file was changed")
        self.path.write_bytes(content)
        self.assertEqual(self.resume("--json").json["digest"], self.digest)

    def test_other_parameters(self):
        """Neither an unfinished file nor a complete one is mistaken for another image."""
        cases = (("--max-iter", 101, "max_iter is 100 there and 101 here"), ("--re", "-2:0.5", "re_last"),
                 ("--im", "1:-1", "im_first"), ("--formula", "tricorn", "formula is mandelbrot there and tricorn here"),
                 ("--rows", 41, "the shape is 40 x 30 there and 41 x 30 here"))
        for state in ("complete", "unfinished"):
            if state == "unfinished":
                self.make_unfinished()
            for option, value, part in cases:
                with self.subTest(option, state=state):
                    image = {"--rows": 40, "--cols": 30, "--re": "-2:1", "--im": "-1:1", "--max-iter": 100}
                    image[option] = value
                    result = harness.run(["fractal", *(f"{name}={value}" for name, value in image.items()), "-o",
                                          self.path, "--resume"], ranks=3 if option == "--rows" else None)
                    self.assert_error(result, INPUT, "belongs to another run", part, "--force")

    def test_verify(self):
        for options in ([], ["--formula", "julia"], ["--formula", "burning-ship"], ["--formula", "tricorn"]):
            self.run_ok(["fractal", *IMAGE, *options, "--verify"], ranks=2)
        self.make_unfinished()
        record = self.record(["fractal", *IMAGE, "-o", self.path, "--resume", "--verify"], ranks=2)
        self.assertEqual((record["digest"], record["resumed_items"]), (self.digest, 30))

    def test_verify_finds_wrong_items(self):
        """A forged file: a wrong row that has the digest of its bytes, as the program itself would have made it."""
        xxhash = ctypes.CDLL("libxxhash.so.0")
        xxhash.XXH3_64bits_withSeed.restype = ctypes.c_uint64
        xxhash.XXH3_64bits_withSeed.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]

        def digest(item, row):
            return xxhash.XXH3_64bits_withSeed(row.tobytes(), row.nbytes, item)

        self.make_unfinished()
        with h5py.File(self.part, "a") as file:
            rows, digests = file["/fractal/counts"], file["/run/item_digest"]
            self.assertEqual(digest(7, rows[7]), digests[7])
            for item in (7, 30):
                row = rows[item]
                row[5] ^= 1
                rows[item], digests[item] = row, digest(item, row)
        for ranks in (None, 3):
            result = harness.run(["fractal", *IMAGE, "-o", self.path, "--resume", "--verify"], ranks)
            self.assert_error(result, CHECK, "--verify found a wrong result", "2 of 40 items differ", "first item 7")
        self.assert_only("f.h5.part")


if __name__ == "__main__":
    unittest.main()
