"""Faults at chosen calls: the process that makes change number k to its files is killed there, or the call fails. What
was finished is kept, --resume ends with the file of an undisturbed run, and no job hangs.

Every k of runs on one rank is tried, and a sample of the rest; with PACELINE_CAMPAIGN=long, all of it, which takes half
an hour. PACELINE_SEED chooses the sample."""
import collections
import concurrent.futures
import dataclasses
import random
import shutil
import sys
import time
import unittest

import h5py

import fault_case
from fault_case import IS_LONG, SEED, WORKLOADS, Fault, ranks_to_resume

INPUT, OUTPUT, CHECK = 3, 4, 5
# Cases of a workload and a kind of fault that are chosen where not all are tried.
SAMPLE = 2


@dataclasses.dataclass
class Outcome:
    fault: Fault
    problem: str = ""
    trace: tuple = ()
    is_reached: bool = False
    resumed_items: int = -1
    seconds: float = 0.0  # from the fault to the end of the job


class Campaign(fault_case.FaultCase):
    def try_fault(self, fault):
        folder = self.new_folder()
        log = folder.with_suffix(".log")
        outcome = Outcome(fault)
        try:
            result = self.start(fault.workload, folder, fault.ranks, files=f"{folder}*", log=log, at=fault.at,
                                rank=fault.rank, how=fault.how)
            ended = time.time()
            trace = self.trace(log, fault.rank)
            outcome.trace = tuple(trace[max(0, fault.at - 4):fault.at])
            outcome.is_reached = len(trace) >= fault.at
            if outcome.is_reached:
                outcome.seconds = ended - float(trace[fault.at - 1].split()[1])
                outcome.problem = self.judge_first(fault, result, folder)
            elif result.code != 0:
                outcome.problem = "the run failed without a fault"
            if not outcome.problem:
                result = self.start(fault.workload, folder, ranks_to_resume(fault), ["--resume", "--json"])
                outcome.problem = self.judge_resumed(fault, result, folder)
                if result.code == 0:
                    outcome.resumed_items = result.json["resumed_items"]
            if outcome.problem:
                outcome.problem += f"\n{result}"
        except AssertionError as error:  # it took too long
            outcome.problem = str(error)
        shutil.rmtree(folder)
        return outcome

    # Many runs

    def try_faults(self, faults):
        """Tries them, prints what came of them, and fails if anything is wrong."""
        start = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(fault_case.AT_ONCE) as pool:
            outcomes = list(pool.map(self.try_fault, faults))
        for workload, group in self.grouped(outcomes).items():
            hit = [outcome for outcome in group if outcome.is_reached]
            kept = sum(outcome.resumed_items > 0 for outcome in hit)
            print(f"{workload}: {len(hit)} faults, {sum(not outcome.problem for outcome in hit)} as promised, "
                  f"{kept} resumed with items; the longest end took "
                  f"{max((outcome.seconds for outcome in hit), default=0):.1f} s", file=sys.stderr)
        print(f"{len(outcomes)} cases in {time.monotonic() - start:.0f} s", file=sys.stderr)
        problems = [outcome for outcome in outcomes if outcome.problem]
        told = "\n\n".join("\n".join([f"{outcome.fault}: {outcome.problem}", *outcome.trace]) for outcome in problems)
        if problems:
            self.fail(f"{len(problems)} of {len(outcomes)} cases; PACELINE_SEED={SEED}\n{told}")
        self.assertTrue(any(outcome.is_reached for outcome in outcomes))
        return outcomes

    @staticmethod
    def grouped(outcomes):
        groups = collections.defaultdict(list)
        for outcome in outcomes:
            groups[outcome.fault.workload].append(outcome)
        return groups

    def faults_of(self, workload, ranks, kinds, rank=None):
        """All of a workload's faults, on every rank that makes calls."""
        calls = self.calls(workload, ranks)
        return [Fault(workload, ranks, r, at, how) for how in kinds for r in range(ranks) if rank in (None, r)
                for at in range(1, calls[r] + 1)]

    def sample(self, faults, count):
        chosen = faults if IS_LONG else random.Random(f"{SEED} {faults[0]}").sample(faults, min(count, len(faults)))
        return sorted(chosen, key=lambda fault: (fault.ranks, fault.rank, fault.at))

    def test_killed_at_every_call(self):
        """On one rank, which makes its calls in the same order each time: no call later has less to go on with."""
        faults = [fault for workload in WORKLOADS for fault in self.faults_of(workload, 1, ["kill"])]
        for workload, group in self.grouped(self.try_faults(faults)).items():
            counts = [outcome.resumed_items for outcome in group if outcome.is_reached]
            self.assertEqual(counts, sorted(counts), f"{workload}: items that were kept, by the number of the call")

    def test_killed_in_mid_call(self):
        self.try_faults([fault for workload in WORKLOADS
                         for fault in self.sample(self.faults_of(workload, 1, ["half"]), SAMPLE)])

    def test_killed_on_two_ranks(self):
        self.try_faults([fault for workload in WORKLOADS
                         for fault in self.sample(self.faults_of(workload, 2, ["kill", "half"]), SAMPLE)])

    def test_calls_that_fail(self):
        kinds = ["ENOSPC", "EIO", "ENOSPC-once", "EIO-once", "short"]
        self.try_faults([fault for workload in WORKLOADS for ranks in (1, 2)
                         for fault in self.sample(self.faults_of(workload, ranks, kinds), SAMPLE)])

    def test_faults_of_runs_that_go_on(self):
        """A run is killed, what goes on with its file fails as well, and so does the next; the last one ends it."""
        def attempt(case):
            try:
                return go_on(*case)
            except AssertionError as error:  # it took too long
                return str(error)

        def go_on(number, workload):
            choose = random.Random(f"{SEED} again {number}")
            folder = self.new_folder()
            told, problem = [], ""
            for _ in range(3):
                ranks, at = choose.choice((1, 1, 2)), choose.randrange(1, 40)
                how = choose.choice(("kill", "half", "ENOSPC", "EIO"))
                result = self.start(workload, folder, ranks, ["--resume"], files=f"{folder}*", at=at, how=how)
                told.append(f"{how} at call {at} of {ranks} ranks")
                if how in ("ENOSPC", "EIO") and result.code not in (0, OUTPUT):
                    problem = f"the exit code is not 4\n{result}"
            if not problem:
                result = self.start(workload, folder, choose.choice((1, 2)), ["--resume", "--json"])
                problem = self.judge_resumed(Fault(workload, 1, 0, 0, "kill"), result, folder)
                problem = problem and f"{problem}\n{result}"
            shutil.rmtree(folder)
            return problem and f"{workload}, {', '.join(told)}: {problem}"

        for workload in WORKLOADS:
            self.calls(workload, 1)
        cases = list(enumerate(list(WORKLOADS) * (20 if IS_LONG else 1)))
        with concurrent.futures.ThreadPoolExecutor(fault_case.AT_ONCE) as pool:
            problems = [problem for problem in pool.map(attempt, cases) if problem]
        if problems:
            self.fail(f"{len(problems)} of {len(cases)} cases; PACELINE_SEED={SEED}\n" + "\n\n".join(problems))

    def test_reads_that_fail(self):
        """Inputs that can't be read are told as such, and what goes on once they can ends as if nothing had been."""
        def attempt(fault):
            folder = self.new_folder()
            log = folder.with_suffix(".log")
            files = f"{self.inputs}/{fault_case.READERS[fault.workload]}"
            problem = ""
            try:
                result = self.start(fault.workload, folder, fault.ranks, calls="read", files=files, log=log,
                                    at=fault.at, rank=fault.rank, how=fault.how)
                # What a read past the end says makes no difference: then the result is right.
                if result.code not in (0, INPUT) and (result.code, fault.workload) != (CHECK, "fetch"):
                    problem = "the exit code is not 3"
                elif result.code == INPUT and not fault_case.is_one_error(result):
                    problem = "the error is not one line"
                elif result.code == 0:
                    problem = fault_case.difference(folder, self.references[fault.workload])
                if not problem:
                    result = self.start(fault.workload, folder, 3 - fault.ranks, ["--resume", "--json"])
                    problem = self.judge_resumed(fault, result, folder)
                problem = problem and f"{problem}\n{result}"
            except AssertionError as error:  # it took too long
                problem = str(error)
            shutil.rmtree(folder)
            return problem and f"{fault} (reading): {problem}"

        faults = []
        for workload, files in fault_case.READERS.items():
            for ranks in (1, 2):
                self.calls(workload, ranks)
                folder = self.new_folder()
                log = folder.with_suffix(".log")
                self.start(workload, folder, ranks, calls="read", files=f"{self.inputs}/{files}", log=log)
                shutil.rmtree(folder)
                all_faults = [Fault(workload, ranks, rank, at, how) for how in ("EIO", "EIO-once", "short")
                              for rank in range(ranks) for at in range(1, len(self.trace(log, rank)) + 1)]
                faults += self.sample(all_faults, 2 * SAMPLE)
        with concurrent.futures.ThreadPoolExecutor(fault_case.AT_ONCE) as pool:
            problems = [problem for problem in pool.map(attempt, faults) if problem]
        print(f"{len(faults)} reads that failed, {len(problems)} not as promised", file=sys.stderr)
        if problems:
            self.fail(f"{len(problems)} of {len(faults)} cases; PACELINE_SEED={SEED}\n" + "\n\n".join(problems))

    # Would it be seen?

    def test_canary(self):
        """A write that is lost while the run believes it was done: of items, it must be seen every time."""
        for workload, dataset in (("fractal", "/fractal/counts"), ("multiply", "/array/z"), ("tasks", "/tasks/result")):
            self.calls(workload, 1)
            folder = self.new_folder()
            log = folder.with_suffix(".log")
            self.start(workload, folder, 1, files=f"{folder}*", log=log)
            with h5py.File(folder / "f.h5") as file:
                begin = file[dataset].id.get_offset()
                end = begin + file[dataset].id.get_storage_size()
            places = [line.split()[-1].split("@") for line in self.trace(log, 0)]
            of_items = [at for at, (size, offset) in enumerate(places, 1)
                        if begin <= int(offset) < end and int(size) > 0]
            self.assertGreater(len(of_items), 2, places)
            for at in of_items if IS_LONG else of_items[-1:]:
                fault = Fault(workload, 1, 0, at, "lose")
                with self.subTest(str(fault)):
                    self.assertIn("is not what it is in an undisturbed run", self.try_fault(fault).problem)
                    # The program sees it too, where it looks.
                    verified = self.start(workload, self.new_folder(), 1, ["--verify"], files=f"{self.folder}/*f.h5*",
                                          at=at, how="lose")
                    self.assert_error(verified, CHECK, "--verify found a wrong result")


if __name__ == "__main__":
    unittest.main()
