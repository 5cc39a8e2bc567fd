"""One request from bytes to bytes, step by step; synchronous, and without HTTP's machinery."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import Connection

from mturk_gateway.clock import Clock, wall_clock
from mturk_gateway.database import Database
from mturk_gateway.marketplace.operations import OPERATIONS, Operation
from mturk_gateway.marketplace.protocol.errors import Fault, service_fault, unknown_operation
from mturk_gateway.marketplace.protocol.serializer import serialize
from mturk_gateway.marketplace.protocol.validation import validate
from mturk_gateway.marketplace.protocol.wire import Response, operation_name, parse_body
from mturk_gateway.marketplace.requesters import Requester, find_key
from mturk_gateway.marketplace.services import timers
from mturk_gateway.marketplace.services.call import Call
from mturk_gateway.marketplace.services.pages import SINCE
from mturk_gateway.marketplace.services.tokens import PageTokens
from mturk_gateway.sigv4 import SignatureFault, SignedRequest, access_key_of, verify

_log = structlog.get_logger()


@dataclass(frozen=True)
class Server:
    """Answers signed requests from a migrated database.

    The rules follow `clock`; the age of signatures is judged by the wall clock, because clients sign with the real
    time. `hosts` are further Host values that clients may have signed.
    """

    database: Database
    clock: Clock
    tokens: PageTokens
    hosts: tuple[str, ...]

    def answer(self, request: SignedRequest) -> Response:
        """The response to a request, whatever happens."""
        # Until we know who asks, errors have the form of production.
        sandbox = False
        try:
            operation = operation_name(request)
            if operation not in OPERATIONS:
                raise unknown_operation()
            entry = OPERATIONS[operation]
            now = int(self.clock())
            with self.database.reading() as connection:
                requester = self._authenticate(connection, request)
                sandbox = requester.sandbox
                parameters = validate(operation, parse_body(request.body))
                since = next(iter(request.values(SINCE)), None)
                call = Call(operation, parameters, requester, now, connection, self.tokens, since)
                if not entry.writes and not timers.due(connection, now):
                    return _carry_out(entry, call)
            with self.database.writing() as connection:
                timers.settle(connection, now)
                return _carry_out(entry, replace(call, connection=connection))
        except Fault as raised:
            fault = raised
        except Exception as error:  # noqa: BLE001  # clients must get an error that they can read
            # The message stays out: a database's holds the values of the statement, secrets and answers among them.
            _log.error("request failed", error=type(error).__name__, frames=traceback.format_tb(error.__traceback__))
            fault = service_fault()
        return Response(fault.status, fault.body(int(self.clock() * 1000), sandbox=sandbox))

    def _authenticate(self, connection: Connection, request: SignedRequest) -> Requester:
        try:
            access_key = access_key_of(request)
            key = find_key(connection, access_key)
            if key is None:
                message = "The security token included in the request is invalid."
                raise SignatureFault("UnrecognizedClientException", 403, message)
            verify(request, key.secret, wall_clock(), hosts=self.hosts)
        except SignatureFault as refused:
            raise Fault(refused.type, refused.status, refused.message) from None
        return key.requester


def _carry_out(entry: Operation, call: Call) -> Response:
    document = serialize(call.operation, entry.handler(call))
    return Response(200, document, further=call.headers)
