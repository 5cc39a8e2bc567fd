"""The QuestionFormAnswers document of a submission (worker-side 4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from mturk_gateway.marketplace.documents.markup import ANSWERS, open_own
from mturk_translators.xml import Element, Node, Rendered, render

_PROLOG = '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SEPARATOR = "|"


class Chosen(NamedTuple):
    """The identifiers of the choices taken and, where there is one, a text of one's own."""

    selections: tuple[str, ...]
    other: str | None = None


class Uploaded(NamedTuple):
    """A file: its size in bytes and the key it is kept under."""

    size: int
    key: str


Value: TypeAlias = str | Chosen | Uploaded
"""What was answered: a text, choices or a file."""


class Answer(NamedTuple):
    """What was answered to the question of an identifier, or given for the field of a name."""

    question: str
    value: Value


def join_repeated(answers: Iterable[tuple[str, Value]]) -> list[Answer]:
    """One answer for each name, in the place of the first of that name.

    Several texts are joined with "|"; of several answers that are not all texts, the last one counts. Characters that
    XML 1.0 cannot carry are dropped from names and texts.
    """
    given: dict[str, list[Value]] = {}
    for name, value in answers:
        given.setdefault(_legal(name), []).append(_legal(value) if isinstance(value, str) else value)
    return [Answer(name, _joined(values)) for name, values in given.items()]


def _joined(values: list[Value]) -> Value:
    texts = [value for value in values if isinstance(value, str)]
    return _SEPARATOR.join(texts) if len(texts) == len(values) else values[-1]


def render_answers(answers: Iterable[tuple[str, Value]]) -> str:
    """The document for answers or for pairs of field name and text, in their order; repeated names are joined."""
    lines = [line for answer in join_repeated(answers) for line in _lines(answer)]
    content = (Rendered(b"\n" + b"".join(line + b"\n" for line in lines)),) if lines else ()
    root = Element(ANSWERS.name, content, (("xmlns", ANSWERS.namespace),))
    return _PROLOG + render(root).decode() + "\n"


def read_answers(markup: str) -> Mapping[str, tuple[str, ...]]:
    """What a document says of each question, for those who compare answers (modern-mturk 5).

    Choices are the identifiers taken, and after them the text of one's own. A text is split at each "|", because so
    the checkboxes of one name are joined; an uploaded file is its key. Raises DocumentError.
    """
    root = open_own(markup, (ANSWERS,))
    return {answer.text_of("QuestionIdentifier") or "": _values(answer) for answer in root.children}


def _lines(answer: Answer) -> list[bytes]:
    parts = [("QuestionIdentifier", answer.question), *_parts(answer.value)]
    return [b"<Answer>", *(render(Element(name, text)) for name, text in parts), b"</Answer>"]


def _parts(value: Value) -> list[tuple[str, str]]:
    match value:
        case Chosen(selections, other):
            chosen = [("SelectionIdentifier", _legal(identifier)) for identifier in selections]
            return chosen if other is None else [*chosen, ("OtherSelectionText", _legal(other))]
        case Uploaded(size, key):
            return [("UploadedFileSizeInBytes", str(size)), ("UploadedFileKey", _legal(key))]
        case _:
            return [("FreeText", value)]


def _values(answer: Node) -> tuple[str, ...]:
    _, *given = answer.children
    if given and given[0].name == "FreeText":
        return tuple(given[0].text.split(_SEPARATOR))
    return tuple(part.text for part in given if part.name != "UploadedFileSizeInBytes")


def _legal(text: str) -> str:
    return _ILLEGAL.sub("", text)
