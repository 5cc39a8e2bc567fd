"""Requesters of the embedded marketplace: a row there, and a profile with the keys in the data folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection

from mturk_gateway.credentials import DEMO, Requester, write_profile
from mturk_gateway.database import Database
from mturk_gateway.marketplace import requesters
from mturk_gateway.marketplace.demo import install_demo
from mturk_gateway.marketplace.services.paying import money
from mturk_gateway.marketplace.services.publishing import hit_layouts


class RequesterError(ValueError):
    """A requester cannot be made or found; the text is for the person who asked."""


def add_requester(marketplace: Database, credentials: Path, name: str, now: float, *, sandbox: bool) -> Requester:
    """Make a requester with new keys. Raises RequesterError when the name is taken, or can be no profile's."""
    if not re.fullmatch(r"[\w.@+ -]{1,64}", name):
        raise RequesterError("a name has up to 64 letters, digits, blanks, and . @ + - _")
    try:
        with marketplace.writing() as connection:
            keys = requesters.add_requester(connection, name, int(now), sandbox=sandbox)
    except ValueError as error:
        raise RequesterError(str(error)) from None
    return _write(credentials, Requester(name, keys.access_key, keys.secret, sandbox=sandbox))


def import_requesters(
    marketplace: Database, credentials: Path, profiles: Iterable[Requester], now: float
) -> list[Requester]:
    """Take over requesters with the keys that they have already. Again with the same keys changes nothing.

    Raises RequesterError when a key belongs to somebody else.
    """
    imported = []
    for profile in profiles:
        try:
            with marketplace.writing() as connection:
                requesters.import_requester(
                    connection,
                    profile.profile,
                    profile.access_key,
                    profile.secret,
                    int(now),
                    sandbox=profile.sandbox,
                )
        except ValueError as error:
            raise RequesterError(str(error)) from None
        imported.append(_write(credentials, profile))
    return imported


def import_new_requesters(marketplace: Database, credentials: Path, profiles: Iterable[Requester], now: float) -> None:
    """The same for those of whose name there is nobody yet, so that a rotated key stays rotated at the next start."""
    with marketplace.reading() as connection:
        known = {requester.name for requester in requesters.list_requesters(connection)}
    import_requesters(marketplace, credentials, (new for new in profiles if new.profile not in known), now)


def rotate_requester(marketplace: Database, credentials: Path, name: str, now: float) -> Requester:
    """Give a requester new keys; the old ones stop working. Raises RequesterError for an unknown name."""
    try:
        with marketplace.writing() as connection:
            keys = requesters.rotate_key(connection, name, int(now))
            sandbox = requesters.get_requester(connection, name).sandbox
    except LookupError as error:
        raise RequesterError(error.args[0]) from None
    return _write(credentials, Requester(name, keys.access_key, keys.secret, sandbox=sandbox))


def change_terms(marketplace: Database, name: str, *, prepaid: bool | None = None, charged: bool | None = None) -> None:
    """Say whether a requester spends only what was paid in, and whether fees are charged; None leaves it as it is.

    Raises RequesterError for an unknown name, and for one of the sandbox, where money is no object.
    """
    with marketplace.writing() as connection:
        requester = _find_payer(connection, name)
        requesters.set_terms(connection, requester, prepaid=prepaid, charged=charged)


def pay_in(marketplace: Database, name: str, amount: str, now: float) -> str:
    """Add an amount like 12.50 to what a requester may spend; what there is now. Raises RequesterError."""
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{0,2})?", amount):
        raise RequesterError(f"{amount!r} is no amount of money such as 12.50")
    with marketplace.writing() as connection:
        requester = _find_payer(connection, name)
        money.pay_in(connection, requester, money.cents(amount), int(now))
        return money.amount_of(money.balance(connection, requester.id, "available"))


def earnings(marketplace: Database, name: str, *, sandbox: bool) -> list[tuple[str, str]]:
    """Every worker who earned something of a requester, with the amount. Raises RequesterError."""
    with marketplace.reading() as connection:
        earned = money.earnings(connection, _find(connection, name, sandbox=sandbox))
    return [(worker, money.amount_of(amount)) for worker, amount in earned]


def keep_layout(
    marketplace: Database, name: str, identifier: str, content: str, frame_height: int, now: float, *, sandbox: bool
) -> None:
    """Keep a HIT layout of a requester, in the place of one with the same id. Raises RequesterError."""
    if not re.fullmatch(r"[A-Z0-9]{1,64}", identifier):
        raise RequesterError("the id of a layout has up to 64 capital letters and digits")
    with marketplace.writing() as connection:
        requester = _find(connection, name, sandbox=sandbox)
        hit_layouts.keep_layout(connection, requester, identifier, content, frame_height, int(now))


def _find_payer(connection: Connection, name: str) -> requesters.Requester:
    requester = _find(connection, name, sandbox=False)
    if requester.sandbox:
        raise RequesterError("in the sandbox nobody has to pay")
    return requester


def _find(connection: Connection, name: str, *, sandbox: bool) -> requesters.Requester:
    try:
        return requesters.get_requester(connection, name, sandbox=sandbox)
    except LookupError as error:
        raise RequesterError(error.args[0]) from None


def add_demo(marketplace: Database, credentials: Path, now: float) -> Requester:
    """Make the demonstration requester and its HITs, unless they are there."""
    keys = install_demo(marketplace, int(now))
    return _write(credentials, Requester(DEMO, keys.access_key, keys.secret))


def _write(credentials: Path, requester: Requester) -> Requester:
    write_profile(credentials, requester)
    return requester
