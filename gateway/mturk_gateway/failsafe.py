"""Whatever goes wrong, ours or the HTTP server's, leaves in the caller's protocol."""

from __future__ import annotations

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog import get_logger
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mturk_gateway.front import XML_TYPE, Protocol, new_request_id, protocol_of, send_document
from mturk_gateway.modern import JSON_TYPE, modern_error
from mturk_translators.document import front_refusal, soap_fault
from mturk_translators.faults import Fault, internal_error, unreadable

log = get_logger()


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
            request_id = new_request_id()
            log.exception("internal error", request_id=request_id, path=scope["path"][:200])
            if begun:
                raise
            await _answer(scope, send, request_id)


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
    """uvicorn's HTTP, which refuses what is not HTTP in the form of our APIs instead of in plain text."""

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that cannot be read, in the protocol of its head if that could be, and hang up."""
        protocol = protocol_of(dict(self.scope)) if "path" in self.scope else Protocol.LEGACY
        status, content_type, document = refusal_in(
            protocol, new_request_id(), unreadable("The request is not valid HTTP.")
        )
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(document)}\r\nConnection: close\r\n\r\n"
        )
        log.info("unreadable request", reason=msg)
        self.transport.write(head.encode() + document)
        self.transport.close()
