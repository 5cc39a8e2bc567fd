"""From an operation's entry and a modern reply to the elements of the legacy result."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from mturk_translators.call import Reply
from mturk_translators.faults import Fault, unavailable
from mturk_translators.field import Field
from mturk_translators.operation import Operation
from mturk_translators.query import PLUMBING, Node
from mturk_translators.request import PageRequest
from mturk_translators.rows import join
from mturk_translators.structures import Structure
from mturk_translators.xml import Element, Rendered, around, finish


@dataclass(frozen=True)
class Asked:
    """What the form of an answer depends on."""

    name: str
    entry: Operation
    groups: frozenset[str]
    version: str
    given: Node

    @property
    def result(self) -> str:
        """The name of the result element (legacy-common 7.1)."""
        return self.entry.result or f"{self.name}Result"


def request_element(asked: Asked, fault: Fault | None = None) -> Element:
    """The first child of every result: validity, the echo if it was asked for, and what was wrong (7.2, 7.3, 8.1)."""
    children = [Element("IsValid", "False" if fault else "True")]
    if "Request" in asked.groups:
        children.append(Element(f"{asked.name}Request", tuple(_echo(asked.given, PLUMBING))))
    if fault:
        children.append(Element("Errors", (error_element(fault),)))
    return Element("Request", tuple(children))


_LONGEST_QUOTED = 4300
"""Characters of a message, or of a value beside it: errors quote what was sent, and batches many times."""
_HALF = _LONGEST_QUOTED // 2


def error_element(fault: Fault) -> Element:
    """Code, message and data of an error."""
    data = (Element("Data", (Element("Key", key), Element("Value", _cut(value)))) for key, value in fault.data)
    return Element("Error", (Element("Code", fault.code), Element("Message", _cut(fault.message)), *data))


def _cut(text: str) -> str:
    # What is wrong, and when, stands at the end.
    return text if len(text) <= _LONGEST_QUOTED else f"{text[:_HALF]}…{text[-_HALF:]}"


_ELEMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", re.ASCII)


def _echo(given: Node, left_out: frozenset[str] = frozenset()) -> Iterator[Element]:
    for name in sorted(filter(_ELEMENT_NAME.fullmatch, given.members.keys() - left_out)):
        for index, node in sorted(given.members[name].items()):
            attributes = (("tag", str(index)),) if index >= 0 else ()
            if node.members:
                yield Element(name, tuple(_echo(node)), attributes)
            for value in node.values:
                yield Element(name, value, attributes)


def give_refusal(asked: Asked, fault: Fault) -> Element:
    """The result of a request that failed: nothing but its Request."""
    return Element(asked.result, (request_element(asked, fault),))


def give_validity(asked: Asked) -> Element:
    """The result of a request that was only checked."""
    return Element(asked.result, (request_element(asked),))


def give_result(asked: Asked, entry: Operation, reply: Reply, reports: Iterable[tuple[str, PageRead]] = ()) -> Element:
    """The result of one or several modern calls, and then the pages of reports, each in the element that shows it.

    Raises Fault when the reply lacks what it is about.
    """
    members = reply.get(entry.reply) if entry.reply else reply
    if members is None:
        raise unavailable()
    children: list[Element | Rendered] = [request_element(asked), finish(_give(entry.gives, members, asked))]
    if asked.groups != {"Request"}:
        children += [Element(name, tuple(_page(asked, page))) for name, page in reports]
    return Element(asked.result, tuple(children))


def _give(fields: Iterable[Field], reply: Reply, asked: Asked) -> str:
    given = []
    for field in fields:
        value: Any = field.find(reply)
        if not field.known_to(asked.version):
            continue
        if field.group is not None:
            if field.group in asked.groups:
                given.append(field.give(value, asked.version))
        elif isinstance(field, Structure):
            members = _give(field.fields, value or {}, asked)
            if members:
                given.append(around(field.name, members))
        elif asked.groups != {"Request"}:
            given.append(field.give(value, asked.version))
    return "".join(given)


class PageRead(NamedTuple):
    """A numbered page that was asked for, and what it holds: rows as `rows.join` takes them, of so many in all."""

    request: PageRequest
    total: int
    rows: list[tuple[str, str | None]]


def give_page(asked: Asked, page: PageRead) -> Element:
    """The result of a numbered page: counters in recorded order (7.2), then the rows as `rows.join` takes them."""
    children: list[Element | Rendered] = [request_element(asked)]
    if asked.groups != {"Request"}:
        children += _page(asked, page)
    return Element(asked.result, tuple(children))


def _page(asked: Asked, page: PageRead) -> list[Element | Rendered]:
    pages = page.request.pages
    counts = {"NumResults": len(page.rows), "TotalNumResults": page.total, "PageNumber": page.request.number}
    counters = [Element(name, str(counts[name])) for name in pages.counters]
    return [*counters, Rendered(join(pages, page.rows, asked.groups, asked.version))]
