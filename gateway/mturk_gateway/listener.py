"""HTTP servers: what ends promptly without breaking anything off, in a process or in a thread of one."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

import uvicorn
from starlette.types import ASGIApp

_BACKLOG = 2048
"""Connections that wait to be accepted."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises OSError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(_BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def server_config(app: ASGIApp, **options: object) -> uvicorn.Config:
    """The uvicorn settings that all listeners share: no access log (ours is structured), no signature of the server."""
    return uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        server_header=False,
        # It would believe whoever is on this machine; `proxies` knows better.
        proxy_headers=False,
        timeout_keep_alive=75,
        ws="none",
        **{"timeout_graceful_shutdown": 5, **options},  # type: ignore[arg-type]  # of as many types as options
    )


_LAST_LOOK = 0.01
"""Seconds."""


class Listener:
    """One ASGI application on one loopback address, between `start` and `stop` or inside a `with` block.

    `lifespan` and `options` are uvicorn's.
    """

    def __init__(
        self, app: ASGIApp, host: str = "127.0.0.1", port: int = 0, lifespan: str = "on", **options: object
    ) -> None:
        self._socket = bind(host, port)
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self._server = Server(server_config(app, lifespan=lifespan, **options))
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name=f"listener-{self.port}", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    def start(self) -> Self:
        """Begin to answer; returns once requests are served."""
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the listener ended before it began; its log says why")
            time.sleep(0.001)
        return self

    def stop(self) -> None:
        """Answer what has begun, then close."""
        self._server.end()
        self._thread.join(timeout=10)
        self._socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.stop()


class Server(uvicorn.Server):
    """uvicorn's, ending as soon as what has begun is answered, on SIGTERM or when it is told to.

    Where TLS is spoken, clients have `handshake` seconds to agree on it.
    """

    def __init__(self, config: uvicorn.Config, handshake: float = 20.0) -> None:
        super().__init__(config)
        self._handshake = handshake
        self._ending = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """End after what has begun; from any thread."""
        self.should_exit = True
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ending.set)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let SIGTERM end the server inside a `with` block; uvicorn would have it end the process right after it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTERM, lambda *_: self.end())
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop = self._loop = asyncio.get_running_loop()
        config = self.config
        handshake = self._handshake if config.ssl else None
        await super().startup([])

        def connection() -> asyncio.Protocol:
            made: asyncio.Protocol = config.http_protocol_class(  # type: ignore[call-arg]  # as in uvicorn
                config=config, server_state=self.server_state, app_state=self.lifespan.state
            )
            return made

        # uvicorn would wait a minute for each handshake.
        for bound in sockets or ():
            self.servers.append(
                await loop.create_server(
                    connection, sock=bound, ssl=config.ssl, ssl_handshake_timeout=handshake, backlog=_BACKLOG
                )
            )

    async def main_loop(self) -> None:
        # A tick brings the Date header up to date.
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), 1.0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for bound in sockets or ():
            bound.close()
        # What has come as far as this machine is read before its connection is found idle.
        await asyncio.sleep(_LAST_LOOK)
        for connection in list(self.server_state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110  # nothing tells
                    await asyncio.sleep(0.005)
        except TimeoutError:
            await self._break_off()
        await self.lifespan.shutdown()

    async def _break_off(self) -> None:
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)
        for connection in list(self.server_state.connections):
            connection.transport.close()
