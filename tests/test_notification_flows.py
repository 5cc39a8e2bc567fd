"""One specification for each HIT type, wherever it is held, and whatever happens while it is changed."""

from __future__ import annotations

import itertools
from urllib.parse import quote, urlencode

import pytest
from sqlalchemy import select

from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.driving import drive
from mturk_gateway.ledger.receptors import Receptors
from mturk_gateway.marketplace.tables import notification_settings
from mturk_gateway.upstream import Upstream
from mturk_translators.call import Call, LedgerCall
from mturk_translators.faults import INVALID_PARAMETER_VALUE, Fault, ModernError
from mturk_translators.flows.notifications import set_hit_type_notification
from mturk_translators.operation import Context
from mturk_translators.operations import OPERATIONS
from mturk_translators.query import nest, parse_pairs
from mturk_translators.request import translate

CONTEXT = Context("token", 604_800, 1_328_054_399, "d33692e5-8499-49e5-bbe9-078fdc5e2e1c")
_numbers = itertools.count()


class Killed(Exception):  # noqa: N818  # it is no error of anybody's
    """The process ended here."""


class Scene:
    """A HIT type of the embedded marketplace, and the ledger."""

    def __init__(self, house, upstream, requester, receptors):
        self._house, self._upstream, self._requester, self._receptors = house, upstream, requester, receptors
        self.hit_type = self._upstream.call(requester, Call("CreateHITType", hit_type_properties()))["HITTypeId"]

    def ask(self, *, killed_after=None, hit_type=None, **given):
        """Carry out one request; the process may end after so many of its steps. Gives the number of steps."""
        steps = itertools.count(1)

        def answer(call):
            if isinstance(call, LedgerCall):
                operation = {"GetReceptor": self._receptors.get, "PutReceptor": self._receptors.put}[call.operation]
                reply = operation(self._requester, call.params)
            else:
                reply = self._upstream.call(self._requester, call)
            if next(steps) == killed_after:
                raise Killed
            return reply

        flow = set_hit_type_notification({"HITTypeId": hit_type or self.hit_type, **given}, CONTEXT)
        assert drive(flow, answer) == {}
        return next(steps) - 1

    def kept(self):
        """What the ledger has of the HIT type."""
        return self._receptors.get(self._requester, {"HITTypeId": self.hit_type})

    def in_force(self):
        """Where the specification leads to that is in force, and whether it is active. No other one may be active."""
        here = notification_settings.c.hit_type_id == self.hit_type
        with self._house.marketplace.reading() as connection:
            held = connection.execute(select(notification_settings).where(here)).one_or_none()
        kept = self.kept()
        if "Notification" in kept:
            assert not (held and held.active)
            return kept["Notification"]["Destination"], kept["Active"]
        return (held.destination, held.active) if held else (None, False)


def hit_type_properties():
    return {
        "Title": f"Count the dots {next(_numbers)}",
        "Description": "How many?",
        "Reward": "0.05",
        "AssignmentDurationInSeconds": 600,
    }


@pytest.fixture
def upstream(gateway):
    opened = Upstream(gateway.url, timeout=10.0)
    yield opened
    opened.close()


@pytest.fixture
def receptors(tmp_path):
    database = Database(sqlite_url(tmp_path / "ledger.db"), durable=False)
    database.migrate("mturk_gateway.ledger")
    yield Receptors(database)
    database.close()


@pytest.fixture
def scene(gateway, upstream, requester, receptors):
    """Make a scene of its own."""
    return lambda: Scene(gateway.house, upstream, requester, receptors)


def specification(transport, destination):
    return {
        "Destination": destination,
        "Transport": transport,
        "Version": "2006-05-05",
        "EventTypes": ["AssignmentAutoApproved", "HITReviewable"],
    }


QUEUE = {"Notification": specification("SQS", "https://sqs.us-east-1.amazonaws.com/123456789012/work")}
MAIL = {"Notification": specification("Email", "me@example.org")}
REST = {"Notification": specification("REST", "https://example.org/rest")}
SOAP = {"Notification": specification("SOAP", "http://example.org/soap?a=1")}
ON, OFF = {"Active": True}, {"Active": False}

