"""What can go wrong, as the legacy API says it: codes, places, and the table from modern errors to legacy ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any


class Place(Enum):
    """Where an error stands in the answer (legacy-common 8)."""

    REQUEST = "request"
    """In the result element's Request: one operation of the caller failed."""
    WHOLE = "whole"
    """In OperationRequest, without a result: the request as a whole was refused."""
    FRONT = "front"
    """In a document of its own, with an HTTP status that says so: nothing was asked of the service."""


@dataclass(eq=False)
class Fault(Exception):  # noqa: N818  # the field's own word for an answer that is an error
    """One legacy error.

    `data` are the Key/Value pairs of the Error element. `own` marks a message of the gateway's wording, which still
    lacks the suffix that the service put on all of its messages.
    """

    code: str
    message: str
    place: Place = Place.REQUEST
    status: int = 200
    data: tuple[tuple[str, str], ...] = ()
    own: bool = True

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def stamped(self, milliseconds: int, *, sandbox: bool) -> Fault:
        """The same with the service's message suffix: the time, and an `s` in the sandbox (legacy-common 8.1)."""
        if not self.own:
            return self
        suffix = f" ({milliseconds} s)" if sandbox else f" ({milliseconds})"
        return replace(self, message=self.message + suffix, own=False)


THROTTLED = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"})
"""Types of the errors that say that too much was asked at a time."""


class ModernError(Exception):
    """What the modern API, or the way to it, answered instead of a reply.

    `type` is the bare `__type` of the body, or `Unreachable` when there was no answer worth the name; `code` the
    TurkErrorCode, if any; `status` the HTTP status, 0 without one. `so_far` says what had been done before by the
    operation that met it, in a sentence; it is empty when nothing had. `again` says that the call had been made before
    without a good answer, and may have been carried out then.
    """

    def __init__(self, type_: str, message: str, code: str | None = None, status: int = 400) -> None:
        super().__init__(f"{type_}: {message}")
        self.type = type_
        self.message = message
        self.code = code
        self.status = status
        self.so_far = ""
        self.again = False

    @property
    def is_passing(self) -> bool:
        """Whether the same call may succeed later without anything being changed: throttled, down, or out of reach."""
        return self.type in THROTTLED or self.type == "Unreachable" or self.status >= 500


MTURK = "AWS.MechanicalTurk."
INVALID_PARAMETER_VALUE = MTURK + "InvalidParameterValue"
INVALID_HIT_STATE = MTURK + "InvalidHITState"
INVALID_ASSIGNMENT_STATE = MTURK + "InvalidAssignmentState"
HIT_DOES_NOT_EXIST = MTURK + "HITDoesNotExist"
DUPLICATE_REQUEST = MTURK + "DuplicateRequest"
OUT_OF_RANGE = "AWS.ParameterOutOfRange"
MISSING_PARAMETERS = "AWS.MissingParameters"
NOT_AUTHORIZED = "AWS.NotAuthorized"
INVALID_OPERATION = "AWS.InvalidOperationParameter"
BAD_CLAIMS = "AWS.BadClaimsSupplied"


def invalid_value(value: str, parameter: str, reason: str = "") -> Fault:
    """The parameter has a value that cannot be read, or that is none of the known ones (legacy-common 9)."""
    message = f'The value "{value}" is not valid for the parameter {parameter}.'
    return Fault(INVALID_PARAMETER_VALUE, f"{message} {reason}".rstrip())


def out_of_range(value: str, parameter: str, low: int, high: int | None) -> Fault:
    """A number outside the parameter's range; without `high` the range is open."""
    span = f"Valid values range from {low} to {high}." if high is not None else f"The least valid value is {low}."
    return Fault(OUT_OF_RANGE, f'The value "{value}" is out of range for the parameter {parameter}. {span}')


def too_many(number: int, parameter: str, most: int) -> Fault:
    """A list with more values than it may have."""
    return Fault(OUT_OF_RANGE, f"The parameter {parameter} has {number} values. It may have from 1 to {most}.")


def missing_parameters(names: tuple[str, ...]) -> Fault:
    """Required parameters are absent or empty."""
    return Fault(MISSING_PARAMETERS, f"The request lacks what it must have: {', '.join(names)}.")


