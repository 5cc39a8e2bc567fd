"""Qualification types (modern-mturk 4.3)."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from mturk_gateway.marketplace.tables import hit_types

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"


def form(*identifiers):
    """A QuestionForm with a required choice between a and b for each identifier."""
    questions = "".join(
        f"<Question><QuestionIdentifier>{name}</QuestionIdentifier><IsRequired>true</IsRequired>"
        "<QuestionContent><Text>Which?</Text></QuestionContent><AnswerSpecification><SelectionAnswer><Selections>"
        "<Selection><SelectionIdentifier>a</SelectionIdentifier><Text>A</Text></Selection>"
        "<Selection><SelectionIdentifier>b</SelectionIdentifier><Text>B</Text></Selection>"
        "</Selections></SelectionAnswer></AnswerSpecification></Question>"
        for name in identifiers
    )
    return f'<QuestionForm xmlns="{SCHEMAS}/2005-10-01/QuestionForm.xsd">{questions}</QuestionForm>'


def key(**scores):
    """An AnswerKey in which the choice a scores for each identifier."""
    questions = "".join(
        f"<Question><QuestionIdentifier>{name}</QuestionIdentifier><AnswerOption>"
        f"<SelectionIdentifier>a</SelectionIdentifier><AnswerScore>{score}</AnswerScore></AnswerOption></Question>"
        for name, score in scores.items()
    )
    return f'<AnswerKey xmlns="{SCHEMAS}/2005-10-01/AnswerKey.xsd">{questions}</AnswerKey>'


TEST = form("q")
KEY = key(q=5)
TESTED = {"Test": TEST, "TestDurationInSeconds": 60}
VALUES = {"Name": "Careful", "Description": "D", "QualificationTypeStatus": "Active"}
WRONG_VALUE = (400, "ParameterValidationError", "AWS.MechanicalTurk.InvalidParameterValue")
WRONG_MARKUP = (400, "ParameterValidationError", "AWS.MechanicalTurk.XMLParseError")
OUT_OF_RANGE = (400, "ParameterValidationError", "AWS.ParameterOutOfRange")
DELETED = (
    400,
    "RequestError",
    "AWS.MechanicalTurk.InvalidQualificationTypeState",
    "This operation can be called with a status of: Active,Inactive (1700000000000)",
)
MASTERS = "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH"
SANDBOX_MASTERS = "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"
APPROVED = "00000000000000000040"
HIT_TYPE = {"Title": "T", "Description": "D", "Reward": "0.05", "AssignmentDurationInSeconds": 600}


def create(client, **changes):
    return client.create_qualification_type(**{**VALUES, **changes})["QualificationType"]


def update(client, kind, **changes):
    changed = client.update_qualification_type(QualificationTypeId=kind["QualificationTypeId"], **changes)
    assert changed["QualificationType"] == get(client, kind)
    return changed["QualificationType"]


def get(client, kind):
    return client.get_qualification_type(QualificationTypeId=kind["QualificationTypeId"])["QualificationType"]


def delete(client, kind):
    client.delete_qualification_type(QualificationTypeId=kind["QualificationTypeId"])


def exists(kind):
    return {"QualificationTypeId": kind["QualificationTypeId"], "Comparator": "Exists"}


def missing(identifier, suffix=""):
    return (
        400,
        "RequestError",
        "AWS.MechanicalTurk.QualificationTypeDoesNotExist",
        f"QualificationType {identifier} does not exist. (1700000000000{suffix})",
    )


def names(client, **filters):
    pages = client.get_paginator("list_qualification_types").paginate(
        **{"MustBeRequestable": False, "MustBeOwnedByCaller": True, **filters}, PaginationConfig={"PageSize": 2}
    )
    return [kind["Name"] for page in pages for kind in page["QualificationTypes"]]


def test_a_plain_type_is_requestable_and_not_auto_granted(client):
    made = create(client)

    assert {
        **VALUES,
        "QualificationTypeId": made["QualificationTypeId"],
        "CreationTime": datetime.fromtimestamp(1_700_000_000, UTC),
        "IsRequestable": True,
        "AutoGranted": False,
    } == made
    assert made == get(client, made)


def test_everything_given_comes_back_to_the_owner(client):
    given = {**TESTED, "Keywords": "a, b", "AnswerKey": KEY, "RetryDelayInSeconds": 0}

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


REFUSED = [
    ({"Test": TEST}, WRONG_VALUE),
    ({**TESTED, "AutoGranted": True}, WRONG_VALUE),
    ({"AnswerKey": KEY}, WRONG_VALUE),
    ({**TESTED, "Test": "<a"}, WRONG_MARKUP),
    ({**TESTED, "AnswerKey": TEST}, WRONG_MARKUP),
    ({**TESTED, "Test": f'<ExternalQuestion xmlns="{SCHEMAS}/2006-07-14/ExternalQuestion.xsd"/>'}, WRONG_MARKUP),
    ({**TESTED, "Test": f'<HTMLQuestion xmlns="{SCHEMAS}/2011-11-11/HTMLQuestion.xsd"/>'}, WRONG_MARKUP),
    ({**TESTED, "Test": TEST + " " * (65_536 - len(TEST))}, WRONG_MARKUP),
    ({**TESTED, "AnswerKey": KEY + " " * (65_536 - len(KEY))}, WRONG_MARKUP),
    ({"Description": "x" * 2001}, WRONG_VALUE),
    ({"Keywords": "x" * 1001}, WRONG_VALUE),
    ({**TESTED, "TestDurationInSeconds": 0}, OUT_OF_RANGE),
    ({**TESTED, "TestDurationInSeconds": 31_536_001}, OUT_OF_RANGE),
    ({"RetryDelayInSeconds": -1}, OUT_OF_RANGE),
    ({"RetryDelayInSeconds": 2**31}, OUT_OF_RANGE),
]


def test_contradictions_are_refused(client, failure):
    outcomes = [failure(client.create_qualification_type, **{**VALUES, **changes})[:3] for changes, _ in REFUSED]

    assert outcomes == [expected for _, expected in REFUSED]
    assert names(client) == []


def test_what_is_just_within_the_limits_is_accepted(client):
    assert create(client, Test=TEST + " " * (65_535 - len(TEST)), TestDurationInSeconds=31_536_000)
    assert create(client, Name="Other", Test=TEST, TestDurationInSeconds=1, RetryDelayInSeconds=2**31 - 1)


def test_a_number_out_of_range_is_named_with_its_range(client, failure):
    assert failure(client.create_qualification_type, **VALUES, RetryDelayInSeconds=-1) == (
        *OUT_OF_RANGE,
        "The value -1 is invalid for RetryDelayInSeconds. Valid values range from 0 to 2147483647. (1700000000000)",
    )


def test_what_an_update_names_changes_and_nothing_else(client):
    made = create(client, Keywords="k", RetryDelayInSeconds=5)
    changes = {"Description": "E", "QualificationTypeStatus": "Inactive", "RetryDelayInSeconds": 0}

    assert update(client, made, **changes) == {**made, **changes, "IsRequestable": False}
    assert update(client, made) == {**made, **changes, "IsRequestable": False}


def test_a_test_is_replaced_with_its_duration_and_without_a_key_has_none_any_more(client):
    made = create(client, **TESTED, AnswerKey=KEY)
    assert update(client, made, Description="E") == {**made, "Description": "E"}
    other = {"Test": form("other"), "TestDurationInSeconds": 90}
    changed = update(client, made, **other)

    assert {**made, **other, "Description": "E"} == {**changed, "AnswerKey": KEY}
    assert "AnswerKey" not in changed
    assert update(client, made, **other, AnswerKey=KEY)["AnswerKey"] == KEY


def test_a_type_without_a_test_can_get_one(client):
    assert TESTED.items() <= update(client, create(client), **TESTED).items()


def test_auto_granting_can_be_switched_and_keeps_its_value_while_it_is_on(client):
    made = create(client)
    seen = [
        update(client, made, **changes).get("AutoGrantedValue")
        for changes in (
            {"AutoGrantedValue": 3},
            {"AutoGranted": True},
            {"AutoGrantedValue": 0},
            {"Description": "E"},
            {"AutoGranted": False},
            {"AutoGranted": True, "AutoGrantedValue": 4},
        )
    ]

    assert seen == [None, 1, 0, 0, None, 4]


REFUSED_UPDATES = [
    (TESTED, {"AutoGranted": True}, WRONG_VALUE),
    ({"AutoGranted": True}, TESTED, WRONG_VALUE),
    (TESTED, {"Test": TEST}, WRONG_VALUE),
    (TESTED, {"TestDurationInSeconds": 90}, WRONG_VALUE),
    (TESTED, {"AnswerKey": KEY}, WRONG_VALUE),
    ({}, {**TESTED, "AnswerKey": TEST}, WRONG_MARKUP),
    ({}, {**TESTED, "Test": KEY}, WRONG_MARKUP),
    ({}, {"Description": "x" * 2001}, WRONG_VALUE),
    ({}, {"RetryDelayInSeconds": -1}, OUT_OF_RANGE),
]


def test_an_update_cannot_make_what_could_not_be_created(client, failure):
    for number, (before, changes, expected) in enumerate(REFUSED_UPDATES):
        made = create(client, **before, Name=str(number))
        identifier = made["QualificationTypeId"]

        assert expected == failure(client.update_qualification_type, QualificationTypeId=identifier, **changes)[:3]
        assert made == get(client, made)


def test_auto_granting_can_give_way_to_a_test(client):
    changed = update(client, create(client, AutoGranted=True), **TESTED, AutoGranted=False)

    assert (changed["AutoGranted"], changed["Test"], "AutoGrantedValue" in changed) == (False, TEST, False)


def test_a_type_of_somebody_else_does_not_exist(house, client, failure):
    identifier, bob = create(client)["QualificationTypeId"], house.client("bob")

    for operation in (bob.get_qualification_type, bob.update_qualification_type, bob.delete_qualification_type):
        assert missing(identifier) == failure(operation, QualificationTypeId=identifier)


def test_amazons_types_can_be_read_and_not_be_changed(client, failure):
    assert client.get_qualification_type(QualificationTypeId=APPROVED)["QualificationType"] == {
        "QualificationTypeId": APPROVED,
        "CreationTime": datetime.fromtimestamp(0, UTC),
        "Name": "Worker_NumberHITsApproved",
        "Description": "How many of a worker's assignments were approved.",
        "QualificationTypeStatus": "Active",
        "IsRequestable": False,
        "AutoGranted": False,
    }
    assert missing(APPROVED) == failure(client.update_qualification_type, QualificationTypeId=APPROVED)
    assert missing(APPROVED) == failure(client.delete_qualification_type, QualificationTypeId=APPROVED)


def test_each_realm_has_a_masters_type_of_its_own(house, client, failure):
    sandbox = house.client("sandy", sandbox=True)
    everything = {"MustBeOwnedByCaller": False, "Query": "masters"}

    assert client.get_qualification_type(QualificationTypeId=MASTERS)["QualificationType"]["Name"] == "Masters"
    assert sandbox.get_qualification_type(QualificationTypeId=SANDBOX_MASTERS)["QualificationType"]["Name"] == "Masters"
    assert missing(SANDBOX_MASTERS) == failure(client.get_qualification_type, QualificationTypeId=SANDBOX_MASTERS)
    assert missing(MASTERS, " s") == failure(sandbox.get_qualification_type, QualificationTypeId=MASTERS)
    assert names(client, **everything) == names(sandbox, **everything) == ["Masters"]


def test_types_are_listed_newest_first_without_deleted_ones(house, client, clock):
    for name in ("first", "gone", "second", "third"):
        made = create(client, Name=name)
        if name == "gone":
            delete(client, made)
        clock.advance(1)
    create(house.client("bob"), Name="theirs")

    assert names(client) == ["third", "second", "first"]
    listed = client.list_qualification_types(MustBeRequestable=False, MustBeOwnedByCaller=True)
    assert [kind["Name"] for kind in listed["QualificationTypes"]] == ["third", "second", "first"]
    assert listed["NumResults"] == 3
    assert listed["QualificationTypes"][2] == get(client, listed["QualificationTypes"][2])


def test_without_any_types_the_list_is_there_and_empty(client):
    listed = client.list_qualification_types(MustBeRequestable=True)

    assert (listed["NumResults"], listed["QualificationTypes"], "NextToken" in listed) == (0, [], False)


def test_amazons_types_come_after_ones_own_unless_only_those_are_wanted(client):
    create(client)

    assert names(client, MustBeOwnedByCaller=True) == ["Careful"]
    everything = names(client, MustBeOwnedByCaller=False)
    assert (everything[0], len(everything)) == ("Careful", 10)
    absent = client.list_qualification_types(MustBeRequestable=False, MaxResults=100)
    assert absent["NumResults"] == 10


def test_only_active_types_of_requesters_are_requestable(client):
    create(client)
    create(client, Name="off", QualificationTypeStatus="Inactive")

    assert names(client, MustBeRequestable=True, MustBeOwnedByCaller=False) == ["Careful"]


def test_a_query_is_found_in_name_keywords_and_description_whatever_the_case(client, clock):
    create(client, Name="grüne Äpfel", Description="Savoir éplucher", Keywords="Fruit, peeling")
    clock.advance(1)
    create(client, Name="pears")
    found = {
        "GRÜNE ÄPFEL": ["grüne Äpfel"],
        "ÉPLUCHER": ["grüne Äpfel"],
        "fRuit": ["grüne Äpfel"],
        "e": ["pears", "grüne Äpfel"],
        "%": [],
        "_": [],
        "nothing of it": [],
        "": ["pears", "grüne Äpfel"],
    }

    assert found == {query: names(client, Query=query) for query in found}


def test_a_token_is_good_for_its_own_query_only(client, failure):
    create(client)
    token = client.list_qualification_types(MustBeRequestable=False, Query="care")["NextToken"]

    assert failure(client.list_qualification_types, MustBeRequestable=False, Query="car", NextToken=token) == (
        400,
        "RequestError",
        "AWS.MechanicalTurk.InvalidParameterValue",
        "The value of the parameter NextToken is not valid. (1700000000000)",
    )


def test_a_deleted_type_is_of_no_use_to_its_owner_and_unknown_to_others(house, client, failure):
    made = create(client)
    identifier = made["QualificationTypeId"]
    delete(client, made)

    for operation in (
        client.get_qualification_type,
        client.update_qualification_type,
        client.delete_qualification_type,
        client.list_workers_with_qualification_type,
        client.list_qualification_requests,
        client.list_hits_for_qualification_type,
    ):
        assert failure(operation, QualificationTypeId=identifier) == DELETED
    for operation in (
        client.associate_qualification_with_worker,
        client.disassociate_qualification_from_worker,
        client.get_qualification_score,
    ):
        assert failure(operation, QualificationTypeId=identifier, WorkerId="A1") == DELETED
    requirement = {"QualificationTypeId": identifier, "Comparator": "Exists"}
    assert failure(client.create_hit_type, **HIT_TYPE, QualificationRequirements=[requirement]) == DELETED
    assert missing(identifier) == failure(house.client("bob").get_qualification_type, QualificationTypeId=identifier)


def test_the_name_of_a_deleted_type_is_free_at_once_more_than_once(client):
    first = create(client)
    delete(client, first)
    second = create(client)
    delete(client, second)

    assert len({kind["QualificationTypeId"] for kind in (first, second, create(client))}) == 3


def test_with_a_type_go_the_hit_types_that_require_it_and_not_their_hits(house, client, failure):
    made, other = create(client), create(client, Name="Other")

    def hit_type(*required):
        requirements = [exists(kind) for kind in required]
        return client.create_hit_type(**HIT_TYPE, QualificationRequirements=requirements)["HITTypeId"]

    gone, kept = hit_type(other, made), hit_type(other)
    hit = house.create_hit(client, QualificationRequirements=[exists(made)])
    delete(client, made)

    per_hit = {"LifetimeInSeconds": 3600, "Question": house.question}
    assert failure(client.create_hit_with_hit_type, HITTypeId=gone, **per_hit) == (
        *WRONG_VALUE,
        f'The value "{gone}" is not valid for the parameter HITTypeId. (1700000000000)',
    )
    assert kept == hit_type(other)
    assert client.create_hit_with_hit_type(HITTypeId=kept, **per_hit)
    assert client.get_hit(HITId=hit["HITId"])["HIT"]["HITStatus"] == "Assignable"
    with house.database.reading() as connection:
        deleted = select(hit_types.c.id, hit_types.c.fingerprint).where(hit_types.c.deleted_at == house.clock.now)
        assert {gone: gone, hit["HITTypeId"]: hit["HITTypeId"]} == dict(connection.execute(deleted).all())


def test_a_required_type_may_have_any_name_and_must_be_one_of_ones_own_realm(client, failure):
    def outcome(identifier):
        requirement = {"QualificationTypeId": identifier, "Comparator": "Exists"}
        return failure(client.create_hit_type, **HIT_TYPE, QualificationRequirements=[requirement])

    for identifier in ("no such type", "é" * 127, SANDBOX_MASTERS):
        assert missing(identifier) == outcome(identifier)
    assert outcome("é" * 128) == (*WRONG_VALUE, "A QualificationTypeId can have at most 255 bytes. (1700000000000)")


def test_an_inactive_type_cannot_be_required(client, failure):
    off = create(client, QualificationTypeStatus="Inactive")

    assert failure(client.create_hit_type, **HIT_TYPE, QualificationRequirements=[exists(off)]) == (
        400,
        "RequestError",
        "AWS.MechanicalTurk.InvalidQualificationTypeState",
        "This operation can be called with a status of: Active (1700000000000)",
    )
