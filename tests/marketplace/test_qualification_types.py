"""Qualification types (modern-mturk 4.3)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
TEST = f'<QuestionForm xmlns="{SCHEMAS}/2005-10-01/QuestionForm.xsd"/>'
KEY = f'<AnswerKey xmlns="{SCHEMAS}/2005-10-01/AnswerKey.xsd"/>'
VALUES = {"Name": "Careful", "Description": "D", "QualificationTypeStatus": "Active"}
WRONG_VALUE = (400, "ParameterValidationError", "AWS.MechanicalTurk.InvalidParameterValue")
WRONG_MARKUP = (400, "ParameterValidationError", "AWS.MechanicalTurk.XMLParseError")


def create(client, **changes):
    return client.create_qualification_type(**{**VALUES, **changes})["QualificationType"]


def test_a_plain_type_is_requestable_and_not_auto_granted(client):
    made = create(client)
    identifier = made["QualificationTypeId"]

    assert {
        **VALUES,
        "QualificationTypeId": identifier,
        "CreationTime": datetime.fromtimestamp(1_700_000_000, UTC),
        "IsRequestable": True,
        "AutoGranted": False,
    } == made
    assert made == client.get_qualification_type(QualificationTypeId=identifier)["QualificationType"]


def test_everything_given_comes_back_to_the_owner(client):
    given = {
        "Keywords": "a, b",
        "Test": TEST,
        "AnswerKey": KEY,
        "TestDurationInSeconds": 60,
        "RetryDelayInSeconds": 0,
    }

    assert given.items() <= create(client, **given).items()


def test_an_auto_granted_type_grants_1_unless_told(client):
    assert create(client, AutoGranted=True)["AutoGrantedValue"] == 1
    assert create(client, Name="Other", AutoGranted=True, AutoGrantedValue=7)["AutoGrantedValue"] == 7


def test_an_inactive_type_is_not_requestable(client):
    assert create(client, QualificationTypeStatus="Inactive")["IsRequestable"] is False


def test_a_name_is_unique_for_its_requester(house, client, failure):
    create(client)

    assert failure(client.create_qualification_type, **VALUES) == (
        400,
        "RequestError",
        "AWS.MechanicalTurk.QualificationTypeAlreadyExists",
        (
            "You have already created a QualificationType with this name. A QualificationType's name must be unique "
            "among all of the QualificationTypes created by the same user. (1700000000000)"
        ),
    )
    assert create(house.client("bob"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Test": TEST}, WRONG_VALUE),
        ({"Test": TEST, "TestDurationInSeconds": 60, "AutoGranted": True}, WRONG_VALUE),
        ({"AnswerKey": KEY}, WRONG_VALUE),
        ({"Test": "<a", "TestDurationInSeconds": 60}, WRONG_MARKUP),
        ({"Test": TEST, "TestDurationInSeconds": 60, "AnswerKey": TEST}, WRONG_MARKUP),
        (
            {
                "Test": f'<ExternalQuestion xmlns="{SCHEMAS}/2006-07-14/ExternalQuestion.xsd"/>',
                "TestDurationInSeconds": 60,
            },
            WRONG_MARKUP,
        ),
        ({"Description": "x" * 2001}, WRONG_VALUE),
    ],
)
def test_contradictions_are_refused(client, failure, changes, expected):
    assert expected == failure(client.create_qualification_type, **{**VALUES, **changes})[:3]


def test_a_type_of_somebody_else_does_not_exist(house, client, failure):
    identifier = create(client)["QualificationTypeId"]

    assert (
        400,
        "RequestError",
        "AWS.MechanicalTurk.QualificationTypeDoesNotExist",
        f"QualificationType {identifier} does not exist. (1700000000000)",
    ) == failure(house.client("bob").get_qualification_type, QualificationTypeId=identifier)
