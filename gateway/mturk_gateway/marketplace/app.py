"""The marketplace as an ASGI application: reads the body, lets a thread answer it, sends the answer."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, quote

from anyio import CapacityLimiter, create_task_group, sleep, to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from mturk_gateway.clock import Clock
from mturk_gateway.database import Database
from mturk_gateway.marketplace.counts import Counter, Counts
from mturk_gateway.marketplace.protocol.errors import Fault
from mturk_gateway.marketplace.protocol.wire import Response
from mturk_gateway.marketplace.server import Server
from mturk_gateway.marketplace.services.judging import uploads
from mturk_gateway.marketplace.services.judging.uploads import File
from mturk_gateway.marketplace.services.lists.tokens import PageTokens
from mturk_gateway.marketplace.terms import Terms
from mturk_gateway.sigv4 import SignedRequest

_BETWEEN_SWEEPS = 1.0
"""Seconds. Requests see what time has brought without being swept for; events are told that much later."""

_THREADS = 32
"""Requests worked on at once; the others wait their turn. Below the number of connections that a Database has."""

_PLAIN = "text/plain; charset=utf-8"


def create_marketplace(
    database: Database,
    clock: Clock,
    *,
    hosts: tuple[str, ...] = (),
    body_limit: int = 1_048_576,
    terms: Terms = Terms(),  # noqa: B008  # frozen
) -> ASGIApp:
    """The application for a migrated database.

    The rules follow `clock`, in whole seconds. `hosts` are Host values that clients may have signed before a proxy
    replaced the header. A body of more than `body_limit` bytes is refused.
    """
    with database.reading() as connection:
        tokens = PageTokens.load(connection)
    server = Server(database, clock, tokens, hosts, terms)
    threads = CapacityLimiter(_THREADS)
    unsigned = _Unsigned(database, clock, tokens, threads)

    async def marketplace(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send, server)
        elif scope["type"] == "http":
            found = await unsigned.answer(scope)
            if found:
                await _send(send, found)
                return
            body = await _body(receive, body_limit)
            if body is None:
                fault = Fault("SerializationException", 413, f"The body may have at most {body_limit} bytes.")
                response = Response(fault.status, fault.body(0, sandbox=False))
            else:
                request = _request(scope, body)
                # To hand a request to a thread takes longer than most answers.
                given = server.answer_at_once(request)
                if given is None:
                    given = await to_thread.run_sync(server.answer, request, limiter=threads)
                response = given
            await _send(send, response)

    return marketplace


async def _live(receive: Receive, send: Send, server: Server) -> None:
    async with create_task_group() as tasks:
        while (await receive())["type"] != "lifespan.shutdown":
            tasks.start_soon(_sweep, server)
            await send({"type": "lifespan.startup.complete"})
        tasks.cancel_scope.cancel()
    await send({"type": "lifespan.shutdown.complete"})


async def _sweep(server: Server) -> None:
    """Let timers take effect although nobody asks for anything."""
    while True:
        await to_thread.run_sync(server.settle)
        await sleep(_BETWEEN_SWEEPS)


async def _body(receive: Receive, limit: int) -> bytes | None:
    """The body, or None if it is too long or the client left.

    A long one is still read to its end, without being kept: a client that is answered while it writes sees a broken
    connection instead of the error.
    """
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        size += len(message.get("body", b""))
        if size <= limit:
            chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks) if size <= limit else None


def _request(scope: Scope, body: bytes) -> SignedRequest:
    return SignedRequest(
        method=scope["method"],
        path=_text(scope.get("raw_path") or scope["path"].encode()),
        query=_text(scope["query_string"]),
        headers=[(_text(name), _text(value)) for name, value in scope["headers"]],
        body=body,
    )


def _text(received: bytes) -> str:
    return received.decode(errors="surrogateescape")


class _Unsigned:
    """What may be had without a signature: health, counts, and files behind links that we issued."""

    def __init__(self, database: Database, clock: Clock, tokens: PageTokens, threads: CapacityLimiter) -> None:
        self._database = database
        self._clock = clock
        self._tokens = tokens
        self._threads = threads
        self._counter = Counter(database, clock)

    async def answer(self, scope: Scope) -> Response | None:
        """The response to a request for one of them; None for any other."""
        if scope["method"] != "GET":
            return None
        if scope["path"] == "/healthz":
            return Response(200, b"ok", _PLAIN)
        if scope["path"] == "/counts":
            return _numbers(await to_thread.run_sync(self._counter.counts))
        if scope["path"].startswith(uploads.PATH):
            return await to_thread.run_sync(self._download, scope, limiter=self._threads)
        return None

    def _download(self, scope: Scope) -> Response:
        # Read in one piece: SQLite would read all of a value for each part of it.
        key = scope["path"].removeprefix(uploads.PATH)
        asked = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        expires, signature = asked.get("expires", ""), asked.get("signature", "")
        with self._database.reading() as connection:
            file = uploads.follow_link(connection, self._tokens, key, expires, signature, int(self._clock()))
        if file is None:
            return Response(403, b"This link has expired, or was never good.\n", _PLAIN)
        return _attachment(file)


def _numbers(counts: Counts | None) -> Response:
    """Counts for the gateway's metrics: nobody else reaches this listener."""
    if counts is None:
        return Response(503, b"Nothing has been counted yet.\n", _PLAIN)
    return Response(200, json.dumps(counts).encode(), "application/json")


def _attachment(file: File) -> Response:
    """The file as something to be kept, never to be shown: it is a stranger's, and would be a page of our origin."""
    name = quote(file.name, safe="")
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{name}", "x-content-type-options": "nosniff"}
    return Response(200, file.content, "application/octet-stream", headers)


async def _send(send: Send, response: Response) -> None:
    await send({"type": "http.response.start", "status": response.status, "headers": response.headers()})
    await send({"type": "http.response.body", "body": response.body})
