"""One legacy request, step by step: read, authenticate, look up, translate, ask, translate back, render."""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from structlog import get_logger

from mturk_gateway.auth import Claim, authenticate
from mturk_gateway.clock import Clock
from mturk_gateway.credentials import NOBODY, Requester
from mturk_gateway.database import TROUBLE
from mturk_gateway.driver import Driver
from mturk_gateway.edge.rates import Rate
from mturk_gateway.exchange import Answer, Exchange, Received
from mturk_gateway.ledger.undertakings import Undertakings
from mturk_gateway.ledger.usage import Usage
from mturk_gateway.observing import metrics
from mturk_gateway.observing.reports import current
from mturk_gateway.pages import PageReader
from mturk_gateway.paging.snapshots import Sought
from mturk_gateway.question import Ask, Question, Questions, Wanted
from mturk_gateway.transcript import transcribe
from mturk_gateway.undertaking import Undertaker
from mturk_translators.call import Reply
from mturk_translators.document import answer, front_refusal, whole_refusal
from mturk_translators.faults import (
    MISSHAPEN,
    NOT_AUTHORIZED,
    Fault,
    ModernError,
    Place,
    disposed_hit,
    legacy_fault,
    no_sandbox,
    too_often,
    unavailable,
)
from mturk_translators.flows.errors import explain
from mturk_translators.operation import Context
from mturk_translators.request import ReportsRequest, StepsRequest, UndertakingRequest
from mturk_translators.response import PageRead, give_refusal, give_result, give_validity
from mturk_translators.xml import Element, Rendered

log = get_logger()


Result = TypeVar("Result")

_LARGEST_ANONYMOUS = 2048
"""Characters that a request may have whose sender nobody knows: answers repeat them, and batches many times."""

Doing = StepsRequest | UndertakingRequest


class Caller(NamedTuple):
    """Who sent a request: the requester, what tells the program from others (`Question.walker`), and its ID."""

    requester: Requester
    walker: str
    request_id: str

    def walks(self, ask: Ask) -> str:
        """What tells apart who walks through the pages of a request, or of one of a batch."""
        return f"{self.walker} {self.requester.account} {ask.asked.given.path}"


