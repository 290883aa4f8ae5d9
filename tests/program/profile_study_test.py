"""`study --profile`: efficiencies of each layout in the file, and what fit, report and plot say of them."""
import h5py
import PIL.Image

import harness
from probe_harness import QUIET, Probe


class ProfiledStudy(Probe):
    def test_from_the_runs_to_the_picture(self):
        program = self.build(["mpicxx", "-std=c++20", "-DOMPI_SKIP_MPICXX"])
        file = self.folder / "s.h5"
        study = ["study", "-o", file, "--ranks", "1,2", "--warmup", 0, "--repeats", 2, "--oversubscribe", "--binding", "trust",
                 "--profile", 2, "--launcher", "mpirun -np {ranks} --oversubscribe --bind-to none {command}"]
        command = ["--", program, "ranks"]
        plan = self.run_ok([*study, "--dry-run", *command], cwd=self.folder)
        self.assertIn("then 2 each under the probe", plan.out)
        self.run_ok([*study, *command], cwd=self.folder, timeout=200, **QUIET)
        with h5py.File(file) as content:
            rows = content["/study/efficiency"][:]
            self.assertEqual(len(content["/study/samples"]), 4)
        self.assertEqual(sorted((int(row["ranks"]), int(row["threads"])) for row in rows), [(1, 1), (1, 1), (2, 1), (2, 1)])
        for row in rows:
            # Ranks work 0.2 and 0.3 of 0.3.
            self.assertAlmostEqual(row["mpi_load_balance"], 1 if row["ranks"] == 1 else 0.25 / 0.3, delta=0.08)
            self.assertAlmostEqual(row["parallel_efficiency"], row["mpi_load_balance"] * row["mpi_communication"], delta=0.001)

        # Nothing is run again.
        self.run_ok([*study, "--resume", *command], cwd=self.folder, timeout=200, **QUIET)
        with h5py.File(file) as content:
            self.assertEqual(len(content["/study/efficiency"]), 4)

        fit = self.run_ok(["fit", file])
        self.assertRegex(fit.out, r"2 x 1 +8\d\.\d +8\d\.\d +9\d\.\d|2 x 1 +8\d\.\d +8\d\.\d +100\.0")
        layouts = self.run_ok(["fit", file, "--json"]).json["layouts"]
        two = next(layout for layout in layouts if layout["ranks"] == 2)["efficiencies"]
        self.assertEqual(two["runs"], 2)
        self.assertIsNone(two["openmp_serial"])
        for kind, words in (("md", "### Where the cores go"), ("html", "<h3>Where the cores go</h3>"),
                            ("tex", "Where the cores go")):
            self.run_ok(["report", file, "-o", self.folder / f"r.{kind}"])
            text = (self.folder / f"r.{kind}").read_text()
            self.assertIn(words, text)
            self.assertIn("Load balance of ranks", text)
        self.run_ok(["report", file, "-o", self.folder / "r.pdf"])
        self.run_ok(["plot", file, "-o", self.folder / "p.svg"])
        self.assertIn("Where the cores go, measured", (self.folder / "p.svg").read_text())
        self.run_ok(["plot", file, "-o", self.folder / "p.png"])
        PIL.Image.open(self.folder / "p.png").verify()

    def test_our_own_workloads_in_every_layout(self):
        """Their record says how they ran: that is held against the layout of the profiled run."""
        file = self.folder / "s.h5"
        result = self.run_ok(
            ["study", "-o", file, "--ranks", "1,2", "--threads", "1,2", "--warmup", 0, "--repeats", 1, "--profile", 1,
             "--binding", "trust", "--launcher", "mpirun -np {ranks} --oversubscribe --bind-to none {command}", "--",
             harness.PROGRAM, "fractal", "--rows", 400, "--max-iter", 500, "--interior", "plain"],
            cwd=self.folder, timeout=200, **QUIET)
        self.assertNotIn("not profiled", result.err)
        with h5py.File(file) as content:
            rows = content["/study/efficiency"][:]
        self.assertEqual(sorted((int(row["ranks"]), int(row["threads"])) for row in rows),
                         [(1, 1), (1, 2), (2, 1), (2, 2)])
        for row in rows:
            self.assertGreater(row["wall_s"], 0)
            self.assertTrue(0 < row["parallel_efficiency"] <= 1, row)

    def test_what_cannot_be_profiled_is_told(self):
        file = self.folder / "s.h5"
        result = harness.run(["study", "-o", file, "--warmup", 0, "--repeats", 2, "--profile", 1, "--launcher", "{command}",
                              "--binding", "trust", "--", "sleep", "0.1"], cwd=self.folder)
        self.assertEqual(result.code, 0, result)
        self.assertIn("is not profiled: no process left a record", result.err)
        self.assertIn("not measured: no process left a record", self.run_ok(["fit", file]).out)


if __name__ == "__main__":
    harness.main()
