"""How often a requester may ask (modern-mturk 1.6): a bucket that fills with time, of which each request takes."""

from __future__ import annotations

from threading import Lock


class Throttle:
    """Lets through `rate` requests a second of each requester, and as many at once as a second brings; None for all."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = Lock()

    def admits(self, requester_id: str, now: float) -> bool:
        """Whether a request at a moment in epoch seconds is let through; then it counts."""
        if self._rate is None:
            return True
        size = max(1.0, self._rate)
        with self._lock:
            content, filled_at = self._buckets.get(requester_id, (size, now))
            # A clock that was set back must not lock anybody out.
            content = min(size, content + max(0.0, now - filled_at) * self._rate)
            admitted = content >= 1
            self._buckets[requester_id] = (content - admitted, now)
        return admitted
