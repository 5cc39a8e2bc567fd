"""The code of signatures: what was signed verifies, and what is different in any bit of it does not."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from fuzzing.decisions import Decisions
from fuzzing.oracles import require
from mturk_gateway import sigv4
from mturk_gateway.auth import authenticate, claim_of, sign, standard_string, version_1_string
from mturk_gateway.credentials import Requester
from mturk_translators.faults import Fault
from mturk_translators.query import Pair, merge, parse_pairs

NOW = 1_767_225_600.0
_OWNER = Requester("owner", "AKIDOWNER", "owner's secret")
_TIMESTAMPS = (
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.500Z",
    "2026-01-01T00:10:00.25Z",
    "2026-01-01T01:00:00+01:00",
    "2025-12-31T23:50:00.1-00:00",
    "2026-01-01T00:00:00",
    "2027-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "now",
)
_OPERATIONS = ("GetAccountBalance", "Help", "", "CreateHIT", "\u00e9")


def make(chance):
    """Decisions, as an input."""
    return chance.randbytes(chance.choice((40, 120, 400)))


def check(data):
    """Raise WrongError if a signature is judged wrongly."""
    decisions = Decisions(data)
    decisions.choice((_legacy, _legacy, _modern, _strange_claim, _strange_head))(decisions)


def _find(access_key):
    return _OWNER if access_key == _OWNER.access_key else None


def _verdict(pairs):
    """The code with which a request is refused; None for one that is the owner's."""
    try:
        requester = authenticate(claim_of(pairs), _find, NOW, 900)
    except Fault as fault:
        require(fault.code in ("AWS.NotAuthorized", "AWS.BadClaimsSupplied"), "refused with", fault.code)
        return fault.code
    require(requester is _OWNER, "taken for somebody else")
    return None


def _legacy(decisions):
    """A signed request verifies over the wire too, and one with a bit more or less does not."""
    timestamp, operation = decisions.choice(_TIMESTAMPS[:5]), decisions.choice(_OPERATIONS[:4:3])
    pairs = [Pair("AWSAccessKeyId", _OWNER.access_key), Pair("Operation", operation), Pair("Timestamp", timestamp)]
    first = decisions.below(2)
    covered = (1, 2)
    if first:
        pairs += [Pair(f"P{place}{decisions.text(6)}", decisions.text(30)) for place in range(decisions.below(5))]
        pairs.append(Pair("SignatureVersion", "1"))
        covered = tuple(range(len(pairs)))
    text = version_1_string(tuple(pairs)) if first else standard_string(operation, timestamp)
    pairs.append(Pair("Signature", sign(_OWNER.secret, text)))
    wire = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs).encode()
    require(_verdict(merge(parse_pairs(wire))) is None, "a good signature is refused:", pairs)
    # The signature itself, or something that it covers.
    place = decisions.choice((*covered, len(pairs) - 1))
    changed = _flipped(pairs[place].value, decisions)
    if changed != pairs[place].value:
        pairs[place] = pairs[place]._replace(value=changed)
        require(_verdict(tuple(pairs)) is not None, "a changed request verifies:", pairs, place)


def _flipped(text, decisions):
    """The text with one bit of one character changed."""
    if not text:
        return "\0"
    place = decisions.below(len(text))
    changed = chr(ord(text[place]) ^ 1 << decisions.below(7))
    return text[:place] + changed + text[place + 1 :]


def _strange_claim(decisions):
    """Whatever is claimed without knowing the secret is refused, and in the service's way."""
    names = ("AWSAccessKeyId", "Operation", "Timestamp", "Signature", "SignatureVersion", "signature", "P")
    pairs = []
    for _ in range(decisions.below(8)):
        name = decisions.choice(names)
        known = decisions.choice((_OWNER.access_key, decisions.choice(_TIMESTAMPS), "1", "", "A" * 28))
        pairs.append(Pair(name, known if decisions.below(2) else decisions.text(40)))
    require(_verdict(merge(pairs)) is not None, "let in without a signature:", pairs)


