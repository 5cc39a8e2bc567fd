"""How a worker comes to a qualification: asking for it, its test, its grant (modern-mturk 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, case, insert, select, update

from mturk_gateway.marketplace.documents.answer_keys import score
from mturk_gateway.marketplace.documents.answering import answers_for, check_answers
from mturk_gateway.marketplace.documents.answers import Answer, render_answers
from mturk_gateway.marketplace.documents.markup import DocumentError
from mturk_gateway.marketplace.documents.questions import read_test
from mturk_gateway.marketplace.ids import new_entity_id
from mturk_gateway.marketplace.services.qualifying.grants import grant
from mturk_gateway.marketplace.services.working.refusals import WorkerRefused
from mturk_gateway.marketplace.tables import qualification_requests, qualification_types, qualifications

GRACE = 10
"""Seconds after the time for a test in which answers still arrive that were sent before (worker-side 2)."""

OPEN = ("Testing", "Pending")
"""The statuses of a request that is not decided; of such a worker has one for a type."""

LAST_FIRST = (
    case((qualification_requests.c.status.in_(OPEN), 0), else_=1),
    qualification_requests.c.request_time.desc(),
)
"""An order of a worker's requests for a type: the open one is the last, whatever was asked in the same second."""


class Outcome(NamedTuple):
    """What became of a request: Granted, Pending or, until `due`, Testing."""

    request_id: str
    status: str
    due: int | None = None


_TYPE = select(qualification_types).where(
    qualification_types.c.id == bindparam("kind"),
    qualification_types.c.requester_id.is_not(None),
    qualification_types.c.deleted_at.is_(None),
)
_OF_WORKER = (
    qualification_requests.c.worker_id == bindparam("worker"),
    qualification_requests.c.qualification_type_id == bindparam("kind"),
)
_LAST = select(qualification_requests).where(*_OF_WORKER).order_by(*LAST_FIRST).limit(1)
_HELD = select(qualifications.c.value).where(
    qualifications.c.qualification_type_id == bindparam("kind"),
    qualifications.c.worker_id == bindparam("worker"),
    qualifications.c.status == "Granted",
)
_ASK = insert(qualification_requests)
_TEST = (
    select(
        qualification_requests,
        qualification_types.c.answer_key,
        qualification_types.c.test.label("test_now"),
    )
    .join_from(qualification_requests, qualification_types)
    .where(qualification_requests.c.id == bindparam("identifier"), qualification_requests.c.status == "Testing")
)
_HAND_IN = update(qualification_requests).where(qualification_requests.c.id == bindparam("identifier")).values(due=None)


def why_not(kind: Row[Any], last: Row[Any] | None, now: int, *, held: bool) -> str | None:
    """Why a worker cannot ask for a qualification, for that worker to read; None when nothing is against it.

    `kind` is its type, `last` the last request that the worker made for it, `held` whether the worker has it. Who has
    one that is granted without more ado could only get the requester's value overwritten by asking again.
    """
    if kind.status != "Active":
        return "This qualification cannot be requested at present."
    if last is not None and last.status in OPEN:
        return "You have already requested this qualification."
    if held and (kind.auto_granted or kind.retry_delay is None):
        return "You already have this qualification."
    if last is None:
        return None
    if kind.retry_delay is None:
        return "This qualification can be requested only once."
    wait = last.request_time + kind.retry_delay - now
    return f"You can request this qualification again in {wait} seconds." if wait > 0 else None


def request_qualification(connection: Connection, type_id: str, worker_id: str, now: int) -> Outcome:
    """Ask for a qualification: granted at once, for the requester to decide, or first a test to be taken.

    Raises WorkerRefused.
    """
    names = {"kind": type_id, "worker": worker_id}
    kind = connection.execute(_TYPE, names).one_or_none()
    if kind is None:
        raise WorkerRefused("There is no such qualification.")
    last = connection.execute(_LAST, names).one_or_none()
    if last is not None and last.status == "Testing" and last.due <= now:
        end_test(connection, last.id, last.due)
        last = connection.execute(_LAST, names).one()
    held = connection.execute(_HELD, names).one_or_none() is not None
    reason = why_not(kind, last, now, held=held)
    if reason is not None:
        raise WorkerRefused(reason)
    outcome = _begin(kind, now)
    waiting = {"submit_time": now, "newest_first": -now} if outcome.due is None else {"test": kind.test}
    asked = {"qualification_type_id": type_id, "requester_id": kind.requester_id, "worker_id": worker_id}
    stored = {"id": outcome.request_id, "status": outcome.status, "request_time": now, "due": outcome.due}
    connection.execute(_ASK, {**asked, **stored, **waiting})
    if outcome.status == "Granted":
        grant(connection, type_id, worker_id, kind.auto_granted_value, now)
    return outcome


def submit_test(connection: Connection, request_id: str, answers: Sequence[tuple[str, str]], now: int) -> Outcome:
    """Hand in a test: pairs of a question's identifier and a text or choice, repeated for several choices.

    With a key it is scored and the qualification granted with that value, however low; else the requester decides.
    Raises WorkerRefused, also for answers that the test does not allow; then the worker may try again.
    """
    taken = connection.execute(_TEST, {"identifier": request_id}).one_or_none()
    if taken is None:
        raise WorkerRefused("This test is not open.")
    if now >= taken.due:
        raise WorkerRefused("The time for this test is over.")
    form = read_test(taken.test)
    given = answers_for(form, answers)
    problems = check_answers(form, given)
    if problems:
        raise WorkerRefused(" ".join(problems))
    return _hand_in(connection, taken, given, now)


def end_test(connection: Connection, request_id: str, time: int) -> None:
    """The time for a test is over: it counts as handed in without answers."""
    taken = connection.execute(_TEST, {"identifier": request_id}).one()
    _hand_in(connection, taken, (), time)


def _begin(kind: Row[Any], now: int) -> Outcome:
    identifier = new_entity_id()
    if kind.auto_granted:
        return Outcome(identifier, "Granted")
    if kind.test is None:
        return Outcome(identifier, "Pending")
    try:
        read_test(kind.test)
    except DocumentError:
        # It was stored before tests were read, and nobody could answer it.
        raise WorkerRefused("The test for this qualification is faulty. Its requester has to replace it.") from None
    return Outcome(identifier, "Testing", now + kind.test_duration + GRACE)


def _hand_in(connection: Connection, taken: Row[Any], answers: Sequence[Answer], time: int) -> Outcome:
    value = _score(taken, answers)
    status = "Pending" if value is None else "Granted"
    done = {"status": status, "submit_time": time, "newest_first": -time, "answer": render_answers(answers)}
    connection.execute(_HAND_IN, {"identifier": taken.id, **done})
    if value is not None:
        grant(connection, taken.qualification_type_id, taken.worker_id, value, time)
    return Outcome(taken.id, status)


def _score(taken: Row[Any], answers: Sequence[Answer]) -> int | None:
    """The value that answers earn; None where the requester has to look: no key, or one for another test by now."""
    if taken.answer_key is None or taken.test != taken.test_now:
        return None
    try:
        return score(taken.answer_key, answers)
    except DocumentError:
        return None