BEFORE = {
    "nothing": [],
    "a silent queue": [QUEUE],
    "an active queue": [{**QUEUE, **ON}],
    "a queue activated later": [QUEUE, ON],
    "a silent receptor": [REST],
    "an active receptor": [{**REST, **ON}],
    "an active receptor after an active queue": [{**QUEUE, **ON}, REST],
    "an active queue after an active receptor": [{**REST, **ON}, QUEUE],
    "a queue after a receptor that was switched off": [{**REST, **ON}, OFF, QUEUE],
}
REQUESTS = {
    "mail": MAIL,
    "mail, active": {**MAIL, **ON},
    "a receptor": SOAP,
    "a receptor, active": {**SOAP, **ON},
    "a receptor, silent": {**SOAP, **OFF},
    "on": ON,
    "off": OFF,
}


def expected(requests):
    """What is in force after some requests: each replaces what it names and leaves the rest as it was (notif 3)."""
    destination, active = None, False
    for request in requests:
        destination = request.get("Notification", {}).get("Destination", destination)
        active = request.get("Active", active)
    return destination, active


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("request_", [name for name in REQUESTS if name not in ("on", "off")])
def test_a_new_specification_replaces_the_former_one_wherever_either_is_held(scene, before, request_):
    assert_the_request_can_be_repeated(scene, BEFORE[before], REQUESTS[request_])


@pytest.mark.parametrize("before", [name for name in BEFORE if name != "nothing"])
@pytest.mark.parametrize("request_", ["on", "off"])
def test_whatever_there_is_can_be_switched_on_and_off(scene, before, request_):
    assert_the_request_can_be_repeated(scene, BEFORE[before], REQUESTS[request_])


def assert_the_request_can_be_repeated(scene, before, request):
    """It has its effect, and the same one when it is made again after a process has ended in the middle of it."""
    killed_after, steps = 0, 1
    while killed_after <= steps:
        stage = scene()
        for earlier in before:
            stage.ask(**earlier)
        assert stage.in_force() == expected(before)
        if killed_after:
            with pytest.raises(Killed):
                stage.ask(**request, killed_after=killed_after)
        steps = stage.ask(**request)
        assert stage.in_force() == expected([*before, request])
        killed_after += 1
    assert steps >= 2


@pytest.mark.parametrize("active", [True, False])
def test_there_is_nothing_to_switch_where_no_specification_was_set(scene, active):
    stage = scene()
    with pytest.raises(ModernError) as caught:
        stage.ask(Active=active)

    assert caught.value.code == INVALID_PARAMETER_VALUE
    assert stage.kept() == {}


def test_the_ledger_keeps_a_receptors_specification_as_it_was_given_and_no_other(scene):
    stage = scene()
    stage.ask(**REST)
    assert stage.kept() == {**REST, "Active": False}
    stage.ask(**QUEUE, **ON)
    assert stage.kept() == {"Active": True}


@pytest.mark.parametrize("request_", ["mail, active", "a receptor", "a receptor, active", "off"])
@pytest.mark.parametrize("unknown", ["3NOBODYS", "NOTIFICATION1", "3ACTIVE"])
def test_a_hit_type_that_does_not_exist_is_refused_for_every_transport(scene, request_, unknown):
    stage = scene()
    with pytest.raises(ModernError) as caught:
        stage.ask(**REQUESTS[request_], hit_type=unknown)
    stage.hit_type = unknown

    assert caught.value.code == INVALID_PARAMETER_VALUE
    assert stage.kept() == {}


def test_a_hit_type_of_somebody_else_is_refused_for_a_receptor(gateway, scene, upstream, receptors):
    other = gateway.add_requester(f"somebody-else-{next(_numbers)}")
    somebody_elses = Scene(gateway.house, upstream, other, receptors)
    with pytest.raises(ModernError):
        scene().ask(**REST, hit_type=somebody_elses.hit_type)

    assert somebody_elses.in_force() == (None, False)


