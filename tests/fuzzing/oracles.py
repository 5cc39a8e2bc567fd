"""What every answer must be, whatever was asked."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote_to_bytes

from fuzzing.values import CODES
from mturk_gateway.marketplace.protocol.model import output_shape
from mturk_translators.operations import OPERATIONS
from mturk_translators.xml import MarkupError, parse

_LEAKS = re.compile(
    rb"Traceback|File \"|\.py\b|site-packages|mturk_gateway|mturk_translators|sqlite|sqlalchemy|SELECT |INSERT INTO"
    rb"|object at 0x|<class |/home/|/tmp/|\b(Key|Value|Type|Attribute|Index|Lookup|Unicode\w+|Recursion|Assertion"
    rb"|Overflow|Operational|Integrity|Runtime|Arithmetic|ZeroDivision)Error\b|NoneType|root:x:0"
)
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_FORMS = {
    "CreationTime": _TIME,
    "Expiration": _TIME,
    "AcceptTime": _TIME,
    "SubmitTime": _TIME,
    "GrantTime": _TIME,
    "NumResults": re.compile(r"\d+"),
    "TotalNumResults": re.compile(r"\d+"),
    "PageNumber": re.compile(r"\d+"),
    "Amount": re.compile(r"\d+\.\d{2,3}"),
    "FormattedPrice": re.compile(r"\$\d{1,3}(,\d{3})*\.\d\d"),
    "HITId": re.compile(r"[A-Z0-9]+"),
    "HITStatus": re.compile("Assignable|Unassignable|Reviewable|Reviewing|Disposed"),
}
"""What clients read of values (clients 5)."""
_COUNTERS = ["NumResults", "TotalNumResults", "PageNumber"]
FRONT_STATUSES = frozenset({400, 404, 405, 408, 413, 414, 417, 431, 501, 503, 505})
"""Of requests that never reach an operation."""
_MODERN_TYPES = {
    *("RequestError", "ParameterValidationError", "ValidationException", "SerializationException"),
    *("UnknownOperationException", "ThrottlingException", "UnrecognizedClientException", "InvalidSignatureException"),
    *("IncompleteSignatureException", "MissingAuthenticationTokenException"),
}
_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"


class WrongError(AssertionError):
    """An answer, or something else that was observed, is not what it must be."""


def require(holds, what, *shown):
    """Raise WrongError unless something holds."""
    if not holds:
        raise WrongError(" ".join([what, *(repr(item)[:500] for item in shown)]))


def check_no_leak(data, *secrets, given=b""):
    """No inside of ours, and no secret, may stand in an answer or a line of the log.

    What the client has given itself may be told to it again, also what it has encoded.
    """
    for leak in _LEAKS.finditer(data):
        known = leak[0] in given or leak[0] in unquote_to_bytes(given)
        require(known, "a leak of internals:", data[max(0, leak.start() - 80) : leak.end() + 80])
    for secret in secrets:
        require(secret.encode() not in data, "a secret is told")


def check_xml(status, document, operation=None):
    """A legacy answer or a SOAP fault, of whichever form; gives the codes of its errors."""
    require(document.startswith(b'<?xml version="1.0"?>\n<'), "no declaration:", document[:100])
    try:
        root = parse(document, huge=True)
    except MarkupError as error:
        raise WrongError(f"an answer that is not XML: {error}") from None
    if root.tag == f"{_SOAP}Envelope":
        return _check_fault(status, root)
    _check_layout(document, root)
    codes = [element.text for element in root.iter("Code") if element.getparent().tag == "Error"]
    if root.find("Errors") is not None:
        return _check_front(status, root, codes)
    require(status == 200, "a status that clients take for a broken connection:", status)
    first = [element.tag for element in root.iter()][1:3]
    require(first == ["OperationRequest", "RequestId"], "no RequestId first:", document[:200])
    require(_ID.fullmatch(root[0][0].text or ""), "no ID:", root[0][0].text)
    require(set(codes) <= CODES, "a code that is not documented:", codes)
    if len(root) == 1:
        require(
            [child.tag for child in root[0]] == ["RequestId", "Errors"], "neither error nor result:", document[:300]
        )
        require(len(codes) == 1, "not one error:", codes)
        return codes
    _check_results(root, operation)
    return codes


def _check_fault(status, root):
    require(status == 500, "a fault with another status:", status)
    code = root.findtext(f"{_SOAP}Body/{_SOAP}Fault/faultcode")
    require(code == "aws:Client.InvalidRequest", "another fault:", code)
    return [code]


def _check_layout(document, root):
    """As programs that search the text want it: one line, no namespace, errors exactly where `<Errors>` stands."""
    require(document.endswith(b">\n"), "the end:", document[-100:])
    for element in root.iter():
        require(element.tail is None, "text between elements:", element.tag)
        require("}" not in element.tag, "a namespace:", element.tag)
        require(len(element) == 0 or element.text is None, "text beside elements:", element.tag)
    require((b"<Errors>" in document) == any(True for _ in root.iter("Errors")), "<Errors> and errors differ")


def _check_front(status, root, codes):
    require([child.tag for child in root] == ["Errors", "RequestID"], "a refusal of another form")
    require(_ID.fullmatch(root[1].text or ""), "no ID:", root[1].text)
    require(status in FRONT_STATUSES, "a status of nobody's:", status, codes)
    require(codes == (["ServiceUnavailable"] if status == 503 else ["InvalidRequest"]), "a code of nobody's:", codes)
    return codes


def _check_results(root, operation):
    name = root.tag.removesuffix("Response")
    require(operation in (None, name), "the answer to something else:", name, operation)
    entry = OPERATIONS.get(name)
    require(entry is not None, "an operation of nobody's:", name)
    expected = entry.result or f"{name}Result"
    for result in root[1:]:
        require(result.tag == expected, "another result:", result.tag)
        require(result[0].tag == "Request" and result[0][0].tag == "IsValid", "no IsValid first:", result.tag)
        require(len(result.findall("Request/IsValid")) == 1, "several IsValid")
        failed = result[0].find("Errors") is not None
        require(result[0][0].text == ("False" if failed else "True"), "IsValid and errors differ")
        require(not failed or len(result) == 1, "a result beside an error")
        _check_values(result)


def _check_values(result):
    counters = [child.tag for child in result if child.tag in _COUNTERS]
    require(sorted(counters) in ([], sorted(_COUNTERS)), "counters that are not three:", counters)
    for child in result[1:]:
        for element in child.iter():
            form = _FORMS.get(element.tag)
            if form and not len(element):
                require(
                    form.fullmatch(element.text or ""), "a value that clients cannot read:", element.tag, element.text
                )


def check_modern(status, document, operation=None, statuses=frozenset({400, 403, 404, 413})):
    """An answer of the modern API; gives the type of its error, None for a success."""
    try:
        members = json.loads(document)
    except ValueError:
        raise WrongError(f"an answer that is not JSON: {document[:200]!r}") from None
    require(isinstance(members, dict), "an answer that is no object:", document[:200])
    if status == 200:
        require("__type" not in members, "an error that says 200:", members)
        if operation:
            unknown = members.keys() - output_shape(operation).members.keys()
            require(not unknown, "members that the model does not know:", unknown)
        return None
    require(status in statuses, "a status of nobody's:", status, members)
    type_, code = members.get("__type"), members.get("TurkErrorCode")
    require(type_ in _MODERN_TYPES, "an error of nobody's:", members)
    require(isinstance(members.get("Message", members.get("message")), str), "an error without a message:", members)
    require(code is None or code in CODES, "a code that is not documented:", code)
    require(
        (code is not None) == (type_ in ("RequestError", "ParameterValidationError")),
        "a code too many or few:",
        members,
    )
    return type_
