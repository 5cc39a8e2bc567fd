"""Composite operations, carried out so that no failure and no end of a process leaves them half done."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from typing import Any, Self

from structlog import get_logger
from structlog.contextvars import bound_contextvars

from mturk_gateway.credentials import Requester
from mturk_gateway.database import TROUBLE
from mturk_gateway.driver import Driver
from mturk_gateway.ledger.undertakings import RENEWAL, Busy, Promise, Undertakings, Wish
from mturk_gateway.paging.writes import Writes
from mturk_translators.call import Reply
from mturk_translators.faults import MISSHAPEN, Fault, ModernError, repeated_token, unavailable
from mturk_translators.operation import Context, Steps, Undertaking, Unfinished
from mturk_translators.operations import OPERATIONS

log = get_logger()

_PATIENCE = 10.0
"""Seconds that a request waits for another one about the same subject."""
_PAUSE = 0.02
"""Seconds between two looks whether the other one has come to its end."""
_BUSY = "An earlier request about the same object is still being carried out. Please ask again in a few seconds."

_THREADS = 4
_GLANCE = 0.5
"""Seconds between two looks for what is due, one indexed read each."""
_BETWEEN = 1.0
"""Seconds after one that still waits for others: nobody is waiting for it, and there may be thousands."""
_CLEARING = 60.0
"""Seconds between two times that what nobody can ask for any more is dropped."""


class Undertaker:
    """Plans, promises and carries out undertakings. Blocks; any thread may use it.

    What was planned is in the ledger before the first write, so it can be gone on with: by the same request if it is
    made again, or by the walker's process (`go_on`).
    """

    def __init__(self, undertakings: Undertakings, driver: Driver, writes: Writes) -> None:
        self._undertakings = undertakings
        self._driver = driver
        self._writes = writes

    def answer(
        self, requester: Requester, operation: str, undertaking: Undertaking, given: dict[str, Any], context: Context
    ) -> Reply:
        """What comes of a request. Raises ModernError or Fault.

        After an error that passes, the undertaking goes on by itself, and who asks again asks after the same one.
        """
        wish = _wish(operation, undertaking, given, context)
        promise = self._claim(requester, wish, context.request_id)
        if promise.state == "told":
            raise repeated_token(str(given[undertaking.token or ""]), promise.request_id)
        if promise.state == "waiting":
            return {}
        if promise.state != "ended":
            with self._undertakings.holding(promise):
                if promise.plan is None:
                    promise = self._plan(requester, promise, undertaking.plan(given, context))
                try:
                    self._carry_out(requester, promise, undertaking)
                except Unfinished:
                    self._wait(promise)
                    return {}
                except (ModernError, Fault, *MISSHAPEN) as error:
                    self._fail(promise, error)
                    raise
        if wish.token:
            self._undertakings.change(promise, "told")
        else:
            self._undertakings.forget(promise)
        return {}

    def settle(self, requester: Requester, subject: str) -> None:
        """Finish what was left unfinished about a subject, so that it does not undo what comes now. Raises Fault."""
        self._patiently(requester, lambda: self._undertakings.left_about(requester.account, subject))

    def _claim(self, requester: Requester, wish: Wish, request_id: str) -> Promise:
        """The promise that is the wish itself, when nothing else about its subject is unfinished any more."""
        mine: list[Promise] = []

        def claim() -> Promise | Busy | None:
            claimed = self._undertakings.claim(requester.account, wish, request_id)
            alike = isinstance(claimed, Promise) and (claimed.operation, claimed.kind) == (wish.operation, wish.kind)
            if isinstance(claimed, Promise) and (alike or claimed.state != "open"):
                mine.append(claimed)
                return None
            return claimed

        self._patiently(requester, claim)
        return mine[0]

    def _patiently(self, requester: Requester, look: Callable[[], Promise | Busy | None]) -> None:
        """Carry out what is found, or wait while somebody else does, until nothing is found any more."""
        until = time.monotonic() + _PATIENCE
        while (found := look()) is not None:
            if isinstance(found, Promise):
                if self._finish(requester, found) == "open":
                    raise unavailable(_BUSY)
            elif time.monotonic() > until:
                raise unavailable(_BUSY)
            else:
                time.sleep(_PAUSE)

    def _plan(self, requester: Requester, promise: Promise, steps: Steps) -> Promise:
        try:
            plan = self._driver.drive(requester, steps)
        except BaseException:
            self._undertakings.forget(promise)
            raise
        return self._undertakings.keep(promise, plan)

    def _carry_out(self, requester: Requester, promise: Promise, undertaking: Undertaking) -> None:
        self._driver.drive(requester, undertaking.carry_out(promise.plan or {}))

    def go_on(self, find: Callable[[str], Requester | None]) -> str | None:
        """Go on with one undertaking that is due, and say if it is *open*, *waiting* or *ended* now; None when none is.

        `find` knows requesters by their accounts.
        """
        promise = self._undertakings.take()
        if promise is None:
            return None
        requester = find(promise.requester)
        if requester is None:
            state = "waiting" if promise.state == "waiting" else "open"
            self._undertakings.change(promise, state, again=True)
            return state
        with bound_contextvars(request_id=promise.request_id):
            return self._finish(requester, promise)

    def _finish(self, requester: Requester, promise: Promise) -> str:
        """Carry out what somebody else has begun; whether it is *open*, *waiting* or *ended* now."""
        undertaking = OPERATIONS[promise.operation].undertaking
        if promise.plan is None or undertaking is None:
            # Whoever was to plan it is gone, and nothing of it was done.
            self._undertakings.forget(promise)
            return "ended"
        try:
            with self._undertakings.holding(promise):
                self._carry_out(requester, promise, undertaking)
        except Unfinished:
            self._wait(promise)
            return "waiting"
        except (ModernError, Fault, *MISSHAPEN) as error:
            log.warning("undertaking met an error", operation=promise.operation, reason=type(error).__name__)
            self._fail(promise, error)
            passing = isinstance(error, MISSHAPEN) or (isinstance(error, ModernError) and error.is_passing)
            return promise.state if promise.state == "waiting" else "open" if passing else "ended"
        else:
            log.info("undertaking finished", operation=promise.operation)
            if promise.state == "waiting":
                self._undertakings.forget(promise)
            else:
                self._undertakings.change(promise, "ended")
        return "ended"

    def renew(self) -> None:
        """Say that this process is still at what it carries out; to be called every `RENEWAL` seconds."""
        self._undertakings.renew()

    def clear(self) -> None:
        """Forget what nobody can ask for any more."""
        self._undertakings.clear()

    def _wait(self, promise: Promise) -> None:
        self._undertakings.change(promise, "waiting", again=True)
        # What it is about is hidden from now on, so what was listed before may not be shown any more.
        if promise.state != "waiting":
            self._writes.note(promise.requester, None)

    def _fail(self, promise: Promise, error: Exception) -> None:
        if promise.state == "waiting":
            # It was promised, whatever it takes.
            self._undertakings.change(promise, "waiting", again=True)
        elif isinstance(error, MISSHAPEN):
            # A reply that was none.
            self._undertakings.change(promise, "open", again=True)
        elif isinstance(error, ModernError) and error.is_passing:
            error.so_far = f"{error.so_far} What is missing is done as soon as possible; to ask again is safe.".lstrip()
            self._undertakings.change(promise, "open", again=True)
        elif isinstance(error, ModernError) and error.so_far:
            self._undertakings.change(promise, "stuck")
        else:
            self._undertakings.forget(promise)


def _wish(operation: str, undertaking: Undertaking, given: dict[str, Any], context: Context) -> Wish:
    kind = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
    token = given.get(undertaking.token or "")
    name = f"own {context.token}" if token is None else f"token {token}"
    return Wish(operation, name, kind, given.get("HITId") or given["AssignmentId"], token is not None)


class Finisher:
    """The threads that go on with undertakings, between `start` and `stop` or inside a `with` block."""

    def __init__(self, undertaker: Undertaker, find: Callable[[str], Requester | None]) -> None:
        self._undertaker = undertaker
        self._find = find
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._look, name=f"finisher-{number}", daemon=True) for number in range(_THREADS)
        ]
        self._threads.append(threading.Thread(target=self._renew, name="finisher-holding", daemon=True))

    def start(self) -> Self:
        """Begin to look for what is due."""
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """End after what is under way."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def _look(self) -> None:
        cleared = 0.0
        while not self._stopping.wait(_GLANCE):
            try:
                while not self._stopping.is_set() and (state := self._undertaker.go_on(self._find)):
                    if state == "waiting":
                        self._stopping.wait(_BETWEEN)
                if time.monotonic() - cleared > _CLEARING:
                    self._undertaker.clear()
                    cleared = time.monotonic()
            except Exception as error:  # noqa: BLE001  # its lease ends, and it is taken up again
                log.error("undertakings not gone on with", reason=type(error).__name__)

    def _renew(self) -> None:
        while not self._stopping.wait(RENEWAL):
            try:
                self._undertaker.renew()
            except TROUBLE as error:
                log.error("undertakings not held", reason=type(error).__name__)
