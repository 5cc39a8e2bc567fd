"""What is told about each request, to the log and to the metrics: noted where it is found out."""

from __future__ import annotations

import os
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter, time
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send


def _new_request_id() -> str:
    digits = os.urandom(16).hex()
    # What uuid.uuid4 does, in a third of the time.
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:]}"


_VARIANT = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}


@dataclass(slots=True)
class Report:
    """One request: what it was, who sent it, and what came of it. Nothing in it is secret.

    `request_id` is a random UUID in lower case, as the service gave them. `protocol` is that of `front.Protocol`;
    `operation` and `user_agent` are as the client sent them; `requester` is a profile; `code` is that of the first
    error in the answer. `walk` is the walk that the request waited for. `moment` is when the answer had been sent, in
    seconds since 1970; `status` is 0 where none was.
    """

    request_id: str = field(default_factory=_new_request_id)
    protocol: str = "other"
    operation: str = ""
    version: str | None = None
    requester: str | None = None
    peer: str = ""
    user_agent: str = ""
    sandbox: bool = False
    code: str = ""
    walk: int | None = None
    status: int = 0
    moment: float = 0.0
    seconds: float = 0.0


_current: ContextVar[Report | None] = ContextVar("_current", default=None)


def reported() -> Report | None:
    """The report of the request that is being answered in this context, if there is one."""
    return _current.get()


def current() -> Report:
    """The same; where there is none, a report that nobody will read."""
    return _current.get() or Report()


def request_id() -> str:
    """The ID of the request that is being answered, which stands in the answer and in the log."""
    return current().request_id


_MODERN_ID = b"x-amzn-requestid"


def _agree(report: Report, headers: list[tuple[bytes, bytes]]) -> None:
    """Let the report have the ID that a modern answer came with, or the answer that of the report."""
    given = next((value for name, value in headers if name == _MODERN_ID), None)
    if given is None:
        headers.append((_MODERN_ID, report.request_id.encode()))
    else:
        report.request_id = given.decode("latin-1")


class Reports(Protocol):
    """Whoever is told of requests."""

    def note(self, report: Report, /) -> None:
        """A request was answered. Does not block."""


class Reporting:
    """Around all that answers: makes the report of each request, and hands it on when the answer has been sent."""

    def __init__(self, app: ASGIApp, reports: Reports) -> None:
        self._app = app
        self._reports = reports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        report = Report()
        _current.set(report)
        begun = perf_counter()

        async def watched_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                report.status = message["status"]
                if report.protocol == "modern":
                    _agree(report, message["headers"])
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        finally:
            report.seconds = perf_counter() - begun
            report.moment = time()
            # Whoever stands for a proxy's client has been put here meanwhile.
            report.peer = scope["client"][0] if scope.get("client") else ""
            for name, value in scope["headers"]:
                if name == b"user-agent":
                    report.user_agent = value.decode("latin-1")
                    break
            self._reports.note(report)
