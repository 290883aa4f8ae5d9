"""Ranks that die with a lock in hand, or that others wait for: they are named in time, in every call that waits."""
import os
import pathlib

from harness import Running, TestCase, kill, main

FAULTS = str(pathlib.Path(os.environ.get("SYNC_FAULTS", "build/tests/sync_faults")).resolve())
# mpirun ends the whole job when a rank is killed. A shell around each rank keeps it from knowing.
SHELTERED = ["sh", "-c", '"$@"; sleep 30', "sh"]
CALLS = ["mutex", "timed-mutex", "event", "semaphore", "barrier", "pop", "push", "condition"]


class Faults(TestCase):
    def told(self, fault, call, ranks, ranks_per_node, timeout=12):
        """What each of the others says once rank 1 (or 0) is gone, by rank."""
        culprit = 0 if fault == "home-killed" else 1
        with Running([fault, call, ranks_per_node], ranks, program=FAULTS, wrap_rank=SHELTERED) as running:
            def text():
                running.out.seek(0)
                return running.out.read()

            self.assertTrue(running.wait_for(lambda: "ready\n" in text()), text())
            if fault.endswith("killed"):
                kill([running.ranks()[culprit]])
            running.wait_for(lambda: all(f"rank {rank}: " in text() for rank in range(ranks) if rank != culprit), timeout)
            lines = [line for line in text().splitlines() if line.startswith("rank ")]
        said = {int(line.split()[1].rstrip(":")): line.split(": ", 1)[1] for line in lines}
        self.assertEqual(sorted(said), [rank for rank in range(ranks) if rank != culprit])
        return said

    def assert_names(self, said, what, who):
        for rank, sentence in said.items():
            self.assertRegex(sentence, rf"rank {rank} waits for {what} in vain \({who}\)")

    def test_killed_rank_is_named_in_every_call(self):
        names = {"mutex": 'mutex "results"', "timed-mutex": 'mutex "results"', "event": 'event "never"',
                 "semaphore": 'semaphore "none"', "barrier": 'barrier "all"', "pop": 'queue "empty"',
                 "push": 'queue "full"', "condition": 'condition "changed"'}
        for call in CALLS:
            with self.subTest(call):
                said = self.told("killed", call, 3, 3)
                has_it = ", which has it," if "mutex" in call else ""
                self.assert_names(said, names[call], f"rank 1 on [^ ]+{has_it} has died")

    def test_killed_rank_of_another_node(self):
        for call in ("mutex", "pop"):
            with self.subTest(call):
                said = self.told("killed", call, 3, 1)
                self.assert_names(said, ".*", "rank 1 on .* has died")

    def test_killed_home(self):
        """Rank 0 has the state and is a node of its own: the others get no answer any more."""
        said = self.told("home-killed", "mutex", 3, 1)
        for rank, sentence in said.items():
            self.assertRegex(sentence, rf"rank {rank} waits in vain .*rank 0 on .* was not heard of for 2.0 s")

    def test_rank_that_ends_with_a_lock(self):
        said = self.told("exits", "mutex", 3, 3)
        self.assert_names(said, 'mutex "results"', "rank 1 on .*, which has it, has died")

    def test_rank_that_finalises_with_a_lock(self):
        for ranks_per_node in (3, 1):
            with self.subTest(ranks_per_node):
                said = self.told("finalises", "mutex", 3, ranks_per_node)
                self.assert_names(said, 'mutex "results"', "rank 1 on .*, which has it, has finalised MPI")


if __name__ == "__main__":
    main()
