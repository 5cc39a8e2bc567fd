"""What is not counted but looked up in the databases of a front, whenever somebody asks for the metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import func, select

from mturk_gateway.database import TROUBLE, Database, database_now
from mturk_gateway.house import House
from mturk_gateway.ledger.tables import undertakings
from mturk_gateway.observing.metrics import State
from mturk_gateway.paging.tables import COMPLETE, QUEUED, WALKING, bases, walks

_UNDER_WAY = select(walks.c.state, func.count()).where(walks.c.state.in_((QUEUED, WALKING))).group_by(walks.c.state)
_KEPT = select(
    func.count(), func.coalesce(func.sum(bases.c.rows), 0), func.coalesce(func.sum(bases.c.size), 0)
).select_from(bases)
_newest = (
    select(func.max(walks.c.started_at).label("at")).where(walks.c.state == COMPLETE).group_by(walks.c.listing)
).subquery()
_AGES = select(database_now() - func.max(_newest.c.at), database_now() - func.min(_newest.c.at))
_UNFINISHED = ("running", "open", "waiting", "stuck")
_PROMISED = (
    select(undertakings.c.state, func.count())
    .where(undertakings.c.state.in_(_UNFINISHED))
    .group_by(undertakings.c.state)
)

Counts = Mapping[str, Any]
"""What our own marketplace says of itself: numbers by name, or by name and status."""


def states(house: House, space: int, marketplace: Counts | None) -> Iterator[State]:
    """The states of a front's databases and, if it is ours, of the marketplace. Blocks.

    `space` is what the rows of all snapshots may take, in bytes; `marketplace` are its counts, none where it does not
    answer. What cannot be read is left out, and said to be down.
    """
    up: dict[tuple[str, ...], float] = {}
    parts = (("walks", house.desk, _walks), ("snapshots", house.stock, _snapshots), ("ledger", house.ledger, _promises))
    for name, database, read in parts:
        try:
            yield from read(database)
            up[name,] = 1.0
        except TROUBLE:
            up[name,] = 0.0
    yield State(
        "mturk_gateway_snapshot_space_bytes",
        "Bytes that the rows of all snapshots may take.",
        (),
        {(): float(space)},
    )
    if house.marketplace:
        up["marketplace",] = float(marketplace is not None)
        yield from _of_marketplace(marketplace or {})
    yield State("mturk_gateway_up", "Whether a part of the gateway is there and answers.", ("part",), up)


def _walks(desk: Database) -> list[State]:
    with desk.reading() as connection:
        under_way = {"queued": 0, "walking": 0} | dict(connection.execute(_UNDER_WAY).all())
        youngest, oldest = connection.execute(_AGES).one()
    ages = {} if oldest is None else {"youngest": max(0.0, youngest), "oldest": max(0.0, oldest)}
    return [
        _by("mturk_gateway_walks_under_way", "Walks that wait, or that a walker is at.", "state", under_way),
        _by(
            "mturk_gateway_snapshot_age_seconds",
            "Age of what listings would be answered from: that of the youngest and that of the oldest.",
            "listing",
            ages,
        ),
    ]


def _snapshots(stock: Database) -> list[State]:
    with stock.reading() as connection:
        number, kept, size = connection.execute(_KEPT).one()
    return [
        State("mturk_gateway_snapshots", "Snapshots that are kept, or being made.", (), {(): number}),
        State("mturk_gateway_snapshot_rows", "Rows that were kept for them.", (), {(): kept}),
        State("mturk_gateway_snapshot_bytes", "Bytes that their rows take, about.", (), {(): size}),
    ]


def _promises(ledger: Database) -> list[State]:
    with ledger.reading() as connection:
        found = dict.fromkeys(_UNFINISHED, 0) | dict(connection.execute(_PROMISED).all())
    return [_by("mturk_gateway_undertakings", "Composite operations that are not finished.", "state", found)]


def _by(name: str, meaning: str, label: str, values: Mapping[str, float]) -> State:
    return State(name, meaning, (label,), {(value,): number for value, number in values.items()})


def _of_marketplace(counts: Counts) -> Iterator[State]:
    for name, meaning in (
        ("hits", "HITs of the marketplace."),
        ("assignments", "Assignments, also those that were given back."),
    ):
        if name in counts:
            yield _by(f"mturk_marketplace_{name}", meaning, "status", counts[name])
    for name, meaning in (
        ("workers", "Workers of the marketplace."),
        ("requesters", "Requesters of the marketplace; one of both realms counts once."),
        ("qualification_types", "Qualification types that are not deleted."),
    ):
        if name in counts:
            yield State(f"mturk_marketplace_{name}", meaning, (), {(): float(counts[name])})
