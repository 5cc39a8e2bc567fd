"""Giving workers qualifications, taking them away, and reading them (modern-mturk 4.3)."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from mturk_gateway.marketplace.services.qualifying.grants import grant
from mturk_gateway.marketplace.tables import messages

LOCALE = "00000000000000000071"
MASTERS = "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH"
NOT_HELD = (
    400,
    "RequestError",
    "AWS.MechanicalTurk.QualificationDoesNotExist",
    "You requested a Qualification that does not exist. (1700000000000)",
)
NOT_GRANTED = (
    400,
    "RequestError",
    "AWS.MechanicalTurk.InvalidQualificationState",
    "This operation can be called with a status of: Granted (1700000000000)",
)


def create(client, name="Careful"):
    made = client.create_qualification_type(Name=name, Description="D", QualificationTypeStatus="Active")
    return made["QualificationType"]["QualificationTypeId"]


def give(client, kind, worker="A1", **options):
    reply = client.associate_qualification_with_worker(QualificationTypeId=kind, WorkerId=worker, **options)
    assert reply.keys() == {"ResponseMetadata"}


def take(client, kind, worker="A1", **options):
    reply = client.disassociate_qualification_from_worker(QualificationTypeId=kind, WorkerId=worker, **options)
    assert reply.keys() == {"ResponseMetadata"}


def score(client, kind, worker="A1"):
    return client.get_qualification_score(QualificationTypeId=kind, WorkerId=worker)["Qualification"]


def holders(client, kind, **options):
    pages = client.get_paginator("list_workers_with_qualification_type").paginate(
        QualificationTypeId=kind, **options, PaginationConfig={"PageSize": 2}
    )
    return [(held["WorkerId"], held["IntegerValue"]) for page in pages for held in page["Qualifications"]]


def mail(house):
    with house.database.reading() as connection:
        rows = connection.execute(select(messages).order_by(messages.c.number)).all()
    return [(row.worker_id, row.time, row.subject, row.text) for row in rows]


def test_a_worker_whom_nobody_knows_can_be_given_a_qualification(client):
    kind = create(client)
    give(client, kind, IntegerValue=-7)

    assert score(client, kind) == {
        "QualificationTypeId": kind,
        "WorkerId": "A1",
        "GrantTime": datetime.fromtimestamp(1_700_000_000, UTC),
        "IntegerValue": -7,
        "Status": "Granted",
    }


def test_without_a_value_it_is_1(client):
    kind = create(client)
    give(client, kind)

    assert score(client, kind)["IntegerValue"] == 1


def test_giving_again_overwrites_the_value_and_keeps_the_place_in_the_list(client, clock):
    kind = create(client)
    give(client, kind, IntegerValue=5)
    give(client, kind, "A2", IntegerValue=6)
    clock.advance(10)
    give(client, kind, IntegerValue=0)

    assert (score(client, kind)["IntegerValue"], score(client, kind)["GrantTime"].timestamp()) == (0, 1_700_000_000)
    assert holders(client, kind) == [("A1", 0), ("A2", 6)]


def test_a_worker_is_told_unless_that_is_not_wanted(house, client, clock):
    kind = create(client)
    give(client, kind, IntegerValue=5)
    clock.advance(1)
    give(client, kind, "A2", SendNotification=True)
    give(client, kind, "A3", SendNotification=False)

    assert mail(house) == [
        (
            "A1",
            1_700_000_000,
            "You have been given the qualification Careful",
            "alice has given you the qualification Careful with the value 5.",
        ),
        (
            "A2",
            1_700_000_001,
            "You have been given the qualification Careful",
            "alice has given you the qualification Careful with the value 1.",
        ),
    ]


def test_what_was_revoked_can_be_neither_read_nor_revoked_and_can_be_given_again(client, failure):
    kind = create(client)
    give(client, kind, IntegerValue=5)
    take(client, kind, Reason="why")

    names = {"QualificationTypeId": kind, "WorkerId": "A1"}
    assert failure(client.get_qualification_score, **names) == NOT_GRANTED
    assert failure(client.disassociate_qualification_from_worker, **names) == NOT_GRANTED
    give(client, kind, IntegerValue=6)
    assert (score(client, kind)["IntegerValue"], score(client, kind)["Status"]) == (6, "Granted")
    assert holders(client, kind, Status="Revoked") == []


def test_what_was_never_held_does_not_exist(client, failure):
    kind = create(client)
    give(client, create(client, "Other"))
    give(client, kind, "A2")

    names = {"QualificationTypeId": kind, "WorkerId": "A1"}
    assert failure(client.get_qualification_score, **names) == NOT_HELD
    assert failure(client.disassociate_qualification_from_worker, **names) == NOT_HELD


def test_the_type_must_be_ones_own(house, client, failure):
    kind, bob = create(client), house.client("bob")
    give(client, kind)

    def missing(identifier):
        return (
            400,
            "RequestError",
            "AWS.MechanicalTurk.QualificationTypeDoesNotExist",
            f"QualificationType {identifier} does not exist. (1700000000000)",
        )

    for asked in (kind, LOCALE):
        names = {"QualificationTypeId": asked, "WorkerId": "A1"}
        assert missing(asked) == failure(bob.associate_qualification_with_worker, **names)
        assert missing(asked) == failure(bob.disassociate_qualification_from_worker, **names)
        assert missing(asked) == failure(bob.list_workers_with_qualification_type, QualificationTypeId=asked)
    names = {"QualificationTypeId": kind, "WorkerId": "A1"}
    assert missing(kind) == failure(bob.get_qualification_score, **names)
    assert holders(client, kind) == [("A1", 1)]


def test_what_the_operator_granted_is_told_to_no_requester(house, client, failure):
    with house.database.writing() as connection:
        grant(connection, MASTERS, "A1", 1, house.clock.now)

    for kind in (MASTERS, LOCALE):
        assert failure(client.get_qualification_score, QualificationTypeId=kind, WorkerId="A1") == NOT_HELD


def test_holders_are_listed_by_status_the_latest_first_and_then_by_id(client, clock):
    kind, other = create(client), create(client, "Other")
    for worker in ("A4", "A2", "A3"):
        give(client, kind, worker)
    clock.advance(1)
    give(client, kind, "A9", IntegerValue=9)
    give(client, kind, "A5")
    give(client, other, "A8")
    take(client, kind, "A5")

    latest = [("A9", 9), ("A2", 1), ("A3", 1), ("A4", 1)]
    assert latest == holders(client, kind) == holders(client, kind, Status="Granted")
    assert holders(client, kind, Status="Revoked") == [("A5", 1)]
    revoked = client.list_workers_with_qualification_type(QualificationTypeId=kind, Status="Revoked")
    assert (revoked["NumResults"], revoked["Qualifications"]) == (
        1,
        [
            {
                "QualificationTypeId": kind,
                "WorkerId": "A5",
                "GrantTime": datetime.fromtimestamp(1_700_000_001, UTC),
                "IntegerValue": 1,
                "Status": "Revoked",
            }
        ],
    )


def test_whoever_holds_a_deleted_type_keeps_it(house, client):
    kind = create(client)
    give(client, kind)
    hit = house.create_hit(
        client, QualificationRequirements=[{"QualificationTypeId": kind, "Comparator": "EqualTo", "IntegerValues": [1]}]
    )
    client.delete_qualification_type(QualificationTypeId=kind)

    assert house.accept(hit, "A1")
