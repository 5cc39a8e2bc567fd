"""What the connections of one process may take in all."""

from __future__ import annotations

from typing import Protocol

MOST_CONNECTIONS = 16_384
_OTHER_FILES = 640
"""Files of a process beside connections: databases, and the pools of connections to the upstream."""


class Connection(Protocol):
    """Somebody's connection."""

    def give_way(self) -> None:
        """Close at once."""


class Limits:
    """The seconds in which a request has to arrive, and how many connections there may be.

    Those that wait for their clients make room for new ones, the one first that has waited for the longest time.
    """

    def __init__(self, deadline: float = 20.0, most: int = MOST_CONNECTIONS) -> None:
        self.deadline = deadline
        self._most = most
        self._waiting: dict[Connection, None] = {}

    def waits(self, connection: Connection) -> None:
        """A connection waits for its client, from now on if it has not done so before."""
        self._waiting[connection] = None

    def works(self, connection: Connection) -> None:
        """A connection does not wait for its client, or is no more."""
        self._waiting.pop(connection, None)

    def make_room(self, number: int) -> None:
        """There are so many connections, of which the newest waits."""
        if number > self._most:
            longest = next(iter(self._waiting))
            self.works(longest)
            longest.give_way()


def most_connections() -> int:
    """How many connections this process can hold. Lets it open as many files as it may."""
    try:
        import resource  # noqa: PLC0415  # Windows has neither it nor the limit
    except ImportError:
        return MOST_CONNECTIONS
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + _OTHER_FILES
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    if allowed == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return min(MOST_CONNECTIONS, max(allowed - _OTHER_FILES, allowed // 2))
