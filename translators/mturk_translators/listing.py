"""How listings are described: the token listings of the modern API, and the numbered pages that show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mturk_translators.call import Reply
from mturk_translators.field import Field
from mturk_translators.fields import Choice, Choices, Integer


@dataclass(frozen=True)
class Key:
    """A modern member by which rows are sorted or filtered; `text` gives what compares like the value."""

    member: str
    text: Callable[[Any], str]


@dataclass(frozen=True)
class Again:
    """How a row is read again after a write: the member that named what was written, the call, its reply's member."""

    written: str
    modern: str
    reply: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Listing:
    """A token listing of the modern API, and what is kept of each of its rows.

    `items` is the member of the reply that holds the rows, or gives the rows of a reply. `id` is the member that names
    a row; rows that nothing names are told apart by their places in the walk. `element` is the legacy element of a row,
    empty where its fields stand alone, `fields` its elements in order. `newest_first` says that new rows come first.
    `again` are the ways to read a single row, and `belongs` says whether one that was read so is part of the listing
    with these parameters. `endless` says with which parameters it holds everybody's things, so that only the beginning
    is walked. `prompt` says that first pages are always walked anew: it is short, and what it shows waits for answers.
    """

    modern: str
    items: str | Callable[[Reply], Sequence[Mapping[str, Any]]]
    id: str | None
    element: str
    fields: tuple[Field, ...]
    keys: tuple[Key, ...] = ()
    newest_first: bool = False
    again: tuple[Again, ...] = ()
    belongs: Callable[[Mapping[str, Any], Mapping[str, Any]], bool] = lambda _item, _params: True
    endless: Callable[[Mapping[str, Any]], bool] = lambda _params: False
    prompt: bool = False

    def rows_of(self, reply: Reply) -> Sequence[Mapping[str, Any]]:
        """The rows that a reply holds. Raises LookupError for a reply without any place for them."""
        rows: Sequence[Mapping[str, Any]] = reply[self.items] if isinstance(self.items, str) else self.items(reply)
        return rows


@dataclass(frozen=True)
class Filter:
    """A parameter that selects rows by a key of the listing: those whose key is among its values."""

    key: str
    field: Field


@dataclass(frozen=True, kw_only=True, eq=False)
class Pages:
    """How an operation shows a listing as numbered pages.

    `sorts` are the legal sort properties, `sort` and `descending` the defaults. Each is a key of the listing, or
    `Enumeration`, the order of the walk; without any, that is the order. `any_sort` takes others for the default.
    `only` names the elements of a row that are shown whatever the response groups say. `size` is the default PageSize,
    `largest` the highest; `counters` are the elements that count, in their order.
    """

    listing: Listing
    sorts: tuple[str, ...] = ()
    sort: str = "Enumeration"
    descending: bool = False
    filters: tuple[Filter, ...] = ()
    any_sort: bool = False
    only: frozenset[str] | None = None
    size: int = 10
    largest: int = 100
    counters: tuple[str, ...] = ("NumResults", "TotalNumResults", "PageNumber")

    @property
    def parameters(self) -> tuple[Field, ...]:
        """The parameters that paging adds to an operation (legacy-common 11)."""
        direction = "Descending" if self.descending else "Ascending"
        sorting = (
            Choice("SortProperty", values=self.sorts, default=self.sort, else_default=self.any_sort),
            Choice("SortDirection", values=("Ascending", "Descending"), default=direction),
        )
        return (
            *(chosen.field for chosen in self.filters),
            *(sorting if self.sorts else ()),
            Integer("PageNumber", low=1, default=1),
            Integer("PageSize", low=1, high=self.largest, default=self.size),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Reports:
    """How an operation shows several listings of one kind, each in an element of its own, and all at the same page.

    `each` is the parameter whose values choose among them: a list that the listing's modern call takes too. `elements`
    are its values and the element that each is shown in, in the order of the answer.
    """

    each: Choices
    elements: tuple[tuple[str, str], ...]
    pages: Pages
