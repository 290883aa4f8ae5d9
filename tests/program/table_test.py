"""`paceline table` against Python's csv, pandas and Dask: hard files, random files, borders of ranges anywhere; the same bits for
every layout; what is wrong in a file, with its line."""
import csv
import io
import math
import os
import random
import signal
import subprocess
import sys
import unittest

import dask.dataframe
import h5py
import numpy as np
import pandas

import harness

LAYOUTS = [(None, 2, []), (2, 1, ["--schedule", "dynamic"]), (3, 2, ["--schedule", "cyclic", "--gather", "root"]),
           (4, 1, ["--schedule", "weighted"]), (2, 2, ["--schedule", "block", "--chunk", 3, "--memory-limit", "300KB"])]


def number(text):
    """What a field is as a number: int, float, or None."""
    text = text.strip(" \t")
    digits = text[1:] if text[:1] in ("+", "-") else text
    if digits.isascii() and digits.isdigit():
        value = int(text)
        return value if -2**63 <= value < 2**63 else float(text)
    if digits.lower() in ("nan", "inf", "infinity"):
        return float(text)
    if not digits or set(digits) - set("0123456789.eE+-") or digits[0] in "+-":
        return None
    try:
        return float(text)
    except ValueError:
        return None


def column_of(fields):
    """(dtype, values) of a column as the README has it; None: missing."""
    fields = list(fields)
    numbers = [None if text in ("", "NA") else number(text) for text in fields]
    if any(text not in ("", "NA") and value is None for text, value in zip(fields, numbers)):
        return "text", fields
    if any(isinstance(value, float) for value in numbers) or all(value is None for value in numbers):
        # Of a text, not of an int: it may be "-0".
        return "float64", [math.nan if text in ("", "NA") else float(text) for text in fields]
    return "int64", numbers


def expected(text):
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    return {name: column_of([row[k] for row in rows[1:]]) for k, name in enumerate(rows[0])}


def random_field(rng):
    kind = rng.randrange(12)
    if kind < 3:
        return str(rng.randint(-10**rng.randint(0, 18), 10**rng.randint(0, 18)))
    if kind < 6:
        return rng.choice(["", "-", "+"]) + rng.choice([
            "{:.3f}".format(rng.uniform(0, 1e5)), repr(rng.uniform(0, 1)), "{:e}".format(rng.uniform(0, 1e300)), ".5", "7.",
            "1e-320", "1e400", "123456789012345678901234567890", "0.1e5", "0", "nan", "Infinity"])
    if kind == 6:
        return ""
    return "".join(rng.choice(['"', ",", "\n", "\r\n", "a", "é", "\U0001f600", " ", "x", "NA"]) for _ in range(rng.randint(0, 9)))


def random_file(rng):
    """Text of a table in which each column is of one kind, mostly."""
    columns = rng.randint(1, 5)
    kinds = [rng.randrange(4) for _ in range(columns)]
    feed = rng.choice(["\n", "\r\n"])
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=feed, quoting=rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer.writerow([f"c{k}" for k in range(columns)])
    for _ in range(rng.randint(0, 60)):
        row = []
        for kind in kinds:
            if rng.randrange(8) == 0:
                row.append("")
            elif kind == 0:
                row.append(str(rng.randint(-10**9, 10**9)))
            elif kind == 1:
                row.append(rng.choice([repr(rng.gauss(0, 1e3)), str(rng.randint(-5, 5)), "-0"]))
            else:
                row.append(random_field(rng))
        if any(row) or columns > 1:
            writer.writerow(row)
            if rng.randrange(10) == 0:
                out.write(feed)  # a blank line is none
    text = out.getvalue()
    return text if rng.randrange(3) else text.rstrip("\r\n")


