"""What a whole gateway answers: to bytes on a connection, to legacy operations, and to modern ones."""

from __future__ import annotations

import json
import re
from hashlib import blake2b
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from fuzzing import bodies, queries, wires
from fuzzing.oracles import FRONT_STATUSES, check_modern, check_no_leak, check_xml, require
from mturk_gateway.auth import sign, version_1_string
from mturk_translators.faults import Fault
from mturk_translators.query import Pair, first, merge, parse_pairs

_READS = re.compile(r"Get(?!FileUploadURL|RequesterStatistic|RequesterWorkerStatistic)|Help")
_NEW_EACH_TIME = re.compile(rb"<RequestI[dD]>[^<]*</RequestI[dD]>| \([0-9]+(?: s)?\)")
_OURS = re.compile(rb"/(healthz|readyz)|/files/")


def check_connection(world, data):
    """Whatever arrives, what is written are whole answers in the protocols that the bytes speak."""
    try:
        pieces = wires.pieces_of(data)
    except ValueError:
        # Who mutates without knowing the form sends it all at once.
        pieces = [data]
    received = b"".join(pieces)
    written = world.exchange(pieces)
    check_no_leak(written, wires.SECRET, given=received)
    modern = re.search(rb"x-amz-target|x-amz-json", received, re.IGNORECASE)
    soap = re.search(rb"xml|soapaction|<", received, re.IGNORECASE)
    responses = _responses(written, received)
    require(responses or not received.strip(b"\r\n"), "no answer")
    require(all(headers.get(b"connection") != b"close" for _, headers, _ in responses[:-1]), "an answer after the last")
    for status, headers, body in responses:
        kind = headers.get(b"content-type", b"").partition(b";")[0]
        if kind == b"text/xml":
            if body:
                codes = check_xml(status, body)
                require(soap or not any(code.startswith("aws:") for code in codes), "SOAP for who speaks none:", body)
        elif kind == b"application/x-amz-json-1.1":
            require(modern, "JSON for who speaks none:", body)
            if body:
                check_modern(status, body, statuses=FRONT_STATUSES | {403})
        else:
            require(_OURS.search(received), "an answer of another kind:", status, headers, body)
    world.quiet(data)


def _responses(written, received):
    responses, rest = [], written
    while rest:
        head, ended, body = rest.partition(b"\r\n\r\n")
        require(ended and head.startswith(b"HTTP/1.1 "), "no response:", rest[:200])
        status = int(head[9:12])
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
        }
        if status == 100:
            rest = body
            continue
        require(
            b"content-length" in headers or b"chunked" in headers.get(b"transfer-encoding", b""), "no length:", head
        )
        length = int(headers.get(b"content-length", 0))
        # The answer to a HEAD has the length of the answer to a GET, and nothing else.
        bodiless = b"HEAD" in received and (not body or body.startswith(b"HTTP/1.1 "))
        if bodiless:
            length = 0
        require(len(body) >= length, "an answer that is cut off:", head, body[-100:])
        responses.append((status, headers, body[:length]))
        rest = body[length:]
    return responses


def check_operation(world, data):
    """A legacy request by its owner comes to what clients can read, and a question gets the same answer again."""
    query = world.identified(data)
    try:
        given = merge(parse_pairs(query))
    except Fault:
        operation, given = None, ()
    else:
        operation = first(given, "Operation")
    if first(given, "SignatureVersion") == "1":
        query += b"&" + _signed_by_version_1(given).encode()
    else:
        query = wires.signed(operation or "", query) if operation else query + b"&x=1"
    # Every other one comes in the URL, as far as that may be.
    by_url = blake2b(data).digest()[0] % 4 == 0 and len(query) < 60_000
    status, _, answer = _legacy(world, query, by_url=by_url)
    check_no_leak(answer, wires.SECRET, given=data)
    codes = check_xml(status, answer)
    require("ServiceUnavailable" not in codes, "an upstream that is there cannot be had:", answer)
    if operation and not codes and _READS.match(operation):
        _, _, again = _legacy(world, query, by_url=False)
        require(_lasting(again) == _lasting(answer), "answered otherwise the second time:", answer, again)
    world.quiet(data)


