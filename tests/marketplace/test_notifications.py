"""Settings of notifications, and test events (modern-mturk 4.4)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from marketplace.conftest import HIT_TYPE
from mturk_gateway.marketplace.tables import notification_settings

INVALID = "AWS.MechanicalTurk.InvalidParameterValue"
SPECIFICATION = {
    "Destination": "https://sqs.us-east-1.amazonaws.com/123456789012/work",
    "Transport": "SQS",
    "Version": "2006-05-05",
    "EventTypes": ["AssignmentSubmitted", "HITReviewable"],
}


def invalid(message):
    return (400, "ParameterValidationError", INVALID, f"{message} (1700000000000)")


def without_metadata(reply):
    return {name: value for name, value in reply.items() if name != "ResponseMetadata"}


@pytest.fixture
def hit_type(client):
    return client.create_hit_type(**HIT_TYPE)["HITTypeId"]


@pytest.fixture
def update(client, hit_type):
    """Changes the settings of the HIT type; the reply has nothing in it."""

    def run(**parameters):
        assert without_metadata(client.update_notification_settings(HITTypeId=hit_type, **parameters)) == {}

    return run


@pytest.fixture
def settings(house):
    """The settings as they stand, without whose they are."""

    def run():
        with house.database.reading() as connection:
            rows = connection.execute(select(notification_settings)).mappings().all()
        return [{name: value for name, value in row.items() if name != "hit_type_id"} for row in rows]

    return run


STORED = {
    "destination": SPECIFICATION["Destination"],
    "transport": "SQS",
    "version": "2006-05-05",
    "event_types": "AssignmentSubmitted,HITReviewable",
    "active": False,
}


def test_the_first_specification_is_silent_until_it_is_activated(update, settings):
    update(Notification=SPECIFICATION)
    assert settings() == [STORED]
    update(Active=True)
    assert settings() == [{**STORED, "active": True}]


def test_a_new_specification_replaces_the_former_one_and_stays_as_active(update, settings):
    update(Notification=SPECIFICATION, Active=True)
    topic = {
        "Destination": "arn:aws:sns:us-east-1:123456789012:work",
        "Transport": "SNS",
        "Version": "2014-08-15",
        "EventTypes": ["HITDisposed", "HITDisposed"],
    }
    update(Notification=topic)

    replaced = {
        "destination": topic["Destination"],
        "transport": "SNS",
        "version": "2014-08-15",
        "event_types": "HITDisposed",
    }
    assert settings() == [{**replaced, "active": True}]
    update(Notification=topic, Active=False)
    assert settings() == [{**replaced, "active": False}]


def test_something_must_be_said_and_there_must_be_something_to_activate(client, hit_type, failure, settings):
    assert failure(client.update_notification_settings, HITTypeId=hit_type) == invalid(
        "At least one of the parameters Notification and Active must be given."
    )
    for active in (True, False):
        assert failure(client.update_notification_settings, HITTypeId=hit_type, Active=active) == invalid(
            "The parameter Active needs a Notification, which this HIT type does not have yet."
        )
    assert settings() == []


def test_only_ones_own_hit_types_have_settings(house, client, hit_type, failure, settings):
    for asking, identifier in ((house.client("bob"), hit_type), (client, "3NOBODYS")):
        assert failure(
            asking.update_notification_settings, HITTypeId=identifier, Notification=SPECIFICATION
        ) == invalid(f'The value "{identifier}" is not valid for the parameter HITTypeId.')
    assert settings() == []


WRONG = [
    ({"Version": "2017-01-17"}, 'The value "2017-01-17" is not valid for the parameter Version.'),
    ({"EventTypes": []}, "The parameter EventTypes must have at least one value."),
]


def test_a_specification_that_makes_no_sense_changes_nothing(client, hit_type, update, settings, failure):
    update(Notification=SPECIFICATION)
    ping = ({"EventTypes": ["HITExpired", "Ping"]}, 'The value "Ping" is not valid for the parameter EventTypes.')
    for changes, message in [*WRONG, ping]:
        assert failure(
            client.update_notification_settings,
            HITTypeId=hit_type,
            Notification={**SPECIFICATION, "Destination": "elsewhere", **changes},
            Active=True,
        ) == invalid(message)
    assert settings() == [STORED]


def test_a_test_needs_a_specification_that_makes_sense(client, failure):
    refusals = [
        failure(client.send_test_event_notification, Notification={**SPECIFICATION, **changes}, TestEventType="Ping")
        for changes, _ in WRONG
    ]

    assert refusals == [invalid(message) for _, message in WRONG]


USABLE = [
    ("Email", "me@example.org"),
    ("SQS", "https://sqs.us-east-1.amazonaws.com/123456789012/work"),
    ("SQS", "arn:aws:sqs:us-east-1:123456789012:work.fifo"),
    ("SNS", "arn:aws-cn:sns:cn-north-1:123456789012:work"),
    ("SNS", "http://localhost:9324/hook?a=1"),
]
UNUSABLE = [
    ("Email", "https://example.org/"),
    ("Email", "me@example.org\r\nBcc: you@example.org"),
    ("SQS", "me@example.org"),
    ("SQS", "arn:aws:sns:us-east-1:123456789012:work"),
    ("SNS", "arn:aws:sqs:us-east-1:123456789012:work"),
    ("SNS", "ftp://example.org/"),
    ("SNS", "https:///nowhere"),
    ("SNS", "https://[half/"),
    ("SNS", "https://example.org:99999/"),
    ("SQS", "https://example.org/\nx"),
    ("SQS", ""),
]


def test_a_destination_of_the_transports_kind_can_be_tested_with_any_event(client, settings):
    for transport, destination in USABLE:
        specification = {"Transport": transport, "Destination": destination, "EventTypes": ["Ping"]}
        for event in ("Ping", "AssignmentReturned"):
            reply = client.send_test_event_notification(
                Notification={**SPECIFICATION, **specification}, TestEventType=event
            )
            assert without_metadata(reply) == {}
    assert settings() == []


def test_a_destination_that_the_transport_cannot_use_is_refused(client, failure):
    refusals = [
        failure(
            client.send_test_event_notification,
            Notification={**SPECIFICATION, "Transport": transport, "Destination": destination},
            TestEventType="Ping",
        )
        for transport, destination in UNUSABLE
    ]

    assert refusals == [
        (
            400,
            "RequestError",
            "AWS.MechanicalTurk.InvalidTransportEndpoint",
            f'The destination "{destination}" cannot be used with the transport {transport}. (1700000000000)',
        )
        for transport, destination in UNUSABLE
    ]
