"""Whatever goes wrong, ours or the HTTP server's, leaves in the caller's protocol."""

from __future__ import annotations

import asyncio
import re
import sys
from http import HTTPStatus
from time import time

import httptools
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog import get_logger
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mturk_gateway import metrics
from mturk_gateway.front import XML_TYPE, Protocol, protocol_of, send_document
from mturk_gateway.headers import SAFE_LINES
from mturk_gateway.logs import tell
from mturk_gateway.modern import JSON_TYPE, modern_error
from mturk_gateway.reports import Report, current
from mturk_translators.document import front_refusal, soap_fault
from mturk_translators.faults import Fault, internal_error, unreadable

log = get_logger()

_REQUEST_LINE = re.compile(rb"[A-Z]+ \S+ HTTP/1\.[01]\r?\n")
_LONGEST_URL = 65_000
"""What httptools can take apart."""
_LARGEST_HEAD = 65_536
_MOST_HEADERS = 200
_HEAD_PATIENCE = 60.0
"""Seconds that the head of a request may take to arrive."""


class Failsafe:
    """Around everything: an exception that nobody handled becomes an answer, and a line in the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def watched_send(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except Exception:
            report = current()
            report.code = internal_error().code
            log.exception("internal error", request_id=report.request_id, path=scope["path"][:200])
            if begun:
                raise
            await _answer(scope, send, report.request_id)


async def _answer(scope: Scope, send: Send, request_id: str) -> None:
    status, content_type, document = refusal_in(protocol_of(scope), request_id, internal_error())
    await send_document(send, status, document, content_type)


def refusal_in(protocol: Protocol, request_id: str, fault: Fault) -> tuple[int, str, bytes]:
    """HTTP status, content type and document that say in a protocol that a request came to nothing."""
    ours = fault.status >= 500
    if protocol is Protocol.MODERN:
        type_ = "ServiceFault" if ours else "SerializationException"
        return fault.status, JSON_TYPE, modern_error(type_, fault.message)
    if protocol is Protocol.SOAP:
        code = "Server.InternalError" if ours else "Client.InvalidRequest"
        return 500, XML_TYPE, soap_fault(request_id, code, fault.message)
    return fault.status, XML_TYPE, front_refusal(request_id, fault)


class LegacyHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, which refuses what is not HTTP in the form of our APIs instead of in plain text.

    The head of a request is limited in size and in the time that it may take.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own type
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._head_size = 0
        self._latest = b""
        self._head_due = self.loop.call_later(_HEAD_PATIENCE, self.transport.close)
        metrics.connected(1)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        metrics.connected(-1)
        self._head_due.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived."""
        self._latest = data
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._head_size = 0
        self._head_due.cancel()
        self._head_due = self.loop.call_later(_HEAD_PATIENCE, self.transport.close)

    def on_url(self, url: bytes) -> None:
        """A part of the request line has arrived."""
        super().on_url(url)
        if len(self.url) > _LONGEST_URL:
            raise unreadable("The URL is too long. Send the parameters in the body of a POST.", 414)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header has arrived."""
        super().on_header(name, value)
        self._head_size += len(name) + len(value)
        if self._head_size > _LARGEST_HEAD or len(self.headers) > _MOST_HEADERS:
            raise unreadable("The request has too many headers, or too long ones.", 431)

    def on_headers_complete(self) -> None:
        """The head is complete. A proxy's client may have sent a whole URL, even one without a path."""
        self._head_due.cancel()
        whole = re.match(rb"[a-z]+://([^/?#]+)(/?)", self.url, re.IGNORECASE)
        if whole:
            # It says more exactly than the Host header where the request was meant to go.
            self.headers[:] = [(b"host", whole[1]), *(pair for pair in self.headers if pair[0] != b"host")]
            self.url = self.url if whole[2] else self.url[: whole.end()] + b"/" + self.url[whole.end() :]
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that cannot be read, in the protocol of its head if that could be, and hang up."""
        protocol = protocol_of(dict(self.scope)) if "path" in self.scope else Protocol.LEGACY
        fault = self._reason(sys.exception())
        report = Report(protocol=protocol.value, peer=self.client[0] if self.client else "", code=fault.code)
        status, content_type, document = refusal_in(protocol, report.request_id, fault)
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(document)}\r\nConnection: close\r\n"
        )
        report.status, report.moment = status, time()
        tell(report)
        self.transport.write(head.encode() + SAFE_LINES + b"\r\n" + document)
        self.transport.close()

    def _reason(self, error: BaseException | None) -> Fault:
        """What to tell about a head that the parser, or one of our limits, refused."""
        if isinstance(error, httptools.HttpParserInvalidMethodError) and _REQUEST_LINE.match(self._latest):
            return unreadable("Requests are sent with GET or POST.", 405)
        cause = error.__context__ if error else None
        return cause if isinstance(cause, Fault) else unreadable("The request is not valid HTTP.")
