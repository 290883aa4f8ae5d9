"""`paceline import`: times in every format that people have, and what it refuses or tells."""
import json

import h5py

import harness

GROMACS = """                      :-) GROMACS - gmx mdrun, 2022.5-Debian (-:
Running on {nodes} node with total 8 cores, 16 processing units
Using {ranks} MPI processes
Using {threads} OpenMP threads per MPI process

               Core t (s)   Wall t (s)        (%)
       Time:      {core}       {wall}      799.0
                 (ns/day)    (hour/ns)
Performance:       12.345        1.944
"""
LAMMPS = """LAMMPS (23 Jun 2022)
  using {threads} OpenMP thread(s) per MPI task
Loop time of {wall} on {procs} procs for 100 steps with 32000 atoms

99.9% CPU use with {ranks} MPI tasks x {threads} OpenMP threads
"""


class Import(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.study = self.folder / "s.h5"

    def given(self, name, text):
        path = self.folder / name
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        return path

    def imported(self, *words):
        """(ranks, threads, nodes, seconds) of each run, and what was told."""
        result = self.run_ok(["import", *words, "-o", self.study, "--force"])
        with h5py.File(self.study) as file:
            rows = file["/study/samples"][:]
            self.assertEqual(file["/study"].attrs["binding"], b"trust")
        self.assertTrue(rows["bound_ok"].all())
        return [(int(row["ranks"]), int(row["threads"]), int(row["nodes"]), float(row["wall_s"])) for row in rows], result

    def assert_runs(self, runs, expected):
        self.assertEqual([run[:3] for run in runs], [run[:3] for run in expected])
        for run, other in zip(runs, expected):
            self.assertAlmostEqual(run[3], other[3], delta=1e-9 * other[3])

    def refused(self, code, path, *parts, more=()):
        self.assert_error(harness.run(["import", path, "-o", self.study, *more]), code, *parts)
        self.assertFalse(self.study.exists())

    def test_tables(self):
        expected = [(1, 1, 1, 10), (1, 1, 1, 10.2), (2, 4, 1, 2.5)]
        for name, text, *more in (
                ("a.csv", "ranks,threads,time\n1,1,10\n1,1,10.2\n2,4,2.5\n"),
                ("b.csv", "MPI tasks;Threads;Wall time (s);note\n1;1;10,0;\n1;1;10,2;x\n2;4;2,5;\"a;b\"\n",
                 "--ranks", "MPI tasks"),
                ("c.tsv", "np\tthreads\telapsed_ms\n1\t1\t10000\n1\t1\t10200\n2\t4\t2500\n"),
                ("d.csv", "\ufeffnp,threads,t\r\n1,1,10\r\n1,1,10.2\r\n\r\n2,4,2.5\r\n", "--time", "t"),
                ("e.csv", "np,threads,t\n1,1,10000\n1,1,10200\n2,4,2500\n", "--time", "t", "--unit", "ms"),
                ("f.csv", "ranks,threads,speed\n1,1,0.1\n1,1,0.09803921568627451\n2,4,0.4\n", "--rate", "speed"),
                ("g.csv", "ranks,threads,throughput\n1,1,0.1\n1,1,0.09803921568627451\n2,4,0.4\n")):
            with self.subTest(name):
                runs, _ = self.imported(self.given(name, text), *more)
                self.assert_runs(runs, expected)
        runs, _ = self.imported(self.given("n.csv", "Number of Nodes,cores,seconds\n1,48,10\n2,96,5.5\n"),
                                "--nodes", "Number of Nodes")
        self.assert_runs(runs, [(48, 1, 1, 10), (96, 1, 2, 5.5)])

    def test_hyperfine(self):
        results = {"results": [
            {"command": "app -n 1", "mean": 2.05, "times": [2.0, 2.1], "exit_codes": [0, 0], "parameters": {"threads": "1"}},
            {"command": "app -n 4", "mean": 0.6, "times": [0.6, 0.7], "exit_codes": [0, 1], "parameters": {"threads": "4"}}]}
        runs, result = self.imported(self.given("h.json", results))
        self.assert_runs(runs, [(1, 1, 1, 2.0), (1, 1, 1, 2.1), (1, 4, 1, 0.6)])
        self.assertIn("h.json result 2 run 2 is left out: its exit code is not 0", result.err)
        with h5py.File(self.study) as file:
            self.assertEqual(file["/study"].attrs["command"], b"app -n {threads}")
        table = "command,mean,stddev,median,user,system,min,max,parameter_threads\napp,2.05,.1,2,1,1,2,2.1,1\napp,0.6,.1,.6,1,1,.6,.6,4\n"
        self.assert_runs(self.imported(self.given("h.csv", table))[0], [(1, 1, 1, 2.05), (1, 4, 1, 0.6)])
        self.study.unlink()
        self.refused(3, self.given("no.json", {"results": [{"command": "x", "times": [1.0]}]}), "neither ranks nor threads")

    def test_reframe(self):
        log = ("job_completion_time|name|num_tasks|num_cpus_per_task|result|elapsed_value|elapsed_unit|elapsed_ref\n"
               "2026-01-02T03:04:05|app|2|8|pass|11.5|s|0\n2026-01-02T03:09:05|app|4|8|pass|6.5|s|0\n")
        self.assert_runs(self.imported(self.given("perf.log", log))[0], [(2, 8, 1, 11.5), (4, 8, 1, 6.5)])
        report = {"session_info": {}, "runs": [{"testcases": [
            {"name": "app", "result": "pass", "check_vars": {"num_tasks": 2, "num_cpus_per_task": 8},
             "perfvars": [{"name": "bw", "value": 9, "unit": "GB/s"}, {"name": "elapsed", "value": 1500, "unit": "ms"}]},
            {"name": "bad", "result": "fail", "perfvars": []}]}]}
        runs, result = self.imported(self.given("report.json", report))
        self.assert_runs(runs, [(2, 8, 1, 1.5)])
        self.assertIn("bad is left out: it failed", result.err)

    def test_jube(self):
        self.assert_runs(self.imported(self.given("r.csv", "nodes,tasks,threadspertask,time[s]\n1,4,2,8.5\n2,8,2,4.5\n"))[0],
                         [(4, 2, 1, 8.5), (8, 2, 2, 4.5)])
        pretty = ("result:\n nodes | tasks | threads | time[s]\n-------+-------+---------+--------\n"
                  "     1 |     4 |       2 |     8.5\n     2 |     8 |       2 |     4.5\n")
        self.assert_runs(self.imported(self.given("r.txt", pretty))[0], [(4, 2, 1, 8.5), (8, 2, 2, 4.5)])
        bars = "| tasks | time[s] |\n|------:|--------:|\n| 4 | 8.5 |\n| 8 | 4.5 |\n"
        runs, result = self.imported(self.given("r.md", bars))
        self.assert_runs(runs, [(4, 1, 1, 8.5), (8, 1, 1, 4.5)])
        self.assertIn("JUBE", result.out)

    def test_extra_p(self):
        expected = [(4, 1, 1, 8.31), (4, 1, 1, 8.02), (8, 1, 1, 22.74), (8, 1, 1, 22.66)]
        text = "# x\nPARAMETER p\nPOINTS 4 8\nREGION main\nMETRIC time\nDATA 8.31 8.02\nDATA 22.74 22.66\n"
        document = {"parameters": ["p"], "measurements": {"main": {"time": [
            {"point": [4], "values": [8.31, 8.02]}, {"point": [8], "values": [22.74, 22.66]}]}}}
        lines = "".join(json.dumps({"params": {"p": ranks}, "metric": "time", "callpath": "main", "value": value}) + "\n"
                        for ranks, _, _, value in expected)
        for name, given in (("e.txt", text), ("e.json", document), ("e.jsonl", lines)):
            with self.subTest(name):
                self.assert_runs(self.imported(self.given(name, given))[0], expected)
        two = text.replace("PARAMETER p", "PARAMETER p\nPARAMETER size").replace("POINTS 4 8", "POINTS (4 100) (8 100)")
        self.assert_runs(self.imported(self.given("two.txt", two), "--ranks", "p")[0], expected)
        self.study.unlink()
        self.refused(3, self.given("two.txt", two), "several parameters: p, size")

    def test_google_benchmark(self):
        def one(threads, seconds, **more):
            return {"name": f"BM_sum/real_time/threads:{threads}", "run_name": f"BM_sum/real_time/threads:{threads}",
                    "run_type": "iteration", "threads": threads, "real_time": seconds * 1e6, "time_unit": "us", **more}

        results = {"context": {}, "benchmarks": [one(1, 2), one(1, 2.2), one(2, 1.5),
                                                 one(2, 1.5, run_type="aggregate", aggregate_name="mean")]}
        runs, result = self.imported(self.given("g.json", results))
        self.assert_runs(runs, [(1, 1, 1, 2), (1, 1, 1, 2.2), (1, 2, 1, 1.5)])
        self.assertIn("1 aggregates are left out", result.err)
        results["benchmarks"].append({**one(1, 9), "run_name": "BM_other/threads:1"})
        self.study.unlink()
        self.refused(3, self.given("g.json", results), "several benchmarks: BM_other, BM_sum/real_time", "--command")
        runs, _ = self.imported(self.given("g.json", results), "--command", "BM_other")
        self.assert_runs(runs, [(1, 1, 1, 9)])

    def test_logs_of_many_runs(self):
        logs = [self.given(f"l{ranks}.log", LAMMPS.format(ranks=ranks, threads=2, procs=2 * ranks, wall=16 / ranks))
                for ranks in (1, 2, 4)]
        runs, result = self.imported(*logs)
        self.assert_runs(runs, [(1, 2, 1, 16), (2, 2, 1, 8), (4, 2, 1, 4)])
        self.assertIn("LAMMPS", result.out)
        logs = [self.given(f"md{ranks}.log", GROMACS.format(ranks=ranks, threads=4, nodes=1, core=1000, wall=100 / ranks))
                for ranks in (1, 2)]
        self.assert_runs(self.imported(*logs)[0], [(1, 4, 1, 100), (2, 4, 1, 50)])
        self.study.unlink()
        self.refused(3, self.given("cut.log", GROMACS.split("Core t")[0] + "Core t (s)\n"), "did the run end?")

    def test_what_is_missing_is_told_with_its_line(self):
        bad = self.given("bad.csv", "ranks,time\n1,10\n2,0\n4,nan\n8,-1\n16,x\n32,1.5\n")
        self.refused(3, bad, "bad.csv:3", "not a time above zero", "--skip-bad")
        runs, result = self.imported(bad, "--skip-bad")
        self.assert_runs(runs, [(1, 1, 1, 10), (32, 1, 1, 1.5)])
        for line in (3, 4, 5, 6):
            self.assertIn(f"bad.csv:{line} is left out", result.err)
        self.study.unlink()
        self.refused(3, self.given("a.csv", "x,time\n1,10\n"), "no column tells ranks, threads or cores; it has x, time")
        self.refused(3, self.given("b.csv", "ranks,t\n1,10\n"), "no column is known as a time; it has ranks, t", "--time")
        self.refused(2, self.given("c.csv", "ranks,time\n1,10\n"), "no such column", "it has ranks, time", more=("--time", "t"))
        self.refused(3, self.given("d.csv", "ranks,time\n1,10,3\n"), "d.csv:2", "3 fields where the head has 2")
        self.refused(3, self.given("e.csv", ""), "it is empty")
        self.refused(3, self.given("f.csv", "ranks,time\n"), "it has no runs")
        self.refused(3, self.given("g.csv", "cores,threads,time\n8,2,1\n"), "cores and threads but no ranks")
        self.refused(3, self.given("h.json", "{\"results\": [1"), "format is not known")
        self.refused(3, self.given("i.csv", "ranks,time\n0,10\n"), "i.csv:2", "ranks is 0")
        self.refused(3, self.folder / "none.csv", "there is no such file")
        self.refused(2, self.given("j.csv", "ranks,rate\n1,1\n"), "weak scaling has times, not throughputs", more=("--mode", "weak"))
        self.run_ok(["import", bad, "--skip-bad", "-o", self.study])
        self.assert_error(harness.run(["import", bad, "--skip-bad", "-o", self.study]), 4, "it exists", "--force")

    def test_a_mean_without_repeats_has_intervals_from_the_residuals(self):
        table = "cores,time\n128,4071.89\n256,2193.52\n512,1173.19\n1024,659.38\n2048,395.53\n"
        self.imported(self.given("fvcom.csv", table))
        fit = self.record(["fit", self.study])
        self.assertEqual((fit["chosen"], fit["binding"]), ("amdahl", "trust"))
        serial = fit["models"]["amdahl"]["serial_fraction"]
        self.assertAlmostEqual(serial["value"], 2.864e-4, delta=1e-7)
        self.assertLess(serial["low"], serial["value"])
        self.assertGreater(serial["high"], serial["value"])
        self.assertEqual([round(row["speedup"], 2) for row in fit["layouts"]], [1, 1.86, 3.47, 6.18, 10.29])
        self.assertIn("vouches for it", self.run_ok(["fit", self.study]).out)


if __name__ == "__main__":
    harness.main()
