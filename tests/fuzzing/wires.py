"""What may come over a connection: requests of the three protocols in HTTP, one or several, good and mutated.

An input is a JSON array of the pieces in which the bytes arrive, each as text of the same code points.
"""

from __future__ import annotations

import json
from urllib.parse import quote

from fuzzing import queries, values
from mturk_gateway.auth import sign, standard_string

KEY, SECRET = "AKIDFUZZFUZZFUZZFUZZ", "the-Secret+of/the=fuzzed-Requester"
MOMENT = "2026-01-01T00:00:00Z"
"""When all requests say that they were signed."""
_TYPES = (
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-8",
    "text/xml",
    "application/soap+xml; charset=utf-8",
    "application/x-amz-json-1.1",
    "application/json",
    "multipart/form-data; boundary=x",
    "\u00e9",
    "",
)
_PATHS = (
    *("/",) * 8,
    *(
        "/onca/xml",
        "/onca/soap",
        "/?Service=AWSMechanicalTurkRequester",
        "//",
        "/healthz",
        "/readyz",
        "*",
        "",
        "/%2e%2e/x",
    ),
    *("http://mechanicalturk.amazonaws.com/", "http://x", "http://x?a=1", "https://[::1]:8080/", "HTTP://\u00e9/", "x"),
    *(
        "/files/x?expires=1&signature=x",
        "/files/%00",
        "/\0",
        "/caf\u00e9",
        "/a b",
        "/?a=%zz",
        "/" + "a" * 70_000,
        "/..//.",
    ),
)
_METHODS = (
    "GET",
    "POST",
    "POST",
    "POST",
    "HEAD",
    "PUT",
    "OPTIONS",
    "get",
    "BREW",
    "PRI",
    "CONNECT",
    "TRACE",
    "",
    "G\0T",
)
_HEADERS = (
    ("X-Amz-Target", "MTurkRequesterServiceV20170117.ListHITs"),
    ("SOAPAction", '"http://soap.amazon.com"'),
    ("Expect", "100-continue"),
    ("Connection", "close"),
    ("Connection", "keep-alive, Upgrade"),
    ("Upgrade", "websocket"),
    ("Upgrade", "h2c"),
    ("Transfer-Encoding", "chunked"),
    ("Transfer-Encoding", "gzip, chunked"),
    ("Transfer-Encoding", "xchunked"),
    ("Content-Encoding", "gzip"),
    ("Content-Length", "0"),
    ("Content-Length", "-1"),
    ("Content-Length", "99999999999999999999"),
    ("Content-Length", "+1"),
    ("Host", ""),
    ("Host", "mechanicalturk.sandbox.amazonaws.com"),
    ("Host", "a b\u00e9"),
    ("X-Forwarded-For", "127.0.0.1, ::1, x"),
    ("X-Forwarded-Proto", "https"),
    ("Authorization", "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/mturk-requester/aws4_request"),
    ("Authorization", "Basic Og=="),
    ("User-Agent", "Boto/2.49.0 Python/2.7"),
    ("User-Agent", "\u00ff" * 300),
    ("Cookie", "a=" + "b" * 5_000),
    ("X-Long", "x" * 70_000),
    ("no colon at all", ""),
    (" folded", "x"),
    ("Bad Name", "x"),
    ("X", "a\0b"),
    ("X", "a\rb"),
)


def signed(operation, query=b""):
    """A query with the proof of who asks."""
    proof = {
        "AWSAccessKeyId": KEY,
        "Timestamp": MOMENT,
        "Signature": sign(SECRET, standard_string(operation, MOMENT)),
    }
    named = b"" if b"Operation=" in query else f"Operation={operation}&".encode()
    return named + query + b"&" + "&".join(f"{name}={quote(value, safe='')}" for name, value in proof.items()).encode()


def connection(chance):
    """All that comes over a connection, as an input."""
    data = b"".join(_request(chance) for _ in range(chance.choice((1, 1, 1, 1, 2, 3, 8))))
    for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 5))):
        data = _damaged(chance, data)
    return as_input(_pieces(chance, data))


