"""Scripts: a TOML file that says who works, on what, and how well.

    seed = 7                        # the same script does the same with the same HITs

    [[workers]]
    count = 20                      # so many, with ids made up; or one of a known id:  id = "A1EXAMPLE"
    sandbox = true                  # work there, and not in production
    country = "US"
    subdivision = "PA"
    adult = true                    # agreed to adult content
    masters = true
    requester = "lab"               # take only HITs of this requester,
    title = "count the"             # with this in their title,
    keyword = "image"               # and this among their keywords
    most = 10                       # so many assignments each, those given up included
    returned = 0.1                  # share of assignments given back
    abandoned = 0.05                # and of those left lying until their time is over
    request = ["Careful counter"]   # qualification types to ask for first, by name or id

    [workers.answers]               # by field name, or by QuestionIdentifier
    dots = 7                        # always this
    colour = ["red", "green"]       # one of these, by chance
    animals = [["cat", "dog"], []]  # several at once: the cat and the dog, or nothing

    [workers.test]                  # the same for qualification tests
    letters = "b"

All but `id` or `count` can be left out; [[workers]] can be repeated. A QuestionForm gets the answers to its own
questions, any other page all of them.
"""

from __future__ import annotations

import random
import string
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Answers = Mapping[str, Sequence[Sequence[str]]]
"""For each name what may be answered, one of which is chosen; each is any number of texts."""

_LETTERS = string.ascii_uppercase + string.digits
_ID_LENGTH = 14
_MOST_WORKERS = 10_000


class ScriptError(ValueError):
    """A script cannot be followed; the text says what is wrong in which place."""


@dataclass(frozen=True, kw_only=True)
class Crew:
    """Workers who are alike, as one [[workers]] has them; the module describes its keys."""

    ids: Sequence[str]
    sandbox: bool = False
    country: str | None = None
    subdivision: str | None = None
    adult: bool | None = None
    masters: bool = False
    requester: str = ""
    title: str = ""
    keyword: str = ""
    most: int | None = None
    returned: float = 0
    abandoned: float = 0
    request: Sequence[str] = ()
    answers: Answers = field(default_factory=dict)
    test: Answers = field(default_factory=dict)


@dataclass(frozen=True)
class Script:
    """Who works, and what their chance begins with."""

    seed: int
    crews: Sequence[Crew]


def read_script(text: str) -> Script:
    """The script in a TOML document. Raises ScriptError."""
    try:
        document = tomllib.loads(text)
    # Numbers of thousands of digits and brackets without end are no errors of TOML.
    except (ValueError, RecursionError) as error:
        raise ScriptError(str(error)) from None
    _refuse_unknown(document, ("seed", "workers"), "the script")
    seed = document.get("seed", 0)
    if not _is_whole(seed):
        raise ScriptError("seed must be a whole number")
    blocks = document.get("workers")
    if not isinstance(blocks, list) or not blocks or not all(isinstance(block, dict) for block in blocks):
        raise ScriptError("there must be at least one [[workers]]")
    return Script(seed, [_crew(block, seed, number) for number, block in enumerate(blocks, start=1)])


def _crew(block: Mapping[str, Any], seed: int, number: int) -> Crew:
    place = f"[[workers]] number {number}"
    _refuse_unknown(block, ("id", "count", *_READERS), place)
    values: dict[str, Any] = {}
    for name, read in _READERS.items():
        if name in block:
            try:
                values[name] = read(block[name])
            except ScriptError as error:
                raise ScriptError(f"{place}: {name} {error}") from None
    crew = Crew(ids=_ids(block, seed, number, place), **values)
    if crew.returned + crew.abandoned > 1:
        raise ScriptError(f"{place}: returned and abandoned are more than 1 together")
    return crew


def _ids(block: Mapping[str, Any], seed: int, number: int, place: str) -> Sequence[str]:
    if ("id" in block) == ("count" in block):
        raise ScriptError(f"{place}: exactly one of id and count is needed")
    if "id" in block:
        if not isinstance(block["id"], str):
            raise ScriptError(f"{place}: id must be a text")
        return (block["id"],)
    count = block["count"]
    if not _is_whole(count) or not 1 <= count <= _MOST_WORKERS:
        raise ScriptError(f"{place}: count must be a whole number from 1 to {_MOST_WORKERS}")
    chance = random.Random(f"{seed} {number}")  # noqa: S311  # made up, and the same each time
    return ["A" + "".join(chance.choices(_LETTERS, k=_ID_LENGTH - 1)) for _ in range(count)]


def _refuse_unknown(given: Mapping[str, Any], known: Sequence[str], place: str) -> None:
    for name in given:
        if name not in known:
            raise ScriptError(f"{place}: there is no key {name!r}; there are: {', '.join(known)}")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ScriptError("must be a text")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ScriptError("must be true or false")
    return value


def _number(value: Any) -> int:
    if not _is_whole(value) or value < 1:
        raise ScriptError("must be a whole number from 1")
    return int(value)


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ScriptError("must be a number from 0 to 1")
    return value


def _texts(value: Any) -> Sequence[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ScriptError("must be a list of texts")
    return value


def _answers(value: Any) -> Answers:
    if not isinstance(value, dict):
        raise ScriptError("must be a table of names and answers")
    return {name: _alternatives(name, given) for name, given in value.items()}


def _alternatives(name: str, value: Any) -> Sequence[Sequence[str]]:
    alternatives = value if isinstance(value, list) else [value]
    if not alternatives:
        raise ScriptError(f"has nothing to choose from for {name!r}")
    return [_several(name, given) for given in alternatives]


def _several(name: str, value: Any) -> Sequence[str]:
    texts = value if isinstance(value, list) else [value]
    for text in texts:
        if isinstance(text, bool) or not isinstance(text, str | int | float):
            raise ScriptError(f"must have texts or numbers for {name!r}")
    try:
        return [str(text) for text in texts]
    except ValueError:
        raise ScriptError(f"has a number with too many digits for {name!r}") from None


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "sandbox": _flag,
    "country": _text,
    "subdivision": _text,
    "adult": _flag,
    "masters": _flag,
    "requester": _text,
    "title": _text,
    "keyword": _text,
    "most": _number,
    "returned": _share,
    "abandoned": _share,
    "request": _texts,
    "answers": _answers,
    "test": _answers,
}
