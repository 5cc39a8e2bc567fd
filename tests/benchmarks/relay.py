"""A relay in front of a modern endpoint that hands bytes on as they come and counts the calls, at `GET /counts`."""

from __future__ import annotations

import asyncio
import json
import socket
from asyncio import StreamReader, StreamWriter
from collections import Counter

import uvloop

from benchmarks.framing import Messages, operation_of, reply

_CHUNK = 262_144


def run_relay(listening: socket.socket, port: int) -> None:
    """Serve until the process ends; `port` is that of the endpoint."""
    uvloop.run(_serve(listening, port))


async def _serve(listening: socket.socket, port: int) -> None:
    counts: Counter[str] = Counter()

    async def connected(reader: StreamReader, writer: StreamWriter) -> None:
        first = await reader.read(_CHUNK)
        if first.startswith(b"GET /counts"):
            writer.write(reply(json.dumps(counts).encode()))
        else:
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", port)
            back = asyncio.create_task(_hand_on(upstream_reader, writer))
            await _count_and_hand_on(first, reader, upstream_writer, counts)
            await back
        writer.close()

    server = await asyncio.start_server(connected, sock=listening)
    await server.serve_forever()


async def _count_and_hand_on(data: bytes, reader: StreamReader, writer: StreamWriter, counts: Counter[str]) -> None:
    messages = Messages()
    while data:
        counts.update(operation_of(head) for head, _ in messages.feed(data))
        writer.write(data)
        await writer.drain()
        data = await reader.read(_CHUNK)
    writer.close()


async def _hand_on(reader: StreamReader, writer: StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
