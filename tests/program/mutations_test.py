"""Damaged and random inputs: the right result, or one line that says what is wrong; never a crash, a hang or a wrong
number.

Each test has a budget of cases, printed with their outcomes; PACELINE_CAMPAIGN=long tries fifty times as many.
PACELINE_SEED chooses them."""
import collections
import concurrent.futures
import gzip
import pathlib
import random
import re
import shutil
import string
import sys
import tempfile
import unittest

import h5py
import numpy

import fault_case
import harness
from fault_case import IS_LONG, SEED, WORKLOADS

USAGE, INPUT, OUTPUT, CHECK = 2, 3, 4, 5
LIMIT_S = 20
# Open MPI, HDF5 and a program's threads reserve hundreds of megabytes that they don't touch.
MEMORY = 4 << 30
# A line, and nothing in it that a terminal would act on.
PRINTABLE = re.compile(r"(paceline: [^\x00-\x1f\x7f-\x9f\ud800-\udfff]+\n)*")


def flip_bits(content, choose):
    changed = bytearray(content)
    for _ in range(choose.choice((1, 1, 2, 8))):
        changed[choose.randrange(len(changed))] ^= 1 << choose.randrange(8)
    return bytes(changed)


def change_bytes(content, choose):
    changed = bytearray(content)
    for _ in range(choose.choice((1, 4, 16))):
        changed[choose.randrange(len(changed))] = choose.choice((0, 1, 0x7F, 0xFF, choose.randrange(256)))
    return bytes(changed)


def zero_page(content, choose):
    size = choose.choice((64, 512, 4096))
    at = choose.randrange(0, len(content), size)
    return content[:at] + bytes(len(content[at:at + size])) + content[at + size:]


def truncate(content, choose):
    return content[:choose.randrange(len(content))]


def swap_pages(content, choose):
    size = choose.choice((64, 512, 4096))
    one, other = (choose.randrange(0, len(content), size) for _ in range(2))
    changed = bytearray(content)
    if min(len(content) - one, len(content) - other) >= size:
        changed[one:one + size], changed[other:other + size] = (content[other:other + size], content[one:one + size])
    return bytes(changed)


def remove_piece(content, choose):
    at = choose.randrange(len(content))
    return content[:at] + content[at + choose.choice((1, 1, 7, 300)):]


def insert_piece(content, choose):
    at = choose.randrange(len(content))
    piece = choose.choice((b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b"-", b"1e999", b"9" * 30, b'""',
                           b" ", b"\xc3", b"\xe2\x80\xa8", b"nan", b"x" * 5000))
    return content[:at] + piece + content[at:]


BINARY = (flip_bits, change_bytes, zero_page, truncate, swap_pages)
TEXT = (flip_bits, change_bytes, truncate, remove_piece, insert_piece, insert_piece)