class Table(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.csv, self.h5 = self.folder / "t.csv", self.folder / "t.h5"

    def put(self, content):
        self.csv.write_bytes(content if isinstance(content, bytes) else content.encode())

    def take(self, options=(), ranks=None, threads=1):
        """{name: (dtype, values)} and the record."""
        record = self.record(["table", self.csv, *options, "-o", self.h5, "--force", "--threads", threads], ranks)
        columns = {}
        with h5py.File(self.h5) as file:
            self.assertEqual(harness.attribute(file, "digest"), record["digest"])
            for link, data in file["table"].items():
                if "name" not in data.attrs:
                    continue  # where the bytes of long texts are
                name = harness.attribute(data, "name")
                if data.dtype == np.uint8:
                    self.assertEqual(harness.attribute(data, "encoding"), "utf-8")
                    all_bytes, begins, sizes = (file[f"table/{link}{end}"][:] for end in ("", "_begin", "_bytes"))
                    texts = [all_bytes[begin:begin + size].tobytes().decode() if begin >= 0 else None
                             for begin, size in zip(begins, sizes)]
                    columns[name] = "text", [text or "" for text in texts]
                    self.assertEqual(texts.count(None), data.attrs["missing"])
                    continue
                mark = harness.attribute(data, "missing_value")
                if data.dtype.kind == "S":
                    texts = data.asstr()[:].tolist()
                    columns[name] = "text", ["" if text == mark else text for text in texts]
                    self.assertEqual(texts.count(mark), data.attrs["missing"])
                elif data.dtype.kind in "iu":
                    columns[name] = str(data.dtype), [None if value == mark else int(value) for value in data[:]]
                    self.assertEqual(columns[name][1].count(None), data.attrs["missing"])
                else:
                    columns[name] = "float64", data[:].tolist()
                    self.assertTrue(math.isnan(mark))
        return columns, record

    def assert_same(self, found, wanted):
        self.assertEqual(found.keys(), wanted.keys())
        for name, (kind, values) in wanted.items():
            self.assertEqual(found[name][0], kind, name)
            if kind == "float64":
                np.testing.assert_array_equal(np.array(found[name][1]), np.array(values, float), name)
                self.assertEqual(np.signbit(found[name][1]).tolist(), np.signbit(np.array(values, float)).tolist())
            else:
                self.assertEqual(found[name][1], values, name)

    def test_random_files_over_layouts(self):
        for seed in range(24):
            rng = random.Random(seed)
            text = random_file(rng)
            self.put(text)
            wanted = expected(text)
            size = rng.choice([1, 2, 3, 7, 16, 50, 1000])
            ranks, threads, options = LAYOUTS[seed % len(LAYOUTS)]
            with self.subTest(seed=seed, range=size, ranks=ranks, threads=threads):
                found, record = self.take(["--range", size, "--verify", *options], ranks, threads)
                self.assert_same(found, wanted)
                again, other = self.take([], 2, 1)
                self.assert_same(again, wanted)
                self.assertEqual(other["digest"], record["digest"])

    def test_digest_is_of_the_records_alone(self):
        """Whatever the ranges, line ends, quotes that need not be and blank lines; of long texts too."""
        long = "x" * 300
        lines = ["n,u,f,short,long"]
        for k in range(3000):
            lines.append(f"{k},{2**63 + k},{k / 3},t{k % 13},{long * 300 if k == 1500 else 'é' * (k % 40)}")
        digests = set()
        for feed, size in (("\n", 100), ("\n", 64 << 10), ("\r\n", 1000), ("\r\n", 1 << 20)):
            self.put(feed.join(lines) + feed)
            digests.add(self.take(["--range", size], 2)[1]["digest"])
        self.put("\n\n".join(line.replace(",t7,", ',"t7",') for line in lines))
        found, record = self.take()
        self.assertEqual(found["long"][0], "text")
        digests.add(record["digest"])
        self.assertEqual(len(digests), 1, digests)
        for k, other in ((7, "7,1,0,t7,"), (2999, "2999,9223372036854778807,999.6666666666666,t9,é")):
            self.put("\n".join([*lines[:k + 1], other, *lines[k + 2:]]))
            digests.add(self.take()[1]["digest"])
        self.assertEqual(len(digests), 3, digests)

    def test_one_file_over_all_layouts(self):
        text = 'id,"na,me",x\r\n' + "".join(f'{k},"tü ""{k}""\r\n,{"é" * (k % 5)}",{k / 7}\r\n' for k in range(400))
        self.put(text)
        wanted, digests = expected(text), set()
        for size in (5, 64, 999, 10**6):
            for ranks, threads, options in LAYOUTS:
                with self.subTest(range=size, ranks=ranks, options=options):
                    found, record = self.take(["--range", size, *options], ranks, threads)
                    self.assert_same(found, wanted)
                    digests.add(record["digest"])
        self.assertEqual(len(digests), 1, digests)
        found, record = self.take(["--columns", "x,id", "--range", 300], 3)
        self.assertEqual(list(found), ["id", "x"])
        self.assertEqual(record["io_mode"], harness.IO_MODE)

    def test_against_pandas(self):
        rng = np.random.default_rng(5)
        frame = pandas.DataFrame({"i": rng.integers(-2**62, 2**62, 5000), "x": rng.normal(0, 1e9, 5000) ** 3,
                                  "y": np.where(rng.random(5000) < 0.1, np.nan, rng.random(5000)),
                                  "t": ["a,b", 'q"q', "two\nlines", "plain", "ü"] * 1000})
        frame.to_csv(self.csv, index=False)
        read = pandas.read_csv(self.csv, float_precision="round_trip")
        for size in (1000, 262144):
            found, _ = self.take(["--range", size, "--verify"], 3)
            for name in frame:
                self.assertEqual(np.array(found[name][1]).tobytes() if name != "t" else found[name][1],
                                 read[name].to_numpy().tobytes() if name != "t" else read[name].tolist(), name)

    def test_against_dask(self):
        """Which reads in blocks, too."""
        rng = np.random.default_rng(7)
        frame = pandas.DataFrame({"i": rng.integers(-10**9, 10**9, 20_000), "x": rng.normal(0, 1e3, 20_000).round(6),
                                  "y": rng.normal(0, 1e-9, 20_000)})
        frame.to_csv(self.csv, index=False)
        read = dask.dataframe.read_csv(self.csv, usecols=["i", "y"], blocksize=50_000, float_precision="round_trip")
        self.assertGreater(read.npartitions, 10)
        found, _ = self.take(["--columns", "i,y", "--range", 50_000], 3)
        for name, column in read.compute().items():
            self.assertEqual(np.array(found[name][1]).tobytes(), column.to_numpy().tobytes(), name)

    def test_hard_files(self):
        for content, wanted in (
                ("\ufeffa,b\n1,2", {"a": ("int64", [1]), "b": ("int64", [2])}),
                ("a,b\r\n1,2\r", {"a": ("int64", [1]), "b": ("int64", [2])}),
                ("a\n", {"a": ("float64", [])}),
                ("a", {"a": ("float64", [])}),
                ("a,b\n,\n,\n", {"a": ("float64", [math.nan] * 2), "b": ("float64", [math.nan] * 2)}),
                ('a\n""\n\n5\n', {"a": ("int64", [None, 5])}),
                ('a,b\n"","x"\n,""\n', {"a": ("float64", [math.nan] * 2), "b": ("text", ["x", ""])}),
                ("a\n9223372036854775807\n-9223372036854775808\n",
                 {"a": ("int64", [2**63 - 1, -2**63])}),
                ("a\n9223372036854775808\n", {"a": ("uint64", [2**63])}),
                ("a\n9223372036854775808\n-1\n", {"a": ("float64", [2.0**63, -1.0])}),
                ("a,b\n-9223372036854775808,1\n,2\n", {"a": ("int64", [-2**63, None]), "b": ("int64", [1, 2])}),
                ("a\n-0\n1.5\n", {"a": ("float64", [-0.0, 1.5])}),
                ("a\n 1\n2\t\n", {"a": ("int64", [1, 2])}),
                ("a\n1_0\n", {"a": ("text", ["1_0"])}),
                ("a/b,.\nx,y\n", {"a/b": ("text", ["x"]), ".": ("text", ["y"])}),
        ):
            self.put(content)
            for size in (1, 4, 262144):
                with self.subTest(content, range=size):
                    found, _ = self.take(["--range", size, "--verify"], 2)
                    self.assert_same(found, wanted)

    def test_missing_text_is_not_the_empty_one(self):
        self.put('a,b\n"",1\n,2\nNA,3\nx,4\n')
        self.take()
        with h5py.File(self.h5) as file:
            data = file["table/a"]
            self.assertEqual((harness.attribute(data, "missing_value"), data.attrs["missing"]), ("N/A", 1))
            self.assertEqual(data[:].tolist(), [b"", b"N/A", b"NA", b"x"])

    def test_long_fields(self):
        long = "x" * 3_000_000 + "\n,"
        self.put(f'a,b\n1,"{long}"\n2,"y"\n')
        for size in (10_000, 262144):
            found, _ = self.take(["--range", size], 2)
            self.assertEqual(found["b"][1], [long, "y"])
        result = harness.run(["table", self.csv, "--memory-limit", "1MB", "--range", "10KB"])
        self.assert_error(result, 3, "longer than --memory-limit")

    def test_field_of_100_megabytes(self):
        """With quotes and what looks like records in it, over hundreds of ranges."""
        long = 'word, and "quotes"\nline, 5\n' * 3_900_000
        self.assertGreater(len(long), 100_000_000)
        self.put('a,b\n1,x\n2,"' + long.replace('"', '""') + '"\n3,y\n')
        for ranks in (None, 2):
            self.run_ok(["table", self.csv, "--memory-limit", "2GB", "-o", self.h5, "--force"], ranks)
            with h5py.File(self.h5) as file:
                self.assertEqual(file["table/a"][:].tolist(), [1, 2, 3])
                all_bytes, begins, sizes = (file[f"table/b{end}"][:] for end in ("", "_begin", "_bytes"))
            first, found, last = (all_bytes[begin:begin + size].tobytes() for begin, size in zip(begins, sizes))
            self.assertEqual((first, last), (b"x", b"y"))
            self.assertTrue(found == long.encode())

    def test_larger_than_memory_streams(self):
        rows = 300_000
        self.put("i,x\n" + "".join(f"{k},{k}.5\n" for k in range(rows)))
        limit = 1_000_000
        self.assertGreater(self.csv.stat().st_size, 4 * limit)
        found, record = self.take(["--memory-limit", limit, "--range", 20_000], 2, 2)
        self.assertGreater(record["bands"], 4)
        self.assertEqual(found["i"][1], list(range(rows)))
        self.assertEqual(found["x"][1][-1], rows - 0.5)

    def test_errors_name_the_line(self):
        for content, *parts in (
                ("a,b\n1,2\n\n3\n", "line 4", "1 field, the header has 2"),
                ('a,b\n1,"x\ny"\n3,4,5\n', "line 4", "3 fields, the header has 2"),
                ('a,b\n1,x"y\n', "line 2", "a quote within an unquoted field"),
                ('a,b\n1,"x"y\n', "line 2", "follows quotes that have closed"),
                ('a,b\n1,"x ""y""\n3,4\n', "line 2", "never closed"),
                ("a,b\n1,2\r3,4\n", "line 2", "carriage return"),
                (b"a,b\n1,2\n1,\xff\n", "line 3", "not UTF-8"),
                (b"a,b\n1,2\n1,\xc3\n", "line 3", "not UTF-8"),
                (b"a,b\n1,2\n1,x\0y\n", "line 3", "NUL"),
                ("", "it is empty"),
                ("\n\n", "it is empty"),
        ):
            self.put(content)
            for options, ranks in (([], None), (["--range", 1], 2), (["--range", 3], 3)):
                with self.subTest(content, options=options):
                    result = harness.run(["table", self.csv, "-o", self.h5, *options], ranks)
                    self.assert_error(result, 3, str(self.csv), *parts)
                    self.assert_only("t.csv")

    def test_wrong_columns(self):
        self.put("a,b,b\n1,2,3\n")
        self.assert_error(harness.run(["table", self.csv, "--columns", "a,z"], 2), 3, "no column z", "a, b, b.1")
        self.assertEqual(self.take(["--columns", "b,b.1"])[0], {"b": ("int64", [2]), "b.1": ("int64", [3])})
        self.assert_error(harness.run(["table", self.csv, "--columns", "a,a"]), 2, "a is named twice")
        self.assert_error(harness.run(["table", self.csv, "--columns", '"a']), 2, "its quotes are not closed")
        self.assertEqual(self.take(["--columns", "a"])[0], {"a": ("int64", [1])})
        self.put('"a,""1""",b\n5,6\n')
        self.assertEqual(self.take(["--columns", '"a,""1"""'])[0], {'a,"1"': ("int64", [5])})

    def test_wrong_files(self):
        for path, *parts in ((self.folder / "none.csv", "No such file"), (self.folder, "it is a folder")):
            self.assert_error(harness.run(["table", path], 2), 3, *parts)
        self.put("a\n1\n")
        self.assert_error(harness.run(["table", self.csv, "-o", self.csv, "--force"]), 2, "the same file")
        self.assert_error(harness.run(["table"]), 2, "file")

    def interrupted(self, words, rows=400_000):
        """Result of a run that is ended by SIGTERM once it has finished an item: of a file large enough for that."""
        part = self.folder / "t.h5.part"
        for _ in range(4):
            self.put("x,t\n" + "".join(f"{k},t{k}\n" for k in range(rows)))
            with harness.Running(words, 2) as running:
                if running.wait_for(lambda: harness.finished(part) > 0):
                    harness.kill(running.ranks(), signal.SIGTERM)
                result = running.result()
            if result.code != 0:
                return result
            rows *= 2
        self.fail("it was always faster")

    def test_resume(self):
        for column in ("x", "t"):
            words = ["table", self.csv, "--columns", column, "--range", 1000, "--memory-limit", 200_000, "-o", self.h5,
                     "--force"]
            self.assert_error(self.interrupted(words), 6, "--resume")
            record = self.record([*words[:-1], "--resume"], 3)
            self.assertGreater(record["resumed_items"], 0)
            self.assertEqual(record["digest"], self.record(words)["digest"])
            self.h5.unlink()

    def test_file_that_shrinks(self):
        """Whether it is noticed while the file is looked at or while it is parsed: no hang, and one line."""
        words = ["table", self.csv, "--range", 1000, "--memory-limit", 200_000, "-o", self.h5]
        part = self.folder / "t.h5.part"
        text = "x,t\n" + "".join(f"{k},t{k}\n" for k in range(400_000))
        for ranks in (None, 2):
            self.put(text)
            with harness.Running(words, ranks) as running:
                self.assertTrue(running.wait_for(lambda: harness.finished(part) > 0))
                os.truncate(self.csv, 20_000)
                result = running.result()
            self.assertEqual(result.code, 3, result)
            self.assertRegex(result.err, r"\Apaceline: error: can't read [^\n]+ \(it has (become shorter|changed) while")
            self.assertFalse(self.h5.exists())
            part.unlink()

    def test_memory_is_limited(self):
        """Beside what the program has anyway; numbers, and texts, whose bytes HDF5 copies once more."""
        def peak(text, limit):
            self.put(text)
            # From a small process: a new one counts what the one that starts it has, too.
            code = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
                    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
            words = harness.command(["table", self.csv, "--memory-limit", limit, "-o", self.h5, "--force"])
            result = subprocess.run([sys.executable, "-c", code, *words], check=True, capture_output=True, text=True,
                                    env=harness.environment())
            return int(result.stdout) * 1024

        rows, limit = range(1_500_000), 20 << 20
        base = peak("i,x\n1,2\n", limit)
        numbers = "i,x\n" + "".join(f"{k},{k}.25\n" for k in rows)
        texts = "i,t\n" + "".join(f"{k},text number {k}\n" for k in rows)
        self.assertGreater(min(len(numbers), len(texts)), 1.2 * limit)
        self.assertLess(peak(numbers, limit) - base, 1.5 * limit)
        self.assertLess(peak(texts, limit) - base, 2.5 * limit)

    def test_resume_of_another_file_is_refused(self):
        self.put("x\n" + "1\n" * 1000)
        words = ["table", self.csv, "-o", self.h5]
        self.record(words)
        self.put("x\n" + "2\n" * 1000)
        self.assert_error(harness.run([*words, "--resume"]), 3, "belongs to another run", "input_modified")

    def test_column_as_array(self):
        rng = np.random.default_rng(3)
        x, y = rng.normal(0, 1e6, 30_000), rng.integers(-10**9, 10**9, 30_000)
        pandas.DataFrame({"x": x, "t": "a,b", "y y": y, "gap": np.where(y > 0, y, np.nan)}).to_csv(self.csv, index=False)
        expected, digests = (x + 3 * y.astype(float)).tobytes(), set()
        for ranks, threads, options in LAYOUTS + [(3, 1, ["--memory", "shared"])]:
            with self.subTest(ranks=ranks, options=options):
                words = ["array", "--op", "triad", "--input", f"{self.csv}:x,y y", "-o", self.h5, "--force", "--verify"]
                digests.add(self.record([*words, *options, "--threads", threads], ranks)["digest"])
                with h5py.File(self.h5) as file:
                    self.assertEqual(file["array/z"][:].tobytes(), expected)
        self.assertEqual(len(digests), 1)
        for columns, code, *parts in (("t", 3, "it holds text"), ("gap", 3, "values are missing"), ("z", 3, "no column z"),
                                      ("x,y y", 2, "needs 1 column, 2 are named")):
            self.assert_error(harness.run(["array", "--op", "sum", "--input", f"{self.csv}:{columns}"], 2), code, *parts)

    def test_dry_run(self):
        self.put("x,t\n1,a\n")
        self.assertIn("gather parallel", self.run_ok(["table", self.csv, "--dry-run"], 2).out)
        self.assertIn("gather parallel", self.run_ok(["table", self.csv, "--columns", "x", "--dry-run"], 2).out)


if __name__ == "__main__":
    harness.main()
