"""awsJson 1.1 over HTTP: which operation a request names, its JSON document, and replies (modern-mturk 1.1, 1.2)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from json import JSONDecoder
from typing import Any, NoReturn

from mturk_gateway.marketplace.protocol.errors import serialization_error, unknown_operation
from mturk_gateway.marketplace.protocol.model import TARGET_PREFIX
from mturk_gateway.sigv4 import SignedRequest

CONTENT_TYPE = "application/x-amz-json-1.1"


@dataclass(frozen=True)
class Response:
    """What goes back to the client; `further` are headers in ASCII beside those that every response has.

    boto3 shows the request id as ResponseMetadata.RequestId.
    """

    status: int
    body: bytes
    content_type: str = CONTENT_TYPE
    further: Mapping[str, str] = field(default_factory=dict)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def headers(self) -> list[tuple[bytes, bytes]]:
        """All headers, as HTTP servers want them."""
        return [
            (b"content-type", self.content_type.encode()),
            (b"content-length", str(len(self.body)).encode()),
            (b"x-amzn-requestid", self.request_id.encode()),
            *((name.encode(), value.encode()) for name, value in self.further.items()),
        ]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = JSONDecoder(parse_constant=_refuse_constant)


def operation_name(request: SignedRequest) -> str:
    """The operation that the request names; the name is case-sensitive. Raises Fault when it names none."""
    if request.method != "POST" or request.path != "/":
        raise unknown_operation(404)
    targets = request.values("x-amz-target")
    media_types = request.values("content-type")
    if len(targets) != 1 or not targets[0].startswith(TARGET_PREFIX):
        raise unknown_operation()
    if len(media_types) != 1 or media_types[0].partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise unknown_operation()
    return targets[0].removeprefix(TARGET_PREFIX)


def parse_body(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; none at all means one without members. Raises Fault (SerializationException)."""
    if not body:
        return {}
    try:
        document = _DECODER.decode(body.decode())
    # A long row of brackets exhausts the parser's stack, which Python reports like this.
    except (ValueError, RecursionError):
        raise serialization_error("The body is not a JSON document") from None
    if not isinstance(document, dict):
        raise serialization_error("Unexpected field type")
    return document
