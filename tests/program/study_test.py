"""Studies as users run them: of our workloads and of any program, interrupted, killed, resumed, and what goes wrong."""
import io
import os
import pathlib
import random
import signal
import stat
import time
import xml.etree.ElementTree

import h5py
import numpy as np
import PIL.Image

import harness

FRACTAL = ["--", "paceline", "fractal", "--rows", 300, "--cols", 200, "--max-iter", 200]


def samples(path):
    with h5py.File(path) as file:
        return file["/study/samples"][:]


def left_out(path):
    with h5py.File(path) as file:
        return {(row["ranks"], row["threads"]): row["reason"].decode() for row in file["/study/left_out"][:]}


def layouts_of(rows):
    return [(int(row["ranks"]), int(row["threads"])) for row in rows]


class Study(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.file = self.folder / "s.h5"

    def study(self, options, command, **more):
        return harness.run(["study", "-o", self.file, *options, *command], **more)

    def study_ok(self, options, command, **more):
        result = self.study(options, command, **more)
        self.assertEqual(result.code, 0, result)
        return result

    def shell(self, script, *options):
        """Options of a study of a shell script without a launcher, and its command."""
        return ["--launcher", "{command}", "--oversubscribe", *options], ["--", "sh", "-c", script]

    def refused(self, result, code, *parts):
        """An error at once: nothing has run, and no file is made."""
        self.assert_error(result, code, *parts)
        self.assert_only()


class Measures(Study):
    def test_our_workload_on_every_layout(self):
        """On any machine: layouts that don't fit share cores, which is allowed here and said in the file."""
        options = ["--ranks", "1,2", "--threads", "1,2", "--repeats", 3, "--seed", 5, "--oversubscribe", "--binding",
                   "ignore"]
        result = self.study_ok(options, FRACTAL)
        self.assertIn("paceline fit", result.out)
        rows = samples(self.file)
        self.assertEqual(len(rows), 4 * (1 + 3))
        self.assertEqual(list(rows["order"]), list(range(16)))
        self.assertEqual(set(rows["status"]), {b"ok"})
        self.assertEqual(len(set(rows["digest"])), 1)
        self.assertRegex(rows["digest"][0], b"^[0-9a-f]{16}$")
        for block in range(4):  # each layout once a block, in another order
            part = rows[4 * block:4 * block + 4]
            self.assertEqual(sorted(layouts_of(part)), [(1, 1), (1, 2), (2, 1), (2, 2)])
            self.assertEqual(set(part["warmup"]), {block == 0})
            self.assertEqual(set(part["repeat"]), {max(0, block - 1)})
        self.assertGreater(len({tuple(layouts_of(rows[4 * block:4 * block + 4])) for block in range(4)}), 1)
        for name in ("init_s", "compute_s", "compute_mean_s", "serial_s"):
            self.assertTrue((rows[name] < rows["wall_s"]).all(), name)
        self.assertTrue((rows["wall_s"] > 0).all())
        with h5py.File(self.file) as file:
            about = dict(file["/study"].attrs)
        self.assertEqual(about["command"], b"paceline fractal --rows 300 --cols 200 --max-iter 200")
        self.assertEqual((about["launcher"], about["mode"], about["seed"]), (b"mpirun", b"strong", b"5"))
        self.assertIn(b"OMP_NUM_THREADS=2 ", about["launcher_lines"])
        for name in ("machine", "cpu_model", "cores", "topology", "kernel", "launcher_version", "paceline", "date"):
            self.assertTrue(about[name], name)
        self.assert_only("s.h5")

    def test_memory_of_ranks_that_slurm_starts(self):
        """srun's ranks are no children of the study: sacct tells their memory, some seconds after they have ended."""
        tools = self.folder / "tools"
        tools.mkdir()
        steps, asked = self.folder / "steps", self.folder / "asked"
        (tools / "srun").write_text(f"""#!/bin/sh
[ "$1" = --version ] && echo "slurm 22.05.8" && exit
for word; do
  case $word in
    --job-name=*) echo "${{word#--job-name=}}" >> {steps} ;;
  esac
done
while [ "${{1#-}}" != "$1" ]; do shift; done
exec "$@"
""")
        (tools / "sacct").write_text(f"""#!/bin/sh
case "$*" in *"-j 77 "*) ;; *) exit 1 ;; esac
echo >> {asked}
echo "sbatch|||"
while read -r step; do
  [ $(wc -l < {asked}) -lt 2 ] && echo "$step|||" || echo "$step|$((100 + ${{step##*-}}))K|100K|2"
done < {steps}
""")
        for tool in tools.iterdir():
            tool.chmod(0o755)
        options = ["--launcher", "srun", "--ranks", 2, "--repeats", 2, "--binding", "ignore", "--oversubscribe"]
        slurm = {"SLURM_JOB_ID": "77", "PATH": f"{tools}:{os.environ['PATH']}"}
        self.study_ok(options, ["--", "true"], **slurm)
        rows = samples(self.file)
        self.assertEqual(steps.read_text().split(), [f"paceline-run-{k}" for k in range(3)])
        self.assertEqual(list(rows["max_rss_bytes"]), [(100 + k) << 10 for k in range(3)])
        self.assertEqual(list(rows["sum_rss_bytes"]), [200 << 10] * 3)
        self.assertEqual(asked.read_text(), "\n\n")
        # Without accounting that is said, and srun's own memory is not taken for theirs.
        (tools / "sacct").write_text("#!/bin/sh\necho Slurm accounting storage is disabled >&2\nexit 1\n")
        result = self.study_ok([*options, "--force"], ["--", "true"], **slurm)
        self.assertIn("no memory is known of ranks that Slurm starts: sacct says: Slurm accounting storage is disabled",
                      result.err)
        self.assertEqual(set(samples(self.file)["max_rss_bytes"]), {-1})

    def test_layouts_that_do_not_fit_are_left_out(self):
        result = self.study_ok(["--ranks", "1,5000", "--repeats", 1], FRACTAL)
        self.assertIn("5000 x 1 is left out", result.err)
        self.assertEqual(set(layouts_of(samples(self.file))), {(1, 1)})
        self.assertIn("5000 cores", left_out(self.file)[5000, 1])
        self.assertEqual(samples(self.file)["bound_ok"].tolist(), [True, True])

    def test_badly_bound_layouts_are_left_out_or_marked(self):
        """A launcher that binds both threads of a rank to one core."""
        launcher = ["--launcher", "mpirun -np {ranks} --bind-to core --oversubscribe {command}"]
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("one core: no layout with two threads fits")
        options = [*launcher, "--threads", "1,2", "--repeats", 1]
        result = self.study_ok(options, FRACTAL)
        self.assertRegex(result.err, "1 x 2 is left out: 2 threads share 1 core of")
        self.assertEqual(set(layouts_of(samples(self.file))), {(1, 1)})
        self.assertIn("badly bound", left_out(self.file)[1, 2])
        result = self.study_ok([*options, "--binding", "ignore", "--force"], FRACTAL)
        self.assertIn("1 x 2 runs, but fits will not use it", result.err)
        for row in samples(self.file):
            self.assertEqual(row["bound_ok"], row["threads"] == 1)

    def test_own_binding_is_not_passed_on(self):
        """OpenMP binds the study itself to one core; its runs have all that it was given."""
        given = os.sched_getaffinity(0)
        script = "sed -n 's/Cpus_allowed_list:[^0-9]*/given /p' /proc/self/status"
        options = ["--launcher", "{command}", "--oversubscribe", "--repeats", 1, "--warmup", 0, "--digest-regex", "given (.*)"]
        self.study_ok(options, ["--", "sh", "-c", script], OMP_PROC_BIND="close")
        told = samples(self.file)["digest"][0].decode()
        parts = [part.split("-") for part in told.split(",")]
        self.assertEqual({cpu for part in parts for cpu in range(int(part[0]), int(part[-1]) + 1)}, given)
        if len(given) > 1:
            self.study_ok(["--launcher", "{command}", "--threads", "1,2", "--repeats", 1, "--force"], FRACTAL, OMP_PROC_BIND="close")
            self.assertEqual(set(layouts_of(samples(self.file))), {(1, 1), (1, 2)})

    def test_no_layout_is_well_bound(self):
        options = ["--launcher", "sh -c 'exit 7' {ranks} {command}"]
        result = self.study(options, ["--", "true"])
        self.assertEqual(result.code, 1, result)
        self.assertRegex(result.err, r"note: 1 x 1 is left out: its binding can't be read, exit code 7")
        self.assertRegex(result.err, r"error: no run gave a result \(1 x 1 is badly bound: ")
        self.assertEqual(len(samples(self.file)), 0)

    def test_any_program_by_its_wall_time(self):
        self.study_ok(["--ranks", "1,2", "--oversubscribe", "--repeats", 2], ["--", "sleep", "0.{ranks}"])
        rows = samples(self.file)
        self.assertEqual(len(rows), 6)
        for row in rows:
            self.assertGreaterEqual(row["wall_s"], row["ranks"] / 10)
            self.assertTrue(np.isnan(row["compute_s"]))
            self.assertEqual(row["digest"], b"")

    def test_any_program_by_its_output(self):
        script = "echo time 0.{ranks}{threads}{nodes}; echo sum {scale} >&2"
        options, command = self.shell(script, "--ranks", "1,2", "--threads", "1,2", "--mode", "weak")
        result = self.study_ok([*options, "--time-regex", "time ([0-9.]+)", "--digest-regex", "sum (.*)"], command)
        self.assertNotIn("{scale}", result.err)
        for row in samples(self.file):
            self.assertEqual(row["wall_s"], float(f"0.{row['ranks']}{row['threads']}1"))
            self.assertEqual(int(row["digest"]), row["ranks"] * row["threads"])
        self.assertIn("0.2210", result.out)

    def test_until_it_is_certain(self):
        script = "echo $((1000 + $(od -An -N1 -tu1 /dev/urandom) / 2)) ms"
        options, command = self.shell(script, "--time-regex", "(.*) ms", "--repeats", 3)
        self.study_ok([*options, "--until-ci", "4%"], command)
        times = np.sort(samples(self.file)["wall_s"][1:])
        self.assertGreaterEqual(len(times), 6)
        # Both ends of the interval of the median are a sample or two from the ends of so few.
        self.assertLess(times[len(times) // 2], times[0] * 1.2)
        options, command = self.shell("echo 1 s", "--time-regex", "(.*) s", "--repeats", 2)
        self.study_ok([*options, "--until-ci", "1%", "--force"], command)
        self.assertEqual(len(samples(self.file)), 1 + 6, "of fewer than six no interval is known")

    def test_one_layout_and_one_sample(self):
        options, command = self.shell("true", "--warmup", 0, "--repeats", 1)
        self.assertIn("too few runs", self.study_ok(options, command).out)
        self.assertEqual(len(samples(self.file)), 1)

    def test_dry_run_runs_nothing(self):
        result = self.study_ok(["--ranks", "1,5000", "--threads", "1", "--timeout", 36, "--dry-run"], FRACTAL)
        self.assertRegex(result.out, r"mpirun -np 1 .*PE=1 --bind-to core .* fractal --rows 300")
        self.assertIn("left out", result.out)
        self.assertRegex(result.out, r"at most 0\.06 core-hours .*time-out of 36 s")  # 6 runs
        self.assert_only()
        options, command = self.shell("echo 3600 s", "--time-regex", "(.*) s")
        result = self.study_ok(options, command)
        self.assertEqual(result.err.count("--time-regex finds 3600 s in what a run of "), 1, result)
        result = self.study_ok([*options, "--dry-run"], command)
        self.assertRegex(result.out, r" 6 core-hours in 6 h \(from the times in ")


class Failures(Study):
    def test_what_is_wrong_from_the_start(self):
        fractal = FRACTAL[1:]
        cases = [
            ([], [], 2, "COMMAND is missing"),
            ([], ["--"], 2, "COMMAND is missing"),
            ([], ["--", "paceline-no-such-program"], 2, "no such program in PATH"),
            ([], ["--", "/no/such/program"], 2, "no such program"),
            (["--launcher", "no-such-launcher {command}"], ["--", "true"], 2, "no-such-launcher"),
            (["--launcher", "mpirun -np 1"], ["--", "true"], 2, "{command}"),
            (["--launcher", "srun"], ["--", "true"], 2, "srun"),
            (["--time-regex", "[0-9]+"], ["--", "true"], 2, "no capture group"),
            (["--time-regex", "(["], ["--", "true"], 2, "not a valid regular expression"),
            (["--until-ci", "2"], ["--", "true"], 2, "--until-ci"),
            (["--until-ci", "nan%"], ["--", "true"], 2, "--until-ci"),
            (["--ranks", "0"], ["--", "true"], 2, "--ranks"),
            (["--ranks", "1,two"], ["--", "true"], 2, "--ranks"),
            (["--repeats", "0"], ["--", "true"], 2, "--repeats"),
            (["--timeout", "0"], ["--", "true"], 2, "--timeout"),
            (["--mode", "odd"], ["--", "true"], 2, "--mode"),
            (["--resume", "--force"], ["--", "true"], 2, "--resume"),
            (["--ranks", "5000"], ["--", "true"], 2, "no layout can run", "5000 cores"),
            (["--nodes", "2", "--ranks", "2"], ["--", "true"], 2, "no layout can run", "2 nodes"),
            ([], ["--", *fractal, "--row", 5], 2, "--row"),
            ([], ["--", "paceline", "info"], 2, "not a workload"),
            ([], ["--", *fractal, "--dry-run"], 2, "--dry-run"),
            ([], ["--", *fractal, "-o", "r.h5"], 2, "only the first run could write r.h5"),
            ([], ["--", *fractal, "--png", "r.png"], 2, "only the first run could write r.png"),
            ([], ["--", *fractal, "-o", "r.h5", "--resume"], 2, "--resume"),
        ]
        for options, command, code, *parts in cases:
            with self.subTest(f"{options} {command}"):
                self.refused(self.study(options, command), code, *parts)
        self.refused(self.study([], ["--", "true"], OMPI_COMM_WORLD_RANK="0"), 2, "inside an MPI job")
        self.refused(harness.run(["fractal", "--", "true"]), 2, "study")
        self.refused(self.study(["--mode", "weak"], FRACTAL), 2, "the same work on every layout", "{scale}")
        self.refused(self.study(["--launcher", "mpirun -np {rank} {command}"], ["--", "true"]), 2,
                     "{rank} is not a placeholder", "{ranks} {threads} {nodes} {scale} {command}", "{{rank}}")

    def test_weak_mode_of_a_program_that_may_not_grow(self):
        options, command = self.shell("true", "--mode", "weak", "--repeats", 1)
        for more in (["--dry-run"], []):
            self.assertIn("paceline: note: weak mode", self.study_ok([*options, *more], command).err)

    def test_files_that_are_in_the_way(self):
        options, command = self.shell("true", "--repeats", 1)
        self.file.write_text("mine")
        self.assert_error(self.study(options, command), 4, "it exists", "--force")
        self.assertEqual(self.file.read_text(), "mine")
        self.assert_error(self.study([*options, "--resume"], command), 3, "damaged or not a study")
        self.study_ok([*options, "--force"], command)
        whole = self.file.read_bytes()
        self.file.write_bytes(whole[:-100])
        self.assert_error(self.study([*options, "--resume"], command), 3, "damaged or not a study")
        self.run_ok(["fractal", "--rows", 5, "--cols", 5, "-o", self.file, "--force"])
        self.assert_error(self.study([*options, "--resume"], command), 3, "result of one run")
        self.assert_error(harness.run(["study", "-o", self.folder / "no/s.h5", *options, *command]), 4, "no folder")

    def test_another_study_on_the_same_file(self):
        options, command = self.shell("sleep 0.1", "--repeats", 8)
        with harness.Running(["study", "-o", self.file, *options, *command]) as running:
            running.wait_for(lambda: self.file.exists() and len(samples(self.file)) > 0)
            for more in ([], ["--force"], ["--resume"]):
                self.assert_error(self.study([*options, *more], command), 4, "another study is writing", str(self.file))
            self.assertEqual(running.result().code, 0)
        self.assertEqual(len(samples(self.file)), 9)
        self.assert_only("s.h5")

    def test_a_link_stays(self):
        there = self.folder / "there"
        there.mkdir()
        self.file.symlink_to("there/study.h5")
        options, command = self.shell("sleep 0.1", "--repeats", 8)
        with harness.Running(["study", "-o", self.file, *options, *command]) as running:
            running.wait_for(lambda: self.file.exists() and len(samples(self.file)) > 0)
            self.assertEqual(sorted(os.listdir(there))[0], "study.h5")
            self.assert_error(harness.run(["study", "-o", there / "study.h5", *options, "--force", *command]), 4,
                              "another study is writing")
            self.assertEqual(running.result().code, 0)
        self.run_ok(["fit", self.file])
        self.assertEqual(os.readlink(self.file), "there/study.h5")
        self.assertEqual(os.listdir(there), ["study.h5"])
        with h5py.File(there / "study.h5") as file:
            self.assertIn("/fit/json", file)
        self.assert_only("s.h5", "there")

    def test_a_command_that_fails_in_some_layouts(self):
        options, command = self.shell("echo it is {ranks} >&2; test {ranks} != 2", "--ranks", "1,2,3", "--repeats", 4)
        result = self.study_ok(options, command)
        self.assertRegex(result.err, r"2 x 1: exit code 1: it is 2")
        self.assertIn("not tried again", result.err)
        rows = samples(self.file)
        self.assertEqual(layouts_of(rows).count((2, 1)), 2)
        self.assertEqual(layouts_of(rows).count((3, 1)), 5)
        for row in rows:
            self.assertEqual(row["status"], b"failed" if row["ranks"] == 2 else b"ok")
            self.assertEqual(np.isnan(row["wall_s"]), row["ranks"] == 2)
        self.assertIn("2 failed", result.out)

    def test_a_command_that_always_fails(self):
        options, command = self.shell("echo out of luck >&2; exit 7")
        self.assert_error_after_notes(self.study(options, command), 1, "no run gave a result", "exit code 7: out of luck")
        self.assertEqual(set(samples(self.file)["status"]), {b"failed"})
        again = self.study([*options, "--resume"], command)
        self.assert_error_after_notes(again, 1, "no run gave a result", "made earlier", "1 x 1, is failed", "--force")

    def assert_error_after_notes(self, result, code, *parts):
        notes = result.err.splitlines(keepends=True)
        self.assertTrue(all(line.startswith("paceline: note: ") for line in notes[:-1]), result)
        result.err = notes[-1]
        self.assert_error(result, code, *parts)

    def test_a_command_that_hangs(self):
        """Under mpirun, in all ranks or in some layouts: ended after --timeout, and nothing of it is left."""
        mark = f"77.{os.getpid()}"
        options = ["--ranks", "1,2", "--oversubscribe", "--timeout", 5, "--repeats", 1, "--warmup", 0]
        result = self.study_ok(options, ["--", "sh", "-c", f"test {{ranks}} = 1 || exec sleep {mark}"])
        self.assertIn("2 x 1: it took longer than --timeout", result.err)
        statuses = {int(row["ranks"]): row["status"] for row in samples(self.file)}
        self.assertEqual(statuses, {1: b"ok", 2: b"timed_out"})
        for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                self.assertNotIn(mark.encode(), process.read_bytes())
            except OSError:
                pass  # ended meanwhile

    def test_a_command_that_prints_no_time(self):
        options, command = self.shell("echo time {ranks}", "--ranks", "1,2", "--time-regex", "time ([02])")
        result = self.study_ok(options, command)
        self.assertIn("1 x 1: --time-regex matches nothing", result.err)
        self.assertEqual({row["status"] for row in samples(self.file) if row["ranks"] == 1}, {b"no_time"})

    def test_digests_that_differ(self):
        options, command = self.shell("echo sum {ranks}", "--ranks", "1,2", "--repeats", 2, "--digest-regex", "sum (.*)")
        result = self.study(options, command)
        self.assertEqual(result.code, 5, result)
        self.assertIn("1 of 1 x 1; 2 of 2 x 1", result.err)
        self.assertEqual(len(samples(self.file)), 6, "it was finished and kept")
        self.assertIn("paceline fit", result.out)
        self.study_ok([*options, "--mode", "weak", "--force"], command)


class Faults(Study):
    """What programs, users and disks do to a study."""

    def test_a_regular_expression_can_not_outlast_the_time(self):
        options, command = self.shell("echo " + 40 * "a", "--time-regex", r"(a*)*total: (\S+)", "--timeout", 5, "--repeats", 1)
        result = self.study(options, command, timeout=30)
        self.assertEqual(result.code, 1, result)
        self.assertIn("--time-regex matches nothing", result.err)

    def test_colours_and_exit_codes(self):
        options, command = self.shell(r"printf '\033[1mtotal: \033[0m1.5 s\n'; exit 3", "--time-regex", "total: ([0-9.]+)",
                                      "--ignore-exit-code", "3", "--repeats", 2)
        self.study_ok(options, command)
        self.assertEqual(set(samples(self.file)["wall_s"]), {1.5})
        self.assert_error(self.study([*options, "--force", "--ignore-exit-code", "x"], command), 2, "--ignore-exit-code")

    def test_nothing_in_the_file_is_a_secret(self):
        options, command = self.shell("echo http://me:hunter2@host/ --password hunter2 >/dev/null")
        self.study_ok([*options, "--repeats", 1], command, SLURM_JWT="hunter2", OMP_TOOL_TOKEN="hunter2", http_proxy="http://u:hunter2@p/",
                      OMPI_MCA_url="tcp://u:hunter2@h")
        self.assertNotIn(b"hunter2", self.file.read_bytes())
        with h5py.File(self.file) as file:
            self.assertIn(b"http://***@host", file["/study"].attrs["command"])
            self.assertNotIn(b"proxy", file["/study"].attrs["environment"])
        # The same study goes on, though what is kept of its command is not all of it.
        self.study_ok([*options, "--resume", "--repeats", 2], command)

    def test_links_that_lie_in_the_way_are_not_followed(self):
        other = self.folder / "other"
        other.write_text("mine")
        for suffix in (".next", ".fit"):
            (self.folder / f"s.h5{suffix}").symlink_to(other)
        options, command = self.shell("true", "--repeats", 1)
        self.study_ok(options, command)
        self.run_ok(["fit", self.file])
        self.assertEqual(other.read_text(), "mine")
        self.assert_only("other", "s.h5")

    def test_trusted_layouts_count(self):
        """What this machine could not hold: times of another one, which a launcher starts or a simulator makes up."""
        options = ["--launcher", "sh -c 'echo $(( 1000000 / {ranks} + 100000 )) us' {command}", "--ranks", "1,64,4096",
                   "--time-regex", "(.*) us", "--repeats", 2, "--warmup", 0]
        self.study_ok([*options, "--binding", "trust"], ["--", "true"])
        self.assertEqual(set(layouts_of(samples(self.file))), {(1, 1), (64, 1), (4096, 1)})
        fit = self.record(["fit", self.file])
        self.assertEqual([row["used"] for row in fit["layouts"]], [True] * 3)
        self.assertEqual((fit["binding"], fit["chosen"]), ("trust", "amdahl"))
        self.assertIn("vouches for it", self.run_ok(["fit", self.file]).out)

    def test_suggested_layouts_are_measured(self):
        script = "echo $(( 1000000 / {ranks} + 100000 + {order} % 7 )) us".replace("{order}", "$$")
        options, command = self.shell(script, "--ranks", "1,2", "--time-regex", "(.*) us", "--binding", "trust")
        self.study_ok([*options, "--repeats", 3], command)
        first = self.record(["fit", self.file])
        self.assertIsNone(first["chosen"])
        wanted = [(entry["ranks"], entry["threads"]) for entry in first["suggested"][:2]]
        self.assertEqual(len(wanted), 2)
        self.assert_error(self.study([*options, "--suggested", 2, "--force"], command), 2, "--resume")
        self.study_ok([*options, "--resume", "--repeats", 3, "--suggested", 2], command)
        self.assertEqual(set(layouts_of(samples(self.file))), {(1, 1), (2, 1), *wanted})
        self.assertIsNotNone(self.record(["fit", self.file])["chosen"])
        # It goes on with them, too.
        self.study_ok([*options, "--resume", "--repeats", 4], command)
        for layout in wanted:
            self.assertEqual(layouts_of(samples(self.file)).count(layout), 5)

    def test_memory_of_any_program(self):
        script = "import os; x = bytearray((1 + int(os.environ.get('OMPI_COMM_WORLD_RANK', 0))) << 26); import time; time.sleep(0.5)"
        self.study_ok(["--ranks", "1,2", "--oversubscribe", "--binding", "trust", "--repeats", 1, "--warmup", 0],
                      ["--", "/usr/bin/python3", "-c", script])
        for row in samples(self.file):
            ranks = int(row["ranks"])
            self.assertGreater(row["max_rss_bytes"], ranks << 26)
            self.assertLess(row["max_rss_bytes"], (ranks << 26) + (40 << 20))
            self.assertGreater(row["sum_rss_bytes"], (1 if ranks == 1 else 3) << 26)
        self.assertIn("mem/rank", self.run_ok(["fit", self.file]).out)


class Interruptions(Study):
    OPTIONS = ["--ranks", "1,2", "--threads", "1,2", "--repeats", 6, "--seed", 3]

    def whole(self):
        """The runs of the study that nobody interrupts: layout, warm-up and repeat, in order."""
        options, command = self.shell("true", *self.OPTIONS)
        self.study_ok(options, command)
        rows = samples(self.file)
        self.file.unlink()
        return self.order(rows)

    @staticmethod
    def order(rows):
        return [tuple(row[name].item() for name in ("ranks", "threads", "warmup", "repeat", "order")) for row in rows]

    def test_a_signal_stops_it_and_resume_goes_on(self):
        whole = self.whole()
        options, command = self.shell("sleep 0.05", *self.OPTIONS)
        for number, count in ((signal.SIGINT, 3), (signal.SIGTERM, 11)):
            with harness.Running(["study", "-o", self.file, *options, "--resume", *command]) as running:
                running.wait_for(lambda: self.file.exists() and len(samples(self.file)) >= count)
                running.process.send_signal(number)
                result = running.result()
                self.assertEqual(harness.children(running.process.pid), [])
            self.assertEqual(result.code, 6, result)
            self.assertRegex(result.err, rf"interrupted by signal {number.value} .*{self.file}.*--resume")
            self.assertLess(len(samples(self.file)), len(whole))
            self.assertEqual(set(samples(self.file)["status"]), {b"ok"}, "the run under way is no failure")
        self.study_ok([*options, "--resume"], command)
        self.assertEqual(self.order(samples(self.file)), whole)
        done = self.file.read_bytes()
        self.study_ok([*options, "--resume"], command)
        self.assertEqual(self.file.read_bytes(), done, "nothing is left to do")

    def test_killed_at_random_moments(self):
        whole = self.whole()
        options, command = self.shell("sleep 0.01", *self.OPTIONS)
        chance = random.Random(8)
        before, rounds = 0, 0
        while before < len(whole):
            rounds += 1
            with harness.Running(["study", "-o", self.file, *options, "--resume", *command]) as running:
                running.wait_for(lambda: self.file.exists() and len(samples(self.file)) > before)
                time.sleep(chance.uniform(0, 0.08))
                running.process.kill()
                running.process.wait()
            rows = self.order(samples(self.file))
            self.assertGreater(len(rows), before)
            self.assertEqual(rows, whole[:len(rows)])
            before = len(rows)
        self.assertGreater(rounds, 3)
        self.study_ok([*options, "--resume"], command)
        self.assertEqual(self.order(samples(self.file)), whole)
        self.assert_only("s.h5")

    def test_the_time_is_up(self):
        options, command = self.shell("sleep 0.2", "--repeats", 50, "--max-minutes", 0.01)
        result = self.study(options, command)
        self.assert_error(result, 6, "--max-minutes is up", "--resume")
        self.assertLess(len(samples(self.file)), 20)
        # More certainty than the repeats that were asked for is no promise.
        script = "echo $(od -An -N2 -tu2 /dev/urandom) s"
        options, command = self.shell(script, "--time-regex", "(.*) s", "--until-ci", "0.01%", "--max-minutes", 0.02)
        result = self.study_ok([*options, "--force"], command)
        self.assertIn("still less certain", result.err)

    def test_another_study_is_not_gone_on_with(self):
        command = ["--", "sh", "-c", "true"]
        options = ["--launcher", "{command}", "--ranks", "1,2", "--oversubscribe"]
        self.study_ok([*options, "--repeats", 1], command)
        before = self.file.read_bytes()
        for other, changed, part in (
                (options, ["--", "sh", "-c", "true "], "the command"),
                ([*options, "--mode", "weak"], command, "--mode"),
                ([*options, "--seed", 9], command, "--seed"),
                ([*options, "--threads", 2], command, "layouts"),
                (["--launcher", "env {command}", *options[2:]], command, "--launcher"),
                ([*options, "--time-regex", "(.)"], command, "--time-regex")):
            with self.subTest(part):
                result = self.study([*other, "--resume"], changed)
                self.assert_error(result, 3, "belongs to another study", part)
        self.assertEqual(self.file.read_bytes(), before)
        self.study_ok([*options, "--resume", "--repeats", 3], command)
        self.assertEqual(len(samples(self.file)), 8, "more repeats are more of the same")

    def test_a_full_disk_keeps_the_file(self):
        options, command = self.shell("true")
        self.study_ok([*options, "--repeats", 3], command)
        size = self.file.stat().st_size
        result = self.study([*options, "--repeats", 500, "--resume"], command,
                            wrap=["prlimit", f"--fsize={size + 20000}"])
        self.assert_error(result, 4, "can't write", "--resume")
        rows = samples(self.file)
        self.assertGreater(len(rows), 4)
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode) & 0o600, 0o600)


class Pictures(Study):
    def picture(self, name="s.png", *options):
        result = harness.run(["plot", self.file, "-o", self.folder / name, *options])
        self.assertEqual((result.code, result.out, result.err), (0, "", ""), result)
        return (self.folder / name).read_bytes()

    def colours(self, picture):
        """Number of pixels of each colour."""
        image = PIL.Image.open(io.BytesIO(picture)).convert("RGB")
        return {"#%02X%02X%02X" % colour: count for count, colour in image.getcolors(image.width * image.height)}

    def test_of_our_workload_with_its_fit(self):
        self.study_ok(["--ranks", "1,2", "--threads", "1,2", "--repeats", 2, "--oversubscribe"], FRACTAL)
        picture = self.picture()
        # A colour a thread count, and that of the compute phase.
        for colour in ("#0072B2", "#D55E00"):
            self.assertGreater(self.colours(picture).get(colour, 0), 100, colour)
        self.assertTrue(self.picture("s.pdf").startswith(b"%PDF"))
        self.assertTrue(xml.etree.ElementTree.fromstring(self.picture("s.svg")).tag.endswith("svg"))

    def test_of_any_program_and_few_layouts(self):
        for ranks in ("1", "2,3", ",".join(map(str, range(1, 41)))):
            options, command = self.shell("echo 0.{ranks} s", "--ranks", ranks, "--time-regex", "(.*) s")
            self.study_ok([*options, "--repeats", 1, "--warmup", 0, "--mode", "weak", "--force"], command)
            self.assertGreater(len(self.colours(self.picture("s.png", "--force"))), 20)

    def imported(self, name, text):
        (self.folder / f"{name}.csv").write_text(text)
        path = self.folder / f"{name}.h5"
        self.run_ok(["import", self.folder / f"{name}.csv", "-o", path])
        return path

    def test_of_a_law(self):
        """The law is dashed where one is resolved, and several studies lie over each other."""
        law_colour = "#8E5FC7"
        self.file = self.imported("law", "cores,time\n1,10\n2,5.5\n4,3.25\n8,2.125\n16,1.5625\n")
        self.assertGreater(self.colours(self.picture("law.png")).get(law_colour, 0), 50)
        law, self.file = self.file, self.imported("none", "cores,time\n1,10\n2,11\n4,12\n")
        self.assertEqual(self.colours(self.picture("none.png")).get(law_colour, 0), 0, "no law that is not believed")
        result = harness.run(["plot", law, self.file, "-o", self.folder / "both.png"])
        self.assertEqual((result.code, result.out, result.err), (0, "", ""), result)
        colours = self.colours((self.folder / "both.png").read_bytes())
        for colour in ("#0072B2", "#D55E00"):
            self.assertGreater(colours.get(colour, 0), 100, colour)

    def test_looks_the_same_whatever_the_users_settings_are(self):
        self.file = self.imported("law", "cores,time\n1,10\n2,5.5\n4,3.25\n")
        plain = self.picture("plain.png")
        settings = self.folder / "settings"
        settings.mkdir()
        for text in ("figure.facecolor: red\naxes.facecolor: green\nfont.size: 30\n", "text.usetex: True\n", "nonsense\n"):
            (settings / "matplotlibrc").write_text(text)
            result = harness.run(["plot", self.file, "-o", "there.png", "--force"], cwd=settings, MPLBACKEND="nonsense",
                                 MATPLOTLIBRC=str(settings / "matplotlibrc"), MPLCONFIGDIR=str(settings))
            self.assertEqual((result.code, result.out, result.err), (0, "", ""), result)
            self.assertEqual((settings / "there.png").read_bytes(), plain)

    def test_no_traceback(self):
        self.file = self.imported("law", "cores,time\n1,10\n2,5.5\n4,3.25\n")
        out = self.folder / "p.pdf"
        for kind in ("pdf", "png", "svg"):
            out = self.folder / f"p.{kind}"
            result = harness.run(["plot", self.file, "-o", out], wrap=["prlimit", "--fsize=4000"])
            self.assert_error(result, 4, "can't write", "File too large")
            self.assertFalse(out.exists())
        self.assert_error(harness.run(["plot", self.file, "-o", self.folder / "no/p.png"]), 4)
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        for words in (["plot", pipe, "-o", out], ["fit", pipe], ["compare", self.file, pipe], ["report", pipe, "-o", out],
                      ["merge", self.file, pipe, "-o", self.folder / "m.h5"], ["import", pipe, "-o", self.folder / "m.h5"]):
            self.assert_error(harness.run(words, timeout=20), 3, "a device or a pipe")
        text = self.folder / "text.h5"
        text.write_text("no HDF5\nat all")
        for words in (["plot", text, "-o", out], ["report", text, "-o", out]):
            self.assert_error(harness.run(words), 3)
        self.assertEqual([path for path in self.folder.iterdir() if path.name.startswith(".")], [])

    def test_of_nothing(self):
        options, command = self.shell("exit 1")
        self.assertEqual(self.study(options, command).code, 1)
        result = harness.run(["plot", self.file, "-o", self.folder / "s.png"])
        self.assert_error(result, 3, "nothing to draw", "no run gave a result")
        self.assert_only("s.h5")


if __name__ == "__main__":
    harness.main()
