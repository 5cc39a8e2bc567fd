"""What Help tells: the table of operations, read for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mturk_translators.faults import invalid_value
from mturk_translators.field import Field
from mturk_translators.operation import Context, Flow, Operation, Steps, When
from mturk_translators.structures import Structure


def helping(table: Mapping[str, Operation]) -> Flow:
    """The flow that tells of the operations of a table and of their response groups, without any call."""

    def explain(given: dict[str, Any], _context: Context) -> Steps:
        yield from ()
        about = dict.fromkeys(given["About"])
        if given["HelpType"] == "Operation":
            return {"OperationInformation": [_operation(table, name) for name in about]}
        return {"ResponseGroupInformation": [_response_group(table, name) for name in about]}

    return explain


def _operation(operations: Mapping[str, Operation], name: str) -> dict[str, Any]:
    entry = operations.get(name)
    if entry is None:
        raise invalid_value(name, "About", "It is not the name of an operation.")
    parameters = _parameters(entry)
    return {
        "Name": name,
        "Description": entry.about,
        "RequiredParameters": _several("Parameter", (known for known, needed in parameters.items() if needed)),
        "AvailableParameters": _several("Parameter", (known for known, needed in parameters.items() if not needed)),
        "DefaultResponseGroups": _several("ResponseGroup", sorted(entry.groups.default & entry.groups.allowed)),
        "AvailableResponseGroups": _several("ResponseGroup", sorted(entry.groups.allowed)),
    }


def _response_group(operations: Mapping[str, Operation], group: str) -> dict[str, Any]:
    valid = {name: entry for name, entry in sorted(operations.items()) if group in entry.groups.allowed}
    if not valid:
        raise invalid_value(group, "About", "It is not the name of a response group.")
    if group == "Request":
        elements = [f"{name}Request" for name in valid]
    else:
        elements = [element for entry in valid.values() for shown, element in _elements(entry) if shown == group]
    return {
        "Name": group,
        "ValidOperations": _several("Operation", valid),
        "Elements": _several("Element", dict.fromkeys(elements)),
    }


def _several(element: str, values: Iterable[str]) -> dict[str, Any] | None:
    """The values as a list of elements; None when there are none, because a list is never empty."""
    found = list(values)
    return {element: found} if found else None


def _parameters(entry: Operation) -> dict[str, bool]:
    """The names of an operation's own parameters, and whether every request must have each."""
    found: dict[str, bool] = {}
    for taken in entry.takes:
        if isinstance(taken, When):
            then, otherwise = _names(taken.then), _names(taken.otherwise)
            found |= {name: then.get(name, False) and otherwise.get(name, False) for name in then | otherwise}
        else:
            found |= _names((taken,))
    return found | _names(entry.paging)


def _names(fields: Iterable[Field]) -> dict[str, bool]:
    return {name: needed for field in fields for name, needed in field.parameters()}


def _elements(entry: Operation) -> Iterator[tuple[str, str]]:
    """The elements of a result, each after the response group that shows it."""
    yield from _shown(entry.gives)
    if entry.reports:
        yield from (("Minimal", name) for _, name in entry.reports.elements)
    if entry.paged:
        yield from (("Minimal", name) for name in entry.paged.counters)
        only = entry.paged.only
        for group, name in _shown(entry.paged.listing.fields):
            if only is None:
                yield group, name
            elif name in only:
                yield "Minimal", name


def _shown(fields: Iterable[Field]) -> Iterator[tuple[str, str]]:
    for field in fields:
        if field.group is None and isinstance(field, Structure):
            yield from _shown(field.fields)
        else:
            yield field.group or "Minimal", field.name
