"""Structured logs on standard error, one JSON object a line. What is secret is never handed to them."""

from __future__ import annotations

import logging
import sys
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from threading import Lock
from typing import BinaryIO, cast

import orjson
import structlog
from structlog.typing import EventDict

from mturk_gateway.observing import metrics
from mturk_gateway.observing.programs import program_of
from mturk_gateway.observing.reports import Report, reported


def configure_logs() -> None:
    """Make structlog write JSON lines, and send the libraries' warnings the same way."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            add_request,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.BytesLoggerFactory(file=standard_error()),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        level=logging.WARNING,
        handlers=[_Forwarding()],
        force=True,
    )


class _Unfailing:
    """A stream that loses what it cannot write: a log that is full must not keep anybody from being answered."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> None:
        with suppress(OSError):
            self._stream.write(data)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def standard_error() -> BinaryIO:
    """Where logs go."""
    return cast("BinaryIO", _Unfailing(sys.stderr.buffer))


class RequestLog:
    """A line for each request, written in one go from time to time: in a process that does little else, the lines of
    structlog would take as long as the answers.

    Without a stream, requests are only counted.
    """

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._stream = stream
        self._reports: deque[Report] = deque(maxlen=_MOST_REPORTS)
        self._writing = Lock()

    def note(self, report: Report) -> None:
        """A request was answered."""
        self._reports.append(report)

    def write(self) -> None:
        """Count and write what was noted."""
        with self._writing:
            reports = [self._reports.popleft() for _ in range(len(self._reports))]
            metrics.answered(reports)
            # Orchestrators ask every few seconds whether all is well, and nobody wants to read that.
            lines = [_line(report) for report in reports if report.protocol != "other" or report.status >= 400]
            if lines and self._stream:
                self._stream.write(b"".join(lines))
                self._stream.flush()


_MOST_REPORTS = 100_000
"""How many requests may wait to be written; of more the oldest are lost."""
_LONGEST_TEXT = 200
"""Characters of what a client calls itself, or calls what it wants."""


def facts(report: Report) -> dict[str, object]:
    """What the line about a request says. Texts of clients are no longer than they need to be."""
    return {
        "event": "request",
        "request_id": report.request_id,
        "protocol": report.protocol,
        "operation": _text(report.operation),
        "version": report.version,
        "requester": report.requester,
        "program": program_of(report.user_agent),
        "user_agent": _text(report.user_agent),
        "peer": report.peer,
        "sandbox": report.sandbox,
        "status": report.status,
        "code": _text(report.code),
        "milliseconds": round(report.seconds * 1000, 2),
        "walk": report.walk,
    }


def tell(report: Report) -> None:
    """Count a request, and write its line at once: one that came to nothing before anybody was asked to answer it."""
    metrics.answered([report])
    structlog.get_logger().info(**facts(report))


def _text(told: str) -> str:
    # JSON of an upstream may have halves of characters.
    return told[:_LONGEST_TEXT] if told.isascii() else told[:_LONGEST_TEXT].encode(errors="replace").decode()


def _line(report: Report) -> bytes:
    line = facts(report)
    line["level"] = "info"
    line["timestamp"] = datetime.fromtimestamp(report.moment, UTC)
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)


def add_request(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Let a line say during which request it was written."""
    report = reported()
    if report:
        event.setdefault("request_id", report.request_id)
    return event


class _Forwarding(logging.Handler):
    """Hands what libraries log to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno, "library", logger=record.name, message=record.getMessage(), exc_info=record.exc_info
        )
