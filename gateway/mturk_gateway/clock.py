"""Where the rules get the time from."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Gives the present moment in seconds since 1970-01-01T00:00:00Z. Tests give their own."""

wall_clock: Clock = time.time
