"""Closing a connection so that its last answer arrives: also where the client is still sending, or does not read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_LINGERING = 5.0
"""Seconds in which what a refused client still sends is read and thrown away: else it would lose the answer with it."""


class ClosingTransport(asyncio.Transport):
    """A transport whose `close` is clean, and comes to an end.

    `arrives` says whether the client may still be sending. `patience` are the seconds in which it has to read.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        patience: float,
        arrives: Callable[[], bool],
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._patience = patience
        self._arrives = arrives
        self._closing = False
        self._end: asyncio.TimerHandle | None = None
        # What is needed for each request goes straight there.
        self.write = transport.write  # type: ignore[method-assign]
        self.get_extra_info = transport.get_extra_info  # type: ignore[method-assign]

    def close(self) -> None:
        """Close once everything written has been sent."""
        if self._closing:
            return
        self._closing = True
        if self._arrives() and not self._transport.is_closing():
            if self._transport.can_write_eof():
                self._transport.write_eof()
            self._transport.resume_reading()
            self._end = self._loop.call_later(_LINGERING, self._transport.abort)
            return
        if self._transport.get_write_buffer_size():
            self._end = self._loop.call_later(self._patience, self._transport.abort)
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._closing = True
        self._transport.abort()

    def ended(self) -> None:
        """The connection is closed."""
        self._closing = True
        if self._end:
            self._end.cancel()

    def is_closing(self) -> bool:
        """Whether nothing more is to be written."""
        return self._closing or self._transport.is_closing()

    def pause_reading(self) -> None:
        """Take no more for a while."""
        if not self._closing:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take more again."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def get_write_buffer_size(self) -> int:
        """Bytes that are still to be sent."""
        return self._transport.get_write_buffer_size()
