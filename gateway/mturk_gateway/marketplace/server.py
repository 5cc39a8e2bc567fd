"""One request from bytes to bytes, step by step; synchronous, and without HTTP's machinery."""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Mapping
from typing import Any

import structlog

from mturk_gateway.clock import Clock, wall_clock
from mturk_gateway.database import Database
from mturk_gateway.marketplace import realms
from mturk_gateway.marketplace.operations import OPERATIONS
from mturk_gateway.marketplace.protocol.errors import Fault, service_fault, throttled, unknown_operation
from mturk_gateway.marketplace.protocol.model import TARGET_PREFIX
from mturk_gateway.marketplace.protocol.serializer import serialize
from mturk_gateway.marketplace.protocol.validation import validate
from mturk_gateway.marketplace.protocol.wire import Response, operation_name, parse_body
from mturk_gateway.marketplace.requesters import Requester, key_finder
from mturk_gateway.marketplace.services import timers
from mturk_gateway.marketplace.services.call import Call
from mturk_gateway.marketplace.services.lists.pages import SINCE
from mturk_gateway.marketplace.services.lists.tokens import PageTokens
from mturk_gateway.marketplace.terms import Terms
from mturk_gateway.marketplace.throttle import Throttle
from mturk_gateway.sigv4 import SignatureFault, SignedRequest, access_key_of, verify

_log = structlog.get_logger()


class _WouldWait(Exception):  # noqa: N818  # nothing has gone wrong
    """The answer cannot be had at once."""


class Server:
    """Answers signed requests from a migrated database.

    The rules follow `clock`; the age of signatures is judged by the wall clock, because clients sign with the real
    time. `hosts` are further Host values that clients may have signed.
    """

    def __init__(
        self, database: Database, clock: Clock, tokens: PageTokens, hosts: tuple[str, ...], terms: Terms
    ) -> None:
        self._database = database
        self._clock = clock
        self._tokens = tokens
        self._hosts = hosts
        self._terms = terms
        self._throttle = Throttle(terms.rate_limit)
        self._find_key = key_finder(database)
        self._timer_is_due = timers.watch(database)

    def answer_at_once(self, request: SignedRequest) -> Response | None:
        """The response to a request that takes only a short look, without waiting for anybody; None for any other."""
        named = next(iter(request.values("x-amz-target")), "").removeprefix(TARGET_PREFIX)
        operation = OPERATIONS.get(named)
        if operation is None or not operation.brief:
            return None
        try:
            return self._answer(request, waiting=False)
        except _WouldWait:
            return None

    def answer(self, request: SignedRequest) -> Response:
        """The response to a request, whatever happens."""
        return self._answer(request, waiting=True)

    def _answer(self, request: SignedRequest, *, waiting: bool) -> Response:
        # Until we know who asks, errors have the form of production.
        sandbox = False
        try:
            operation = operation_name(request)
            if operation not in OPERATIONS:
                raise unknown_operation()
            requester = self._authenticate(request)
            sandbox = requester.sandbox
            now = self._clock()
            if not waiting and self._timer_is_due(int(now), requester.id):
                raise _WouldWait
            if not self._throttle.admits(requester.id, now):
                raise throttled()
            parameters = validate(operation, parse_body(request.body))
            if waiting:
                self._settle(int(now), requester.id)
            return self._perform(request, requester, operation, parameters)
        except _WouldWait:
            raise
        except Fault as raised:
            fault = raised
        except Exception as error:  # noqa: BLE001  # clients must get an error that they can read
            # The message stays out: a database's holds the values of the statement, secrets and answers among them.
            _log.error("request failed", error=type(error).__name__, frames=traceback.format_tb(error.__traceback__))
            fault = service_fault()
        return Response(fault.status, fault.body(int(self._clock() * 1000), sandbox=sandbox))

    def settle(self) -> None:
        """Store what time has brought to anybody; whatever goes wrong is logged, for it may pass."""
        try:
            self._settle(int(self._clock()), None)
        except Exception as error:  # noqa: BLE001  # the next sweep must come
            _log.error("timers could not take effect", error=type(error).__name__)

    def _settle(self, now: int, requester_id: str | None) -> None:
        """Store what time has brought, bit by bit, so that others can write in between."""
        more = self._timer_is_due(now, requester_id)
        while more:
            with self._database.writing() as connection:
                more = timers.settle_some(connection, now, requester_id)

    def _authenticate(self, request: SignedRequest) -> Requester:
        try:
            access_key = access_key_of(request)
            key = self._find_key(access_key)
            if key is None:
                message = "The security token included in the request is invalid."
                raise SignatureFault("UnrecognizedClientException", 403, message)
            verify(request, key.secret, wall_clock(), hosts=self._hosts)
        except SignatureFault as refused:
            raise Fault(refused.type, refused.status, refused.message) from None
        return key.in_sandbox if realms.is_sandbox(request) else key.requester

    def _perform(
        self, request: SignedRequest, requester: Requester, operation: str, parameters: Mapping[str, Any]
    ) -> Response:
        entry = OPERATIONS[operation]
        since = next(iter(request.values(SINCE)), None)
        with self._database.writing() if entry.writes else self._database.reading() as connection:
            # Who has waited for the right to write must not write what was true before others did.
            now = int(self._clock())
            if entry.writes and self._timer_is_due(now, requester.id):
                timers.settle(connection, now, requester.id)
            request_id = str(uuid.uuid4())
            call = Call(
                operation, parameters, requester, now, connection, self._tokens, request_id, since, terms=self._terms
            )
            document = serialize(operation, entry.handler(call))
        return Response(200, document, further=call.headers, request_id=request_id)
