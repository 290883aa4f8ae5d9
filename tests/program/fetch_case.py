"""What the tests of `paceline fetch` share: a server, and what must hold of every file."""
import os

import h5py

import harness
from fetch_server import Server

# Nobody's proxy or certificates.
os.environ["no_proxy"] = "*"
os.environ.pop("SSL_CERT_FILE", None)
QUICK = ["--backoff", 0.01]


class FetchCase(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "f.h5"
        self.server = self.enterContext(Server())

    def list_of(self, urls, name="urls.txt"):
        path = self.folder / name
        path.write_text("".join(f"{url}\n" for url in urls))
        return ["--from", path]

    def rows(self):
        """One (status, body, error) for each URL, after a look at what must always hold."""
        with h5py.File(self.path) as file:
            group = file["fetch"]
            self.assertEqual(set(group), {"url", "status", "body_begin", "bytes", "body", "error", "seconds", "rank", "thread"})
            self.assertEqual(harness.attribute(group["bytes"], "units"), "byte")
            self.assertEqual(harness.attribute(group["seconds"], "units"), "s")
            begins, sizes, all_bytes = group["body_begin"][:], group["bytes"][:], group["body"][:].tobytes()
            self.assertEqual((begins.dtype, sizes.dtype, group["body"].dtype), ("<i8", "<i8", "u1"))
            # Those that have no bytes have no place, or an empty one.
            self.assertTrue(((begins >= 0) | (sizes == 0)).all())
            bodies = [all_bytes[begin:begin + size] if size else b"" for begin, size in zip(begins, sizes)]
            self.assertEqual([len(body) for body in bodies], sizes.tolist())
            places = sorted((begin, begin + size) for begin, size in zip(begins, sizes) if size)
            self.assertTrue(all(end <= begin for (_, end), (begin, _) in zip(places, places[1:])), "none overlap")
            self.assertEqual({len(column) for name, column in group.items() if name != "body"}, {len(bodies)})
            self.assertTrue((group["seconds"][:] > 0).all())
            self.assertTrue(file["run/finished"][:].all())
            self.urls = group["url"].asstr()[:].tolist()
            return list(zip(group["status"][:].tolist(), bodies, group["error"].asstr()[:].tolist()))

    def fetch(self, urls, *options, ranks=None, **more):
        """All of them come."""
        record = self.record(["fetch", *urls, "-o", self.path, "--force", *QUICK, *options], ranks, **more)
        rows = self.rows()
        self.assertEqual({(status, error) for status, _, error in rows}, {(200, "")})
        self.assertEqual(record["failed_items"], 0)
        return [body for _, body, _ in rows], record

    def fetch_badly(self, urls, *options, ranks=None, failed=None, **more):
        """Some don't: that is told, and the file is complete all the same."""
        result = harness.run(["fetch", *urls, "-o", self.path, "--force", "--json", *QUICK, *options], ranks, **more)
        self.assertEqual(result.code, 5, result)
        rows = self.rows()
        bad = [url for url, (status, _, _) in zip(self.urls, rows) if status == 0 or status >= 400]
        self.assertEqual(result.json["failed_items"], len(bad))
        *told, error = result.err.splitlines()
        self.assertEqual([line.split(": ")[2] for line in told[:20]], bad[:20], result)
        self.assertRegex(error, rf"\Apaceline: error: {len(bad)} of {len(rows)} items failed \(.+\); .+\Z")
        if failed is not None:
            self.assertEqual(len(bad), failed)
        return rows
