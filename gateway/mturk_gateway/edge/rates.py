"""How often somebody may ask: so many a second on average, and ten seconds' worth at once."""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from array import array
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, Protocol, Self

_BURST = 10.0
"""Seconds whose requests may all come at once."""
_CELLS = 2**16


class Cells(Protocol):
    """Numbers that may stand in memory which several processes share."""

    def __getitem__(self, slot: int, /) -> float: ...
    def __setitem__(self, slot: int, number: float, /) -> None: ...
    def __len__(self) -> int: ...


class Memory(NamedTuple):
    """What is remembered of everybody, in the same memory however many come: half a MiB for each kind.

    Somebody's cell is found by hashing with the `salt`, so two may share one, by chance and not by choice: of a
    thousand who come at the same time, about fifteen share theirs with another.
    """

    salt: bytes
    keys: Cells
    addresses: Cells
    failures: Cells

    @classmethod
    def own(cls) -> Self:
        """For one process."""
        return cls(os.urandom(16), *(array("d", bytes(8 * _CELLS)) for _ in range(3)))

    @classmethod
    def shared(cls) -> Self:
        """For this process and those that are spawned by it."""
        spawning = multiprocessing.get_context("spawn")
        return cls(os.urandom(16), *(spawning.RawArray("d", _CELLS) for _ in range(3)))


class Debts:
    """What everybody has used up and not yet been forgiven, in seconds.

    Processes that share cells do not wait for each other: now and then one overwrites what another has just added.
    `clock` counts seconds, the same in all processes.
    """

    def __init__(self, cells: Cells, salt: bytes, clock: Callable[[], float]) -> None:
        self._cells = cells
        self._clock = clock

        # The hash takes longer than all the rest.
        @lru_cache(4096)
        def slot(who: str) -> int:
            digest = blake2b(who.encode(errors="surrogatepass"), digest_size=8, key=salt).digest()
            return int.from_bytes(digest) % len(cells)

        self._slot = slot

    def of(self, who: str) -> float:
        """The seconds after which somebody has no debt."""
        return max(0.0, self._cells[self._slot(who)] - self._clock())

    def add(self, who: str, seconds: float, most: float = math.inf) -> float:
        """Somebody has used up so much more, unless the debt was above `most`; gives by how much it was."""
        slot, now = self._slot(who), self._clock()
        debt = self._cells[slot] - now
        if debt > most:
            return debt - most
        self._cells[slot] = (now + debt if debt > 0 else now) + seconds
        return 0.0


class Rate:
    """Lets through so many requests a second of each sender."""

    def __init__(
        self, cells: Cells, salt: bytes, per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._debts = Debts(cells, salt, clock)
        self._each = 1 / per_second
        self._most = max(0.0, _BURST - self._each)

    def wait(self, who: str) -> float:
        """Seconds after which a request of somebody will be let through; 0 when one is now."""
        return max(0.0, self._debts.of(who) - self._most)

    def charge(self, who: str, number: int = 1) -> None:
        """Somebody's requests have been let through."""
        self._debts.add(who, number * self._each)

    def admit(self, who: str, number: int = 1) -> float:
        """The same as `wait`; where that is 0, the requests are let through and charged."""
        return self._debts.add(who, number * self._each, self._most)
