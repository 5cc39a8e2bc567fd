"""Legacy requests as bytes that go over the wire, each with a timestamp and so a signature of its own."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from mturk_gateway.auth import SERVICE, sign, standard_string
from mturk_gateway.credentials import Requester

SORTS = ("Title", "CreationTime", "Enumeration", "Reward")

_serial = itertools.count()


def signed(requester: Requester, operation: str, *pairs: tuple[str, object], program: str = "benchmark") -> bytes:
    """One request. `program` is the name of the client: clients that walk pages are told apart by it, too."""
    moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.{next(_serial) % 1_000_000:06d}Z"
    form = [
        ("Service", SERVICE),
        ("AWSAccessKeyId", requester.access_key),
        ("Operation", operation),
        ("Timestamp", moment),
        ("Signature", sign(requester.secret, standard_string(operation, moment))),
        *pairs,
    ]
    body = urlencode(form, quote_via=quote)
    return (
        f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: {program}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def page(
    requester: Requester,
    number: int,
    size: int = 100,
    sort: str = "CreationTime",
    *,
    descending: bool = False,
    program: str = "benchmark",
    mark: str | None = None,
) -> bytes:
    """A request for one page of all HITs; one with a `mark` of its own has to be read, whoever has asked before."""
    direction = "Descending" if descending else "Ascending"
    pairs = (
        ("SortProperty", sort),
        ("SortDirection", direction),
        ("PageSize", size),
        ("PageNumber", number),
        *([("Mark", mark)] if mark else []),
    )
    return signed(requester, "SearchHITs", *pairs, program=program)
