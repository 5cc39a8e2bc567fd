"""uvicorn's HTTP for strangers: limited in all that a connection can take, and refusing in the caller's protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from functools import partial
from time import time
from typing import Any

import httptools
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from mturk_gateway.edge.closing import ClosingTransport
from mturk_gateway.edge.failsafe import refusal_in
from mturk_gateway.edge.headers import SAFE
from mturk_gateway.edge.heads import (
    JUDGED,
    LARGEST_HEAD,
    LONGEST_URL,
    MOST_HEADERS,
    begins_with_a_line,
    host_and_path,
    is_a_line,
    judge,
    mended,
    other_method,
    too_large,
    too_long,
    unlike_http,
)
from mturk_gateway.edge.limits import Limits
from mturk_gateway.front import ARRIVED, FAULT, protocol_of
from mturk_gateway.observing import metrics
from mturk_gateway.observing.logs import tell
from mturk_gateway.observing.reports import Report
from mturk_translators.faults import Fault, unreadable

_MOST_AHEAD = 256
"""Requests that may be sent before the first of them is answered."""
_LARGEST_USELESS = LONGEST_URL + 2 * LARGEST_HEAD
"""Bytes that may arrive without a head being complete or a body going on."""

_ELSEWHERE = b"\0"
"""What a head begins with that follows another request at once, and is not kept."""
_OF_UPGRADES = frozenset({b"connection", b"upgrade", b"http2-settings"})


class _Part(Enum):
    """What of a request arrives next."""

    NONE = "none"
    HEAD = "head"
    BODY = "body"


_NONE, _HEAD, _BODY = _Part


class LegacyHttpProtocol(HttpToolsProtocol):
    """One connection. What cannot be read, or takes too long, is refused in its turn and in its sender's protocol.

    Lines that old clients send and no standard allows are read where they can mean one thing only: raw blanks and
    bytes beyond ASCII in a URL.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        limits: Limits | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits or Limits()
        self._part = _NONE
        self._due: asyncio.TimerHandle | None = None
        self._deaf = False
        self._heard_all = False
        self._torn: httptools.HttpParserError | None = None
        self._head = b""
        self._head_size = 0
        self._useless = 0
        self._judged: list[tuple[bytes, bytes]] = []
        self._unsent = 0
        self._reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own type
        """Begin to wait for a request; whoever has been waited for the longest makes room."""
        self._ending = ClosingTransport(transport, self.loop, self._limits.deadline, self._arrives)
        super().connection_made(self._ending)
        metrics.connected(1)
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
        self._limits.waits(self)
        self._limits.make_room(len(self.connections))

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed, by whomever."""
        metrics.connected(-1)
        self._limits.works(self)
        self._stop_waiting()
        self._stop_watching()
        self._unset_keepalive_if_required()
        self._ending.ended()
        super().connection_lost(exc)

    def give_way(self) -> None:
        """Close at once."""
        self._limits.works(self)
        self._ending.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived; those behind the last request that is answered are nobody's."""
        if self._deaf or self.transport.is_closing():
            return
        if self._part is _NONE:
            self._head = data
        elif self._part is _HEAD:
            self._head += data
        if self._torn:
            self._mend()
        else:
            self._useless += len(data)
            self._feed(data)
        if self._part is not _NONE and not self._deaf:
            if self._due is None:
                self._due = self.loop.call_later(self._limits.deadline, self._late)
            if self._useless > _LARGEST_USELESS:
                self._refuse(too_large())

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            if self._part is _HEAD and not self.headers and not self._torn and begins_with_a_line(self._head):
                self._torn = error
                self._mend()
            else:
                self._refuse(self._reason(error))

    def _renew_parser(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self._part = _NONE

    def _mend(self) -> None:
        """Read a request line that the parser refused as what it must mean, once all of it is there."""
        line, end, rest = self._head.lstrip(b"\r\n").partition(b"\n")
        if not end:
            if len(line) > LONGEST_URL:
                self._refuse(too_long())
            return
        meant = mended(line)
        if meant is None:
            self._refuse(self._reason(self._torn))
            return
        self._renew_parser()
        self._feed(b"%b\r\n%b" % (meant, rest))
        self._torn = None

    def _stay(self, rest: bytes) -> None:
        """Read a request again as if it had not asked for another protocol, which is ours to refuse."""
        lines = [b"%b %b HTTP/1.1" % (self.parser.get_method(), self.url)]
        lines += [b"%b: %b" % pair for pair in self.headers if pair[0] not in _OF_UPGRADES]
        self._renew_parser()
        self._feed(b"\r\n".join([*lines, b"", rest]))

    def on_message_begin(self) -> None:
        """A head begins."""
        self._unset_keepalive_if_required()
        super().on_message_begin()
        self._part = _HEAD
        self._head_size = 0
        self._judged = []
        if len(self.pipeline) >= _MOST_AHEAD:
            raise unreadable("Too many requests were sent before the first was answered.", 400)

    def on_url(self, url: bytes) -> None:
        """A part of the request line has arrived."""
        super().on_url(url)
        if len(self.url) > LONGEST_URL:
            raise too_long()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header has arrived, or what stands after a body: that must not change what the head has said."""
        self._head_size += len(name) + len(value)
        if self._head_size > LARGEST_HEAD or len(self.headers) >= MOST_HEADERS:
            raise too_large()
        if self._part is not _HEAD:
            return
        # As uvicorn does it; this is called more often than anything else.
        header = (name.lower(), value)
        self.headers.append(header)
        if header[0] in JUDGED:
            self._judged.append(header)

    def on_headers_complete(self) -> None:
        """The head is complete. A proxy's client may have sent a whole URL, even one without a path."""
        if len(self._judged) > 1 or (self._judged and self._judged[0][0] != b"host"):
            self.expect_100_continue = judge(self._judged, self.parser.get_http_version())
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise other_method()
            return
        whole = host_and_path(self.url)
        if whole:
            # It says more exactly than the Host header where the request was meant to go.
            host, self.url = whole
            self.headers[:] = [(b"host", host), *(pair for pair in self.headers if pair[0] != b"host")]
        super().on_headers_complete()
        self.scope[ARRIVED] = False  # type: ignore[literal-required]  # a key of our own
        self._part = _BODY
        self._head = _ELSEWHERE
        self._useless = 0

    def on_body(self, body: bytes) -> None:
        """A part of a body has arrived."""
        self._useless = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request has arrived."""
        if self._part is not _BODY:
            return
        self._part = _NONE
        self._useless = 0
        self._stop_waiting()
        self._limits.works(self)
        self.scope[ARRIVED] = True  # type: ignore[literal-required]  # a key of our own
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer has been given; requests that were sent ahead come before any more is read."""
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self.pipeline:
            self.flow.pause_reading()
        elif self.cycle.response_complete:
            self._limits.waits(self)
            if self._part is not _NONE:
                self._unset_keepalive_if_required()

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn says nothing here
        """The client sends no more. It may still read."""
        self._heard_all = True
        if self._ending.is_closing() or self.scheme == "https":
            return False
        if self._part is not _NONE and not self._deaf:
            self._refuse(unreadable("The request ended too soon."))
        if self.cycle is None or self.cycle.response_complete:
            return False
        self.cycle.keep_alive = False
        return True

    def pause_writing(self) -> None:
        """The client does not read as fast as we answer."""
        super().pause_writing()
        self._unsent = self.transport.get_write_buffer_size()
        self._reading = self.loop.call_later(self._limits.deadline, self._see_whether_it_reads)

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        self._stop_watching()

    def _stop_watching(self) -> None:
        if self._reading:
            self._reading.cancel()
            self._reading = None

    def _see_whether_it_reads(self) -> None:
        left = self.transport.get_write_buffer_size()
        if left >= self._unsent:
            self._ending.abort()
            return
        self._unsent = left
        self._reading = self.loop.call_later(self._limits.deadline, self._see_whether_it_reads)

    def _arrives(self) -> bool:
        """Whether the client may still be sending."""
        return not self._heard_all and (self._deaf or self._part is not _NONE)

    def _stop_waiting(self) -> None:
        if self._due:
            self._due.cancel()
            self._due = None

    def _late(self) -> None:
        self._due = None
        if self.flow.read_paused:
            # It is we who do not listen.
            self._due = self.loop.call_later(self._limits.deadline, self._late)
        else:
            self._refuse(unreadable("The request took too long to arrive.", 408))

    def _reason(self, error: BaseException | None) -> Fault:
        """What to tell about a request that the parser, or one of our limits, refused."""
        if error and isinstance(error.__context__, Fault):
            return error.__context__
        if isinstance(error, httptools.HttpParserInvalidMethodError) and is_a_line(self._head):
            return other_method()
        return unlike_http(self._head)

    def _refuse(self, fault: Fault) -> None:
        """Answer a request of which no more will be read, after those that came before it; then hang up."""
        self._deaf = True
        self._stop_waiting()
        self._limits.works(self)
        if self._part is not _BODY:
            self._begin_refusal(fault)
        elif self.cycle.response_complete:
            self.transport.close()
        else:
            # Whoever reads the body has the rest of the head, and answers.
            self.cycle.scope[FAULT] = fault  # type: ignore[literal-required]  # a key of our own
            self.cycle.keep_alive = self.cycle.more_body = False
            self.cycle.message_event.set()

    def _begin_refusal(self, fault: Fault) -> None:
        if self._part is _NONE:
            super().on_message_begin()
        method = self.parser.get_method() if self.headers else b"GET"
        self.scope |= {"method": method.decode(), "path": "/", "raw_path": b"/", "query_string": b""}
        before = self.cycle
        self.cycle = RequestResponseCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=False,
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, partial(_refusal, fault))
        else:
            self.pipeline.appendleft((self.cycle, partial(_refusal, fault)))


def connections(limits: Limits) -> Callable[..., LegacyHttpProtocol]:
    """What makes the connections of a server, uvicorn's setting `http`, within limits that they share."""
    return partial(LegacyHttpProtocol, limits=limits)


async def _refusal(fault: Fault, scope: Scope, _receive: Receive, send: Send) -> None:
    protocol = protocol_of(scope)
    report = Report(protocol=protocol.value, peer=scope["client"][0] if scope["client"] else "", code=fault.code)
    report.status, content_type, document = refusal_in(protocol, report.request_id, fault)
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(document)).encode()), *SAFE]
    await send({"type": "http.response.start", "status": report.status, "headers": headers})
    await send({"type": "http.response.body", "body": document})
    report.moment = time()
    tell(report)
