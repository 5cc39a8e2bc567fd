"""The walker: the threads that do what is queued, and keep a hold on it while they do."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from structlog import get_logger
from structlog.contextvars import bound_contextvars

from mturk_gateway.observing import metrics
from mturk_gateway.paging.clearing import Clearing
from mturk_gateway.paging.queue import Task, ViewTask, WalkQueue
from mturk_gateway.paging.walking import HopelessError, Interrupted, Walking
from mturk_gateway.upstream import UNREACHABLE
from mturk_translators.faults import THROTTLED, ModernError

log = get_logger()

LEASE = 5.0
"""Seconds after which a walk whose walker gives no sign of life is gone on with by another."""
_SIGN_OF_LIFE = 1.0
_PAUSE = 0.01
"""Seconds between two looks for work, one indexed read each."""
_CLEARING = 15.0
_AT_A_TIME, _OF_ONE = 16, 4
"""Walks at a time, and those of one requester: long listings must not keep others waiting, nor must stuck ones."""

_FIRST_DELAY, _LONGEST_DELAY = 0.5, 20.0
_MOST_DELAYS, _MOST_DELAYS_THROTTLED = 5, 10


class Walker:
    """Does what is queued, in threads of its own, between `start` and `stop` or inside a `with` block."""

    def __init__(self, queue: WalkQueue, walking: Walking, clearing: Clearing) -> None:
        self._queue = queue
        self._walking = walking
        self._clearing = clearing
        self._stopping = threading.Event()
        self._free = threading.Semaphore(_AT_A_TIME)
        self._pool = ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="walk")
        self._walks: Counter[str] = Counter()
        self._sorting: set[str] = set()
        self._counting = threading.Lock()
        self._threads = [
            threading.Thread(target=work, name=f"walker-{work.__name__}", daemon=True)
            for work in (self._look, self._hold, self._clear)
        ]

    def start(self) -> Self:
        """Begin to walk."""
        metrics.walker_lives(time.time())
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """End after the page that is under way; the walk goes on with the next walker."""
        self._stopping.set()
        self._walking.stop()
        for thread in self._threads:
            thread.join()
        self._pool.shutdown()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def _look(self) -> None:
        while not self._stopping.is_set():
            self._free.acquire()
            try:
                begun = self._begin()
            except Exception as error:  # noqa: BLE001  # a database that is locked or full must not end walking for good
                log.error("looking for walks failed", reason=type(error).__name__)
                begun = False
                self._stopping.wait(1.0)
            if not begun:
                self._free.release()
                self._stopping.wait(_PAUSE)

    def _begin(self) -> bool:
        """Begin with something, if there is anything to do."""
        if not self._queue.has_work():
            return False
        with self._counting:
            busy = [requester for requester, number in self._walks.items() if number >= _OF_ONE]
        task = self._queue.take(busy)
        if task:
            with self._counting:
                self._walks[task.walk.requester] += 1
            self._pool.submit(self._walk, task)
            return True
        # One view of a listing at a time: somebody who asks for thousands must not keep the others waiting.
        view = self._queue.next_view(self._sorting)
        if view:
            self._sorting.add(view.listing)
            self._pool.submit(self._arrange, view)
            return True
        return False

    def _hold(self) -> None:
        while not self._stopping.wait(_SIGN_OF_LIFE):
            metrics.walker_lives(time.time())
            try:
                if self._walks.total():
                    self._queue.hold()
            except Exception as error:  # noqa: BLE001  # the next try may still be in time
                log.error("walks not held", reason=type(error).__name__)

    def _clear(self) -> None:
        while not self._stopping.wait(_CLEARING):
            try:
                self._clearing.clear()
            except Exception as error:  # noqa: BLE001  # what stays is cleared the next time
                log.error("clearing failed", reason=type(error).__name__)

    def _arrange(self, view: ViewTask) -> None:
        try:
            self._walking.arrange(view)
            self._queue.made(view)
        except Exception:
            log.exception("a view could not be sorted")
            self._stopping.wait(1.0)
        finally:
            self._sorting.discard(view.listing)
            self._free.release()

    def _walk(self, task: Task) -> None:
        # Whoever asked for it has its number in the line about the request.
        with bound_contextvars(walk=task.id):
            begun = time.monotonic()
            outcome = self._do(task)
            metrics.walked(task.walk.operation, outcome, time.monotonic() - begun)

    def _do(self, task: Task) -> str:
        """What came of a walk, in the words of the metrics."""
        outcome = "failed"
        try:
            try:
                self._walking.do(task)
                outcome = "complete"
            except Interrupted:
                outcome = "interrupted"
                self._queue.release(task.id)
            except ModernError as error:
                outcome = self._give_up(task, error)
            except Exception:
                log.exception("walk interrupted", operation=task.walk.operation)
                self._queue.fail(task.id, ModernError(UNREACHABLE, "the walk was interrupted", status=0))
        except Exception as error:  # noqa: BLE001  # its lease ends, and the walk is taken up again
            log.error("a walk could not be ended", operation=task.walk.operation, reason=type(error).__name__)
        finally:
            with self._counting:
                self._walks.subtract([task.walk.requester])
                self._walks = +self._walks
            self._free.release()
        return outcome

    def _give_up(self, task: Task, error: ModernError) -> str:
        """End a walk that met an error, or put it off if it may pass and something would be lost; says which."""
        throttled = error.type in THROTTLED
        passing = not isinstance(error, HopelessError) and (throttled or error.status == 0 or error.status >= 500)
        most = _MOST_DELAYS_THROTTLED if throttled else _MOST_DELAYS
        if passing and task.again < most and self._walking.has_come_far(task):
            delay = min(_FIRST_DELAY * 2**task.again, _LONGEST_DELAY)
            log.info("walk put off", operation=task.walk.operation, error=error.type, seconds=delay)
            self._queue.put_off(task.id, delay)
            return "put_off"
        log.info("walk failed", operation=task.walk.operation, error=error.type)
        self._queue.fail(task.id, error)
        return "failed"
