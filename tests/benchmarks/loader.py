"""Fills a marketplace with many HITs, by inserting rows: through the services a million would take an hour."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from benchmarks import sample
from mturk_gateway.admin import add_requester
from mturk_gateway.clock import wall_clock
from mturk_gateway.credentials import Requester
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.marketplace.requesters import find_key
from mturk_gateway.marketplace.tables import hit_types, hits
from support import QUESTION

_TYPES = 500
_AT_ONCE = 20_000


def make_marketplace(path: Path, credentials: Path, accounts: dict[str, int]) -> dict[str, Requester]:
    """A marketplace database with a requester for each name, who has so many HITs; gives the requesters."""
    database = Database(sqlite_url(path), durable=True)
    database.migrate("mturk_gateway.marketplace")
    requesters = {}
    for name, number in accounts.items():
        requesters[name] = add_requester(database, credentials, name, wall_clock(), sandbox=False)
        _load(database, requesters[name], number)
    database.close()
    return requesters


def _load(database: Database, requester: Requester, number: int) -> None:
    with database.reading() as connection:
        owner = find_key(connection, requester.access_key).requester.id
    with database.writing() as connection:
        connection.execute(insert(hit_types), [_type(owner, n) for n in range(_TYPES)])
    rows = (_hit(owner, n) for n in range(number))
    while chunk := list(itertools.islice(rows, _AT_ONCE)):
        with database.writing() as connection:
            connection.execute(insert(hits), chunk)


def _named(prefix: str, owner: str, number: int) -> str:
    """An ID of 30 characters that no other requester's row has."""
    return f"3{prefix}{owner}{number:0{29 - len(prefix) - len(owner)}d}"


def _type(owner: str, number: int) -> dict[str, Any]:
    page, place = divmod(number, sample.PAGE)
    return {
        "id": _named("T", owner, number),
        "requester_id": owner,
        "group_id": _named("G", owner, number),
        "fingerprint": hashlib.sha256(f"{owner} {number}".encode()).hexdigest(),
        "title": sample.title(sample.page_digits(page), place),
        "description": sample.DESCRIPTION,
        "keywords": sample.KEYWORDS,
        "reward": sample.reward(place),
        "assignment_duration": sample.ASSIGNMENT_DURATION,
        "auto_approval_delay": sample.AUTO_APPROVAL_DELAY,
        "requirements": "[]",
    }


def _hit(owner: str, number: int) -> dict[str, Any]:
    page, place = divmod(number, sample.PAGE)
    countdown = sample.countdown_digits(page)
    creation = int(sample.created(countdown, place))
    return {
        "id": _hit_id(owner, page, place),
        "requester_id": owner,
        "hit_type_id": _named("T", owner, number * 7919 % _TYPES),
        "question": QUESTION,
        "annotation": sample.ANNOTATION,
        "creation_time": creation,
        "newest_first": -creation,
        "expiration": int(sample.expires(countdown, place)),
        "max_assignments": 1,
        "pending": 0,
        "submitted": 0,
        "approved": 0,
        "rejected": 0,
        "reviewing": False,
        **({"change": number + 1} if "change" in hits.c else {}),
    }


def _hit_id(owner: str, page: int, place: int) -> str:
    stem = sample.identifier(sample.page_digits(page), place)
    # The requester's ID takes the place of letters that say nothing.
    return stem[:4] + owner[:14] + stem[18:]
