"""Who wants to be told of events, and of which (modern-mturk 4.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import bindparam, insert, select, update

from mturk_gateway.marketplace.protocol.errors import parameter_error, request_error
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.publishing.hit_types import find_hit_type
from mturk_gateway.marketplace.tables import notification_settings

_VERSIONS = frozenset({"2006-05-05", "2014-08-15"})
"""The reference names the later one and the model's text the earlier one (modern-mturk 4.4)."""

_PING = "Ping"

_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")
_ARN = {
    "SQS": re.compile(r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9._-]+"),
    "SNS": re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9._-]+"),
}

_THIS = notification_settings.c.hit_type_id == bindparam("hit_type")
_FIND = select(notification_settings.c.active).where(_THIS)
_ADD = insert(notification_settings)
_CHANGE = update(notification_settings).where(_THIS)


def update_notification_settings(call: Call) -> Reply:
    """UpdateNotificationSettings of one of the requester's HIT types: a specification, whether it is active, or both.

    A specification replaces the former one completely. Without Active it is as active as that was, and the first one
    is not active. Whether its destination can be reached is not asked here: SendTestEventNotification tells. Raises
    Fault (ParameterValidationError).
    """
    parameters = call.parameters
    hit_type = parameters["HITTypeId"]
    find_hit_type(call, hit_type)
    if not {"Notification", "Active"} & parameters.keys():
        raise parameter_error("At least one of the parameters Notification and Active must be given.")
    values: dict[str, Any] = {}
    if "Notification" in parameters:
        values |= _stored(parameters["Notification"])
    if "Active" in parameters:
        values["active"] = parameters["Active"]
    if call.connection.execute(_FIND, {"hit_type": hit_type}).one_or_none() is not None:
        call.connection.execute(_CHANGE.values(values), {"hit_type": hit_type})
    elif "Notification" in parameters:
        call.connection.execute(_ADD, {"active": False, **values, "hit_type_id": hit_type})
    else:
        raise parameter_error("The parameter Active needs a Notification, which this HIT type does not have yet.")
    return {}


def send_test_event_notification(call: Call) -> Reply:
    """SendTestEventNotification: checks the specification and its destination, and so far sends nothing.

    Nothing delivers notifications yet, so success says that the settings are right, not that the event arrived. Nor is
    the event kept: a test that arrives when nobody waits for it any more tells nobody anything. Raises Fault:
    ParameterValidationError, or RequestError (InvalidTransportEndpoint).
    """
    specification = call.parameters["Notification"]
    _check(specification)
    _check_destination(specification)
    return {}


def _stored(specification: Mapping[str, Any]) -> dict[str, Any]:
    _check(specification)
    if _PING in specification["EventTypes"]:
        raise parameter_error('The value "Ping" is not valid for the parameter EventTypes.')
    return {
        "destination": specification["Destination"],
        "transport": specification["Transport"],
        "version": specification["Version"],
        "event_types": ",".join(dict.fromkeys(specification["EventTypes"])),
    }


def _check(specification: Mapping[str, Any]) -> None:
    version = specification["Version"]
    if version not in _VERSIONS:
        raise parameter_error(f'The value "{version}" is not valid for the parameter Version.')
    if not specification["EventTypes"]:
        raise parameter_error("The parameter EventTypes must have at least one value.")


def _check_destination(specification: Mapping[str, Any]) -> None:
    """Accept an address for Email, and for a queue or topic its ARN or any URL: in our world that may be a webhook."""
    destination, transport = specification["Destination"], specification["Transport"]
    if transport == "Email":
        usable = _ADDRESS.fullmatch(destination) is not None
    else:
        usable = _ARN[transport].fullmatch(destination) is not None or _is_web_address(destination)
    if not usable:
        raise request_error(
            "InvalidTransportEndpoint",
            f'The destination "{destination}" cannot be used with the transport {transport}.',
        )


def _is_web_address(destination: str) -> bool:
    try:
        parts = urlsplit(destination)
        # Only reading the port shows that it is none.
        complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    # urlsplit drops line breaks without a word.
    return complete and parts.scheme in {"http", "https"} and not re.search(r"\s", destination)
