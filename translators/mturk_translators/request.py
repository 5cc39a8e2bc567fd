"""From an operation's entry and a caller's parameters to what has to be asked of the modern API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mturk_translators.field import take_members
from mturk_translators.operation import Call, Context, Operation, Pages, Steps, Undertaking, When
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


def translate(entry: Operation, given: Node, context: Context) -> PageRequest | StepsRequest | UndertakingRequest:
    """What one request asks for. Raises Fault for parameters that are absent, unreadable or at odds."""
    params = take_members(entry.fields(given), given)
    for rule in entry.needs:
        rule(given)
    if entry.pages:
        return _page(entry.pages, params, given)
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
    sort = asked.get("SortProperty", "Enumeration")
    if sort == "Enumeration":
        view = View(tuple(filters))
    else:
        view = View(tuple(filters), sort, asked["SortDirection"] == "Descending")
    return PageRequest(pages, params, view, asked["PageNumber"], asked["PageSize"])


def validates_only(given: Node) -> bool:
    """Whether the caller wants the request checked and not performed (`Validate`, legacy-common 2)."""
    text = given.text("Validate")
    return text is not None and text.lower() not in ("false", "0")


_EVERYWHERE = PLUMBING | {"Operation", "ResponseGroup", "UniqueRequestToken"}
_MOST_NAMES, _LONGEST_NAME = 10, 64


def unknown_parameters(entry: Operation, given: Node) -> list[str]:
    """Some names that the operation does not know, cut to a size fit for a log. They never change the answer."""
    paging = entry.pages.parameters if entry.pages else ()
    conditional = [
        field for taken in entry.takes if isinstance(taken, When) for field in (*taken.then, *taken.otherwise)
    ]
    fields = (*entry.fields(given), *conditional, *paging)
    known = {name for field in fields for name in (field.name, field.also)} | _EVERYWHERE
    return [name[:_LONGEST_NAME] for name in given.members if name not in known][:_MOST_NAMES]