def _legacy(world, query, *, by_url):
    headers = [(b"host", b"localhost"), (b"content-type", b"application/x-www-form-urlencoded")]
    if by_url:
        return world.ask(world.app, "GET", "/", headers[:1], b"", query)
    return world.ask(world.app, "POST", "/", headers, query)


def _lasting(answer):
    return _NEW_EACH_TIME.sub(b"", answer)


def _signed_by_version_1(given):
    proof = (Pair("AWSAccessKeyId", wires.KEY), Pair("Timestamp", wires.MOMENT))
    # Whatever else is sent under these names comes first, and counts.
    signature = sign(wires.SECRET, version_1_string(merge(given, proof)))
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in (*proof, Pair("Signature", signature)))


def make_modern(chance):
    """A modern request as an input: manner of going wrong, operation, and body behind two line breaks."""
    operation = chance.choice(bodies.NAMES)
    manner = chance.choice(("good",) * 40 + tuple(_MANNERS))
    return f"{manner}\n{operation}\n".encode() + bodies.document(chance, operation)


_MANNERS = {
    "good": lambda headers: headers,
    "unsigned": lambda headers: {name: value for name, value in headers.items() if name != "Authorization"},
    "stranger": lambda headers: {**headers, "Authorization": headers["Authorization"].replace(wires.KEY, "AKIDNOBODY")},
    "forged": lambda headers: {**headers, "Authorization": headers["Authorization"][:-4] + "0000"},
    "stale": lambda headers: {**headers, "X-Amz-Date": "20260101T000000Z"},
    "untyped": lambda headers: {**headers, "Content-Type": "text/plain"},
    "elsewhere": lambda headers: {**headers, "X-Amz-Target": "MTurkRequesterServiceV20170117.NoSuch"},
    "garbled": lambda headers: {**headers, "Authorization": "AWS4-HMAC-SHA256 \u00e9=,,=Signature"},
}


def check_marketplace(world, data):
    """A modern request at the marketplace itself."""
    _check_modern(world, world.marketplace, data)


def check_front(world, data):
    """A modern request through the front."""
    _check_modern(world, world.app, data)


def _check_modern(world, app, data):
    manner, _, rest = world.identified(data).partition(b"\n")
    operation, _, body = rest.partition(b"\n")
    name = operation.decode("latin-1")
    wrong = _MANNERS.get(manner.decode("latin-1"), _MANNERS["good"])
    headers = wrong(_signed(name, body))
    sent = [(key.lower().encode(), value.encode("latin-1")) for key, value in headers.items()]
    status, got, answer = world.ask(app, "POST", "/", sent, body)
    require(got[b"content-type"] == b"application/x-amz-json-1.1", "an answer of another type:", got)
    check_no_leak(answer, wires.SECRET, given=data)
    type_ = check_modern(status, answer, name if name in bodies.NAMES else None)
    require(type_ is not None or wrong is _MANNERS["good"], "carried out for who has not signed it:", manner)
    if type_ is None and name.startswith("Get") and name != "GetFileUploadURL":
        _, _, again = world.ask(app, "POST", "/", sent, body)
        require(json.loads(again) == json.loads(answer), "answered otherwise the second time:", answer, again)
    world.quiet(data)


def _signed(operation, body):
    request = AWSRequest(
        "POST",
        "http://localhost:8080/",
        {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"MTurkRequesterServiceV20170117.{operation}",
            "Host": "localhost:8080",
        },
        body,
    )
    SigV4Auth(Credentials(wires.KEY, wires.SECRET), "mturk-requester", "us-east-1").add_auth(request)
    return dict(request.headers.items())


make_connection = wires.connection
make_operation = queries.query
