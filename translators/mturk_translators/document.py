"""The envelopes: whole legacy documents, as bytes (legacy-common 7 and 8)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from mturk_translators.faults import Fault
from mturk_translators.response import error_element
from mturk_translators.xml import Element, Rendered, render, render_document

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_AWS_FAULT = "http://webservices.amazon.com/AWSFault/2005-15-09"


def _root_name(operation: str | None) -> str:
    """The root is named after whatever the caller called the operation, if that can be a name at all (8.3)."""
    named = operation is not None and re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,63}", operation, re.ASCII)
    return f"{operation}Response" if named else "Response"


def answer(operation: str, request_id: str, results: Iterable[Element | Rendered]) -> bytes:
    """The document of a request that reached its operation: one result element for each request of the batch.

    A result that was rendered before is taken as it is, for only the request ID around it is new; that is one of ours.
    """
    start, middle, end = _envelope(operation)
    return b"".join((start, request_id.encode(), middle, *map(render, results), end))


@lru_cache(256)
def _envelope(operation: str) -> tuple[bytes, bytes, bytes]:
    """What stands before the request ID, between it and the results, and after them."""
    head = Element("OperationRequest", (Element("RequestId", "|"),))
    start, middle, end = render_document(Element(_root_name(operation), (head, Rendered(b"|")))).split(b"|")
    return start, middle, end


def whole_refusal(operation: str | None, request_id: str, fault: Fault) -> bytes:
    """The document of a request that was refused as a whole: errors in OperationRequest, no result (8.2)."""
    errors = Element("Errors", (error_element(fault),))
    head = Element("OperationRequest", (Element("RequestId", request_id), errors))
    return render_document(Element(_root_name(operation), (head,)))


def front_refusal(request_id: str, fault: Fault) -> bytes:
    """The document of a request that never reached the service (8.4); `RequestID` is spelled like this only here."""
    errors = Element("Errors", (error_element(fault),))
    return render_document(Element("Response", (errors, Element("RequestID", request_id))))


def soap_fault(request_id: str, code: str, message: str) -> bytes:
    """A SOAP 1.1 fault; `code` is like `Client.InvalidRequest` (legacy-soap 4)."""
    fault = Element(
        "soapenv:Fault",
        (
            Element("faultcode", f"aws:{code}"),
            Element("faultstring", message),
            Element("detail", (Element("aws:RequestId", request_id),)),
        ),
    )
    namespaces = (("xmlns:soapenv", _SOAP), ("xmlns:aws", _AWS_FAULT))
    return render_document(Element("soapenv:Envelope", (Element("soapenv:Body", (fault,)),), namespaces))
