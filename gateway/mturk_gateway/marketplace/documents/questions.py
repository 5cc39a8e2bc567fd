"""Questions of all three kinds, and qualification tests, which are of one."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from mturk_gateway.marketplace.documents.forms import FileUpload, QuestionForm, read_form
from mturk_gateway.marketplace.documents.markup import EXTERNAL, FORMS, HTML, DocumentError, open_document
from mturk_translators.xml import Node


@dataclass(frozen=True, slots=True)
class ExternalQuestion:
    """A page elsewhere, shown in a frame of a height in pixels; 0 fills the window (worker-side 3.1)."""

    url: str
    frame_height: int


@dataclass(frozen=True, slots=True)
class HTMLQuestion:
    """A page sent along, shown in a frame of a height in pixels; 0 fills the window (worker-side 3.2)."""

    html: str
    frame_height: int


def read_question(markup: str) -> ExternalQuestion | HTMLQuestion | QuestionForm:
    """The question of a HIT. Raises DocumentError, or XHTMLError for a FormattedContent."""
    root = open_document(markup, (*FORMS, EXTERNAL, HTML))
    height = int(root.text_of("FrameHeight") or 0)
    match root.name:
        case "ExternalQuestion":
            return ExternalQuestion(_address(root), height)
        case "HTMLQuestion":
            return HTMLQuestion(root.text_of("HTMLContent") or "", height)
        case _:
            return read_form(root)


def read_test(markup: str) -> QuestionForm:
    """The questions of a qualification test: a QuestionForm in which no file is asked for (worker-side 3.3).

    Raises DocumentError, or XHTMLError for a FormattedContent.
    """
    form = read_form(open_document(markup, FORMS))
    if any(isinstance(question.answer, FileUpload) for question in form.questions):
        raise DocumentError("a qualification test may not hold a FileUploadAnswer")
    return form


def _address(root: Node) -> str:
    # Plain http is accepted: a marketplace of one's own may stand in a local network without certificates.
    url = (root.text_of("ExternalURL") or "").strip()
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise DocumentError(f"the ExternalURL '{url[:200]}' is not an absolute http or https address")
    return url
