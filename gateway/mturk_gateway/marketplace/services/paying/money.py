"""The books: every cent that appears in one account of a requester has left another one.

Money comes from `outside` into `available`, is `held` for the assignments of a HIT that may still be paid, and ends as
what a worker `earned` or as `fees`. A requester who is not prepaid owes what is below zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update

from mturk_gateway.marketplace.protocol.errors import parameter_error, request_error
from mturk_gateway.marketplace.requesters import Requester
from mturk_gateway.marketplace.tables import accounts, transfers

_DIGITS = 12
"""Of an amount in dollars. What is larger cannot be meant, and many of them would not fit into a balance."""

_MOST = 10 ** (_DIGITS + 2)
"""Cents that can be spent at once."""


class Transfer(NamedTuple):
    """Cents that pass from one account of a requester to another, and what for."""

    requester_id: str
    time: int
    reason: str
    source: str
    destination: str
    amount: int
    worker_id: str = ""
    hit_id: str | None = None
    assignment_id: str | None = None


_THIS = (
    (accounts.c.requester_id == bindparam("owner"))
    & (accounts.c.kind == bindparam("account"))
    & (accounts.c.worker_id == bindparam("worker"))
)
_CHANGE = update(accounts).where(_THIS).values(balance=accounts.c.balance + bindparam("cents"))
_SPEND = _CHANGE.where(accounts.c.balance + bindparam("cents") >= 0)
_OPEN = insert(accounts)
_BALANCE = select(accounts.c.balance).where(_THIS)
_EARNED = (
    select(accounts.c.worker_id, accounts.c.balance)
    .where(accounts.c.requester_id == bindparam("owner"), accounts.c.kind == "earned")
    .order_by(accounts.c.worker_id)
)
_NOTE = insert(transfers)


def cents(amount: str) -> int:
    """A CurrencyAmount in cents; the model allows "5", "5." and "0.5", and any number of digits.

    Raises Fault (ParameterValidationError) for more than there can be.
    """
    whole, _, part = amount.partition(".")
    whole = whole.lstrip("0")
    if len(whole) > _DIGITS:
        raise too_much()
    return int(whole or "0") * 100 + int(f"{part:0<2}")


def amount_of(number: int) -> str:
    """Cents as a CurrencyAmount with two decimals."""
    return f"{'-' if number < 0 else ''}{abs(number) // 100}.{abs(number) % 100:02}"


def spend(connection: Connection, requester: Requester, moves: Sequence[Transfer]) -> None:
    """Move money that a requester must have. Raises Fault: InsufficientFunds for one who is prepaid and has not.

    Nothing is moved then, if the caller gives the transaction up.
    """
    if any(transfer.amount > _MOST for transfer in moves):
        raise too_much()
    _move(connection, moves, limited=requester.prepaid)


def move(connection: Connection, moves: Sequence[Transfer]) -> None:
    """Move money that is there for certain, or is owed whether it is there or not."""
    _move(connection, moves, limited=False)


def balance(connection: Connection, requester_id: str, kind: str, worker_id: str = "") -> int:
    """The cents in an account."""
    found = connection.execute(_BALANCE, _names(requester_id, kind, worker_id)).scalar_one_or_none()
    return found or 0


def pay_in(connection: Connection, requester: Requester, amount: int, now: int) -> None:
    """Add cents to what a requester may spend."""
    move(connection, [Transfer(requester.id, now, "deposit", "outside", "available", amount)])


def earnings(connection: Connection, requester: Requester) -> list[tuple[str, int]]:
    """Every worker who earned something of a requester, by id, with the cents."""
    return [(row.worker_id, row.balance) for row in connection.execute(_EARNED, {"owner": requester.id})]


def too_much() -> Exception:
    """The Fault for an amount of money that nobody can mean."""
    return parameter_error("The amount of money is too large.")


def insufficient_funds() -> Exception:
    """The Fault of a requester without money, whose text clients compare (modern-mturk 1.3)."""
    return request_error(
        "InsufficientFunds",
        "This Requester has insufficient funds in their account to complete this transaction. "
        "Please visit https://requester.mturk.com/prepayments/new to purchase Prepaid HITs.",
    )


def _move(connection: Connection, moves: Sequence[Transfer], *, limited: bool) -> None:
    moves = [transfer for transfer in moves if transfer.amount]
    if not moves:
        return
    for (requester_id, kind, worker_id), difference in sorted(_differences(moves).items()):
        names = {**_names(requester_id, kind, worker_id), "cents": difference}
        guarded = limited and kind == "available" and difference < 0
        if connection.execute(_SPEND if guarded else _CHANGE, names).rowcount:
            continue
        if guarded:
            raise insufficient_funds()
        opened = {"requester_id": requester_id, "kind": kind, "worker_id": worker_id, "balance": difference}
        connection.execute(_OPEN, opened)
    connection.execute(_NOTE, [transfer._asdict() for transfer in moves])


def _differences(moves: Iterable[Transfer]) -> dict[tuple[str, str, str], int]:
    """What the balance of each account changes by."""
    differences: dict[tuple[str, str, str], int] = {}
    for transfer in moves:
        for kind, sign in ((transfer.source, -1), (transfer.destination, 1)):
            key = (transfer.requester_id, kind, transfer.worker_id if kind == "earned" else "")
            differences[key] = differences.get(key, 0) + sign * transfer.amount
    return {key: difference for key, difference in differences.items() if difference}


def _names(requester_id: str, kind: str, worker_id: str) -> dict[str, str]:
    return {"owner": requester_id, "account": kind, "worker": worker_id}
