"""CSV as people have it: delimiters, comments, names that are missing, packed and converted files, pipes; against Python."""
import csv
import gzip
import io
import math
import os
import random
import subprocess
import threading

import h5py
import numpy as np

import harness

COMMENTS = "# made by a test\n# COLUMN depth: it's \"deep\"\n#\nname,depth\n# between, records\nkappa,1.5\n\"#not one\",2.5\n"


def number(text, point):
    text = text.strip(" \t")
    if point != ".":
        text = "" if "." in text else text.replace(point, ".")
    digits = text[1:] if text[:1] in ("+", "-") else text
    if digits.isascii() and digits.isdigit():
        value = int(text)
        return value if -2**63 <= value < 2**64 else float(text)
    if not digits or set(digits) - set("0123456789.eE") or not digits[0] in "0123456789.":
        return None
    try:
        return float(text)
    except ValueError:
        return None


def text_of(value):
    return value.decode() if isinstance(value, bytes) else value


def column_of(fields, point, missing):
    """(dtype, values) as the README has it; None: missing."""
    numbers = [None if text == "" or text in missing else number(text, point) for text in fields]
    if any(value is None and text != "" and text not in missing for text, value in zip(fields, numbers)):
        return "text", fields
    known = [value for value in numbers if value is not None]
    whole = bool(known) and all(isinstance(value, int) for value in known)
    if whole and max(known) < 2**63:
        return "int64", numbers
    if whole and min(known) >= 0:
        return "uint64", numbers
    return "float64", [math.nan if value is None else float(value) for value in numbers]


