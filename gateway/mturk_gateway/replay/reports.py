"""What a person, and what a CI server, is shown of verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from mturk_gateway.replay.comparing import shared_start
from mturk_gateway.replay.verifying import Outcome, Verdict
from mturk_translators.xml import Element, render_document

_SHORT = 160
"""Characters of texts that are shown whole; of longer ones only what differs."""
_AROUND = 30
"""Characters that are shown before and after what differs."""
_LONGEST = 400
"""Characters of what differs that are shown."""


class Kind(Enum):
    """What a line is about."""

    NAME = "name"
    PATH = "path"
    RECORDED = "recorded"
    FOUND = "found"


class Line(NamedTuple):
    """A line for a person, without anything that a terminal would obey."""

    kind: Kind
    text: str


class Report:
    """Takes verdicts one by one, and keeps what is to be said of them in the end, not what was compared."""

    def __init__(self) -> None:
        self._outcomes: Counter[Outcome] = Counter()
        self._cases: list[Element] = []
        self._seconds = 0.0

    def add(self, verdict: Verdict) -> list[Line]:
        """What there is to say of one recording; nothing where all is alike."""
        said = list(_lines(verdict))
        self._outcomes[verdict.outcome] += 1
        self._cases.append(_case(verdict, said))
        self._seconds += verdict.seconds
        return said

    @property
    def exit_status(self) -> int:
        """As that of `diff`: 0 when all was alike, 1 for differences, 2 when something could not be compared."""
        if self._outcomes[Outcome.FAILED] or not (self._outcomes[Outcome.ALIKE] or self._outcomes[Outcome.DIFFERS]):
            return 2
        return 1 if self._outcomes[Outcome.DIFFERS] else 0

    def summary(self) -> str:
        """All of it in one line."""
        total = self._outcomes.total()
        said = {
            Outcome.ALIKE: "alike",
            Outcome.DIFFERS: "differs" if self._outcomes[Outcome.DIFFERS] == 1 else "differ",
            Outcome.FAILED: "could not be compared",
            Outcome.SKIPPED: "skipped",
        }
        counts = [f"{self._outcomes[outcome]} {words}" for outcome, words in said.items() if self._outcomes[outcome]]
        return f"{total} {'recording' if total == 1 else 'recordings'}: {', '.join(counts)}"

    def junit(self) -> bytes:
        """All of it as JUnit's XML: a test case for each recording."""
        counts = (
            ("tests", str(self._outcomes.total())),
            ("failures", str(self._outcomes[Outcome.DIFFERS])),
            ("errors", str(self._outcomes[Outcome.FAILED])),
            ("skipped", str(self._outcomes[Outcome.SKIPPED])),
            ("time", f"{self._seconds:.3f}"),
        )
        suite = Element("testsuite", tuple(self._cases), (("name", "mturk-gateway verify"), *counts))
        return render_document(Element("testsuites", (suite,), counts))


def visible(text: str) -> str:
    """The text on one line, with escapes for what a terminal would obey instead of showing it."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def _lines(verdict: Verdict) -> Iterator[Line]:
    if verdict.outcome is not Outcome.ALIKE:
        yield Line(Kind.NAME, f"{visible(verdict.recording.name)}  {_headline(verdict)}")
    for path, recorded, found in verdict.differences:
        yield Line(Kind.PATH, f"  {visible(path)}")
        old, new = _differing(recorded, found)
        if old is not None:
            yield Line(Kind.RECORDED, f"    - {_quoted(old)}")
        if new is not None:
            yield Line(Kind.FOUND, f"    + {_quoted(new)}")


def _headline(verdict: Verdict) -> str:
    if verdict.outcome is Outcome.FAILED:
        return f"could not be compared: {visible(verdict.reason)}"
    if verdict.outcome is Outcome.SKIPPED:
        return f"skipped: {visible(verdict.reason)}"
    number = len(verdict.differences)
    return f"{number} {'difference' if number == 1 else 'differences'}"


def _differing(recorded: str | None, found: str | None) -> tuple[str | None, str | None]:
    """Both texts, and of long ones what differs with a little around it."""
    if recorded is None or found is None:
        return recorded and _excerpt(recorded), found and _excerpt(found)
    if max(len(recorded), len(found)) <= _SHORT:
        return recorded, found
    start = shared_start(recorded, found)
    end = shared_start(recorded[start:][::-1], found[start:][::-1])
    return _excerpt(recorded, start, end), _excerpt(found, start, end)


def _excerpt(text: str, start: int = 0, end: int = 0) -> str:
    """A text without most of what stands before `start`, and in the last `end` characters."""
    first, last = max(0, start - _AROUND), min(len(text), len(text) - end + _AROUND)
    last = min(last, first + _LONGEST)
    return f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}"


def _quoted(text: str) -> str:
    """The text to be shown, in quotation marks where one could not see its ends."""
    shown = visible(text)
    return shown if shown and shown == shown.strip() else f'"{shown}"'


def _case(verdict: Verdict, said: list[Line]) -> Element:
    elements = {Outcome.DIFFERS: "failure", Outcome.FAILED: "error", Outcome.SKIPPED: "skipped"}
    result: tuple[Element, ...] = ()
    if verdict.outcome in elements:
        text = "\n".join(line.text for line in said[1:])
        result = (Element(elements[verdict.outcome], text, (("message", _headline(verdict)),)),)
    recording = verdict.recording
    attributes = (
        ("classname", recording.operation or "unknown"),
        ("name", recording.name),
        ("time", f"{verdict.seconds:.3f}"),
    )
    return Element("testcase", result, attributes)
