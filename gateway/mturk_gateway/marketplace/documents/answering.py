"""Whether answers fit a form, and answers made of plain pairs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from time import perf_counter

import re2

from mturk_gateway.marketplace.documents.answers import Answer, Chosen, Uploaded, Value, join_repeated
from mturk_gateway.marketplace.documents.forms import FileUpload, FreeText, Pattern, Question, QuestionForm, Selection
from mturk_gateway.marketplace.documents.questions import ExternalQuestion, HTMLQuestion

_PATIENCE = 0.2
"""Seconds for the patterns of one submission, of which there can be thousands."""

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")


def answers_for(
    question: ExternalQuestion | HTMLQuestion | QuestionForm, pairs: Iterable[tuple[str, str]]
) -> list[Answer]:
    """The answers that pairs of a name and a text mean, names repeated for several choices.

    A page may have any fields: each is a text of its own, in the order given. Answers to a form come in its order; for
    choices a text is an identifier or, where none is like it and there may be one, a text of one's own. An empty text
    is no answer to a form (worker-side 4). What does not fit is kept, for `check_answers` to name it.
    """
    if not isinstance(question, QuestionForm):
        return join_repeated(pairs)
    given: dict[str, list[str]] = {}
    for name, text in pairs:
        if text:
            given.setdefault(name, []).append(text)
    known = [_answer(asked, given.pop(asked.identifier)) for asked in question.questions if asked.identifier in given]
    return known + join_repeated((name, text) for name, texts in given.items() for text in texts)


def _answer(question: Question, texts: list[str]) -> Answer:
    asked = question.answer
    if not isinstance(asked, Selection):
        return Answer(question.identifier, "|".join(texts))
    known = frozenset(texts if asked.other is None else asked.choices)
    own = [text for text in texts if text not in known]
    chosen = tuple(dict.fromkeys(text for text in texts if text in known))
    return Answer(question.identifier, Chosen(chosen, "|".join(own) if own else None))


def check_answers(form: QuestionForm, answers: Sequence[Answer]) -> list[str]:
    """What is wrong with answers to a form, a sentence each; empty when they fit.

    The service had its patterns checked by browsers only and promised nothing (worker-side 3.3). A pattern that RE2
    does not know is not checked.
    """
    asked = {question.identifier: question for question in form.questions}
    given = {answer.question: answer.value for answer in answers}
    search = _Search()
    problems = [f"There is no question '{name}'." for name in given if name not in asked]
    if len(given) < len(answers):
        problems.append("A question is answered twice.")
    for identifier, question in asked.items():
        value = given.get(identifier, "")
        if value == "" or (isinstance(value, Chosen) and not value.selections and not value.other):
            if question.required:
                problems.append(f"The question '{identifier}' must be answered.")
        else:
            problems.extend(f"The answer to '{identifier}' {reason}." for reason in _reasons(question, value, search))
    return problems


def _reasons(question: Question, value: Value, search: _Search) -> list[str]:
    match question.answer, value:
        case FreeText() as asked, str():
            return _text_reasons(asked, value, search)
        case Selection() as asked, Chosen():
            return _choice_reasons(asked, value, search)
        case FileUpload(smallest, largest), Uploaded(size):
            return [] if smallest <= size <= largest else [f"must be a file of {smallest} to {largest} bytes"]
        case FreeText(), _:
            return ["must be a text"]
        case Selection(), _:
            return ["must be a choice"]
        case _:
            return ["must be a file"]


def _text_reasons(asked: FreeText, text: str, search: _Search) -> list[str]:
    reasons = []
    if asked.numeric:
        reasons += _number_reasons(asked, text)
    if len(text) < asked.shortest:
        reasons.append(f"must have at least {asked.shortest} characters")
    if asked.longest is not None and len(text) > asked.longest:
        reasons.append(f"may have at most {asked.longest} characters")
    refused = (pattern.error_text for pattern in asked.patterns if not search.finds(pattern, text))
    return reasons + [f"is refused: {error_text.removesuffix('.')}" for error_text in refused]


def _number_reasons(asked: FreeText, text: str) -> list[str]:
    digits = text.strip()
    if not _NUMBER.fullmatch(digits):
        return ["must be a number"]
    number = Decimal(digits)
    if asked.lowest is not None and number < asked.lowest:
        return [f"must be at least {asked.lowest}"]
    if asked.highest is not None and number > asked.highest:
        return [f"must be at most {asked.highest}"]
    return []


class _Search:
    """Looks for requesters' patterns in texts; for all of one submission together there is only so much time.

    Patterns are strangers' programs. RE2 takes time in proportion to the text and little memory, whatever they say;
    what it does not know, such as looking ahead, is not checked.
    """

    def __init__(self) -> None:
        self._left = _PATIENCE

    def finds(self, pattern: Pattern, text: str) -> bool:
        """Whether a pattern is somewhere in a text; also where nobody can say, or not in the time that is left."""
        if self._left <= 0:
            return True
        begun = perf_counter()
        options = re2.Options()
        options.case_sensitive = "i" not in pattern.flags
        options.log_errors = False
        try:
            return re2.compile(pattern.regex, options).search(text) is not None
        except re2.error:
            return True
        finally:
            self._left -= perf_counter() - begun


def _choice_reasons(asked: Selection, chosen: Chosen, search: _Search) -> list[str]:
    known = frozenset(asked.choices)
    reasons = [f"has no choice '{identifier}'" for identifier in chosen.selections if identifier not in known]
    if chosen.other and asked.other is None:
        reasons.append("may not be a text of one's own")
    elif chosen.other and asked.other is not None:
        reasons += _text_reasons(asked.other, chosen.other, search)
    count = len(frozenset(chosen.selections)) + bool(chosen.other)
    if not asked.fewest <= count <= asked.most:
        reasons.append(f"must have {asked.fewest} to {asked.most} choices, not {count}")
    return reasons