@dataclass(frozen=True)
class Pipeline:
    """The steps of every legacy request, and the parts that they use. For one event loop.

    `find` knows requesters by access key; `service_clock` is what the marketplace's rules go by; `has_sandbox` says
    whether there is anything behind the hosts of the sandbox; `clock_skew` and `default_lifetime` are the settings of
    those names; `record` is given what requesters asked and were answered; `rate` is that of each access key.
    """

    find: Callable[[str], Requester | None]
    driver: Driver
    undertaker: Undertaker
    undertakings: Undertakings
    reader: PageReader
    usage: Usage
    executor: Executor
    clock: Clock
    service_clock: Clock
    has_sandbox: bool
    clock_skew: int
    default_lifetime: int
    record: Callable[[Exchange], None] | None = None
    rate: Rate | None = None
    questions: Questions = field(default_factory=Questions)

    async def answer(self, received: Received) -> Answer:
        """The answer to a request, whatever is wrong with it."""
        if self.record is None:
            answered, _ = await self._answer(received)
            return answered
        moment, now, transcript = self.clock(), self.service_clock(), transcribe()
        answered, requester = await self._answer(received)
        # What nobody in particular has asked cannot be told apart from what was asked with the right keys.
        if requester:
            self.record(Exchange(received, answered, moment, now, requester, transcript))
        return answered

    async def _answer(self, received: Received) -> tuple[Answer, Requester | None]:
        """The answer, and who asked, as far as that is proved."""
        operation, requester, report = None, None, current()
        report.sandbox = received.sandbox
        try:
            question, claim = self.questions.read(received.query, received.body)
            operation = question.operation
            report.operation = operation or ""
            requester = self._who(question, claim, sandbox=received.sandbox)
            report.requester = requester.profile or None
            known = bool(requester.access_key)
            if known and requester.guest and not self.has_sandbox:
                raise no_sandbox()
            asks = question.asks
            name = asks[0].asked.name
            wait = self.rate.admit(requester.access_key, len(asks)) if self.rate and known else 0
            if wait:
                metrics.throttled("legacy", "key")
                refusal = self._refuse(received, operation, requester, too_often())
                return refusal._replace(retry_after=math.ceil(wait)), requester
            self.usage.count(requester.access_key, "legacy", name, self.clock())
            caller = Caller(requester, question.walker(received.peer, received.program), received.request_id)
            results = [await self._perform(asks[0], caller, alone=len(asks) == 1)]
            for ask in asks[1:]:
                # Nothing may have been waited for, and others want to be answered between the requests of a batch.
                await asyncio.sleep(0)
                results.append(await self._perform(ask, caller, alone=False))
        except Fault as fault:
            return self._refuse(received, operation, requester, fault), requester
        report.version = question.version
        return Answer(200, answer(name, received.request_id, results)), requester

    def _who(self, question: Question, claim: Claim, *, sandbox: bool) -> Requester:
        nameless = not (claim.access_key or claim.signature or claim.timestamp)
        if nameless and question.is_anonymous and question.size <= _LARGEST_ANONYMOUS:
            return NOBODY.in_sandbox() if sandbox else NOBODY
        requester = authenticate(claim, self.find, self.clock(), self.clock_skew)
        return requester.in_sandbox() if sandbox else requester

    async def _perform(self, ask: Ask, caller: Caller, *, alone: bool) -> Element | Rendered:
        """The result of one request. Raises Fault when the whole is refused, which only a request `alone` can be.

        In a batch every error stands in its own result: a client that was refused as a whole would do again what the
        others have done.
        """
        asked = ask.asked
        try:
            request = ask.translated(lambda: self._context(caller.request_id), caller.requester.account)
            if ask.validates_only:
                return give_validity(asked)
            await self._refuse_disposed(ask, request, caller.requester)
            requester, walker = caller.requester, caller.walks(ask)
            if isinstance(request, Sought):
                return await self._read(requester, request.page.params, self.reader.page(ask, request, walker))
            pages: tuple[tuple[str, PageRead], ...] = ()
            doing = request.head if isinstance(request, ReportsRequest) else request
            reply = await self._run(self._ask, requester, ask, doing)
            if isinstance(request, ReportsRequest):
                reading = self.reader.reports(request, requester.account, walker)
                pages = await self._read(requester, request.params, reading)
            try:
                return give_result(asked, ask.entry, reply, pages)
            except MISSHAPEN as error:
                raise _garbage(asked.name, error) from None
        except Fault as fault:
            if alone and fault.place is not Place.REQUEST:
                raise
            report = current()
            report.code = report.code or fault.code
            return give_refusal(asked, self._stamped(fault, sandbox=caller.requester.sandbox))

    async def _refuse_disposed(self, ask: Ask, request: Wanted, requester: Requester) -> None:
        """Refuse a request about a HIT that is being disposed of, unless the entry says that its answer can show it."""
        hit = (request.page if isinstance(request, Sought) else request).params.get("HITId")
        try:
            if hit is None or not self.undertakings.is_going(requester.account, hit):
                return
            await self._run(self.undertakings.hasten, requester.account, hit)
        except TROUBLE as error:
            raise _trouble("the ledger cannot be read", error) from None
        if not ask.entry.shows_disposed:
            raise disposed_hit(hit, ask.entry.states)

    async def _read(self, requester: Requester, params: dict[str, object], reading: Awaitable[Result]) -> Result:
        """What is read from a listing. Raises Fault when that fails; `params` are those of the request."""
        try:
            return await reading
        except TimeoutError:
            raise unavailable("The listing is still being read. Please try again in a few seconds.") from None
        except ModernError as error:
            raise await self._run(self._explain, requester, error, params) from None
        except TROUBLE as error:
            raise _trouble("pages cannot be read", error) from None

    def _ask(self, requester: Requester, ask: Ask, request: Doing) -> Reply:
        name = ask.asked.name
        try:
            if isinstance(request, StepsRequest):
                if ask.entry.states and "HITId" in request.params:
                    # What was promised before must not undo what is asked for now.
                    self.undertaker.settle(requester, request.params["HITId"])
                reply = self.driver.drive(requester, request.steps)
                hit = reply.get("HIT") or {}
                going = "HITId" in hit and self.undertakings.is_going(requester.account, hit["HITId"])
                return {**reply, "HIT": {**hit, "HITStatus": "Disposed"}} if going else reply
            return self.undertaker.answer(requester, name, request.undertaking, request.params, request.context)
        except ModernError as error:
            raise self._explain(requester, error, request.params) from None
        except TROUBLE as error:
            raise _trouble("the ledger cannot be used", error) from None
        except MISSHAPEN as error:
            raise _garbage(name, error) from None

    def _explain(self, requester: Requester, error: ModernError, params: dict[str, object]) -> Fault:
        try:
            return self.driver.drive(requester, explain(error, params))
        except MISSHAPEN as misshapen:
            log.warning("upstream answered garbage", reason=type(misshapen).__name__)
            return legacy_fault(error, params)

    async def _run(self, function: Callable[..., Result], *given: object) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self.executor, copy_context().run, function, *given)

    def _context(self, request_id: str) -> Context:
        return Context(uuid.uuid4().hex, self.default_lifetime, int(self.service_clock()), request_id)

    def _stamped(self, fault: Fault, *, sandbox: bool) -> Fault:
        return fault.stamped(int(self.clock() * 1000), sandbox=sandbox)

    def _refuse(self, received: Received, operation: str | None, requester: Requester | None, fault: Fault) -> Answer:
        current().code = fault.code
        if fault.place is Place.FRONT:
            return Answer(fault.status, front_refusal(received.request_id, fault))
        stamped = self._stamped(fault, sandbox=requester.sandbox if requester else received.sandbox)
        unproved = requester is None and fault.code == NOT_AUTHORIZED
        return Answer(fault.status, whole_refusal(operation, received.request_id, stamped), unproved)


def _garbage(operation: str, error: Exception) -> Fault:
    log.warning("upstream answered garbage", operation=operation, reason=type(error).__name__)
    return unavailable()


def _trouble(event: str, error: Exception) -> Fault:
    log.error(event, reason=type(error).__name__)
    return unavailable()
