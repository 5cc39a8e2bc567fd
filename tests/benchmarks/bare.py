"""The fastest that an ASGI application can be: a constant body, served with the front's configuration of uvicorn."""

from __future__ import annotations

import socket

import uvicorn
from starlette.types import Receive, Scope, Send

from mturk_gateway.edge.connection import LegacyHttpProtocol
from mturk_gateway.listener import server_config


def run_bare(listening: socket.socket, body: bytes) -> None:
    """Serve until the process ends."""
    headers = [(b"content-type", b"text/xml; charset=UTF-8"), (b"content-length", str(len(body)).encode())]

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    config = server_config(answer, http=LegacyHttpProtocol, lifespan="off")
    uvicorn.Server(config).run(sockets=[listening])
