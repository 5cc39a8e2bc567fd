"""Those who do not prove who they are wait for being told so, the longer the more often it happens."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

from mturk_gateway.edge.rates import Cells, Debts

_FREE = 10
"""Failures that are told at once."""
_STEP = 0.25
"""Seconds that each further one waits longer."""
_FORGIVEN = 4.0
"""Seconds after which a failure no longer counts: whoever tries one after the other comes to wait as long."""
_MOST = 40
"""Failures of one address that count at a time; what is beyond is not worth a wait."""
_MOST_WAITING = 500
"""Requests of anybody that wait in this process."""


class Failures:
    """Counts the failures of each address, and makes them wait."""

    def __init__(
        self,
        cells: Cells,
        salt: bytes,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._debts = Debts(cells, salt, clock)
        self._sleep = sleep
        self._waiting = 0

    async def wait(self, who: str) -> bool:
        """Wait as long as the next failure of somebody is to take; False, at once, when there are too many already."""
        before = math.ceil(self._debts.of(who) / _FORGIVEN)
        if before >= _MOST or self._waiting >= _MOST_WAITING:
            return False
        self._debts.add(who, _FORGIVEN)
        if before >= _FREE:
            self._waiting += 1
            try:
                await self._sleep((before - _FREE + 1) * _STEP)
            finally:
                self._waiting -= 1
        return True
