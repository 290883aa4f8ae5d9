"""Other people's HDF5 files as arrays: every shape, what their conventions say, what leads out of them, and damage."""
import os
import random
import shutil

import h5py
import numpy as np

import harness


class Inputs(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.input = self.folder / "in.h5"

    def array(self, name, *options, op="sum", ranks=None, path=None, **more):
        datasets = name if op == "sum" else f"{name},{name}"
        words = ["array", "--op", op, "--input", f"{path or self.input}:{datasets}", *options]
        return harness.run([*words, "--json"], ranks, **more)

    def value(self, name, *options, **more):
        result = self.array(name, *options, **more)
        self.assertEqual((result.code, result.err), (0, ""), result)
        return result.json["value"]

    def refused(self, name, *parts, options=(), **more):
        for ranks in (None, 2):
            self.assert_error(self.array(name, *options, ranks=ranks, **more), 3, *parts)

    def test_shapes(self):
        square = np.arange(60_000.0).reshape(200, 300) % 977
        with h5py.File(self.input, "w") as file:
            file["row"], file["column"] = np.arange(1.0, 11.0).reshape(1, 10), np.arange(1.0, 11.0).reshape(10, 1)
            file["cube"] = (np.arange(24_000) % 251).reshape(20, 30, 40).astype("i2")
            file["square"] = square
            file.create_dataset("chunked", data=square, chunks=(17, 23), compression="gzip")
            file["one"], file["a:b"], file["a,b"] = 5.0, np.array([1.0, 2.0]), np.array([3.0, 4.0])
            file["square2"] = square.reshape(300, 200)
        for ranks in (None, 3):
            self.assertEqual([self.value(name, ranks=ranks) for name in ("row", "column", "one")], [55, 55, 5])
            self.assertEqual(self.value('"a:b"', ranks=ranks), 3)
            self.assertEqual(self.value('"a,b"', ranks=ranks), 7)
            for name in ("square", "chunked"):
                self.assertEqual(self.value(name, "--memory-limit", "200KB", ranks=ranks), square.sum())
            self.assertEqual(self.value("cube", ranks=ranks), int((np.arange(24_000) % 251).sum()))
        for ranks, options in ((None, []), (3, ["--memory-limit", "1MB"]), (2, ["--gather", "root", "--schedule", "cyclic"])):
            result = self.folder / "z.h5"
            self.record(["array", "--op", "multiply", "--input", f"{self.input}:square,chunked", "-o", result, "--force",
                         "--verify", *options], ranks)
            with h5py.File(result) as file:
                self.assertTrue(np.array_equal(file["array/z"][()], square * square), "in the shape of the inputs")
        result = harness.run(["array", "--op", "dot", "--input", f"{self.input}:square,square2"], 2)
        self.assert_error(result, 3, "200 x 300", "300 x 200")

    def test_missing_values_of_our_tables(self):
        (self.folder / "t.csv").write_text("x,y,t\n1,2,a\n,3,b\n5,4,c\n")
        self.run_ok(["table", self.folder / "t.csv", "-o", self.input])
        self.refused("/table/x", "1 of 3 values are missing")
        self.assertEqual(self.value("/table/y"), 9)
        self.refused("/table/t", "text")

    def test_conventions_of_netcdf(self):
        with h5py.File(self.input, "w") as file:
            def put(name, values, kind, **attributes):
                data = file.create_dataset(name, data=np.array(values, kind))
                data.attrs.update(attributes)
            put("packed", [5, 10, 20], "i2", scale_factor=0.5, add_offset=10.0, _FillValue=np.array([-999], "i2"))
            put("gap", [5, -999, 20], "i2", scale_factor=0.5, add_offset=10.0, _FillValue=np.array([-999], "i2"))
            put("nan", [1, np.nan], "f4", _FillValue=np.float32(np.nan))
            put("marked", [1, 2, -1], "f8", missing_value=np.array([-1.0, -2.0]))
            put("range", [1, 2, 300], "i2", valid_range=np.array([0, 255], "i2"))
            put("unsigned", [1, -1], "i1", _Unsigned="true")
            put("words", [1, 2], "f8", missing_value="none")
        self.assertEqual(self.value("packed"), 47.5)
        self.refused("gap", "element 1 is missing", "-999", "scale_factor")
        self.refused("nan", "element 1 is missing")
        self.refused("marked", "element 2 is missing")
        self.refused("range", "element 2 is missing", "300")
        self.refused("unsigned", "_Unsigned")
        self.refused("words", "missing_value holds text")

    def test_what_is_empty(self):
        with h5py.File(self.input, "w") as file:
            file["matlab"] = np.array([0, 0], "u8")
            file["matlab"].attrs["MATLAB_empty"] = np.uint8(1)
            file["null"], file["none"] = h5py.Empty("f8"), np.zeros((0, 3))
        for name in ("matlab", "null", "none"):
            self.refused(name, "it is empty")

    def test_virtual_datasets(self):
        def make(count, sources):
            layout = h5py.VirtualLayout(shape=(200,), dtype="f8")
            for k in range(count):
                layout[100 * k:100 * k + 100] = h5py.VirtualSource(sources[k], "v", shape=(100,))
            with h5py.File(self.input, "w", libver="latest") as file:
                file.create_virtual_dataset("v", layout, fillvalue=-1)
        for name in ("a.h5", "b.h5"):
            with h5py.File(self.folder / name, "w") as file:
                file["v"] = np.arange(1.0, 101.0)
        make(2, ["a.h5", "b.h5"])
        self.assertEqual(self.value("v", ranks=2), 10100)
        (self.folder / "b.h5").unlink()
        self.refused("v", "b.h5 is missing")
        with h5py.File(self.folder / "b.h5", "w") as file:
            file["v"] = np.arange(50.0)
        self.refused("v", "b.h5:v")
        with h5py.File(self.folder / "b.h5", "w") as file:
            file["w"] = np.arange(100.0)
        self.refused("v", "no such dataset")
        make(1, ["a.h5"])
        self.refused("v", "100 of its 200 elements have no source")
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        shutil.copy(self.folder / "a.h5", elsewhere / "c.h5")
        make(2, ["a.h5", str(elsewhere / "c.h5")])
        self.refused("v", "c.h5", "--allow-external")
        self.assertEqual(self.value("v", "--allow-external"), 10100)

    def test_what_leads_out_of_the_file(self):
        with h5py.File(self.folder / "other.h5", "w") as file:
            file["x"] = np.arange(10.0)
        np.arange(10.0).tofile(self.folder / "raw.bin")
        os.mkfifo(self.folder / "pipe")
        with h5py.File(self.input, "w") as file:
            file["link"], file["gone"] = h5py.ExternalLink("other.h5", "/x"), h5py.ExternalLink("nowhere.h5", "/x")
            file["pipe"], file["wrong"] = h5py.ExternalLink("pipe", "/x"), h5py.ExternalLink("other.h5", "/y")
            for name, size in (("raw.bin", 80), ("raw2.bin", 80), ("raw.bin", 160)):
                file.create_dataset(f"{name}{size}", (size // 8,), "f8", external=[(name, 0, size)])
        allow = ["--allow-external"]
        self.refused("link", "other.h5:/x", "--allow-external")
        self.refused("gone", "nowhere.h5:/x")
        self.refused("raw.bin80", "raw.bin", "--allow-external")
        self.assertEqual([self.value(name, *allow, ranks=2, cwd=self.folder) for name in ("link", "raw.bin80")], [45, 45])
        self.refused("gone", "nowhere.h5:/x", options=allow)
        self.refused("pipe", "not a regular file", options=allow)
        self.refused("wrong", "other.h5:/y", options=allow)
        self.refused("raw2.bin80", "raw2.bin", "missing", options=allow)
        self.refused("raw.bin160", "shorter", options=allow, cwd=self.folder)

    def test_pipes_and_devices(self):
        os.mkfifo(self.folder / "pipe")
        for path in (self.folder / "pipe", "/dev/zero"):
            self.refused("x", "not a regular file", path=path)

    def test_missing_filter(self):
        with h5py.File(self.input, "w") as file:
            file.create_dataset("lzf", data=np.arange(1000.0), chunks=(100,), compression="lzf")
        self.refused("lzf", "lzf (32000)", "HDF5_PLUGIN_PATH")

    def test_chunk_larger_than_memory(self):
        with h5py.File(self.input, "w") as file:
            file.create_dataset("x", data=np.zeros(4_000_000), chunks=(4_000_000,), compression="gzip")
        self.assertLess(self.input.stat().st_size, 100_000)
        self.refused("x", "32.0 MB", "--memory-limit", options=["--memory-limit", "20MB"])
        self.assertEqual(self.value("x", "--memory-limit", "64MB", ranks=2), 0)

    def test_damaged_files(self):
        """A byte here and there is another one: a sum, or exit 3 in one line, on all ranks; no crash and no hang."""
        whole = self.folder / "whole.h5"
        with h5py.File(whole, "w") as file:
            file["x"] = np.arange(500.0)
            file.create_dataset("y", data=np.arange(500.0), chunks=(50,), compression="gzip")
            file["y"].attrs["_FillValue"] = -1.0
        size, outcomes = whole.stat().st_size, {0: 0, 3: 0}
        for seed in range(24):
            rng, content = random.Random(seed), bytearray(whole.read_bytes())
            for _ in range(rng.choice([1, 1, 4, 30])):
                content[rng.randrange(size if seed % 2 else 2500)] ^= 1 << rng.randrange(8)
            self.input.write_bytes(content)
            result = self.array("x", op="dot", ranks=2) if seed % 3 == 0 else harness.run(
                ["array", "--op", "dot", "--input", f"{self.input}:x,y", "--json"], 2)
            with self.subTest(seed=seed):
                self.assertIn(result.code, outcomes, result)
                outcomes[result.code] += 1
                if result.code == 3:
                    self.assert_error(result, 3, "can't")
        self.assertGreater(min(outcomes.values()), 2, outcomes)


if __name__ == "__main__":
    harness.main()
