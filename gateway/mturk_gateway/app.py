"""The composition root: what a front and a walker are made of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
from fastapi import FastAPI, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Lifespan
from structlog import get_logger

from mturk_gateway.clock import Clock, wall_clock
from mturk_gateway.credentials import DEMO, Keyring, Requester
from mturk_gateway.database import Database
from mturk_gateway.driver import Driver, LedgerOperation
from mturk_gateway.edge.failsafe import Failsafe
from mturk_gateway.edge.failures import Failures
from mturk_gateway.edge.guard import Guard
from mturk_gateway.edge.headers import SafeHeaders
from mturk_gateway.edge.proxies import BehindProxies
from mturk_gateway.edge.rates import Memory, Rate
from mturk_gateway.front import XML_TYPE, Front, LegacyFront, SoapFront
from mturk_gateway.house import House
from mturk_gateway.ledger.receptors import Receptors
from mturk_gateway.ledger.undertakings import RENEWAL, Undertakings
from mturk_gateway.ledger.usage import Usage
from mturk_gateway.modern import ModernFront
from mturk_gateway.observing.logs import RequestLog
from mturk_gateway.observing.reports import Reporting, current
from mturk_gateway.pages import PageReader
from mturk_gateway.paging.bases import Bases
from mturk_gateway.paging.clearing import Clearing, Limits
from mturk_gateway.paging.desk import Desk, Rules
from mturk_gateway.paging.journal import Journal
from mturk_gateway.paging.pager import Pager
from mturk_gateway.paging.queue import WalkQueue
from mturk_gateway.paging.shelf import Shelf
from mturk_gateway.paging.walker import LEASE, Walker
from mturk_gateway.paging.walking import Walking
from mturk_gateway.paging.writes import Writes
from mturk_gateway.pipeline import Pipeline
from mturk_gateway.replay.recorder import Recorder
from mturk_gateway.replay.scrubbing import Scrubber, scrubbing_key
from mturk_gateway.routes import Files, Health, Metrics
from mturk_gateway.settings import Settings
from mturk_gateway.statistics.deeds import Deeds
from mturk_gateway.statistics.tallies import Tallies
from mturk_gateway.undertaking import Finisher, Undertaker
from mturk_gateway.upstream import Sandbox, Upstream
from mturk_translators.call import Call, Reply
from mturk_translators.document import front_refusal
from mturk_translators.faults import unreadable

log = get_logger()

_SAVING = 5.0
"""Seconds between two times that usage counts go to the ledger."""
_SAVING_DEEDS = 1.0
"""The same for what statistics are made of."""
_WRITING = 0.5
"""Seconds between two times that lines about requests go to the log."""
_CALLS = 128
_THREADS = 16


class Apps(NamedTuple):
    """What a front answers on each of its listeners. The lifespan of all is that of `public`."""

    public: ASGIApp
    """Both APIs, later the workers' pages."""
    content: ASGIApp
    """Another origin, for pages that requesters wrote: nothing of ours may be had there. Reserved."""
    operators: ASGIApp
    """Health and metrics, later reports."""


def open_upstream(settings: Settings, url: str) -> Upstream:
    """The way to the modern API at a URL, and to its sandbox if there is one."""
    # Our own marketplace tells its realms apart by the Host header.
    outside = Sandbox(settings.sandbox_upstream) if settings.sandbox_upstream else None
    sandbox = Sandbox(url, "sandbox") if settings.embedded else outside
    return Upstream(url, settings.upstream_timeout, sandbox, direct=settings.embedded)


def create_gateway(
    settings: Settings,
    house: House,
    upstream_url: str,
    request_log: RequestLog,
    service_clock: Clock = wall_clock,
    memory: Memory | None = None,
) -> Apps:
    """A front. It closes nothing that it was given.

    `service_clock` is what the marketplace's rules go by; `memory` is what all fronts know of those who send requests.
    """
    memory = memory or Memory.own()
    # Calls wait for the upstream, and must not keep those waiting who only want a page.
    calls = ThreadPoolExecutor(_CALLS, thread_name_prefix="call")
    executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="front")
    # Keys that everybody may have seen are for this machine only.
    find = Keyring(house.credentials, DEMO if settings.exposed and settings.embedded else None).find
    key_rate, address_rate = (
        Rate(cells, memory.salt, rate) if rate else None
        for cells, rate in zip((memory.keys, memory.addresses), settings.rates, strict=True)
    )
    upstream = open_upstream(settings, upstream_url)
    rules = Rules(settings.freshness, settings.patience, settings.staleness, settings.walk_lifetime)
    writes = Writes(house.desk)
    desk = Desk(house.desk, writes, rules)
    usage = Usage(house.ledger)
    reader = PageReader(desk, Pager(desk, Shelf(house.stock), executor, settings.patience))
    client = httpx.AsyncClient(
        timeout=settings.upstream_timeout, limits=httpx.Limits(max_connections=256), trust_env=False
    )
    deeds = Deeds(house.ledger)
    tallies = Tallies(
        house.ledger,
        upstream,
        deeds,
        fee_rate=settings.fee_rate,
        freshness=settings.freshness,
        patience=settings.patience,
        staleness=settings.staleness,
    )

    def note(requester: Requester, call: Call, reply: Reply) -> None:
        deeds.note(requester.account, call, reply, service_clock())

    driver = Driver(upstream, writes, ledger_operations(house.ledger, tallies, service_clock), note)
    undertakings = Undertakings(house.ledger)
    recorder = _open_recorder(settings, house.stock)
    legacy = Pipeline(
        find,
        driver,
        Undertaker(undertakings, driver, writes),
        undertakings,
        reader,
        usage,
        calls,
        wall_clock,
        service_clock,
        upstream.has_sandbox,
        settings.clock_skew,
        settings.default_lifetime,
        recorder.note if recorder else None,
        key_rate,
    )
    modern = ModernFront(
        client,
        upstream,
        find,
        writes,
        usage,
        note,
        executor,
        wall_clock,
        url=f"{upstream_url.rstrip('/')}/",
        resign=not settings.embedded,
        hosts=public_hosts(settings),
        clock_skew=settings.clock_skew,
        body_limit=settings.body_limit,
        rate=key_rate,
    )
    health = Health(house, client, executor, f"{upstream_url}/healthz" if settings.embedded else None)
    counts_url = f"{upstream_url}/counts" if settings.embedded else None
    scrape = Metrics(house, client, executor, counts_url, settings.snapshot_space * 2**20)

    async def close() -> None:
        await reader.close()
        await client.aclose()
        if recorder:
            await asyncio.to_thread(recorder.close)
        await asyncio.to_thread(tallies.close)
        calls.shutdown()
        executor.shutdown()
        upstream.close()

    regular = {undertakings.renew: RENEWAL, usage.save: _SAVING, deeds.save: _SAVING_DEEDS, request_log.write: _WRITING}
    other = health.answered_by(_fastapi(_lifespan(executor, regular, close)))
    if settings.embedded:
        other.add_api_route("/files/{key}", Files(client, upstream_url).answer, methods=["GET"])
    limit = settings.body_limit
    failures = Failures(memory.failures, memory.salt) if settings.exposed else None
    front = Front(LegacyFront(legacy, limit), SoapFront(limit), modern, other)
    public = _through_proxies(Guard(front, address_rate, failures), settings)
    content = _through_proxies(_fastapi(), settings)
    operators = scrape.answered_by(health.answered_by(_fastapi()))
    apps = Apps(*(SafeHeaders(Failsafe(app), settings.public_url) for app in (public, content, operators)))
    return apps._replace(public=Reporting(apps.public, request_log))


