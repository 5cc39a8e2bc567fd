"""What the tests of paging share: old programs that walk pages, a requester who never rests, and an outside account."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import httpx
from botocore.exceptions import BotoCoreError, ClientError
from lxml.etree import _Element as Element

from mturk_gateway.marketplace.services.working import workers
from mturk_translators.xml import parse
from support import FORM, PROPERTIES, modern_client, one, signed_query

_PATIENCE = 40.0

LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)
"""A time at which everything has expired."""


def until(condition, seconds=_PATIENCE):
    """What a condition gives once it holds."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)
    return found


def at_once(*tasks):
    """The results of functions that are called at the same time."""
    with ThreadPoolExecutor(len(tasks)) as pool:
        return [future.result() for future in [pool.submit(task) for task in tasks]]


class Processes(NamedTuple):
    """The processes of a served gateway, found by what they listen on and which files they have open."""

    fronts: list[int]
    walkers: list[int]
    marketplaces: list[int]

    @classmethod
    def of(cls, supervisor):
        found = cls([], [], [])
        heard = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        listening = {f"socket:[{fields[9]}]" for fields in heard if fields[3] == "0A"}
        for pid in map(int, Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()):
            opened = _open_files(pid)
            files = {Path(name).name for name in opened}
            if len(listening.intersection(opened)) >= 3:
                found.fronts.append(pid)
            elif "marketplace.db" in files:
                found.marketplaces.append(pid)
            elif "walks.db" in files:
                found.walkers.append(pid)
        return found


