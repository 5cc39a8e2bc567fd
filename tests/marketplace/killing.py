"""A marketplace that is killed while many write to it, again and again, and what must be true afterwards."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import uuid
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_context

import httpx
import uvicorn
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from sqlalchemy import func, select, text

from marketplace.conftest import HIT_TYPE, PACKAGE, QUESTION
from mturk_gateway.clock import wall_clock
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.listener import bind, server_config
from mturk_gateway.marketplace.app import create_marketplace
from mturk_gateway.marketplace.requesters import add_requester
from mturk_gateway.marketplace.services.working import workers
from mturk_gateway.marketplace.tables import accounts, bonuses, hits

_SPAWN = get_context("spawn")
WRITERS = 4
USED = {"AWS.MechanicalTurk.HitAlreadyExists", "AWS.MechanicalTurk.DuplicateRequest"}


def _serve(listening, path):
    database = Database(sqlite_url(path), durable=True)
    uvicorn.Server(server_config(create_marketplace(database, wall_clock))).run(sockets=[listening])


@dataclass
class Outcome:
    """What came of all rounds."""

    kills: int = 0
    writes: int = 0
    seconds: float = 0.0
    """Of writing, without the starts."""
    in_doubt: int = 0
    """Writes that were under way when the process was killed."""
    carried_out: int = 0
    """Those of them that had been carried out."""
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)


@dataclass
class _Write:
    """One write with a token of its own; what it made, once that is known."""

    operation: str
    parameters: dict[str, object]
    token: str
    made: str | None = None


class Killing:
    """A marketplace in a folder, its writers, and the account of what was acknowledged."""

    def __init__(self, folder):
        self._path = folder / "marketplace.db"
        self.outcome = Outcome()
        self._done: list[_Write] = []
        self._doubtful: list[_Write] = []
        self._lock = threading.Lock()
        self._numbers = count()
        self._end = threading.Event()
        database = Database(sqlite_url(self._path), durable=True)
        database.migrate(PACKAGE)
        now = int(wall_clock())
        with database.writing() as connection:
            self._keys = add_requester(connection, "lab", now)
        database.close()

    def run(self, rounds, seconds):
        """Write for some seconds, kill, start again, ask again about what was under way; so many times."""
        for number in range(rounds):
            self._round(number, seconds)
        self._start()
        try:
            self._settle_doubts()
            self._check()
        finally:
            self._kill()
        self._check_file()
        return self.outcome

    def _round(self, number, seconds):
        self._start()
        if number == 0:
            self._prepare()
        self._settle_doubts()
        self._end.clear()
        writers = [threading.Thread(target=self._keep_writing) for _ in range(WRITERS)]
        begun = time.perf_counter()
        for writer in writers:
            writer.start()
        self._end.wait(seconds)
        self._kill()
        self.outcome.seconds += time.perf_counter() - begun
        self.outcome.kills += 1
        self._end.set()
        for writer in writers:
            writer.join()

    def _start(self):
        listening = bind("127.0.0.1", 0)
        self._url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        self._process = _SPAWN.Process(target=_serve, args=(listening, self._path), daemon=True)
        self._process.start()
        # Connections wait in the socket's queue until it answers.
        with httpx.Client(timeout=60) as client:
            client.get(f"{self._url}healthz").raise_for_status()
        listening.close()

    def _kill(self):
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()

    def _prepare(self):
        """A HIT that grows, and an assignment that gets bonuses."""
        with httpx.Client(timeout=60) as client:
            made = {**HIT_TYPE, "LifetimeInSeconds": 86_400, "Question": QUESTION, "MaxAssignments": 10}
            self._hit = self._post(client, "CreateHIT", made)["HIT"]["HITId"]
        database = Database(sqlite_url(self._path), durable=True)
        now = int(wall_clock())
        with database.writing() as connection:
            self._assignment = workers.accept(connection, self._hit, "A1WORKER", now)
            workers.submit(connection, self._assignment, [("dots", "7")], now)
        database.close()

    def _next(self):
        number = next(self._numbers)
        token = uuid.uuid4().hex
        kind = number % 3
        if kind == 0:
            bonus = {"WorkerId": "A1WORKER", "AssignmentId": self._assignment, "BonusAmount": "0.01", "Reason": token}
            return _Write("SendBonus", bonus, token)
        if kind == 1:
            growth = {"HITId": self._hit, "NumberOfAdditionalAssignments": 1}
            return _Write("CreateAdditionalAssignmentsForHIT", growth, token)
        hit = {**HIT_TYPE, "LifetimeInSeconds": 86_400, "Question": QUESTION, "RequesterAnnotation": token}
        return _Write("CreateHIT", hit, token)

    def _keep_writing(self):
        with httpx.Client(timeout=60) as client:
            while not self._end.is_set():
                write = self._next()
                try:
                    reply = self._post(client, write.operation, {**write.parameters, "UniqueRequestToken": write.token})
                except httpx.TransportError:
                    with self._lock:
                        self._doubtful.append(write)
                    return
                write.made = reply.get("HIT", {}).get("HITId", write.token)
                with self._lock:
                    self._done.append(write)
                    self.outcome.writes += 1

    def _settle_doubts(self):
        """Ask again with the same token: either it is carried out now, or it had been."""
        doubtful, self._doubtful = self._doubtful, []
        with httpx.Client(timeout=60) as client:
            for write in doubtful:
                self.outcome.in_doubt += 1
                reply = self._post(client, write.operation, {**write.parameters, "UniqueRequestToken": write.token})
                if "TurkErrorCode" in reply:
                    assert reply["TurkErrorCode"] in USED, reply
                    self.outcome.carried_out += 1
                self._done.append(write)

    def _post(self, client, operation, parameters):
        body = json.dumps(parameters).encode()
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"MTurkRequesterServiceV20170117.{operation}",
        }
        request = AWSRequest("POST", self._url, data=body, headers=headers)
        credentials = Credentials(self._keys.access_key, self._keys.secret)
        SigV4Auth(credentials, "mturk-requester", "us-east-1").add_auth(request)
        return client.post(self._url, content=body, headers=dict(request.headers)).json()

    def _check(self):
        """What the marketplace says now, against what it said then."""
        of = {}
        for write in self._done:
            of.setdefault(write.operation, []).append(write)
        with httpx.Client(timeout=60) as client:
            grown = self._post(client, "GetHIT", {"HITId": self._hit})["HIT"]["MaxAssignments"] - 10
        database = Database(sqlite_url(self._path), durable=True)
        with database.reading() as connection:
            annotations = connection.execute(select(hits.c.annotation).where(hits.c.annotation.is_not(None))).scalars()
            given = connection.execute(select(bonuses.c.reason)).scalars()
            self._compare(of.get("CreateHIT", ()), list(annotations))
            self._compare(of.get("SendBonus", ()), list(given))
            assert connection.execute(select(func.sum(accounts.c.balance))).scalar_one() == 0
        database.close()
        difference = len(of.get("CreateAdditionalAssignmentsForHIT", ())) - grown
        (self.outcome.lost if difference > 0 else self.outcome.twice).extend(["an increase"] * abs(difference))

    def _compare(self, writes, found):
        """Each token that was acknowledged has made one thing, and nothing else has."""
        wanted = {write.token for write in writes}
        self.outcome.lost += wanted - set(found)
        self.outcome.twice += [token for token in set(found) if found.count(token) > 1 or token not in wanted]

    def _check_file(self):
        database = Database(sqlite_url(self._path), durable=True)
        with database.reading() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
        database.close()
