"""Which moments of a recording and of now mean the same."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from math import inf

SLACK = 2.0
"""Seconds by which moments may miss one another: those in answers are whole ones, and answers take their time."""


class Moments:
    """How far moments of now lie behind those of the recording. All in epoch seconds.

    Verifying goes faster than recording did, so each request brings a distance of its own. A moment that was past has
    that of the request at which it was, or, if there was none, of the ones before and after it. One that was to come,
    as the end of a HIT's life, is so and so long after any of the requests.
    """

    def __init__(self) -> None:
        self._met: list[tuple[float, float]] = []
        self._distances: list[float] = []
        self._agreed: dict[float, float] = {}
        self._recorded: list[float] = []
        self._now: list[float] = []

    def request(self, recorded: float, now: float) -> None:
        """A request that was recorded at one moment was sent, or answered, at another."""
        self.meet(recorded, now)
        if not self._recorded or recorded >= self._recorded[-1]:
            self._recorded.append(recorded)
            self._now.append(now)

    def meet(self, recorded: float, now: float) -> None:
        """Two moments mean the same, whatever the requests say."""
        insort(self._met, (recorded, now))
        insort(self._distances, now - recorded)

    def learn(self, recorded: float, found: float) -> None:
        """Take two moments as one if they lie between the same two requests: then a worker did something.

        What follows from the deed, such as an automatic approval, agrees from now on. A moment that has agreed while it
        was to come does so when it is past.
        """
        if self.agree(recorded, found):
            self._agreed.setdefault(recorded, found - recorded)
        following = bisect_right(self._recorded, recorded + 1)
        if 0 < following < len(self._now) and not self.agree(recorded, found):
            low, high = self._now[following - 1], self._now[following]
            if low - SLACK <= found <= high + SLACK:
                self.meet(recorded, found)

    def agree(self, recorded: float, found: float, slack: float = SLACK) -> bool:
        """Whether two moments mean the same; equal ones do, for what was there before has not changed."""
        nearest = self.expected(recorded, found)
        return recorded == found or (nearest is not None and abs(nearest - found) <= slack)

    def expected(self, recorded: float, found: float) -> float | None:
        """The moment nearest to `found` that would mean the same as a recorded one; None while nothing is known."""
        likely = (recorded + distance for distance in self._possible(recorded, found))
        return min(likely, key=lambda moment: abs(moment - found), default=None)

    def _possible(self, recorded: float, found: float) -> list[float]:
        first = bisect_left(self._met, (recorded - SLACK, -inf))
        last = bisect_right(self._met, (recorded + SLACK, inf))
        if last == len(self._met) and first == last:
            place = bisect_left(self._distances, found - recorded)
            return self._distances[max(0, place - 1) : place + 1]
        around = self._met[first:last] or self._met[max(0, first - 1) : first + 1]
        before = [self._agreed[recorded]] if recorded in self._agreed else []
        return [*before, *(now - then for then, now in around)]
