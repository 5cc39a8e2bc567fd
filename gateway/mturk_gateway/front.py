"""HTTP in and out: which protocol a request speaks, and the legacy REST side of it as a plain ASGI endpoint."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from mturk_gateway.exchange import Answering, Received
from mturk_gateway.observing.reports import current
from mturk_gateway.realm import is_sandbox_host
from mturk_translators.document import front_refusal, soap_fault
from mturk_translators.faults import Fault, unreadable

LEGACY_PATHS = frozenset({"/", "/onca/xml", "/onca/soap"})
"""All served alike: the path never told REST from SOAP (legacy-common 1)."""

XML_TYPE = "text/xml; charset=UTF-8"

_XML_TYPES = ("text/xml", "application/xml", "application/soap+xml")
_DRAINED = 32 * 1024 * 1024
"""How much of a body that is too large is read all the same: clients read the answer only after they have sent it."""

ARRIVED = "mturk_gateway.arrived"
"""In a scope: whether the request has arrived as a whole. Whoever answers before has to hang up."""
FAULT = "mturk_gateway.fault"
"""In a scope: what is wrong with a body, if that has been found out while it arrived."""


class Protocol(Enum):
    """What a request speaks, and so what its answer must speak, errors included."""

    MODERN = "modern"
    SOAP = "soap"
    LEGACY = "legacy"
    OTHER = "other"


def header(scope: Scope, name: bytes) -> str:
    """The first value of a header; empty when there is none."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return ""


def protocol_of(scope: Scope) -> Protocol:
    """The protocol of a request as far as its head tells (architecture, Which protocol)."""
    content_type = header(scope, b"content-type").partition(";")[0].strip().lower()
    if header(scope, b"x-amz-target") or content_type.startswith("application/x-amz-json"):
        return Protocol.MODERN
    if scope["method"] == "POST" and (content_type in _XML_TYPES or header(scope, b"soapaction")):
        return Protocol.SOAP
    return Protocol.LEGACY if scope["path"] in LEGACY_PATHS else Protocol.OTHER


class Document(NamedTuple):
    """A whole answer of any protocol: HTTP status, content and its type."""

    status: int
    content: bytes
    content_type: str = XML_TYPE


class Unproved(Exception):  # noqa: N818  # nothing of ours has failed
    """A request is not from anybody known, as far as it proves; `answer` is what to tell its sender."""

    def __init__(self, answer: Document) -> None:
        super().__init__()
        self.answer = answer


class Front:
    """Sends each request where its protocol is spoken."""

    def __init__(self, legacy: ASGIApp, soap: ASGIApp, modern: ASGIApp, other: ASGIApp) -> None:
        self._legacy = legacy
        self._others = {Protocol.MODERN: modern, Protocol.SOAP: soap, Protocol.OTHER: other}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        protocol = protocol_of(scope) if scope["type"] == "http" else Protocol.OTHER
        current().protocol = protocol.value
        endpoint = self._legacy if protocol is Protocol.LEGACY else self._others[protocol]
        await endpoint(scope, receive, send)


class LegacyFront:
    """Legacy REST over HTTP: GET, HEAD and POST; `body_limit` in bytes.

    Raises Unproved.
    """

    def __init__(self, answering: Answering, body_limit: int) -> None:
        self._answering = answering
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        report = current()
        try:
            if scope["method"] not in ("GET", "HEAD", "POST"):
                raise unreadable("Requests are sent with GET or POST.", 405)
            body = await read_body(scope, receive, self._body_limit)
            if scope["method"] == "POST" and body.lstrip()[:1] == b"<":
                report.protocol = Protocol.SOAP.value
                await refuse_soap(send)
                return
            if not (body or scope["query_string"]):
                raise unreadable("The request has no parameters. This is the legacy Mechanical Turk Requester API.")
        except Fault as fault:
            report.code = fault.code
            await send_document(send, fault.status, front_refusal(report.request_id, fault))
            return
        peer = scope["client"][0] if scope.get("client") else ""
        sandbox = is_sandbox_host(header(scope, b"host"))
        program = header(scope, b"user-agent")
        received = Received(report.request_id, scope["query_string"], body, peer, program, sandbox)
        answer = await self._answering.answer(received)
        if answer.unproved:
            raise Unproved(Document(answer.status, answer.document))
        await send_document(send, answer.status, answer.document, retry_after=answer.retry_after)


class SoapFront:
    """SOAP over HTTP, which is told, in SOAP, that it is not served yet."""

    def __init__(self, body_limit: int) -> None:
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await read_body(scope, receive, self._body_limit)
        except Fault as fault:
            await send_document(send, 500, _refused_soap(fault.message))
        else:
            await refuse_soap(send)


def _refused_soap(message: str) -> bytes:
    report = current()
    report.code = "Client.InvalidRequest"
    return soap_fault(report.request_id, report.code, message)


async def refuse_soap(send: Send) -> None:
    """Tell a SOAP client that it is not served yet."""
    message = "SOAP is not available in this gateway yet; the same operations are answered over REST."
    await send_document(send, 500, _refused_soap(message))


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The body of a request. Raises Fault when it is larger than the limit, or cannot be read to its end."""
    announced = header(scope, b"content-length")
    if not (announced or header(scope, b"transfer-encoding")):
        return b""
    size = int(announced) if announced.isdigit() else 0
    # Whoever asks first whether to send it is spared that.
    if size > _DRAINED or (size > limit and header(scope, b"expect")):
        raise _too_large(limit)
    largest = _DRAINED if announced else limit
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise unreadable("The request ended too soon.")
        size += len(message.get("body", b""))
        if size <= limit:
            chunks.append(message.get("body", b""))
        more = message.get("more_body", False) and size <= largest
    fault: Fault | None = scope.get(FAULT)
    if fault:
        raise fault
    if size > limit:
        raise _too_large(limit)
    return b"".join(chunks)


def _too_large(limit: int) -> Fault:
    return unreadable(f"The request is larger than {limit} bytes.", 413)


async def send_document(
    send: Send, status: int, document: bytes, content_type: str = XML_TYPE, *, retry_after: int = 0
) -> None:
    """Send a whole answer; `retry_after` are the seconds, if any, after which to ask again."""
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(document)).encode())]
    if retry_after:
        headers.append((b"retry-after", str(retry_after).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": document})