def _signed(decisions):
    """A modern request as an SDK signs it."""
    body = decisions.take(decisions.below(60))
    stamp = datetime.fromtimestamp(NOW, UTC).strftime("%Y%m%dT%H%M%SZ")
    path = quote("/" + decisions.text(8)) if decisions.below(2) else "/"
    query = "&".join(
        f"{quote(decisions.text(4), safe='')}={quote(decisions.text(6), safe='')}" for _ in range(decisions.below(3))
    )
    given = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "MTurkRequesterServiceV20170117.GetHIT"}
    request = AWSRequest("POST", f"http://localhost:8080{path}{'?' if query else ''}{query}", given, body)
    request.context["timestamp"] = stamp
    signer = SigV4Auth(Credentials(_OWNER.access_key, _OWNER.secret), "mturk-requester", "us-east-1")
    request.headers["X-Amz-Date"] = stamp
    request.headers["Host"] = "localhost:8080"
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, Signature={signature}"
    )
    headers = [(name.lower(), value) for name, value in request.headers.items()]
    return sigv4.SignedRequest("POST", path, query, headers, body)


def _believed(request):
    try:
        owned = sigv4.access_key_of(request) == _OWNER.access_key
        sigv4.verify(request, _OWNER.secret, NOW)
    except sigv4.SignatureFault as fault:
        require(fault.status in (400, 403), "refused with", fault.status)
        return False
    return owned


def _modern(decisions):
    request = _signed(decisions)
    require(_believed(request), "a good signature is refused:", request)
    what = decisions.below(3)
    method, path, query, headers, body = (
        request.method,
        request.path,
        request.query,
        list(request.headers),
        request.body,
    )
    if what == 0:
        place = decisions.below(len(body) + 1)
        body = (
            body[:place]
            + bytes([(body[place] if place < len(body) else 0) ^ 1 << decisions.below(8)])
            + body[place + 1 :]
        )
    elif what == 1:
        method = decisions.choice(("GET", "post", "PUT"))
    else:
        name, value = headers.pop(decisions.below(len(headers)))
        changed = _flipped(value, decisions)
        if _meant(changed) == _meant(value):
            return
        headers.append((name, changed))
    changed = sigv4.SignedRequest(method, path, query, headers, body)
    require(not _believed(changed), "a changed request verifies:", changed)


def _meant(value):
    """A header's value without what makes no difference: blanks, and the spelling of the names of signed headers."""
    return " ".join(_SIGNED_NAMES.sub(lambda names: names[0].lower(), value).split())


_SIGNED_NAMES = re.compile("SignedHeaders=[^,]*")


def _strange_head(decisions):
    """Whatever stands in an Authorization header without the secret is refused, as the service does."""
    parts = ("AWS4-HMAC-SHA256 ", "Credential=", "AKIDOWNER/20260101/us-east-1/mturk-requester/aws4_request", ", ")
    more = ("SignedHeaders=", "host;x-amz-date", ";", "Signature=", "0" * 64, "=", " ", "\u0661", "/", ",")
    header = "".join(
        decisions.choice((*parts, *parts, *more, *more, decisions.text(9))) for _ in range(decisions.below(16))
    )
    stamps = ("20260101T000000Z", "20269901T000000Z", "00000101T000000Z", "\u0662" * 8 + "T000000Z", "")
    headers = [("authorization", header), ("x-amz-date", decisions.choice(stamps)), ("host", "x")]
    method, path, query = decisions.text(5), decisions.text(20), decisions.text(20)
    request = sigv4.SignedRequest(method, path, query, headers[decisions.below(2) :], decisions.take(4))
    try:
        sigv4.access_key_of(request)
        sigv4.verify(request, _OWNER.secret, NOW)
    except sigv4.SignatureFault:
        return
    require(False, "let in without a signature:", request)
