"""QuestionForms: questions for a person, and what may be answered to them (worker-side 3.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from mturk_gateway.marketplace.documents.markup import DocumentError
from mturk_gateway.marketplace.documents.xhtml import check_formatted_content
from mturk_translators.xml import Node

_ONE_CHOICE = frozenset({"radiobutton", "dropdown"})


class Pattern(NamedTuple):
    """A regular expression of JavaScript that is looked for in an answer; ignores case if the flags hold an i."""

    regex: str
    error_text: str
    flags: str


@dataclass(frozen=True, slots=True)
class FreeText:
    """Any text within the constraints: bounds of its number (None: unbounded) and of its length in characters."""

    numeric: bool
    lowest: int | None
    highest: int | None
    shortest: int
    longest: int | None
    patterns: tuple[Pattern, ...]
    default: str
    lines: int


@dataclass(frozen=True, slots=True)
class Selection:
    """Choices by their identifiers, of which `fewest` to `most` are taken, counting a text of one's own.

    `style` is how they are shown, one of the six that may be suggested; `other` what a text of one's own must be, None
    where there may be none.
    """

    fewest: int
    most: int
    style: str
    choices: tuple[str, ...]
    other: FreeText | None


@dataclass(frozen=True, slots=True)
class FileUpload:
    """A file of so many bytes."""

    smallest: int
    largest: int


@dataclass(frozen=True, slots=True)
class Question:
    """One question: whether it must be answered, and with what."""

    identifier: str
    display_name: str | None
    required: bool
    answer: FreeText | Selection | FileUpload


@dataclass(frozen=True, slots=True)
class QuestionForm:
    """The questions of a form in order; there may be none, only an Overview."""

    questions: tuple[Question, ...]


def read_form(root: Node) -> QuestionForm:
    """The form of a root that follows the schema. Raises DocumentError for what no schema can say.

    Raises XHTMLError for a FormattedContent that is not accepted.
    """
    _check_content(root)
    questions = tuple(_question(node) for node in root.all("Question"))
    refuse_repeated("QuestionIdentifier", (question.identifier for question in questions))
    return QuestionForm(questions)


def refuse_repeated(name: str, identifiers: Iterable[str]) -> None:
    """Raise DocumentError if an identifier occurs twice among the elements of a name."""
    seen = set[str]()
    for identifier in identifiers:
        if identifier in seen:
            raise DocumentError(f"the {name} '{identifier[:100]}' is not unique")
        seen.add(identifier)


def refuse_crossed(lowest: int | None, highest: int | None, names: str) -> None:
    """Raise DocumentError if a lower bound exceeds the upper one."""
    if lowest is not None and highest is not None and lowest > highest:
        raise DocumentError(f"of {names}, {lowest} is greater than {highest}")


def _check_content(node: Node) -> None:
    if node.name == "FormattedContent":
        check_formatted_content(node.text)
    for child in node.children:
        _check_content(child)


def _question(node: Node) -> Question:
    (specification,) = _child(node, "AnswerSpecification").children
    answer = _READERS[specification.name](specification)
    wanted = (node.text_of("IsRequired") or "").strip() in {"true", "1"}
    # A text of at least one character cannot be left out.
    required = wanted or (isinstance(answer, FreeText) and answer.shortest > 0)
    return Question(node.text_of("QuestionIdentifier") or "", node.text_of("DisplayName"), required, answer)


def _child(node: Node, name: str) -> Node:
    return node.find(name) or Node(name, "", {}, ())


def _free_text(node: Node) -> FreeText:
    constraints = _child(node, "Constraints")
    number, length = _child(constraints, "IsNumeric"), _child(constraints, "Length")
    lowest, highest = _attribute(number, "minValue"), _attribute(number, "maxValue")
    shortest, longest = _attribute(length, "minLength"), _attribute(length, "maxLength")
    refuse_crossed(lowest, highest, "minValue and maxValue")
    refuse_crossed(shortest, longest, "minLength and maxLength")
    return FreeText(
        constraints.find("IsNumeric") is not None,
        lowest,
        highest,
        shortest or 0,
        longest,
        tuple(_pattern(pattern.attributes) for pattern in constraints.all("AnswerFormatRegex")),
        node.text_of("DefaultText") or "",
        int(node.text_of("NumberOfLinesSuggestion") or 1),
    )


def _attribute(node: Node, name: str) -> int | None:
    value = node.attributes.get(name)
    return None if value is None else int(value)


def _pattern(attributes: Mapping[str, str]) -> Pattern:
    error_text = attributes.get("errorText", "Invalid input supplied.")
    return Pattern(attributes["regex"], error_text, attributes.get("flags", ""))


def _selection(node: Node) -> Selection:
    fewest, most = int(node.text_of("MinSelectionCount") or 1), int(node.text_of("MaxSelectionCount") or 1)
    refuse_crossed(fewest, most, "MinSelectionCount and MaxSelectionCount")
    style = (node.text_of("StyleSuggestion") or "").strip()
    if not style or (style in _ONE_CHOICE and most > 1):
        style = "radiobutton" if most == 1 else "checkbox"
    selections = _child(node, "Selections")
    choices = tuple(choice.text_of("SelectionIdentifier") or "" for choice in selections.all("Selection"))
    refuse_repeated("SelectionIdentifier", choices)
    other = selections.find("OtherSelection")
    return Selection(fewest, most, style, choices, None if other is None else _free_text(other))


def _file_upload(node: Node) -> FileUpload:
    smallest, largest = int(node.text_of("MinFileSizeInBytes") or 1), int(node.text_of("MaxFileSizeInBytes") or 1)
    refuse_crossed(smallest, largest, "MinFileSizeInBytes and MaxFileSizeInBytes")
    return FileUpload(smallest, largest)


_READERS: Mapping[str, Callable[[Node], FreeText | Selection | FileUpload]] = {
    "FreeTextAnswer": _free_text,
    "SelectionAnswer": _selection,
    "FileUploadAnswer": _file_upload,
}
