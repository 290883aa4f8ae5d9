"""`paceline fetch` against a real server: what it records, whatever the server does, and never too many connections."""
import os
import random
import signal
import socket
import subprocess
import sys
import time

import h5py

import harness
from fetch_server import Server, content

# Nobody's proxy or certificates.
os.environ["no_proxy"] = "*"
os.environ.pop("SSL_CERT_FILE", None)
QUICK = ["--backoff", 0.01]


class Fetch(harness.TestCase):
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
            self.assertEqual(set(group), {"url", "status", "bytes", "body", "error", "seconds", "rank", "thread"})
            self.assertEqual(group["bytes"].attrs["units"], "byte")
            self.assertEqual(group["seconds"].attrs["units"], "s")
            bodies = [bytes(body) for body in group["body"][:]]
            self.assertEqual([len(body) for body in bodies], group["bytes"][:].tolist())
            self.assertEqual({len(column) for column in group.values()}, {len(bodies)})
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
                digests.add(file.attrs["digest"])
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
        # One retry, but none where the server wants a day.
        self.assertEqual([self.server.requests[path] for path in paths], [2, 2, 2, 2, 1])

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
        self.assertEqual(rows[0], (0, b"", "Couldn't connect to server"))
        self.assertEqual(rows[1][1], content(3))

    def test_redirects(self):
        bodies, _ = self.fetch([self.server.url("/redirect/1/bytes/10"), self.server.url("/redirect/10/bytes/20")])
        self.assertEqual(bodies, [content(10), content(20)])
        rows = self.fetch_badly([self.server.url(path) for path in ("/loop", "/redirect/11/bytes/1", "/tofile")],
                         "--allow-file", failed=3)
        self.assertEqual({(status, body) for status, body, _ in rows}, {(0, b"")})
        self.assertIn("redirects", rows[0][2])
        self.assertNotIn("redirects", rows[2][2])

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
        rows = self.fetch_badly([self.server.url(path) for path in ("/endless", "/bytes/1000000", "/bytes/999000")],
                         "--memory-limit", 1_000_000, ranks=2, failed=2)
        self.assertEqual([error for _, _, error in rows], ["the body is larger than --memory-limit allows"] * 2 + [""])
        self.assertEqual(rows[2][1], content(999_000))
        self.assertEqual(self.server.requests["/endless"], 1)

    def test_more_than_memory_streams(self):
        sizes = [700_000 - k for k in range(24)]
        bodies, _ = self.fetch([self.server.url(f"/bytes/{size}") for size in sizes], "--memory-limit", 1_000_000,
                               ranks=2)
        self.assertEqual(bodies, [content(size) for size in sizes])

    def test_files_beyond_the_memory_limit(self):
        """A file is read in one go, so it waits until there is room for it."""
        path = self.folder / "file"
        path.write_bytes(content(3_000_000))
        urls = [f"file://{path}"] * 20 + [self.server.url("/bytes/2000000"), f"file://{path}"] * 5
        for ranks in (None, 3):
            bodies, _ = self.fetch(self.list_of(urls), "--allow-file", "--memory-limit", "5MB", ranks=ranks)
            self.assertEqual([len(body) for body in bodies], [3_000_000] * 20 + [2_000_000, 3_000_000] * 5)
            self.assertEqual({hash(body) for body in bodies}, {hash(content(3_000_000)), hash(content(2_000_000))})

    def peaks(self, urls, ranks, *options):
        """The most memory that each rank has had, in bytes."""
        code = ("import os, pathlib, resource, subprocess, sys; code = subprocess.call(sys.argv[2:]);"
                "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss;"
                "pathlib.Path(sys.argv[1] + os.environ.get('OMPI_COMM_WORLD_RANK', '0')).write_text(str(peak));"
                "sys.exit(code)")
        wrap = (sys.executable, "-c", code, self.folder / "peak")
        result = harness.run(["fetch", *self.list_of(urls), "-o", self.path, *options], ranks, wrap_rank=wrap)
        self.assertEqual(result.code, 0, result)
        return [1024 * int((self.folder / f"peak{rank}").read_text()) for rank in range(ranks or 1)]

    def test_memory(self):
        """A rank holds as many bytes of bodies as it may. Beside them rank 0 holds what HDF5 needs for the one that is
        written, which is two copies, of small bodies next to nothing. To read one, HDF5 needs five and a half."""
        limit, size, small, spare = 40_000_000, 30_000_000, 200_000, 16_000_000
        for ranks in (None, 3):
            def measured(kind, bytes_each, count, *options):
                urls = [self.server.url(f"/{kind}/{bytes_each}/{k}") for k in range(count)]
                return self.peaks(urls, ranks, "--memory-limit", limit, *options)

            # What the same program needs when bodies are next to nothing: MPI, libcurl and the code itself.
            bases = measured("large", 0, 8, "--force")
            # One of the two copies is in the place of the body itself, unless that was another rank's.
            writing = limit + (1 if ranks is None else 2) * size
            for kind, bytes_each, count, option, most in (
                    ("large", size, 8, "--force", writing), ("large", size, 8, "--resume", 5.5 * size),
                    ("stream", size, 8, "--force", writing), ("large", small, 600, "--force", limit)):
                peaks = measured(kind, bytes_each, count, option)
                for rank, (base, peak) in enumerate(zip(bases, peaks)):
                    with self.subTest(ranks=ranks, rank=rank, kind=kind, bytes_each=bytes_each, option=option):
                        # Spare: the cache of HDF5, heads and connections, and what malloc() has not given back.
                        self.assertLess(peak, base + (most if rank == 0 else limit) + spare)

    # Stopping, going on.

    def test_resume(self):
        """What was not finished is fetched, and what failed is tried again; all else is kept."""
        urls = [*(self.server.url(f"/bytes/{k}") for k in range(40)), self.server.url("/gate"),
                self.server.url("/shut"), self.server.url("/status/404")]
        words = ["fetch", *self.list_of(urls), "-o", self.path, "--parallel", 4]
        part = self.folder / "f.h5.part"
        with harness.Running(words, 2) as running:
            self.assertTrue(running.wait_for(lambda: harness.finished(part) == len(urls) - 1))
            harness.kill(running.ranks(), signal.SIGINT)
            result = running.result(timeout=10)
        self.assert_error(result, 6, "interrupted by signal 2", f"{len(urls) - 1} of {len(urls)} items", "--resume")
        self.server.gate.set()
        result = harness.run([*words, "--resume", "--json"], 3)
        self.assertEqual(result.code, 5, result)
        self.assertEqual([result.json[name] for name in ("resumed_items", "retried_items", "failed_items")], [40, 2, 1])
        self.assertIn("note: 2 of 43 items failed before and are tried again", result.err)
        self.assertEqual(sum(self.server.requests.values()), len(urls) + 3)
        bodies = [body for _, body, _ in self.rows()]
        self.assertEqual(bodies, [*(content(k) for k in range(40)), b"open", b"open", b"status 404"])
        self.assert_only("f.h5", "urls.txt")

    def test_resume_of_a_complete_file(self):
        """Only what failed is fetched, until nothing has."""
        for ranks in (None, 3):
            with self.subTest(ranks=ranks), Server() as server:
                kept = [f"/bytes/{size}" for size in (0, 1, 5000, 70_000, 300_000)]
                bad = ["/shut/a", "/shut/b", "/flaky/1/404", "/later"]
                words = ["fetch", *self.list_of(map(server.url, kept + bad)), "-o", self.path, "--json"]
                first = harness.run([*words, "--force"], ranks)
                self.assertEqual((first.code, first.json["failed_items"]), (5, 4), first)

                # What waits is fetched by nobody; the file is not touched before all is there.
                before = self.path.read_bytes()
                with harness.Running([*words, "--resume"], ranks) as running:
                    self.assertTrue(running.wait_for(lambda: server.requests["/later"] == 2))
                    harness.kill(running.ranks(), signal.SIGTERM)
                    result = running.result(timeout=10)
                self.assertEqual(result.code, 6, result)
                self.assertIn("are saved in", result.err)
                self.assertEqual(self.path.read_bytes(), before)
                self.assert_only("f.h5", "f.h5.part", "urls.txt")

                server.gate.set()
                last = harness.run([*words, "--resume", "--verify"], ranks)
                self.assertEqual((last.code, last.json["failed_items"]), (0, 0), last)
                self.assert_only("f.h5", "urls.txt")
                bodies = [body for _, body, _ in self.rows()]
                self.assertEqual(bodies, [*(content(int(path.split("/")[2])) for path in kept), b"open", b"open",
                                          b"at last", b"open"])
                # Once by the first run and once by --verify.
                self.assertEqual({server.requests[path] for path in kept}, {2})
                self.assertEqual(last.json["digest"], self.record([*words[:-1], "--force"], ranks)["digest"])

                asked = sum(server.requests.values())
                done = harness.run([*words, "--resume"], ranks)
                self.assertEqual((done.code, done.json["digest"]), (0, last.json["digest"]), done)
                self.assertEqual(done.err, f"paceline: note: {self.path} is complete already\n")
                self.assertEqual(sum(server.requests.values()), asked)

    def test_failing_again_and_again_costs_no_space(self):
        """What a failure has left in the file makes room for the next."""
        body = "x" * 50_000
        words = ["fetch", *self.list_of([self.server.url("/bytes/9"), self.server.url(f"/flaky/9/404/{body}")]),
                 "-o", self.path, "--resume"]
        sizes = []
        for attempt in range(9):
            result = harness.run(words, 2)
            self.assertEqual(result.code, 5, result)
            self.assertIn("--resume tries them again", result.err)
            sizes.append(self.path.stat().st_size)
        self.assertLess(sizes[-1] - sizes[0], 9 * 10_000)  # the URL itself has 50 kB
        self.assertEqual(harness.run(words, 2).code, 0)
        self.assertEqual([body for _, body, _ in self.rows()], [content(9), b"at last"])
        self.assertEqual(self.server.requests["/bytes/9"], 1)

    def test_killed_while_it_tries_again(self):
        """Nothing that was saved is lost, whenever it is: what is complete stays so, and what is saved is kept."""
        urls = [*(self.server.url(f"/bytes/{1000 * k}") for k in range(20)), self.server.url("/flaky/1/404"),
                self.server.url("/later")]
        words = ["fetch", *self.list_of(urls), "-o", self.path]
        self.assertEqual(harness.run(words, 2).code, 5)
        before, part = self.path.read_bytes(), self.folder / "f.h5.part"
        for attempt in range(2, 5):
            with harness.Running([*words, "--resume"], 2) as running:
                self.assertTrue(running.wait_for(lambda: self.server.requests["/later"] == attempt))
                harness.kill(running.ranks())
                self.assertNotEqual(running.result(timeout=20).code, 0)
            self.assertEqual(self.path.read_bytes(), before)
            self.assertEqual(harness.finished(part), len(urls))
        # A copy that was cut short is none to go on with.
        part.write_bytes(bytes(8) + before[8:5000])
        with harness.Running([*words, "--resume"], 2) as running:
            self.assertTrue(running.wait_for(lambda: self.server.requests["/later"] == 5))
            harness.kill(running.ranks())
        self.server.gate.set()
        self.run_ok([*words, "--resume"], 3)
        self.assertEqual([body for _, body, _ in self.rows()],
                         [*(content(1000 * k) for k in range(20)), b"at last", b"open"])
        self.assertEqual({self.server.requests[f"/bytes/{1000 * k}"] for k in range(20)}, {1})
        self.assert_only("f.h5", "urls.txt")

    def test_killed_while_it_writes(self):
        """At any moment, again and again: what the file then refers to and does not have is no hindrance."""
        seed = random.randrange(1 << 32)
        moments = random.Random(seed)
        whole, path, part = content(50_000), self.folder / "file", self.folder / "f.h5.part"
        path.write_bytes(whole)
        words = ["fetch", *self.list_of([f"file://{path}"] * 2000), "--allow-file", "--memory-limit", "5MB", "-o",
                 self.path, "--resume"]
        for attempt in range(6):
            before = harness.finished(part)
            with harness.Running(words, (None, 2)[attempt % 2]) as running:
                if not running.wait_for(lambda: self.path.exists() or harness.finished(part) > before):
                    break
                time.sleep(moments.uniform(0, 0.05))
                harness.kill(running.ranks())
                running.result(timeout=20)
        self.run_ok(words, 2)
        rows = self.rows()
        self.assertEqual({row[0] for row in rows}, {200}, f"seed {seed}")
        self.assertEqual([row[1] == whole for row in rows], [True] * 2000, f"seed {seed}")

    def test_no_room_for_a_copy(self):
        """Then nothing happens to what is there."""
        words = ["fetch", self.server.url("/bytes/3000000"), self.server.url("/shut"), "-o", self.path]
        self.assertEqual(harness.run(words).code, 5)
        before = self.path.read_bytes()
        result = harness.run([*words, "--resume"], wrap=("sh", "-c", 'ulimit -f 2000; exec "$@"', "sh"))
        self.assert_error(result, 4, "f.h5", "it needs 3.0 MB", "ulimit -f")
        self.assertEqual(self.path.read_bytes(), before)
        self.assert_only("f.h5")

    def test_resume_wants_the_same_list(self):
        gate, rest = self.server.url("/gate"), ["-o", self.path]
        with harness.Running(["fetch", self.server.url("/bytes/1"), gate, *rest]) as running:
            self.assertTrue(running.wait_for(lambda: harness.finished(self.folder / "f.h5.part") == 1))
            harness.kill(running.ranks(), signal.SIGTERM)
            self.assertEqual(running.result(timeout=10).code, 6)
        result = harness.run(["fetch", self.server.url("/bytes/2"), gate, *rest, "--resume"])
        self.assertEqual(result.code, 3, result)

    def test_interrupted_without_output(self):
        with harness.Running(["fetch", self.server.url("/gate")], 2) as running:
            self.assertTrue(running.wait_for(lambda: self.server.requests["/gate"] == 1))
            harness.kill(running.ranks(), signal.SIGINT)
            result = running.result(timeout=10)
        self.assertEqual(result.code, 1, result)
        self.assertIn("paceline: error: interrupted by signal 2 (Interrupt) (there is no --output", result.err)

    def test_interrupted_while_it_waits_to_try_again(self):
        words = ["fetch", self.server.url("/status/503"), "--backoff", 1000, "--longest-wait", 1000, "-o", self.path]
        with harness.Running(words, 2) as running:
            self.assertTrue(running.wait_for(lambda: self.server.requests["/status/503"] == 1))
            harness.kill(running.ranks(), signal.SIGTERM)
            self.assert_error(running.result(timeout=10), 6, "0 of 1 items are saved")

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
                (["--from", bad], "line 3 of", "bad.txt", "not a url"),
                (["--from", empty], "nothing to fetch", "empty.txt"),
                ([url, "--parallel", 0], "--parallel"),
                ([url, "--timeout", 0], "--timeout"),
                ([url, "--timeout", "nan"], "nan"),
                ([url, "--retries", -1], "--retries"),
                ([url, "--memory-limit", 600], "--memory-limit"),
        ):
            with self.subTest(options):
                self.assert_error(harness.run(["fetch", *options]), 2, *parts)
        self.assert_error(harness.run(["fetch", "--from", bad], 3), 2, "line 3")
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
