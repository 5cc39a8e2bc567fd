"""Whatever goes wrong, ours or the HTTP server's, leaves in the caller's protocol."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog import get_logger

from mturk_gateway.front import ARRIVED, XML_TYPE, Protocol, protocol_of, send_document
from mturk_gateway.modern import JSON_TYPE, modern_error
from mturk_gateway.observing.reports import current
from mturk_translators.document import front_refusal, soap_fault
from mturk_translators.faults import Fault, internal_error, unavailable

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
            if message["type"] == "http.response.start" and not scope.get(ARRIVED, True):
                # The rest of the request would be taken for the next one.
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except asyncio.CancelledError:
            # Nobody does that but the server, when it ends and has waited long enough.
            if not begun:
                report = current()
                report.code = unavailable().code
                await _answer(scope, watched_send, report.request_id, unavailable())
        except Exception:
            report = current()
            report.code = internal_error().code
            log.exception("internal error", request_id=report.request_id, path=scope["path"][:200])
            if begun:
                raise
            await _answer(scope, watched_send, report.request_id, internal_error())


async def _answer(scope: Scope, send: Send, request_id: str, fault: Fault) -> None:
    status, content_type, document = refusal_in(protocol_of(scope), request_id, fault)
    await send_document(send, status, document, content_type)


def refusal_in(protocol: Protocol, request_id: str, fault: Fault) -> tuple[int, str, bytes]:
    """HTTP status, content type and document that say in a protocol that a request came to nothing."""
    # Other statuses from 500 on say that the client has asked for what HTTP has and we have not.
    ours = fault.status in (500, 503)
    if protocol is Protocol.MODERN:
        type_ = "ServiceFault" if ours else "SerializationException"
        return fault.status, JSON_TYPE, modern_error(type_, fault.message)
    if protocol is Protocol.SOAP:
        code = "Server.InternalError" if ours else "Client.InvalidRequest"
        return 500, XML_TYPE, soap_fault(request_id, code, fault.message)
    return fault.status, XML_TYPE, front_refusal(request_id, fault)
