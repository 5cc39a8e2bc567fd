"""Patterns in which `*` stands for any characters, also none, and `?` for one."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache


def looks_like(text: str, pattern: str) -> bool:
    """Whether a pattern describes the whole of a text, capitals and newlines and all."""
    return _compiled(pattern).match(text) is not None


@lru_cache(10_000)
def _compiled(pattern: str) -> re.Pattern[str]:
    # A bracket means itself: it stands in JSON, and in the names of parametrized tests.
    return re.compile(translate(pattern.replace("[", "[[]")))
