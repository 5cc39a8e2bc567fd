"""HIT types: identity, and what a qualification requirement may say."""

from __future__ import annotations

import pytest

VALUES = {
    "Title": "Count the dots",
    "Description": "How many?",
    "Keywords": "dots",
    "Reward": "0.50",
    "AssignmentDurationInSeconds": 600,
}
LOCALE = "00000000000000000071"
APPROVED = "00000000000000000040"


def test_the_same_values_give_the_same_type_however_they_are_written(client):
    first = client.create_hit_type(
        **VALUES,
        QualificationRequirements=[
            {"QualificationTypeId": APPROVED, "Comparator": "GreaterThan", "IntegerValues": [5]},
            {"QualificationTypeId": LOCALE, "Comparator": "Exists", "RequiredToPreview": True},
        ],
    )["HITTypeId"]
    again = client.create_hit_type(
        **{**VALUES, "Reward": "00.5"},
        AutoApprovalDelayInSeconds=2_592_000,
        QualificationRequirements=[
            {"QualificationTypeId": LOCALE, "Comparator": "Exists", "ActionsGuarded": "PreviewAndAccept"},
            {
                "QualificationTypeId": APPROVED,
                "Comparator": "GreaterThan",
                "IntegerValues": [5],
                "RequiredToPreview": False,
            },
        ],
    )["HITTypeId"]

    assert first == again
    assert (len(first), first[0]) == (30, "3")


@pytest.mark.parametrize(
    "change",
    [
        {"Title": "count the dots"},
        {"Keywords": "dots "},
        {"Reward": "0.51"},
        {"AutoApprovalDelayInSeconds": 0},
        {"AssignmentDurationInSeconds": 601},
        {"QualificationRequirements": [{"QualificationTypeId": APPROVED, "Comparator": "Exists"}]},
    ],
)
def test_any_other_value_gives_another_type(client, change):
    assert client.create_hit_type(**VALUES) != client.create_hit_type(**{**VALUES, **change})


def test_create_hit_finds_the_type_of_its_values_and_its_group(house, client):
    known = client.create_hit_type(**VALUES)["HITTypeId"]
    first = house.create_hit(client, **VALUES)
    second = house.create_hit(client, **VALUES)

    assert (known, known) == (first["HITTypeId"], second["HITTypeId"])
    assert first["HITGroupId"] == second["HITGroupId"] != known


@pytest.mark.parametrize(
    ("given", "shown"), [("5", "5.00"), ("5.", "5.00"), ("0.5", "0.50"), ("0", "0.00"), ("007.1", "7.10")]
)
def test_money_has_two_decimals(house, client, given, shown):
    assert shown == house.create_hit(client, Reward=given)["Reward"]


def test_two_requesters_never_share_a_type(house, client):
    assert client.create_hit_type(**VALUES) != house.client("bob").create_hit_type(**VALUES)


def test_requirements_come_back_in_their_order_with_both_ways_to_say_who_is_guarded(house, client):
    requirements = [
        {"QualificationTypeId": LOCALE, "Comparator": "In", "LocaleValues": [{"Country": "US", "Subdivision": "PA"}]},
        {
            "QualificationTypeId": APPROVED,
            "Comparator": "NotIn",
            "IntegerValues": [3, 1, 2],
            "ActionsGuarded": "DiscoverPreviewAndAccept",
        },
    ]
    hit = house.create_hit(client, QualificationRequirements=requirements)

    assert [
        {**requirements[0], "RequiredToPreview": False, "ActionsGuarded": "Accept"},
        {**requirements[1], "RequiredToPreview": True},
    ] == hit["QualificationRequirements"]


@pytest.mark.parametrize(
    "requirement",
    [
        {"QualificationTypeId": APPROVED, "Comparator": "Exists", "IntegerValues": [1]},
        {"QualificationTypeId": APPROVED, "Comparator": "EqualTo"},
        {"QualificationTypeId": APPROVED, "Comparator": "EqualTo", "IntegerValues": [1, 2]},
        {"QualificationTypeId": APPROVED, "Comparator": "In"},
        {"QualificationTypeId": APPROVED, "Comparator": "In", "IntegerValues": list(range(16))},
        {"QualificationTypeId": APPROVED, "Comparator": "EqualTo", "LocaleValues": [{"Country": "US"}]},
        {"QualificationTypeId": LOCALE, "Comparator": "LessThan", "LocaleValues": [{"Country": "US"}]},
        {"QualificationTypeId": LOCALE, "Comparator": "EqualTo", "LocaleValues": [{"Country": "US"}] * 2},
        {"QualificationTypeId": LOCALE, "Comparator": "In", "LocaleValues": [{"Country": "US"}] * 31},
        {"QualificationTypeId": LOCALE, "Comparator": "EqualTo", "IntegerValues": [1]},
    ],
)
def test_values_must_fit_their_comparator(client, failure, requirement):
    found = failure(client.create_hit_type, **VALUES, QualificationRequirements=[requirement])

    assert found[:3] == (400, "ParameterValidationError", "AWS.MechanicalTurk.InvalidParameterValue")


def test_there_are_at_most_ten_requirements(client, failure):
    one = {"QualificationTypeId": APPROVED, "Comparator": "Exists"}
    assert client.create_hit_type(**VALUES, QualificationRequirements=[one] * 10)

    found = failure(client.create_hit_type, **VALUES, QualificationRequirements=[one] * 11)
    assert found[1] == "ParameterValidationError"


def test_a_required_type_must_exist_be_ones_own_and_active(house, client, failure):
    def kind(owner, name, status):
        return owner.create_qualification_type(Name=name, Description="D", QualificationTypeStatus=status)[
            "QualificationType"
        ]["QualificationTypeId"]

    def outcome(identifier):
        requirement = {"QualificationTypeId": identifier, "Comparator": "Exists"}
        return failure(client.create_hit_type, **VALUES, QualificationRequirements=[requirement])[1:3]

    missing = ("RequestError", "AWS.MechanicalTurk.QualificationTypeDoesNotExist")
    assert missing == outcome("3NOSUCH")
    assert missing == outcome(kind(house.client("bob"), "theirs", "Active"))
    assert outcome(kind(client, "off", "Inactive")) == (
        "RequestError",
        "AWS.MechanicalTurk.InvalidQualificationTypeState",
    )


@pytest.mark.parametrize("identifier", ["000000000000000000S0", "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH"])
def test_amazons_own_types_are_known_also_the_withdrawn_ones(client, identifier):
    requirement = {"QualificationTypeId": identifier, "Comparator": "Exists"}

    assert client.create_hit_type(**VALUES, QualificationRequirements=[requirement])
