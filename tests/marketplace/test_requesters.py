"""Requesters, their keys, the schema they live in, and the demonstration."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from mturk_gateway.marketplace.demo import install_demo
from mturk_gateway.marketplace.requesters import (
    Credentials,
    add_requester,
    import_requester,
    list_requesters,
    rotate_key,
)
from mturk_gateway.marketplace.tables import metadata


def test_generated_keys_have_the_form_of_amazons(house):
    made = house.credentials()

    assert re.fullmatch("AKIA[A-Z0-9]{16}", made.access_key)
    assert len(made.secret) == 40


def test_given_keys_are_kept_and_a_name_is_taken_once(house, failure):
    with house.database.writing() as connection:
        made = add_requester(connection, "carol", 0, access_key="OLDKEY", secret="old/secret+")
        with pytest.raises(ValueError, match="already a requester named 'carol'"):
            add_requester(connection, "carol", 0)
        with pytest.raises(ValueError, match="OLDKEY is already in use"):
            add_requester(connection, "dave", 0, access_key="OLDKEY")
    house.keys["carol"] = made

    assert Credentials("OLDKEY", "old/secret+") == made
    assert house.client("carol").get_account_balance()["AvailableBalance"] == "10000.00"


def test_an_import_can_be_repeated_and_then_changes_the_secret(house, failure):
    with house.database.writing() as connection:
        for secret in ("first", "second"):
            import_requester(connection, "erin", "ERINKEY", secret, 0)
        import_requester(connection, "erin", "ERINKEY2", "third", 0)
        with pytest.raises(ValueError, match="belongs to the requester 'erin'"):
            import_requester(connection, "frank", "ERINKEY", "x", 0)
    with house.database.reading() as connection:
        assert [requester.name for requester in list_requesters(connection)] == ["erin"]
    house.keys["erin"] = Credentials("ERINKEY", "second")

    assert house.client("erin").list_hits()
    assert house.client("erin", access_key="ERINKEY2", secret="third").list_hits()
    assert failure(house.client("erin", secret="first").list_hits)[1] == "InvalidSignatureException"


def test_a_rotated_key_works_and_the_old_one_does_not_and_the_hits_stay(house, client, failure):
    hit = house.create_hit(client)
    with house.database.writing() as connection:
        house.keys["alice"] = rotate_key(connection, "alice", 0)
        with pytest.raises(LookupError):
            rotate_key(connection, "nobody", 0)

    assert failure(client.list_hits)[1] == "UnrecognizedClientException"
    assert [hit["HITId"]] == [found["HITId"] for found in house.client().list_hits()["HITs"]]


def test_the_migrations_make_the_tables_that_the_code_uses(house):
    house.restart()
    with house.database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_everything_survives_a_restart(house, client):
    hit = house.create_hit(client, RequesterAnnotation="ü")
    assignment = house.work(hit)
    before = client.get_assignment(AssignmentId=assignment)
    house.restart()
    after = house.client().get_assignment(AssignmentId=assignment)

    assert (before["Assignment"], before["HIT"]) == (after["Assignment"], after["HIT"])


def test_the_demonstration_has_48_hits_of_all_kinds_and_is_installed_once(house, clock):
    made = install_demo(house.database, clock.now)
    assert made == install_demo(house.database, clock.now + 5)
    house.keys["demo"] = made
    client = house.client("demo")
    hits = client.list_hits(MaxResults=100)["HITs"]

    assert len(hits) == 48
    assert {"Assignable", "Unassignable", "Reviewable", "Reviewing"} == {hit["HITStatus"] for hit in hits}
    assert {"QuestionForm", "ExternalQuestion", "HTMLQuestion"} == {
        re.search(r"<(\w+Question|QuestionForm)\b", hit["Question"])[1] for hit in hits
    }
    assert any(not hit["Title"].isascii() for hit in hits)
    assert any("Keywords" not in hit for hit in hits)
    assert len({hit["Reward"] for hit in hits}) > 4
    statuses = Counter(
        assignment["AssignmentStatus"]
        for hit in hits
        for assignment in client.list_assignments_for_hit(HITId=hit["HITId"])["Assignments"]
    )
    assert {"Submitted", "Approved", "Rejected"} == set(statuses)
    assert all(hit["CreationTime"].timestamp() <= clock.now for hit in hits)
