"""What scripts may rely on: the result file as h5py and h5dump see it, the picture, the JSON record, the streams."""
import concurrent.futures
import datetime
import json
import os
import re
import subprocess
import unittest

import h5py
import numpy
from PIL import Image

import harness

PHASES = ["init", "plan", "scatter", "compute", "gather", "write"]
IMAGE = ["--rows", 50, "--cols", 70, "--re=-2:1", "--im=-1:1", "--max-iter", 100]


class ResultFile(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "f.h5"
        self.run_ok(["fractal", *IMAGE, "-o", self.path, "--threads", 2], ranks=3)

    def test_h5py_reads_what_is_promised(self):
        with h5py.File(self.path) as file:
            root = {name: harness.attribute(file, name) for name in file.attrs}
            self.assertEqual(root["software"], "paceline")
            self.assertEqual("paceline " + root["software_version"], harness.run(["--version"]).out.strip())
            self.assertIn("--max-iter 100", root["command"])
            date = datetime.datetime.fromisoformat(root["date"].replace("Z", "+00:00"))
            age = datetime.datetime.now(datetime.timezone.utc) - date
            self.assertLess(abs(age.total_seconds()), 60)
            self.assertRegex(root["digest"], r"\A[0-9a-f]{16}\Z")

            ranks = file["/run/ranks"]
            self.assertEqual(ranks.shape, (3,))
            self.assertEqual(ranks["rank"].tolist(), [0, 1, 2])
            self.assertEqual(ranks["items"].sum(), 50)
            self.assertTrue(all(ranks["host"]))
            self.assertTrue((ranks["bound_cores"] >= 1).all())
            for phase in PHASES:
                self.assertTrue((ranks[phase + "_s"] >= 0).all())
            threads = file["/run/threads"]
            self.assertEqual((threads.shape, threads.dtype), ((3, 2), numpy.float64))
            for path, units in (("/run/ranks", "s"), ("/run/threads", "s"), ("/fractal/counts", "iterations")):
                self.assertEqual(harness.attribute(file[path], "units"), units)

    def test_dimension_scales(self):
        with h5py.File(self.path) as file:
            counts = file["/fractal/counts"]
            for dimension, path in enumerate(("/fractal/im", "/fractal/re")):
                self.assertTrue(h5py.h5ds.is_scale(file[path].id))
                self.assertEqual([scale.name for scale in counts.dims[dimension].values()], [path])
                self.assertNotEqual(counts.dims[dimension].label, "")
                self.assertEqual(file[path].dtype, numpy.float64)

    def test_image_specification(self):
        """HDF5 Image and Palette Specification 1.2: texts of fixed size, a palette that makes the interior black."""
        with h5py.File(self.path) as file:
            counts = file["/fractal/counts"]
            expected = {"CLASS": b"IMAGE", "IMAGE_VERSION": b"1.2", "IMAGE_SUBCLASS": b"IMAGE_INDEXED"}
            for name, value in expected.items():
                self.assertEqual(counts.attrs[name], value)
            self.assertEqual(counts.attrs["IMAGE_MINMAXRANGE"].tolist(), [0, 100])
            palette = file[counts.attrs["PALETTE"]]
            self.assertEqual((palette.shape, palette.dtype), ((256, 3), numpy.uint8))
            self.assertEqual(palette.attrs["CLASS"], b"PALETTE")
            self.assertEqual(palette[100].tolist(), [0, 0, 0])

    def test_h5dump(self):
        dump = subprocess.run(["h5dump", "-H", self.path], capture_output=True, text=True, timeout=30)
        self.assertEqual((dump.returncode, dump.stderr), (0, ""))
        self.assertIn('DATASET "counts"', dump.stdout)
        everything = subprocess.run(["h5dump", self.path], capture_output=True, text=True, timeout=30)
        self.assertEqual((everything.returncode, everything.stderr), (0, ""))

    def test_nothing_else_is_left(self):
        self.assert_only("f.h5")


class Pictures(harness.TestCase):
    def compute(self, *options):
        self.run_ok(["fractal", *options, "-o", "f.h5", "--png", "f.png", "--force"], ranks=2, cwd=self.folder)
        self.assert_only("f.h5", "f.png")
        with h5py.File(self.folder / "f.h5") as file:
            counts = file["/fractal/counts"][:]
        picture = numpy.asarray(Image.open(self.folder / "f.png").convert("RGB")).astype(int)
        return counts, picture

    def test_png_shows_the_counts(self):
        for colormap in ("viridis", "magma", "twilight"):
            counts, picture = self.compute(*IMAGE, "--colormap", colormap)
            self.assertEqual(picture.shape, (50, 70, 3))
            self.assertEqual(picture[counts == 100].tolist(), [[0, 0, 0]] * (counts == 100).sum())
            self.assertTrue((picture[counts < 100].sum(axis=1) > 0).all())
            for count in numpy.unique(counts):
                self.assertEqual(len(numpy.unique(picture[counts == count], axis=0)), 1, f"count {count}")

    def test_large_picture_is_averaged_down(self):
        counts, picture = self.compute("--rows", 3, "--cols", 20001, "--im=0:1")
        self.assertEqual(picture.shape, (1, 6667, 3))
        # Where all nine points are inside, the average is black too; where none is, it isn't.
        inside = (counts == 20)[:, :20001 // 3 * 3].reshape(3, -1, 3).sum(axis=(0, 2))
        self.assertTrue((picture[0][inside == 9] == 0).all())
        self.assertTrue((picture[0][inside == 0].sum(axis=1) > 0).all())

    def test_without_a_result_file(self):
        for ranks in (None, 2):
            self.run_ok(["fractal", *IMAGE, "--png", f"{ranks}.png"], ranks, cwd=self.folder)
        self.assert_only("2.png", "None.png")
        self.assertEqual(*((self.folder / name).read_bytes() for name in ("2.png", "None.png")))

    def test_one_pixel(self):
        _, picture = self.compute("--rows", 1, "--cols", 1)
        self.assertEqual(picture.shape, (1, 1, 3))


class Record(harness.TestCase):
    def test_json_is_one_object_and_nothing_else(self):
        for ranks in (None, 3):
            result = self.run_ok(["fractal", *IMAGE, "--json", "-o", self.folder / f"{ranks}.h5"], ranks)
            self.assertEqual(result.err, "")
            self.assertTrue(result.out.startswith("{") and result.out.endswith("}\n") and result.out.count("\n") == 1)
            record = json.loads(result.out)
            expected = {"workload": "fractal", "ranks": ranks or 1, "threads": 1, "nodes": 1, "items": 50,
                        "rate_unit": "Giga-iterations/s"}
            self.assertEqual({key: record[key] for key in expected}, expected)
            self.assertEqual(list(record["phases"]), PHASES)
            for seconds in [*record["phases"].values(), record["wall_s"], record["compute_mean_s"], record["serial_s"]]:
                self.assertGreaterEqual(seconds, 0)
                self.assertLess(seconds, 60)
            self.assertLessEqual(record["compute_mean_s"], record["phases"]["compute"])
            self.assertGreater(record["rate"], 0)
            self.assertEqual(len(record["bound_cores"]), ranks or 1)
            with h5py.File(self.folder / f"{ranks}.h5") as file:
                self.assertEqual(harness.attribute(file, "digest"), record["digest"])
                # The rate is in counted iterations.
                self.assertEqual(record["work_useful"], int(file["/fractal/counts"][:].sum(dtype=numpy.uint64)))

    def test_report(self):
        result = self.run_ok(["fractal", *IMAGE, "--threads", 2], ranks=2)
        self.assertEqual(result.err, "")
        self.assertIn("paceline fractal: 2 ranks x 2 threads\n", result.out)
        for word in [*PHASES, "slowest/mean", "Giga-iterations/s", "megapixels/s"]:
            self.assertIn(word, result.out)
        self.assertRegex(result.out, r"(?m)^digest: [0-9a-f]{16}$")

    def test_dry_run(self):
        """Prints the plan; an image that would take weeks costs nothing, and nothing is written."""
        for schedule in ("block", "cyclic", "dynamic", "weighted"):
            # Weighted samples the costs.
            max_iter = 1000 if schedule == "weighted" else 10**9
            result = self.run_ok(["fractal", "--rows", 1000, "--cols", 100000, "--max-iter", max_iter, "--interior",
                                  "plain", "--schedule", schedule, "--dry-run", "-o", "f.h5", "--png", "f.png"],
                                 ranks=3, timeout=20, cwd=self.folder)
            self.assertEqual(result.err, "")
            self.assertIn(schedule, result.out)
            self.assertEqual(len(re.findall(r"(?m)^  rank \d+ .*bound core", result.out)), 3)
            self.assertNotIn("digest", result.out)
        self.assertIn("items 0 to ", result.out)
        plan = self.record(["fractal", "--rows", 7, "--cols", 5, "--schedule", "block", "--dry-run", "-o", "f.h5"], ranks=2,
                           cwd=self.folder)
        self.assertEqual((plan["workload"], plan["ranks"], len(plan["bound_cores"])), ("fractal", 2, 2))
        self.assertEqual(sum(own["bytes"] for own in plan["own_items"]), plan["bytes"])
        self.assertNotIn("digest", plan)
        self.assert_only()

    def test_version_and_info(self):
        for ranks in (None, 2):
            version = self.run_ok(["--version"], ranks)
            self.assertRegex(version.out, r"\Apaceline \d+\.\d+\.\d+\n\Z")
            self.assertEqual(version.err, "")
        info = self.run_ok(["info"], ranks=2)
        self.assertEqual(info.err, "")
        for word in ("MPICH" if harness.IS_MPICH else "Open MPI", "MPI_THREAD_", "openmp", "hdf5", "(parallel)", "simd", "NUMA", "rank 0", "rank 1",
                     "bound to"):
            self.assertIn(word, info.out)
        self.assertEqual(self.run_ok(["--help"]).err, "")
        self.assertIn("--memory-limit", self.run_ok(["fractal", "--help"]).out)

    def test_progress(self):
        quiet = self.run_ok(["fractal", *IMAGE], ranks=2)
        self.assertEqual(quiet.err, "")
        never = self.run_ok(["fractal", *IMAGE, "--progress", "never"], ranks=2, SLURM_JOB_ID="1")
        self.assertEqual(never.err, "")
        for options, batch in (([], {"SLURM_JOB_ID": "1"}), (["--progress", "always"], {})):
            shown = self.run_ok(["fractal", *IMAGE, "--json", *options], **batch)
            self.assertEqual(shown.json["items"], 50)
            lines = shown.err.splitlines()
            self.assertIn(": 100 % after ", shown.err)
            for line in lines:
                self.assertRegex(line, r"\Apaceline: fractal: \d+0 % after \d+\.\d s\Z")


class Plot(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.result = self.folder / "f.h5"
        self.run_ok(["fractal", *IMAGE, "-o", self.result])

    def plot(self, name, *options, source=None):
        return harness.run(["plot", source or self.result, "-o", self.folder / name, *options])

    def test_kinds_of_picture(self):
        for name, start in (("f.png", b"\x89PNG"), ("f.svg", b"<?xml"), ("f.pdf", b"%PDF-")):
            result = self.plot(name)
            self.assertEqual((result.code, result.out, result.err), (0, "", ""), result)
            self.assertTrue((self.folder / name).read_bytes().startswith(start))
        # The image is in it: many colours, and the interior's black.
        colours = Image.open(self.folder / "f.png").convert("RGB").getcolors(1 << 24)
        self.assertGreater(len(colours), 20)
        self.assert_only("f.h5", "f.pdf", "f.png", "f.svg")

    def test_one_row_and_reversed_axes(self):
        thin = self.folder / "thin.h5"
        self.run_ok(["fractal", "--rows", 1, "--cols", 30, "--re=1:-2", "-o", thin])
        self.assertEqual(self.plot("thin.png", source=thin).code, 0)

    def test_one_orientation(self):
        """The first row is on top and the first column on the left in the file, in the PNG and in the plot."""
        for im, re in (("-1:0", "-0.2:0.8"), ("0:-1", "-0.2:0.8"), ("-1:0", "0.8:-0.2"), ("0:-1", "0.8:-0.2")):
            path, png, plot = (self.folder / name for name in ("o.h5", "o.png", "plot.png"))
            self.run_ok(["fractal", "--rows", 60, "--cols", 60, f"--re={re}", f"--im={im}", "-o", path, "--png", png,
                         "--force"])
            self.assertEqual(self.plot("plot.png", "--force", source=path).code, 0)
            with h5py.File(path) as file:
                inside = file["fractal/counts"][:] == 20
            self.assertEqual(inside[:30].mean() > inside[30:].mean(), im == "0:-1")
            self.assertEqual(inside[:, :30].mean() > inside[:, 30:].mean(), re == "-0.2:0.8")
            pixels = numpy.asarray(Image.open(png).convert("RGB")).sum(axis=2)
            self.assertTrue(((pixels == 0) == inside).all())
            picture = numpy.asarray(Image.open(plot).convert("L"))
            # The image is a square that begins with the frame at the upper left and is followed by the colour bar.
            dark = picture < 128
            rows, columns = numpy.flatnonzero(dark.mean(axis=1) > 0.5), numpy.flatnonzero(dark.mean(axis=0) > 0.5)
            top, left, side = rows[0], columns[0], rows[-1] - rows[0]
            where = ((numpy.arange(60) + 0.5) * side / 60).astype(int)
            black = picture[numpy.ix_(top + where, left + where)] < 8
            self.assertGreater((black == inside).mean(), 0.97, (im, re))

    def test_what_hdf5_loops_on(self):
        """An attribute in a heap whose sizes are zero: reading it never ends, and is ended by a limit of CPU time."""
        path = self.folder / "heap.h5"
        with h5py.File(path, "w") as file:
            file["fractal/counts"] = [[1, 2]]
            file.attrs["digest"] = "d" + 300 * "x"
            file.attrs["software"] = "s" + 300 * "x"
            file["fractal/re"], file["fractal/im"] = [1.0, 2.0], [1.0]
            file["fractal/counts"].attrs["formula"] = "f" + 300 * "x"
        data = bytearray(path.read_bytes())
        place = data.index(b"GCOL")
        data[place + 16:place + 4096] = bytes(len(data[place + 16:place + 4096]))
        path.write_bytes(data)
        result = harness.run(["plot", path, "-o", self.folder / "heap.png"], timeout=300, wrap=("prlimit", "--cpu=6"))
        self.assert_error(result, 3, "heap.h5 is damaged", "does not end within 5 s")
        self.assert_only("f.h5", "heap.h5")

    def test_errors(self):
        (self.folder / "there.png").write_text("mine")
        self.assert_error(self.plot("there.png"), 4, "it exists", "--force")
        self.assertEqual((self.folder / "there.png").read_text(), "mine")
        content = self.result.read_bytes()
        (self.folder / "short.h5").write_bytes(content[:3000])
        (self.folder / "text.h5").write_text("Not HDF5.")
        with h5py.File(self.folder / "foreign.h5", "w") as file:
            file["x"] = [1, 2]
        (self.folder / "unfinished.h5").write_bytes(content)
        with h5py.File(self.folder / "unfinished.h5", "a") as file:
            del file.attrs["digest"]
        (self.folder / "link.h5").symlink_to("far.h5")
        (self.folder / "far.h5.part").write_bytes(content)
        for name, workload in (("tasks.h5", ["tasks", "--count", 5]), ("product.h5", ["array", "--size", 5])):
            self.run_ok([*workload, "-o", self.folder / name])
        cases = [
            (self.folder / "tasks.h5", "f.png", 3, "there is no drawing", "it holds tasks", "fractal or study"),
            (self.folder / "product.h5", "f.png", 3, "there is no drawing", "it holds array"),
            (self.folder, "f.png", 3, "it is a folder"),
            (self.result, "f.gif", 2, "f.gif", ".png, .svg, .pdf"),
            (self.result, "no/f.png", 4, "no/f.png"),
            (self.folder / "no.h5", "f.png", 3, "there is no such file"),
            (self.folder / "link.h5", "f.png", 3, "its run is unfinished", "--resume"),
            (self.folder / "short.h5", "f.png", 3, "damaged"),
            (self.folder / "text.h5", "f.png", 3, "damaged"),
            (self.folder / "foreign.h5", "f.png", 3, "not a result of paceline"),
            (self.folder / "unfinished.h5", "f.png", 3, "unfinished", "--resume"),
        ]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            results = pool.map(lambda case: self.plot(case[1], source=case[0]), cases)
            for (_, _, code, *parts), result in zip(cases, results):
                self.assert_error(result, code, *parts)
        self.assertEqual(self.plot("there.png", "--force").code, 0)
        self.assert_only("f.h5", "far.h5.part", "foreign.h5", "link.h5", "product.h5", "short.h5", "tasks.h5", "text.h5",
                         "there.png", "unfinished.h5")

    def test_replaces_no_pipe_or_device(self):
        pipe = self.folder / "pipe.png"
        os.mkfifo(pipe)
        (self.folder / "null.png").symlink_to("/dev/null")
        for name in ("pipe.png", "null.png"):
            self.assert_error(self.plot(name, "--force"), 4, "it is a device or a pipe")
        self.assertTrue(pipe.is_fifo())
        self.assertTrue((self.folder / "null.png").is_symlink())


if __name__ == "__main__":
    unittest.main()
