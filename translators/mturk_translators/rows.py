"""What is kept of a listing's rows, and how rows that were kept become part of a page.

A row is kept as rendered sections: neighbouring elements of one response group and one span of versions. A page joins
the sections that its groups and version ask for. Where a version differs inside a section, the row is rendered anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

from mturk_translators.fields import Each, Field, Structure, give_members
from mturk_translators.operation import Listing, Pages
from mturk_translators.versions import NEWEST, OLDEST
from mturk_translators.xml import render_all, representable

SEPARATOR = "\x1e"
"""Between the sections of a row; no markup can contain it, and every database can hold it."""


class Row(NamedTuple):
    """A row as it is kept.

    `keys` are the texts of the listing's keys, in their order; `sections` the rendered sections, joined by SEPARATOR;
    `source` the modern members as JSON, only where an older version's form cannot be had by leaving sections out.
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

    def render(self, item: Mapping[str, Any], version: str) -> str:
        """The markup of these elements for an answer of that version."""
        return render_all(tuple(give_members(self.fields, item, version)))

    @property
    def varies(self) -> bool:
        """Whether versions differ inside of an element."""
        return any(map(_varies, self.fields))


def _varies(field: Field) -> bool:
    if isinstance(field, Each):
        return field.several_since is not None or _varies(field.of)
    if isinstance(field, Structure):
        return any(inner.since or inner.until or _varies(inner) for inner in field.fields)
    return False


@cache
def sections(listing: Listing) -> tuple[Section, ...]:
    """The sections of a listing's rows, in element order. The ID is one of its own: some pages show nothing else."""
    grouped = groupby(
        listing.fields, key=lambda field: (field.group, field.since, field.until, field.name == listing.id)
    )
    return tuple(Section(*span[:3], tuple(fields)) for span, fields in grouped)


def keep(listing: Listing, item: Mapping[str, Any]) -> Row:
    """The row that is kept of one item of a modern reply."""
    parts = sections(listing)
    markup = [part.render(item, NEWEST) for part in parts]
    varies = any(
        part.varies and kept and part.render(item, OLDEST) != kept for part, kept in zip(parts, markup, strict=True)
    )
    return Row(
        representable(str(item[listing.id])),
        tuple(representable(key.text(item.get(key.member))) for key in listing.keys),
        SEPARATOR.join(markup),
        json.dumps(item, default=datetime.timestamp) if varies else None,
    )


def join(pages: Pages, kept: Iterable[tuple[str, str | None]], groups: frozenset[str], version: str) -> bytes:
    """The markup of a page's rows, from pairs of their sections and source."""
    listing = pages.listing
    shown = _shown(pages, groups, version)
    start, end = f"<{listing.element}>", f"</{listing.element}>"
    markup = []
    for stored, source in kept:
        parts = stored.split(SEPARATOR)
        if source is not None and version != NEWEST:
            item = json.loads(source)
            chosen = [sections(listing)[position].render(item, version) for position in shown]
        else:
            chosen = [parts[position] for position in shown]
        markup.append(f"{start}{''.join(chosen)}{end}")
    return "".join(markup).encode()


@cache
def _shown(pages: Pages, groups: frozenset[str], version: str) -> tuple[int, ...]:
    return tuple(
        position
        for position, part in enumerate(sections(pages.listing))
        if (part.since is None or part.since <= version)
        and (part.until is None or version <= part.until)
        and (part.group in groups if pages.only is None else pages.only.issuperset(f.name for f in part.fields))
    )
