"""A lab whose programs write and read while something fails, and the books they keep: what must be true afterwards."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter, deque
from contextlib import suppress
from typing import NamedTuple

import httpx
from botocore.exceptions import BotoCoreError, ClientError
from sqlalchemy import select

from mturk_gateway.clock import wall_clock
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.marketplace.services.working import workers
from mturk_gateway.marketplace.tables import bonuses, hits
from mturk_translators.xml import MarkupError, parse
from support import FORM, PROPERTIES, modern_client, one, signed_query, texts

_PAUSE = 0.05
"""Seconds before a program asks again."""
_PATIENCE = 120.0
"""Seconds after which a program that is not answered at all gives up."""
_STANDING = 40
"""HITs that stand at a time."""
_REPEATED = {"AWS.MechanicalTurk.HitAlreadyExists", "AWS.MechanicalTurk.DuplicateRequest"}
_GONE = {"AWS.MechanicalTurk.HITDoesNotExist", "AWS.MechanicalTurk.InvalidHITState"}
_PASSING = {"ServiceFault", "ThrottlingException", "ServiceUnavailable", "InternalFailure"}


class Asked(NamedTuple):
    """A request: of which program, from when to when (monotonic), and what came of it.

    That is *answered*, *refused* (an error in the caller's protocol that tells to come back), *broken* (no answer, or
    half of one), or else what was wrong.
    """

    program: str
    begun: float
    ended: float
    outcome: str


class _Again(Exception):  # noqa: N818  # nothing is wrong with the program
    """The request has to be made again."""


class Lab:
    """Programs of one requester, at work inside a `with` block.

    Each write has a token, and is asked for again until it is known to have been carried out. `ahead` gives the seconds
    by which the clock of the gateway and its clients runs ahead of the true one.
    """

    def __init__(self, url, requester, marketplace, ahead=lambda: 0.0):
        self._url = url
        self._requester = requester
        self._path = marketplace
        self._ahead = ahead
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._made = {}
        self._doomed = {}
        self._gone = {}
        self._tokens = Counter()
        self._bonuses = set()
        self._growth = 0
        self.asked = deque()
        self.wrong = []
        self.threads = [
            threading.Thread(target=self._run, args=(program,), name=program.__name__.strip("_"), daemon=True)
            for program in (
                self._creator,
                self._modern_creator,
                self._payer,
                self._grower,
                self._disposer,
                self._reader,
            )
        ]

    def __enter__(self):
        self._prepare()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Every program finishes what it is at."""
        self._stopping.set()
        for thread in self.threads:
            thread.join()

    def _prepare(self):
        """A HIT that grows, and an assignment for which bonuses are granted."""
        with modern_client(self._url, self._requester) as modern:
            self._hit = modern.create_hit(**{**PROPERTIES, "MaxAssignments": 10})["HIT"]["HITId"]
        database = Database(sqlite_url(self._path), durable=True)
        with database.writing() as connection:
            now = int(wall_clock())
            self._assignment = workers.accept(connection, self._hit, "A1WORKER", now)
            workers.submit(connection, self._assignment, [("q1", "seven")], now)
        database.close()

    def _run(self, program):
        with httpx.Client(trust_env=False, timeout=60) as client:
            while not self._stopping.is_set():
                try:
                    program(client)
                except Exception as error:  # noqa: BLE001  # it stands in the books
                    self.wrong.append(f"{program.__name__}: {type(error).__name__}: {error}"[:500])
                    return

    def _note(self, begun, outcome):
        self.asked.append(Asked(threading.current_thread().name, begun, time.monotonic(), outcome))

    def _once(self, client, operation, *pairs, **named):
        """The root of the answer to one request. Raises _Again when it has to be made again."""
        begun = time.monotonic()
        every = [*pairs, *((name, str(value)) for name, value in named.items())]
        query = signed_query(self._requester, operation, *every, now=wall_clock() + self._ahead())
        try:
            answer = client.post(f"{self._url}/", content=query, headers=FORM)
        except httpx.TransportError:
            self._note(begun, "broken")
            raise _Again from None
        if answer.status_code == 503 and b"<Code>ServiceUnavailable</Code>" in answer.content:
            self._note(begun, "refused")
            raise _Again
        with suppress(MarkupError):
            root = parse(answer.content)
            if answer.status_code == 200 and texts(root, "IsValid"):
                self._note(begun, "answered")
                return root
        self._note(begun, f"{operation}: {answer.status_code} {answer.content[:300]!r}")
        raise _Again

    def _persistently(self, ask, *given, **named):
        """What is answered at last, and whether it took more than one request."""
        end, again = time.monotonic() + _PATIENCE, False
        while True:
            try:
                return ask(*given, **named), again
            except _Again:
                again = True
                if time.monotonic() > end:
                    raise TimeoutError("never answered") from None
                time.sleep(_PAUSE)

    def _write(self, client, operation, expected, **named):
        """Carry out a write; its answer, or None where an earlier request had done it. `expected` is who says so."""
        root, again = self._persistently(self._once, client, operation, **named)
        codes = set(texts(root, "Code"))
        if not codes:
            return root
        if not (again and codes <= expected):
            raise AssertionError(f"{operation} was refused: {codes}")
        return None

    def _creator(self, client):
        token = uuid.uuid4().hex
        properties = {name: value for name, value in PROPERTIES.items() if name != "Reward"}
        given = {**properties, "Reward.1.Amount": "0.05", "UniqueRequestToken": token, "RequesterAnnotation": token}
        root = self._write(client, "CreateHIT", _REPEATED, **given)
        self._keep(token, root is not None and one(root, "HITId"))

    def _modern_creator(self, _client):
        token = uuid.uuid4().hex
        given = {**PROPERTIES, "UniqueRequestToken": token, "RequesterAnnotation": token}
        with modern_client(self._url, self._requester) as modern:
            reply, again = self._persistently(self._modern_once, modern.create_hit, **given)
        if reply is None and not again:
            raise AssertionError("CreateHIT was taken for a repetition")
        self._keep(token, reply and reply["HIT"]["HITId"])
        self._stopping.wait(_PAUSE)

    def _modern_once(self, call, **given):
        begun = time.monotonic()
        try:
            reply = call(**given)
        except ClientError as error:
            said = error.response
            if said.get("TurkErrorCode") in _REPEATED:
                self._note(begun, "answered")
                return None
            # What an outside upstream says to boto3 is handed on, pages of its own among it.
            passing = said["Error"]["Code"] in _PASSING or said["ResponseMetadata"]["HTTPStatusCode"] >= 500
            self._note(begun, "refused" if passing else f"create_hit: {said}"[:300])
            raise _Again from None
        except BotoCoreError:
            self._note(begun, "broken")
            raise _Again from None
        self._note(begun, "answered")
        return reply

    def _keep(self, token, hit):
        with self._lock:
            self._tokens[token] += 1
            if hit:
                self._made[hit] = time.monotonic()

    def _payer(self, client):
        token = uuid.uuid4().hex
        given = {"WorkerId": "A1WORKER", "AssignmentId": self._assignment, "BonusAmount.1.Amount": "0.01"}
        self._write(client, "GrantBonus", _REPEATED, **given, Reason=token, UniqueRequestToken=token)
        with self._lock:
            self._bonuses.add(token)

    def _grower(self, client):
        given = {"HITId": self._hit, "MaxAssignmentsIncrement": 1, "UniqueRequestToken": uuid.uuid4().hex}
        self._write(client, "ExtendHIT", _REPEATED, **given)
        self._growth += 1

    def _disposer(self, client):
        """Old HITs are disposed of, by an operation that the modern API has not."""
        with self._lock:
            standing = [hit for hit in self._made if hit not in self._doomed]
        if len(standing) <= _STANDING:
            self._stopping.wait(_PAUSE)
            return
        hit = standing[0]
        self._doomed[hit] = time.monotonic()
        self._write(client, "DisableHIT", _GONE, HITId=hit)
        self._gone[hit] = time.monotonic()

    def _reader(self, client):
        """A walk through all pages shows what stands, each HIT once, and nothing that is gone."""
        begun = time.monotonic()
        size = random.choice([10, 25, 100])
        found, totals, trouble = [], set(), False
        while True:
            page = {"PageNumber": len(found) // size + 1, "PageSize": size, "SortProperty": "CreationTime"}
            root, again = self._persistently(self._once, client, "SearchHITs", **page)
            trouble |= again
            totals.add(int(one(root, "TotalNumResults")))
            ids = texts(root, "HITId")
            found += ids
            if len(ids) < size:
                break
        answered = time.monotonic()
        with self._lock:
            due = {
                hit
                for hit, moment in self._made.items()
                if moment < begun and self._doomed.get(hit, answered) >= answered
            }
            gone = {hit for hit, moment in self._gone.items() if moment < begun}
        missing, undead = due - set(found), gone & set(found)
        if missing or undead:
            self.wrong.append(f"a walk of {len(found)}: {len(missing)} missing, {len(undead)} gone ({trouble=})")
        if len(found) != len(set(found)) or totals != {len(found)}:
            self.wrong.append(
                f"pages do not add up: {len(found)}, {len(set(found))} different, of {totals} ({trouble=})"
            )

    def audit(self):
        """What was acknowledged and is lost, and what was done more than once, by the marketplace's own rows."""
        lost, twice = [], []
        database = Database(sqlite_url(self._path), durable=True)
        with database.reading() as connection:
            own = connection.scalar(select(hits.c.requester_id).where(hits.c.id == self._hit))
            noted = select(hits.c.annotation).where(hits.c.requester_id == own, hits.c.annotation.is_not(None))
            annotated = Counter(connection.scalars(noted).all())
            paid = Counter(connection.scalars(select(bonuses.c.reason).where(bonuses.c.requester_id == own)).all())
            places = connection.scalar(select(hits.c.max_assignments).where(hits.c.id == self._hit))
            disposed = set(connection.scalars(select(hits.c.id).where(hits.c.disposed_at.is_not(None))))
        database.close()
        for wanted, found in ((set(self._tokens), annotated), (self._bonuses, paid)):
            lost += wanted - found.keys()
            twice += [token for token, number in found.items() if number > 1 or token not in wanted]
        lost += [f"{hit} still stands" for hit in self._gone if hit not in disposed]
        difference = places - 10 - self._growth
        (twice if difference > 0 else lost).extend(["an increase"] * abs(difference))
        return lost, twice

    @property
    def writes(self):
        """How many writes were acknowledged."""
        return len(self._tokens) + len(self._bonuses) + self._growth + len(self._gone)
