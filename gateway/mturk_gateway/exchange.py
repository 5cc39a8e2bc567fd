"""One exchange in the legacy API: a request as HTTP brought it, and what goes back."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from mturk_gateway.credentials import Requester
from mturk_gateway.transcript import Transcript


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
    """What goes back: the HTTP status and a whole legacy document.

    `unproved` says that the sender did not prove who asks; `retry_after` after how many seconds to ask again, if that
    is known.
    """

    status: int
    document: bytes
    unproved: bool = False
    retry_after: int = 0


class Exchange(NamedTuple):
    """A request that is to be recorded, its answer, and what it led to.

    `moment` is when it came by the wall clock, `now` by the marketplace's clock, both in epoch seconds.
    """

    received: Received
    answer: Answer
    moment: float
    now: float
    requester: Requester
    transcript: Transcript

    @property
    def weight(self) -> int:
        """About how many bytes it takes to keep it."""
        texts = len(self.received.query) + len(self.received.body) + len(self.answer.document)
        return texts + _WEIGHT + _WEIGHT_OF_CALL * len(self.transcript.made)


_WEIGHT, _WEIGHT_OF_CALL = 4096, 65_536


class Answering(Protocol):
    """Whatever answers legacy requests."""

    async def answer(self, received: Received, /) -> Answer:
        """The answer to a request, whatever is wrong with it."""
