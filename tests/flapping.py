"""A relay in front of a server that hands bytes on; at times it is down, fails, is slow, or cuts connections."""

from __future__ import annotations

import random
import socket
import threading
import time
from contextlib import contextmanager, suppress

_UNAVAILABLE = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/html\r\nContent-Length: 18\r\nConnection: close\r\n\r\n"
    b"<h1>Sorry</h1>\r\n\r\n"
)
_CHANGE = 0.3
"""Seconds after which an unsteady relay behaves in another way."""
_SLOW = 3.0
"""Seconds by which an answer is late."""


class Flapping:
    """Listens on a loopback port of its own, inside a `with` block, for a server on another one."""

    def __init__(self, port):
        self._port = port
        self._mood = "well"
        self._unsteady = threading.Event()
        self._ending = threading.Event()
        self._random = random.Random(7)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._accept, self._change)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join()

    @contextmanager
    def unsteady(self):
        """Behaves in another way every now and then, inside of a `with` block."""
        self._unsteady.set()
        try:
            yield
        finally:
            self._unsteady.clear()
            self._mood = "well"

    def _change(self):
        while not self._ending.wait(_CHANGE):
            if self._unsteady.is_set():
                self._mood = self._random.choice(["well", "well", "down", "failing", "slow", "cutting"])
            else:
                self._mood = "well"

    def _accept(self):
        while not self._ending.is_set():
            with suppress(OSError):
                client, _ = self._listening.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client):
        """Hand on what comes, until one side closes or the mood forbids it."""
        with suppress(OSError), client, socket.create_connection(("127.0.0.1", self._port)) as server:
            back = threading.Thread(target=self._hand_back, args=(server, client), daemon=True)
            back.start()
            while data := client.recv(65_536):
                if self._mood == "down":
                    break
                if self._mood == "failing":
                    client.sendall(_UNAVAILABLE)
                    break
                server.sendall(data)
            _hang_up(server)
            _hang_up(client)
            back.join()

    def _hand_back(self, server, client):
        with suppress(OSError):
            while data := server.recv(65_536):
                if self._mood == "cutting":
                    # What was asked for has been done, and nobody learns it.
                    client.sendall(data[: len(data) // 2])
                    break
                if self._mood == "slow":
                    time.sleep(_SLOW)
                client.sendall(data)
        _hang_up(client)


def _hang_up(connection):
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
