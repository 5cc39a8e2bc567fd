"""Requesters of the embedded marketplace: a row there, and a profile with the keys in the data folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from mturk_gateway.credentials import Requester, write_profile
from mturk_gateway.database import Database
from mturk_gateway.marketplace import requesters
from mturk_gateway.marketplace.demo import install_demo

DEMO = "demo"
"""The profile of the demonstration requester."""


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


def add_demo(marketplace: Database, credentials: Path, now: float) -> Requester:
    """Make the demonstration requester and its HITs, unless they are there."""
    keys = install_demo(marketplace, int(now))
    return _write(credentials, Requester(DEMO, keys.access_key, keys.secret))


def _write(credentials: Path, requester: Requester) -> Requester:
    write_profile(credentials, requester)
    return requester
