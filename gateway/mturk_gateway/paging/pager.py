"""Numbered pages for clients: finds the snapshot that a request may read, or waits for it, holding no thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import Context
from typing import TypeVar

from structlog import get_logger

from mturk_gateway.observing.reports import current
from mturk_gateway.paging.desk import Desk, Spot
from mturk_gateway.paging.shelf import Shelf
from mturk_gateway.paging.snapshots import Page, Sought
from mturk_translators.faults import ModernError
from mturk_translators.operations import LISTINGS

log = get_logger()

_SHORTEST_LOOK, _LONGEST_LOOK = 0.005, 0.05
"""Seconds between two looks whether what is waited for is there; they grow while nothing is."""

Result = TypeVar("Result")


class Pager:
    """The pages of all listings, for one front. `patience` are the seconds that a client waits for a walk."""

    def __init__(self, desk: Desk, shelf: Shelf, executor: Executor, patience: float) -> None:
        self._desk = desk
        self._shelf = shelf
        self._executor = executor
        self._patience = patience
        self._walks: dict[int, asyncio.Future[Spot]] = {}
        self._views: dict[tuple[int, int], asyncio.Future[None]] = {}
        self._watch: asyncio.Task[None] | None = None

    async def read(self, sought: Sought, walker: str, spot: Spot | None) -> tuple[Page, Spot]:
        """A page, and where it was read; `spot` is what the desk has found for the client.

        The first page is of a snapshot that is entitled to answer; those after it stay on that snapshot.
        Raises ModernError when the listing cannot be walked, TimeoutError when that takes longer than patience.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + self._patience
        refused = 0
        while True:
            if spot is None:
                spot = await self._wait(sought)
            page = await self._run(self._read, spot, sought, walker)
            if page:
                return page, spot
            # Its order has yet to be made, or the snapshot has been cleared away.
            if loop.time() > end:
                raise TimeoutError
            if spot.pin and spot.pin == refused:
                # What the client stayed on cannot be made again: its walk has expired, and goes on in what is there.
                await self._run(self._desk.let_go, spot.pin)
            else:
                refused = spot.pin
                await self._made(sought)
            spot = self._desk.find(sought, walker)

    async def note(self, sought: Sought, walker: str, spot: Spot) -> None:
        """A client has been given a page that needed no reading."""
        await self._run(self._desk.note, walker, spot, sought)

    def _read(self, spot: Spot, sought: Sought, walker: str) -> Page | None:
        page = self._shelf.read(spot.snapshot, sought)
        if page and not spot.noted:
            self._desk.note(walker, spot, sought)
        return page

    async def _wait(self, sought: Sought) -> Spot:
        """What a client may read once it has waited."""
        walk = sought.walk
        wanted = await self._run(self._desk.want, walk, sought.view)
        if isinstance(wanted, Spot):
            return wanted
        current().walk = wanted.walk
        if not wanted.slow:
            try:
                return await self._end_of(wanted.walk)
            except TimeoutError:
                # Not the client's loss if there is something that shows all that it has written.
                pass
        spot = await self._run(self._desk.stale, walk)
        if spot:
            return spot
        # Where no row can be read alone, only the whole walk shows what has been written.
        readable = LISTINGS[walk.operation].again
        amended = await self._run(self._desk.want_amended, walk) if readable else None
        if amended is None:
            if wanted.slow:
                return await self._end_of(wanted.walk)
            raise TimeoutError
        await self._end_of(amended)
        spot = await self._run(self._desk.stale, walk)
        if spot is None:
            raise TimeoutError
        return spot

    async def _end_of(self, walk: int) -> Spot:
        end = self._walks.get(walk)
        if end is None:
            end = self._walks[walk] = asyncio.get_running_loop().create_future()
        return await self._patiently(end)

    async def _made(self, sought: Sought) -> None:
        asked = await self._run(self._desk.want_view, sought.walk, sought.view)
        made = self._views.get(asked)
        if made is None:
            made = self._views[asked] = asyncio.get_running_loop().create_future()
        await self._patiently(made)

    async def _patiently(self, end: asyncio.Future[Result]) -> Result:
        if self._watch is None or self._watch.done():
            # It is for no one request.
            self._watch = asyncio.create_task(self._look(), context=Context())
        # One client's impatience must not end the waiting of the others.
        async with asyncio.timeout(self._patience):
            return await asyncio.shield(end)

    async def _look(self) -> None:
        pause = _SHORTEST_LOOK
        while self._walks or self._views:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_LOOK)
            try:
                ended = await self._run(self._desk.ended, list(self._walks)) if self._walks else {}
                made = await self._run(self._desk.made, [id_ for id_, _ in self._views]) if self._views else {}
            except Exception as error:  # noqa: BLE001  # whatever it is, those who wait have patience
                log.error("looking for ended walks failed", reason=type(error).__name__)
                continue
            for walk, outcome in ended.items():
                pause = _SHORTEST_LOOK
                _settle(self._walks.pop(walk), outcome)
            for view in [view for view in self._views if made.get(view[0], view[1]) >= view[1]]:
                pause = _SHORTEST_LOOK
                self._views.pop(view).set_result(None)

    async def _run(self, function: Callable[..., Result], *given: object) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *given)

    async def close(self) -> None:
        """Stop waiting for walks."""
        if self._watch:
            self._watch.cancel()


def _settle(end: asyncio.Future[Spot], outcome: Spot | ModernError) -> None:
    if isinstance(outcome, Spot):
        end.set_result(outcome)
    else:
        end.set_exception(outcome)
        # Nobody may be waiting any more.
        end.exception()
