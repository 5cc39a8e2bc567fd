"""The programs of a lab: rounds of requests, after each of which nothing is left that they have made."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from botocore.exceptions import ClientError

from clients import wire
from clients.boto2 import PROPERTIES as OLD_PROPERTIES
from clients.boto2 import QUESTION as OLD_QUESTION
from clients.boto2 import Price
from clients.boto2 import connection as boto
from mturk_gateway.clock import wall_clock
from mturk_gateway.credentials import Requester
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.marketplace.services.working import workers
from mturk_translators.xml import parse
from support import FORM, PROPERTIES, modern_client, one, signed_query, texts

LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)
_WORKERS = [f"A{number}SOAK" for number in range(40)]
_TIDE = 35
"""HITs that come and go in one round: several pages, and few enough for many rounds."""
_BURST = 800
"""Requests that a greedy program sends without a pause."""


class Site(NamedTuple):
    """Where programs go: a port on loopback, the marketplace's file, and a requester for each program."""

    port: int
    marketplace: Path
    requesters: dict[str, Requester]


class Asked(NamedTuple):
    """A request: by which program, when (monotonic), how many seconds it took, and what was wrong with it."""

    program: str
    at: float
    seconds: float
    wrong: str | None


class WrongAnswerError(Exception):
    """An answer that a client may not get."""


def _expect(holds: object, found: object) -> None:
    if not holds:
        raise WrongAnswerError(str(found)[:300])