def test_a_specification_that_the_upstream_refuses_leaves_the_receptor_in_force(scene):
    stage = scene()
    stage.ask(**REST, **ON)
    nonsense = {"Notification": {**QUEUE["Notification"], "EventTypes": []}}
    with pytest.raises(ModernError):
        stage.ask(**nonsense)

    assert stage.in_force() == (REST["Notification"]["Destination"], True)


def after_silencing_failed(error):
    """What the flow for a receptor does when the upstream answers so to switching off what it has."""
    flow = set_hit_type_notification({"HITTypeId": "3TYPE1", **REST}, CONTEXT)
    assert next(flow) == LedgerCall("GetReceptor", {"HITTypeId": "3TYPE1"})
    assert flow.send({}) == Call("UpdateNotificationSettings", {"HITTypeId": "3TYPE1", "Active": False})
    return flow.throw(error)


@pytest.mark.parametrize(
    "error",
    [
        ModernError("Unreachable", "a notification service that is away", status=0),
        ModernError("ThrottlingException", "Rate exceeded"),
        ModernError("ServiceFault", "The notification store is down.", "AWS.ServiceUnavailable", 500),
        ModernError("AccessDeniedException", "Not allowed to change notifications."),
        ModernError("ValidationException", "1 validation error detected: Value null at 'notification'"),
        ModernError("RequestError", "You are not the owner.", "AWS.MechanicalTurk.PermissionDenied"),
        ModernError("RequestError", "UpdateNotificationSettings: HITType 3TYPE1 does not exist."),
    ],
    ids=str,
)
def test_no_receptor_is_kept_while_the_upstream_may_still_tell_somebody_else(error):
    with pytest.raises(ModernError) as caught:
        after_silencing_failed(error)

    assert caught.value is error


@pytest.mark.parametrize(
    "error",
    [
        ModernError("RequestError", "HITType 3TYPE1 has no notification specification. (1)", INVALID_PARAMETER_VALUE),
        ModernError("RequestError", "Nothing for 3TYPE1.", "AWS.MechanicalTurk.NotificationDoesNotExist"),
        ModernError("ParameterValidationError", "Active needs a Notification."),
    ],
    ids=str,
)
def test_an_upstream_that_misses_a_specification_has_nobody_to_tell(error):
    kept = {"HITTypeId": "3TYPE1", **REST, "Active": False}

    assert after_silencing_failed(error) == LedgerCall("PutReceptor", kept)


def refusal(operation, transport, destination):
    """The code with which the parameters are refused; None when they are not."""
    parts = {"Destination": destination, "Transport": transport, "Version": "2006-05-05", "EventType": "HITExpired"}
    named = {"HITTypeId": "3TYPE1", **{f"Notification.1.{name}": text for name, text in parts.items()}}
    try:
        translate(OPERATIONS[operation], nest(parse_pairs(urlencode(named, quote_via=quote).encode())), CONTEXT)
    except Fault as fault:
        return fault.code
    return None


@pytest.mark.parametrize("operation", ["SetHITTypeNotification", "SendTestEventNotification"])
@pytest.mark.parametrize("transport", ["REST", "SOAP"])
def test_the_destination_of_a_receptor_is_a_web_address(operation, transport):
    usable = ["http://example.org", "HTTPS://example.org:443/mt?a=1&b=ü#c", "http://[::1]:8080/", "http://10.0.0.1/"]
    unusable = [
        "me@example.org",
        "example.org/mt",
        "//example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "http://",
        "https:///nowhere",
        "http://[half/",
        "http://example.org:99999/",
        "http://example.org:0/",
        "http://example.org:port/",
        "http://example.org/a b",
        "http://example.org/\r\nHost: elsewhere",
        "\x01http://example.org/",
    ]

    assert {refusal(operation, transport, destination) for destination in usable} == {None}
    assert {refusal(operation, transport, destination) for destination in unusable} == {
        "AWS.MechanicalTurk.InvalidTransportEndpoint"
    }


def test_the_destinations_of_other_transports_are_the_upstreams_to_judge():
    for operation in ("SetHITTypeNotification", "SendTestEventNotification"):
        assert refusal(operation, "SQS", "me@example.org") is None
        assert refusal(operation, "Email", "http://example.org/") is None
