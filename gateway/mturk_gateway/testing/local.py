"""The whole gateway with an empty marketplace, for one test, a session of tests, or a notebook."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from os import PathLike
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config

from mturk_gateway.credentials import Requester
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.settings import Settings
from mturk_gateway.testing.clock import MovableClock
from mturk_gateway.testing.fresh import memory_folder, open_fresh
from mturk_gateway.testing.workers import Worker


class LocalGateway:
    """A gateway in this process, on a free loopback port, between `start` and `stop` or inside a `with` block.

    Its marketplace is its own and empty but for one requester. Nothing is written to a disk, where the system has
    folders in memory, and nothing is left in the end. Listings always show the present.

    `record` is a folder to which each exchange in the legacy API is written; with `scrub`, other text of the same shape
    stands there in place of workers' IDs and answers.
    """

    def __init__(self, *, record: str | PathLike[str] | None = None, scrub: bool = False) -> None:
        self.clock = MovableClock()
        """What the marketplace goes by: when HITs expire, when work is approved. Signatures go by the real time."""
        # The folder is another each time; what else is wrong with the settings is said here.
        self._settings = Settings(freshness=0, record=Path(record) if record else None, scrub=scrub)
        self._stack = ExitStack()
        self._running: EmbeddedGateway | None = None
        self._requester: Requester | None = None

    def start(self) -> Self:
        """Begin to answer."""
        if self._running:
            raise RuntimeError("this gateway is running already")
        with ExitStack() as stack:
            folder = Path(stack.enter_context(memory_folder()))
            gateway = EmbeddedGateway(replace(self._settings, data=folder), self.clock, open_fresh)
            stack.callback(gateway.stop)
            gateway.start()
            self._requester = gateway.add_requester("requester")
            self._running = gateway
            self._stack = stack.pop_all()
        return self

    def stop(self) -> None:
        """Close everything, with the clients that it gave; what was in the marketplace is gone."""
        self._running = self._requester = None
        self._stack.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where both APIs are, without a slash at the end."""
        return self._gateway.url

    @property
    def host(self) -> str:
        """The host of `url`, for clients that take it in parts."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port of `url`."""
        return urlsplit(self.url).port or 0

    @property
    def requester(self) -> Requester:
        """The requester who is there from the start."""
        if self._requester is None:
            raise _not_running()
        return self._requester

    @property
    def access_key(self) -> str:
        """The access key of `requester`."""
        return self.requester.access_key

    @property
    def secret_key(self) -> str:
        """The secret that belongs to it."""
        return self.requester.secret

    def add_requester(self, name: str, *, sandbox: bool = False) -> Requester:
        """One more requester, with an `access_key` and a `secret`. Raises RequesterError for a name that is taken."""
        return self._gateway.add_requester(name, sandbox=sandbox)

    def boto3_client(self, requester: Requester | None = None) -> Any:
        """A boto3 client of the modern API, signing as `requester` unless another is given.

        It knows nothing of the user's own AWS files and variables, and is closed when the gateway stops.
        """
        signer = requester or self.requester
        client = boto3.Session(botocore_session=_botocore_session()).client(
            "mturk",
            endpoint_url=self.url,
            region_name=signer.region,
            aws_access_key_id=signer.access_key,
            aws_secret_access_key=signer.secret,
            config=Config(proxies={}),
        )
        self._stack.callback(client.close)
        return client

    def worker(self, identifier: str) -> Worker:
        """A stand-in worker by ID: a capital A, and capital letters and digits. Raises ValueError for anything else."""
        marketplace = self._gateway.house.marketplace
        if marketplace is None:
            raise _not_running()
        return Worker(identifier, marketplace, self.clock)

    @property
    def _gateway(self) -> EmbeddedGateway:
        if self._running is None:
            raise _not_running()
        return self._running


def _not_running() -> RuntimeError:
    return RuntimeError("this gateway is not running: use it in a `with` block, or call its `start` first")


@cache
def _botocore_session() -> botocore.session.Session:
    """Reads neither the user's files nor variables that choose among what stands there."""
    nowhere = (None, None, os.devnull, None)
    nobody = (None, None, None, None)
    return botocore.session.Session({"config_file": nowhere, "credentials_file": nowhere, "profile": nobody})
