"""What Help tells of operations and response groups."""

from __future__ import annotations

from mturk_translators.fields import Text
from mturk_translators.structures import Each, Structure


def _list(name: str, element: str) -> Structure:
    return Structure(name, (Each(element, Text(element)),))


INFORMATION = (
    Each(
        "OperationInformation",
        Structure(
            "OperationInformation",
            (
                Text("Name"),
                Text("Description"),
                _list("RequiredParameters", "Parameter"),
                _list("AvailableParameters", "Parameter"),
                _list("DefaultResponseGroups", "ResponseGroup"),
                _list("AvailableResponseGroups", "ResponseGroup"),
            ),
        ),
    ),
    Each(
        "ResponseGroupInformation",
        Structure(
            "ResponseGroupInformation",
            (
                Text("Name"),
                _list("ValidOperations", "Operation"),
                _list("Elements", "Element"),
            ),
        ),
    ),
)
"""In the order of the schema, without CreationDate: nobody knows when the response groups were made."""
