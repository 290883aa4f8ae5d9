#!/usr/bin/env python3
"""Question: what do 100 web requests that take 100 ms each take one after the other, and many at a time?

The server is Python's, in a process of its own on the loopback interface; it waits for the 100 ms and answers 1,000
bytes. Each client is a process of its own too, measured from exec to exit, with the part that its requests take beside
it: paceline on one rank and on two under mpirun, Python's urllib in a pool of threads as in the lessons, and aiohttp
where it is installed (python3-aiohttp). Everything is run in turn, round by round, and medians are printed. All must
get the same bytes, and all runs of paceline the same digest.
Limit: 100 requests on N connections need ceil(100 / N) x 0.1 s. Run: python3 bench/fetch_run.py [ROUNDS]
"""
import asyncio
import concurrent.futures
import importlib.util
import json
import math
import pathlib
import statistics
import subprocess
import sys
import time
import urllib.request

import runs

SERVER = pathlib.Path(__file__).resolve().parents[1] / "tests/program/fetch_server.py"
ENVIRONMENT = {**runs.ENVIRONMENT, "no_proxy": "*"}
REQUESTS, LATENCY_MS, BODY = 100, 100, "x" * 1000
PARALLEL = (1, 10, 50, 100)


# Clients of Python: each returns the bodies.

def by_urllib(urls, parallel):
    def get(url):
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url) as answer:
            return answer.read()

    if parallel == 1:
        return [get(url) for url in urls]
    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        return list(pool.map(get, urls))


def by_aiohttp(urls, parallel):
    import aiohttp

    async def get_all():
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=parallel)) as session:
            async def get(url):
                async with session.get(url) as answer:
                    return await answer.read()
            return await asyncio.gather(*map(get, urls))

    return asyncio.run(get_all())


CLIENTS = {"urllib": by_urllib, "aiohttp": by_aiohttp}


def be_client(name, parallel):
    urls = sys.stdin.read().split()
    start = time.perf_counter()
    bodies = CLIENTS[name](urls, parallel)
    print(json.dumps({"requests_s": time.perf_counter() - start, "bytes": sum(map(len, bodies))}))


# The comparison.

def measured(words, urls):
    """Seconds from exec to exit, and what the client says."""
    start = time.perf_counter()
    done = subprocess.run(words, check=True, input="\n".join(urls), text=True, stdout=subprocess.PIPE, env=ENVIRONMENT)
    return time.perf_counter() - start, json.loads(done.stdout)


def python(client, parallel, urls):
    wall, said = measured([sys.executable, __file__, "--client", client, str(parallel)], urls)
    return wall, said["requests_s"], said["bytes"], None


def paceline(ranks, parallel, urls):
    launcher = ["mpirun", "-np", str(ranks), "--bind-to", "core"] if ranks > 1 else []
    words = [*launcher, runs.PROGRAM, "fetch", "--from", "-", "--parallel", str(parallel), "--json"]
    wall, record = measured(words, urls)
    return wall, record["phases"]["compute"], record["work_useful"], record["digest"]


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    ways = {"paceline, 1 rank": lambda *what: paceline(1, *what), "paceline, 2 ranks": lambda *what: paceline(2, *what),
            "Python, urllib and threads": lambda *what: python("urllib", *what)}
    if importlib.util.find_spec("aiohttp"):
        ways["Python, aiohttp"] = lambda *what: python("aiohttp", *what)
    else:
        print("aiohttp is not installed for this Python and left out")
    figures, sizes, digests = {}, set(), set()
    with subprocess.Popen([sys.executable, SERVER], stdout=subprocess.PIPE, text=True) as server:
        try:
            root = server.stdout.readline().strip()
            urls = [f"{root}delay/{LATENCY_MS}/{BODY}/{k}" for k in range(REQUESTS)]
            for _ in range(rounds):
                for parallel in PARALLEL:
                    for name, run in ways.items():
                        wall, requests, size, digest = run(parallel, urls)
                        figures.setdefault((parallel, name), []).append((wall, requests))
                        sizes.add(size)
                        digests.add(digest)
        finally:
            server.kill()
    for parallel in PARALLEL:
        limit = math.ceil(REQUESTS / parallel) * LATENCY_MS / 1000
        print(f"{parallel} connection{'s' * (parallel > 1)}: at least {limit:.1f} s")
        for (at, name), values in figures.items():
            if at != parallel:
                continue
            walls, requests = zip(*values)
            wall = statistics.median(walls)
            serial = statistics.median(wall for wall, _ in figures[1, name]) / wall
            print(f"  {name:27} {wall:7.3f} s exec to exit ({min(walls):.3f} to {max(walls):.3f}),"
                  f" {statistics.median(requests):7.3f} s of it requests; serial / this {serial:5.1f}")
    digests.discard(None)
    assert len(sizes) == 1 and len(digests) == 1, (sizes, digests)
    print(f"one digest: {digests.pop()}, {sizes.pop()} bytes")


if __name__ == "__main__":
    if "--client" in sys.argv:
        be_client(sys.argv[2], int(sys.argv[3]))
    else:
        main()
