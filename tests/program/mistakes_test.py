"""Mistakes with the library: what the compiler says first is one sentence that tells what to write instead."""
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import unittest

import harness

SOURCE = harness.REPOSITORY / "tests/library/mistakes.cpp"
SAID = {
    1: "a task was given another number of arguments than it has parameters",
    2: "an argument has another type than the task's parameter",
    3: "no matching function for call to 'paceline::Pool::map<overloaded>",
    4: "this lambda captures a pointer or a reference, which means nothing on another rank",
    5: "a member function is no task, because it needs an object",
    6: "this lambda is no task: its parameters are auto; name their types",
    7: "a function is given to a pool as a template argument: write pool.map<f>(inputs)",
    8: "a task has a parameter that can't go to another rank",
    9: "a task can't change its arguments here, because it runs on another rank",
    10: "this lambda captures more than numbers",
    11: "this lambda captures a pointer or a reference",
    12: "a task has a pointer as parameter",
    13: "a task returns an address",
    14: "a task has a parameter that can't go to another rank",
    15: "this lambda is no task: it is mutable",
    16: "use of deleted function",
}


class Mistakes(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        """As the examples are compiled, but that nothing is made."""
        commands = json.loads((pathlib.Path(os.environ["PACELINE_BUILD"]) / "compile_commands.json").read_text())
        entry = next(one for one in commands if one["file"].endswith("tests/examples/map.cpp"))
        words = shlex.split(entry["command"])
        words = [word for word in words[:words.index("-o")] if "ccache" not in word]
        cls.folder_of_build = entry["directory"]
        # The headers once for all.
        cls.headers = pathlib.Path(tempfile.mkdtemp(prefix="paceline-mistakes-"))
        (cls.headers / "all.hpp").write_text("#include <paceline/pool.hpp>\n#include <paceline/sync.hpp>\n")
        subprocess.run([*words, "-O0", "-x", "c++-header", cls.headers / "all.hpp", "-o", cls.headers / "all.hpp.gch"],
                       cwd=cls.folder_of_build, check=True)
        cls.words = [*words, "-O0", "-fsyntax-only", "-include", cls.headers / "all.hpp", SOURCE]

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.headers)

    def compile(self, mistake):
        return subprocess.run([*self.words, f"-DMISTAKE={mistake}"], cwd=self.folder_of_build, capture_output=True,
                              text=True, env={**os.environ, "LC_ALL": "C"})

    def test_without_a_mistake(self):
        self.assertEqual(self.compile(0).returncode, 0, self.compile(0).stderr)

    def test_each_mistake_is_told_first(self):
        for mistake, sentence in SAID.items():
            with self.subTest(mistake):
                result = self.compile(mistake)
                self.assertNotEqual(result.returncode, 0)
                errors = [line for line in result.stderr.splitlines() if " error: " in line]
                self.assertIn(sentence, errors[0], "\n".join(errors[:5]))

    def test_the_type_is_named(self):
        self.assertIn("Chain", self.compile(14).stderr.split(" error: ")[0])
        self.assertRegex(self.compile(8).stderr.split(" error: ")[0], "string_view")


if __name__ == "__main__":
    unittest.main()
