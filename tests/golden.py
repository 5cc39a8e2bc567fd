"""Golden pairs: reading them, and letting the real pipeline answer them before a scripted upstream."""

from __future__ import annotations

import asyncio
import json
import re
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from unittest.mock import patch
from urllib.parse import quote, urlencode

from botocore.retries.standard import ExponentialBackoff

from mturk_gateway.app import create_walker, ledger_operations
from mturk_gateway.auth import SERVICE, sign, standard_string, version_1_string
from mturk_gateway.credentials import Requester
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.driver import Driver
from mturk_gateway.exchange import Received
from mturk_gateway.ledger.undertakings import Undertakings
from mturk_gateway.ledger.usage import Usage
from mturk_gateway.pages import PageReader
from mturk_gateway.paging.desk import Desk, Rules
from mturk_gateway.paging.pager import Pager
from mturk_gateway.paging.shelf import Shelf
from mturk_gateway.paging.tables import prepare_paging
from mturk_gateway.paging.writes import Writes
from mturk_gateway.pipeline import Pipeline
from mturk_gateway.settings import Settings
from mturk_gateway.statistics.deeds import Deeds
from mturk_gateway.statistics.tallies import Tallies
from mturk_gateway.undertaking import Undertaker
from mturk_gateway.upstream import Upstream
from mturk_translators.query import Pair
from support import ScriptedUpstream, timestamp

FIXTURES = Path(__file__).parent.parent / "fixtures"

NOW = 1328054399.25
"""2012-01-31T23:59:59.250Z: the time at which a case is answered unless it names another."""

REQUEST_ID = "d33692e5-8499-49e5-bbe9-078fdc5e2e1c"


@dataclass(frozen=True)
class Case:
    """One golden pair; `fixtures/README.md` says what its keys mean."""

    path: Path

    @property
    def name(self):
        return f"{self.path.parent.name}/{self.path.stem}"

    @cached_property
    def document(self):
        """The exact answer."""
        return self.path.with_suffix(".xml").read_bytes()

    @cached_property
    def root(self):
        """The answer as Python's own parser reads it."""
        return ET.fromstring(self.document)  # noqa: S314  # from our own files

    @cached_property
    def facts(self):
        return json.loads(self.path.with_suffix(".json").read_bytes())

    @property
    def pairs(self):
        """The legacy parameters; None where the query is text to be sent as it is."""
        query = self.facts["query"]
        if isinstance(query, str):
            return None
        return list(query.items()) if isinstance(query, dict) else [tuple(pair) for pair in query]

    @property
    def operation(self):
        return dict(self.pairs or ()).get("Operation", "")

    @property
    def calls(self):
        return [(call["operation"], call["params"]) for call in self.facts["calls"]]

    @property
    def now(self):
        return self.facts.get("now", NOW)

    def body(self, requester):
        """The request as it is sent: signed, unless it brings credentials of its own."""
        if self.pairs is None:
            return self.facts["query"].encode()
        given = dict(self.pairs)
        moment = given.get("Timestamp", timestamp(self.now))
        if given.get("SignatureVersion") == "1":
            return _signed_as_boto_signs(self.pairs, requester, moment)
        credentials = {
            "Service": SERVICE,
            "AWSAccessKeyId": requester.access_key,
            "Timestamp": moment,
            "Signature": sign(requester.secret, standard_string(self.operation, moment)),
        }
        added = [(name, value) for name, value in credentials.items() if name not in given]
        return urlencode([*added, *self.pairs], quote_via=quote).encode()


def _signed_as_boto_signs(pairs, requester, moment):
    """The parameters with a signature of version 1, which covers them all, and without a Service."""
    named = {"AWSAccessKeyId": requester.access_key, "Timestamp": moment}
    given = [Pair(*pair) for pair in {**named, **dict(pairs)}.items()]
    return urlencode([*given, ("Signature", sign(requester.secret, version_1_string(given)))], quote_via=quote).encode()


CASES = [Case(path) for path in sorted(FIXTURES.glob("*/*.xml"))]


def case(name):
    """The pair of that name, `<folder>/<case>`."""
    return Case(FIXTURES / f"{name}.xml")


