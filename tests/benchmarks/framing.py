"""HTTP messages in a stream of bytes: as little parsing as stub, relay and load generator can do with."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LENGTH = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)


class Messages:
    """Collects bytes and gives whole messages, each as its head and its body, which Content-Length measures."""

    def __init__(self) -> None:
        self._bytes = b""

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The messages that are complete with this."""
        self._bytes += data
        while (end := self._bytes.find(b"\r\n\r\n")) >= 0:
            head = self._bytes[:end]
            start = end + 4
            stop = start + body_length(head)
            if len(self._bytes) < stop:
                return
            body = self._bytes[start:stop]
            self._bytes = self._bytes[stop:]
            yield head, body


def body_length(head: bytes) -> int:
    """How long the body is that follows a head."""
    length = _LENGTH.search(head)
    return int(length[1]) if length else 0


def operation_of(head: bytes) -> str:
    """The operation that the head of a modern request names."""
    found = re.search(rb"^x-amz-target: *\w+\.(\w+)", head, re.IGNORECASE | re.MULTILINE)
    return found[1].decode() if found else "none"


def reply(body: bytes, content_type: str = "application/x-amz-json-1.1") -> bytes:
    """A whole HTTP answer."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (
        content_type.encode(),
        len(body),
        body,
    )
