#!/usr/bin/env python3
"""Question: what do 100 web requests that take 100 ms each take one after the other, and many at a time?

The server is Python's, in this process, on the loopback interface; it waits for the 100 ms and answers 1,000 bytes.
Everything is run in turn, round by round, and medians are printed: Python's own urllib, serially and by a pool of
threads as in the lessons, and paceline from exec to exit, MPI's start and end included. Digests must agree.
Limit: 100 requests on N connections need ceil(100 / N) x 0.1 s. Run: python3 bench/fetch_run.py [ROUNDS]
"""
import concurrent.futures
import json
import math
import pathlib
import statistics
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/program"))
from fetch_server import Server  # noqa: E402
import runs  # noqa: E402

ENVIRONMENT = {**runs.ENVIRONMENT, "no_proxy": "*"}
REQUESTS = 100
LATENCY_MS = 100


def paceline(ranks, parallel, urls):
    launcher = ["mpirun", "-np", str(ranks), "--bind-to", "core"] if ranks else []
    words = [*launcher, runs.PROGRAM, "fetch", "--from", "-", "--parallel", str(parallel), "--json"]
    start = time.perf_counter()
    done = subprocess.run(words, check=True, input="\n".join(urls), text=True, stdout=subprocess.PIPE, env=ENVIRONMENT)
    return time.perf_counter() - start, json.loads(done.stdout)


def get(url):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url) as answer:
        return answer.read()


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    figures, digests = {}, set()

    def add(name, value):
        figures.setdefault(name, []).append(value)

    with Server() as server:
        urls = [server.url(f"/delay/{LATENCY_MS}/{'x' * 1000}/{k}") for k in range(REQUESTS)]
        for _ in range(rounds):
            start = time.perf_counter()
            for url in urls:
                get(url)
            add("Python, urllib, one after the other [s]", time.perf_counter() - start)
            for threads in (10, 50):
                start = time.perf_counter()
                with concurrent.futures.ThreadPoolExecutor(threads) as pool:
                    list(pool.map(get, urls))
                add(f"Python, urllib, {threads} threads [s]", time.perf_counter() - start)
            serial, _ = paceline(0, 1, urls)
            add("paceline, 1 connection [s]", serial)
            for ranks, parallel in ((0, 10), (2, 10), (0, 50), (2, 50), (2, 100)):
                wall, record = paceline(ranks, parallel, urls)
                name = f"paceline, {f'{ranks} ranks' if ranks else 'no mpirun'}, {parallel} connections"
                add(f"{name} [s]", wall)
                add("  of it requests [s]" + f" ({name})", record["phases"]["compute"])
                add("  limit [s]" + f" ({name})", math.ceil(REQUESTS / parallel) * LATENCY_MS / 1000)
                add("  sum of latencies [s]" + f" ({name})", record["waited_s"])
                add("  sum of latencies / wall time" + f" ({name})", record["waited_over_wall"])
                add("  serial / this, exec to exit" + f" ({name})", serial / wall)
                digests.add(record["digest"])
    for name, values in figures.items():
        print(f"{name:75} {statistics.median(values):9.3f}   ({min(values):.3f} to {max(values):.3f})")
    assert len(digests) == 1, digests
    print(f"one digest: {digests.pop()}")


if __name__ == "__main__":
    main()
