"""Requests that speak the modern API, handed on to the upstream."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import httpx
from starlette.types import Receive, Scope, Send
from structlog import get_logger

from mturk_gateway.clock import Clock
from mturk_gateway.credentials import Requester
from mturk_gateway.edge.rates import Rate
from mturk_gateway.front import Document, Unproved, header, read_body, send_document
from mturk_gateway.ledger.usage import Usage
from mturk_gateway.observing import metrics
from mturk_gateway.observing.reports import current
from mturk_gateway.paging.writes import Writes
from mturk_gateway.realm import is_sandbox_host
from mturk_gateway.sigv4 import SignatureFault, SignedRequest, access_key_of, verify
from mturk_gateway.upstream import UNREACHABLE, Upstream, outcome_of
from mturk_translators.call import Call, Reply, writes, written_by
from mturk_translators.faults import Fault

log = get_logger()

JSON_TYPE = "application/x-amz-json-1.1"

_NOT_HANDED_ON = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"te", b"upgrade", b"content-length"})


@dataclass(frozen=True)
class ModernFront:
    """The modern API over HTTP.

    To the embedded marketplace a request goes as it came, and the marketplace judges its signature. To another
    upstream it goes signed anew (`resign`), so its own signature is judged here; `hosts` are names that clients may
    have signed instead of the one that reached us. `noted` is told of each write that was acknowledged. `rate` is that
    of each access key. Raises Unproved.
    """

    client: httpx.AsyncClient
    upstream: Upstream
    find: Callable[[str], Requester | None]
    writes: Writes
    usage: Usage
    noted: Callable[[Requester, Call, Reply], None]
    executor: Executor
    clock: Clock
    url: str
    resign: bool
    hosts: tuple[str, ...]
    clock_skew: int
    body_limit: int
    rate: Rate | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        report = current()
        operation = report.operation = header(scope, b"x-amz-target").rpartition(".")[2]
        report.sandbox = is_sandbox_host(header(scope, b"host"))
        try:
            body = await read_body(scope, receive, self.body_limit)
        except Fault as fault:
            await send_modern_error(send, fault.status, "SerializationException", fault.message)
            return
        signed = SignedRequest(
            scope["method"],
            scope["raw_path"].decode("latin-1"),
            scope["query_string"].decode("latin-1"),
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
            body,
        )
        try:
            access_key = access_key_of(signed)
            requester = self._find(access_key, sandbox=report.sandbox)
            request = self._signed_anew(scope, signed, requester) if self.resign else self._as_it_came(scope, body)
        except SignatureFault as fault:
            report.code = fault.type
            raise Unproved(Document(fault.status, modern_error(fault.type, fault.message), JSON_TYPE)) from None
        # Charged is only who has proved to own the key, and our own marketplace has yet to say so.
        wait = self.rate.wait(access_key) if self.rate else 0
        if wait:
            metrics.throttled("modern", "key")
            await send_modern_error(send, 400, "ThrottlingException", "Rate exceeded", retry_after=math.ceil(wait))
            return
        begun = perf_counter()
        try:
            reply = await self.client.send(request)
        except httpx.LocalProtocolError:
            await send_modern_error(send, 400, "SerializationException", "The request's headers are not valid HTTP.")
            return
        except httpx.HTTPError as error:
            log.warning("upstream unreachable", operation=operation[:64], reason=type(error).__name__)
            metrics.called(operation, "unreachable", perf_counter() - begun)
            # It may have been carried out all the same.
            await self._note(requester, operation, body, None)
            await send_modern_error(send, 500, "ServiceFault", "The service cannot answer at the moment.")
            return
        report.code = _error_type(reply)
        metrics.called(operation, outcome_of(report.code, reply.status_code), perf_counter() - begun)
        if reply.status_code == 403 and not self.resign:
            raise Unproved(Document(403, reply.content, JSON_TYPE))
        report.requester = requester.profile
        if self.rate:
            self.rate.charge(access_key)
        if not reply.is_client_error:
            # A refused request has changed nothing, and may not even come from the owner of the key.
            await self._note(requester, operation, body, reply.content if reply.is_success else None)
        if reply.is_success:
            self.usage.count(access_key, "modern", operation, self.clock())
        await _pass_back(send, reply)

    def _find(self, access_key: str, *, sandbox: bool) -> Requester:
        requester = self.find(access_key)
        if requester is None:
            message = "The security token included in the request is invalid."
            raise SignatureFault("UnrecognizedClientException", 403, message)
        return requester.in_sandbox() if sandbox else requester

    async def _note(self, requester: Requester, operation: str, body: bytes, reply: bytes | None) -> None:
        if writes(operation):
            call, members = Call(operation, _members(body)), _members(reply or b"")
            if reply is not None:
                self.noted(requester, call, members)
            about = written_by(call, members)
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self.executor, self.writes.note, requester.account, about)

    def _as_it_came(self, scope: Scope, body: bytes) -> httpx.Request:
        headers = [(name, value.strip()) for name, value in scope["headers"] if name not in _NOT_HANDED_ON]
        return self.client.build_request(scope["method"], self.url, headers=headers, content=body)

    def _signed_anew(self, scope: Scope, signed: SignedRequest, requester: Requester) -> httpx.Request:
        skew = self.clock_skew if requester.clock_skew is None else requester.clock_skew
        verify(signed, requester.secret, int(self.clock()), skew=skew, hosts=self.hosts)
        if requester.guest and not self.upstream.has_sandbox:
            message = "There is no sandbox behind this gateway."
            raise SignatureFault("UnrecognizedClientException", 403, message)
        kept = {name: header(scope, name.lower().encode()) for name in ("Content-Type", "X-Amz-Target")}
        url, headers = self.upstream.sign(requester, kept, signed.body)
        return self.client.build_request("POST", url, headers=headers, content=signed.body)


def _error_type(reply: httpx.Response) -> str:
    """The type of the error that a reply is; empty for none."""
    if reply.is_success:
        return ""
    return str(_members(reply.content).get("__type", "")).rpartition("#")[2] or UNREACHABLE


def _members(document: bytes) -> dict[str, Any]:
    try:
        members = json.loads(document)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


async def _pass_back(send: Send, reply: httpx.Response) -> None:
    headers = [
        (name.lower(), value)
        for name, value in reply.headers.raw
        if name.lower() in (b"content-type", b"x-amzn-requestid", b"x-amz-crc32")
    ]
    headers.append((b"content-length", str(len(reply.content)).encode()))
    await send({"type": "http.response.start", "status": reply.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": reply.content})


async def send_modern_error(send: Send, status: int, type_: str, message: str, *, retry_after: int = 0) -> None:
    """Answer with an error of the modern API."""
    current().code = type_
    await send_document(send, status, modern_error(type_, message), JSON_TYPE, retry_after=retry_after)


def modern_error(type_: str, message: str) -> bytes:
    """The body of an error as AWS's JSON services write it (modern-mturk 1.3)."""
    # Of the modelled errors the message is spelled with a capital; botocore reads both.
    key = "Message" if type_ == "ServiceFault" else "message"
    return json.dumps({"__type": type_, key: message}).encode()
