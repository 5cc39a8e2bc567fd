"""How a walk is done: token by token, by what has changed, or by reading again what was written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any

from structlog import get_logger

from mturk_gateway.credentials import Requester
from mturk_gateway.driving import drive
from mturk_gateway.observing import metrics
from mturk_gateway.paging.bases import Bases
from mturk_gateway.paging.changes import START, Told, asking_since, told_by
from mturk_gateway.paging.journal import Journal
from mturk_gateway.paging.queue import Task, ViewTask, WalkQueue
from mturk_gateway.paging.snapshots import Snapshot
from mturk_gateway.upstream import UNREACHABLE, Upstream
from mturk_translators.call import Call, Reply
from mturk_translators.faults import MISSHAPEN, ModernError
from mturk_translators.flows.writes import read_again
from mturk_translators.listing import Listing
from mturk_translators.operations import LISTINGS
from mturk_translators.rows import Row, keep

log = get_logger()

_LARGEST_PAGE = 100
_MOST_BARREN = 20
"""Pages in a row that bring nothing new before a listing is held to be endless."""
_IN_USE = 120.0
"""Seconds since its last use in which a view counts as being read: its order is made before anybody asks."""
_MOST_AMENDED = 1000
"""Objects that are read again for one snapshot; a program that has written more has to wait for the walk."""


_TURN = 50
"""Pages after which a walk makes way for one that waits, if all threads are at walks."""


class Interrupted(Exception):  # noqa: N818  # nothing went wrong
    """The walk is to go on later, or elsewhere: others wait, this walker stops, or another one has taken over."""


class HopelessError(ModernError):
    """The walk cannot be done, however often it is tried."""

    def __init__(self, message: str) -> None:
        super().__init__(UNREACHABLE, message, status=0)


class Walking:
    """Does walks for the requesters that `find` knows by their accounts. Blocks; any thread may use it.

    `going` gives the HITs of an account that are being disposed of. `lifetime` are the seconds for which a view that
    was read is kept in order, `largest` the bytes that one listing may take, `search_cap` the rows of an endless one.
    With a `journal` all calls are kept there, and every walk is a whole one: a recording shows what its rows come from.
    """

    def __init__(
        self,
        queue: WalkQueue,
        bases: Bases,
        upstream: Upstream,
        find: Callable[[str], Requester | None],
        going: Callable[[str], Collection[str]],
        *,
        lifetime: float,
        largest: int,
        search_cap: int,
        journal: Journal | None = None,
    ) -> None:
        self._queue = queue
        self._bases = bases
        self._upstream = upstream
        self._find = find
        self._going = going
        self._lifetime = lifetime
        self._largest = largest
        self._search_cap = search_cap
        self._journal = journal
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Interrupt all walks after the page that is under way."""
        self._stopping.set()

    def do(self, task: Task) -> None:
        """Do a walk to its end. Raises ModernError, or Interrupted."""
        listing = LISTINGS[task.walk.operation]
        requester = self._find(task.walk.requester)
        if requester is None:
            raise ModernError("UnrecognizedClientException", "the key is no longer known")
        if task.kind == "amend":
            self._amend(task, listing, requester)
            return
        snapshot = None
        if self._journal is None and self._bases.token(task.id) is None:
            snapshot = self._follow(task, listing, requester)
        base = snapshot.base if snapshot else self._walk(task, listing, requester)
        for view in self._queue.views(task.walk.listing, _IN_USE):
            self._bases.arrange(listing, base, view)
        followed = self._bases.cursor(base) is not None
        self._queue.complete(task.id, snapshot or Snapshot(base, 0), followed=followed)

    def has_come_far(self, task: Task) -> bool:
        """Whether a walk has read pages that would be lost."""
        return bool(self._bases.token(task.id))

    def arrange(self, view: ViewTask) -> None:
        """Make the order of a view in the newest snapshot of its listing, if there is one."""
        newest = self._queue.newest(view.listing)
        if newest:
            self._bases.arrange(LISTINGS[newest.operation], newest.snapshot.base, view.view)

    def _follow(self, task: Task, listing: Listing, requester: Requester) -> Snapshot | None:
        """The last snapshot with what has changed since; None when there is none, or the upstream cannot say."""
        newest = self._queue.newest(task.walk.listing)
        base = newest.snapshot.base if newest else 0
        cursor = self._bases.cursor(base)
        if cursor is None:
            return None
        while True:
            self._check()
            page, _, told = self._page(task, listing, requester, "", cursor)
            if not told.changes or told.cursor is None:
                return None
            if told.more and (told.cursor == cursor or not (page or told.gone)):
                raise _circles()
            gone = [*told.gone, *self._hidden(listing, requester)]
            if not self._bases.change(listing, base, cursor, page, gone, told.cursor):
                raise Interrupted
            cursor = told.cursor
            if not told.more:
                return self._bases.finish(listing, base, self._queue.views(task.walk.listing, self._lifetime))

    def _walk(self, task: Task, listing: Listing, requester: Requester) -> int:
        """The base of a whole walk, begun or gone on with."""
        token = self._bases.token(task.id)
        if token is None:
            self._bases.begin(task.id, task.walk)
            token = ""
        again, tokens, barren = task.again, set[str](), 0
        while True:
            self._check()
            page, following, told = self._page(task, listing, requester, token, START)
            kept = self._bases.keep(task.id, token, page, following, told.cursor)
            if kept is None:
                raise Interrupted
            if again:
                self._queue.resumed(task.id)
                again = 0
            if following is None or (kept.rows >= self._search_cap and listing.endless(task.params)):
                return task.id
            if kept.size > self._largest:
                log.error("a listing takes more space than one may", operation=listing.modern, rows=kept.rows)
                metrics.without_space("listing")
                raise HopelessError("the listing is too large")
            barren = 0 if kept.fresh else barren + 1
            if following in tokens or barren > _MOST_BARREN:
                raise _circles()
            token = following
            tokens.add(token)
            if len(tokens) % _TURN == 0 and self._queue.is_waited_for():
                raise Interrupted

    def _amend(self, task: Task, listing: Listing, requester: Requester) -> None:
        """The last snapshot with what the requester has written since it was walked."""
        newest = self._queue.newest(task.walk.listing)
        # Where the upstream can say what has changed, it must be asked that: this way could miss what it has told.
        if newest is None or self._bases.cursor(newest.snapshot.base) is not None:
            raise HopelessError("there is nothing to amend")
        named = self._queue.written(task.walk.requester, newest.writes_seen)
        if len(named) > _MOST_AMENDED:
            raise HopelessError("too much has been written to read it all again")
        latest: dict[str, dict[str, Any] | None] = {}
        for member, item in named:
            self._check()
            steps = read_again(listing, task.params, member, item)
            latest.update(drive(steps, lambda call: self._call(newest.snapshot.base, requester, call, {})))
        latest.update(dict.fromkeys(self._hidden(listing, requester)))
        try:
            page = [keep(listing, item) for item in latest.values() if item is not None]
        except MISSHAPEN as error:
            raise _no_page(listing, error) from None
        gone = [id_ for id_, item in latest.items() if item is None]
        views = self._queue.views(task.walk.listing, self._lifetime)
        snapshot = self._bases.amend(listing, newest.snapshot, page, gone, views)
        if snapshot is None:
            raise Interrupted
        self._queue.complete(task.id, snapshot, followed=False, started_at=newest.started_at)

    def _page(
        self, task: Task, listing: Listing, requester: Requester, token: str, since: str
    ) -> tuple[list[Row], str | None, Told]:
        """The rows of a page, the token that follows it, and what else it tells. Raises ModernError for no page."""
        params = {**task.params, "MaxResults": _LARGEST_PAGE, **({"NextToken": token} if token else {})}
        headers = {} if token or self._journal else asking_since(since)
        reply = self._call(task.id, requester, Call(task.walk.operation, params), headers)
        try:
            following = reply.get("NextToken") or None
            if following is not None:
                following.encode()
            kept = [keep(listing, item) for item in listing.rows_of(reply)]
        except MISSHAPEN as error:
            raise _no_page(listing, error) from None
        hidden = self._hidden(listing, requester)
        return [row for row in kept if row.id not in hidden], following, told_by(reply)

    def _call(self, base: int, requester: Requester, call: Call, headers: Mapping[str, str]) -> Reply:
        metrics.walk_called(call.operation)
        reply = self._upstream.call(requester, call, headers=headers)
        if self._journal:
            self._journal.note(base, call, reply)
        return reply

    def _hidden(self, listing: Listing, requester: Requester) -> frozenset[str]:
        """The rows of HITs that are being disposed of: they are gone as far as their requester is concerned."""
        return frozenset(self._going(requester.account)) if listing.id == "HITId" else frozenset()

    def _check(self) -> None:
        if self._stopping.is_set():
            raise Interrupted


def _circles() -> HopelessError:
    return HopelessError("the listing goes in circles")


def _no_page(listing: Listing, error: Exception) -> HopelessError:
    log.warning("upstream answered garbage", operation=listing.modern, reason=type(error).__name__)
    return HopelessError("the reply is not a page")
