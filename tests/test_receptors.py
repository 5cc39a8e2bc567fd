"""What the ledger knows of notifications."""

from __future__ import annotations

import pytest

from mturk_gateway.credentials import Requester
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.ledger.receptors import Receptors

LAB, OTHER = Requester("lab", "AKIDLAB", "secret"), Requester("other", "AKIDOTHER", "secret")
TYPE = {"HITTypeId": "3TYPE1"}
SPECIFICATION = {
    "Destination": "https://example.com/é?a=1&b=2",
    "Transport": "REST",
    "Version": "2006-05-05",
    "EventTypes": ["AssignmentAutoApproved", "HITReviewable"],
}


@pytest.fixture
def ledger(tmp_path):
    """Open the ledger of the same folder, as every process does."""
    opened = []

    def open_():
        database = Database(sqlite_url(tmp_path / "ledger.db"), durable=True)
        opened.append(database)
        database.migrate("mturk_gateway.ledger")
        return Receptors(database)

    yield open_
    for database in opened:
        database.close()


def test_nothing_is_known_of_a_hit_type_that_nobody_has_spoken_of(ledger):
    receptors = ledger()
    receptors.put(LAB, {"HITTypeId": "3TYPE2", "Notification": SPECIFICATION, "Active": True})

    assert receptors.get(LAB, TYPE) == {}


def test_a_specification_is_kept_as_the_client_gave_it_and_survives_a_restart(ledger):
    assert ledger().put(LAB, {**TYPE, "Notification": SPECIFICATION, "Active": False}) == {}

    assert ledger().get(LAB, TYPE) == {"Notification": SPECIFICATION, "Active": False}


def test_a_specification_replaces_the_former_one(ledger):
    receptors = ledger()
    soap = {**SPECIFICATION, "Transport": "SOAP", "EventTypes": ["HITExpired"]}
    for specification, active in ((SPECIFICATION, True), (soap, False), (soap, False)):
        receptors.put(LAB, {**TYPE, "Notification": specification, "Active": active})

    assert receptors.get(LAB, TYPE) == {"Notification": soap, "Active": False}


def test_a_specification_that_the_upstream_holds_is_not_kept_but_its_activity_is(ledger):
    receptors = ledger()
    receptors.put(LAB, {**TYPE, "Notification": SPECIFICATION, "Active": False})
    receptors.put(LAB, {**TYPE, "Active": True})

    assert receptors.get(LAB, TYPE) == {"Active": True}


def test_each_requester_has_notifications_of_its_own_in_either_realm(ledger):
    receptors = ledger()
    receptors.put(LAB, {**TYPE, "Notification": SPECIFICATION, "Active": True})

    assert receptors.get(OTHER, TYPE) == {}
    assert receptors.get(LAB.in_sandbox(), TYPE) == {}
    receptors.put(LAB.in_sandbox(), {**TYPE, "Active": False})
    assert receptors.get(LAB, TYPE) == {"Notification": SPECIFICATION, "Active": True}
