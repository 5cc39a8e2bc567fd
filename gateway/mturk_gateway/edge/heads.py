"""Heads of HTTP requests: how large they may be, what is read that no standard allows, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote_from_bytes

from mturk_translators.faults import Fault, unreadable

LONGEST_URL = 65_535
"""Bytes: what httptools can take apart."""
LARGEST_HEAD = 65_536
"""Bytes of all names and values of headers."""
MOST_HEADERS = 200

JUDGED = frozenset({b"host", b"expect", b"transfer-encoding"})
"""Headers by which a head can mean two things, or ask for what is not done."""

_LINE = re.compile(rb"([A-Z]+) ([!-~\x80-\xff][ -~\x80-\xff]*) (HTTP/1\.[01])\r?")
_BEGINNING = re.compile(rb"[A-Z]+ [!-~\x80-\xff][ -~\x80-\xff]*(\r?\n|\r?\Z)")
_WHOLE_URL = re.compile(rb"[a-z]+://([^/?#]+)(/?)", re.IGNORECASE)
_VISIBLE = bytes(range(0x21, 0x7F)).decode()
_TLS_HELLO = b"\x16\x03"


def begins_with_a_line(head: bytes) -> bool:
    """Whether this may be the beginning of a request line, with raw blanks and bytes beyond ASCII in its URL."""
    return _BEGINNING.match(head) is not None


def is_a_line(head: bytes) -> bool:
    """Whether this begins with a whole request line, of whatever method."""
    return _LINE.match(head) is not None


def mended(line: bytes) -> bytes | None:
    """A request line in which only its URL was wrong, as it must have been meant; None for any other."""
    found = _LINE.fullmatch(line)
    url = quote_from_bytes(found[2], _VISIBLE).encode() if found else b""
    return b"%b %b %b" % (found[1], url, found[3]) if found and url != found[2] else None


def host_and_path(url: bytes) -> tuple[bytes, bytes] | None:
    """What a proxy's client has sent, a whole URL, even one without a path: its host, and the URL with a path."""
    whole = _WHOLE_URL.match(url)
    if whole is None:
        return None
    return whole[1], url if whole[2] else url[: whole.end()] + b"/" + url[whole.end() :]


def judge(headers: Iterable[tuple[bytes, bytes]], version: str) -> bool:
    """Whether the client waits to be told that it may send the body. `headers` are those of JUDGED.

    Raises Fault for a head that can mean two things, or asks for what we do not do.
    """
    values: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value.strip().lower())
    if len(values.get(b"host", ())) > 1:
        raise unreadable("The request names two hosts.")
    encoded = values.get(b"transfer-encoding")
    if encoded and version != "1.1":
        raise unreadable("The length of the body is not told as HTTP/1.0 tells it.")
    if encoded not in (None, [b"chunked"]):
        raise unreadable("A body can be sent in chunks, and in no other encoding.", 501)
    if values.get(b"expect", [b"100-continue"]) != [b"100-continue"]:
        raise unreadable("What the request expects is not done here.", 417)
    return b"expect" in values


def unlike_http(head: bytes) -> Fault:
    """What to tell about a head that is not HTTP/1."""
    if head.startswith(_TLS_HELLO):
        return unreadable("This port speaks HTTP, and no TLS.")
    if head.startswith(b"PRI * HTTP/2"):
        return unreadable("HTTP/2 is not spoken here, only HTTP/1.1.", 505)
    return unreadable("The request is not valid HTTP.")


def other_method() -> Fault:
    """What to tell about a method that nobody uses here."""
    return unreadable("Requests are sent with GET or POST.", 405)


def too_long() -> Fault:
    """What to tell about a URL."""
    return unreadable(f"The URL is longer than {LONGEST_URL} bytes. Send the parameters in the body of a POST.", 414)


def too_large() -> Fault:
    """What to tell about all headers together."""
    return unreadable("The request has too many headers, or too long ones.", 431)
