"""What tests of the probe share: programs from dial/ that are built here, and their factors by their own stamps."""
import json
import pathlib
import re
import shutil
import subprocess

import harness

HERE = pathlib.Path(__file__).resolve().parent
FACTORS = ["parallel_efficiency", "mpi.efficiency", "mpi.load_balance", "mpi.communication", "openmp.efficiency",
           "openmp.serial", "openmp.load_balance", "openmp.scheduling"]
# What waits does not take the processor from those that work.
QUIET = {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0"}


def expected(ranks, has_mpi, has_openmp):
    """The tree of factors from the programs' own stamps, by the formulas of src/study/profile/efficiency.hpp."""
    elapsed = max(rank["elapsed"] for rank in ranks)
    threads = sum(rank["threads"] for rank in ranks)
    useful = sum(rank["useful"] for rank in ranks)
    left = [rank["threads"] * rank["elapsed"] - rank["mpi"] - (rank["threads"] - 1) * rank["mpi_serial"]
            for rank in ranks]
    whole = threads * elapsed
    tree = {"parallel_efficiency": useful / whole}
    if has_mpi:
        outside = [part / (rank["threads"] * elapsed) for part, rank in zip(left, ranks)]
        tree.update({"mpi.efficiency": sum(left) / whole, "mpi.communication": max(outside),
                     "mpi.load_balance": sum(left) / whole / max(outside)})
    if has_openmp:
        base = sum(left)
        imbalance = sum(rank["imbalance"] for rank in ranks)
        within = useful + imbalance + sum(rank["scheduling"] for rank in ranks)
        tree.update({"openmp.efficiency": useful / base, "openmp.serial": within / base,
                     "openmp.load_balance": (within - imbalance) / within, "openmp.scheduling": useful / (within - imbalance)})
    return tree


def measured(record):
    tree = {}
    for name in FACTORS:
        value = record
        for part in name.split("."):
            value = value and value[part]
        if value is not None:
            tree[name] = value
    return tree


def has(*programs):
    return all(shutil.which(program) for program in programs)


class Probe(harness.TestCase):
    def build(self, words, source="dial.cpp", **more):
        """A program from dial/."""
        if not has(words[0]):
            self.fail(f"{words[0]} is not installed")
        program = self.folder / "program"
        done = subprocess.run([*words, "-O1", HERE / "dial" / source, "-o", program], capture_output=True, text=True,
                              env=harness.environment(**more), cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        return program

    def profile(self, line, options=(), **more):
        """The run and its JSON, from a file."""
        file = self.folder / "profile.json"
        file.unlink(missing_ok=True)
        result = harness.run(["profile", "-o", file, *options, "--", *map(str, line)], cwd=self.folder, timeout=120,
                             **{**QUIET, **more})
        self.assertTrue(file.exists(), result)
        # Nothing else is left behind.
        self.assertEqual([path.name for path in self.folder.iterdir() if path.name.startswith(".paceline")], [])
        return result, json.loads(file.read_text())

    def own_stamps(self, result):
        """What each rank printed. Lines of ranks may lie one behind the other."""
        return sorted((json.loads(text) for text in re.findall(r"dial (\{.*?\})", result.out)),
                      key=lambda stamps: stamps["rank"])

    def compare(self, line, has_mpi, has_openmp, **more):
        """The largest difference of a factor, and what there is to say about it."""
        result, record = self.profile(line, **more)
        self.assertEqual(result.code, 0, result)
        self.assertNotIn("wrong", result.out)
        own = self.own_stamps(result)
        self.assertEqual(len(own), record["ranks"], result)
        self.assertEqual(record["threads"], max(rank["threads"] for rank in own), result)
        wanted, got = expected(own, has_mpi, has_openmp), measured(record)
        self.assertEqual(sorted(wanted), sorted(got))
        return max(abs(got[name] - wanted[name]) for name in wanted), f"{wanted}\n{got}\n{own}\n{result}"

    def check(self, line, has_mpi, has_openmp, **more):
        """Three times at most: a machine that starves the program between its stamps and ours does so once."""
        told = []
        for _ in range(3):
            difference, why = self.compare(line, has_mpi, has_openmp, **more)
            if difference <= 0.02:
                return
            told.append(why)
        self.fail("\n".join(told))

    def mpirun(self, suffix, ranks, words, *options):
        launcher = f"mpirun.{suffix}"
        more = ["--oversubscribe", "--bind-to", "none"] if suffix == "openmpi" else []
        return [launcher, *more, "-np", ranks, *options, *words]
