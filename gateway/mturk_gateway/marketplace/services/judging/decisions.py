"""Approving and rejecting submissions, whoever decides: the requester, time, or a review policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from mturk_gateway.marketplace.requesters import Requester
from mturk_gateway.marketplace.services.paying import money
from mturk_gateway.marketplace.services.paying.money import Transfer
from mturk_gateway.marketplace.services.telling import events
from mturk_gateway.marketplace.services.telling.events import Event
from mturk_gateway.marketplace.tables import assignments, hit_types, hits


class Submission(NamedTuple):
    """A submitted assignment with what a decision about it needs of its HIT; `fee` in cents."""

    id: str
    hit_id: str
    worker_id: str
    state: str
    submit_time: int
    due: int | None
    requester_id: str
    hit_type_id: str
    fee: int
    disposed_at: int | None
    reward: str


SUBMISSIONS = (
    select(
        *(assignments.c[name] for name in ("id", "hit_id", "worker_id", "state", "submit_time", "due")),
        *(hits.c[name] for name in ("requester_id", "hit_type_id", "fee", "disposed_at")),
        hit_types.c.reward,
    )
    .select_from(assignments)
    .join(hits, hits.c.id == assignments.c.hit_id)
    .join(hit_types, hit_types.c.id == hits.c.hit_type_id)
)
"""Selects submissions, column by column; add a condition, and give each row to `Submission._make`."""

_ONE = SUBMISSIONS.where(assignments.c.id == bindparam("assignment"))

_THIS = assignments.c.id == bindparam("assignment")
_ITS_HIT = hits.c.id == bindparam("hit")
_APPROVE = update(assignments).where(_THIS).values(state="Approved", approval_time=bindparam("time"), due=None)
_REJECT = update(assignments).where(_THIS).values(state="Rejected", rejection_time=bindparam("time"), due=None)
_COUNT_APPROVED = update(hits).where(_ITS_HIT).values(submitted=hits.c.submitted - 1, approved=hits.c.approved + 1)
_COUNT_REJECTED = update(hits).where(_ITS_HIT).values(submitted=hits.c.submitted - 1, rejected=hits.c.rejected + 1)
_COUNT_OVERRIDDEN = update(hits).where(_ITS_HIT).values(rejected=hits.c.rejected - 1, approved=hits.c.approved + 1)


def find_submission(connection: Connection, assignment_id: str) -> Submission:
    """A submission that is there."""
    return Submission._make(connection.execute(_ONE, {"assignment": assignment_id}).one())


def approve(connection: Connection, submission: Submission, now: int, feedback: str | None = None) -> None:
    """Approve undecided work: its reward, which has been held, is the worker's."""
    _decide(connection, submission, "Approved", now, feedback)
    connection.execute(_COUNT_APPROVED, {"hit": submission.hit_id})
    money.move(connection, _payment(submission, now, "held"))


def approve_when_due(connection: Connection, submissions: Sequence[Submission]) -> None:
    """Approve undecided work that nobody decided about in time, each as of the moment when that was over."""
    dated = [(submission, submission.due) for submission in submissions if submission.due is not None]
    if not dated:
        return
    connection.execute(_APPROVE, [{"assignment": submission.id, "time": time} for submission, time in dated])
    connection.execute(_COUNT_APPROVED, [{"hit": submission.hit_id} for submission, _ in dated])
    money.move(connection, [part for submission, time in dated for part in _payment(submission, time, "held")])
    events.record_all(connection, [_event("Approved", submission, time) for submission, time in dated])


def override(
    connection: Connection, requester: Requester, submission: Submission, now: int, feedback: str | None
) -> None:
    """Approve rejected work. Its reward is no longer held: raises Fault (InsufficientFunds) when it is not there."""
    _decide(connection, submission, "Approved", now, feedback)
    connection.execute(_COUNT_OVERRIDDEN, {"hit": submission.hit_id})
    money.spend(connection, requester, _payment(submission, now, "available"))


def reject(connection: Connection, submission: Submission, now: int, feedback: str | None = None) -> None:
    """Reject undecided work: what was held for it is free."""
    _decide(connection, submission, "Rejected", now, feedback)
    connection.execute(_COUNT_REJECTED, {"hit": submission.hit_id})
    back = Transfer(
        submission.requester_id,
        now,
        "release",
        "held",
        "available",
        money.cents(submission.reward) + submission.fee,
        hit_id=submission.hit_id,
        assignment_id=submission.id,
    )
    money.move(connection, [back])


def _decide(connection: Connection, submission: Submission, state: str, now: int, feedback: str | None) -> None:
    """Keep the decision, its time, what the worker is told, and the event. The last feedback given stays."""
    statement = _APPROVE if state == "Approved" else _REJECT
    if feedback:
        statement = statement.values(feedback=feedback)
    connection.execute(statement, {"assignment": submission.id, "time": now})
    events.record(connection, _event(state, submission, now))


def _event(state: str, submission: Submission, time: int) -> Event:
    return Event(
        f"Assignment{state}",
        time,
        submission.requester_id,
        submission.hit_type_id,
        submission.hit_id,
        submission.id,
        submission.worker_id,
    )


def _payment(submission: Submission, time: int, source: str) -> list[Transfer]:
    about = {"hit_id": submission.hit_id, "assignment_id": submission.id}
    reward = money.cents(submission.reward)
    return [
        Transfer(
            submission.requester_id, time, "reward", source, "earned", reward, worker_id=submission.worker_id, **about
        ),
        Transfer(submission.requester_id, time, "fee", source, "fees", submission.fee, **about),
    ]
