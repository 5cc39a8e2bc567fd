"""Bringing the history up to date: what has changed is asked for, and what is about it is read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from structlog import get_logger

from mturk_gateway.credentials import Requester
from mturk_gateway.paging.changes import START, Told, asking_since, told_by
from mturk_gateway.statistics import facts
from mturk_gateway.statistics.history import History, Unread
from mturk_gateway.upstream import UNREACHABLE, Upstream
from mturk_translators.call import Call, Reply
from mturk_translators.faults import MISSHAPEN, ModernError, is_state_error

log = get_logger()

PARTS: Mapping[str, tuple[str, ...]] = {
    "hits": ("hits",),
    "assignments": ("hits", "assignments"),
    "bonuses": ("hits", "bonuses"),
    # Whose answers they are about stands in the assignments.
    "reviews": ("hits", "assignments", "reviews"),
}
"""What can be brought up to date, and what has to be for it, in this order."""

_LARGEST_PAGE = 100


class Interrupted(Exception):  # noqa: N818  # nothing went wrong
    """The gateway stops; what was read is kept."""


class Survey:
    """Reads the upstream, one call after the other, and keeps what it says. Blocks; any thread may use it.

    What is known of a HIT is good until its counters change or it is disposed of, so a second survey costs what has
    changed since the first: with our own marketplace that is all, elsewhere also the pages of the HITs. One that fails
    or is interrupted goes on where it was, but for those pages.
    """

    def __init__(self, history: History, upstream: Upstream) -> None:
        self._history = history
        self._upstream = upstream
        self._stopping = threading.Event()
        self._readers: Mapping[str, Callable[[Requester, int], None]] = {
            "hits": self._read_hits,
            "assignments": self._read_assignments,
            "bonuses": self._read_bonuses,
            "reviews": self._read_reviews,
        }

    def stop(self) -> None:
        """Interrupt all surveys after the call that is under way."""
        self._stopping.set()

    def bring_up_to_date(self, requester: Requester, parts: Collection[str], now: int) -> None:
        """Read what is new of exactly these parts. Raises ModernError, or Interrupted."""
        try:
            for part, read in self._readers.items():
                if part in parts:
                    read(requester, now)
        except MISSHAPEN as error:
            log.warning("upstream answered garbage", reason=type(error).__name__)
            raise ModernError(UNREACHABLE, "the reply is not shaped like one", status=0) from None

    def _read_hits(self, requester: Requester, now: int) -> None:
        account = requester.account
        cursor = self._history.cursor(account)
        missing = self._follow(requester, cursor, now) if cursor else None
        if missing is None:
            missing = self._walk(requester, now)
        if missing:
            # Of most of them the requester's own deeds tell that they are gone.
            missing &= self._history.standing(account)
        for hit in sorted(missing | self._history.unseen(account)):
            reply = self._call_if_there(requester, Call("GetHIT", {"HITId": hit}))
            if reply is None:
                self._history.lose(account, hit, now)
            else:
                self._history.see(account, [facts.seen_hit(reply["HIT"])], now)

    def _follow(self, requester: Requester, cursor: str, now: int) -> set[str] | None:
        """See what has changed since the cursor; gives the HITs that are gone, or None if the upstream cannot say."""
        missing: set[str] = set()
        while True:
            reply, told = self._hits(requester, {}, cursor)
            if not told.changes or told.cursor is None:
                return None
            if told.more and told.cursor == cursor:
                raise _circles()
            self._see(requester, reply, now)
            missing.update(told.gone)
            cursor = told.cursor
            if not told.more:
                break
        self._history.keep_cursor(requester.account, cursor)
        return missing

    def _walk(self, requester: Requester, now: int) -> set[str]:
        """See all HITs; gives those that should have been there."""
        standing = self._history.standing(requester.account)
        reply, told = self._hits(requester, {}, START)
        tokens = set[str]()
        while True:
            standing.difference_update(self._see(requester, reply, now))
            token = reply.get("NextToken")
            if not token:
                break
            if token in tokens:
                raise _circles()
            tokens.add(token)
            reply, _ = self._hits(requester, {"NextToken": token}, "")
        self._history.keep_cursor(requester.account, told.cursor)
        return standing

    def _hits(self, requester: Requester, params: dict[str, Any], since: str) -> tuple[Reply, Told]:
        self._check()
        headers = asking_since(since) if since else {}
        reply = self._upstream.call(
            requester, Call("ListHITs", {**params, "MaxResults": _LARGEST_PAGE}), headers=headers
        )
        return reply, told_by(reply)

    def _see(self, requester: Requester, reply: Reply, now: int) -> list[str]:
        hits = [facts.seen_hit(hit) for hit in reply["HITs"]]
        self._history.see(requester.account, hits, now)
        return [hit.hit for hit in hits]

    def _read_assignments(self, requester: Requester, now: int) -> None:
        while True:
            self._read_each(requester, "assignments", now, self._read_work)
            alone = self._history.alone(requester.account)
            if not alone:
                return
            for assignment in alone:
                self._find_hit(requester, assignment, now)

    def _find_hit(self, requester: Requester, assignment: str, now: int) -> None:
        """Join an assignment of which only a deed tells to its HIT, which may be one that was never listed."""
        reply = self._call_if_there(requester, Call("GetAssignment", {"AssignmentId": assignment}))
        if reply is None or "HIT" not in reply:
            self._history.give_up(requester.account, assignment)
            return
        hit = facts.seen_hit(reply["HIT"])
        self._history.see(requester.account, [hit], now)
        self._history.join(requester.account, facts.work(reply["Assignment"]), hit)

    def _read_bonuses(self, requester: Requester, now: int) -> None:
        self._read_each(requester, "bonuses", now, self._read_payments)

    def _read_reviews(self, requester: Requester, now: int) -> None:
        self._read_each(requester, "reviews", now, self._read_policies)

    def _read_each(
        self, requester: Requester, part: str, now: int, read: Callable[[Requester, Unread, int], None]
    ) -> None:
        for unread in self._history.unread(requester.account, part, now):
            try:
                read(requester, unread, now)
            except ModernError as error:
                if not _is_over(error):
                    raise
                self._history.lose(requester.account, unread.hit, now)

    def _read_work(self, requester: Requester, unread: Unread, _now: int) -> None:
        found: list[facts.Work] = []
        for page in self._pages_of_hit(requester, "ListAssignmentsForHIT", unread.hit):
            found += map(facts.work, page["Assignments"])
            if unread.handed_in is not None and len(found) >= unread.handed_in:
                break
        self._history.keep_work(requester.account, unread, found)

    def _read_payments(self, requester: Requester, unread: Unread, now: int) -> None:
        pages = self._pages_of_hit(requester, "ListBonusPayments", unread.hit)
        found = [facts.bonus(item) for page in pages for item in page["BonusPayments"]]
        self._history.keep_bonuses(requester.account, unread, found, now)

    def _read_policies(self, requester: Requester, unread: Unread, _now: int) -> None:
        pages = list(self._pages_of_hit(requester, "ListReviewPolicyResultsForHIT", unread.hit))
        has_policies = any(map(facts.has_policies, pages))
        self._history.keep_reviews(requester.account, unread, facts.reviews(pages), has_policies=has_policies)

    def _pages_of_hit(self, requester: Requester, operation: str, hit: str) -> Iterator[Reply]:
        """The pages of a listing about a HIT. Raises ModernError."""
        params: dict[str, Any] = {"HITId": hit, "MaxResults": _LARGEST_PAGE}
        tokens = set[str]()
        while True:
            self._check()
            reply = self._upstream.call(requester, Call(operation, params))
            yield reply
            token = reply.get("NextToken")
            if not token:
                return
            if token in tokens:
                raise _circles()
            tokens.add(token)
            params = {**params, "NextToken": token}

    def _call_if_there(self, requester: Requester, call: Call) -> Reply | None:
        """The reply, or None where what the call names does not exist."""
        self._check()
        try:
            return self._upstream.call(requester, call)
        except ModernError as error:
            if not _is_over(error):
                raise
            return None

    def _check(self) -> None:
        if self._stopping.is_set():
            raise Interrupted


def _is_over(error: ModernError) -> bool:
    """Whether the error says that nothing can be had any more of what the call was about."""
    return (error.code or "").endswith("DoesNotExist") or is_state_error(error)


def _circles() -> ModernError:
    return ModernError(UNREACHABLE, "the listing goes in circles", status=0)
