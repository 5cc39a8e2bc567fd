"""What one legacy request led to, noted where it happens, for whoever records it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from mturk_translators.call import Call, Reply
from mturk_translators.faults import ModernError


class Made(NamedTuple):
    """A modern call that was made, and its reply without what HTTP added, or the error that it met."""

    call: Call
    outcome: Reply | ModernError


@dataclass
class Transcript:
    """The modern calls that were made for a request, and the bases (`paging.tables`) that its pages were read from."""

    made: list[Made] = field(default_factory=list)
    bases: list[int] = field(default_factory=list)


_current: ContextVar[Transcript | None] = ContextVar("_current", default=None)


def transcribe() -> Transcript:
    """A transcript of what is done from now on in this context, and in copies of it."""
    transcript = Transcript()
    _current.set(transcript)
    return transcript


def note_call(call: Call, outcome: Reply | ModernError) -> None:
    """A call was made; for nothing where nobody transcribes."""
    transcript = _current.get()
    if transcript is not None:
        transcript.made.append(made_of(call, outcome))


def note_base(base: int) -> None:
    """A page was read from a base."""
    transcript = _current.get()
    if transcript is not None:
        transcript.bases.append(base)


def epoch_seconds(value: object) -> float:
    """What `json.dumps` writes for a time that an upstream sent as a text."""
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} is no value of a reply")


def made_of(call: Call, outcome: Reply | ModernError) -> Made:
    """The call and what came of it, as a recording keeps them."""
    if isinstance(outcome, ModernError):
        return Made(call, outcome)
    return Made(call, {name: value for name, value in outcome.items() if name != "ResponseMetadata"})
