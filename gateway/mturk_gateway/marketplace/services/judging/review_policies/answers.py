"""Answers in the form in which review policies compare them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mturk_gateway.marketplace.documents import answers

Answer = frozenset[str]
"""The values given to a question, trimmed; empty is no answer. Case and punctuation matter, order does not (5.1)."""


def comparable(values: Iterable[str]) -> Answer:
    """The values of one question, for comparison."""
    return frozenset(trimmed for value in values if (trimmed := value.strip()))


def read(markup: str) -> Mapping[str, Answer]:
    """The answers in a QuestionFormAnswers document, by question."""
    return {question: comparable(values) for question, values in answers.read_answers(markup).items()}


def shown(answer: Answer) -> str:
    """An answer as text; its values have no order, so it is theirs as texts."""
    return "|".join(sorted(answer))
