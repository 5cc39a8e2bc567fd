"""One exchange in the legacy API: a request as HTTP brought it, and what goes back."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Received(NamedTuple):
    """A legacy request as HTTP brought it: encoded parameters of URL and body, and who sent it from where.

    `sandbox` says that it came to a host of the sandbox.
    """

    request_id: str
    query: bytes
    body: bytes
    peer: str
    program: str
    sandbox: bool = False


class Answer(NamedTuple):
    """What goes back: the HTTP status and a whole legacy document."""

    status: int
    document: bytes


class Answering(Protocol):
    """Whatever answers legacy requests."""

    async def answer(self, received: Received, /) -> Answer:
        """The answer to a request, whatever is wrong with it."""
