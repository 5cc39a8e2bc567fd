"""Answer keys of qualification tests, and the scores they give (modern-mturk 4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor, isfinite
from typing import NamedTuple

from mturk_gateway.marketplace.documents.answers import Answer, Chosen
from mturk_gateway.marketplace.documents.forms import refuse_crossed, refuse_repeated
from mturk_gateway.marketplace.documents.markup import ANSWER_KEY, DocumentError, open_document
from mturk_translators.xml import Node

_LOWEST, _HIGHEST = -(2**31), 2**31 - 1


@dataclass(frozen=True, slots=True)
class KeyedQuestion:
    """What each set of choices scores, and what every other answer does."""

    scores: Mapping[frozenset[str], int]
    default: int


class Range(NamedTuple):
    """The value of all sums from the lowest to the highest, both included."""

    lowest: int
    highest: int
    value: int


@dataclass(frozen=True, slots=True)
class Ranges:
    """A mapping of the sum by ranges, of which the first that fits counts, and a value for all other sums."""

    ranges: tuple[Range, ...]
    otherwise: int


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """The questions by identifier, and how the sum becomes a value: by a factor or by ranges."""

    questions: Mapping[str, KeyedQuestion]
    mapping: Fraction | Ranges


def read_answer_key(markup: str) -> AnswerKey:
    """The key of a test. Raises DocumentError.

    It need not fit its test: no source says that the service compared them, and what the test does not ask can only
    score its default.
    """
    root = open_document(markup, (ANSWER_KEY,))
    questions = root.all("Question")
    identifiers = [question.text_of("QuestionIdentifier") or "" for question in questions]
    refuse_repeated("QuestionIdentifier", identifiers)
    return AnswerKey(dict(zip(identifiers, map(_question, questions), strict=True)), _mapping(root))


def score(markup: str, answers: Iterable[Answer]) -> int:
    """The value of the qualification that answers to the test earn by a key, of 32 bits as the modern API has it.

    An option counts if exactly its choices were taken; a text of one's own makes another answer. Halves are rounded
    up. Raises DocumentError for what is no key.
    """
    key = read_answer_key(markup)
    taken = {answer.question: _taken(answer) for answer in answers}
    total = sum(
        keyed.scores.get(taken.get(identifier, frozenset()), keyed.default)
        for identifier, keyed in key.questions.items()
    )
    return max(_LOWEST, min(_mapped(key.mapping, total), _HIGHEST))


def _mapped(mapping: Fraction | Ranges, total: int) -> int:
    if isinstance(mapping, Fraction):
        return floor(mapping * total + Fraction(1, 2))
    fitting = (known.value for known in mapping.ranges if known.lowest <= total <= known.highest)
    return next(fitting, mapping.otherwise)


def _taken(answer: Answer) -> frozenset[str]:
    # No option has an empty set, so it scores the default.
    value = answer.value
    return frozenset(value.selections) if isinstance(value, Chosen) and not value.other else frozenset()


def _question(node: Node) -> KeyedQuestion:
    scores: dict[frozenset[str], int] = {}
    for option in node.all("AnswerOption"):
        identifiers = frozenset(choice.text for choice in option.all("SelectionIdentifier"))
        scores.setdefault(identifiers, _number(option, "AnswerScore"))
    return KeyedQuestion(scores, _number(node, "DefaultScore"))


def _mapping(root: Node) -> Fraction | Ranges:
    node = root.find("QualificationValueMapping")
    if node is None:
        return Fraction(1)
    (mapping,) = node.children
    match mapping.name:
        case "PercentageMapping":
            return Fraction(100, _number(mapping, "MaximumSummedScore"))
        case "ScaleMapping":
            return _factor(mapping.text_of("SummedScoreMultiplier") or "")
        case _:
            ranges = tuple(map(_range, mapping.all("SummedScoreRange")))
            return Ranges(ranges, _number(mapping, "OutOfRangeQualificationValue"))


def _factor(text: str) -> Fraction:
    number = float(text)
    if not isfinite(number):
        raise DocumentError("the SummedScoreMultiplier is not a finite number")
    # The decimal number that was written, not the double nearest to it: 5 times 0.1 is a half. By way of the double
    # all the same, which bounds an exponent that would fill the memory with digits.
    return Fraction(repr(number))


def _range(node: Node) -> Range:
    lowest, highest = _number(node, "InclusiveLowerBound"), _number(node, "InclusiveUpperBound")
    refuse_crossed(lowest, highest, "InclusiveLowerBound and InclusiveUpperBound")
    return Range(lowest, highest, _number(node, "QualificationValue"))


def _number(node: Node, name: str) -> int:
    return int(node.text_of(name) or 0)
