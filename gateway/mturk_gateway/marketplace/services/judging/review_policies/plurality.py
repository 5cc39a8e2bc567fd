"""SimplePlurality/2011-09-01: what most workers answered, and who of them agrees (modern-mturk 5.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mturk_gateway.marketplace.protocol.errors import parameter_error
from mturk_gateway.marketplace.services.judging.review_policies.answers import Answer, shown
from mturk_gateway.marketplace.services.judging.review_policies.parameters import Decisions, Extension, Parameters

NAME = "SimplePlurality/2011-09-01"

_LONGEST_ANSWER = 256
_PARAMETERS = frozenset(
    {
        "QuestionIds",
        "QuestionAgreementThreshold",
        "DisregardAssignmentIfRejected",
        "DisregardAssignmentIfKnownAnswerScoreIsLessThan",
        "ExtendIfHITAgreementScoreIsLessThan",
        "ExtendMaximumAssignments",
        "ExtendMinimumTimeInSeconds",
        "ApproveIfWorkerAgreementScoreIsAtLeast",
        "RejectIfWorkerAgreementScoreIsLessThan",
        "RejectReason",
    }
)


@dataclass(frozen=True, slots=True)
class Plurality:
    """The policy: which questions are looked at, above what share in percent an answer is agreed on, and what follows.

    Assignments that were rejected, or whose score for known answers is below so many percent, can be left out.
    """

    questions: tuple[str, ...]
    threshold: int
    without_rejected: bool
    without_scores_below: int | None
    decisions: Decisions
    extension: Extension | None


class Agreement(NamedTuple):
    """What most workers answered to a question, if it is agreed on; and the share of those who gave it, in percent."""

    answer: Answer | None
    percent: int


class WorkerAgreement(NamedTuple):
    """How many of the agreed answers somebody gave, and how many not."""

    correct: int
    incorrect: int

    @property
    def percent(self) -> int | None:
        """The share of the former; None while nothing is agreed on."""
        agreed = self.correct + self.incorrect
        return 100 * self.correct // agreed if agreed else None


class Judgement(NamedTuple):
    """What comes of a HIT: agreement on each question, the share of agreed questions in percent, and by assignment."""

    questions: Mapping[str, Agreement]
    percent: int
    workers: Mapping[str, WorkerAgreement]


def read_plurality(policy: Mapping[str, Any]) -> Plurality:
    """The policy in a ReviewPolicy structure. Raises Fault (ParameterValidationError)."""
    parameters = Parameters(policy, _PARAMETERS)
    if "ExtendIfHITAgreementScoreIsLessThan" in parameters:
        parameters.require("ExtendMaximumAssignments", "ExtendMinimumTimeInSeconds")
    return Plurality(
        _questions(parameters.texts("QuestionIds")),
        parameters.number("QuestionAgreementThreshold"),
        parameters.truth("DisregardAssignmentIfRejected"),
        parameters.optional_number("DisregardAssignmentIfKnownAnswerScoreIsLessThan"),
        Decisions(
            parameters.optional_number("ApproveIfWorkerAgreementScoreIsAtLeast"),
            parameters.optional_number("RejectIfWorkerAgreementScoreIsLessThan"),
            None,
            parameters.optional_text("RejectReason"),
        ),
        parameters.extension("ExtendIfHITAgreementScoreIsLessThan", (1, 100)),
    )


def judge(policy: Plurality, work: Mapping[str, Mapping[str, Answer]]) -> Judgement:
    """What comes of the answers, by question, in the assignments that are considered, by id."""
    counted = {
        assignment: {question: answer for question, answer in given.items() if len(shown(answer)) <= _LONGEST_ANSWER}
        for assignment, given in work.items()
    }
    questions = {
        question: _agreement([given.get(question) for given in counted.values()], policy.threshold)
        for question in policy.questions
    }
    agreed = {question: found.answer for question, found in questions.items() if found.answer is not None}
    return Judgement(
        questions,
        100 * len(agreed) // len(questions),
        {assignment: _worker_agreement(agreed, given) for assignment, given in counted.items()},
    )


def _questions(values: Iterable[str]) -> tuple[str, ...]:
    """The questions in a list, in one text with commas, or both; each once."""
    names = (name.strip() for value in values for name in value.split(","))
    questions = tuple(dict.fromkeys(name for name in names if name))
    if not questions:
        raise parameter_error("The parameter QuestionIds must name a question.")
    return questions


def _agreement(answers: Sequence[Answer | None], threshold: int) -> Agreement:
    """Two answers that were given equally often are no plurality, however low the threshold."""
    counts = Counter(answer for answer in answers if answer).most_common(2)
    if not counts:
        return Agreement(None, 0)
    (leading, count), *next_best = counts
    percent = 100 * count // len(answers)
    tied = any(other == count for _, other in next_best)
    return Agreement(leading if percent > threshold and not tied else None, percent)


def _worker_agreement(agreed: Mapping[str, Answer], given: Mapping[str, Answer]) -> WorkerAgreement:
    correct = sum(given.get(question) == answer for question, answer in agreed.items())
    return WorkerAgreement(correct, len(agreed) - correct)
