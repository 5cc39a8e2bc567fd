"""The answer to the ledger's question `ListTallies`: what statistics are made of."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from decimal import Decimal
from typing import Any, NamedTuple

from cachetools import LRUCache
from structlog import get_logger

from mturk_gateway.credentials import Requester
from mturk_gateway.database import Database
from mturk_gateway.statistics.counts import TALLIES
from mturk_gateway.statistics.days import spans
from mturk_gateway.statistics.deeds import Deeds
from mturk_gateway.statistics.history import History
from mturk_gateway.statistics.survey import PARTS, Interrupted, Survey
from mturk_gateway.upstream import Upstream
from mturk_translators.call import Reply
from mturk_translators.faults import unavailable

log = get_logger()

_SURVEYS = 8
"""Surveys at a time, each of one requester."""
_REMEMBERED = 4096


class Look(NamedTuple):
    """What was surveyed: when that began, of which parts, after how many deeds, and whether it took very long."""

    began: float
    parts: frozenset[str]
    deeds: int
    slow: bool


class Tallies:
    """Counts what requesters have had done, in a history that is brought up to date first. Any thread may use it.

    A survey goes on when whoever asked has lost `patience` (seconds), and is answered from while it is fresh: for
    `freshness` seconds if nothing was written through the gateway since, or for `staleness` seconds if it takes longer
    than patience lasts. `fee_rate` is the part of rewards and bonuses that is paid on top; `timer` tells how much time
    has gone by.
    """

    def __init__(
        self,
        ledger: Database,
        upstream: Upstream,
        deeds: Deeds,
        *,
        fee_rate: float = 0.0,
        freshness: float = 5.0,
        patience: float = 25.0,
        staleness: float = 600.0,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._deeds = deeds
        self._history = History(ledger)
        self._survey = Survey(self._history, upstream)
        # As it was written: a half cent must not come of what a double makes of it.
        self._fee_rate = Decimal(str(fee_rate))
        self._freshness = freshness
        self._patience = patience
        self._staleness = staleness
        self._timer = timer
        self._executor = ThreadPoolExecutor(_SURVEYS, thread_name_prefix="survey")
        self._lock = threading.Lock()
        self._looks: LRUCache[str, Look] = LRUCache(_REMEMBERED)
        self._running: dict[str, Future[None]] = {}

    def list(self, requester: Requester, params: Mapping[str, Any], now: float) -> Reply:
        """The tallies that are asked for, in the days or the period that ends at `now`.

        `Tallies` names them, `TimePeriod` and `Count` are those of the legacy API, and with a `WorkerId` they are of
        that worker. Gives `Days`, oldest first, each with its `Date` and the tallies by name, amounts in dollars, and
        the `FeeRate`. Raises ModernError where the upstream does not answer, Fault when that takes too long, and what a
        database raises.
        """
        asked = {name: TALLIES[name] for name in params["Tallies"]}
        self._bring_up_to_date(requester, frozenset(p for tally in asked.values() for p in PARTS[tally.part]), now)
        account, worker = requester.account, params.get("WorkerId")
        wanted = spans(params["TimePeriod"], params["Count"], now)
        days: list[dict[str, Any]] = [{"Date": span.date} for span in wanted]
        with self._ledger.reading() as connection:
            for name, tally in asked.items():
                for day, value in zip(days, tally.values(connection, account, worker, wanted), strict=True):
                    day[name] = value
        return {"Days": days, "FeeRate": self._fee_rate}

    def close(self) -> None:
        """Stop surveys after the call that each has under way; what they have read is kept."""
        self._survey.stop()
        self._executor.shutdown()

    def _bring_up_to_date(self, requester: Requester, parts: frozenset[str], now: float) -> None:
        self._deeds.save()
        until = self._timer() + self._patience
        while not parts <= self._fresh(requester.account, now).parts:
            survey, mine = self._begin_or_join(requester, parts, now)
            try:
                survey.result(timeout=max(0.0, until - self._timer()))
            except (TimeoutError, Interrupted):
                raise unavailable(
                    "What the statistics are made of is still being read. Please try again in a few seconds."
                ) from None
            if mine:
                return

    def _fresh(self, account: str, now: float) -> Look:
        """What has been surveyed and can still be answered from."""
        with self._lock:
            look = self._looks.get(account)
        deeds = self._history.deeds(account)
        if look is None or now < look.began:
            return Look(now, frozenset(), deeds, slow=False)
        age = now - look.began
        good = age < self._staleness if look.slow else age < self._freshness and look.deeds == deeds
        return look if good else Look(now, frozenset(), deeds, slow=False)

    def _begin_or_join(self, requester: Requester, parts: frozenset[str], now: float) -> tuple[Future[None], bool]:
        """The survey of a requester that is under way, or else one of these parts; and whether it is the latter."""
        account = requester.account
        with self._lock:
            survey = self._running.get(account)
            if survey is not None:
                return survey, False
            try:
                # Its calls belong to the request that it is begun for.
                survey = self._executor.submit(copy_context().run, self._look, requester, parts, now)
                self._running[account] = survey
            except RuntimeError:
                # The gateway is stopping.
                raise unavailable() from None
        survey.add_done_callback(lambda _: self._end(account))
        return survey, True

    def _end(self, account: str) -> None:
        with self._lock:
            self._running.pop(account, None)

    def _look(self, requester: Requester, parts: frozenset[str], now: float) -> None:
        fresh, begun = self._fresh(requester.account, now), self._timer()
        self._survey.bring_up_to_date(requester, parts - fresh.parts, int(now))
        slow = fresh.slow or self._timer() - begun > self._patience
        with self._lock:
            self._looks[requester.account] = fresh._replace(parts=fresh.parts | parts, slow=slow)
