"""Which documents a HIT or a qualification test may hold, in the errors of the wire."""

from __future__ import annotations

from collections.abc import Callable

from mturk_gateway.marketplace.documents.answer_keys import read_answer_key
from mturk_gateway.marketplace.documents.markup import DocumentError
from mturk_gateway.marketplace.documents.questions import read_question, read_test
from mturk_gateway.marketplace.documents.xhtml import XHTMLError
from mturk_gateway.marketplace.protocol.errors import markup_error, xhtml_error


def check_question(markup: str) -> None:
    """Accept a QuestionForm, ExternalQuestion or HTMLQuestion, or raise Fault (ParameterValidationError)."""
    _check(read_question, markup)


def check_test(markup: str) -> None:
    """Accept a QuestionForm without uploads, all that a qualification test may be, or raise Fault."""
    _check(read_test, markup)


def check_answer_key(markup: str) -> None:
    """Accept an AnswerKey or raise Fault (ParameterValidationError). It is not compared with its test."""
    _check(read_answer_key, markup)


def _check(read: Callable[[str], object], markup: str) -> None:
    try:
        read(markup)
    except XHTMLError as error:
        raise xhtml_error(str(error)) from None
    except DocumentError as error:
        raise markup_error(str(error)) from None
