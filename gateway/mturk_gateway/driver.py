"""What makes the calls of flows: those of the modern API through the upstream, the others in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any, TypeVar

from mturk_gateway.credentials import Requester
from mturk_gateway.driving import drive
from mturk_gateway.paging.writes import Writes
from mturk_gateway.upstream import Upstream
from mturk_translators.call import Call, LedgerCall, Reply, writes, written_by

Outcome = TypeVar("Outcome")

LedgerOperation = Callable[[Requester, dict[str, Any]], Reply]
"""What answers a question to the ledger: it gets who asks, and the parameters."""


class Driver:
    """Makes the calls of flows, of the upstream and of the ledger, and records what is written. Any thread may use it.

    `noted` is told of each write that was acknowledged.
    """

    def __init__(
        self,
        upstream: Upstream,
        writes: Writes,
        ledger: Mapping[str, LedgerOperation],
        noted: Callable[[Requester, Call, Reply], None],
    ) -> None:
        self._upstream = upstream
        self._writes = writes
        self._ledger = ledger
        self._noted = noted

    def drive(self, requester: Requester, steps: Generator[Call | LedgerCall, Reply, Outcome]) -> Outcome:
        """What the steps of a flow return. Raises what they raise."""
        return drive(steps, lambda call: self._answer(requester, call))

    def _answer(self, requester: Requester, call: Call | LedgerCall) -> Reply:
        if isinstance(call, LedgerCall):
            return self._ledger[call.operation](requester, call.params)
        if not writes(call.operation):
            return self._upstream.call(requester, call)
        reply = None
        try:
            reply = self._upstream.call(requester, call)
        finally:
            # One that failed may have been carried out all the same.
            self._writes.note(requester.account, written_by(call, reply))
        self._noted(requester, call, reply)
        return reply
