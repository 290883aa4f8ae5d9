"""The probe on AArch64: by a cross compiler, and run where an emulator is installed."""
import json
import shlex
import subprocess

import harness
from probe_harness import HERE, QUIET, Probe, has

COMPILER = "aarch64-linux-gnu-g++"


class AArch64(Probe):
    def flags(self):
        """Those that the library is built with."""
        text = (harness.REPOSITORY / "CMakeLists.txt").read_text()
        options = text[text.index("target_compile_options(paceline_probe"):]
        words = shlex.split(options[:options.index("$<")], comments=True)
        more = shlex.split(options[options.index("-fno-exceptions"):options.index(")")], comments=True)
        return [word for word in [*words, *more] if word.startswith("-")]

    def test_compiles_and_measures(self):
        if not has(COMPILER):
            self.fail(f"{COMPILER} is not installed")
        library = self.folder / "libpaceline_probe.so"
        self.assertIn("-ftls-model=initial-exec", self.flags())
        done = subprocess.run([COMPILER, "-std=c++20", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-Werror", *self.flags(),
                               "-Wl,--as-needed", "-Wl,-z,defs", f"-I{harness.REPOSITORY}/src",
                               *sorted((harness.REPOSITORY / "src/probe").glob("*.cpp")), "-o", library],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr[:3000])
        if not has("qemu-aarch64"):
            self.fail("qemu-aarch64 is not installed")
        program = self.build([COMPILER, "-std=c++20", "-fopenmp", "-DNO_MPI"])
        out = self.folder / "out"
        out.mkdir()
        run = subprocess.run(["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-E", f"LD_PRELOAD={library}",
                              "-E", f"PACELINE_PROBE_DIR={out}", program, "threads"],
                             capture_output=True, text=True, env=harness.environment(**QUIET))
        self.assertEqual(run.returncode, 0, run.stderr)
        own = json.loads(run.stdout.split("dial ")[1])
        record = json.loads(next(out.iterdir()).read_text())
        self.assertEqual(record["threads"], 2)
        # An emulator takes its time between our stamps and the program's.
        self.assertAlmostEqual(record["useful_ns"] * 1e-9, own["useful"], delta=0.15 * own["useful"])
        self.assertAlmostEqual(record["imbalance_ns"] * 1e-9, own["imbalance"], delta=0.15 * own["useful"])


if __name__ == "__main__":
    harness.main()
