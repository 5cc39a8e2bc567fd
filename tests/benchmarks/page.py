"""One warm page of 100 HITs through the gateway, against boto3 `list_hits` of as many rows from the same upstream."""

from __future__ import annotations

import multiprocessing
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from mturk_gateway.admin import add_requester
from mturk_gateway.clock import wall_clock
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.listener import Listener
from mturk_gateway.marketplace.app import create_marketplace
from support import fill_database, free_port, modern_client, post, signed_query

ROWS = 100
HITS = 1000
ROUNDS = 300
WARM_UP = 30


def _serve_marketplace(path, ready, done):
    database = Database(sqlite_url(path), durable=True)
    with Listener(create_marketplace(database, wall_clock)) as listener:
        ready.put(listener.url)
        done.wait()
    database.close()


@contextmanager
def marketplace(folder):
    """A marketplace in a process of its own, with one requester who has many HITs; gives URL, requester, process."""
    path = folder / "upstream.db"
    database = Database(sqlite_url(path), durable=True)
    database.migrate("mturk_gateway.marketplace")
    requester = add_requester(database, folder / "credentials", "bench", wall_clock(), sandbox=False)
    now = int(wall_clock())
    fill_database(database, requester, [({"Title": f"HIT {n}", "Keywords": "a, b"}, now - n) for n in range(HITS)])
    database.close()
    spawn = multiprocessing.get_context("spawn")
    ready, done = spawn.Queue(), spawn.Event()
    process = spawn.Process(target=_serve_marketplace, args=(path, ready, done))
    process.start()
    yield ready.get(), requester, process
    done.set()
    process.join()


@contextmanager
def gateway(folder, upstream):
    """A served gateway in front of that marketplace; gives its URL and its processes."""
    port = free_port()
    command = [sys.executable, "-m", "mturk_gateway", "serve", "--port", str(port), "--data", str(folder / "data")]
    command += ["--upstream", upstream, "--credentials", str(folder / "credentials"), "--freshness", "600"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    process.stdout.readline()
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    yield f"http://127.0.0.1:{port}", [process.pid, *map(int, children)]
    process.terminate()
    process.wait()
    process.stdout.close()


def cpu(pids):
    """Seconds that processes have run, all threads together."""
    return sum(
        int(stat.read_text().split()[0]) / 1e9 for pid in pids for stat in Path(f"/proc/{pid}/task").glob("*/schedstat")
    )


def measure(action, pids):
    """Median wall seconds of the action, and CPU seconds of this process and the given ones for each."""
    before, own = cpu(pids), time.process_time()
    times = []
    for number in range(ROUNDS):
        start = time.perf_counter()
        action(number)
        times.append(time.perf_counter() - start)
    return statistics.median(times), (cpu(pids) - before + time.process_time() - own) / ROUNDS


def warm_page(folder):
    """The lines of the table."""
    with (
        marketplace(folder) as (upstream, requester, market),
        gateway(folder, upstream) as (url, pids),
        modern_client(upstream, requester) as modern,
    ):

        def legacy(number):
            page = 1 + number % (HITS // ROWS)
            query = signed_query(requester, "SearchHITs", ("PageSize", ROWS), ("PageNumber", page))
            answer = post(f"{url}/", query).content
            assert answer.count(b"<HIT>") == ROWS

        tokens = [None]
        while tokens[-1] is not None or len(tokens) == 1:
            reply = modern.list_hits(MaxResults=ROWS, **({"NextToken": tokens[-1]} if tokens[-1] else {}))
            tokens.append(reply.get("NextToken"))
        pages = tokens[: HITS // ROWS]

        def direct(number):
            token = pages[number % len(pages)]
            reply = modern.list_hits(MaxResults=ROWS, **({"NextToken": token} if token else {}))
            assert len(reply["HITs"]) == ROWS

        for number in range(WARM_UP):
            legacy(number)
            direct(number)
        legacy_time, legacy_cpu = measure(legacy, [*pids, market.pid])
        direct_time, direct_cpu = measure(direct, [market.pid])
    yield (
        f"| warm page of {ROWS} HITs through the gateway ÷ boto3 `list_hits` of {ROWS} "
        f"| {legacy_time / direct_time:.2f} ({legacy_time * 1e3:.1f} ms ÷ {direct_time * 1e3:.1f} ms) "
        f"| {legacy_cpu / direct_cpu:.2f} ({legacy_cpu * 1e3:.1f} ms ÷ {direct_cpu * 1e3:.1f} ms) |"
    )
