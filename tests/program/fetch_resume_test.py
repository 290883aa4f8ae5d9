"""`paceline fetch` that is stopped or killed, and goes on: what was saved is kept, what failed is tried again."""
import random
import signal
import time

import harness
from fetch_case import FetchCase
from fetch_server import Server, content


class Resume(FetchCase):
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


if __name__ == "__main__":
    harness.main()
