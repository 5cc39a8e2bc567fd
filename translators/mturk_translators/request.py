"""From an operation's entry and a caller's parameters to what has to be asked of the modern API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mturk_translators.call import Call
from mturk_translators.field import take_members
from mturk_translators.listing import Pages, Reports
from mturk_translators.operation import Context, Operation, Steps, Undertaking, When
from mturk_translators.query import PLUMBING, Node


@dataclass(frozen=True)
class View:
    """A selection and order of a listing's rows.

    `filters` are keys and the values that they may have; `sort` is a key, None for the order of the walk.
    """

    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    sort: str | None = None
    descending: bool = False


@dataclass(frozen=True)
class PageRequest:
    """A numbered page of a view; `params` are those of the listing's modern call."""

    pages: Pages
    params: dict[str, Any]
    view: View
    number: int
    size: int


@dataclass(frozen=True)
class StepsRequest:
    """One or several modern calls; `params` are the modern members that the caller's parameters amount to."""

    params: dict[str, Any]
    steps: Steps


@dataclass(frozen=True)
class UndertakingRequest:
    """A composite operation that is to be undertaken; `params` are as those of steps."""

    params: dict[str, Any]
    undertaking: Undertaking
    context: Context


@dataclass(frozen=True)
class ReportsRequest:
    """The same numbered page of several views, by the elements that show them, and what stands before these.

    `head` are the steps that give that; `params` are as those of steps.
    """

    params: dict[str, Any]
    head: StepsRequest
    pages: tuple[tuple[str, PageRequest], ...]


Request = PageRequest | ReportsRequest | StepsRequest | UndertakingRequest
"""What a legacy request can amount to."""


def translate(entry: Operation, given: Node, context: Context) -> Request:
    """What one request asks for. Raises Fault for parameters that are absent, unreadable or at odds."""
    params = take_members(entry.fields(given), given)
    for rule in entry.needs:
        rule(given)
    if entry.pages:
        return _page(entry.pages, params, given)
    if entry.reports:
        return _reports(entry.reports, params, given)
    if entry.undertaking:
        return UndertakingRequest(params, entry.undertaking, context)
    steps = entry.flow(params, context) if entry.flow else _one_call(entry.modern or "", params)
    return StepsRequest(params, steps)


def _one_call(operation: str, params: dict[str, Any]) -> Steps:
    return (yield Call(operation, params))


def _page(pages: Pages, params: dict[str, Any], given: Node) -> PageRequest:
    asked = take_members(pages.parameters, given)
    filters = []
    for chosen in pages.filters:
        value = asked.get(chosen.field.member)
        if value is not None:
            filters.append((chosen.key, (value,) if isinstance(value, str) else tuple(sorted(value))))
    sort = asked.get("SortProperty", pages.sort)
    if sort == "Enumeration":
        view = View(tuple(filters))
    else:
        view = View(tuple(filters), sort, asked.get("SortDirection") == "Descending")
    return PageRequest(pages, params, view, asked["PageNumber"], asked["PageSize"])


def _reports(reports: Reports, params: dict[str, Any], given: Node) -> ReportsRequest:
    member = reports.each.member
    chosen = take_members((reports.each,), given)[member]
    shown = {value: element for value, element in reports.elements if value in chosen}
    pages = [(element, _page(reports.pages, {**params, member: [value]}, given)) for value, element in shown.items()]
    # What stands before the reports is in every reply, even in one that holds next to nothing of them.
    head = _one_call(reports.pages.listing.modern, {**params, member: list(shown), "MaxResults": 1})
    return ReportsRequest(params, StepsRequest(params, head), tuple(pages))


def validates_only(given: Node) -> bool:
    """Whether the caller wants the request checked and not performed (`Validate`, legacy-common 2)."""
    text = given.text("Validate")
    return text is not None and text.lower() not in ("false", "0")


_EVERYWHERE = PLUMBING | {"Operation", "ResponseGroup", "UniqueRequestToken"}
_MOST_NAMES, _LONGEST_NAME = 10, 64


def unknown_parameters(entry: Operation, given: Node) -> list[str]:
    """Some names that the operation does not know, cut to a size fit for a log. They never change the answer."""
    conditional = [
        field for taken in entry.takes if isinstance(taken, When) for field in (*taken.then, *taken.otherwise)
    ]
    fields = (*entry.fields(given), *conditional, *entry.paging)
    known = {name for field in fields for name in (field.name, field.also)} | _EVERYWHERE
    return [name[:_LONGEST_NAME] for name in given.members if name not in known][:_MOST_NAMES]
