"""Sends recorded requests again, and compares the answers with those that were recorded."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Self
from urllib.parse import quote, urlencode, urlsplit

import httpx

from mturk_gateway.auth import signed
from mturk_gateway.clock import Clock, wall_clock
from mturk_gateway.credentials import Requester
from mturk_gateway.exchange import Answer
from mturk_gateway.replay.comparing import Difference, compare
from mturk_gateway.replay.identities import Identities
from mturk_gateway.replay.meanings import Meanings, is_id
from mturk_gateway.replay.moments import Moments
from mturk_gateway.replay.recordings import Recording
from mturk_translators.operations import OPERATIONS
from mturk_translators.query import Pair, first, plain_name

PATIENCE = 60.0
"""Seconds that an answer may take."""

_UNPROVEN = (b"<Code>AWS.NotAuthorized</Code>", b"<Code>AWS.BadClaimsSupplied</Code>")
"""What requests are refused with whose signature or timestamp was wrong."""

_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?!html|!doctype\s+html)", re.IGNORECASE)

_DIRECT = dict.fromkeys(("all://127.0.0.1", "all://localhost", "all://[::1]"))
"""Where no proxy leads, whatever the environment says."""


class Outcome(Enum):
    """What came of a recording."""

    ALIKE = "alike"
    DIFFERS = "differs"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Verdict:
    """What came of a recording: the differences, or the reason why it failed or was skipped; and the seconds taken."""

    recording: Recording
    outcome: Outcome
    differences: tuple[Difference, ...] = ()
    reason: str = ""
    seconds: float = 0.0


class EndpointError(ValueError):
    """An endpoint is no URL that requests can be sent to."""


class Verifier:
    """Sends recordings to a legacy endpoint, one after the other in the order in which they were recorded.

    What the endpoint calls things now is learnt from its answers and used in the requests that follow. They are signed
    with the keys of `requester`, who should own nothing yet. `clock` is what the endpoint's rules go by, and `patience`
    the seconds that an answer may take. Raises EndpointError.
    """

    def __init__(
        self, endpoint: str, requester: Requester, clock: Clock = wall_clock, patience: float = PATIENCE
    ) -> None:
        self._endpoint = _checked(endpoint)
        self._requester = requester
        self._clock = clock
        self._patience = patience
        self._identities = Identities()
        self._moments = Moments()
        self._meanings = Meanings(self._identities, self._moments)
        self._client = httpx.Client(timeout=patience, mounts=_DIRECT)

    def check(self, recording: Recording) -> Verdict:
        """Send one recorded request, and compare the answer with the recorded one."""
        reason = _unsendable(recording)
        if reason:
            return Verdict(recording, Outcome.SKIPPED, reason=reason)
        start = time.monotonic()
        try:
            content = self._request(recording)
            answer = self._ask(recording, content)
        except _NoAnswerError as failure:
            return Verdict(recording, Outcome.FAILED, (), str(failure), time.monotonic() - start)
        differences = tuple(self._differences(recording, answer))
        outcome = Outcome.DIFFERS if differences else Outcome.ALIKE
        return Verdict(recording, outcome, differences, "", time.monotonic() - start)

    def known(self, recorded: str) -> str:
        """What the endpoint calls something that has this ID in the recordings; the same where that is not known."""
        return self._identities.now(recorded) or recorded

    def learn(self, recorded: str, found: str) -> None:
        """Tell it an ID that is in no answer yet, such as that of an assignment which a worker has just accepted."""
        self._identities.learn(recorded, found)

    def _request(self, recording: Recording) -> bytes:
        pairs = [Pair(name, self._value(name, value)) for name, value in recording.pairs or ()]
        try:
            return urlencode(signed(self._requester, pairs, wall_clock()), quote_via=quote).encode()
        except UnicodeEncodeError:
            raise _NoAnswerError("one of its parameters is no valid Unicode") from None

    def _value(self, name: str, value: str) -> str:
        now = self._identities.now(value) if is_id(plain_name(name)) else None
        return self._identities.translated(value) if now is None else now

    def _ask(self, recording: Recording, content: bytes) -> Answer:
        if recording.recorded_at:
            # Messages are stamped by the wall clock, which is another than that of the rules where tests move this one.
            self._moments.meet(datetime.fromisoformat(recording.recorded_at).timestamp(), wall_clock())
        self._moments.request(recording.now, self._clock())
        try:
            answer, kind = self._sent(content)
        except httpx.TimeoutException:
            raise self._slow() from None
        except httpx.HTTPError as error:
            raise _NoAnswerError(f"{self._endpoint} cannot be asked: {error or type(error).__name__}") from None
        self._moments.request(recording.now, self._clock())
        if _MARKUP.match(recording.document) and not _MARKUP.match(answer.document):
            shown = answer.document[:_EXCERPT].decode(errors="replace")
            raise _NoAnswerError(f"{self._endpoint} answered {answer.status} with {kind} that is no XML: {shown!r}")
        return answer

    def _sent(self, content: bytes) -> tuple[Answer, str]:
        """What the endpoint answers, and as what."""
        end = time.monotonic() + self._patience
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        document = bytearray()
        with self._client.stream("POST", self._endpoint, content=content, headers=headers) as response:
            for chunk in response.iter_bytes():
                document += chunk
                if len(document) > _LARGEST:
                    raise _NoAnswerError(f"{self._endpoint} answers with more than {_LARGEST} bytes")
                if time.monotonic() > end:
                    raise self._slow()
            return Answer(response.status_code, bytes(document)), response.headers.get("Content-Type", "content")

    def _slow(self) -> _NoAnswerError:
        return _NoAnswerError(f"{self._endpoint} did not answer within {self._patience:g} seconds")

    def _differences(self, recording: Recording, answer: Answer) -> Iterator[Difference]:
        if recording.status != answer.status:
            yield Difference("HTTP status", str(recording.status), str(answer.status))
        yield from compare(recording.document, answer.document, self._meanings, _sorted_by(recording))

    def close(self) -> None:
        """Close the connection to the endpoint."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


_EXCERPT = 80
_LARGEST = 64 * 2**20
"""Bytes of an answer; no listing has pages of that size."""


class _NoAnswerError(Exception):
    """A request could not be sent, or got no answer that can be compared; the text says why."""


def _checked(endpoint: str) -> str:
    try:
        # One of them knows what is no host, and the other what is no URL for other reasons.
        host, url = urlsplit(endpoint).hostname, httpx.URL(endpoint)
    except (ValueError, httpx.InvalidURL) as error:
        raise EndpointError(f"{endpoint!r} is no URL: {error}") from None
    if url.scheme not in ("http", "https") or not host:
        raise EndpointError(f"{endpoint!r} is no URL that begins with http:// or https://")
    return endpoint


def _unsendable(recording: Recording) -> str:
    """Why a recorded request cannot be sent again; empty if it can."""
    if recording.pairs is None:
        return "its request is not known: there is no JSON file beside it"
    names = {name for name, _ in recording.pairs}
    unknown = sorted(name for name in recording.patterns if name not in names)
    if unknown:
        return f"its request is not wholly known: of {', '.join(unknown)} there is only a pattern"
    if not names:
        return "its request has no parameters that could be read"
    if any(code in recording.document for code in _UNPROVEN):
        return "it was refused for its keys or its signature, which are never recorded"
    return ""


def _sorted_by(recording: Recording) -> str | None:
    """The SortProperty of the rows in an answer, if it can have any."""
    entry = OPERATIONS.get(recording.operation or "")
    if entry is None or entry.pages is None:
        return None
    return first(recording.pairs or (), "SortProperty") or entry.pages.sort