class Mutations(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"PACELINE_SEED={SEED}", file=sys.stderr)

    def setUp(self):
        super().setUp()
        self.inputs = self.folder / "inputs"
        self.inputs.mkdir()
        fault_case.make_inputs(self.inputs)

    def run_limited(self, arguments, ranks=None, **more):
        """Under limits of time and memory; a dump of memory helps nobody here."""
        wrap = ["prlimit", f"--as={MEMORY}", "--core=0"]
        return harness.run(arguments, ranks, LIMIT_S, **{"wrap_rank": wrap, "cwd": self.inputs, **more})

    def judge_refusal(self, result, codes):
        """What is wrong with a run that did not succeed."""
        if result.code not in codes:
            return f"exit code {result.code}"
        if not fault_case.is_one_error(result):
            return "the error is not one line"
        return "" if PRINTABLE.fullmatch(fault_case.one_line(result.err)) else "control characters in a message"

    @staticmethod
    def keep(content, number, name):
        """Where a damaged file stays that a case failed on: another run does not make the same bytes again."""
        path = pathlib.Path(tempfile.mkdtemp(prefix=f"paceline-mutation-{number}-")) / name
        path.write_bytes(content)
        return path

    def check(self, name, budget, case):
        """case(number, generator) -> (outcome, problem). Prints the outcomes, and fails if there is a problem."""
        budget *= 50 if IS_LONG else 1

        def attempt(number):
            try:
                return number, *case(number, random.Random(f"{SEED} {name} {number}"))
            except AssertionError as error:
                return number, "hang", str(error)

        with concurrent.futures.ThreadPoolExecutor(fault_case.AT_ONCE) as pool:
            outcomes = list(pool.map(attempt, range(budget)))
        counts = collections.Counter(outcome for _, outcome, _ in outcomes)
        print(f"{name}: {', '.join(f'{count} {outcome}' for outcome, count in counts.most_common())}", file=sys.stderr)
        problems = [f"{name} {number}: {problem}" for number, _, problem in outcomes if problem]
        if problems:
            self.fail(f"{len(problems)} of {budget} cases; PACELINE_SEED={SEED}\n" + "\n\n".join(problems))

    # Files of our own

    def make_files(self):
        """{(workload, name): content} of complete files and of those of killed runs, and {workload: reference}"""
        files, references = {}, {}
        for workload, words in WORKLOADS.items():
            if workload == "picture":
                continue
            folder = self.folder / workload
            folder.mkdir()
            log = folder.with_suffix(".log")
            wrap = ["env", f"LD_PRELOAD={fault_case.SHIM}", f"FAULT_FILES={folder}*", f"FAULT_LOG={log}"]
            words = [*words, "-o", folder / "f.h5"]
            self.assertEqual(harness.run(words, cwd=self.inputs, wrap_rank=wrap).code, 0)
            references[workload] = fault_case.contents(folder / "f.h5")
            files[workload, "f.h5"] = (folder / "f.h5").read_bytes()
            (folder / "f.h5").unlink()
            calls = len(log.with_suffix(".log.0").read_text().splitlines())
            # Most calls before the last ones write items.
            harness.run(words, cwd=self.inputs, wrap_rank=[*wrap, f"FAULT_AT={calls * 6 // 10}", "FAULT_HOW=kill"])
            files[workload, "f.h5.part"] = (folder / "f.h5.part").read_bytes()
        return files, references

    def test_result_files(self):
        files, references = self.make_files()
        kinds = sorted(files)

        def case(number, choose):
            workload, name = kinds[number % len(kinds)]
            mutate = choose.choice(BINARY)
            folder = self.folder / f"result{number}"
            folder.mkdir()
            damaged = mutate(files[workload, name], choose)
            (folder / name).write_bytes(damaged)
            ranks = 2 if number % 16 == 15 else None
            result = self.run_limited([*WORKLOADS[workload], "-o", folder / "f.h5", "--resume", "--json"], ranks)
            problem = ""
            if result.code != 0:
                problem = self.judge_refusal(result, (INPUT, OUTPUT))
                outcome = "refused"
            else:
                outcome = "right"
                if result.json["digest"] != references[workload]["digest"]:
                    problem = f"the digest is {result.json['digest']}, not {references[workload]['digest']}"
                else:
                    problem = fault_case.difference_in_child(folder, references[workload])
            told = problem and (f"{workload}, {mutate.__name__} of {name} ({self.keep(damaged, number, name)}): "
                                f"{problem}\n{result}")
            shutil.rmtree(folder)
            return ("wrong", told) if problem else (outcome, "")

        self.check("result files", 112, case)

    # Files of others

    def test_hdf5_inputs(self):
        """Numbers that changed can't be seen; all else is refused, and what is read is the same on two ranks."""
        path = self.folder / "input.h5"
        with h5py.File(path, "w") as file:
            values = numpy.arange(600.0)
            file["group/plain"] = values
            file.create_dataset("chunked", data=values, chunks=(70,), compression="gzip", shuffle=True, fletcher32=True)
            file.create_dataset("small", data=numpy.arange(64, dtype="i2"))
            file["texts"] = ["one", "two", "three"]
            file["group/plain"].attrs["units"] = "m"
        content = path.read_bytes()

        def case(number, choose):
            mutate = choose.choice(BINARY)
            damaged = self.folder / f"damaged{number}.h5"
            damaged.write_bytes(mutate(content, choose))
            dataset = choose.choice(("group/plain", "chunked", "chunked", "small"))
            words = ["array", "--op", "sum", "--input", f"{damaged}:{dataset}", "--json", "--memory-limit", "64MiB"]
            result = self.run_limited(words)
            problem = "" if result.code == 0 else self.judge_refusal(result, (INPUT,))
            if not problem and number % 8 == 7:
                other = self.run_limited(words, ranks=2)
                if other.code != result.code:
                    problem = f"exit code {other.code} on two ranks, not {result.code}: {other}"
                elif result.code == 0 and other.json["digest"] != result.json["digest"]:
                    problem = "two ranks read something else"
            kept = problem and self.keep(damaged.read_bytes(), number, "input.h5")
            told = problem and f"{mutate.__name__}, {dataset} ({kept}): {problem}\n{result}"
            damaged.unlink()
            return ("wrong", told) if problem else ("read" if result.code == 0 else "refused", "")

        self.check("HDF5 inputs", 64, case)

    def test_csv_files(self):
        """Whatever a file holds, pieces of it that are read by different workers make one result."""
        base = (self.inputs / "table.csv").read_bytes()

        def case(number, choose):
            path = self.folder / f"table{number}.csv"
            content = base
            for _ in range(choose.choice((1, 1, 3))):
                content = choose.choice(TEXT)(content, choose) or b"\n"
            is_packed = number % 10 == 9
            if is_packed:
                content = choose.choice(BINARY)(gzip.compress(base, mtime=0), choose)
            path.write_bytes(content)
            results, found = [], []
            for options in ([], ["--range", 500, "--threads", 2]):
                output = self.folder / f"table{number}.h5"
                results.append(self.run_limited(["table", path, "-o", output, *options]))
                there = fault_case.contents(output) if output.exists() else {}
                found.append({name: column for name, column in there.items() if name.startswith("table/")})
                output.unlink(missing_ok=True)
            path.unlink()
            whole, pieces = results
            if whole.code == 0 or pieces.code == 0:
                same = whole.code == pieces.code and found[0] == found[1]
                return ("read", "") if same else ("wrong", f"pieces make another result\n{whole}\n{pieces}")
            problem = self.judge_refusal(whole, (INPUT,)) or self.judge_refusal(pieces, (INPUT,))
            return ("refused", "") if not problem else ("wrong", f"{problem}\n{content[:200]!r}\n{whole}\n{pieces}")

        self.check("CSV files", 60, case)

    def test_url_lists(self):
        base = (self.inputs / "urls.txt").read_bytes() + b"# a comment\n\n"

        def case(number, choose):
            path = self.folder / f"urls{number}.txt"
            content = base
            for _ in range(choose.choice((1, 2, 5))):
                content = choose.choice(TEXT)(content, choose) or b"\n"
            path.write_bytes(content)
            output = self.folder / f"pages{number}.h5"
            result = self.run_limited(["fetch", "--from", path, "--allow-file", "--retries", 0, "--timeout", 2,
                                       "--connect-timeout", 1, "-o", output])
            problem = "" if PRINTABLE.fullmatch(result.err) else "control characters in a message"
            told = re.search(r"^paceline: error: \d+ of \d+ items failed \(.+\); .+\n\Z", result.err, re.MULTILINE)
            if result.code == CHECK and not told:
                problem = "the last line does not say what failed"
            elif result.code not in (0, CHECK):
                problem = problem or self.judge_refusal(result, (INPUT,))
            elif not problem:
                with h5py.File(output) as file:
                    problem = "" if file["/run/finished"][:].all() else "items are missing"
            path.unlink()
            output.unlink(missing_ok=True)
            outcome = {0: "fetched", CHECK: "fetched in part"}.get(result.code, "refused")
            return ("wrong", f"{problem}\n{content!r}\n{result}") if problem else (outcome, "")

        self.check("URL lists", 40, case)

    # Command lines

    def test_command_lines(self):
        numbers = ["0", "1", "2", "7", "-1", "1.5", "1e3", "1e999", "nan", "inf", "0x10", "99999999999999999999", "",
                   " ", "4KiB", "1GB", "0.1", "+3", "1,2", "1:2", "-1:1", "2:", ":", "9223372036854775807"]
        texts = ["mandelbrot", "julia", "dot", "multiply", "block", "dynamic", "root", "auto", "squares:3", "fib:x",
                 "sleep:0", "fail:0", "viridis", "table.csv", "table.csv:time", "urls.txt", "none.h5:/x", "/dev/null",
                 ".", "a\nb", "\x1b[31mred", "\x7f", "\udc80", "ü", "%s%n", "{}", "{ranks}", "-", "--", "x" * 5000,
                 "'", '"', "\\", "*", "file:///none", "../x.h5"]
        commands = ["fractal", "array", "tasks", "fetch", "table", "calibrate", "info", "fit", "compare", "merge",
                    "plot", "study", "", "bogus"]
        options = {}
        for command in commands:
            told = harness.run([command, "--help"]).out if command not in ("", "bogus") else ""
            options[command] = sorted(set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", told)) - {"--help", "-h"}) or ["--x"]

        def case(number, choose):
            command = commands[number % len(commands)]
            words = [command] if command else []
            for _ in range(choose.randrange(6)):
                kind = choose.random()
                if kind < 0.6:
                    words.append(choose.choice(options[command]))
                if kind < 0.05:
                    words[-1] += "=" + choose.choice(numbers + texts)
                elif kind < 0.95:
                    words.append(choose.choice(numbers if kind < 0.5 else texts))
                else:
                    words.append("".join(choose.choices(string.printable, k=choose.randrange(12))))
            # Random numbers may ask for a year of work; the plan is made all the same.
            if command in WORKLOADS_BY_NAME:
                words.append("--dry-run")
            if command == "study":
                words += ["--dry-run", "--", "true"]
            folder = self.folder / f"line{number}"
            shutil.copytree(self.inputs, folder)
            try:
                result = self.run_limited(words, cwd=folder)
            finally:
                shutil.rmtree(folder)
            problem = ""
            if result.code != 0:
                problem = self.judge_refusal(result, (1, USAGE, INPUT, OUTPUT, CHECK))
            elif not PRINTABLE.fullmatch(result.err):
                problem = "control characters in a message"
            return ("wrong", f"{problem}: {words!r}\n{result}") if problem else (f"exit code {result.code}", "")

        self.check("command lines", 84, case)


WORKLOADS_BY_NAME = {words[0] for words in WORKLOADS.values()}


if __name__ == "__main__":
    unittest.main()
