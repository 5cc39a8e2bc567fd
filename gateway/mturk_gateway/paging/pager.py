"""Numbered pages for clients: finds the snapshot that a request may read, or waits for it, holding no thread."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from structlog import get_logger

from mturk_gateway.paging.snapshots import Page, Snapshots, walk_of
from mturk_translators.faults import ModernError
from mturk_translators.request import PageRequest

log = get_logger()

_SHORTEST_LOOK, _LONGEST_LOOK = 0.005, 0.05
"""Seconds between two looks whether walks have ended; they grow while nothing does."""

_LARGEST_NUMBER = 2**31 - 1
"""The largest page number that the database can hold; pages beyond it are as empty."""

Result = TypeVar("Result")


class Pager:
    """The pages of all listings, for one front.

    `freshness`, `patience` and `lifetime` are seconds: how old a first page may be, how long a client waits for a walk,
    and how long it may take from page to page.
    """

    def __init__(
        self, snapshots: Snapshots, executor: Executor, *, freshness: float, patience: float, lifetime: float
    ) -> None:
        self._snapshots = snapshots
        self._executor = executor
        self._freshness = freshness
        self._patience = patience
        self._lifetime = lifetime
        self._ends: dict[int, asyncio.Future[None]] = {}
        self._watch: asyncio.Task[None] | None = None

    async def page(self, requester: str, request: PageRequest, walker: str) -> Page:
        """One page. `requester` is the access key, `walker` whatever tells clients apart that walk pages.

        The first page is of a snapshot that is entitled to answer; those after it stay on that snapshot.
        Raises ModernError when the listing cannot be walked, TimeoutError when that takes longer than patience.
        """
        number = min(request.number, _LARGEST_NUMBER)
        walk = walk_of(requester, request)
        if number > 1:
            pin = await self._run(self._snapshots.pinned, walker, number, self._lifetime)
            page = await self._run(self._snapshots.read, pin.walk, request) if pin else None
            if pin and page:
                await self._run(self._snapshots.advance, pin, number)
                return page
        wanted = await self._run(self._snapshots.want, walk, self._freshness, self._patience)
        if not wanted.complete:
            await self._end_of(wanted.walk)
        page = await self._run(self._snapshots.read, wanted.walk, request)
        if page is None:
            raise ModernError("Unreachable", "the walk is gone", status=0)
        await self._run(self._snapshots.pin, walker, wanted.walk, number, self._freshness)
        return page

    async def _end_of(self, walk: int) -> None:
        end = self._ends.get(walk)
        if end is None:
            end = self._ends[walk] = asyncio.get_running_loop().create_future()
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._look())
        # One client's impatience must not end the waiting of the others.
        async with asyncio.timeout(self._patience):
            await asyncio.shield(end)

    async def _look(self) -> None:
        pause = _SHORTEST_LOOK
        while self._ends:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_LOOK)
            try:
                ended = await self._run(self._snapshots.finished, list(self._ends))
            except Exception:
                log.exception("looking for ended walks failed")
                continue
            for walk, error in ended.items():
                pause = _SHORTEST_LOOK
                end = self._ends.pop(walk)
                if error is None:
                    end.set_result(None)
                else:
                    end.set_exception(error)
                    # Nobody may be waiting any more.
                    end.exception()

    async def _run(self, function: Callable[..., Result], *given: object) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *given)

    async def close(self) -> None:
        """Stop waiting for walks."""
        if self._watch:
            self._watch.cancel()


def walker_identity(*marks: str) -> str:
    """One text for what tells apart clients that walk pages: key, address, program, operation and its parameters."""
    return hashlib.blake2b("\0".join(marks).encode(errors="surrogatepass"), digest_size=16).hexdigest()
