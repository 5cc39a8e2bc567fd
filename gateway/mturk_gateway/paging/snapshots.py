"""What is read: snapshots, their views, and the walks that bring them."""

from __future__ import annotations

import json
from typing import NamedTuple

from mturk_translators.request import PageRequest, View


class Snapshot(NamedTuple):
    """What a listing held at one time: a base at a revision (`paging.tables`)."""

    base: int
    revision: int


class Walk(NamedTuple):
    """What walking is about: a requester's listing. `requester` is the account, `params` JSON."""

    requester: str
    operation: str
    params: str

    @property
    def listing(self) -> str:
        """Names the listing in the whole deployment."""
        return f"{self.requester} {self.operation} {self.params}"


class Page(NamedTuple):
    """One page as it was kept: how many rows the view has, and sections and source of the rows on the page."""

    total: int
    rows: list[tuple[str, str | None]]


class Sought(NamedTuple):
    """A page that is asked for: of which walk, in which order."""

    walk: Walk
    view: str
    page: PageRequest

    @property
    def number(self) -> int:
        """The number of the page, as far as it matters: those after the largest that is kept are as empty."""
        return min(self.page.number, _LARGEST_NUMBER)


_LARGEST_NUMBER = 2**31 - 1


def seek(requester: str, page: PageRequest) -> Sought:
    """What a requester, named by the account, looks for with a request."""
    walk = Walk(requester, page.pages.listing.modern, json.dumps(page.params, sort_keys=True))
    return Sought(walk, view_name(page.view), page)


def view_name(view: View) -> str:
    """Names an order: both directions of a view have the same."""
    return json.dumps([view.filters, view.sort])


def view_of(name: str) -> View:
    """The ascending view of a name."""
    filters, sort = json.loads(name)
    return View(tuple((key, tuple(values)) for key, values in filters), sort)
