"""The shell of the job scripts that needs no Slurm: programs that answer as the machine's or Slurm's would stand in."""
import subprocess

import harness

JOBS = harness.REPOSITORY / "jobs"


class Jobs(harness.TestCase):
    def stand_in(self, name, text):
        """A program of that name, found before the machine's own."""
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def bash(self, *words, **variables):
        path = f"{self.folder / 'bin'}:/usr/bin:/bin"
        done = subprocess.run(["bash", *map(str, words)], capture_output=True, text=True, timeout=60, cwd=self.folder,
                              stdin=subprocess.DEVNULL, env={"PATH": path, "HOME": str(self.folder), **variables})
        return done.returncode, done.stdout, done.stderr

    def lines(self, *words, **variables):
        code, out, err = self.bash(*words, **variables)
        self.assertEqual((code, err), (0, ""))
        return out.splitlines()


class OwnCores(Jobs):
    def cores(self, allowed, cpus):
        """own_cores with these allowed CPUs, where lscpu lists these (CPU, core, socket)."""
        self.stand_in("sed", f"echo {allowed}")
        listed = "\n".join(",".join(map(str, cpu)) for cpu in cpus)
        self.stand_in("lscpu", f"cat <<'END'\n# CPU,Core,Socket\n{listed}\nEND")
        return self.lines("-c", f"source {JOBS}/setup.sh; own_cores")

    def test_counts_cores_and_not_their_hardware_threads(self):
        twelve = [(cpu, cpu % 6, cpu % 6 // 3) for cpu in range(12)]  # two sockets, six cores, two threads each
        for allowed, cores in (("0-11", 6), ("0,6", 1), ("0-1,7-8", 3), ("2-3", 2), ("99", 1)):
            with self.subTest(allowed=allowed):
                self.assertEqual(self.cores(allowed, twelve), [str(cores)])

    def test_tells_cores_of_two_sockets_with_one_number_apart(self):
        self.assertEqual(self.cores("0-3", [(0, 0, 0), (1, 1, 0), (2, 0, 1), (3, 1, 1)]), ["4"])

    def test_gives_mpirun_as_many_ranks_as_it_has_places_for(self):
        done = subprocess.run(["bash", "-c", f"source {JOBS}/setup.sh; exec mpirun -np $(own_cores) true"], timeout=60,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)


class InJob(Jobs):
    def setUp(self):
        super().setUp()
        self.stand_in("scontrol", f'echo "$@" >>{self.folder}/scontrol.log; exit 1')

    def test_refuses_arrays_and_heterogeneous_jobs(self):
        for variables, part in (({"SLURM_ARRAY_TASK_ID": "3"}, "this is an array job (task 3 "),
                                ({"SLURM_HET_SIZE": "2"}, "this is a heterogeneous job (it has 2 parts); ")):
            code, out, err = self.job("echo never", **variables)
            self.assertEqual((code, out), (2, ""))
            self.assertIn(f"paceline: error: {part}", err)

    def test_starts_ranks_by_mpirun_as_that_mpi_wants_it(self):
        for version, words in (("HYDRA build details:", "-np 5 -ppn 3 -bind-to core:2 app"),
                               ("mpirun (Open MPI) 4.1.4", "-np 5 --map-by ppr:3:node:PE=2 --bind-to core -x OMP_NUM_")):
            self.stand_in("mpirun", f'if [ "$1" = --version ]; then echo "{version}"; else echo "$@"; fi')
            code, out, err = self.job("(launch app)", PACELINE_LAUNCHER="mpirun", SLURM_CPUS_PER_TASK="2")
            self.assertEqual(code, 0, err)
            self.assertTrue(out.splitlines()[-1].startswith(words), out)

    def test_makes_slurms_variables_agree(self):
        self.stand_in("srun", 'echo "$SLURM_CPUS_PER_TASK $SRUN_CPUS_PER_TASK $SLURM_TRES_PER_TASK"')
        for cpus, before, after in (("4", "cpu=1", "cpu=4"), ("2", "gres/gpu:1,cpu:8", "gres/gpu:1,cpu:2"),
                                    ("3", "gres/gpu:1", "gres/gpu:1")):
            code, out, err = self.job("(launch true)", SLURM_CPUS_PER_TASK=cpus, SLURM_TRES_PER_TASK=before)
            self.assertEqual((code, out.splitlines()[-1]), (0, f"{cpus} {cpus} {after}"), err)

    def job(self, script, **variables):
        """A job on 2 nodes of 4 CPUs, 5 ranks, which sources in_job.sh and study.sh."""
        return self.bash("-c", f"here={JOBS}; source $here/in_job.sh; source $here/study.sh; {script}",
                         PACELINE_SCRATCH=str(self.folder), PACELINE_PART="1", SLURM_JOB_ID="7", SLURM_NTASKS="5",
                         SLURM_JOB_NUM_NODES="2", SLURM_JOB_CPUS_PER_NODE="4(x2)", SLURM_JOB_NODELIST="n[1-2]",
                         PACELINE_RANKS="1", PACELINE_THREADS="1", **{"PACELINE": harness.PROGRAM, **variables})

    def is_put_back(self):
        log = self.folder / "scontrol.log"
        return log.exists() and log.read_text() == "requeue 7\n"

    def test_ends_a_study_that_gave_no_result(self):
        code, _, err = self.job("study s strong false", PACELINE_LAUNCHER="{command}", PACELINE_NODES="1",
                                PACELINE_STUDY_OPTIONS="--binding ignore")
        self.assertEqual(code, 1, err)
        self.assertIn("no run gave a result", err)
        self.assertTrue((self.folder / "s-7.h5").exists())
        self.assertFalse(self.is_put_back(), err)

    def test_puts_a_run_back_whose_launcher_fails_once_it_has_saved_work(self):
        code, _, err = self.job("touch f.part; run_to_end f false")
        self.assertEqual(code, 1, err)
        self.assertTrue(self.is_put_back(), err)

    def test_finds_the_work_of_a_run_behind_a_link(self):
        (self.folder / "far").mkdir()
        (self.folder / "f").symlink_to("far/f.h5")
        code, _, err = self.job("touch far/f.h5.part; run_to_end f false")
        self.assertEqual(code, 1, err)
        self.assertTrue(self.is_put_back(), err)

    def test_has_places_for_all_ranks_where_nodes_have_not_the_same_number(self):
        self.stand_in("mpirun", 'echo "$@"')
        code, out, err = self.job("launch app", PACELINE_LAUNCHER="mpirun")
        self.assertEqual(code, 0, err)
        self.assertIn("-np 5 --map-by ppr:3:node:PE=1 ", out)


class SubmitNodes(Jobs):
    def setUp(self):
        super().setUp()
        self.stand_in("sinfo", "echo 4; echo 16+")

    def dry(self, *options, **variables):
        return self.bash(JOBS / "submit_nodes.sh", "--dry-run", "-o", "s.h5", *options,
                         PACELINE_SCRATCH=str(self.folder), **variables)

    def refused(self, code, sentence, *options, **variables):
        with self.subTest(options=options):
            found, out, err = self.dry(*options, **variables)
            self.assertEqual((found, out), (code, ""), err)
            self.assertRegex(err, rf"\Apaceline: error: [^\n]*{sentence}[^\n]*; [^\n]+\n\Z")

    def test_refuses_lists_and_limits_that_make_no_sense(self):
        self.refused(2, "2,1,2 names 2 twice", "--nodes", "2,1,2")
        self.refused(2, "--time 0 is no time", "--time", "0")
        self.refused(2, "--time 0-00:00:00 is no time", "--time", "0-00:00:00")
        self.refused(2, "soon is no time limit", "--time", "soon")
        for text, seconds in (("5", 300), ("5:30", 330), ("1:02:03", 3723), ("2-3", 183600), ("1-02:03", 93780),
                              ("1-02:03:04", 93784), ("010:08", 608)):
            found = subprocess.run([JOBS / "slurm_time.py", text], capture_output=True, text=True)
            self.assertEqual((found.returncode, found.stdout), (0, f"{seconds}\n"), text)
        for text in ("", "0", "1-", "1:2:3:4", "-5", "1-2:3:4:5", "x", "5 "):
            self.assertEqual(subprocess.run([JOBS / "slurm_time.py", text], capture_output=True).returncode, 2, text)

    def test_says_that_there_are_no_nodes(self):
        self.stand_in("sinfo", "exit 0")
        self.refused(1, "sinfo lists none in partition big", SBATCH_PARTITION="big")
        self.stand_in("sinfo", "exit 1")
        self.refused(1, "sinfo lists none")

    def test_reads_numbers_with_leading_zeros(self):
        code, out, err = self.dry("--nodes", "1", "--time", "08-09")
        self.assertEqual(code, 0, err)
        self.assertIn(f"at most {16 * (8 * 24 + 9)} core-hours", out)

    def test_shows_lines_that_a_shell_takes_as_they_are(self):
        words = ["my app", "it's", "$HOME", ""]
        code, out, err = self.dry("--nodes", "1", "--", *words)
        self.assertEqual(code, 0, err)
        line = out.splitlines()[1].strip()
        self.stand_in("sbatch", r"printf '[%s]' "'"$@"')
        shown = self.lines("-c", line)
        self.assertTrue(shown[0].endswith("".join(f"[{word}]" for word in words)), (line, shown))


if __name__ == "__main__":
    harness.main()
