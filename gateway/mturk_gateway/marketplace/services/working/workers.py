"""What workers do with HITs: accept, submit, return (worker-side 2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from mturk_gateway.marketplace.documents.answering import answers_for, check_answers
from mturk_gateway.marketplace.documents.answers import Answer, Uploaded, join_repeated, render_answers
from mturk_gateway.marketplace.documents.forms import FileUpload, QuestionForm
from mturk_gateway.marketplace.documents.markup import DocumentError
from mturk_gateway.marketplace.documents.questions import read_question
from mturk_gateway.marketplace.ids import new_entity_id
from mturk_gateway.marketplace.services.judging import review_policies
from mturk_gateway.marketplace.services.judging.uploads import store_file
from mturk_gateway.marketplace.services.publishing import progress
from mturk_gateway.marketplace.services.publishing.hits import Hit, event_of, load_hit
from mturk_gateway.marketplace.services.telling import events
from mturk_gateway.marketplace.services.telling.worker_blocks import is_blocked
from mturk_gateway.marketplace.services.timers import settle
from mturk_gateway.marketplace.services.working import finding
from mturk_gateway.marketplace.services.working.profiles import register
from mturk_gateway.marketplace.services.working.refusals import WorkerRefused
from mturk_gateway.marketplace.tables import assignments, hits, next_change, requesters, uploaded_files

MOST_HELD: Final = 25
"""Assignments that a worker may have accepted and not finished (worker-side 2)."""

LARGEST_ANSWER: Final = 10 * 2**20
"""Bytes that a document of answers may have (worker-side 4)."""

GRACE: Final = 10
"""Seconds after the deadline in which work that is on its way is still taken (worker-side 2)."""

_OWNER = select(hits.c.requester_id).where(hits.c.id == bindparam("hit"))
_HAD = finding.HAD.where(assignments.c.hit_id == bindparam("hit"))
_HELD = (
    select(func.count())
    .join_from(assignments, requesters, requesters.c.id == assignments.c.requester_id)
    .where(
        assignments.c.worker_id == bindparam("worker"),
        assignments.c.state == "Accepted",
        assignments.c.due > bindparam("now"),
        requesters.c.sandbox == bindparam("sandbox"),
    )
)
# One statement looks for the slot and takes it, so that two workers can never both have the last one.
_TAKE = update(hits).where(hits.c.id == bindparam("hit"), finding.OPEN).values(pending=hits.c.pending + 1)
_NEW = insert(assignments).values(state="Accepted", change=next_change(assignments.c.hit_id))
_ONE = select(
    *(assignments.c[name] for name in ("id", "hit_id", "requester_id", "worker_id", "state", "deadline"))
).where(assignments.c.id == bindparam("assignment"))
_FILES = select(uploaded_files.c.question, uploaded_files.c.key, func.length(uploaded_files.c.content)).where(
    uploaded_files.c.assignment_id == bindparam("assignment")
)
_THIS = assignments.c.id == bindparam("assignment")
_ITS_HIT = hits.c.id == bindparam("hit")
_SUBMIT = (
    update(assignments)
    .where(_THIS)
    .values(
        state="Submitted",
        submit_time=bindparam("now"),
        auto_approval_time=bindparam("approval"),
        due=bindparam("approval"),
        answer=bindparam("document"),
    )
)
_COUNT_SUBMITTED = update(hits).where(_ITS_HIT).values(pending=hits.c.pending - 1, submitted=hits.c.submitted + 1)
_RETURN = update(assignments).where(_THIS).values(state="Returned", given_up_at=bindparam("now"), due=None)
_FREE = update(hits).where(_ITS_HIT).values(pending=hits.c.pending - 1)


def accept(connection: Connection, hit_id: str, worker_id: str, now: int, *, qualified: bool = False) -> str:
    """Take a free slot of a HIT for a worker, who is registered if new; the id of the new assignment.

    `qualified` says that the worker is known to meet the requirements, as who plays the past knows; they are then not
    looked at. Raises WorkerRefused.
    """
    register(connection, worker_id, now)
    owner = connection.execute(_OWNER, {"hit": hit_id}).one_or_none()
    if owner is None:
        raise WorkerRefused("There is no such HIT.")
    settle(connection, now, owner.requester_id)
    hit = load_hit(connection, hit_id)
    _check(connection, hit, worker_id, now, qualified=qualified)
    if not connection.execute(_TAKE, {"hit": hit_id, "now": now}).rowcount:
        raise WorkerRefused("There are no more available assignments of this HIT.")
    identifier = new_entity_id()
    deadline = now + hit.assignment_duration
    connection.execute(
        _NEW,
        {
            "id": identifier,
            "hit_id": hit_id,
            "owner": hit_id,
            "requester_id": hit.requester_id,
            "worker_id": worker_id,
            "accept_time": now,
            "deadline": deadline,
            "due": deadline + GRACE,
        },
    )
    events.record(connection, event_of("AssignmentAccepted", now, hit, identifier, worker_id))
    return identifier


def accept_any(connection: Connection, group: str, worker_id: str, now: int) -> str:
    """Take a free slot of any HIT of a group, given by HITGroupId or HITTypeId; the id of the new assignment.

    Raises WorkerRefused.
    """
    return accept(connection, finding.offered(connection, group, worker_id, now), worker_id, now)


def attach(connection: Connection, assignment_id: str, question: str, name: str, content: bytes, now: int) -> None:
    """Keep a file under its name as the answer to a question, in place of an earlier one, until the submission.

    Raises WorkerRefused.
    """
    assignment = _find_held(connection, assignment_id, now)
    if question not in _questions_for_files(load_hit(connection, assignment.hit_id)):
        raise WorkerRefused(f"The question '{question}' does not ask for a file.")
    try:
        store_file(connection, assignment_id, question, name, content)
    except ValueError as error:
        raise WorkerRefused(f"The file cannot be taken: {error}.") from None


def submit(connection: Connection, assignment_id: str, answers: Iterable[tuple[str, str]], now: int) -> None:
    """Hand in the answers, as pairs of field name and value in the form's order; names may be repeated.

    Allowed until the deadline even if the HIT has expired. What a QuestionForm asks is checked, files uploaded for its
    questions are answers too; other pages may send anything. Review policies and a delay of 0 decide at once. Raises
    WorkerRefused, after which another try may succeed.
    """
    assignment = _find_held(connection, assignment_id, now)
    hit = load_hit(connection, assignment.hit_id)
    document = _document(connection, hit, assignment_id, answers)
    if len(document.encode()) > LARGEST_ANSWER:
        raise WorkerRefused(f"The answers are too long: they may have {LARGEST_ANSWER} bytes.")
    approval = now + hit.auto_approval_delay
    connection.execute(_SUBMIT, {"assignment": assignment_id, "now": now, "approval": approval, "document": document})
    connection.execute(_COUNT_SUBMITTED, {"hit": hit.id})
    hit = load_hit(connection, hit.id)
    events.record(connection, event_of("AssignmentSubmitted", now, hit, assignment_id, assignment.worker_id))
    review_policies.after_submission(connection, hit, assignment_id, now)
    settle(connection, now, hit.requester_id)
    progress.work_ended(connection, hit.id, now)


def count_held(connection: Connection, worker_id: str, now: int, *, sandbox: bool) -> int:
    """How many assignments a worker has accepted in a realm and not finished."""
    number: int = connection.execute(_HELD, {"worker": worker_id, "now": now, "sandbox": sandbox}).scalar_one()
    return number


def give_back(connection: Connection, assignment_id: str, now: int) -> None:
    """Return an assignment unfinished: its slot is free at once. Raises WorkerRefused."""
    assignment = _find_held(connection, assignment_id, now)
    if assignment.deadline <= now:
        raise WorkerRefused("The time allotted for this assignment is over.")
    connection.execute(_RETURN, {"assignment": assignment_id, "now": now})
    connection.execute(_FREE, {"hit": assignment.hit_id})
    hit = load_hit(connection, assignment.hit_id)
    events.record(connection, event_of("AssignmentReturned", now, hit, assignment_id, assignment.worker_id))
    progress.work_ended(connection, hit.id, now)


def _check(connection: Connection, hit: Hit, worker_id: str, now: int, *, qualified: bool) -> None:
    if is_blocked(connection, hit.requester_id, worker_id):
        # That somebody was blocked is between the requester and the marketplace (worker-side 2).
        raise WorkerRefused("This HIT is not available to you.")
    if connection.execute(_HAD, {"worker": worker_id, "hit": hit.id}).one_or_none() is not None:
        raise WorkerRefused("You have already accepted this HIT.")
    if count_held(connection, worker_id, now, sandbox=finding.is_in_sandbox(connection, hit.id)) >= MOST_HELD:
        raise WorkerRefused(f"You already hold {MOST_HELD} assignments; submit or return one first.")
    if not qualified:
        finding.refuse_unqualified(connection, hit, worker_id, "Accept")


def _find_held(connection: Connection, assignment_id: str, now: int) -> Row[Any]:
    """An assignment that its worker has not finished. Raises WorkerRefused."""
    assignment = connection.execute(_ONE, {"assignment": assignment_id}).one_or_none()
    if assignment is None:
        raise WorkerRefused("There is no such assignment.")
    settle(connection, now, assignment.requester_id)
    assignment = connection.execute(_ONE, {"assignment": assignment_id}).one()
    match assignment.state:
        case "Accepted":
            return assignment
        case "Abandoned":
            raise WorkerRefused("The time allotted for this assignment is over.")
        case "Returned":
            raise WorkerRefused("This assignment has been returned.")
        case _:
            raise WorkerRefused("This assignment has already been submitted.")


def _questions_for_files(hit: Hit) -> Collection[str]:
    try:
        form = read_question(hit.question)
    except DocumentError:
        return ()
    asked = form.questions if isinstance(form, QuestionForm) else ()
    return [question.identifier for question in asked if isinstance(question.answer, FileUpload)]


def _document(connection: Connection, hit: Hit, assignment_id: str, pairs: Iterable[tuple[str, str]]) -> str:
    """The answers as they are stored. Raises WorkerRefused with all that is wrong with those to a form."""
    try:
        question = read_question(hit.question)
    except DocumentError:
        # It is older than the rules that questions have to obey, and whoever works on it must not suffer for that.
        return render_answers(join_repeated(Answer(name, value) for name, value in pairs))
    answers = answers_for(question, pairs)
    if isinstance(question, QuestionForm):
        files = {
            name: Answer(name, Uploaded(size, key))
            for name, key, size in connection.execute(_FILES, {"assignment": assignment_id})
        }
        order = {asked.identifier: position for position, asked in enumerate(question.questions)}
        answers = [answer for answer in answers if answer.question not in files] + list(files.values())
        answers.sort(key=lambda answer: order.get(answer.question, len(order)))
        problems = check_answers(question, answers)
        if problems:
            raise WorkerRefused(" ".join(problems))
    return render_answers(answers)