class Csv(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.csv, self.h5 = self.folder / "t.csv", self.folder / "t.h5"

    def put(self, content):
        self.csv.write_bytes(content if isinstance(content, bytes) else content.encode())

    def columns(self):
        found = {}
        with h5py.File(self.h5) as file:
            for data in file["table"].values():
                name, mark = text_of(data.attrs["name"]), text_of(data.attrs["missing_value"])
                if data.dtype.kind == "f":
                    found[name] = "float64", data[:].tolist()
                    continue
                values = data.asstr()[:].tolist() if data.dtype.kind == "S" else data[:].tolist()
                self.assertEqual(values.count(mark), data.attrs["missing"])
                kind = "text" if data.dtype.kind == "S" else str(data.dtype)
                found[name] = kind, ["" if kind == "text" and v == mark else None if v == mark else v for v in values]
        return found

    def take(self, *options, ranks=None, file=None, **more):
        words = ["table", file or self.csv, *options, "-o", self.h5, "--force"]
        self.record(words, ranks, **more)
        return self.columns()

    def assert_same(self, found, wanted):
        self.assertEqual(found.keys(), wanted.keys())
        for name, (kind, values) in wanted.items():
            self.assertEqual(found[name][0], kind, name)
            (np.testing.assert_array_equal if kind == "float64" else self.assertEqual)(found[name][1], values, name)

    def both(self, content, wanted, *options):
        """For ranges of every size, and checked by --verify."""
        self.put(content)
        for size in (1, 5, 64, 262144):
            with self.subTest(content[:60], range=size):
                self.assert_same(self.take(*options, "--range", size, "--verify", ranks=2 if size == 5 else None), wanted)

    def test_comments(self):
        self.both(COMMENTS, {"name": ("text", ["kappa", "#not one"]), "depth": ("float64", [1.5, 2.5])}, "--comment", "#")
        # A quote, or a line that looks like a comment, within the other.
        self.both('a,b\n1,"x\n# no comment, 5\n"\n#"\n2,y\n# "\n', {"a": ("int64", [1, 2]), "b": ("text", ["x\n# no comment, 5\n", "y"])},
                  "--comment", "#")
        self.put("a\n1\n#2\n")
        self.assertEqual(self.take(), {"a": ("text", ["1", "#2"])})

    def test_skipped_lines(self):
        self.both('Station "7\nmeasured hourly\n\ntime,level\n0,1.25\n1,1.5\n',
                  {"time": ("int64", [0, 1]), "level": ("float64", [1.25, 1.5])}, "--skip", 3)
        self.put("a\n1\n")
        self.assert_error(harness.run(["table", self.csv, "--skip", 5]), 3, "behind 2 skipped lines")

    def test_delimiters(self):
        text = "a;b;c\n1,5;2;x\n-0,25;3;\"y;z\"\n"
        wanted = {"a": ("float64", [1.5, -0.25]), "b": ("int64", [2, 3]), "c": ("text", ["x", "y;z"])}
        for delimiter in (";", "auto"):
            self.both(text, wanted, "--delimiter", delimiter, "--decimal", ",")
        self.both("a\tb\n1\tx,y\n", {"a": ("int64", [1]), "b": ("text", ["x,y"])}, "--delimiter", "tab")
        self.put('a\tb\n1\tq"uote\n2\t"plain"\n')
        self.assert_error(harness.run(["table", self.csv, "--delimiter", "tab"]), 3, "line 2", "--no-quotes")
        self.assertEqual(self.take("--delimiter", "auto", "--no-quotes"), {"a": ("int64", [1, 2]), "b": ("text", ['q"uote', '"plain"'])})
        for delimiter, why in (("ab", "one ASCII character"), ("5", "one ASCII character"), (".", "decimal point")):
            self.assert_error(harness.run(["table", self.csv, "--delimiter", delimiter]), 2, why)

    def test_missing_words(self):
        self.both('x,n,t\nNA,1,NA\n1.5,null,a\nN/A,3,\n2.5,,NULL\n',
                  {"x": ("float64", [math.nan, 1.5, math.nan, 2.5]), "n": ("int64", [1, None, 3, None]),
                   "t": ("text", ["NA", "a", "", "NULL"])})
        self.both('x,n,t\n-999,1,-\n1.5,-999,"-"\n-999.0,-,b\n',
                  {"x": ("float64", [math.nan, 1.5, -999.0]), "n": ("int64", [1, None, None]), "t": ("text", ["", "-", "b"])},
                  "--na", "-999,-")

    def test_types(self):
        self.both('zip,stop,n\n02494,"00012",7\n10001,"01000",8\n',
                  {"zip": ("text", ["02494", "10001"]), "stop": ("text", ["00012", "01000"]), "n": ("float64", [7, 8])},
                  "--columns", "zip:text,stop:text,n:float64")
        self.both("id\n18446744073709551615\n9223372036854775808\n1\n", {"id": ("uint64", [2**64 - 1, 2**63, 1])})
        self.both("id\n1\n,\n".replace(",", '""'), {"id": ("uint64", [1, None])}, "--columns", "id:uint64")
        self.both("id\n18446744073709551615\n-1\n", {"id": ("float64", [2.0**64, -1.0])})
        micro = np.array(["2024-02-29T12:30:00.25", "1969-12-31"], "datetime64[us]").astype(int).tolist()
        self.both("t\n2024-02-29T13:30:00.25+01:00\n1969-12-31\n\n", {"t": ("int64", micro)}, "--columns", "t:time")
        with h5py.File(self.h5) as file:
            self.assertEqual(text_of(file["table/t"].attrs["units"]), "microseconds since 1970-01-01 00:00:00 UTC")
        for kind, content in (("int64", "1.5"), ("uint64", "-1"), ("float64", "x1"), ("time", "1970"), ("int64", "9223372036854775808")):
            self.put(f"a,b\n,1\n7,2\n{content},3\n".replace("7,2", "1970-01-01,2" if kind == "time" else "7,2"))
            for size in (1, 262144):
                result = harness.run(["table", self.csv, "--columns", f"a:{kind}", "--range", size], 2)
                self.assert_error(result, 3, f"line 4: {content} is no {kind} for the column a")

    def test_names(self):
        self.both(",a,a,a.1,\n0,1,2,3,4\n", {name: ("int64", [k]) for k, name in enumerate(("column_1", "a", "a.2", "a.1", "column_5"))})
        self.both("1,x\n2,y\n", {"1": ("int64", [1, 2]), "2": ("text", ["x", "y"])}, "--no-header")
        self.put("a,b\n1,2\n")
        self.assertEqual(self.take("--no-header", "--columns", "2:text"), {"2": ("text", ["b", "2"])})
        self.put(b"a\0b,c\n1,2\n")
        self.assert_error(harness.run(["table", self.csv]), 3, "line 1", "NUL byte")
        (self.folder / "-dash.csv").write_text("a\n1\n")
        result = self.run_ok(["table", "--columns", "a", "--", "-dash.csv"], cwd=self.folder)
        self.assertIn("a int64", result.out)

    def test_packed_and_converted(self):
        rows = "x,t\n" + "".join(f"{k},Münch {k}\n" for k in range(20_000))
        wanted = {"x": ("int64", list(range(20_000))), "t": ("text", [f"Münch {k}" for k in range(20_000)])}
        zst = subprocess.run(["zstd", "-c"], input=rows.encode(), capture_output=True, check=True).stdout
        for content, options in ((gzip.compress(rows.encode()), []),
                                 (gzip.compress(rows[:50_000].encode()) + gzip.compress(rows[50_000:].encode()) + bytes(512), []),
                                 (zst, []), (rows.encode("latin-1"), ["--encoding", "latin-1"]),
                                 (rows.encode("utf-16"), ["--encoding", "UTF-16"]),
                                 (gzip.compress(rows.encode("cp1252")), ["--encoding", "windows-1252"])):
            self.put(content)
            self.assert_same(self.take(*options, ranks=2), wanted)
            self.assert_only("t.csv", "t.h5")
        for content, options, code, *parts in (
                (gzip.compress(rows.encode())[:-9], [], 3, "gzip data end too early"),
                (gzip.compress(rows.encode())[:3000] + b"x" * 3000, [], 3, "gzip data are damaged"),
                (zst[:-5], [], 3, "zstd data end too early"), (zst + b"more of it", [], 3, "zstd data are damaged"),
                (rows, ["--encoding", "nonsense"], 2, "--encoding nonsense", "iconv"),
                (b"x\n\xff\n", ["--encoding", "ascii"], 3, "byte 2 is not ascii"),
                (b"PK\3\4rest", [], 3, "zip archive"), (b"BZh9", [], 3, "bzip2"), (b"\xfd7zXZ\0", [], 3, "xz"),
                ("x,y\n1,2\n".encode("utf-16-le"), [], 3, "it is UTF-16", "UTF-16LE"),
                ("x,y\n1,2\n".encode("utf-16"), [], 3, "it is UTF-16"), (b"\x89HDF\r\n\x1a\n", [], 3, "HDF5"),
                (b"x,y\r1,2\r3,4\r", [], 3, "carriage returns"), (b"n,x\nM\xfcnchen,1\n", [], 3, "line 2", "--encoding latin-1")):
            self.put(content)
            for ranks in (None, 2):
                self.h5.unlink(missing_ok=True)
                with self.subTest(content[:20], options=options, ranks=ranks):
                    self.assert_error(harness.run(["table", self.csv, *options, "-o", self.h5], ranks), code, *parts)
                    self.assert_only("t.csv")

    def test_pipes(self):
        rows = "x\n" + "".join(f"{k}\n" for k in range(50_000))
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        writer = threading.Thread(target=lambda: pipe.write_text(rows))
        writer.start()
        self.assertEqual(self.take(file=pipe, ranks=2)["x"][1], list(range(50_000)))
        writer.join()
        result = subprocess.run(harness.command(["table", "-", "-o", self.h5, "--force"]), input=rows, text=True,
                                capture_output=True, env=harness.environment())
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(self.columns()["x"][1], list(range(50_000)))
        self.assert_error(harness.run(["table", "/dev/zero"]), 3, "device")
        self.assert_error(harness.run(["table", self.folder / "none"]), 3, "No such file")

    def test_arrays_take_the_same_options(self):
        self.put("b\n2\n3\n")
        self.assertEqual(self.record(["array", "--op", "dot", "--input", f"{self.csv}:b,b"], 2)["value"], 13)
        self.put(gzip.compress(b"# it's\nx;y\n1,5;2\n"))
        path = self.csv.rename(self.folder / "t.csv.gz")
        words = ["array", "--op", "sum", "--input", f"{path}:x", "--comment", "#", "--delimiter", ";", "--decimal", ","]
        self.assertEqual(self.record(words, 2)["value"], 1.5)

    def test_random_files(self):
        """What Python's csv makes of them."""
        for seed in range(30):
            rng = random.Random(seed)
            delimiter, point = rng.choice([(",", "."), (";", ","), ("\t", "."), ("|", ",")])
            comment, header = rng.random() < 0.5, rng.random() < 0.8
            words = ["", "1", "-5", f"2{point}5", f"-1{point}25e3", "NA", "null", "x", "é", f"a{delimiter}b", 'q"q', "# no\nline",
                     "18446744073709551615", "nanny", " 7 "]
            out = io.StringIO()
            writer = csv.writer(out, delimiter=delimiter, lineterminator=rng.choice(["\n", "\r\n"]), quoting=csv.QUOTE_MINIMAL)
            skipped = rng.randrange(3)
            out.write("any\"thing\n" * skipped)
            kinds = [rng.randrange(4) for _ in range(3)]
            rows = [[rng.choice(words[1:5] if kind == 0 else words[:7] if kind == 1 else words) for kind in kinds]
                    for _ in range(rng.randrange(80))]
            if comment:
                rows = [["!" + row[0] if row[0].startswith("#") else row[0], *row[1:]] for row in rows]
            if header:
                writer.writerow(["a", "b", "c"])
            for row in rows:
                if comment and rng.random() < 0.2:
                    out.write(f'# "it\'s{delimiter}\n')
                writer.writerow(row)
            if not header and not rows:
                continue
            self.put(out.getvalue())
            names = ["a", "b", "c"] if header else ["1", "2", "3"]
            wanted = {name: column_of([row[k] for row in rows], point, {"NA", "null"}) for k, name in enumerate(names)}
            options = ["--delimiter", "tab" if delimiter == "\t" else delimiter, "--decimal", point, "--skip", skipped]
            options += ["--comment", "#"] * comment + ["--no-header"] * (not header)
            with self.subTest(seed=seed):
                size = rng.choice([1, 3, 20, 100, 262144])
                self.assert_same(self.take(*options, "--range", size, "--verify", ranks=rng.choice([None, 2, 3])), wanted)


if __name__ == "__main__":
    harness.main()
