"""Where the time comes from: that of rules and signatures, and that of leases and ages."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Gives the present moment in seconds since 1970-01-01T00:00:00Z. Tests give their own."""

wall_clock: Clock = time.time
"""What the machine's clock says, which somebody may set."""


class SteadyClock:
    """Tells the moment at which it was made, and the time that has passed since, whoever sets the machine's clock.

    One that is handed to another process of the machine goes on telling the same.
    """

    def __init__(self) -> None:
        self._begun = wall_clock() - _running()

    def __call__(self) -> float:
        return self._begun + _running()


def _running() -> float:
    """Seconds since the machine was started, those among them in which it slept, where the system tells."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
