"""One legacy request, step by step: read, authenticate, look up, translate, ask, translate back, render."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

from structlog import get_logger

from mturk_gateway.auth import authenticate
from mturk_gateway.clock import Clock
from mturk_gateway.credentials import Requester
from mturk_gateway.ledger.usage import Usage
from mturk_gateway.paging.pager import Pager, walker_identity
from mturk_gateway.paging.snapshots import Snapshots
from mturk_gateway.upstream import Upstream
from mturk_translators.document import answer, front_refusal, whole_refusal
from mturk_translators.faults import (
    MISSHAPEN,
    OUT_OF_RANGE,
    Fault,
    ModernError,
    Place,
    missing_operation,
    unavailable,
    unavailable_operation,
    unknown_operation,
)
from mturk_translators.flows import explain
from mturk_translators.operation import Context, Operation, Reply, Unavailable, Withdrawn, writes
from mturk_translators.operations import OPERATIONS
from mturk_translators.query import Node, Pair, blocks, first, merge, nest, parse_pairs
from mturk_translators.request import PageRequest, StepsRequest, translate, unknown_parameters, validates_only
from mturk_translators.response import Asked, give_page, give_refusal, give_result, give_validity
from mturk_translators.versions import resolve_version
from mturk_translators.xml import Element

log = get_logger()

_LARGEST_BATCH = 100

Result = TypeVar("Result")


@dataclass(frozen=True)
class Received:
    """A legacy request as HTTP brought it: encoded parameters of URL and body, and who sent it from where."""

    request_id: str
    query: bytes
    body: bytes
    peer: str
    program: str


@dataclass(frozen=True)
class Answer:
    """What goes back: the HTTP status and a whole legacy document."""

    status: int
    document: bytes


@dataclass(frozen=True)
class Pipeline:
    """The steps of every legacy request, and the parts that they use.

    `find` knows requesters by access key; `clock_skew` and `default_lifetime` are the settings of those names.
    """

    find: Callable[[str], Requester | None]
    upstream: Upstream
    pager: Pager
    snapshots: Snapshots
    usage: Usage
    executor: Executor
    clock: Clock
    clock_skew: int
    default_lifetime: int

    async def answer(self, received: Received) -> Answer:
        """The answer to a request, whatever is wrong with it."""
        operation, requester = None, None
        try:
            pairs = merge(parse_pairs(received.query), parse_pairs(received.body))
            operation = first(pairs, "Operation")
            requester = authenticate(pairs, self.find, self.clock(), self.clock_skew)
            name, entry = look_up(operation)
            self.usage.count(requester.access_key, "legacy", name, self.clock())
            version = resolve_version(first(pairs, "Version"))
            walker = _walker(requester, received, pairs)
            batch = _blocks(pairs, name)
            results = [
                await self._perform(
                    Asked(name, entry, _groups(entry, block), version, block), requester, walker, alone=len(batch) == 1
                )
                for block in batch
            ]
        except Fault as fault:
            return self._refuse(received.request_id, operation, requester, fault)
        _report(received.request_id, name, requester, version=version)
        return Answer(200, answer(name, received.request_id, results))

    async def _perform(self, asked: Asked, requester: Requester, walker: str, *, alone: bool) -> Element:
        """The result of one request. Raises Fault when the whole is refused, which only a request `alone` can be.

        In a batch every error stands in its own result: a client that was refused as a whole would do again what the
        others have done.
        """
        entry = asked.entry
        try:
            if not isinstance(entry, Operation):
                raise unavailable_operation(asked.name, entry.reason)
            request = translate(entry, asked.given, Context(uuid.uuid4().hex, self.default_lifetime))
            unknown = unknown_parameters(entry, asked.given)
            if unknown:
                log.info("unknown parameters", operation=asked.name, names=unknown)
            if validates_only(asked.given):
                return give_validity(asked)
            if isinstance(request, PageRequest):
                return await self._page(asked, request, requester, walker)
            reply = await self._run(self._ask, requester, entry, request)
            try:
                return give_result(asked, entry, reply)
            except MISSHAPEN as error:
                log.warning("upstream answered garbage", operation=asked.name, reason=type(error).__name__)
                raise unavailable() from None
        except Fault as fault:
            if alone and fault.place is not Place.REQUEST:
                raise
            log.info("refused", operation=asked.name, code=fault.code)
            return give_refusal(asked, self._stamped(fault, requester))

    async def _page(self, asked: Asked, request: PageRequest, requester: Requester, walker: str) -> Element:
        try:
            page = await self.pager.page(requester.access_key, request, f"{walker} {asked.given.path}")
        except TimeoutError:
            raise unavailable("The listing is still being read. Please try again in a few seconds.") from None
        except ModernError as error:
            raise await self._run(self._explain, requester, error, request.params) from None
        return give_page(asked, request, page.total, page.rows)

    def _ask(self, requester: Requester, entry: Operation, request: StepsRequest) -> Reply:
        try:
            return self.upstream.drive(requester, request.steps)
        except ModernError as error:
            raise self._explain(requester, error, request.params) from None
        finally:
            # Also after a failure: a call that timed out may have been carried out.
            if any(map(writes, entry.modern_calls)):
                self.snapshots.note_write(requester.access_key)

    def _explain(self, requester: Requester, error: ModernError, params: dict[str, object]) -> Fault:
        return self.upstream.drive(requester, explain(error, params))

    async def _run(self, function: Callable[..., Result], *given: object) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self.executor, function, *given)

    def _stamped(self, fault: Fault, requester: Requester | None) -> Fault:
        return fault.stamped(int(self.clock() * 1000), sandbox=requester is not None and requester.sandbox)

    def _refuse(self, request_id: str, operation: str | None, requester: Requester | None, fault: Fault) -> Answer:
        _report(request_id, operation, requester, code=fault.code)
        if fault.place is Place.FRONT:
            return Answer(fault.status, front_refusal(request_id, fault))
        return Answer(fault.status, whole_refusal(operation, request_id, self._stamped(fault, requester)))


def look_up(operation: str | None) -> tuple[str, Operation | Unavailable]:
    """The name and entry of the operation that a request asks for. Raises Fault when there is none."""
    if operation is None:
        raise missing_operation()
    entry = OPERATIONS.get(operation)
    if entry is None:
        raise unknown_operation(operation)
    if isinstance(entry, Withdrawn):
        raise unknown_operation(operation, f"It {entry.reason}.")
    return operation, entry


def _groups(entry: Operation | Unavailable, block: Node) -> frozenset[str]:
    words = [word.strip() for text in block.texts("ResponseGroup") for word in text.split(",")]
    return entry.groups.chosen(tuple(words)) if isinstance(entry, Operation) else frozenset()


def _blocks(pairs: tuple[Pair, ...], operation: str) -> tuple[Node, ...]:
    found = blocks(nest(pairs), operation)
    if len(found) > _LARGEST_BATCH:
        raise Fault(OUT_OF_RANGE, f"One request carries at most {_LARGEST_BATCH} requests of a batch.", Place.WHOLE)
    return found


_NEW_ON_EVERY_PAGE = ("PageNumber", "Signature", "Timestamp")


def _walker(requester: Requester, received: Received, pairs: tuple[Pair, ...]) -> str:
    lasting = sorted(pair for pair in pairs if pair.name.rpartition(".")[2] not in _NEW_ON_EVERY_PAGE)
    marks = (mark for pair in lasting for mark in pair)
    return walker_identity(requester.access_key, received.peer, received.program, *marks)


def _report(request_id: str, operation: str | None, requester: Requester | None, **facts: str) -> None:
    profile = requester.profile if requester else None
    log.info("legacy request", request_id=request_id, operation=(operation or "")[:64], requester=profile, **facts)
