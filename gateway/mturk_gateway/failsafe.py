"""Whatever goes wrong, ours or the HTTP server's, leaves in the caller's protocol."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog import get_logger
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mturk_gateway.front import XML_TYPE, Protocol, new_request_id, protocol_of, send_document
from mturk_gateway.modern import send_modern_error
from mturk_translators.document import front_refusal, soap_fault
from mturk_translators.faults import internal_error, unreadable

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
    fault = internal_error()
    protocol = protocol_of(scope)
    if protocol is Protocol.MODERN:
        await send_modern_error(send, 500, "ServiceFault", fault.message)
    elif protocol is Protocol.SOAP:
        await send_document(send, 500, soap_fault(request_id, "Server.InternalError", fault.message))
    else:
        await send_document(send, 500, front_refusal(request_id, fault))


class LegacyHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, which refuses what is not HTTP in the legacy API's form instead of in plain text."""

    def send_400_response(self, msg: str) -> None:
        """Refuse a request whose head cannot be read, and close the connection."""
        document = front_refusal(new_request_id(), unreadable("The request is not valid HTTP."))
        head = (
            f"HTTP/1.1 400 Bad Request\r\nContent-Type: {XML_TYPE}\r\n"
            f"Content-Length: {len(document)}\r\nConnection: close\r\n\r\n"
        )
        log.info("unreadable request", reason=msg)
        self.transport.write(head.encode() + document)
        self.transport.close()
