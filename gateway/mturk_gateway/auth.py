"""The legacy signature schemes: is a request from the owner of the key that it names (legacy-common 3)?"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from mturk_gateway.credentials import Requester
from mturk_translators.faults import BAD_CLAIMS, Fault, Place, not_authorized
from mturk_translators.query import Pair, first

SERVICE = "AWSMechanicalTurkRequester"
"""Signed by everyone, also by those who do not send it."""

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?", re.ASCII)


class Claim(NamedTuple):
    """Who a request says that it is from, and how it proves that. `pairs` are all of its parameters."""

    access_key: str | None
    signature: str | None
    timestamp: str | None
    version: str | None
    operation: str
    pairs: tuple[Pair, ...]


def claim_of(pairs: tuple[Pair, ...]) -> Claim:
    """The claim that a request's parameters make."""
    return Claim(
        first(pairs, "AWSAccessKeyId"),
        first(pairs, "Signature"),
        first(pairs, "Timestamp"),
        first(pairs, "SignatureVersion"),
        first(pairs, "Operation") or "",
        pairs,
    )


def authenticate(claim: Claim, find: Callable[[str], Requester | None], now: float, clock_skew: int) -> Requester:
    """The requester whom a request comes from; `find` knows requesters by their access keys.

    `clock_skew` are the seconds that timestamps may differ from `now`, unless the requester has a setting of its own.
    Raises Fault: AWS.NotAuthorized without telling what was wrong, AWS.BadClaimsSupplied for a signature that verifies
    over a timestamp that does not.
    """
    if not (claim.access_key and claim.signature and claim.timestamp):
        raise not_authorized()
    requester = find(claim.access_key)
    # An unknown key takes as long as a wrong secret.
    secret = requester.secret if requester else ""
    # "+" of base64, sent unescaped, arrives as a space.
    given = claim.signature.replace(" ", "+").encode()
    texts = _strings_to_sign(claim, claim.timestamp)
    verified = any(hmac.compare_digest(given, _signature(secret, text)) for text in texts)
    if requester is None or not verified:
        raise not_authorized()
    _check_time(claim.timestamp, now, clock_skew if requester.clock_skew is None else requester.clock_skew)
    return requester


def sign(secret: str, text: str) -> str:
    """The signature of a text: base64 of its HMAC-SHA1."""
    return _signature(secret, text).decode()


def _signature(secret: str, text: str) -> bytes:
    mac = _keyed(secret).copy()
    mac.update(text.encode())
    return base64.b64encode(mac.digest())


@lru_cache(1024)
def _keyed(secret: str) -> hmac.HMAC:
    # To take in the key takes longer than to sign with it.
    return hmac.new(secret.encode(), digestmod=hashlib.sha1)


def standard_string(operation: str, timestamp: str) -> str:
    """What the standard MTurk signature covers (3.1)."""
    return f"{SERVICE}{operation}{timestamp}"


def signed(requester: Requester, pairs: Sequence[Pair], now: float) -> tuple[Pair, ...]:
    """The parameters of a request with the standard signature, good for as long as clocks may differ from `now`."""
    timestamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    signature = sign(requester.secret, standard_string(first(pairs, "Operation") or "", timestamp))
    return (
        Pair("Service", SERVICE),
        Pair("AWSAccessKeyId", requester.access_key),
        *pairs,
        Pair("Timestamp", timestamp),
        Pair("Signature", signature),
    )


def version_1_string(pairs: tuple[Pair, ...]) -> str:
    """What AWS signature version 1 covers: everything but the signature, sorted without regard to case (3.2)."""
    covered = sorted((pair for pair in pairs if pair.name != "Signature"), key=lambda pair: pair.name.lower())
    return "".join(pair.name + pair.value for pair in covered)


def _strings_to_sign(claim: Claim, timestamp: str) -> Iterator[str]:
    if claim.version == "1":
        yield version_1_string(claim.pairs)
    elif claim.version is None:
        yield standard_string(claim.operation, timestamp)
        for form in _other_forms(timestamp):
            yield standard_string(claim.operation, form)


def _other_forms(timestamp: str) -> dict[str, None]:
    """The timestamp with the fractions that a client may have signed instead of what it sent (3.1)."""
    forms: dict[str, None] = {}
    match = _TIMESTAMP.fullmatch(timestamp)
    if match and match[1]:
        head, tail = timestamp[: match.start(1) - 1], timestamp[match.end(1) :]
        trimmed = match[1].rstrip("0")
        for fraction in (f".{match[1]:0<3}", f".{trimmed}" if trimmed else "", ""):
            forms[f"{head}{fraction}{tail}"] = None
    forms.pop(timestamp, None)
    return forms


def _check_time(timestamp: str, now: float, clock_skew: int) -> None:
    try:
        if not _TIMESTAMP.fullmatch(timestamp):
            raise ValueError
        there = datetime.fromisoformat(timestamp)
        difference = abs((there if there.tzinfo else there.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, OverflowError):
        raise Fault(
            BAD_CLAIMS,
            f"The specified claims are invalid. The Timestamp cannot be read; here it is {_text(now)}.",
            Place.WHOLE,
        ) from None
    if difference > clock_skew:
        raise Fault(
            BAD_CLAIMS,
            f"The specified claims are invalid. The Timestamp {timestamp} is too far from the time here, {_text(now)}.",
            Place.WHOLE,
        )


def _text(moment: float) -> str:
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
