"""Requesters and the keys that they sign with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from mturk_gateway.database import Database
from mturk_gateway.marketplace.ids import new_access_key, new_requester_id, new_secret
from mturk_gateway.marketplace.tables import access_keys, requesters


@dataclass(frozen=True)
class Requester:
    """Somebody who owns HITs, in one realm.

    Whoever has keys of the production realm is another requester, the twin, in the sandbox. A `prepaid` requester
    spends what was paid in; any other just owes it. One who is `charged` pays Amazon's fees too.
    """

    id: str
    name: str
    sandbox: bool
    prepaid: bool = False
    charged: bool = False


@dataclass(frozen=True)
class Key:
    """An access key's secret, whose it is, and whose it is when it is used in the sandbox."""

    requester: Requester
    in_sandbox: Requester
    access_key: str
    secret: str


@dataclass(frozen=True)
class Credentials:
    """What a client signs with."""

    access_key: str
    secret: str


_FIELDS = ("id", "name", "sandbox", "prepaid", "charged")
_REQUESTER = select(*(requesters.c[name] for name in _FIELDS))
_TWIN = requesters.alias("twin")
_KEY = (
    select(
        access_keys.c.secret,
        *(requesters.c[name] for name in _FIELDS),
        *(_TWIN.c[name].label(f"twin_{name}") for name in _FIELDS),
    )
    .join_from(access_keys, requesters)
    .join(_TWIN, _TWIN.c.id == func.coalesce(requesters.c.twin_id, requesters.c.id))
    .where(access_keys.c.access_key == bindparam("key"))
)


def find_requester(connection: Connection, name: str) -> Requester | None:
    """The requester of that name."""
    row = connection.execute(_REQUESTER.where(requesters.c.name == name)).one_or_none()
    return _read(row) if row else None


def get_requester(connection: Connection, name: str, *, sandbox: bool = False) -> Requester:
    """The requester of that name, or the one that the same keys are in the sandbox. Raises LookupError."""
    requester = find_requester(connection, name)
    if sandbox and requester is not None and not requester.sandbox:
        twin = select(requesters.c.twin_id).where(requesters.c.id == requester.id)
        return load_requester(connection, connection.execute(twin).scalar_one())
    if requester is None:
        raise LookupError(f"there is no requester named {name!r}")
    return requester


def load_requester(connection: Connection, identifier: str) -> Requester:
    """A requester who is there, by id."""
    return _read(connection.execute(_REQUESTER.where(requesters.c.id == identifier)).one())


def key_finder(database: Database) -> Callable[[str], Key | None]:
    """A function that finds keys as `find_key` does, in one quick read."""
    read = database.quick.prepare(_KEY)

    def find(access_key: str) -> Key | None:
        for row in read({"key": access_key}):
            return _read_key(access_key, row)
        return None

    return find


def find_key(connection: Connection, access_key: str) -> Key | None:
    """The key of that name, unless it is unknown or was rotated away."""
    row = connection.execute(_KEY, {"key": access_key}).one_or_none()
    return _read_key(access_key, row) if row else None


def add_requester(
    connection: Connection,
    name: str,
    now: int,
    *,
    access_key: str | None = None,
    secret: str | None = None,
    sandbox: bool = False,
) -> Credentials:
    """Create a requester with one key, generated where none is given. Raises ValueError when the name is taken.

    The key of one who is made for the `sandbox` works there only; with any other the request's Host says which realm
    is meant.
    """
    for taken in (name, _twin_name(name)):
        if find_requester(connection, taken):
            raise ValueError(f"there is already a requester named {taken!r}")
    requester = Requester(new_requester_id(), name, sandbox)
    made = {"id": requester.id, "name": name, "sandbox": sandbox, "creation_time": int(now), "twin_id": None}
    if not sandbox:
        twin = {**made, "id": new_requester_id(), "name": _twin_name(name), "sandbox": True}
        connection.execute(insert(requesters).values(twin))
        made["twin_id"] = twin["id"]
    connection.execute(insert(requesters).values(made))
    return _add_key(connection, requester, Credentials(access_key or new_access_key(), secret or new_secret()), now)


def import_requester(
    connection: Connection, name: str, access_key: str, secret: str, now: int, *, sandbox: bool = False
) -> None:
    """Make sure that a requester exists and may sign with the key given; again with another secret replaces that.

    Raises ValueError when the key belongs to another requester.
    """
    key = find_key(connection, access_key)
    if key is not None:
        if key.requester.name != name:
            raise ValueError(f"the access key {access_key} belongs to the requester {key.requester.name!r}")
        connection.execute(update(access_keys).where(access_keys.c.access_key == access_key).values(secret=secret))
        return
    requester = find_requester(connection, name)
    if requester is None:
        add_requester(connection, name, now, access_key=access_key, secret=secret, sandbox=sandbox)
    else:
        _add_key(connection, requester, Credentials(access_key, secret), now)


def rotate_key(connection: Connection, name: str, now: int) -> Credentials:
    """Give a requester a new key and make the old ones stop working. Raises LookupError for an unknown name."""
    requester = get_requester(connection, name)
    connection.execute(delete(access_keys).where(access_keys.c.requester_id == requester.id))
    return _add_key(connection, requester, Credentials(new_access_key(), new_secret()), now)


def list_requesters(connection: Connection) -> list[Requester]:
    """All who can have keys, by name: twins are not among them."""
    twins = select(requesters.c.twin_id).where(requesters.c.twin_id.is_not(None))
    statement = _REQUESTER.where(requesters.c.id.not_in(twins)).order_by(requesters.c.name)
    return [_read(row) for row in connection.execute(statement)]


def set_terms(
    connection: Connection, requester: Requester, *, prepaid: bool | None = None, charged: bool | None = None
) -> None:
    """Change whether a requester spends only what was paid in, and whether fees are charged; None: stays."""
    terms = {name: value for name, value in (("prepaid", prepaid), ("charged", charged)) if value is not None}
    if terms:
        connection.execute(update(requesters).where(requesters.c.id == requester.id).values(terms))


def list_keys(connection: Connection, requester: Requester) -> list[Credentials]:
    """The keys of a requester, oldest first."""
    statement = (
        select(access_keys)
        .where(access_keys.c.requester_id == requester.id)
        .order_by(access_keys.c.creation_time, access_keys.c.access_key)
    )
    return [Credentials(row.access_key, row.secret) for row in connection.execute(statement)]


def _twin_name(name: str) -> str:
    return f"{name} (sandbox)"


def _read(values: Sequence[Any]) -> Requester:
    id_, name, *flags = values
    return Requester(id_, name, *map(bool, flags))


def _read_key(access_key: str, row: Sequence[Any]) -> Key:
    secret, *values = row
    return Key(_read(values[: len(_FIELDS)]), _read(values[len(_FIELDS) :]), access_key, secret)


def _add_key(connection: Connection, requester: Requester, credentials: Credentials, now: int) -> Credentials:
    if find_key(connection, credentials.access_key):
        raise ValueError(f"the access key {credentials.access_key} is already in use")
    connection.execute(
        insert(access_keys).values(
            access_key=credentials.access_key,
            requester_id=requester.id,
            secret=credentials.secret,
            creation_time=int(now),
        )
    )
    return credentials
