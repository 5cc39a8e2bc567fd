"""Around what strangers reach: who sends too much, or fails to prove who they are, is held back."""

from __future__ import annotations

import math

from starlette.types import ASGIApp, Receive, Scope, Send

from mturk_gateway.edge.addresses import neighbourhood
from mturk_gateway.edge.failures import Failures
from mturk_gateway.edge.rates import Rate
from mturk_gateway.front import Document, Protocol, Unproved, protocol_of, send_document
from mturk_gateway.modern import JSON_TYPE, modern_error
from mturk_gateway.observing import metrics
from mturk_gateway.observing.reports import current, request_id
from mturk_translators.document import front_refusal, soap_fault
from mturk_translators.faults import too_often


class Guard:
    """Lets through of each address what the rate `addresses` admits, and lets `failures` delay failed proofs.

    Without the one or the other, that is not done.
    """

    def __init__(self, app: ASGIApp, addresses: Rate | None, failures: Failures | None) -> None:
        self._app = app
        self._addresses = addresses
        self._failures = failures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._addresses:
            wait = self._addresses.admit(_sender(scope))
            if wait:
                await _throttle(scope, send, wait)
                return
        try:
            await self._app(scope, receive, send)
        except Unproved as refusal:
            # Nothing of the request is kept while its sender waits.
            answer = refusal.answer
        else:
            return
        metrics.refused_key(protocol_of(scope).value)
        if self._failures and not await self._failures.wait(_sender(scope)):
            await _throttle(scope, send, 1.0)
        else:
            await send_document(send, *answer)


def _sender(scope: Scope) -> str:
    return neighbourhood(scope["client"][0]) if scope["client"] else ""


async def _throttle(scope: Scope, send: Send, wait: float) -> None:
    protocol, report = protocol_of(scope), current()
    report.protocol, report.code = protocol.value, "ServiceUnavailable"
    metrics.throttled(protocol.value, "address")
    await send_document(send, *_too_often_in(protocol), retry_after=math.ceil(wait))


def _too_often_in(protocol: Protocol) -> Document:
    fault = too_often()
    if protocol is Protocol.MODERN:
        return Document(400, modern_error("ThrottlingException", "Rate exceeded"), JSON_TYPE)
    if protocol is Protocol.SOAP:
        return Document(fault.status, soap_fault(request_id(), "Server.ServiceUnavailable", fault.message))
    return Document(fault.status, front_refusal(request_id(), fault))