class Program(threading.Thread):
    """One program, which goes through its rounds until it is `ending`."""

    def __init__(self, kind: str, site: Site) -> None:
        super().__init__(name=kind, daemon=True)
        self.requester = site.requesters[kind]
        self.ending = threading.Event()
        self._kind = kind
        self._site = site
        self._url = f"http://127.0.0.1:{site.port}"
        self._chance = random.Random(f"{kind} {site.port}")
        self._asked: deque[Asked] = deque()

    def news(self) -> list[Asked]:
        """What was asked since this was last called."""
        return [self._asked.popleft() for _ in range(len(self._asked))]

    def run(self) -> None:
        self._marketplace = Database(sqlite_url(self._site.marketplace), durable=True)
        keys = self.requester.access_key, self.requester.secret
        self._old = boto.MTurkConnection(*keys, host="127.0.0.1", port=self._site.port, is_secure=False)
        with (
            modern_client(self._url, self.requester) as self._modern,
            httpx.Client(trust_env=False, timeout=60) as self._client,
        ):
            while not self.ending.is_set():
                try:
                    ROUNDS[self._kind](self)
                except Exception as error:  # noqa: BLE001  # it is counted, and the next round begins
                    wrong = f"{type(error).__name__}: {error}"[:400]
                    self._asked.append(Asked(self._kind, time.monotonic(), 0.0, wrong))
                    self.ending.wait(0.2)
        self._marketplace.close()

    def _ask(self, function: Callable[..., Any], *given: object, **named: object) -> Any:
        """What one request gives."""
        begun = time.monotonic()
        result = function(*given, **named)
        self._asked.append(Asked(self._kind, begun, time.monotonic() - begun, None))
        return result

    def _send(self, operation: str, *pairs: tuple[str, object], **named: object) -> httpx.Response:
        """The answer to a form, on a connection that is kept."""
        every = [*pairs, *named.items()]
        query = signed_query(self.requester, operation, *((name, str(value)) for name, value in every))
        return self._ask(self._client.post, f"{self._url}/", content=query, headers=FORM)

    def _work(self, hit: str, worker: str) -> str:
        """A worker does a HIT, as `mturk-gateway worker` has it; the AssignmentId."""
        with self._marketplace.writing() as connection:
            now = int(wall_clock())
            assignment = workers.accept(connection, hit, worker, now)
            workers.submit(connection, assignment, [("q1", "seven")], now)
        return assignment

    def old_life(self) -> None:
        """A HIT through boto 2.49: made, done twice, listed, approved with a bonus and rejected, disposed of."""
        made = self._ask(self._old.create_hit, question=OLD_QUESTION, max_assignments=2, **OLD_PROPERTIES)[0].HITId
        first, second = self._chance.sample(_WORKERS, 2)
        good, bad = self._work(made, first), self._work(made, second)
        handed_in = self._ask(self._old.get_assignments, made)
        _expect({each.AssignmentId for each in handed_in} == {good, bad}, "assignments are missing")
        self._ask(self._old.approve_assignment, good, "thanks")
        self._ask(self._old.reject_assignment, bad, "no")
        self._ask(self._old.grant_bonus, first, good, Price(0.05), "well done")
        _expect(made in {hit.HITId for hit in self._ask(self._old.search_hits, page_size=100)}, "not listed")
        _expect(made in {hit.HITId for hit in self._ask(self._old.get_reviewable_hits)}, "not reviewable")
        self._ask(self._old.dispose_hit, made)

    def new_life(self) -> None:
        """The same through boto3."""
        made = self._ask(self._modern.create_hit, **PROPERTIES)["HIT"]["HITId"]
        worker = self._chance.choice(_WORKERS)
        done = self._work(made, worker)
        listed = self._ask(self._modern.list_hits, MaxResults=100)["HITs"]
        _expect(made in {hit["HITId"] for hit in listed}, "not listed")
        (handed_in,) = self._ask(self._modern.list_assignments_for_hit, HITId=made)["Assignments"]
        _expect(handed_in["AssignmentId"] == done, "another assignment")
        self._ask(self._modern.approve_assignment, AssignmentId=done)
        bonus = {"WorkerId": worker, "BonusAmount": "0.05", "Reason": "well done"}
        self._ask(self._modern.send_bonus, AssignmentId=done, **bonus)
        self._ask(self._modern.delete_hit, HITId=made)

    def shapes(self) -> None:
        """Requests as each client of the time writes them, each on a connection of its own."""
        for client in wire.CLIENTS:
            for operation, pairs in _READS:
                answer = self._ask(wire.Exchange, self._url, client(self.requester, operation, *pairs))
                _expect(answer.status == 200, answer.content)
                _expect(b"<Errors>" not in answer.content, answer.content)

    def strangers(self) -> None:
        """Keys that nobody has, signatures that are not theirs, operations that never were, and garbage."""
        for changed in ({"access_key": "AKIDNOBODY"}, {"secret": "wrong"}):
            stranger = replace(self.requester, **changed)
            for client in self._chance.sample(wire.CLIENTS, 3):
                answer = self._ask(wire.Exchange, self._url, client(stranger, "GetAccountBalance"))
                _expect(b"<Code>AWS.NotAuthorized</Code>" in answer.content, answer.content)
            with modern_client(self._url, stranger) as modern:
                try:
                    self._ask(_refused, modern.get_account_balance)
                except ClientError as error:
                    raise WrongAnswerError(str(error)) from None
        _expect(b"<Errors>" in self._send("NoSuchOperation").content, "taken for an operation")
        _expect(b"<Errors>" in self._send("GetHIT", HITId="3NOSUCHHIT").content, "taken for a HIT")
        for garbage in _GARBAGE:
            answer = self._ask(_garbage_answer, self._site.port, garbage)
            _expect(answer == b"" or b"<Errors>" in answer, answer)

    def tide(self) -> None:
        """Many HITs come, are walked through page by page while some of them go, and are gone."""
        made = [one(parse(self._send("CreateHIT", *_OLD_TYPE, **_OLD_HIT).content), "HITId") for _ in range(_TIDE)]
        for hit in made:
            size = self._chance.choice([5, 10, 20])
            if self._chance.random() < 0.2:
                self._walk(size)
            self._send("DisableHIT", HITId=hit)
        self._walk(10)

    def _walk(self, size: int) -> None:
        """All pages of the listing: each HIT once, and one total on all pages."""
        sort = self._chance.choice(["Title", "CreationTime", "Enumeration", "Reward", "Expiration"])
        found: list[str] = []
        totals = set()
        while True:
            number = len(found) // size + 1
            content = self._send("SearchHITs", PageNumber=number, PageSize=size, SortProperty=sort).content
            root = parse(content)
            totals.add(one(root, "TotalNumResults"))
            page = texts(root, "HITId")
            found += page
            if len(page) < size:
                break
        _expect(len(totals) == 1 and len(found) == len(set(found)) == int(totals.pop()), "the pages do not add up")

    def batches(self) -> None:
        """Several requests in one."""
        hits = [self._modern.create_hit(**PROPERTIES)["HIT"]["HITId"] for _ in range(3)]
        for _ in range(20):
            pairs = [(f"GetHIT.{number}.HITId", hit) for number, hit in enumerate(hits, 1)]
            answer = self._send("GetHIT", *pairs, ("GetHIT.4.HITId", "3NOSUCHHIT"))
            root = parse(answer.content)
            _expect(texts(root, "IsValid") == ["True", "True", "True", "False"], answer.content)
        for hit in hits:
            self._modern.update_expiration_for_hit(HITId=hit, ExpireAt=LONG_AGO)
            self._modern.delete_hit(HITId=hit)

    def statistics(self) -> None:
        """What a requester has done, as reports ask for it."""
        for statistic in ("NumberHITsCreated", "NumberAssignmentsApproved", "TotalRewardPayout", "AverageRewardAmount"):
            for period, count in (("LifeToDate", 1), ("OneDay", 7)):
                answer = self._send("GetRequesterStatistic", Statistic=statistic, TimePeriod=period, Count=count)
                _expect(b"<IsValid>True</IsValid>" in answer.content, answer.content)
        made = one(parse(self._send("CreateHIT", *_OLD_TYPE, **_OLD_HIT).content), "HITId")
        self._send("DisableHIT", HITId=made)

    def notifications(self) -> None:
        """A HIT type whose events are told, switched on and off, and tried."""
        registered = self._send("RegisterHITType", *_OLD_TYPE, AssignmentDurationInSeconds=60)
        hit_type = one(parse(registered.content), "HITTypeId")
        for active in ("true", "false") * 5:
            given = {"HITTypeId": hit_type, "Active": active}
            answer = self._send("SetHITTypeNotification", *_NOTIFICATION, **given)
            _expect(b"<IsValid>True</IsValid>" in answer.content, answer.content)
            answer = self._send("SendTestEventNotification", *_NOTIFICATION, TestEventType="HITReviewable")
            _expect(b"<IsValid>True</IsValid>" in answer.content, answer.content)

    def greedy(self) -> None:
        """As many requests as go out at once, which may be told to come back later; then a pause."""
        for _ in range(_BURST):
            answer = self._send("GetAccountBalance")
            throttled = answer.status_code == 503 and b"<Code>ServiceUnavailable</Code>" in answer.content
            _expect(throttled or b"<IsValid>True</IsValid>" in answer.content, answer.content)
        self.ending.wait(10.0)


