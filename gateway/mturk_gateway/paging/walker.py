"""The walker: walks token listings from end to end and keeps what it sees."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from structlog import get_logger

from mturk_gateway.credentials import Requester
from mturk_gateway.paging.queue import Task, WalkQueue
from mturk_gateway.upstream import UNREACHABLE, Upstream
from mturk_translators.faults import MISSHAPEN, ModernError
from mturk_translators.operation import Call, Listing, Reply
from mturk_translators.operations import LISTINGS
from mturk_translators.rows import Row, keep

log = get_logger()


_LARGEST_PAGE = 100
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.01, 0.05
"""Seconds between two looks for work, one indexed read each; they grow while there is none."""
_CLEARING = 30.0
_MOST_BARREN = 20
"""Pages in a row that bring nothing new before a listing is held to be endless."""
_WALKS = 4
"""Walks at a time, so that a long listing does not keep short ones waiting."""


def lease_of(upstream_timeout: float) -> float:
    """Seconds after its last page in which a walk belongs to its walker: longer than all tries of one call take."""
    return 5 * upstream_timeout + 10


class Walker:
    """Walks what is queued, in threads of its own, between `start` and `stop` or inside a `with` block.

    `lifetime` are the seconds after which pages of a snapshot need no longer be had.
    """

    def __init__(
        self, queue: WalkQueue, upstream: Upstream, find: Callable[[str], Requester | None], lifetime: float
    ) -> None:
        self._queue = queue
        self._upstream = upstream
        self._find = find
        self._lifetime = lifetime
        self._stopping = threading.Event()
        self._free = threading.Semaphore(_WALKS)
        self._walks = ThreadPoolExecutor(_WALKS, thread_name_prefix="walk")
        self._threads = [
            threading.Thread(target=work, name=f"walker-{work.__name__}", daemon=True)
            for work in (self._look, self._clear)
        ]

    def start(self) -> Self:
        """Begin to walk."""
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """End after the page that is under way; the walk goes on with the next walker."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._walks.shutdown()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def _look(self) -> None:
        pause = _SHORTEST_PAUSE
        while not self._stopping.is_set():
            self._free.acquire()
            task = None
            try:
                task = self._queue.take()
            except Exception:
                # A database that is locked or full for a moment must not end walking for good.
                log.exception("looking for walks failed")
                self._stopping.wait(1.0)
            if task:
                self._walks.submit(self._walk, task)
                pause = _SHORTEST_PAUSE
            else:
                self._free.release()
                self._stopping.wait(pause)
                pause = min(pause * 1.2, _LONGEST_PAUSE)

    def _clear(self) -> None:
        while not self._stopping.wait(_CLEARING):
            try:
                self._queue.clear(self._lifetime)
            except Exception:
                log.exception("clearing failed")

    def _walk(self, task: Task) -> None:
        try:
            if self._pages(task):
                self._queue.complete(task.walk)
            else:
                self._queue.release(task.walk)
        except ModernError as error:
            self._fail(task, error)
        except Exception:
            log.exception("walk interrupted", operation=task.operation)
            self._fail(task, ModernError(UNREACHABLE, "the walk was interrupted", status=0))
        finally:
            self._free.release()

    def _fail(self, task: Task, error: ModernError) -> None:
        log.info("walk failed", operation=task.operation, error=error.type)
        try:
            self._queue.fail(task.walk, error)
        except Exception:
            # Its lease ends, and the walk is taken up again.
            log.exception("a walk could not be ended", operation=task.operation)

    def _pages(self, task: Task) -> bool:
        """Keep page after page; False if the walk was taken away or the walker is to stop. Raises ModernError."""
        listing = LISTINGS[task.operation]
        requester = self._find(task.requester)
        if requester is None:
            raise ModernError("UnrecognizedClientException", "the key is no longer known")
        token, tokens, barren = task.token, set[str](), 0
        while not self._stopping.is_set():
            params = {**task.params, "MaxResults": _LARGEST_PAGE, **({"NextToken": token} if token else {})}
            page, token = _read(listing, self._upstream.call(requester, Call(task.operation, params)))
            fresh = self._queue.keep(task.walk, page, token)
            if fresh is None:
                return False
            if token is None:
                return True
            barren = 0 if fresh else barren + 1
            if token in tokens or barren > _MOST_BARREN:
                raise ModernError(UNREACHABLE, "the listing goes in circles", status=0)
            tokens.add(token)
        return False


def _read(listing: Listing, reply: Reply) -> tuple[list[Row], str | None]:
    """The rows of a page, and the token that follows it. Raises ModernError for what is no page."""
    try:
        token = reply.get("NextToken") or None
        if token is not None:
            token.encode()
        return [keep(listing, item) for item in reply[listing.items]], token
    except MISSHAPEN as error:
        log.warning("upstream answered garbage", operation=listing.modern, reason=type(error).__name__)
        raise ModernError(UNREACHABLE, "the reply is not a page", status=0) from None
