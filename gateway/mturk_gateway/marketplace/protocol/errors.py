"""The families of errors that clients of the 2017-01-17 API saw (modern-mturk 1.3), as one exception."""

from __future__ import annotations

import json
from collections.abc import Sequence

_NAMESPACE = "AWS.MechanicalTurk."
_SUFFIXED = frozenset({"RequestError", "ParameterValidationError", "ServiceFault"})


class Fault(Exception):  # noqa: N818  # "fault" is what the wire calls it
    """An error reply: its `__type`, HTTP status, text and, for the service's own families, TurkErrorCode."""

    def __init__(self, type: str, status: int, message: str, code: str | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.type = type
        self.status = status
        self.message = message
        self.code = code

    def body(self, milliseconds: int, *, sandbox: bool) -> bytes:
        """The JSON document of the error at a moment in epoch milliseconds.

        The service's own families spell `Message` with a capital and end it with the time, in the sandbox with an
        extra " s"; the families of the framework in front of it do neither.
        """
        if self.type not in _SUFFIXED:
            return json.dumps({"__type": self.type, "message": self.message}).encode()
        suffix = f" ({milliseconds} s)" if sandbox else f" ({milliseconds})"
        document = {"__type": self.type, "Message": self.message + suffix, "TurkErrorCode": self.code}
        return json.dumps(document).encode()


def request_error(code: str, message: str) -> Fault:
    """The request meets a state, an owner or a balance that forbids it; `code` without its usual prefix."""
    return Fault("RequestError", 400, message, _NAMESPACE + code)


def does_not_exist(kind: str, identifier: str) -> Fault:
    """No such thing, or one that belongs to somebody else. `kind` is HIT, Assignment, QualificationType, HITLayout.

    A HIT is called "Hit" in the text, which clients compare.
    """
    called = "Hit" if kind == "HIT" else kind
    return request_error(f"{kind}DoesNotExist", f"{called} {identifier} does not exist.")


def parameter_error(message: str) -> Fault:
    """A value that the model allows and the service does not."""
    return Fault("ParameterValidationError", 400, message, _NAMESPACE + "InvalidParameterValue")


def out_of_range(parameter: str, value: int, lowest: int, highest: int) -> Fault:
    """A number outside its limits."""
    message = f"The value {value} is invalid for {parameter}. Valid values range from {lowest} to {highest}."
    return Fault("ParameterValidationError", 400, message, "AWS.ParameterOutOfRange")


def markup_error(details: str) -> Fault:
    """A question, test or answer key that does not parse or is not of an accepted kind."""
    message = (
        "There was an error parsing the XML question or answer data in your request.  Please make sure the data is "
        f"well-formed and validates against the appropriate schema. Details: {details}"
    )
    return Fault("ParameterValidationError", 400, message, _NAMESPACE + "XMLParseError")


def xhtml_error(details: str) -> Fault:
    """A FormattedContent that does not parse or uses what is not allowed there; only the code is known for certain."""
    message = (
        "There was an error parsing the XHTML data in your request.  Please make sure the data is well-formed and "
        f"validates against the appropriate schema. Details: {details}"
    )
    return Fault("ParameterValidationError", 400, message, _NAMESPACE + "XHTMLParseError")


def validation_error(violations: Sequence[str]) -> Fault:
    """Members that violate the model, one sentence each."""
    noun = "error" if len(violations) == 1 else "errors"
    message = f"{len(violations)} validation {noun} detected: {'; '.join(violations)}"
    return Fault("ValidationException", 400, message)


def serialization_error(message: str) -> Fault:
    """A body that is not JSON, or a value of a type that its member cannot have."""
    return Fault("SerializationException", 400, message)


def unknown_operation(status: int = 400) -> Fault:
    """A request for something that is not offered."""
    return Fault("UnknownOperationException", status, "The requested operation is not offered by this service.")


def throttled() -> Fault:
    """Too many requests in too short a time; clients wait and try again."""
    return Fault("ThrottlingException", 400, "Rate exceeded")


def service_fault() -> Fault:
    """Our own failure; says nothing about its cause."""
    return Fault("ServiceFault", 500, "The service could not complete the request.", "AWS.ServiceUnavailable")
