"""In what two legacy documents differ, element by element."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from mturk_gateway.replay.aligning import Part, Together, align, part_of
from mturk_gateway.replay.meanings import Meanings, is_id, is_time
from mturk_translators.xml import MarkupError, Node, full_name, oddities, parse, read

_REQUEST_IDS = frozenset({"RequestId", "RequestID"})
_BY_AGE = "Enumeration"
_REQUEST_ID = re.compile(r"(?<=<RequestI[dD]>)[^<]*")


class Difference(NamedTuple):
    """One thing that changed: where, what was recorded, and what was found; None for nothing.

    Known IDs in what was recorded have become those of now.
    """

    path: str
    recorded: str | None
    found: str | None


def compare(recorded: bytes, found: bytes, meanings: Meanings, sorted_by: str | None = None) -> tuple[Difference, ...]:
    """In what a found document differs, in the order of the recorded one; `meanings` learns from both.

    The IDs of requests never matter. A recorded document that is not well-formed is compared letter by letter. Rows
    that are equal in the SortProperty `sorted_by` have no order, nor do those that do not show it: such ties are broken
    by IDs, and these are others each time.
    """
    try:
        old_root = parse(recorded)
    except MarkupError:
        return tuple(_letters(meanings.translated(_text(recorded)), _text(found)))
    old_space, name = full_name(old_root)
    try:
        new_root = parse(found)
    except MarkupError as error:
        return (Difference(name, "well-formed XML", f"no well-formed XML: {error}"),)
    new_space, _ = full_name(new_root)
    pair = read(old_root), read(new_root)
    comparison = _Comparison(meanings, sorted_by)
    # First all of it, because an ID may stand in a text before the element that it is of.
    comparison.learn(*pair)
    spaces = [Difference(f"{name}/@xmlns", old_space, new_space)] if old_space != new_space else []
    found_here = (*spaces, *comparison.differences(*pair))
    # What nodes do not have: that it is told only where nothing else is, says no more than that something differs.
    return found_here or tuple(_beside(name, meanings.translated(oddities(old_root)), oddities(new_root)))


def _beside(name: str, recorded: str, found: str) -> Iterator[Difference]:
    if recorded != found:
        start = max(0, shared_start(recorded, found) - 1)
        yield Difference(f"{name}, beside its elements", recorded[start:] or None, found[start:] or None)


class _Comparison:
    def __init__(self, meanings: Meanings, sorted_by: str | None) -> None:
        self._meanings = meanings
        self._sorted_by = sorted_by

    def learn(self, recorded: Node, found: Node) -> None:
        # New IDs are never old ones by chance: what both sides name is the same, wherever it stands.
        for name in _ids(recorded) & _ids(found):
            self._meanings.learn("Id", name, name)
        self._learn(*self._parts(recorded, found))

    def differences(self, recorded: Node, found: Node, above: str = "") -> Iterator[Difference]:
        old, new = self._parts(recorded, found)
        return self._between([old], [new], above)

    def _parts(self, recorded: Node, found: Node) -> tuple[Part, Part]:
        return (
            part_of(recorded, self._meanings.of_recorded, _REQUEST_IDS),
            part_of(found, self._meanings.of_found, _REQUEST_IDS),
        )

    def _learn(self, recorded: Part, found: Part) -> None:
        self._meanings.learn(recorded.name, recorded.text, found.text)
        inner = _inner(recorded.text, found.text)
        if inner:
            self.learn(*inner)
        for pair in align(recorded.children, found.children):
            if pair.recorded is not None and pair.found is not None:
                self._learn(recorded.children[pair.recorded], found.children[pair.found])

    def _between(self, recorded: Sequence[Part], found: Sequence[Part], above: str) -> Iterator[Difference]:
        old_paths, new_paths = _paths(recorded, above), _paths(found, above)
        together = list(align(recorded, found))
        for old, new, moved in together:
            if new is None and old is not None:
                yield Difference(old_paths[old], self._shown(recorded[old]), None)
            elif old is None and new is not None:
                yield Difference(new_paths[new], None, _shown(found[new]))
            elif old is not None and new is not None:
                if moved and not self._ties(recorded, found, old, new, together):
                    yield Difference(old_paths[old], "stands here", f"stands at {new_paths[new].rpartition('/')[2]}")
                yield from self._within(recorded[old], found[new], old_paths[old])

    def _ties(
        self, recorded: Sequence[Part], found: Sequence[Part], old: int, new: int, together: Sequence[Together]
    ) -> bool:
        """Whether a row that moved has only changed places with rows that it has no order with."""
        if self._sorted_by is None or is_id(self._sorted_by):
            return self._sorted_by is not None
        mine, now = _sort_value(recorded[old], self._sorted_by), _sort_value(found[new], self._sorted_by)
        return all(
            mine == _sort_value(recorded[other.recorded], self._sorted_by)
            or now == _sort_value(found[other.found], self._sorted_by)
            for other in together
            if other.recorded is not None and other.found is not None
            if (other.recorded < old) != (other.found < new)
        )

    def _within(self, recorded: Part, found: Part, path: str) -> Iterator[Difference]:
        for name in sorted({*recorded.attributes, *found.attributes}):
            old, new = recorded.attributes.get(name), found.attributes.get(name)
            if old is None or new is None or not self._meanings.agree(name, old, new):
                yield Difference(f"{path}/@{name}", old, new)
        if bool(recorded.children) != bool(found.children) and (recorded.text or found.text):
            yield Difference(path, self._shown(recorded), _shown(found))
            return
        if not self._meanings.agree(recorded.name, recorded.text, found.text):
            inner = _inner(recorded.text, found.text)
            differences = list(self.differences(*inner, path)) if inner else []
            both = self._meanings.explained(recorded.name, recorded.text, found.text)
            yield from differences or [Difference(path, *both)]
        yield from self._between(recorded.children, found.children, path)

    def _shown(self, part: Part) -> str:
        return self._meanings.translated(_shown(part))


def _inner(recorded: str, found: str) -> tuple[Node, Node] | None:
    """What texts say that are documents themselves, as questions and answers are."""
    if recorded.lstrip().startswith("<") and found.lstrip().startswith("<"):
        with suppress(MarkupError):
            return read(parse(recorded)), read(parse(found))
    return None


def _ids(node: Node) -> set[str]:
    own = {node.text} if is_id(node.name) else set()
    return own.union(*map(_ids, node.children))


def _sort_value(row: Part, sorted_by: str) -> list[str]:
    """What a row shows of its sort property; for the order in which rows came to be, its times."""
    if sorted_by == _BY_AGE:
        return [child.text for child in row.children if is_time(child.text)]
    return [_shown(child) for child in row.children if child.name == sorted_by]


def _paths(parts: Sequence[Part], above: str) -> list[str]:
    """Where the children of an element are: its path and their names, with a number from 1 where several have one."""
    several = Counter(part.name for part in parts)
    numbers: Counter[str] = Counter()
    paths = []
    for part in parts:
        numbers[part.name] += 1
        number = f"[{numbers[part.name]}]" if several[part.name] > 1 else ""
        paths.append(f"{above}/{part.name}{number}" if above else f"{part.name}{number}")
    return paths


def _shown(part: Part) -> str:
    """What an element says, for a person: its text, or the names and texts of what is in it."""
    if not part.children:
        return part.text
    return ", ".join(f"{leaf.name}: {leaf.text}" for leaf in part.leaves())


def _text(document: bytes) -> str:
    return _REQUEST_ID.sub("…", document.decode(errors="backslashreplace"))


def _letters(recorded: str, found: str) -> Iterator[Difference]:
    """The first place at which two texts differ."""
    if recorded != found:
        start = shared_start(recorded, found)
        line, column = recorded.count("\n", 0, start) + 1, start - recorded.rfind("\n", 0, start)
        yield Difference(f"line {line}, column {column}", recorded[start:] or None, found[start:] or None)


def shared_start(recorded: str, found: str) -> int:
    """How many characters two texts have in common at the beginning."""
    both = zip(recorded, found, strict=False)
    shorter = min(len(recorded), len(found))
    return next((place for place, (old, new) in enumerate(both) if old != new), shorter)
