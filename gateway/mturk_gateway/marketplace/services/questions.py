"""Which documents a HIT or a qualification test may hold."""

from __future__ import annotations

from mturk_gateway.marketplace.protocol.errors import markup_error
from mturk_translators import xml

LONGEST = 65_535
"""Bytes of UTF-8, white space included (modern-mturk 2)."""

_SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"
_FORMS = frozenset(
    (f"{_SCHEMAS}{version}/QuestionForm.xsd", "QuestionForm") for version in ("2005-10-01", "2017-11-06")
)
_QUESTIONS = _FORMS | {
    (f"{_SCHEMAS}2006-07-14/ExternalQuestion.xsd", "ExternalQuestion"),
    (f"{_SCHEMAS}2011-11-11/HTMLQuestion.xsd", "HTMLQuestion"),
}
_ANSWER_KEYS = frozenset({(f"{_SCHEMAS}2005-10-01/AnswerKey.xsd", "AnswerKey")})


def check_question(markup: str) -> None:
    """Accept a QuestionForm, ExternalQuestion or HTMLQuestion, or raise Fault (ParameterValidationError)."""
    _check(markup, _QUESTIONS)


def check_test(markup: str) -> None:
    """Accept a QuestionForm, the only question that a qualification test may be, or raise Fault."""
    _check(markup, _FORMS)


def check_answer_key(markup: str) -> None:
    """Accept an AnswerKey or raise Fault (ParameterValidationError)."""
    _check(markup, _ANSWER_KEYS)


def _check(markup: str, allowed: frozenset[tuple[str, str]]) -> None:
    size = len(markup.encode())
    if size > LONGEST:
        raise markup_error(f"the document has {size} bytes; {LONGEST} are allowed")
    try:
        namespace, name = xml.root_name(markup)
    except xml.MarkupError as error:
        raise markup_error(str(error)) from None
    if (namespace, name) not in allowed:
        expected = ", ".join(sorted({allowed_name for _, allowed_name in allowed}))
        raise markup_error(f"the root element {name} in the namespace '{namespace}' is not one of: {expected}")
