"""Words in the middle of any text: what may be an ID there."""

from __future__ import annotations

import re
from collections.abc import Callable

SHORTEST = 6
"""Characters from which on a word may be an ID: shorter ones stand in any text."""

_WORD = re.compile(
    r"(?P<escape>%(?:25)*[0-9A-Fa-f]{2}|\\(?:u[0-9A-Fa-f]{4}|[bfnrt]))?"
    rf"(?P<word>[0-9A-Za-z]{{{SHORTEST},}})",
)
"""A word, and the escape of a URL (which may be escaped itself) or of JSON that stands right before it."""


def reworded(text: str, change: Callable[[str], str]) -> str:
    """The text with what `change` gives for each of its words."""

    def changed(found: re.Match[str]) -> str:
        escape, word = found["escape"] or "", found["word"]
        new = change(word)
        if new == word and escape.startswith("%"):
            # A percent sign may also be one, and what looks like the rest of an escape part of the word.
            return escape[:-2] + change(escape[-2:] + word)
        return escape + new

    return _WORD.sub(changed, text)