def hit_state(hit_id: str, current: str, *expected: str) -> Fault:
    """The HIT is in a state in which the operation does not take it; clients know the words (legacy-common 9)."""
    message = (
        f"This HIT is currently in the state '{current}'.  "
        f"This operation can be called with a status of: {', '.join(expected)}"
    )
    data = (("HITId", hit_id), ("CurrentState", current), ("ExpectedStates", ",".join(expected)))
    return Fault(INVALID_HIT_STATE, message, data=data)


def assignment_state(assignment_id: str, current: str | None, *expected: str) -> Fault:
    """The same of an assignment, of which the state is not always known."""
    message = f"This operation can be called with a status of: {','.join(expected)}"
    state = () if current is None else (("CurrentState", current),)
    data = (("AssignmentId", assignment_id), *state, ("ExpectedStates", ",".join(expected)))
    return Fault(INVALID_ASSIGNMENT_STATE, message, data=data)


def repeated_token(token: str, request_id: str) -> Fault:
    """The caller's token was used before, by the request of that ID, for something that has been done (hits 10)."""
    return Fault(
        DUPLICATE_REQUEST,
        f'The UniqueRequestToken "{token}" has been used already, by the request {request_id}.',
    )


def not_authorized() -> Fault:
    """The key is unknown, the signature is not its owner's, or a credential is absent; which one is not told."""
    message = "The identity contained in the request is not authorized to use this AWSAccessKeyId"
    return Fault(NOT_AUTHORIZED, message, Place.WHOLE)


def no_sandbox() -> Fault:
    """The request came to a host of the sandbox, and there is none: it must not be carried out where money is real."""
    return Fault(NOT_AUTHORIZED, "There is no sandbox behind this gateway.", Place.WHOLE)


def disposed_hit(hit_id: str, states: tuple[str, ...]) -> Fault:
    """The HIT is being disposed of (hits 8): it is in none of the states that the operation is for.

    Where an operation is for no state in particular, there is nothing of the HIT to read.
    """
    if states:
        return hit_state(hit_id, "Disposed", *states)
    return Fault(HIT_DOES_NOT_EXIST, f"Hit {hit_id} does not exist.", data=(("HITId", hit_id),))


def unknown_operation(name: str, reason: str = "") -> Fault:
    """No version of the API that is still answered has an operation of this name."""
    message = f'The value "{name}" is not the name of an operation of AWSMechanicalTurkRequester.'
    return Fault(INVALID_OPERATION, f"{message} {reason}".rstrip(), Place.WHOLE)


def missing_operation() -> Fault:
    """The request does not say which operation it wants."""
    return Fault("AWS.MissingOperationParameter", "The request lacks the parameter Operation.", Place.WHOLE)


def unreadable(message: str, status: int = 400) -> Fault:
    """The request cannot be read at all, or nothing lives where it was sent."""
    return Fault("InvalidRequest", message, Place.FRONT, status)


def unavailable(
    message: str = "The service cannot answer at the moment. Please try again in a few seconds.",
) -> Fault:
    """Throttled, overloaded, or the upstream is away: the one failure that old clients know how to retry (8.5)."""
    return Fault("ServiceUnavailable", message, Place.FRONT, 503)


def too_often() -> Fault:
    """More was asked at a time than is allowed."""
    return unavailable("Too many requests came at a time. Please try again in a few seconds.")


def internal_error() -> Fault:
    """A bug of the gateway; what happened stands in the log under the request's id."""
    return Fault("AWS.InternalError", "The gateway failed to answer this request.", Place.FRONT, 500)


Meaning = Callable[[str], "Fault | str"]
"""From the message of a modern error to the legacy code that it has without a TurkErrorCode, or to a whole fault."""


def _code(otherwise: str, *by_message: tuple[str, str]) -> Meaning:
    return lambda message: next((code for text, code in by_message if text in message), otherwise)


def _always(fault: Callable[[], Fault]) -> Meaning:
    return lambda _: fault()