def _through_proxies(app: ASGIApp, settings: Settings) -> ASGIApp:
    return BehindProxies(app, settings.proxies) if settings.proxies else app


def _open_recorder(settings: Settings, stock: Database) -> Recorder | None:
    if settings.record is None:
        return None
    read = Journal(stock).read
    if not settings.scrub:
        return Recorder(settings.record, read)
    return Recorder(settings.record, read, Scrubber(scrubbing_key(settings.data / "scrubbing.key")).scrub)


def ledger_operations(ledger: Database, tallies: Tallies, clock: Clock) -> dict[str, LedgerOperation]:
    """What flows may ask the ledger. `clock` is that of the marketplace."""
    receptors = Receptors(ledger)
    return {
        "GetReceptor": receptors.get,
        "PutReceptor": receptors.put,
        "ListTallies": lambda requester, params: tallies.list(requester, params, clock()),
    }


def create_finisher(
    house: House,
    upstream: Upstream,
    find: Callable[[str], Requester | None],
    clock: Clock = wall_clock,
) -> Finisher:
    """What goes on with undertakings, for the requesters that `find` knows by their accounts."""
    writes, deeds = Writes(house.desk), Deeds(house.ledger)

    def note(requester: Requester, call: Call, reply: Reply) -> None:
        deeds.note(requester.account, call, reply, clock())
        deeds.save()

    # What is planned needs no more of the ledger.
    driver = Driver(upstream, writes, {}, note)
    return Finisher(Undertaker(Undertakings(house.ledger), driver, writes), find)


def create_walker(
    settings: Settings,
    desk: Database,
    stock: Database,
    ledger: Database,
    upstream: Upstream,
    find: Callable[[str], Requester | None],
) -> Walker:
    """A walker on the databases of paging, for the requesters that `find` knows by their accounts."""
    space = settings.snapshot_space * 2**20
    queue = WalkQueue(desk, LEASE)
    walking = Walking(
        queue,
        Bases(stock),
        upstream,
        find,
        Undertakings(ledger).going,
        lifetime=settings.walk_lifetime,
        largest=space // 2,
        search_cap=settings.search_cap,
        journal=Journal(stock) if settings.record else None,
    )
    limits = Limits(settings.walk_lifetime, settings.staleness, space, space // 2)
    return Walker(queue, walking, Clearing(desk, stock, limits))


def _fastapi(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    return FastAPI(
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers={HTTPException: _nothing_here},
    )


async def _nothing_here(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    fault = unreadable(f"Nothing answers {request.method} here.", status)
    report = current()
    report.code = fault.code
    return Response(front_refusal(report.request_id, fault), status, media_type=XML_TYPE)


def _lifespan(
    executor: Executor, regular: Mapping[Callable[[], None], float], close: Callable[[], Awaitable[None]]
) -> Lifespan[FastAPI]:
    """A lifespan in which things are done regularly, every so many seconds and in the end, before all is closed."""

    async def do(what: Callable[[], None], pause: float) -> None:
        while True:
            await asyncio.sleep(pause)
            try:
                await asyncio.get_running_loop().run_in_executor(executor, what)
            except SQLAlchemyError:
                log.exception("not saved")

    def do_all() -> None:
        for what in regular:
            what()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(do(what, pause)) for what, pause in regular.items()]
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        # Calls that hang may keep us longer than we are given.
        do_all()
        await close()
        do_all()

    return lifespan


def public_hosts(settings: Settings) -> tuple[str, ...]:
    """The host names that a client may have signed although another one reached us."""
    return (urlsplit(settings.public_url).netloc,) if settings.public_url else ()
