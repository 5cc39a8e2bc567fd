"""Which moments of a recording and of now mean the same."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

SLACK = 2.0
"""Seconds by which moments may miss one another: those in answers are whole ones, and answers take their time."""


class Moments:
    """How far moments of now lie behind those of the recording. All in epoch seconds.

    A moment in an answer is that of some earlier request, or so and so long after it, as is the end of a HIT's life.
    Verifying goes faster than recording did, so each request brings a distance of its own, and a moment agrees when it
    is as far from its recorded one as any of the requests so far.
    """

    def __init__(self) -> None:
        self._distances: list[float] = []
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
        insort(self._distances, now - recorded)

    def learn(self, recorded: float, found: float) -> None:
        """Take two moments as one if they lie between the same two requests: then a worker did something.

        What follows from the deed, such as an automatic approval, agrees from now on.
        """
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
        place = bisect_left(self._distances, found - recorded)
        near = self._distances[max(0, place - 1) : place + 1]
        return min((recorded + distance for distance in near), key=lambda moment: abs(moment - found), default=None)
