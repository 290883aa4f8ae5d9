"""`paceline fetch` against a real server: what it records, whatever the server does, and never too many connections."""
import base64
import os
import signal
import socket
import subprocess
import sys
import time

import h5py

import harness
from fetch_case import FetchCase
from fetch_server import Server, content


class Fetch(FetchCase):
    # What comes.

    def test_bodies(self):
        sizes = [0, 1, 1000, 300_000]
        bodies, record = self.fetch([self.server.url(f"/bytes/{size}") for size in sizes])
        self.assertEqual(bodies, [content(size) for size in sizes])
        self.assertEqual(self.urls, [self.server.url(f"/bytes/{size}") for size in sizes])
        self.assertEqual(record["work_useful"], sum(sizes))
        self.assertEqual(record["item_rate_unit"], "requests/s")

    def test_list_with_comments_and_duplicates(self):
        url = self.server.url("/bytes/10")
        words = self.list_of(["# mine", "", f"  {url}\r", url, "   # no more", self.server.url("/agent#part")])
        for ranks in (None, 2):
            bodies, _ = self.fetch(words, ranks=ranks)
            self.assertEqual(bodies[:2], [content(10)] * 2)
            self.assertRegex(bodies[2].decode(), r"\Apaceline/\d")
            self.assertEqual(len(bodies), 3)

    def test_list_from_standard_input(self):
        _, path = self.list_of([self.server.url(f"/bytes/{size}") for size in range(5)])
        for ranks in (None, 3):
            bodies, _ = self.fetch(["--from", "-"], ranks=ranks, wrap=("sh", "-c", f'exec "$@" < {path}', "sh"))
            self.assertEqual(bodies, [content(size) for size in range(5)])

    def test_same_digest_for_every_layout(self):
        urls = self.list_of([self.server.url(f"/bytes/{97 * k % 5000}") for k in range(60)])
        expected = None
        for ranks, options in ((None, ["--parallel", 1]), (None, ["--parallel", 7]), (1, ["--chunk", 5]),
                               (2, ["--parallel", 3, "--memory-limit", "50kB"]),
                               (3, ["--schedule", "cyclic", "--threads", 2]), (3, ["--parallel", 2]),
                               (2, ["--schedule", "block", "--gather", "root"]), (2, ["--schedule", "weighted"])):
            with self.subTest(ranks=ranks, options=options):
                bodies, record = self.fetch(urls, *options, ranks=ranks)
                expected = expected or (bodies, record["digest"])
                self.assertEqual((bodies, record["digest"]), expected)

    def test_digest_is_of_failures_too(self):
        urls = [self.server.url(path) for path in ("/status/404", "/bytes/5", "/status/410/x")]
        digests = set()
        for ranks, options in ((None, []), (2, ["--parallel", 3])):
            self.fetch_badly(urls, *options, ranks=ranks, failed=2)
            with h5py.File(self.path) as file:
                digests.add(harness.attribute(file, "digest"))
        self.assertEqual(len(digests), 1)

    def test_without_output(self):
        record = self.record(["fetch", self.server.url("/bytes/7")])
        self.assertEqual((record["work_useful"], record["failed_items"]), (7, 0))
        result = harness.run(["fetch", self.server.url("/bytes/7"), self.server.url("/status/404")], 2)
        self.assertEqual(result.code, 5, result)
        self.assertIn("failed    1 of 2 items", result.out)
        self.assertIn("digest: ", result.out)

    def test_report_of_waiting(self):
        urls = [self.server.url(f"/delay/100/{k}") for k in range(12)]
        _, record = self.fetch(urls, "--parallel", 6, ranks=2)
        with h5py.File(self.path) as file:
            seconds = file["fetch/seconds"][:]
            self.assertTrue((seconds >= 0.1).all())
            self.assertEqual(set(file["fetch/rank"][:]), {0, 1})
        self.assertEqual(record["workers"], 6)
        self.assertAlmostEqual(record["waited_s"], seconds.sum(), delta=0.01)
        self.assertAlmostEqual(record["waited_over_wall"], record["waited_s"] / record["wall_s"])
        self.assertRegex(self.run_ok(["fetch", urls[0]]).out, r"waited +\d\.\d+ by 8 workers in all, .* [\d.]+ times")

    # Never too many at once, and really so many.

    def test_connections(self):
        for ranks, parallel in ((None, 1), (None, 6), (2, 5), (3, 4), (3, 2), (3, 1)):
            with self.subTest(ranks=ranks, parallel=parallel), Server() as server:
                # The server answers when so many are there together.
                urls = [server.url(f"/meet/{parallel}/{k}") for k in range(4 * parallel)]
                bodies, record = self.fetch(urls, "--parallel", parallel, ranks=ranks)
                self.assertEqual(bodies, [str(k).encode() for k in range(4 * parallel)])
                self.assertEqual(server.most_open, parallel)
                self.assertEqual(record["workers"], parallel)

    def test_connections_are_used_again(self):
        urls = [self.server.url(f"/bytes/{k}") for k in range(30)]
        self.fetch(urls, "--parallel", 3, ranks=2)
        self.assertLessEqual(self.server.connections, 3)

    def test_waiting_is_no_silence(self):
        """A watchdog is for ranks that are stuck; a server that takes its time has a time-out."""
        bodies, _ = self.fetch([self.server.url("/delay/3000/1")], "--watchdog", 1, ranks=2)
        self.assertEqual(len(bodies), 1)

    def test_slow_one_holds_up_nobody(self):
        urls = [self.server.url("/gate"), *(self.server.url(f"/bytes/{k}") for k in range(200))]
        words = ["fetch", *self.list_of(urls), "-o", self.path, "--parallel", 2]
        with harness.Running(words, 2) as running:
            self.assertTrue(running.wait_for(lambda: sum(self.server.requests.values()) == len(urls)))
            self.server.gate.set()
            self.assertEqual(running.result().code, 0)

    # What does not come at once, or not at all.

    def test_tries_again(self):
        for path, expected in (("/flaky/2/503/a", b"at last"), ("/flaky/1/500/b", b"at last"),
                               ("/flaky/1/429/c", b"at last"), ("/wait/1/d", b"thanks"), ("/reset/2/e", content(1000))):
            with self.subTest(path):
                bodies, _ = self.fetch([self.server.url(path)], ranks=2)
                self.assertEqual(bodies, [expected])

    def test_gives_up(self):
        paths = ["/status/500", "/flaky/9/503", "/reset/9", "/short", "/wait/100000"]
        rows = self.fetch_badly([self.server.url(path) for path in paths], "--retries", 1, ranks=2, failed=5)
        self.assertEqual([status for status, _, _ in rows], [500, 503, 0, 0, 429])
        self.assertEqual([body for _, body, _ in rows], [b"status 500", b"not yet", b"", b"", b"too many"])
        self.assertEqual([error != "" for _, _, error in rows], [False, False, True, True, False])
        # One retry, but none where the server wants a day. Of a connection that it had used before, libcurl itself asks
        # once more.
        requests = [self.server.requests[path] for path in paths]
        self.assertIn(requests, ([2, 2, 2, 2, 1], [2, 2, 3, 2, 1]))

    def test_errors_of_http_are_not_tried_again(self):
        rows = self.fetch_badly([self.server.url("/status/404"), self.server.url("/status/403")], failed=2)
        self.assertEqual(rows, [(404, b"status 404", ""), (403, b"status 403", "")])
        self.assertEqual(self.server.requests["/status/404"], 1)

    def test_many_failures_are_not_all_told(self):
        self.fetch_badly([self.server.url(f"/status/404/{k}") for k in range(50)], ranks=2, failed=50)

    def test_nobody_there(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}/"
            rows = self.fetch_badly([url, self.server.url("/bytes/3")], "--retries", 1, failed=1)
        self.assertRegex(rows[0][2], r"\AFailed to connect to 127\.0\.0\.1 port [0-9]+: Couldn't connect to server\Z")
        self.assertEqual(rows[1][1], content(3))

    def test_redirects(self):
        bodies, _ = self.fetch([self.server.url("/redirect/1/bytes/10"), self.server.url("/redirect/10/bytes/20")])
        self.assertEqual(bodies, [content(10), content(20)])
        rows = self.fetch_badly([self.server.url(path) for path in ("/loop", "/redirect/11/bytes/1", "/tofile")],
                         "--allow-file", failed=3)
        self.assertEqual({(status, body) for status, body, _ in rows}, {(0, b"")})
        self.assertIn("redirects", rows[0][2])
        self.assertNotIn("redirects", rows[2][2])

    def test_reasons_are_libcurls_own(self):
        """Of redirects to where it does not go, of answers without a head, of proxies that are not there."""
        rows = self.fetch_badly([self.server.url(path) for path in ("/tofile", "/toftp", "/old")], "--allow-file", "--retries", 0)
        self.assertIn('"file"', rows[0][2])
        self.assertIn('"ftp"', rows[1][2])
        self.assertIn("HTTP/0.9", rows[2][2])
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            proxy = f"http://user:secret@127.0.0.1:{free.getsockname()[1]}"
            rows = self.fetch_badly(["http://example.invalid/"], "--retries", 0, no_proxy="", http_proxy=proxy)
        self.assertIn("the proxy that http_proxy names", rows[0][2])
        self.assertNotIn("secret", rows[0][2])

    def test_more_than_was_promised_spoils_no_other(self):
        for path in ("/excess", "/late"):
            urls = [self.server.url(f"{path}/{k}") for k in range(6)] + [self.server.url("/delay/100/x"), self.server.url("/bytes/10")]
            bodies, _ = self.fetch(urls, "--parallel", 1, "--retries", 0)
            self.assertEqual(bodies, [b"long"] * 6 + [b"x", content(10)])

    def test_credentials_are_sent_and_kept_nowhere(self):
        url = self.server.url("/authorization").replace("//", "//user:se%40cret@")
        expected = b"Basic " + base64.b64encode(b"user:se@cret")
        bodies, _ = self.fetch([url])
        self.assertEqual((bodies, self.urls), ([expected], [self.server.url("/authorization").replace("//", "//***@")]))
        bodies, _ = self.fetch(self.list_of([url]), ranks=2)
        self.assertEqual(bodies, [expected])
        self.assertNotIn(b"cret", self.path.read_bytes())
        bad = url.replace("authorization", "status/404")
        result = harness.run(["fetch", bad, "-o", self.path, "--force", "--json"])
        self.assertEqual(result.code, 5, result)
        self.assertIn("***@", result.err)
        self.assertNotIn("cret", result.out + result.err)
        self.assertNotIn(b"cret", self.path.read_bytes())
        for wrong in ("ftp://user:secret@h/x", "http://user:secret@h/a b", "http://user:secret@h:port/"):
            result = harness.run(["fetch", wrong])
            self.assert_error(result, 2, "***@")
            self.assertNotIn("secret", result.err)

    def test_timeout(self):
        rows = self.fetch_badly([self.server.url("/hang"), self.server.url("/slow/100000/10"), self.server.url("/bytes/1")],
                         "--timeout", 0.5, "--retries", 0, failed=2)
        self.assertEqual([error for _, _, error in rows], ["Timeout was reached"] * 2 + [""])
        self.assertEqual([body for _, body, _ in rows], [b"", b"", content(1)])

    def test_time_in_which_it_was_stopped_does_not_count(self):
        """A job that is suspended and continued has been waiting for nobody."""
        words = ["fetch", self.server.url("/gate"), "-o", self.path, "--timeout", 3, "--retries", 0]
        with harness.Running(words) as running:
            self.assertTrue(running.wait_for(lambda: self.server.requests["/gate"] == 1))
            harness.kill(running.ranks(), signal.SIGSTOP)
            time.sleep(3.5)
            harness.kill(running.ranks(), signal.SIGCONT)
            time.sleep(0.2)  # in which it could give up
            self.server.gate.set()
            self.assertEqual(running.result().code, 0)
        self.assertEqual(self.rows(), [(200, b"open", "")])

    def test_wrong_lengths_and_slow_bodies(self):
        bodies, _ = self.fetch([self.server.url("/long"), self.server.url("/slow/50/1")])
        self.assertEqual(bodies, [b"long", content(50)])

    def test_bodies_beyond_the_memory_limit(self):
        """A body may have half of it."""
        rows = self.fetch_badly([self.server.url(path) for path in ("/endless", "/bytes/500001", "/bytes/500000")],
                         "--memory-limit", 1_000_000, ranks=2, failed=2)
        self.assertEqual([error for _, _, error in rows], ["the body is larger than --memory-limit allows"] * 2 + [""])
        self.assertEqual(rows[2][1], content(500_000))
        self.assertEqual(self.server.requests["/endless"], 1)

    def test_more_than_memory_streams(self):
        sizes = [700_000 - k for k in range(24)]
        bodies, _ = self.fetch([self.server.url(f"/bytes/{size}") for size in sizes], "--memory-limit", 1_500_000,
                               ranks=2)
        self.assertEqual(bodies, [content(size) for size in sizes])

    def test_files_beyond_the_memory_limit(self):
        """A file is read in one go, so it waits until there is room for it."""
        path = self.folder / "file"
        path.write_bytes(content(3_000_000))
        urls = [f"file://{path}"] * 20 + [self.server.url("/bytes/2000000"), f"file://{path}"] * 5
        for ranks in (None, 3):
            bodies, _ = self.fetch(self.list_of(urls), "--allow-file", "--memory-limit", "7MB", ranks=ranks)
            self.assertEqual([len(body) for body in bodies], [3_000_000] * 20 + [2_000_000, 3_000_000] * 5)
            self.assertEqual({hash(body) for body in bodies}, {hash(content(3_000_000)), hash(content(2_000_000))})

    def peaks(self, urls, ranks, *options):
        """The most memory that each rank has had, in bytes."""
        code = ("import os, pathlib, resource, subprocess, sys; code = subprocess.call(sys.argv[2:], close_fds=False);"
                "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss;"
                "pathlib.Path(sys.argv[1] + os.environ.get('OMPI_COMM_WORLD_RANK', os.environ.get('PMI_RANK', '0'))).write_text(str(peak));"
                "sys.exit(code)")
        wrap = (sys.executable, "-c", code, str(self.folder / "peak"))
        result = harness.run(["fetch", *self.list_of(urls), "-o", self.path, *options], ranks, wrap_rank=wrap)
        self.assertEqual(result.code, 0, result)
        return [1024 * int((self.folder / f"peak{rank}").read_text()) for rank in range(ranks or 1)]

    def test_memory(self):
        """A rank holds as many bytes of bodies as it may, and those of small ones once more while they are written
        together. To check a body that is there it is read, and held twice."""
        limit, size, small, spare = 80_000_000, 30_000_000, 200_000, 16_000_000
        for ranks in (None, 3):
            def measured(kind, bytes_each, count, *options):
                urls = [self.server.url(f"/{kind}/{bytes_each}/{k}") for k in range(count)]
                return self.peaks(urls, ranks, "--memory-limit", limit, *options)

            # What the same program needs when bodies are next to nothing: MPI, libcurl and the code itself.
            bases = measured("large", 0, 8, "--force")
            for kind, bytes_each, count, option, most in (
                    ("large", size, 8, "--force", limit), ("large", size, 8, "--resume", 2 * size),
                    ("stream", size, 8, "--force", limit), ("large", small, 600, "--force", limit)):
                peaks = measured(kind, bytes_each, count, option)
                for rank, (base, peak) in enumerate(zip(bases, peaks)):
                    with self.subTest(ranks=ranks, rank=rank, kind=kind, bytes_each=bytes_each, option=option):
                        # Spare: heads, connections, and what malloc() has not given back.
                        self.assertLess(peak, base + most + spare)

    def test_verify(self):
        urls = [self.server.url(f"/bytes/{k}") for k in range(10)]
        self.fetch(urls, "--verify", ranks=2)
        self.assertEqual(self.server.requests["/bytes/3"], 2)
        result = harness.run(["fetch", *urls, self.server.url("/counter"), "--verify", "-o", self.path, "--force"], 2)
        self.assertEqual(result.code, 5, result)
        self.assertIn("--verify found", result.err)

    # TLS.

    def certificate(self, name):
        pem, key = self.folder / "cert.pem", self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-keyout", key, "-out", pem, "-days", "2", "-subj", "/CN=test",
                        "-addext", f"subjectAltName={name}"], check=True, capture_output=True)
        both = self.folder / "both.pem"
        both.write_bytes(key.read_bytes() + pem.read_bytes())
        return pem, both

    def test_tls(self):
        pem, both = self.certificate("IP:127.0.0.1")
        with Server(both) as server:
            url = server.url("/bytes/100")
            (status, body, error), = self.fetch_badly([url])
            self.assertEqual((status, body), (0, b""))
            self.assertIn("certificate", error)
            self.assertEqual(server.requests["/bytes/100"], 0)
            for options, variables in ((["--ca-file", pem], {}), ([], {"SSL_CERT_FILE": str(pem)})):
                bodies, _ = self.fetch([url] * 3, *options, ranks=2, **variables)
                self.assertEqual(bodies, [content(100)] * 3)
            # Trusted, but by another name.
            (status, _, error), = self.fetch_badly([server.url("/bytes/100", host="localhost")], "--ca-file", pem)
            self.assertEqual(status, 0)
            self.assertIn("certificate", error)

    # Files.

    def test_files(self):
        (self.folder / "a b").write_bytes(content(1000))
        url = f"file://{self.folder}/a%20b"
        bodies, _ = self.fetch([url], "--allow-file")
        self.assertEqual(bodies, [content(1000)])
        os.mkfifo(self.folder / "pipe")
        rows = self.fetch_badly([f"file://{self.folder}/{name}" for name in ("missing", "pipe", "")], "--allow-file", failed=3)
        self.assertEqual({status for status, _, _ in rows}, {0})
        self.assert_error(harness.run(["fetch", url]), 2, "--allow-file")

    # Mistakes.

    def test_usage_errors(self):
        url = self.server.url()
        _, bad = self.list_of([url, "# fine", "not a url"], "bad.txt")
        _, empty = self.list_of(["", "# none"], "empty.txt")
        for options, *parts in (
                ([], "nothing to fetch"),
                ([url, "--from", bad], "--from"),
                (["example.org"], "example.org", "http://"),
                (["ftp://example.org/x"], "ftp"),
                (["http://example.org/a b"], "a b"),
                (["file:///etc/passwd"], "--allow-file"),
                ([url, "--parallel", 0], "--parallel"),
                ([url, "--timeout", 0], "--timeout"),
                ([url, "--timeout", "nan"], "nan"),
                ([url, "--retries", -1], "--retries"),
                ([url, "--memory-limit", 600], "--memory-limit"),
        ):
            with self.subTest(options):
                self.assert_error(harness.run(["fetch", *options]), 2, *parts)
        for ranks in (None, 3):
            self.assert_error(harness.run(["fetch", "--from", bad], ranks), 3, "line 3 of", "bad.txt", "not a url")
            self.assert_error(harness.run(["fetch", "--from", empty], ranks), 3, "nothing to fetch", "empty.txt")
            endless = harness.run(["fetch", "--from", "/dev/zero", "--memory-limit", "20MB"], ranks)
            self.assert_error(endless, 3, "/dev/zero", "--memory-limit")
        result = harness.run(["fetch", url, "--parallel", 2, "--schedule", "block"], 3)
        self.assert_error(result, 2, "--schedule dynamic")
        self.assertEqual(sum(self.server.requests.values()), 0)

    def test_input_errors(self):
        for options, *parts in ((["--from", self.folder / "missing"], "missing", "No such file"),
                                (["--from", self.folder], "directory"),
                                ([self.server.url(), "--ca-file", self.folder / "missing.pem"], "missing.pem")):
            for ranks in (None, 2):
                with self.subTest(options=options, ranks=ranks):
                    self.assert_error(harness.run(["fetch", *options], ranks), 3, *parts)

    def test_dry_run(self):
        out = self.run_ok(["fetch", self.server.url(), "--parallel", 5, "--dry-run"], 2).out
        self.assertIn("plan of fetch: 2 ranks x 3 workers", out)
        self.assertEqual(sum(self.server.requests.values()), 0)


if __name__ == "__main__":
    harness.main()
