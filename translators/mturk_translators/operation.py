"""The vocabulary in which a legacy operation is described."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from mturk_translators.call import Call, LedgerCall, Reply
from mturk_translators.faults import invalid_value, missing_parameters
from mturk_translators.field import Field
from mturk_translators.listing import Pages, Reports
from mturk_translators.query import Node


@dataclass(frozen=True)
class Context:
    """What a flow may know beyond its parameters.

    `token` is fresh for this request; `lifetime` is that of a HIT of a known HIT type whose creator named none, in
    seconds (legacy-hits 5, note 2); `now` is the service's time in seconds since 1970; `request_id` is the ID that the
    answer to this request will carry.
    """

    token: str
    lifetime: int
    now: int
    request_id: str


Steps = Generator[Call | LedgerCall, Reply, Reply]
"""A flow under way: yields calls, is sent replies, has failures thrown into it as ModernError, returns its reply.

It may raise ModernError or Fault itself.
"""

Flow = Callable[[dict[str, Any], Context], Steps]
"""Makes the steps from the modern members that the request amounts to."""


class Unfinished(Exception):  # noqa: N818  # nothing went wrong
    """What remains of an undertaking has to wait for others, such as workers who are at work; it is promised."""


@dataclass(frozen=True)
class Undertaking:
    """An operation of several writes, described so that it can be gone on with by anybody, after anything.

    `plan` looks at what is there, refuses what must be refused, writes nothing, and returns what is to be done, as JSON
    data. `carry_out` makes steps from such a plan that do it, and that do the rest of it when they are begun anew; they
    may end as Unfinished. A request that is made again is known by all its parameters, or by the caller's `token` if it
    has one: a token whose undertaking has come to its end cannot be used again for a day.
    """

    plan: Flow
    carry_out: Callable[[dict[str, Any]], Steps]
    token: str | None = None


@dataclass(frozen=True)
class Groups:
    """The response groups of an operation: those it honours, and those it uses when the request names none of them."""

    allowed: frozenset[str]
    default: frozenset[str]

    def chosen(self, named: tuple[str, ...]) -> frozenset[str]:
        """The groups of one request: exactly the known ones it names, else the defaults (legacy-common 5.1)."""
        return self.allowed.intersection(named) or self.default


def groups(allowed: str, default: str = "Minimal") -> Groups:
    """Response groups by name, apart from Minimal and Request, which every operation honours."""
    return Groups(frozenset({"Minimal", "Request", *allowed.split()}), frozenset(default.split()))


PLAIN = groups("")
"""Of an operation whose result has no parts to choose from."""

NO_GROUPS = Groups(frozenset(), frozenset({"Minimal"}))
"""Of an operation that ignores response groups, because its schema has none (legacy-common 5.2)."""


@dataclass(frozen=True)
class When:
    """Parameters that depend on whether another one is given."""

    given: str
    then: tuple[Field, ...]
    otherwise: tuple[Field, ...]

    def fields(self, node: Node) -> tuple[Field, ...]:
        """The fields that apply to a request."""
        return self.then if node.text(self.given) else self.otherwise


Rule = Callable[[Node], None]
"""A condition on several parameters together; raises Fault when it is broken."""


def exactly_one_of(*names: str) -> Rule:
    """A rule: one of the parameters, and no two of them, are given."""

    def check(given: Node) -> None:
        present = [name for name in names if given.texts(name)]
        if len(present) > 1:
            raise invalid_value(given.text(present[1]) or "", present[1], f"It excludes {present[0]}.")
        if not present:
            raise invalid_value("", names[0], f"One of {' and '.join(names)} is needed.")

    return check


def at_least_one_of(*names: str) -> Rule:
    """A rule: one of the parameters is given, or several."""

    def check(given: Node) -> None:
        if not any(given.texts(name) or given.structures(name) for name in names):
            raise missing_parameters((" or ".join(names),))

    return check


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One legacy operation.

    It is one modern call (`modern`), or several (`flow` or `undertaking`, with `calls` naming them), or numbered pages
    of a listing (`pages`) or of several (`reports`). `about` says in one sentence what it is for. `gives` are the
    elements of its result, found in the member `reply` of the modern reply if that is named. `result` is the result
    element where it is not `<Operation>Result`. `anonymous` says that nobody need prove who asks. `states` are those of
    the HITs that it is for, where it is not for all; `shows_disposed` says that its answer has a HIT even when that is
    being disposed of. `differences` are the numbers of the known differences from the service that concern it (README).
    """

    takes: tuple[Field | When, ...] = ()
    needs: tuple[Rule, ...] = ()
    modern: str | None = None
    flow: Flow | None = None
    undertaking: Undertaking | None = None
    calls: tuple[str, ...] = ()
    pages: Pages | None = None
    reports: Reports | None = None
    reply: str | None = None
    gives: tuple[Field, ...] = ()
    result: str | None = None
    groups: Groups = PLAIN
    about: str = ""
    anonymous: bool = False
    shows_disposed: bool = False
    states: tuple[str, ...] = ()
    differences: tuple[int, ...] = ()

    @property
    def modern_calls(self) -> tuple[str, ...]:
        """The modern operations that answering it may take."""
        if self.paged:
            return (self.paged.listing.modern,)
        return (self.modern,) if self.modern else self.calls

    @property
    def paged(self) -> Pages | None:
        """How its answer shows a listing, be it once or several times."""
        return self.reports.pages if self.reports else self.pages

    @property
    def paging(self) -> tuple[Field, ...]:
        """The parameters of paging, which are not among its own."""
        if self.reports:
            return (self.reports.each, *self.reports.pages.parameters)
        return self.pages.parameters if self.pages else ()

    def fields(self, node: Node) -> tuple[Field, ...]:
        """The parameters, apart from those of paging, that apply to a request."""
        return tuple(
            field for taken in self.takes for field in (taken.fields(node) if isinstance(taken, When) else (taken,))
        )
