"""Structured logs on standard error, one JSON object a line. What is secret is never handed to them."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import BinaryIO, cast

import orjson
import structlog


def configure_logs() -> None:
    """Make structlog write JSON lines, and send the libraries' warnings the same way."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
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

    Without a stream, nothing is kept.
    """

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._stream = stream
        self._lines: list[tuple[float, dict[str, object]]] = []

    def note(self, moment: float, facts: dict[str, object]) -> None:
        """A request was answered at this moment, in seconds since 1970."""
        if self._stream:
            self._lines.append((moment, facts))

    def write(self) -> None:
        """Write what was noted."""
        lines, self._lines = self._lines, []
        if lines and self._stream:
            self._stream.write(b"".join(_line(moment, facts) for moment, facts in lines))
            self._stream.flush()


def _line(moment: float, facts: dict[str, object]) -> bytes:
    time = datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
    return orjson.dumps({**facts, "level": "info", "timestamp": time}, option=orjson.OPT_APPEND_NEWLINE)


class _Forwarding(logging.Handler):
    """Hands what libraries log to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno, "library", logger=record.name, message=record.getMessage(), exc_info=record.exc_info
        )
