"""A second process that makes HITs through boto3 on the gateway: what the next first page must show."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from typing import Self

from benchmarks import legacy, sample
from benchmarks.load import Load
from mturk_gateway.credentials import Requester
from support import PROPERTIES, modern_client

_SPAWN = multiprocessing.get_context("spawn")


class Writer:
    """The process, for one requester; inside a `with` block."""

    def __init__(self, port: int, requester: Requester) -> None:
        self._port = port
        self._requester = requester
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_work, args=(theirs, port, requester), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.terminate()
        self._process.join()

    def create(self, number: int = 1) -> str:
        """Make so many HITs; gives the last HITId."""
        self._pipe.send(number)
        return self._pipe.recv()

    def write_and_see(self, load: Load) -> None:
        """Make a HIT, and see that the next first page has it: the newest HITs first, as `newest_page` asks."""
        identifier = self.create()
        shown = load.drive(self._port, [[newest_page(self._requester, 1)]]).lanes[0].last
        assert identifier.encode() in shown, "the first page does not show what was written before"


def newest_page(requester: Requester, number: int) -> bytes:
    """A request for a page of 100 HITs, newest first."""
    return legacy.page(requester, number, descending=True)


CREATED = {
    **PROPERTIES,
    "Title": sample.title("00000", 0),
    "Description": sample.DESCRIPTION,
    "Keywords": sample.KEYWORDS,
    "RequesterAnnotation": sample.ANNOTATION,
}
"""A HIT like the others."""


def _work(pipe: Connection, port: int, requester: Requester) -> None:
    with modern_client(f"http://127.0.0.1:{port}", requester) as client:
        while True:
            for _ in range(pipe.recv()):
                identifier = client.create_hit(**CREATED)["HIT"]["HITId"]
            pipe.send(identifier)