def _open_files(pid):
    opened = []
    with suppress(FileNotFoundError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                opened.append(str(link.readlink()))
    return opened


@contextmanager
def paused(*pids):
    """Processes that do nothing inside of a `with` block."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


class Page(NamedTuple):
    """A page as an old program reads it."""

    number: int
    total: int
    ids: list[str]
    rows: list[Element]


class Walked(NamedTuple):
    """A walk from page to page: how it ended, and when it began and had its first answer."""

    pages: list[Page]
    begun: float
    answered: float

    @property
    def ids(self):
        return [id_ for page in self.pages for id_ in page.ids]

    @property
    def rows(self):
        return [row for page in self.pages for row in page.rows]


class Program:
    """An old program that walks pages. It is told from others by its name, the User-Agent.

    One that is patient asks again when it is told to come back, or when the connection breaks, as old programs do.
    """

    def __init__(self, url, requester, name="old program", *, patient=False):
        self._url = f"{url}/"
        self._requester = requester
        self._headers = {**FORM, "User-Agent": name}
        self._client = httpx.Client(trust_env=False, timeout=_PATIENCE)
        self._patient = patient
        self.refusals = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._client.close()

    def answer(self, operation, **parameters):
        """What a request is answered with."""
        query = signed_query(self._requester, operation, *((name, str(value)) for name, value in parameters.items()))
        return self._client.post(self._url, content=query, headers=self._headers)

    def ask(self, operation, **parameters):
        """The root of the answer to a request that is answered well, at last if the program is patient."""
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                answer = self.answer(operation, **parameters)
            except httpx.TransportError:
                assert self._patient
            else:
                if answer.status_code == 200:
                    return parse(answer.content)
                assert self._patient, answer.content
                assert b"<Code>ServiceUnavailable</Code>" in answer.content, answer.content
            self.refusals += 1
            assert time.monotonic() < end, "it never was answered well"
            time.sleep(0.02)

    def page(self, operation, number=1, size=100, **parameters):
        """A page of a listing."""
        root = self.ask(operation, PageNumber=number, PageSize=size, **parameters)
        element = "Assignment" if operation == "GetAssignmentsForHIT" else "HIT"
        rows = list(root.iter(element))
        assert one(root, "NumResults") == str(len(rows))
        assert one(root, "PageNumber") == str(number)
        return Page(number, int(one(root, "TotalNumResults")), [row.findtext(f"{element}Id") for row in rows], rows)

    def walk(self, operation, size=100, *, until_empty=True, **parameters):
        """All pages: until one is empty, or until there have been as many rows as the total says."""
        begun = time.monotonic()
        pages = [self.page(operation, 1, size, **parameters)]
        answered = time.monotonic()
        while pages[-1].ids and (until_empty or len(pages) * size < pages[-1].total):
            pages.append(self.page(operation, len(pages) + 1, size, **parameters))
        return Walked(pages, begun, answered)


def check_exact(walked):
    """A walk saw each row once, and the same total on all of its pages."""
    assert len({page.total for page in walked.pages}) == 1
    assert len(walked.ids) == len(set(walked.ids)) == walked.pages[0].total


_KEYS: dict[str, Callable[[Element], object]] = {
    "Title": lambda row: row.findtext("Title"),
    "Reward": lambda row: float(row.findtext("Reward/Amount")),
    **{
        name: lambda row, name=name: row.findtext(name)
        for name in ("Expiration", "CreationTime", "AcceptTime", "SubmitTime", "AssignmentStatus")
    },
}


def check_sorted(walked, property_, direction):
    """The rows of a walk are in the order that was asked for, and those alike in that of their IDs."""
    keys = [(_KEYS[property_](row), id_) for row, id_ in zip(walked.rows, walked.ids, strict=True)]
    assert keys == sorted(keys, reverse=direction == "Descending")


class Bustle:
    """A requester who never rests, and a worker of theirs, inside a `with` block.

    HITs come through both APIs, expire, and are disposed of; those of `busy`, which stays, are worked on and approved.
    Who is patient goes on when something fails. When each thing was begun and when it was acknowledged is kept.
    """

    def __init__(self, url, requester, marketplace, *, patient=False):
        self._url = url
        self._requester = requester
        self._marketplace = marketplace
        self._patient = patient
        self._chance = random.Random(11)
        self._stopping = threading.Event()
        self._failure = None
        self._thread = threading.Thread(target=self._run)
        self._submitted = []
        self._workers = 0
        self._certain = True
        self.begun = {}
        self.made = {}
        self.expired = {}
        self.doomed = {}
        self.gone = {}
        self.approved = {}

    def __enter__(self):
        with modern_client(self._url, self._requester) as modern:
            self.busy = modern.create_hit(**{**PROPERTIES, "MaxAssignments": 10_000})["HIT"]["HITId"]
            self.made[self.busy] = self.begun[self.busy] = time.monotonic()
            for _ in range(20):
                self._make(modern)
            for _ in range(15):
                self._work(modern)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join()
        if self._failure:
            raise self._failure

    def _run(self):
        with modern_client(self._url, self._requester) as modern:
            while not self._stopping.is_set():
                try:
                    steps = [self._make, self._work, self._expire, self._dispose]
                    self._chance.choices(steps, [4 if len(self.made) - len(self.doomed) < 60 else 1, 1, 1, 2])[0](
                        modern
                    )
                except (BotoCoreError, ClientError, httpx.TransportError) as error:
                    if not self._patient:
                        self._failure = error
                        return
                    self._stopping.wait(0.02)
                except Exception as error:  # noqa: BLE001  # raised by the thread that waits
                    self._failure = error
                    return

    def _make(self, modern):
        properties = {
            **PROPERTIES,
            "Title": self._chance.choice(["ant", "bee", "Zebra", "Émile"]),
            "Reward": self._chance.choice(["0.05", "0.50", "10.00"]),
            "LifetimeInSeconds": self._chance.choice([3600, 7200]),
        }
        begun, certain, self._certain = time.monotonic(), self._certain, False
        if self._chance.random() < 0.5:
            made = modern.create_hit(**properties)["HIT"]["HITId"]
        else:
            properties["Reward.1.Amount"] = properties.pop("Reward")
            with Program(self._url, self._requester, "writer") as program:
                answer = program.answer("CreateHIT", **properties)
                if self._patient and answer.status_code != 200:
                    return
                made = one(parse(answer.content), "HITId")
        self._certain = certain
        self.begun[made] = begun
        self.made[made] = time.monotonic()

    def _expire(self, modern):
        waiting = [id_ for id_ in self.made if id_ not in self.expired and id_ != self.busy]
        if len(waiting) > 10:
            chosen = self._chance.choice(waiting)
            modern.update_expiration_for_hit(HITId=chosen, ExpireAt=LONG_AGO)
            self.expired[chosen] = time.monotonic()

    def _dispose(self, modern):
        waiting = [id_ for id_ in self.expired if id_ not in self.doomed]
        if len(waiting) > 10:
            chosen = self._chance.choice(waiting)
            self.doomed[chosen] = time.monotonic()
            modern.delete_hit(HITId=chosen)
            self.gone[chosen] = time.monotonic()

    def _work(self, modern):
        self._workers += 1
        with self._marketplace.writing() as connection:
            now = int(time.time())
            assignment = workers.accept(connection, self.busy, f"A{self._workers}", now)
            workers.submit(connection, assignment, [("q", "a")], now)
        modern.approve_assignment(AssignmentId=assignment)
        self.approved[assignment] = time.monotonic()

    def check(self, walked, operation):
        """A walk saw all that had been acknowledged when it began, and nothing that was gone, or yet to come."""
        check_exact(walked)
        seen = set(walked.ids)
        since = {"SearchHITs": self.made, "GetReviewableHITs": self.expired, "GetAssignmentsForHIT": self.approved}
        due = {
            id_
            for id_, moment in since[operation].items()
            if moment < walked.begun and self.doomed.get(id_, walked.answered) >= walked.answered
        }
        assert due <= seen
        assert not {id_ for id_, moment in self.gone.items() if moment < walked.begun} & seen
        if operation != "GetAssignmentsForHIT" and self._certain:
            assert seen <= {id_ for id_, moment in self.begun.items() if moment < walked.answered}


def bustling_walks(url, requester, bustle, name, rounds, seed, *, patient=False):
    """Walk listings at random, as a program of that name: pairs of walk and operation."""
    chance = random.Random(seed)
    walks = []
    with Program(url, requester, name, patient=patient) as program:
        for _ in range(rounds):
            operation = chance.choice(["SearchHITs", "SearchHITs", "GetReviewableHITs", "GetAssignmentsForHIT"])
            direction = chance.choice(["Ascending", "Descending"])
            if operation == "GetAssignmentsForHIT":
                property_ = chance.choice(["AcceptTime", "SubmitTime", "AssignmentStatus"])
                parameters = {"HITId": bustle.busy}
            else:
                property_ = chance.choice(["Title", "Reward", "Expiration", "CreationTime"])
                parameters = {}
            walked = program.walk(
                operation,
                chance.choice([3, 7, 10, 50, 100]),
                until_empty=chance.random() < 0.5,
                SortProperty=property_,
                SortDirection=direction,
                **parameters,
            )
            if operation != "GetReviewableHITs":
                check_sorted(walked, property_, direction)
            walks.append((walked, operation))
    return walks


class Account:
    """The script of an outside upstream that holds one requester's HITs and knows nothing of cursors.

    `pages` are the tokens that a listing was asked with, "" for the first page; `gate` holds a page up as long as it is
    not set, from the `held`-th on, and `asked` is set when one is. One that `remembers` shows what was disposed of to
    those who know its ID.
    """

    def __init__(self, count, held=1, *, remembers=False):
        self.remembers = remembers
        self.disposed = {}
        self.hits = {hit["HITId"]: hit for hit in map(_hit, range(count))}
        self.pages = []
        self.calls = []
        self.gate = threading.Event()
        self.gate.set()
        self.held = held
        self.asked = threading.Event()
        self._lock = threading.Lock()
        self._made = count

    def __call__(self, operation, params):
        self.calls.append(operation)
        return getattr(self, operation)(params)

    def ListHITs(self, params):  # noqa: N802  # named as the operation
        token = params.get("NextToken", "")
        start = int(token or 0)
        self.pages.append(token)
        if not self.gate.is_set() and start >= 100 * (self.held - 1):
            self.asked.set()
            self.gate.wait(_PATIENCE)
        with self._lock:
            # The newest first, as the service had them.
            page = list(self.hits.values())[::-1][start : start + params["MaxResults"]]
        return 200, {"NumResults": len(page), "HITs": page, **({"NextToken": str(start + len(page))} if page else {})}

    def CreateHIT(self, _):  # noqa: N802
        with self._lock:
            hit = _hit(self._made)
            self._made += 1
            self.hits[hit["HITId"]] = hit
        return 200, {"HIT": hit}

    def GetHIT(self, params):  # noqa: N802
        hit = self.hits.get(params["HITId"]) or self.disposed.get(params["HITId"])
        return (200, {"HIT": hit}) if hit else _missing("HIT")

    def DeleteHIT(self, params):  # noqa: N802
        hit = self.hits.pop(params["HITId"], None)
        if hit and self.remembers:
            self.disposed[hit["HITId"]] = {**hit, "HITStatus": "Disposed"}
        return (200, {}) if hit else _missing("HIT")

    def ApproveAssignment(self, params):  # noqa: N802
        """Of the HIT whose ID the assignment's goes on with."""
        hit = params["AssignmentId"].removeprefix("3A")
        self.hits[hit] = {**self.hits[hit], "NumberOfAssignmentsCompleted": 1}
        return 200, {}

    def GetAssignment(self, params):  # noqa: N802
        hit = self.hits[params["AssignmentId"].removeprefix("3A")]
        assignment = {"AssignmentId": params["AssignmentId"], "HITId": hit["HITId"], "AssignmentStatus": "Approved"}
        return 200, {"Assignment": assignment, "HIT": hit}

    def add(self):
        """A new HIT's ID, made by somebody else than the requester."""
        return self.CreateHIT({})[1]["HIT"]["HITId"]

    @property
    def ids(self):
        """All HITs, by creation."""
        return list(self.hits)


def _hit(number):
    return {
        "HITId": f"3H{number:06}",
        "HITTypeId": f"3T{number % 3}",
        "Title": f"T{number % 5}",
        "HITStatus": "Assignable",
        "Reward": "0.05",
        "CreationTime": 1.5e9 + number,
        "Expiration": 2.5e9 - number,
        "NumberOfAssignmentsPending": 0,
        "NumberOfAssignmentsAvailable": 1,
        "NumberOfAssignmentsCompleted": 0,
    }


def _missing(what):
    code = f"AWS.MechanicalTurk.{what}DoesNotExist"
    return 400, {"__type": "RequestError", "Message": f"{what} does not exist. ({code})", "TurkErrorCode": code}


def throttled():
    """What an upstream answers whom it will not serve at the moment."""
    return 400, {"__type": "ThrottlingException", "message": "Rate exceeded"}


@contextmanager
def closed(gate):
    """A gate that is closed inside of a `with` block."""
    gate.clear()
    try:
        yield
    finally:
        gate.set()
