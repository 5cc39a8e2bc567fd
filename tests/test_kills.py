"""Processes that are killed, and databases that are locked, full, read-only, damaged or gone: no answer is wrong."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import threading
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain
from pathlib import Path

import httpx
import pytest
from sqlalchemy import event, select

from mturk_gateway.credentials import Requester, write_profile
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.paging.tables import walks
from mturk_gateway.settings import Settings
from support import ScriptedUpstream, get, served
from walks import (
    Account,
    Bustle,
    Processes,
    Program,
    at_once,
    bustling_walks,
    check_exact,
    closed,
    until,
)

LAB = Requester("lab", "AKIDLAB", "lab-secret")

processes = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="tells processes apart by /proc")


@pytest.fixture
def keys(tmp_path):
    write_profile(tmp_path / "credentials", LAB)
    return "--credentials", tmp_path / "credentials"


@processes
def test_no_answer_is_wrong_while_the_disk_is_full(tmp_path, keys):
    """No process can write any file, not even the log; when there is room again, nobody has to start anything again."""
    account = Account(250)
    options = [*keys, "--freshness", "0"]
    with (
        ScriptedUpstream(account) as upstream,
        served(tmp_path / "data", "--upstream", upstream.url, *options) as (process, url),
        Program(url, LAB) as program,
        Program(url, LAB, "another", patient=True) as patient,
    ):
        before = program.page("SearchHITs", 1)
        account.add()
        found = Processes.of(process.pid)
        with full_disk(*found.fronts, *found.walkers):
            second = program.answer("SearchHITs", PageNumber=2, PageSize=100)
            fresh = program.answer("SearchHITs", PageNumber=1, PageSize=100)
        after = patient.walk("SearchHITs")

        assert Processes.of(process.pid) == found
    check_exact(after)
    assert (before.total, after.ids) == (250, account.ids)
    check_honest(second, total=250)
    check_honest(fresh, total=251)


@contextmanager
def full_disk(*pids):
    """Processes that can write nothing to any file inside of a `with` block."""
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@processes
def test_a_walk_whose_walker_is_killed_is_gone_on_with(tmp_path, keys):
    """Twelve clients of two processes wait for one walk: no page is asked for again but the one that was under way."""
    account = Account(450, held=3)
    options = [*keys, "--fronts", "2", "--freshness", "60"]
    with (
        ScriptedUpstream(account) as upstream,
        closed(account.gate),
        served(tmp_path / "data", "--upstream", upstream.url, *options) as (process, url),
    ):

        def walk(number):
            with Program(url, LAB, f"program {number}") as program:
                return program.walk("SearchHITs")

        def kill():
            account.asked.wait(60)
            (walker,) = Processes.of(process.pid).walkers
            os.kill(walker, signal.SIGKILL)
            account.gate.set()

        *walked, _ = at_once(*(partial(walk, number) for number in range(12)), kill)

    for walk in walked:
        check_exact(walk)
        assert sorted(walk.ids) == account.ids
    assert account.pages == ["", "100", "200", "200", "300", "400", "450"]


@processes
def test_walks_are_exact_through_several_processes_and_whichever_of_them_are_killed(tmp_path, keys):
    """HITs come and go, and each page may come from another process.

    Programs need no patience until a walker and a front are killed, and then the marketplace.
    """
    with served(tmp_path / "data", *keys, "--fronts", "2") as (process, url):
        marketplace = Database(sqlite_url(tmp_path / "data" / "marketplace.db"), durable=True)
        undisturbed, killed = threading.Barrier(4), threading.Event()

        def all_there():
            found = Processes.of(process.pid)
            with suppress(httpx.TransportError):
                return tuple(map(len, found)) == (2, 1, 1) and httpx.get(f"{url}/healthz").is_success and found

        def kill():
            undisturbed.wait(60)
            found = until(all_there)
            for pid in (found.walkers[0], found.fronts[0]):
                os.kill(pid, signal.SIGKILL)
            os.kill(until(all_there).marketplaces[0], signal.SIGKILL)
            until(all_there)
            killed.set()

        with Bustle(url, LAB, marketplace, patient=True) as bustle:

            def walk(number):
                walk = partial(bustling_walks, url, LAB, bustle, f"program {number}")
                walks = walk(2, number)
                undisturbed.wait(60)
                while not killed.is_set():
                    walks += walk(1, len(walks), patient=True)
                return walks + walk(1, number)

            _, *walked = at_once(kill, *(partial(walk, number) for number in range(3)))
        marketplace.close()

    for walk, operation in chain.from_iterable(walked):
        bustle.check(walk, operation)


@pytest.fixture
def steady(tmp_path, keys):
    """A gateway in front of an account of 250 HITs that shows each change at once, and the data of both."""
    account = Account(250)
    with ScriptedUpstream(account) as upstream:
        settings = Settings(data=tmp_path / "data", credentials=keys[1], upstream=upstream.url, freshness=0)
        with EmbeddedGateway(settings) as gateway:
            yield gateway, account


def test_snapshots_survive_a_restart(tmp_path, keys):
    """A program that is on its way from page to page does not notice."""
    account = Account(250)
    with ScriptedUpstream(account) as upstream:
        settings = Settings(data=tmp_path / "data", credentials=keys[1], upstream=upstream.url, freshness=60)
        with EmbeddedGateway(settings) as gateway, Program(gateway.url, LAB) as program:
            first = program.page("SearchHITs", 1)
        account.add()
        with EmbeddedGateway(settings) as gateway, Program(gateway.url, LAB) as program:
            rest = [program.page("SearchHITs", number) for number in (2, 3)]

    assert [page.total for page in (first, *rest)] == [250] * 3
    assert first.ids + rest[0].ids + rest[1].ids == account.ids[:250]
    assert account.pages == ["", "100", "200", "250"]


@pytest.mark.parametrize("damage", [b"garbage", b"SQLite format 3\0" + bytes(84)], ids=["garbage", "torn"])
@pytest.mark.parametrize("name", ["walks.db", "snapshots.db"])
def test_a_damaged_file_is_made_anew_at_the_start(tmp_path, keys, name, damage):
    """Nothing in the two databases of paging is worth an outage."""
    account = Account(30)
    with ScriptedUpstream(account) as upstream:
        settings = Settings(data=tmp_path / "data", credentials=keys[1], upstream=upstream.url)
        with EmbeddedGateway(settings) as gateway, Program(gateway.url, LAB) as program:
            assert program.page("SearchHITs").total == 30
        for file in settings.data.glob(f"{name}*"):
            file.unlink()
        (settings.data / name).write_bytes(damage)
        with EmbeddedGateway(settings) as gateway, Program(gateway.url, LAB) as program:
            assert program.page("SearchHITs").ids == account.ids


@contextmanager
def pragma(database, name, during, after):
    """What SQLite is told about each connection inside of a `with` block, and afterwards."""
    value = [during]

    def tell(connection, *_):
        connection.execute(f"PRAGMA {name}={value[0]}")

    event.listen(database.engine, "checkout", tell)
    try:
        yield
    finally:
        value[0] = after


TROUBLE = {
    "read-only": ("query_only", 1, 0),
    "full": ("max_page_count", 1, 2**30),
}


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("which", ["desk", "stock"])
def test_no_answer_is_wrong_while_a_database_takes_nothing(steady, which, trouble):
    """A legacy error or a page that is right; and when the trouble is over, all is as if it had never been."""
    gateway, account = steady
    with Program(gateway.url, LAB) as program, Program(gateway.url, LAB, "another", patient=True) as patient:
        before = program.page("SearchHITs", 1)
        account.add()
        with pragma(getattr(gateway.house, which), *TROUBLE[trouble]):
            second = program.answer("SearchHITs", PageNumber=2, PageSize=100)
            fresh = program.answer("SearchHITs", PageNumber=1, PageSize=100)
        after = patient.walk("SearchHITs")

    check_exact(after)
    assert (before.total, after.ids) == (250, account.ids)
    check_honest(second, total=250)
    check_honest(fresh, total=251)


def check_honest(answer, *, total):
    """A page of a listing of that many, or a refusal that old programs take for what it is."""
    if answer.status_code == 200:
        assert f"<TotalNumResults>{total}</TotalNumResults>".encode() in answer.content
    else:
        assert answer.status_code == 503
        assert b"<Code>ServiceUnavailable</Code>" in answer.content


def walking(desk):
    with desk.reading() as connection:
        return connection.execute(select(walks.c.id).where(walks.c.state == "walking")).first()


@pytest.mark.parametrize("name", ["walks.db", "snapshots.db"])
def test_a_database_that_somebody_locks_for_a_moment_is_waited_for(steady, tmp_path, name):
    gateway, account = steady
    other = sqlite3.connect(tmp_path / "data" / name, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")

    def walk():
        with Program(gateway.url, LAB) as program:
            return program.walk("SearchHITs")

    def unlock():
        # The lock is met: the walk cannot be queued, or what it brings not be kept.
        if name == "snapshots.db":
            until(lambda: walking(gateway.house.desk))
        assert get(f"{gateway.url}/healthz").is_success
        other.execute("ROLLBACK")

    walked, _ = at_once(walk, unlock)
    other.close()

    check_exact(walked)
    assert walked.ids == account.ids


@processes
@pytest.mark.parametrize("name", ["walks.db", "snapshots.db"])
def test_a_file_that_somebody_deletes_is_made_anew(tmp_path, keys, name):
    """Nobody has to start the gateway again: the supervisor begins with new files."""
    account = Account(250)
    with (
        ScriptedUpstream(account) as upstream,
        served(tmp_path / "data", "--upstream", upstream.url, *keys) as (_, url),
        Program(url, LAB, patient=True) as program,
    ):
        assert program.page("SearchHITs", 1).total == 250
        for file in (tmp_path / "data").glob(f"{name}*"):
            file.unlink()
        until((tmp_path / "data" / name).exists, 30)
        account.add()
        walked = until(lambda: program.walk("SearchHITs"), 30)

    check_exact(walked)
    assert walked.ids == account.ids