ROUNDS: dict[str, Callable[[Program], None]] = {
    name: getattr(Program, name)
    for name in (
        "old_life",
        "new_life",
        "shapes",
        "strangers",
        "tide",
        "batches",
        "statistics",
        "notifications",
        "greedy",
    )
}
"""What the programs do, by their names."""

_READS = (
    ("GetAccountBalance", ()),
    ("SearchHITs", (("PageSize", "10"), ("PageNumber", "1"))),
    ("GetReviewableHITs", (("PageSize", "10"), ("PageNumber", "2"))),
)
_OLD_TYPE = (
    ("Title", "Count the dots"),
    ("Description", "How many?"),
    ("Reward.1.Amount", "0.05"),
    ("Reward.1.CurrencyCode", "USD"),
)
_OLD_HIT = {
    "AssignmentDurationInSeconds": 600,
    "LifetimeInSeconds": 3600,
    "Question": PROPERTIES["Question"],
}
_NOTIFICATION = (
    ("Notification.1.Destination", "lab@example.com"),
    ("Notification.1.Transport", "Email"),
    ("Notification.1.Version", "2006-05-05"),
    ("Notification.1.EventType.1", "HITReviewable"),
)
_GARBAGE = (
    b"\x00\xff\xfe garbage\r\n\r\n",
    b"GET /?Operation=\xff HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"BREW /pot HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    b"GET /nowhere HTTP/1.0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 80_000 + b"\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\nOperation=",
)


def _refused(call: Callable[[], object]) -> None:
    with suppress(ClientError):
        call()
        raise WrongAnswerError("a stranger was let in")


def _garbage_answer(port: int, garbage: bytes) -> bytes:
    """What is answered to bytes after which the client says no more."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        with suppress(ConnectionError):
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while part := connection.recv(65_536):
                answer += part
            return answer
        return b""
