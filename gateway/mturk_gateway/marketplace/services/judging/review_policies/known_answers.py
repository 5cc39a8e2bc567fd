"""ScoreMyKnownAnswers/2011-09-01: how many of the answers that the requester knows were given (modern-mturk 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from mturk_gateway.marketplace.services.judging.review_policies.answers import Answer, comparable
from mturk_gateway.marketplace.services.judging.review_policies.parameters import Decisions, Extension, Parameters

NAME = "ScoreMyKnownAnswers/2011-09-01"

# One hundred and one can never be reached, and everything is below it.
_PERCENT = (0, 101)
_PARAMETERS = frozenset(
    {
        "AnswerKey",
        "ApproveIfKnownAnswerScoreIsAtLeast",
        "ApproveReason",
        "RejectIfKnownAnswerScoreIsLessThan",
        "RejectReason",
        "ExtendIfKnownAnswerScoreIsLessThan",
        "ExtendMaximumAssignments",
        "ExtendMinimumTimeInSeconds",
    }
)


@dataclass(frozen=True, slots=True)
class KnownAnswers:
    """The policy: what should be answered to which question, and what follows from a score."""

    key: Mapping[str, Answer]
    decisions: Decisions
    extension: Extension | None


class Score(NamedTuple):
    """For each question of the key, in its order, whether it was answered so; and the share of those in percent."""

    correct: Mapping[str, bool]
    percent: int


def read_known_answers(policy: Mapping[str, Any]) -> KnownAnswers:
    """The policy in a ReviewPolicy structure. Raises Fault (ParameterValidationError)."""
    parameters = Parameters(policy, _PARAMETERS)
    return KnownAnswers(
        {question: comparable(values) for question, values in parameters.entries("AnswerKey").items()},
        Decisions(
            parameters.optional_number("ApproveIfKnownAnswerScoreIsAtLeast", _PERCENT),
            parameters.optional_number("RejectIfKnownAnswerScoreIsLessThan", _PERCENT),
            parameters.optional_text("ApproveReason"),
            parameters.optional_text("RejectReason"),
        ),
        parameters.extension("ExtendIfKnownAnswerScoreIsLessThan", _PERCENT),
    )


def score(key: Mapping[str, Answer], given: Mapping[str, Answer]) -> Score:
    """How well answers match a key; where the key of a question is empty, nothing matches, not even no answer."""
    correct = {question: bool(wanted) and given.get(question) == wanted for question, wanted in key.items()}
    return Score(correct, 100 * sum(correct.values()) // len(correct))