MODERN_ERRORS: Mapping[str, Meaning] = {
    "RequestError": _code(INVALID_PARAMETER_VALUE),
    "ParameterValidationError": _code(
        INVALID_PARAMETER_VALUE,
        ("Valid values range", OUT_OF_RANGE),
        ("parsing the XML", MTURK + "XMLParseError"),
    ),
    "ValidationException": _code(
        INVALID_PARAMETER_VALUE,
        ("Value null at", MISSING_PARAMETERS),
        ("Member must have value", OUT_OF_RANGE),
    ),
    "SerializationException": _code(INVALID_PARAMETER_VALUE),
    "UnknownOperationException": _code(INVALID_OPERATION),
    "ServiceFault": _always(unavailable),
    "ThrottlingException": _always(unavailable),
    "Unreachable": _always(unavailable),
    "AccessDeniedException": _always(not_authorized),
    "ExpiredTokenException": _always(not_authorized),
    "IncompleteSignatureException": _always(not_authorized),
    "InvalidSignatureException": _always(not_authorized),
    "MissingAuthenticationTokenException": _always(not_authorized),
    "UnrecognizedClientException": _always(not_authorized),
}
"""What each modern error type is to legacy clients (legacy-common 9.1). Other types go by their HTTP status."""

DATA_KEYS = ("HITId", "AssignmentId", "QualificationTypeId", "QualificationRequestId")
"""The parameters that an error quotes as Data when it is about the object that they name (legacy-common 9.1)."""

MISSHAPEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What translating raises when a modern reply is not shaped like one."""

_STAMPED = re.compile(r"(.*?)((?: \([0-9]+(?: s)?\))?)", re.DOTALL)
"""A message, and the time that the service puts behind it."""
_CURRENT = re.compile(r"currently in the state '(\w+)'")
_EXPECTED = re.compile(r"with a status of: ([\w, ]+)")


def is_state_error(error: ModernError) -> bool:
    """Whether the error says that an object is in a state that the operation does not allow."""
    return bool(re.fullmatch(r"AWS\.MechanicalTurk\.Invalid\w+State", error.code or ""))


def quotes_state(error: ModernError) -> bool:
    """Whether the message itself names the state that the object is in."""
    return bool(_CURRENT.search(error.message))


def expected_states(error: ModernError) -> tuple[str, ...]:
    """The states that the operation allows, as far as the message names them."""
    named = _EXPECTED.search(error.message)
    return tuple(named[1].replace(" ", "").split(",")) if named else ()


def _about(name: str) -> tuple[str, str]:
    """The codes of errors about the very object that an ID names; the service quoted no other (quals 0.3)."""
    kind = MTURK + name.removesuffix("Id")
    return f"{kind}DoesNotExist", f"{kind}AlreadyExists"


def legacy_fault(error: ModernError, params: dict[str, Any], current_state: str | None = None) -> Fault:
    """The legacy form of a modern error.

    `params` are those of the modern call, from which the Data entries are made that the modern API lost;
    `current_state` is given where the message does not quote it. An unknown type is treated by its HTTP status.
    """
    otherwise = "ServiceFault" if error.status >= 500 else "RequestError"
    meaning = MODERN_ERRORS.get(error.type, MODERN_ERRORS[otherwise])(error.message)
    if isinstance(meaning, Fault):
        return replace(meaning, message=f"{meaning.message} {error.so_far}".rstrip())
    code = error.code or meaning
    data = [(name, str(params[name])) for name in DATA_KEYS if name in params]
    if is_state_error(error):
        quoted = _CURRENT.search(error.message)
        state = quoted[1] if quoted else current_state
        expected = expected_states(error)
        if state is not None:
            data.append(("CurrentState", state))
        if expected:
            data.append(("ExpectedStates", ",".join(expected)))
    else:
        data = [(name, value) for name, value in data if code in _about(name)]
    text, stamp = _STAMPED.fullmatch(error.message).groups()  # type: ignore[union-attr]  # it matches anything
    sentence = text if text.endswith((".", "!", "?")) else f"{text}."
    message = f"{sentence} {error.so_far}{stamp}" if error.so_far else error.message
    return Fault(code, message, data=tuple(data), own=False)
