"""Counting in the history: what each tally is, of a requester's HITs or of a worker's part in them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, func, select

from mturk_gateway.ledger.tables import history_assignments, history_bonuses, history_hits, history_reviews
from mturk_gateway.statistics.days import Span
from mturk_gateway.statistics.facts import KNOWN, PLURALITY, dollars

_HOUR = 3600

_HITS, _WORK, _PAID = history_hits.c, history_assignments.c, history_bonuses.c


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What is counted, or summed up, over the rows of a table that meet some conditions.

    `part` is what must be up to date for it. `requester` is the column of whose rows they are, `at` that of when things
    happened; without one, a tally is of the present, whatever day is asked for. `worker` is the column of who did it.
    """

    part: str
    over: FromClause
    of: ColumnElement[Any]
    requester: ColumnElement[str]
    where: tuple[ColumnElement[bool], ...] = ()
    at: ColumnElement[int] | None = None
    worker: ColumnElement[str | None] | None = None
    money: bool = False

    def values(
        self, connection: Connection, account: str, worker: str | None, spans: Sequence[Span]
    ) -> list[int | Decimal]:
        """The tally of an account, or of a worker for it, in each of some spans that follow each other.

        Amounts are in dollars.
        """
        chosen = [self.requester == account, *self.where]
        if self.worker is not None and worker is not None:
            chosen.append(self.worker == worker)
        first, last = spans[0].since, spans[-1].until
        if self.at is None or first is None or last is None:
            counted = connection.scalar(select(self.of).select_from(self.over).where(*chosen)) or 0
            return [self._value(counted)] * len(spans)
        # Every day begins with an hour, so that many of them cost no more than one.
        hour = self.at // _HOUR
        statement = (
            select(hour, self.of).select_from(self.over).where(*chosen, self.at >= first, self.at < last).group_by(hour)
        )
        begins = [span.since or 0 for span in spans]
        sums = [0] * len(spans)
        for number, counted in connection.execute(statement):
            sums[bisect_right(begins, int(number) * _HOUR) - 1] += int(counted or 0)
        return [self._value(counted) for counted in sums]

    def _value(self, counted: int) -> int | Decimal:
        return dollars(int(counted)) if self.money else int(counted)


def _hits(*where: ColumnElement[bool], at: ColumnElement[Any] | None = None, **meaning: Any) -> Tally:
    given = {"part": "hits", "of": func.count(), **meaning}
    return Tally(over=history_hits, requester=_HITS.requester, where=where, at=at, **given)


def _decided(status: str, of: ColumnElement[Any] | None = None, *, money: bool = False) -> Tally:
    return Tally(
        part="assignments",
        over=history_assignments,
        of=func.count() if of is None else of,
        requester=_WORK.requester,
        where=(_WORK.status == status,),
        at=_WORK.decided_at,
        worker=_WORK.worker,
        money=money,
    )


def _reviewed(kind: str, of: ColumnElement[int]) -> Tally:
    same = (_WORK.requester == history_reviews.c.requester) & (_WORK.assignment == history_reviews.c.assignment)
    return Tally(
        part="reviews",
        over=history_reviews.join(history_assignments, same),
        of=func.sum(of),
        requester=history_reviews.c.requester,
        where=(history_reviews.c.kind == kind,),
        at=history_reviews.c.reviewed_at,
        worker=_WORK.worker,
    )


_STANDING = _HITS.disposed_at.is_(None)

TALLIES: Mapping[str, Tally] = {
    "HITsCreated": _hits(at=_HITS.created_at),
    # Documented as having come to their end, disposed of in one way or the other.
    "HITsCompleted": _hits(_HITS.disposed_at.is_not(None), at=_HITS.disposed_at),
    "HITsAssignable": _hits(_HITS.status == "Assignable", _STANDING),
    "HITsReviewable": _hits(_HITS.status == "Reviewable", _STANDING),
    "AssignmentsPending": _hits(_STANDING, of=func.sum(_HITS.submitted)),
    # What is available, in progress or submitted is all that is not decided.
    "RewardLiability": _hits(_STANDING, of=func.sum(_HITS.reward * (_HITS.most - _HITS.completed)), money=True),
    "AssignmentsApproved": _decided("Approved"),
    "AssignmentsRejected": _decided("Rejected"),
    "RewardPayout": _decided("Approved", func.sum(_WORK.reward), money=True),
    # Of a few, only that they were approved may be known.
    "RewardsPaid": _decided("Approved", func.count(_WORK.reward)),
    "BonusPayout": Tally(
        part="bonuses",
        over=history_bonuses,
        of=func.sum(_PAID.amount),
        requester=_PAID.requester,
        at=_PAID.granted_at,
        money=True,
    ),
    "KnownAnswersCorrect": _reviewed(KNOWN, history_reviews.c.correct),
    "KnownAnswersIncorrect": _reviewed(KNOWN, history_reviews.c.incorrect),
    "PluralityAnswersCorrect": _reviewed(PLURALITY, history_reviews.c.correct),
    "PluralityAnswersIncorrect": _reviewed(PLURALITY, history_reviews.c.incorrect),
}
"""By the names that the flow uses (`mturk_translators.statistics`)."""
