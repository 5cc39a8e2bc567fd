"""The QuestionFormAnswers document of a submission (worker-side 4)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mturk_translators.xml import Element, Rendered, render

_PROLOG = '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
_NAMESPACE = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd"
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_answers(answers: Sequence[tuple[str, str]]) -> str:
    """The document for pairs of field name and value.

    Values of one name are joined with "|" in the place of the first; characters that XML 1.0 cannot carry are dropped.
    """
    joined: dict[str, list[str]] = {}
    for name, value in answers:
        joined.setdefault(_ILLEGAL.sub("", name), []).append(_ILLEGAL.sub("", value))
    lines = [line for name, values in joined.items() for line in _answer(name, "|".join(values))]
    content = (Rendered(b"\n" + b"".join(line + b"\n" for line in lines)),) if lines else ()
    root = Element("QuestionFormAnswers", content, (("xmlns", _NAMESPACE),))
    return _PROLOG + render(root).decode() + "\n"


def _answer(name: str, value: str) -> list[bytes]:
    return [
        b"<Answer>",
        render(Element("QuestionIdentifier", name)),
        render(Element("FreeText", value)),
        b"</Answer>",
    ]