def as_input(pieces):
    """The input that stands for pieces of bytes."""
    return json.dumps([piece.decode("latin-1") for piece in pieces]).encode()


def pieces_of(data):
    """The pieces that an input stands for; raises ValueError for what is none."""
    pieces = json.loads(data)
    if not isinstance(pieces, list):
        raise ValueError("no list")  # noqa: TRY004  # of an input, not of an argument
    return [str(piece).encode("latin-1", "replace") for piece in pieces]


def _request(chance):
    method, path, body = chance.choice(_METHODS) if chance.random() < 0.3 else "POST", chance.choice(_PATHS), b""
    headers = [("Host", "localhost")] if chance.random() < 0.9 else []
    if chance.random() < 0.75:
        operation = chance.choice(("GetAccountBalance", "GetAccountBalance", "Help", "GetHIT", *queries.NAMES))
        given = queries.encoded(chance, queries.pairs(chance, operation)) if chance.random() < 0.3 else b""
        query = signed(operation, given[:3_000]) if chance.random() < 0.6 else given[:3_000] or b"Operation=Help"
        if chance.random() < 0.3:
            method, path = "GET", "/?" + query.decode("latin-1")
        else:
            body = query
    elif chance.random() < 0.7:
        body = chance.choice((b"<soap/>", b"{}", b'{"MaxResults":1}', b"\0\xff", b"x" * 3_000, b" <x>"))
    headers.append(("Content-Type", chance.choice(_TYPES) if chance.random() < 0.4 else _TYPES[0]))
    headers += chance.sample(_HEADERS, chance.choice((0, 0, 0, 1, 1, 2, 4)))
    if chance.random() < 0.2:
        headers.append(("Transfer-Encoding", "chunked"))
        body = _chunked(chance, body)
    elif body or chance.random() < 0.2:
        length = len(body) if chance.random() < 0.93 else len(body) + chance.choice((-1, 1, 50, 10**7))
        headers.append(("Content-Length", str(length)))
    chance.shuffle(headers)
    end = "\r\n" if chance.random() < 0.97 else chance.choice(("\n", "\r", "\n\r"))
    version = (
        "HTTP/1.1" if chance.random() < 0.85 else chance.choice(("HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "", "HTTP/1.1 x"))
    )
    lines = [f"{method} {path} {version}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return end.join(lines).encode("latin-1", "replace") + body


def _chunked(chance, body):
    parts, size = [], chance.choice((1, 7, 1_000))
    for start in range(0, min(len(body), 60 * size), size):
        part = body[start : start + size]
        length = (
            f"{len(part):x}" if chance.random() < 0.98 else chance.choice(("", "-1", "g", "ffffffffffffffffff", "0x1"))
        )
        parts.append(f"{length}{chance.choice(('', '', ';x=y', ' '))}\r\n".encode() + part + b"\r\n")
    last = b"0\r\n\r\n" if chance.random() < 0.95 else chance.choice((b"", b"0\r\nX: y\r\n\r\n", b"0\r\n", b"0\r\n\0"))
    return b"".join(parts) + last


def _damaged(chance, data):
    start = chance.randrange(len(data) + 1)
    match chance.randrange(6):
        case 0:
            return data[:start]
        case 1:
            return data[:start] + bytes([chance.randrange(256)]) + data[start + 1 :]
        case 2:
            return data[:start] + data[start + chance.choice((1, 2, 10)) :]
        case 3:
            return data[:start] + values.hostile(chance).encode(errors="replace") + data[start:]
        case 4:
            lines = data.split(b"\r\n")
            place = chance.randrange(len(lines))
            return b"\r\n".join([*lines[:place], lines[place], *lines[place:]])
        case _:
            # Most of what matters stands in a head.
            place = chance.randrange(min(len(data), 200) + 1)
            return (
                data[:place]
                + bytes([chance.choice(b"\0\r\n \t:;/?%\xff\x80HGP0")])
                + data[place + chance.randrange(2) :]
            )


def _pieces(chance, data):
    if chance.random() < 0.5:
        return [data]
    if chance.random() < 0.1 and len(data) < 2_000:
        return [data[place : place + 1] for place in range(len(data))]
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.choice((1, 1, 2, 5))))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
