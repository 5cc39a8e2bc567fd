"""Composite operations, carried out so that no failure and no end of a process leaves them half done."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from typing import Any, Self

from structlog import get_logger

from mturk_gateway.credentials import Requester
from mturk_gateway.driver import Driver
from mturk_gateway.ledger.undertakings import Promise, Undertakings
from mturk_gateway.paging.writes import Writes
from mturk_translators.call import Reply
from mturk_translators.faults import MISSHAPEN, Fault, ModernError, repeated_token, unavailable
from mturk_translators.operation import Context, Undertaking, Unfinished
from mturk_translators.operations import OPERATIONS

log = get_logger()


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
        token = given.get(undertaking.token or "")
        promise = self._known(requester, operation, given, token)
        if promise is None:
            plan = self._driver.drive(requester, undertaking.plan(given, context))
            name = _name(token, given) + ("" if token else context.token)
            promise = self._undertakings.begin(requester.account, operation, name, plan, context.request_id)
        if promise.state == "told":
            raise repeated_token(str(token), promise.request_id)
        if promise.state == "running":
            raise unavailable("The same request is being carried out. Please ask again in a few seconds.")
        if promise.state == "waiting":
            return {}
        if promise.state != "ended":
            try:
                self._driver.drive(requester, undertaking.carry_out(promise.plan))
            except Unfinished:
                self._wait(promise)
                return {}
            except (ModernError, Fault, *MISSHAPEN) as error:
                self._fail(promise, error)
                raise
        if token is None:
            self._undertakings.forget(promise)
        else:
            self._undertakings.change(promise, "told")
        return {}

    def _known(self, requester: Requester, operation: str, given: dict[str, Any], token: str | None) -> Promise | None:
        """The undertaking that a request asks for again.

        Without a token, it may just be another one that is the same: only what somebody is still owed the answer to is
        taken for it.
        """
        know = self._undertakings.adopt if token is None else self._undertakings.find
        return know(requester.account, operation, _name(token, given))

    def go_on(self, find: Callable[[str], Requester | None]) -> bool:
        """Go on with one undertaking that is due; False when none is. `find` knows requesters by their accounts."""
        promise = self._undertakings.take()
        if promise is None:
            return False
        requester = find(promise.requester)
        entry = OPERATIONS.get(promise.operation)
        undertaking = entry.undertaking if entry else None
        if requester is None or undertaking is None:
            self._undertakings.change(promise, promise.state, again=True)
            return True
        try:
            self._driver.drive(requester, undertaking.carry_out(promise.plan))
        except Unfinished:
            self._wait(promise)
        except (ModernError, Fault, *MISSHAPEN) as error:
            log.warning("undertaking met an error", operation=promise.operation, reason=str(error)[:200])
            self._fail(promise, error)
        else:
            log.info("undertaking finished", operation=promise.operation)
            if promise.state == "waiting":
                self._undertakings.forget(promise)
            else:
                self._undertakings.change(promise, "ended")
        return True

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


def _name(token: str | None, given: dict[str, Any]) -> str:
    """The name of an undertaking, or how it begins where there is no token of the caller's."""
    if token is not None:
        return f"token {token}"
    return f"{hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()} "


class Finisher:
    """The threads that go on with undertakings, between `start` and `stop` or inside a `with` block."""

    def __init__(self, undertaker: Undertaker, find: Callable[[str], Requester | None]) -> None:
        self._undertaker = undertaker
        self._find = find
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._look, name=f"finisher-{number}", daemon=True) for number in range(_THREADS)
        ]

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
                while not self._stopping.is_set() and self._undertaker.go_on(self._find):
                    pass
                if time.monotonic() - cleared > _CLEARING:
                    self._undertaker.clear()
                    cleared = time.monotonic()
            except Exception as error:  # noqa: BLE001  # its lease ends, and it is taken up again
                log.error("undertakings not gone on with", reason=type(error).__name__)


_THREADS = 4
_GLANCE = 0.5
"""Seconds between two looks for what is due, one indexed read each."""
_CLEARING = 60.0
