"""When review policies are checked and when they run (modern-mturk 5)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, select

from mturk_gateway.marketplace.protocol.errors import Fault, parameter_error
from mturk_gateway.marketplace.services.judging.review_policies import known_answers, plurality
from mturk_gateway.marketplace.services.judging.review_policies.answers import Answer, read, shown
from mturk_gateway.marketplace.services.judging.review_policies.known_answers import KnownAnswers, read_known_answers
from mturk_gateway.marketplace.services.judging.review_policies.plurality import Judgement, Plurality, read_plurality
from mturk_gateway.marketplace.services.judging.review_policies.review import Review, Subject
from mturk_gateway.marketplace.services.publishing.hits import Hit
from mturk_gateway.marketplace.tables import assignments, hits

_Policy = TypeVar("_Policy")

_POLICIES = select(hits.c.assignment_review_policy, hits.c.hit_review_policy).where(hits.c.id == bindparam("hit"))
_ANSWER = select(assignments.c.answer).where(assignments.c.id == bindparam("assignment"))
_WORK = (
    select(assignments.c.id, assignments.c.state, assignments.c.answer)
    .where(assignments.c.hit_id == bindparam("hit"), assignments.c.state.in_(("Submitted", "Approved", "Rejected")))
    .order_by(assignments.c.submit_time, assignments.c.id)
)
_READERS: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], object]] = {
    ("Assignment", known_answers.NAME): read_known_answers,
    ("HIT", plurality.NAME): read_plurality,
}


def check_policy(policy: Mapping[str, Any], level: str) -> None:
    """Accept a ReviewPolicy structure for a level, Assignment or HIT, or raise Fault (ParameterValidationError)."""
    name = policy["PolicyName"]
    reader = _READERS.get((level, name))
    if reader is None:
        raise parameter_error(f'The value "{name}" is not valid for the parameter {level}ReviewPolicy.')
    reader(policy)


def after_submission(connection: Connection, hit: Hit, assignment_id: str, now: int) -> None:
    """Let the HIT's AssignmentReviewPolicy, if it has one, decide about an assignment that was just submitted."""
    stored, _ = connection.execute(_POLICIES, {"hit": hit.id}).one()
    policy = _read(read_known_answers, stored)
    if policy is None:
        return
    given = read(connection.execute(_ANSWER, {"assignment": assignment_id}).scalar_one())
    correct, percent = known_answers.score(policy.key, given)
    subject = Subject("Assignment", assignment_id)
    review = Review(connection, hit, subject, now)
    for question, is_correct in correct.items():
        review.found(subject, "KnownAnswerCorrect", int(is_correct), question)
    review.found(subject, "KnownAnswerScore", percent)
    review.reviewed(f"Reviewed {len(correct)} known answers; {sum(correct.values())} correct")
    review.decide(assignment_id, percent, policy.decisions)
    review.extend(percent, policy.extension)
    review.keep()


def after_work(connection: Connection, hit: Hit, now: int) -> None:
    """Let the HIT's HITReviewPolicy, if it has one, judge a HIT that has just become Reviewable."""
    stored_known_answers, stored = connection.execute(_POLICIES, {"hit": hit.id}).one()
    policy = _read(read_plurality, stored)
    if policy is None:
        return
    work = _considered(connection, hit, policy, _read(read_known_answers, stored_known_answers))
    judgement = plurality.judge(policy, work)
    subject = Subject("HIT", hit.id)
    review = Review(connection, hit, subject, now)
    _tell(review, subject, judgement)
    for assignment_id, worker in judgement.workers.items():
        if worker.percent is not None:
            review.decide(assignment_id, worker.percent, policy.decisions)
    review.extend(judgement.percent, policy.extension)
    review.keep()


def _read(reader: Callable[[Mapping[str, Any]], _Policy], stored: str | None) -> _Policy | None:
    """The policy that a HIT was made with, if any."""
    if stored is None:
        return None
    try:
        return reader(json.loads(stored))
    except Fault:
        # A HIT that is older than `check_policy` can have anything.
        return None


def _considered(
    connection: Connection, hit: Hit, policy: Plurality, known: KnownAnswers | None
) -> dict[str, Mapping[str, Answer]]:
    """The answers of all assignments that the policy does not leave out, first submitted first."""
    work = {}
    for identifier, state, answer in connection.execute(_WORK, {"hit": hit.id}):
        given = read(answer)
        rejected = policy.without_rejected and state == "Rejected"
        least = policy.without_scores_below
        poor = known is not None and least is not None and known_answers.score(known.key, given).percent < least
        if not (rejected or poor):
            work[identifier] = given
    return work


def _tell(review: Review, subject: Subject, judgement: Judgement) -> None:
    for question, agreement in judgement.questions.items():
        found = agreement.answer is not None
        review.found(subject, "AgreedAnswerFound", str(found).lower(), question)
        if agreement.answer is not None:
            review.found(subject, "AgreedAnswer", shown(agreement.answer), question)
        review.found(subject, "AnswerAgreementScore", agreement.percent, question)
    review.found(subject, "HitAgreementScore", judgement.percent)
    for assignment_id, worker in judgement.workers.items():
        about = Subject("Assignment", assignment_id)
        if worker.percent is not None:
            review.found(about, "WorkerAgreementScore", worker.percent)
        review.found(about, "PluralityAnswersCorrect", worker.correct)
        review.found(about, "PluralityAnswersIncorrect", worker.incorrect)
    agreed = sum(agreement.answer is not None for agreement in judgement.questions.values())
    review.reviewed(
        f"Reviewed {len(judgement.workers)} assignments; {agreed} of {len(judgement.questions)} questions agreed on"
    )
