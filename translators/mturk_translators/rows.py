"""What is kept of a listing's rows, and how rows that were kept become part of a page.

A row is kept as rendered sections: neighbouring elements of one response group and one span of versions. A page joins
the sections that its groups and version ask for. Where a version differs inside a section, the row is rendered anew.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from itertools import accumulate, chain, groupby
from typing import Any, NamedTuple

from mturk_translators.field import Field, give_members, prepare
from mturk_translators.listing import Listing, Pages
from mturk_translators.versions import NEWEST
from mturk_translators.xml import representable


class Row(NamedTuple):
    """A row as it is kept.

    `id` is empty where nothing names the rows of the listing. `keys` are the texts of the listing's keys, in their
    order; `sections` the places where the rendered sections end, each in eight hexadecimal digits, and then the
    sections; `source` the modern members as JSON, only where an older version's form cannot be had by leaving sections
    out.
    """

    id: str
    keys: tuple[str, ...]
    sections: str
    source: str | None


class Section(NamedTuple):
    """Neighbouring elements that are shown or left out together."""

    group: str | None
    since: str | None
    until: str | None
    fields: tuple[Field, ...]


@cache
def sections(listing: Listing) -> tuple[Section, ...]:
    """The sections of a listing's rows, in element order. The ID is one of its own: some pages show nothing else."""
    grouped = groupby(
        listing.fields, key=lambda field: (field.group, field.since, field.until, field.name == listing.id)
    )
    return tuple(Section(*span[:3], tuple(fields)) for span, fields in grouped)


class _Layout:
    """What is always the same about the rows of a listing: how they are written, and how they are cut."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self._sections = sections(listing)
        self._steps = prepare(field for part in self._sections for field in part.fields)
        self._versioned = tuple(field for field in listing.fields if field.versioned)
        self._last = tuple(accumulate((len(part.fields) for part in self._sections), initial=0))[1:]
        self._ends = struct.Struct(f">{len(self._sections)}I")
        self._head = 2 * self._ends.size

    def write(self, item: Mapping[str, Any], version: str) -> str:
        """The sections of an item as a row has them, for an answer of that version.

        What XML cannot carry still stands there: what is shown in its place takes as much room.
        """
        markup = give_members(self._steps, item, version)
        ends = [*accumulate(map(len, markup), initial=self._head)]
        return self._ends.pack(*[ends[last] for last in self._last]).hex() + "".join(markup)

    def cut(self, rows: list[str], spans: Iterable[tuple[int, int]]) -> list[list[str]]:
        """Spans of sections, each given by its first and last one, of all rows."""
        # The numbers of a whole page at once: to split rows at marks takes twice as long as all of `join`.
        heads = bytes.fromhex("".join([row[: self._head] for row in rows]))
        size = len(self._sections)
        ends = struct.unpack(f">{size * len(rows)}I", heads)
        columns = []
        for first, last in spans:
            starts = ends[first - 1 :: size] if first else [self._head] * len(rows)
            columns.append([row[start:end] for row, start, end in zip(rows, starts, ends[last::size], strict=True)])
        return columns

    def varies(self, item: Mapping[str, Any]) -> bool:
        """Whether versions differ inside of an element."""
        return any(field.varies(item.get(field.member)) for field in self._versioned)


@cache
def _layout(listing: Listing) -> _Layout:
    return _Layout(listing)


def keep(listing: Listing, item: Mapping[str, Any]) -> Row:
    """The row that is kept of one item of a modern reply."""
    layout = _layout(listing)
    texts = [
        layout.write(item, NEWEST),
        "" if listing.id is None else str(item[listing.id]),
        *[key.text(item.get(key.member)) for key in listing.keys],
    ]
    whole = "".join(texts)
    if representable(whole) is not whole:
        texts = [representable(text) for text in texts]
    markup, id_, *keys = texts
    source = json.dumps(item, default=datetime.timestamp) if layout.varies(item) else None
    return Row(id_, tuple(keys), markup, source)


def join(pages: Pages, kept: Iterable[tuple[str, str | None]], groups: frozenset[str], version: str) -> bytes:
    """The markup of a page's rows, from pairs of their sections and source."""
    listing = pages.listing
    layout = _layout(listing)
    rows = [
        stored if source is None or version == NEWEST else representable(layout.write(json.loads(source), version))
        for stored, source in kept
    ]
    columns = layout.cut(rows, _shown(pages, groups, version))
    tags = (f"<{listing.element}>", f"</{listing.element}>") if listing.element else ("", "")
    starts, ends = [tags[0]] * len(rows), [tags[1]] * len(rows)
    return "".join(chain.from_iterable(zip(starts, *columns, ends, strict=True))).encode()


@cache
def _shown(pages: Pages, groups: frozenset[str], version: str) -> tuple[tuple[int, int], ...]:
    """The spans of sections that are shown, each by its first and last one."""
    shown = [
        position
        for position, part in enumerate(sections(pages.listing))
        if (part.since is None or part.since <= version)
        and (part.until is None or version <= part.until)
        and (part.group in groups if pages.only is None else pages.only.issuperset(f.name for f in part.fields))
    ]
    # Neighbours are as far from their places in this list as each other.
    spans = [[*span] for _, span in groupby(shown, key=lambda position: position - shown.index(position))]
    return tuple((span[0], span[-1]) for span in spans)
