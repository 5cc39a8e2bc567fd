"""Verification of AWS Signature Version 4, as requests to the 2017-01-17 API carry it (modern-mturk 1.1).

Pure: the caller brings the request, the secret and the time. The canonical request is built from the SignedHeaders list
of the request itself, because every SDK signs another set.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NoReturn
from urllib.parse import quote, unquote_to_bytes

SERVICE = "mturk-requester"
ALGORITHM = "AWS4-HMAC-SHA256"
_STAMP = "%Y%m%dT%H%M%SZ"
_STAMP_FORM = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_SCOPE_FORM = re.compile(r"([^/\s]+)/([0-9]{8})/([A-Za-z0-9-]+)/([^/\s]+)/aws4_request")
_SIGNATURE_FORM = re.compile(r"[0-9a-f]{64}")
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


class SignatureFault(Exception):  # noqa: N818  # "fault" is what the wire calls it
    """The request is not signed, or not so that it can be believed; the fields are the AWS error to answer with."""

    def __init__(self, type: str, status: int, message: str) -> None:  # noqa: A002  # the wire's own word
        super().__init__(message)
        self.type = type
        self.status = status
        self.message = message


@dataclass(frozen=True)
class SignedRequest:
    """An HTTP request as it was received.

    `path` and `query` are still percent-encoded, `query` without its question mark. Header names are in lower case;
    bytes of a value that are not UTF-8 are surrogate escapes.
    """

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        """All values of a header, in the order received."""
        return [value for header, value in self.headers if header == name]


_MOST_HEADERS = 100
"""That can be signed."""


@dataclass(frozen=True)
class _Claim:
    """What an Authorization header says."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def access_key_of(request: SignedRequest) -> str:
    """The access key that the request claims to be signed with. Raises SignatureFault when it claims none."""
    return _claim(request).access_key


def verify(request: SignedRequest, secret: str, now: float, *, skew: int = 900, hosts: Sequence[str] = ()) -> None:
    """Accept the request or raise SignatureFault.

    `now` is the wall clock in epoch seconds and `skew` how many seconds the signing time may be off. `hosts` are the
    Host values that clients may have signed before a proxy replaced the header.
    """
    claim = _claim(request)
    stamp = _stamp(request)
    if claim.service != SERVICE:
        _invalid(f"Credential should be scoped to correct service: '{SERVICE}'.")
    if not stamp.startswith(claim.date):
        _invalid("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.")
    _check_freshness(stamp, now, skew)
    for name in ("host", "x-amz-target"):
        if request.values(name) and name not in claim.signed_headers:
            _invalid(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")
    payload = hashlib.sha256(request.body).hexdigest()
    if any(stated != payload for stated in request.values("x-amz-content-sha256")):
        _invalid("The value of the header x-amz-content-sha256 is not the SHA-256 of the body.")
    key = _signing_key(secret, claim.date, claim.region, claim.service)
    for host in (None, *hosts):
        try:
            canonical = _canonical_request(request, claim, payload, host)
        except UnicodeEncodeError:
            _invalid(_MISMATCH)
        text = f"{ALGORITHM}\n{stamp}\n{claim.scope}\n{hashlib.sha256(canonical).hexdigest()}"
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        if hmac.compare_digest(signature, claim.signature):
            return
    _invalid(_MISMATCH)


def _invalid(message: str) -> NoReturn:
    raise SignatureFault("InvalidSignatureException", 403, message)


def _incomplete(message: str) -> NoReturn:
    raise SignatureFault("IncompleteSignatureException", 400, message)


def _claim(request: SignedRequest) -> _Claim:
    headers = request.values("authorization")
    if not headers:
        raise SignatureFault("MissingAuthenticationTokenException", 403, "Missing Authentication Token")
    algorithm, _, rest = headers[0].strip().partition(" ")
    if len(headers) > 1 or algorithm != ALGORITHM:
        _incomplete(f"The request must have one Authorization header with the algorithm {ALGORITHM}.")
    parts: dict[str, str] = {}
    for part in rest.split(","):
        name, _, value = part.strip().partition("=")
        parts[name] = value
    for name in ("Credential", "SignedHeaders", "Signature"):
        if not parts.get(name):
            _incomplete(f"Authorization header requires '{name}' parameter.")
    scope = _SCOPE_FORM.fullmatch(parts["Credential"])
    if scope is None or not parts["Credential"].isascii():
        _incomplete("Credential must have the form <access key>/<yyyymmdd>/<region>/<service>/aws4_request.")
    if not _SIGNATURE_FORM.fullmatch(parts["Signature"]):
        _incomplete("Signature must be 64 hexadecimal digits in lower case.")
    access_key, date, region, service = scope.groups()
    signed_headers = tuple(name.lower() for name in parts["SignedHeaders"].split(";"))
    # Each name brings its value into memory once more, and this is asked before anything is known of who asks.
    if len(signed_headers) > _MOST_HEADERS or len(set(signed_headers)) < len(signed_headers):
        _incomplete("SignedHeaders names a header twice, or too many.")
    if "host" not in signed_headers:
        _incomplete("'Host' must be a 'SignedHeader' in the AWS Authorization.")
    return _Claim(access_key, date, region, service, signed_headers, parts["Signature"])


def _stamp(request: SignedRequest) -> str:
    stamps = request.values("x-amz-date")
    if len(stamps) != 1 or not _STAMP_FORM.fullmatch(stamps[0].strip()):
        _incomplete("Authorization header requires existence of one 'X-Amz-Date' header of the form YYYYMMDDTHHMMSSZ.")
    return stamps[0].strip()


def _check_freshness(stamp: str, now: float, skew: int) -> None:
    try:
        # The form is checked already, and is ISO 8601's.
        signed = datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        _incomplete("The header X-Amz-Date does not name a moment.")
    if signed < now - skew:
        _invalid(f"Signature expired: {stamp} is now earlier than {_stamped(now)} less {skew} seconds.")
    if signed > now + skew:
        _invalid(f"Signature not yet current: {stamp} is still later than {_stamped(now)} plus {skew} seconds.")


def _stamped(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime(_STAMP)


# A client signs with the same key all day.
@lru_cache(maxsize=1024)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _canonical_request(request: SignedRequest, claim: _Claim, payload: str, host: str | None) -> bytes:
    lines = [request.method, _canonical_path(request.path), _canonical_query(request.query)]
    for name in claim.signed_headers:
        values = [host] if name == "host" and host is not None else request.values(name)
        lines.append(f"{name}:{','.join(' '.join(value.split()) for value in values)}")
    lines += ["", ";".join(claim.signed_headers), payload]
    return "\n".join(lines).encode(errors="surrogateescape")


def _canonical_path(path: str) -> str:
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(part)
    whole = "/" + "".join(f"{part}/" for part in kept)
    normal = whole if path.endswith("/") or not kept else whole[:-1]
    # The path is encoded once more although it is encoded already: only S3 is excepted from that, and from the above.
    return quote(normal.encode(errors="surrogateescape"), safe="/-_.~")


def _canonical_query(query: str) -> str:
    pairs = []
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        pairs.append((_encode_again(name), _encode_again(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _encode_again(text: str) -> str:
    return quote(unquote_to_bytes(text.encode(errors="surrogateescape")), safe="-_.~")
