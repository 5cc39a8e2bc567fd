"""What the processes of a served gateway do: fronts, one walker, and the marketplace, under a supervisor."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import httpx
from starlette.types import Receive, Scope, Send
from structlog import get_logger

from mturk_gateway.admin import add_demo, import_new_requesters
from mturk_gateway.app import (
    create_finisher,
    create_gateway,
    create_walker,
    open_upstream,
    public_hosts,
)
from mturk_gateway.clock import Clock, SteadyClock, wall_clock
from mturk_gateway.credentials import DEMO, Keyring, Requester, read_profiles
from mturk_gateway.edge.connection import connections
from mturk_gateway.edge.limits import Limits, most_connections
from mturk_gateway.edge.rates import Memory
from mturk_gateway.house import House, occupied
from mturk_gateway.ledger.undertakings import Undertakings
from mturk_gateway.listener import Server, bind, server_config
from mturk_gateway.marketplace.app import create_marketplace
from mturk_gateway.marketplace.terms import Terms
from mturk_gateway.observing import metrics
from mturk_gateway.observing.counting import counted_together
from mturk_gateway.observing.logs import RequestLog, configure_logs, standard_error
from mturk_gateway.permissions import faults, keep_to_ourselves
from mturk_gateway.replay.files import prepare_folder
from mturk_gateway.settings import Settings, SettingsError
from mturk_gateway.supervisor import GRACE, Child, supervise

log = get_logger()

_NICENESS = 10
"""How far walks stand back for requests, of at most 19."""


def serve(settings: Settings, announce: Callable[[Requester | None], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    `announce` is called once requests can be answered, with the demonstration requester if there is one. Raises OSError
    when an address cannot be listened on, CredentialsError or RequesterError when keys cannot be used, SettingsError
    when others may read or change what is ours, when another gateway serves the data folder, or when a port is not for
    everybody.
    """
    open_to_others = faults(settings)
    if open_to_others:
        raise SettingsError("\n".join(f"{fault.text}: {fault.remedy}" for fault in open_to_others))
    keep_to_ourselves()
    with occupied(settings.data):
        _serve(settings, announce)


def _serve(settings: Settings, announce: Callable[[Requester | None], None]) -> None:
    bound = [
        _listen(settings.host, settings.port),
        _listen(settings.host, settings.content_port),
        _listen(settings.operators_host, settings.operators_port),
    ]
    if settings.record:
        prepare_folder(settings.record)
    clock = SteadyClock()
    demo = _prepare(settings, clock)
    upstream_url = settings.upstream
    children = []
    if settings.embedded:
        internal = bind("127.0.0.1", 0)
        upstream_url = f"http://127.0.0.1:{internal.getsockname()[1]}"
        children.append(Child("marketplace", _run_marketplace, (settings, internal)))
    children.append(Child("walker", _run_walker, (settings, upstream_url, clock)))
    front = (settings, upstream_url, clock, bound, Memory.shared())
    children += [Child(f"front-{number}", _run_front, front) for number in range(settings.fronts)]
    ready = threading.Thread(
        target=lambda: announce(demo) if _becomes_ready(settings) else None, name="announcing", daemon=True
    )
    with counted_together() as counts:
        supervise(children, bound, ready, settings, counts)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return bind(host, port)
    except PermissionError:
        raise SettingsError(
            f"this user may not listen on port {port} of {host}. On Linux, `sysctl net.ipv4.ip_unprivileged_port_start="
            f"{port}` lets every user, and AmbientCapabilities=CAP_NET_BIND_SERVICE in a systemd unit this program; or "
            "have a proxy in front, or the firewall redirect that port to another one"
        ) from None


def _prepare(settings: Settings, clock: Clock) -> Requester | None:
    house = House.open(settings, clock)
    try:
        house.prepare()
        Undertakings(house.ledger).release()
        if house.marketplace and settings.credentials:
            profiles = read_profiles(settings.credentials)
            import_new_requesters(house.marketplace, house.credentials, profiles, wall_clock())
        if house.marketplace and settings.demo:
            return add_demo(house.marketplace, house.credentials, wall_clock())
        # Told now, not by the first request: a file that cannot be read.
        profiles = read_profiles(house.credentials)
        if settings.exposed and settings.embedded and any(requester.profile == DEMO for requester in profiles):
            log.warning("the demonstration requester is not let in", reason="other machines can reach this gateway")
        return None
    finally:
        house.close()


def _becomes_ready(settings: Settings) -> bool:
    url = f"{settings.own_address}/readyz"
    # The certificate is ours, and names the host that clients know.
    with httpx.Client(verify=False, trust_env=False) as client:  # noqa: S501
        for _ in range(300):
            with suppress(httpx.HTTPError):
                if client.get(url).is_success:
                    return True
            time.sleep(0.1)
    log.error("not ready", url=url)
    return False


def _begin_child() -> None:
    # Ctrl-C reaches every process of the group; the supervisor says in which order they end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_logs()
    metrics.process_began(multiprocessing.current_process().name, os.getppid())

    def follow() -> None:
        parent = multiprocessing.parent_process()
        if parent:
            parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    # Nothing may go on answering when the supervisor was killed.
    threading.Thread(target=follow, name="following", daemon=True).start()


def _run_marketplace(settings: Settings, internal: socket.socket) -> None:
    _begin_child()
    house = House.open(settings)
    if house.marketplace is None:
        raise ValueError("no marketplace of our own is configured")
    app = create_marketplace(
        house.marketplace,
        wall_clock,
        hosts=public_hosts(settings),
        body_limit=settings.body_limit,
        terms=Terms(settings.address, settings.any_increase, settings.rate_limit),
    )
    _run(Server(server_config(app)), internal)
    house.close()


def _run_front(settings: Settings, upstream_url: str, clock: Clock, bound: list[socket.socket], memory: Memory) -> None:
    _begin_child()
    house = House.open(settings, clock)
    apps = create_gateway(settings, house, upstream_url, RequestLog(standard_error()), memory=memory)
    by_port = {listening.getsockname()[1]: app for listening, app in zip(bound, apps, strict=True)}

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        app = by_port[scope["server"][1]] if scope["type"] == "http" else apps.public
        await app(scope, receive, send)

    # TLS 1.2 and newer with forward secrecy, as Python has it: clients since 2012 speak that.
    certificate, key = settings.certificate or (None, None)
    config = server_config(
        answer,
        http=connections(Limits(settings.deadline, most_connections())),
        timeout_graceful_shutdown=GRACE,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    _run(Server(config, settings.deadline), *bound)
    house.close()


def _run(server: Server, *bound: socket.socket) -> None:
    # What is there for good need not be looked through for garbage again and again.
    gc.collect()
    gc.freeze()
    server.run(sockets=list(bound))


def _run_walker(settings: Settings, upstream_url: str, clock: Clock) -> None:
    _begin_child()
    # Where there are fewer processors than work, those who wait for an answer come first.
    os.nice(_NICENESS)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    house = House.open(settings, clock)
    upstream = open_upstream(settings, upstream_url)
    find = Keyring(house.credentials).find_account
    with (
        create_walker(settings, house.desk, house.stock, house.ledger, upstream, find),
        create_finisher(house, upstream, find),
    ):
        while not stopping.wait(1.0):
            pass
    upstream.close()
    house.close()
