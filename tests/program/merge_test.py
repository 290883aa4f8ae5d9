"""`paceline merge`: parts of a study in one file that fit and plot take, and what it refuses."""
import h5py

import harness


class Merge(harness.TestCase):
    def part(self, name, ranks, words=("echo", "{ranks} s"), *options):
        self.run_ok(["study", "-o", self.folder / name, "--launcher", "{command}", "--oversubscribe", "--ranks", ranks,
                     "--repeats", 2, "--warmup", 1, "--time-regex", "(.*) s", *options, "--", *words])
        return self.folder / name

    def merge(self, *words):
        return harness.run(["merge", *words, "-o", self.folder / "all.h5"])

    def test_a_whole_of_parts(self):
        parts = [self.part("a.h5", "1,2"), self.part("b.h5", "4")]
        result = self.merge(*parts)
        self.assertEqual(result.code, 0, result)
        self.assertIn("9 runs of 2 studies", result.out)
        with h5py.File(self.folder / "all.h5") as file:
            rows = file["/study/samples"][:]
            self.assertEqual(sorted(rows["ranks"]), [1, 1, 1, 2, 2, 2, 4, 4, 4])
            self.assertEqual(list(rows["order"]), list(range(9)))
            # The blocks of the two are not the same ones.
            blocks = [set(rows[rows["ranks"] == ranks]["repeat"]) for ranks in (1, 2, 4)]
            self.assertEqual(blocks[0], blocks[1])
            self.assertFalse(blocks[0] & blocks[2])
        self.run_ok(["fit", self.folder / "all.h5"])
        # Nothing happened to the parts, and the whole is not overwritten unasked.
        self.assert_error(self.merge(*parts), 4, "all.h5", "--force")
        self.assertEqual(self.merge(*parts, "--force").code, 0)
        self.assert_only("a.h5", "all.h5", "b.h5")

    def test_what_is_no_whole(self):
        part = self.part("a.h5", 1)
        self.assert_error(self.merge(part, self.folder / "no.h5"), 3, "no.h5", "no such file")
        self.assert_error(self.merge(part, self.part("b.h5", 2, ("echo", "3 s"))), 3, "not parts of one study", "command")
        self.assert_error(self.merge(part, self.part("c.h5", 2, ("echo", "{ranks} s"), "--mode", "weak")), 3, "the mode")
        self.assert_error(self.merge(), 2, "parts")
        self.assert_only("a.h5", "b.h5", "c.h5")

    def test_the_same_runs_twice(self):
        part, other = self.part("a.h5", 1), self.part("b.h5", 2)
        copy = self.folder / "c.h5"
        copy.write_bytes(part.read_bytes())
        self.assert_error(self.merge(part, other, part), 3, "a.h5 and", "hold the same runs")
        self.assert_error(self.merge(part, other, copy), 3, "a.h5 and", "c.h5 hold the same runs")
        before = part.read_bytes()
        result = harness.run(["merge", part, other, "-o", self.folder / "." / "a.h5", "--force"])
        self.assert_error(result, 2, "input and output are the same file", "a.h5")
        self.assertEqual(part.read_bytes(), before)
        self.assert_only("a.h5", "b.h5", "c.h5")

    def test_digests_that_differ(self):
        words = ("sh", "-c", "echo 1 s; echo digest {ranks}")
        parts = [self.part(f"{ranks}.h5", ranks, words, "--digest-regex", "digest (.*)") for ranks in (1, 2)]
        result = self.merge(*parts)
        self.assertEqual(result.code, 5, result)
        self.assertIn("digests differ", result.err)
        with h5py.File(self.folder / "all.h5") as file:
            self.assertEqual(len(file["/study/samples"]), 6, "they are merged all the same")


if __name__ == "__main__":
    harness.main()