@dataclass
class Stage:
    """A pipeline with all its parts, before an upstream that follows each case's script."""

    script: ScriptedUpstream
    upstream: Upstream
    desk: Database
    stock: Database
    ledger: Database
    deeds: Deeds
    tallies: Tallies
    executor: ThreadPoolExecutor
    requesters: dict[str, Requester] = field(default_factory=dict)

    def play(self, case):
        """The answer to a case, and the calls that were made for it.

        Each time another requester asks, so that no case sees another's snapshots.
        """
        key = f"AKID{len(self.requesters)}"
        requester = Requester(key, key, "lab-secret", sandbox=case.facts.get("sandbox", False))
        self.requesters[key] = requester
        replies = iter(case.facts["replies"])
        self.script.answer = lambda *_: _on_the_wire(next(replies, _UNSCRIPTED))
        self.script.calls.clear()
        received = Received(case.facts.get("request_id", REQUEST_ID), b"", case.body(requester), "127.0.0.1", "golden")
        answer = asyncio.run(self._answer(received, case.now))
        return answer, _numbered_tokens(self.script.calls)

    async def _answer(self, received, now):
        writes = Writes(self.desk)
        desk = Desk(self.desk, writes, Rules(freshness=60.0, patience=10.0, staleness=600.0, lifetime=60.0))
        pager = Pager(desk, Shelf(self.stock), self.executor, patience=10.0)

        def note(requester, call, reply):
            self.deeds.note(requester.account, call, reply, now)

        driver = Driver(self.upstream, writes, ledger_operations(self.ledger, self.tallies, lambda: now), note)
        undertakings = Undertakings(self.ledger, lease=60.0)
        pipeline = Pipeline(
            find=self.requesters.get,
            driver=driver,
            undertaker=Undertaker(undertakings, driver, writes),
            undertakings=undertakings,
            reader=PageReader(desk, pager),
            usage=Usage(self.ledger),
            executor=self.executor,
            clock=lambda: now,
            service_clock=lambda: now,
            has_sandbox=False,
            clock_skew=900,
            default_lifetime=604_800,
        )
        try:
            return await pipeline.answer(received)
        finally:
            await pager.close()


@contextmanager
def stage(folder):
    """Open a stage; `folder` is for its databases. What it retries, it retries at once."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(ExponentialBackoff, "delay_amount", return_value=0))
        script = stack.enter_context(ScriptedUpstream(None))
        upstream = Upstream(script.url, timeout=10.0)
        stack.callback(upstream.close)
        desk, stock = (Database(sqlite_url(folder / name), durable=False) for name in ("walks.db", "snapshots.db"))
        stack.callback(desk.close)
        stack.callback(stock.close)
        prepare_paging(desk, stock)
        ledger = Database(sqlite_url(folder / "ledger.db"), durable=True)
        stack.callback(ledger.close)
        ledger.migrate("mturk_gateway.ledger")
        deeds = Deeds(ledger)
        tallies = Tallies(ledger, upstream, deeds)
        stack.callback(tallies.close)
        opened = Stage(
            script, upstream, desk, stock, ledger, deeds, tallies, stack.enter_context(ThreadPoolExecutor(8))
        )
        stack.enter_context(create_walker(Settings(), desk, stock, ledger, upstream, opened.requesters.get))
        yield opened


_UNSCRIPTED = {"status": 400, "error": {"__type": "UnscriptedCall", "Message": "The case has no reply to this call."}}


def _on_the_wire(reply):
    if isinstance(reply, str):
        return 200, reply.encode()
    return (reply["status"], reply["error"]) if "error" in reply else (200, reply)


def _numbered_tokens(calls):
    """The calls with `<token 1>`, `<token 2>` … for the random tokens in them, one number for each token."""
    tokens = {}
    shown = []
    for operation, params in calls:
        token = params.get("UniqueRequestToken", "")
        own = re.fullmatch("[0-9a-f]{32}", token)
        named = {"UniqueRequestToken": tokens.setdefault(token, f"<token {len(tokens) + 1}>")} if own else {}
        shown.append((operation, {**params, **named}))
    return shown
