"""Ranks, threads, schedule, chunk, gather and memory: whatever the layout, the result is the same bits."""
import concurrent.futures
import itertools
import unittest

import h5py

import harness

SCHEDULES = ("block", "cyclic", "dynamic", "weighted")
GATHERS = ("parallel", "root")
# Uneven rows, sizes that divide nothing.
IMAGE = ["--rows", 101, "--cols", 211, "--re=-2:1", "--im=-1.2:1", "--max-iter", 500]
ROW_BYTES = 2 * 211 + 8
TINY_MEMORY = 4 * 3 * ROW_BYTES  # a rank holds four bands of the result at the most


def content(path):
    """All that a result says, but for when and how it was made."""
    with h5py.File(path) as file:
        counts = file["/fractal/counts"]
        return {
            "bytes": counts[:].tobytes(),
            "shape": (counts.shape, counts.dtype.str),
            "attributes": {name: str(value) for name, value in counts.attrs.items() if "LIST" not in name},
            "axes": [file[f"/fractal/{axis}"][:].tobytes() for axis in ("re", "im")],
            "items": file["/run/item_digest"][:].tobytes(),
            "finished": bool(file["/run/finished"][:].all()),
            "digest": harness.attribute(file, "digest"),
        }


class Layouts(harness.TestCase):
    def compute(self, name, options, ranks, threads):
        path = self.folder / f"{name}.h5"
        record = self.record(["fractal", *options, "-o", path, "--threads", threads], ranks)
        self.assertEqual((record["ranks"], record["threads"]), (ranks, threads))
        found = content(path)
        self.assertEqual(record["digest"], found["digest"])
        path.unlink()
        return found, record

    def check_all(self, image, layouts):
        """layouts: (ranks, threads, options) each. Two at a time: most of such a short run is waiting for MPI."""
        expected, _ = self.compute("expected", [*image, "--schedule", "block"], 1, 1)
        self.assertTrue(expected["finished"])

        def check(index, layout):
            ranks, threads, options = layout
            return layout, *self.compute(index, [*image, *options], ranks, threads)

        records = []
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for layout, found, record in pool.map(check, itertools.count(), layouts):
                for key, value in expected.items():
                    self.assertTrue(found[key] == value, f"{key} is another with {layout}")
                records.append(record)
        self.assert_only()
        return records

    def check_schedule(self, schedule):
        """Chunks and memory limits go round, so that each meets every schedule, gather mode and number of ranks."""
        layouts = []
        for number, (ranks, gather, threads) in enumerate(itertools.product((1, 2, 3, 4), GATHERS, (1, 2))):
            options = ["--schedule", schedule, "--gather", gather]
            options += (["--chunk", 7], [], ["--chunk", 1])[number % 3]
            options += ["--memory-limit", TINY_MEMORY] if (number + ranks // 2) % 2 else []
            layouts.append((ranks, threads, options))
        records = self.check_all(IMAGE, layouts)
        bands = [record["bands"] for record in records]
        self.assertGreaterEqual(max(bands), 34)
        self.assertEqual(min(bands), 1)

    def test_block(self):
        self.check_schedule("block")

    def test_cyclic(self):
        self.check_schedule("cyclic")

    def test_dynamic(self):
        self.check_schedule("dynamic")

    def test_weighted(self):
        self.check_schedule("weighted")

    def test_several_writers(self):
        """Pieces large enough that a band is cut among writers (small chunks), or written by who computed it."""
        image = ["--rows", 1009, "--cols", 4099]
        few = ((3, "dynamic", 1), (4, "cyclic", 3), (2, "dynamic", 64), (3, "cyclic", 50))
        layouts = [(ranks, 1, ["--schedule", schedule, "--chunk", chunk]) for ranks, schedule, chunk in few]
        for record in self.check_all(image, layouts):
            self.assertEqual(record["io_mode"], harness.IO_MODE)

    def test_bands_larger_than_what_a_rank_holds(self):
        """Many ranks share a band where each may hold little of it, and where chunks are large enough that who computed
        them writes them."""
        layouts = [(ranks, threads, ["--schedule", schedule, "--memory-limit", TINY_MEMORY])
                   for ranks, threads, schedule in ((5, 1, "cyclic"), (6, 2, "dynamic"), (8, 1, "dynamic"))]
        self.check_all(IMAGE, layouts)
        wide = ["--rows", 60, "--cols", 40_000]
        layouts = [(ranks, threads, ["--schedule", schedule, "--memory-limit", "400kB"])
                   for ranks, threads, schedule in ((5, 1, "cyclic"), (6, 2, "dynamic"), (8, 1, "dynamic"))]
        for record in self.check_all(wide, layouts):
            self.assertGreaterEqual(record["bands"], 5)

    def test_few_uneven_rows_by_cost(self):
        """With --schedule weighted: the costliest first to who is free."""
        layouts = [(ranks, threads, ["--schedule", "weighted", "--gather", gather, *options]) for ranks, threads, options in
                   ((4, 1, []), (8, 1, []), (6, 2, ["--memory-limit", "1MB"])) for gather in GATHERS]
        self.check_all(["--rows", 23, "--cols", 4000, "--im=-1.25:1.25", "--re=-2:0.5"], layouts)

    def test_what_is_read_back_without_output(self):
        """--verify and --png need the items of all ranks on rank 0, whoever computed them."""
        pictures = set()
        for schedule, gather in itertools.product(SCHEDULES, GATHERS):
            picture = self.folder / "f.png"
            self.run_ok(["fractal", *IMAGE, "--schedule", schedule, "--gather", gather, "--verify", "--png", picture,
                         "--force"], 3)
            pictures.add(picture.read_bytes())
        self.assertEqual(len(pictures), 1)
        self.assert_only("f.png")

    def test_more_ranks_than_rows(self):
        layouts = [(4, 1, ["--schedule", schedule, "--gather", gather]) for schedule in SCHEDULES for gather in GATHERS]
        self.check_all(["--rows", 2, "--cols", 5], layouts)
        self.check_all(["--rows", 1, "--cols", 1], [(3, 2, ["--gather", "root"]), (3, 2, ["--schedule", "weighted"])])

    def test_more_threads_than_rows(self):
        self.check_all(["--rows", 3, "--cols", 5], [(1, 8, []), (2, 4, ["--schedule", "block"])])


def values(path):
    """Datasets of the result by name, but for times and places: who computed what differs, and when."""
    found = {}

    def look(name, item):
        differs = name.startswith("run/") and name != "run/item_digest"
        differs = differs or name.rsplit("/", 1)[-1] in ("seconds", "rank", "thread", "body", "body_begin")
        if isinstance(item, h5py.Dataset) and not differs:
            found[name] = (item.shape, item.dtype.str, item[()].tobytes())

    with h5py.File(path) as file:
        file.visititems(look)
        bodies = file.get("fetch/body")
        if bodies is not None:
            places = zip(file["fetch/body_begin"][:], file["fetch/bytes"][:])
            found["bodies"] = [bodies[begin:begin + size].tobytes() for begin, size in places]
        found["digest"] = harness.attribute(file, "digest")
    return found


class EveryWorkload(harness.TestCase):
    """`paceline --help` names the workloads: one that has no case here fails the test."""

    LAYOUTS = ((1, 2, ["--schedule", "cyclic"]), (2, 1, ["--schedule", "dynamic", "--gather", "root"]),
               (2, 2, ["--schedule", "weighted", "--memory-limit", "2MiB"]), (3, 1, ["--schedule", "block"]),
               (4, 1, ["--schedule", "dynamic", "--chunk", 1]), (4, 2, ["--schedule", "block", "--gather", "root"]))

    def cases(self):
        table = self.folder / "t.csv"
        table.write_text("id,x,name\n" + "".join(f'{k},{k / 7!r},"n{k % 13}"\n' for k in range(3000)))
        urls = []
        for k in range(20):
            body = self.folder / f"body{k}"
            body.write_bytes(bytes([k]) * (97 * k))
            urls.append(body.as_uri())
        lines = self.folder / "urls.txt"
        lines.write_text("\n".join(urls))
        size = ["--size", 70_001]
        return {
            "fractal": [["--rows", 97, "--cols", 53, "--formula", formula] for formula in
                        ("mandelbrot", "julia", "burning-ship")],
            "array": [["--op", op, *size] for op in ("multiply", "add", "triad", "sum", "dot")],
            "table": [[table, "--range", 1000]],
            "tasks": [["--work", "squares:50", "--count", 501]],
            "calibrate": [["--serial", 0.3, "--seconds", 0.05]],
            "fetch": [["--from", lines, "--allow-file"]],
        }

    def test_takes_the_options_that_all_runs_have(self):
        options = ["--output", self.folder / "f.h5", "--force", "--threads", 1, "--schedule", "cyclic", "--chunk", 3,
                   "--gather", "root", "--memory-limit", "64MiB", "--verify", "--save-every", 5, "--allow-external",
                   "--watchdog", 60, "--progress", "never", "--dry-run"]
        for workload, several in self.cases().items():
            with self.subTest(workload):
                self.assertIn("plan of " + workload, self.run_ok([workload, *several[0], *options]).out)

    def test_is_the_same_for_every_layout(self):
        cases = self.cases()
        help_text = harness.run(["--help"]).out
        section = help_text.split("Compute, on ranks x threads:\n")[1].split("\n\n")[0]
        self.assertEqual(sorted(line.split()[0] for line in section.splitlines()), sorted(cases))
        runs = [(workload, options) for workload, several in cases.items() for options in several]

        def compute(number, workload, options, ranks, threads, layout):
            path = self.folder / f"{number}.h5"
            record = self.record([workload, *options, *layout, "--threads", threads, "--verify", "-o", path], ranks)
            found = values(path)
            self.assertEqual(record["digest"], found["digest"])
            path.unlink()
            return found

        jobs = [(workload, options, *layout) for workload, options in runs for layout in ((1, 1, []), *self.LAYOUTS)]
        expected = {}
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for job, found in zip(jobs, pool.map(lambda number: compute(number, *jobs[number]), range(len(jobs)))):
                first = expected.setdefault(str(job[:2]), found)
                self.assertEqual(first.keys(), found.keys())
                for name, value in found.items():
                    self.assertTrue(first[name] == value, f"{name} is another with {job}")


class Calibration(harness.TestCase):
    def test_tells_its_serial_part(self):
        for ranks, threads in ((None, 1), (3, 2)):
            path = self.folder / f"{ranks}.h5"
            record = self.record(["calibrate", "--serial", 0.3, "--seconds", 0.2, "--threads", threads, "-o", path],
                                 ranks)
            # What rank 0 does alone is in the time that one rank takes, and in a place of its own.
            self.assertGreater(record["serial_part_s"], 0.01)
            self.assertGreaterEqual(record["serial_s"], record["serial_part_s"])
            with h5py.File(path) as file:
                self.assertEqual(file["/calibrate/values"].attrs["serial_fraction"], 0.3)


if __name__ == "__main__":
    unittest.main()
