"""The whole gateway in this process, for tests and notebooks: marketplace, walker and front in threads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Self

from starlette.types import Receive, Scope, Send

from mturk_gateway.admin import add_requester, import_new_requesters
from mturk_gateway.app import create_finisher, create_gateway, create_walker, open_upstream, public_hosts
from mturk_gateway.clock import Clock, wall_clock
from mturk_gateway.credentials import Keyring, Requester, read_profiles
from mturk_gateway.edge.connection import connections
from mturk_gateway.edge.limits import Limits
from mturk_gateway.house import House
from mturk_gateway.listener import Listener
from mturk_gateway.marketplace.app import create_marketplace
from mturk_gateway.marketplace.terms import Terms
from mturk_gateway.observing.logs import RequestLog
from mturk_gateway.replay.files import prepare_folder
from mturk_gateway.settings import Settings


def open_prepared(settings: Settings) -> House:
    """The data folder of the settings with all schemas up to date."""
    house = House.open(settings)
    try:
        house.prepare()
    except BaseException:
        house.close()
        raise
    return house


class EmbeddedGateway:
    """A gateway on a free loopback port, between `start` and `stop` or inside a `with` block.

    `clock` is what the marketplace's rules go by; signatures are judged by the wall clock. What `open_house` gives is
    closed in the end.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock = wall_clock,
        open_house: Callable[[Settings], House] = open_prepared,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._open_house = open_house
        self._stack = ExitStack()
        self.house: House
        self.url = ""

    def start(self) -> Self:
        """Make the data folder ready and begin to answer."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            await apps.public(scope, receive, send)

        settings = self.settings
        if settings.record:
            prepare_folder(settings.record)
        self.house = self._open_house(settings)
        self._stack.callback(self.house.close)
        upstream_url = settings.upstream
        # It has its address before anything answers there, because the marketplace must know it.
        listener = Listener(answer, http=connections(Limits(settings.deadline)))
        if self.house.marketplace:
            if settings.credentials:
                profiles = read_profiles(settings.credentials)
                import_new_requesters(self.house.marketplace, self.house.credentials, profiles, self._clock())
            marketplace = create_marketplace(
                self.house.marketplace,
                self._clock,
                hosts=public_hosts(settings),
                body_limit=settings.body_limit,
                terms=Terms(
                    settings.address if settings.public_url else listener.url,
                    settings.any_increase,
                    settings.rate_limit,
                ),
            )
            upstream_url = self._stack.enter_context(Listener(marketplace)).url
        upstream = open_upstream(settings, upstream_url)
        self._stack.callback(upstream.close)
        house, find = self.house, Keyring(self.house.credentials).find_account
        self._stack.enter_context(create_walker(settings, house.desk, house.stock, house.ledger, upstream, find))
        self._stack.enter_context(create_finisher(house, upstream, find, self._clock))
        apps = create_gateway(settings, house, upstream_url, RequestLog(), self._clock)
        self.url = self._stack.enter_context(listener).url
        return self

    def stop(self) -> None:
        """Answer what has begun, then close everything."""
        self._stack.close()

    def add_requester(self, name: str, *, sandbox: bool = False) -> Requester:
        """A new requester of the embedded marketplace."""
        if self.house.marketplace is None:
            raise ValueError("the requesters of an outside upstream are those of its credentials file")
        return add_requester(self.house.marketplace, self.house.credentials, name, self._clock(), sandbox=sandbox)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.stop()
