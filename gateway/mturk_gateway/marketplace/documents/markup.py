"""Documents that come from outside: how long they may be, and which schema each has to follow."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib import resources
from threading import Lock
from typing import NamedTuple

from mturk_translators import xml
from mturk_translators.xml import Node

LONGEST = 65_535
"""Bytes of UTF-8 in a question, a test or an answer key, white space included (modern-mturk 2)."""

_SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"


class DocumentError(ValueError):
    """A document that is not accepted; the text tells its author why."""


class Kind(NamedTuple):
    """What a document is: the name of its root, and the version of its schema, a date."""

    name: str
    version: str

    @property
    def namespace(self) -> str:
        """Of all its elements; a fixed string that is never fetched."""
        return f"{_SCHEMAS}/{self.version}/{self.name}.xsd"


FORMS = (Kind("QuestionForm", "2005-10-01"), Kind("QuestionForm", "2017-11-06"))
EXTERNAL = Kind("ExternalQuestion", "2006-07-14")
HTML = Kind("HTMLQuestion", "2011-11-11")
ANSWER_KEY = Kind("AnswerKey", "2005-10-01")
ANSWERS = Kind("QuestionFormAnswers", "2005-10-01")

_checking = Lock()


def open_document(markup: str, kinds: Collection[Kind]) -> Node:
    """The root of a document from a requester that is of one of the kinds and follows its schema.

    Raises DocumentError, also for more than `LONGEST` bytes.
    """
    try:
        size = len(markup.encode())
    except UnicodeEncodeError:
        raise DocumentError("the document holds half of a surrogate pair, which is no character") from None
    if size > LONGEST:
        raise DocumentError(f"the document has {size} bytes; {LONGEST} are allowed")
    return _open(markup, kinds, huge=False)


def open_own(markup: str, kinds: Collection[Kind]) -> Node:
    """The same for a document that we have written ourselves, of any length. Raises DocumentError."""
    return _open(markup, kinds, huge=True)


def _open(markup: str, kinds: Collection[Kind], *, huge: bool) -> Node:
    try:
        root = xml.parse(markup, huge=huge)
        namespace, name = xml.full_name(root)
        kind = next((kind for kind in kinds if (kind.namespace, kind.name) == (namespace, name)), None)
        if kind is None:
            expected = ", ".join(sorted({kind.name for kind in kinds}))
            raise DocumentError(f"the root element {name} in the namespace '{namespace}' is not one of: {expected}")
        with _checking:
            _schema(kind).check(root)
    except xml.MarkupError as error:
        raise DocumentError(str(error)) from None
    return xml.read(root)


@cache
def _schema(kind: Kind) -> xml.Schema:
    file = resources.files(__name__.rpartition(".")[0]) / "schemas" / f"{kind.name}-{kind.version}.xsd"
    return xml.Schema(file.read_bytes())
