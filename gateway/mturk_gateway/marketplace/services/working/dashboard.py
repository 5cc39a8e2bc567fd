"""What a worker has before them: work and what became of it, an open test, and what requesters wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from mturk_gateway.marketplace.services.working.refusals import WorkerRefused
from mturk_gateway.marketplace.tables import (
    assignments,
    bonuses,
    hit_types,
    hits,
    messages,
    qualification_requests,
    requesters,
)


class Bonus(NamedTuple):
    """Dollars that a requester paid beside the reward, and why."""

    amount: str
    reason: str


class Task(NamedTuple):
    """One assignment of a worker, in any of its six states; `reward` in dollars, times in epoch seconds."""

    assignment_id: str
    hit_id: str
    state: str
    accept_time: int
    deadline: int
    submit_time: int | None
    feedback: str | None
    title: str
    reward: str
    requester: str
    bonuses: Sequence[Bonus]


class Message(NamedTuple):
    """What a requester wrote, and when, in epoch seconds."""

    time: int
    requester: str
    subject: str
    text: str


_OF_WORKER = assignments.c.worker_id == bindparam("worker")
_TASKS = (
    select(
        assignments.c.id.label("assignment_id"),
        *(assignments.c[name] for name in ("hit_id", "state", "accept_time", "deadline", "submit_time", "feedback")),
        *(hit_types.c[name] for name in ("title", "reward")),
        requesters.c.name.label("requester"),
    )
    .select_from(assignments)
    .join(hits, hits.c.id == assignments.c.hit_id)
    .join(hit_types, hit_types.c.id == hits.c.hit_type_id)
    .join(requesters, requesters.c.id == hits.c.requester_id)
    .where(_OF_WORKER)
    .order_by(assignments.c.accept_time.desc(), assignments.c.id)
)
_BONUSES = (
    select(bonuses.c.assignment_id, bonuses.c.amount, bonuses.c.reason)
    .join(assignments, assignments.c.id == bonuses.c.assignment_id)
    .where(_OF_WORKER)
    .order_by(bonuses.c.grant_time, bonuses.c.id)
)
_TEST = select(qualification_requests.c.test).where(
    qualification_requests.c.id == bindparam("request"), qualification_requests.c.status == "Testing"
)
_MESSAGES = (
    select(messages.c.time, requesters.c.name, messages.c.subject, messages.c.text)
    .join_from(messages, requesters)
    .where(messages.c.worker_id == bindparam("worker"))
    .order_by(messages.c.number.desc())
)


def tasks_of(connection: Connection, worker_id: str) -> list[Task]:
    """All that a worker has ever accepted, last first, with what became of it."""
    paid: dict[str, list[Bonus]] = {}
    for assignment_id, amount, reason in connection.execute(_BONUSES, {"worker": worker_id}):
        paid.setdefault(assignment_id, []).append(Bonus(amount, reason))
    rows = connection.execute(_TASKS, {"worker": worker_id}).mappings()
    return [Task(**row, bonuses=paid.get(row["assignment_id"], ())) for row in rows]


def open_test(connection: Connection, request_id: str) -> str:
    """The QuestionForm of a test that a worker is taking. Raises WorkerRefused where there is none."""
    test: str | None = connection.execute(_TEST, {"request": request_id}).scalar_one_or_none()
    if test is None:
        raise WorkerRefused("This test is not open.")
    return test


def messages_of(connection: Connection, worker_id: str) -> list[Message]:
    """All messages to a worker, last first."""
    return [Message._make(row) for row in connection.execute(_MESSAGES, {"worker": worker_id})]
