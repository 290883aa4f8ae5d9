"""Arrays: NumPy's numbers, the same bits for every layout, users' own files, files larger than memory, mistakes."""
import concurrent.futures
import itertools
import math
import os
import pathlib
import re
import signal

import h5py
import numpy

import harness

SCHEDULES = ("block", "cyclic", "dynamic", "weighted")
OPERATIONS = {"multiply": lambda x, y: x * y, "add": lambda x, y: x + y, "triad": lambda x, y: x + 3 * y}
SIZE = 123_457  # 31 blocks, the last one not whole


def numpy_random(key, size):
    return numpy.random.Generator(numpy.random.Philox(key=key)).random(size)


def value_of(path, dataset="/array/z"):
    with h5py.File(path) as file:
        return file[dataset][()]


def peak_bytes(pid):
    """Peak resident size so far; 0 if the process has ended."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1000 if found else 0


class Oracle(harness.TestCase):
    def test_elementwise_is_numpy_to_the_bit(self):
        for size, seed in ((1, 0), (4096, 1), (SIZE, 2**63 - 2)):
            x, y = numpy_random(seed, size), numpy_random(seed + 1, size)
            for name, operation in OPERATIONS.items():
                path = self.folder / "z.h5"
                self.run_ok(["array", "--op", name, "--size", size, "--seed", seed, "-o", path, "--force", "--verify"], 2)
                found = value_of(path)
                self.assertEqual((found.dtype, found.shape), (numpy.float64, (size,)))
                self.assertEqual(found.tobytes(), operation(x, y).tobytes(), f"{name} of {size}")

    def test_sum_and_dot(self):
        x, y = numpy_random(7, SIZE), numpy_random(8, SIZE)
        for name, exact in (("sum", math.fsum(x)), ("dot", None)):
            path = self.folder / f"{name}.h5"
            record = self.record(["array", "--op", name, "--size", SIZE, "--seed", 7, "-o", path, "--verify"], 3)
            found = value_of(path, "/array/value")
            self.assertEqual(found.shape, ())
            self.assertEqual(found, record["value"])
            if exact is not None:
                self.assertEqual(found, exact)  # correctly rounded
            # The exact dot product in integers: each double is an integer times 2^-53.
            if name == "dot":
                a, b = ([int(v * 2**53) for v in values] for values in (x, y))
                exact = sum(p * q for p, q in zip(a, b))
                self.assertEqual(found, exact / 2**106)

    def test_ill_conditioned_sums_are_no_worse_than_pairwise(self):
        generator = numpy.random.default_rng(3)
        for number, spread in enumerate((5, 20, 40, 80)):
            half = generator.random(50_000) * 2.0 ** generator.integers(-spread, spread, 50_000)
            x = numpy.concatenate([half, -half[::-1] * (1 + 2.0**-45), generator.random(1001)])
            generator.shuffle(x)
            path = self.folder / f"in{number}.h5"
            with h5py.File(path, "w") as file:
                file["x"] = x
            found = self.record(["array", "--op", "sum", "--input", f"{path}:x"], 2)["value"]
            exact = math.fsum(x)
            self.assertLessEqual(abs(found - exact), abs(x.sum() - exact))
            self.assertLessEqual(abs(found - exact), abs(exact) * 2.0**-52)


class Layouts(harness.TestCase):
    def test_same_bits(self):
        """Ranks x threads x schedule x gather x memory; limits that make inputs resident, and not."""
        with h5py.File(self.folder / "in.h5", "w") as file:
            file["x"], file["y"] = numpy_random(0, SIZE), numpy_random(1, SIZE).astype("f4")
        cases = []
        for number, (ranks, threads, schedule, gather) in enumerate(
                itertools.product((1, 2, 3, 4), (1, 2), SCHEDULES, ("parallel", "root"))):
            memory = ("private", "shared")[(number + number // 8 + ranks) % 2]
            options = ["--schedule", schedule, "--gather", gather, "--memory", memory, "--threads", threads]
            options += ([], ["--memory-limit", "1MiB"], ["--chunk", 3, "--memory-limit", "2MiB"])[number % 3]
            source = ([], ["--input", f"{self.folder}/in.h5:x,y"])[number // 3 % 2]
            name = ("multiply", "dot")[number // 6 % 2]
            cases.append((ranks, name, source, options))

        def compute(number, case):
            ranks, name, source, options = case
            path = self.folder / f"out{number}.h5"
            record = self.record(["array", "--op", name, "--size", SIZE][:3 if source else 5]
                                 + [*source, *options, "-o", path], ranks)
            with h5py.File(path) as file:
                content = [file[f"/array/{key}"][()].tobytes() for key in sorted(file["array"])]
                self.assertEqual(harness.attribute(file, "digest"), record["digest"])
            path.unlink()
            return (name, bool(source)), (record["digest"], content), record["inputs"]["feeding"]

        expected, feedings = {}, set()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for case, (key, found, feeding) in zip(cases, pool.map(compute, itertools.count(), cases)):
                self.assertTrue(expected.setdefault(key, found) == found, f"other bits with {case}")
                feedings.add(feeding)
        self.assertEqual(len(expected), 4)
        self.assertEqual(feedings, {"resident", "made", "streamed"})

    def test_fewer_elements_than_ranks(self):
        for options in (["--memory", "shared"], ["--schedule", "dynamic"], ["--op", "sum"]):
            digests = {self.record(["array", "--size", 3, *options], ranks)["digest"] for ranks in (1, 4)}
            self.assertEqual(len(digests), 1)


class Files(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.input = self.folder / "in.h5"
        with h5py.File(self.input, "w") as file:
            x = numpy_random(0, SIZE)
            x[[1, 2, 3, 4]] = numpy.nan, numpy.inf, -numpy.inf, -0.0
            file["x"], file["group/y"] = x, numpy.arange(SIZE, dtype="i2")
            file["text"], file["table"] = "words", numpy.zeros((2, 3))
            file["short"], file["empty"] = numpy.zeros(5), numpy.zeros(0)
        self.x, self.y = x, numpy.arange(SIZE, dtype="i2").astype(float)

    def test_own_numbers(self):
        for options in ([], ["--memory", "shared"], ["--memory-limit", "600k"]):
            path = self.folder / "z.h5"
            self.run_ok(["array", "--op", "triad", "--input", f"{self.input}:/x,group/y", "-o", path, "--force", "--verify",
                         *options], 3)
            self.assertEqual(value_of(path).tobytes(), (self.x + 3 * self.y).tobytes())

    def test_nan_and_infinity_reach_the_sum(self):
        record = self.record(["array", "--op", "sum", "--input", f"{self.input}:/x"], 2)
        self.assertIsNone(record["value"])  # JSON has no NaN
        self.assertIn("value     nan", self.run_ok(["array", "--op", "sum", "--input", f"{self.input}:/x"]).out)

    def test_what_is_no_array(self):
        for datasets, why in (("x,nope", "no dataset /nope"), ("x,text", "text"), ("table,x", "/table has 2 x 3"),
                              ("x,short", f"/x has {SIZE} elements, /short has 5"), ("empty,empty", "empty")):
            result = harness.run(["array", "--input", f"{self.input}:{datasets}", "-o", self.folder / "z.h5"], 2)
            self.assert_error(result, 3, why)
        self.assert_error(harness.run(["array", "--input", self.folder / "none.h5:x,y"]), 3, "No such file")
        (self.folder / "bad.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50))
        self.assert_error(harness.run(["array", "--input", self.folder / "bad.h5:x,y"], 2), 3, "bad.h5")
        self.assert_only("in.h5", "bad.h5")

    def test_a_file_that_is_cut_while_it_is_used(self):
        """Its header is whole, its numbers are not."""
        with h5py.File(self.folder / "cut.h5", "w") as file:
            file["x"] = numpy_random(0, 500_000)
        os.truncate(self.folder / "cut.h5", 3_000_000)
        result = harness.run(["array", "--op", "sum", "--input", self.folder / "cut.h5:x"], 2)
        self.assert_error(result, 3, "cut.h5")

    def test_mistakes(self):
        for words, part in (
                (["--size", 0], "--size"), (["--size", -5], "--size"), (["--size", "nan"], "--size"),
                (["--size", 10**18], "--size"), (["--op", "divide"], "multiply"), (["--seed", -1], "--seed"),
                (["--input", "in.h5"], "a colon"), (["--input", ":x,y"], "a colon"), (["--input", "in.h5:x,"], "a name is empty"),
                (["--input", "in.h5:x,,y"], "a name is empty"), (["--op", "sum", "--input", "in.h5:x,y"], "needs 1"),
                (["--input", "in.h5:x,y", "--size", 5], "--input"), (["--memory", "none"], "private"),
                (["--input", f"{self.input}:x,group/y", "-o", self.input, "--force"], "same file")):
            self.assert_error(harness.run(["array", *words], cwd=self.folder), 2, part)
        self.assert_only("in.h5")

    def test_dry_run_tells_what_is_held(self):
        out = self.run_ok(["array", "--input", f"{self.input}:x,group/y", "--memory-limit", "1MiB", "--dry-run"], 2).out
        self.assertIn("streamed", out)
        self.assertIn("rank 1", out)


class Large(harness.TestCase):
    def test_a_file_larger_than_the_memory_limit(self):
        """64 MB of each input and of the result through 4 MiB a rank: the peak of resident memory shows it."""
        size = 8_000_000
        with h5py.File(self.folder / "in.h5", "w") as file:
            file["x"], file["y"] = numpy_random(0, size), numpy_random(1, size)
        peaks = {}
        for limit in ("4MiB", "1GiB"):
            path = self.folder / "z.h5"
            words = ["array", "--op", "add", "--input", self.folder / "in.h5:x,y", "-o", path, "--force",
                     "--memory-limit", limit]
            peaks[limit] = 0
            with harness.Running(words, 2) as running:
                while running.process.poll() is None:
                    peaks[limit] = max([peaks[limit], *map(peak_bytes, running.ranks())])
                self.assertEqual(running.result().code, 0)
        # Held at once: half of x, y and z, but for what is written meanwhile.
        self.assertGreater(peaks["1GiB"] - peaks["4MiB"], 60e6, peaks)
        self.assertEqual(value_of(path).tobytes(), (numpy_random(0, size) + numpy_random(1, size)).tobytes())

    def test_more_elements_than_an_int_counts(self):
        """2^31 + 5000 numbers of a byte, of which only the last are there: the others are zero, and take no room."""
        size = 2**31 + 5000
        with h5py.File(self.folder / "in.h5", "w") as file:
            x = file.create_dataset("x", (size,), "i1", chunks=(1 << 24,))
            x[-3:] = [1, 2, 4]
        record = self.record(["array", "--op", "sum", "--input", self.folder / "in.h5:x"], 2, timeout=200)
        self.assertEqual(record["value"], 7)
        self.assertEqual(record["inputs"]["feeding"], "streamed")
        self.assertEqual(record["items"], -(-size // 4096))

    def test_made_elements_beyond_an_int(self):
        size = 2**31 + 5
        record = self.record(["array", "--op", "sum", "--size", size, "--threads", 1], 2, timeout=200)
        self.assertEqual(record["inputs"]["feeding"], "made")
        # Uniform numbers: the mean is 1/2 within six standard deviations.
        self.assertLess(abs(record["value"] / size - 0.5), 6 * math.sqrt(1 / 12 / size))


class Resume(harness.TestCase):
    def test_interrupted_and_gone_on_with(self):
        size = 40_000_000
        x, y = (numpy.random.default_rng(k).integers(-100, 100, size, dtype="i1") for k in (0, 1))
        with h5py.File(self.folder / "in.h5", "w") as file:
            file["x"], file["y"] = x, y
        words = ["array", "--input", self.folder / "in.h5:x,y", "-o", self.folder / "z.h5", "--memory-limit", "1M"]
        part = self.folder / "z.h5.part"
        with harness.Running(words, 2) as running:
            self.assertTrue(running.wait_for(lambda: harness.finished(part) > 0))
            harness.kill(running.ranks(), signal.SIGTERM)
            self.assert_error(running.result(), 6, "--resume")
        self.assertTrue(part.exists())
        record = self.record([*words, "--resume"], 3)
        self.assertGreater(record["resumed_items"], 0)
        self.assertEqual(value_of(self.folder / "z.h5").tobytes(), (x.astype(float) * y).tobytes())

    def test_not_with_other_numbers(self):
        path = self.folder / "in.h5"
        with h5py.File(path, "w") as file:
            file["x"] = numpy_random(0, 10_000)
        words = ["array", "--op", "sum", "--input", f"{path}:x", "-o", self.folder / "s.h5"]
        self.run_ok(words)
        self.assertIn("complete already", self.run_ok([*words, "--resume"]).err)
        os.utime(path, (1, 1))
        self.assert_error(harness.run([*words, "--resume"]), 3, "belongs to another run")


if __name__ == "__main__":
    harness.main()
