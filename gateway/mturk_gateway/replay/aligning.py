"""Which elements of two documents belong together, when some are missing, new, changed, or elsewhere."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby, takewhile
from typing import NamedTuple

from mturk_translators.xml import Node

_MOST_ALIKE = 1_000_000
_MOST_UNLIKE = 10_000
"""How many elements may be held against each other, alike or not. Beyond it they belong together by their places."""


class Part(NamedTuple):
    """An element, and a `key` that is the same for elements that can mean the same."""

    name: str
    text: str
    attributes: dict[str, str]
    children: tuple[Part, ...]
    key: int

    def leaves(self) -> Iterator[Part]:
        """The elements within that have no children; itself, if it has none."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


class Together(NamedTuple):
    """Two elements that belong together, by their places from 0; None where one side has nothing.

    Those that `moved` are alike, and stand among others than they did.
    """

    recorded: int | None
    found: int | None
    moved: bool = False


def part_of(node: Node, meaning: Callable[[str, str], str], ignored: frozenset[str]) -> Part:
    """A node with its key, for which `meaning` says what a name and a text can mean; without elements `ignored`."""
    children = tuple(part_of(child, meaning, ignored) for child in node.children if child.name not in ignored)
    attributes = dict(node.attributes)
    meant = sorted((name, meaning(name, value)) for name, value in attributes.items())
    key = hash((node.name, *meant, meaning(node.name, node.text), *(child.key for child in children)))
    return Part(node.name, node.text, attributes, children, key)


def align(recorded: Sequence[Part], found: Sequence[Part]) -> Iterator[Together]:
    """Each element of both lists once, about in the order of the recorded ones."""
    stretches = list(_stretches([part.key for part in recorded], [part.key for part in found]))
    moved = _moved(recorded, found, stretches)
    arrived = set(moved.values())
    for same, olds, news in stretches:
        if same:
            yield from map(Together, olds, news)
        else:
            yield from _closest(
                recorded, found, [old for old in olds if old not in moved], [new for new in news if new not in arrived]
            )
            yield from (Together(old, moved[old], moved=True) for old in olds if old in moved)


_Stretch = tuple[bool, range, range]


def _stretches(olds: Sequence[int], news: Sequence[int]) -> Iterator[_Stretch]:
    """Stretches of elements with the same keys in the same order, and those between them, from first to last."""
    start = _alike(zip(olds, news, strict=False))
    end = _alike(zip(reversed(olds[start:]), reversed(news[start:]), strict=False))
    last_old, last_new = len(olds) - end, len(news) - end
    yield True, range(start), range(start)
    occurrences = Counter(news[start:last_new])
    if sum(occurrences[old] for old in olds[start:last_old]) > _MOST_ALIKE:
        shorter = min(last_old, last_new)
        for same, places in groupby(range(start, shorter), lambda place: olds[place] == news[place]):
            run = list(places)
            yield same, range(run[0], run[-1] + 1), range(run[0], run[-1] + 1)
        yield False, range(shorter, last_old), range(shorter, last_new)
    else:
        matcher = SequenceMatcher(None, olds[start:last_old], news[start:last_new], autojunk=False)
        for tag, i1, i2, j1, j2 in matcher.get_opcodes():
            yield tag == "equal", range(start + i1, start + i2), range(start + j1, start + j2)
    yield True, range(last_old, len(olds)), range(last_new, len(news))


def _alike(pairs: Iterable[tuple[int, int]]) -> int:
    """How many pairs there are before the first whose two differ."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _moved(recorded: Sequence[Part], found: Sequence[Part], stretches: Sequence[_Stretch]) -> dict[int, int]:
    """Where the elements that are in none of the same stretches are now, if they are anywhere."""
    places = defaultdict(list)
    for same, _, news in reversed(stretches):
        if not same:
            for new in reversed(news):
                places[found[new].key].append(new)
    return {
        old: places[recorded[old].key].pop()
        for same, olds, _ in stretches
        if not same
        for old in olds
        if places.get(recorded[old].key)
    }


def _closest(
    recorded: Sequence[Part], found: Sequence[Part], olds: Sequence[int], news: Sequence[int]
) -> Iterator[Together]:
    """The elements of a stretch in their order, so that as many as possible are together, and as alike as possible."""
    if len(olds) * len(news) > _MOST_UNLIKE:
        shorter = min(len(olds), len(news))
        yield from map(Together, olds[:shorter], news[:shorter])
        yield from (Together(old, None) for old in olds[shorter:])
        yield from (Together(None, new) for new in news[shorter:])
        return
    likeness = _likeness([recorded[old] for old in olds], [found[new] for new in news])
    # The most that can be had from the elements at these places on.
    best = [[0.0] * (len(news) + 1) for _ in range(len(olds) + 1)]
    for i in reversed(range(len(olds))):
        for j in reversed(range(len(news))):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], likeness[i][j] + best[i + 1][j + 1])
    i = j = 0
    while i < len(olds) and j < len(news):
        if likeness[i][j] and best[i][j] == likeness[i][j] + best[i + 1][j + 1]:
            yield Together(olds[i], news[j])
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            yield Together(olds[i], None)
            i += 1
        else:
            yield Together(None, news[j])
            j += 1
    yield from (Together(old, None) for old in olds[i:])
    yield from (Together(None, new) for new in news[j:])


def _likeness(recorded: Sequence[Part], found: Sequence[Part]) -> list[list[float]]:
    """How much each has in common with each: nothing with those of other names, else from 1 to 2."""
    olds = [Counter(leaf.key for leaf in part.leaves()) for part in recorded]
    news = [Counter(leaf.key for leaf in part.leaves()) for part in found]
    return [
        [
            1 + (here & there).total() / max(here.total(), there.total()) if old.name == new.name else 0.0
            for new, there in zip(found, news, strict=True)
        ]
        for old, here in zip(recorded, olds, strict=True)
    ]
