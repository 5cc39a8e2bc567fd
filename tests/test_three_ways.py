"""One scenario, played through old programs' ways of asking and through boto3, ends in one state."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from sqlalchemy import select

from clients import wire
from clients.boto2 import LEFT
from clients.people import People
from clients.scenario import SCENARIO, WORKERS, Asking, Work, filled
from clients.ways import Boto2, Boto3, RefusedError, SignedUrls, Spelling, written
from mturk_gateway.admin import change_terms, pay_in
from mturk_gateway.clock import wall_clock
from mturk_gateway.marketplace.tables import events, hit_types, notification_settings, requesters
from support import modern_client

pytestmark = LEFT


class Played:
    """The scenario, played in one way by a requester of its own, with workers of their own."""

    def __init__(self, gateway, way, name):
        self.gateway, self.people = gateway, People(gateway)
        self.requester = gateway.add_requester(f"three ways {name}")
        marketplace = gateway.house.marketplace
        change_terms(marketplace, self.requester.profile, prepaid=True)
        pay_in(marketplace, self.requester.profile, "20.00", wall_clock())
        self.ids = {worker: f"A{n}WAY{re.sub('[^A-Z0-9]', '', name.upper())}" for n, worker in enumerate(WORKERS)}
        player = way(gateway, self.requester)
        for step in SCENARIO:
            self._play(player, step)

    def _play(self, player, step):
        if isinstance(step, Work):
            self.ids[step.name] = self.people.work(self.ids[step.hit], self.ids[step.worker], q1=f"of {step.name}")
        elif isinstance(step, Asking):
            self.ids[step.name] = self.people.ask_for(self.ids[step.qualification], self.ids[step.worker])
        elif step.refused:
            with pytest.raises(RefusedError, match=f"^{re.escape(step.refused)}$"):
                player.play(step.operation, filled(step.given, self.ids))
        else:
            made = player.play(step.operation, filled(step.given, self.ids))
            if step.name:
                self.ids[step.name] = made

    def state(self):
        """Everything that boto3 and the workers see, and what was recorded, with names in place of IDs and times."""
        with modern_client(self.gateway.url, self.requester) as client:
            seen = self._seen(client)
        seen |= {worker: self._worker(self.ids[worker]) for worker in WORKERS}
        with self.gateway.house.marketplace.reading() as connection:
            owner = select(requesters.c.id).where(requesters.c.name == self.requester.profile).scalar_subquery()
            happened = select(events.c.type, events.c.hit_id, events.c.assignment_id, events.c.worker_id)
            seen["events"] = [tuple(row) for row in connection.execute(
                happened.where(events.c.requester_id == owner).order_by(events.c.number)
            )]  # fmt: skip
            told = select(notification_settings).join(hit_types).where(hit_types.c.requester_id == owner)
            seen["told"] = [tuple(row) for row in connection.execute(told)]
        return self._named(seen)

    def _seen(self, client):
        hits = client.list_hits(MaxResults=100)["HITs"]
        types = client.list_qualification_types(MustBeRequestable=False, MustBeOwnedByCaller=True, MaxResults=100)
        skill = self.ids["skill"]
        return {
            "balance": client.get_account_balance()["AvailableBalance"],
            "hits": in_order(hits, "Title"),
            "assignments": {
                hit["Title"]: in_order(client.list_assignments_for_hit(HITId=hit["HITId"])["Assignments"], "Answer")
                for hit in hits
            },
            "bonuses": {hit["Title"]: client.list_bonus_payments(HITId=hit["HITId"])["BonusPayments"] for hit in hits},
            "reviewing": client.list_reviewable_hits(Status="Reviewing")["HITs"],
            "reviewable": client.list_reviewable_hits(Status="Reviewable")["HITs"],
            "types": in_order(types["QualificationTypes"], "Name"),
            "skilled": {
                status: in_order(
                    client.list_workers_with_qualification_type(QualificationTypeId=skill, Status=status)[
                        "Qualifications"
                    ],
                    "WorkerId",
                )
                for status in ("Granted", "Revoked")
            },
            "requests": client.list_qualification_requests()["QualificationRequests"],
            "blocks": client.list_worker_blocks()["WorkerBlocks"],
        }

    def _worker(self, worker):
        """What is shown to a worker, without the order of what happened in one second."""
        shown = {what: self.people.do(what, "--worker", worker) for what in ("tasks", "messages", "qualifications")}
        return {what: sorted(self._named(lines.splitlines())) for what, lines in shown.items()}

    def _named(self, value):
        if isinstance(value, dict):
            return {self._named(name): self._named(item) for name, item in told_apart(value).items()}
        if isinstance(value, list | tuple):
            return [self._named(item) for item in value]
        if isinstance(value, datetime):
            return "a time"
        if not isinstance(value, str):
            return value
        for name, identifier in self.ids.items():
            value = value.replace(identifier, f"<{name}>")
        value = value.replace(self.requester.profile, "<requester>")
        value = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d( UTC|Z)", "a time", value)
        return re.sub(r"\b3[A-Z0-9]{29}\b", "some id", value)


def told_apart(item):
    """A row with the lengths of time in it, which must be the same, beside the times, which are not."""
    spans = {
        "lasts": ("CreationTime", "Expiration", 60),
        "is decided on after": ("SubmitTime", "AutoApprovalTime", 1),
    }
    lengths = {
        name: (item[end] - item[begin]).total_seconds() // grain
        for name, (begin, end, grain) in spans.items()
        if begin in item and end in item
    }
    return {**item, **lengths}


def in_order(rows, key):
    return sorted(rows, key=lambda row: str(row[key]))


WAYS = {
    "boto 2": Boto2,
    "signed URLs": SignedUrls,
    "rturk": written(wire.rturk, Spelling(structure="", base=0)),
    "MTurkR": written(wire.mturkr, Spelling(true="TRUE", false="FALSE")),
    "Perl": written(wire.perl, Spelling()),
    "php-mturk-api": written(wire.php_mturk_api, Spelling(single=True, true="1", false="0")),
}
"""Every way but boto3's, with which they are compared."""


@pytest.fixture(scope="module")
def modern_state(gateway):
    return Played(gateway, Boto3, "boto3").state()


@pytest.mark.parametrize("name", WAYS)
def test_a_scenario_ends_in_the_same_state_as_through_boto3(gateway, modern_state, name):
    state = Played(gateway, WAYS[name], name).state()

    for part, expected in modern_state.items():
        assert state[part] == expected, part
    assert state == modern_state


def test_the_state_is_the_one_that_the_scenario_tells(modern_state):
    """So that it is not nothing that is compared."""
    hits = {hit["Title"]: hit for hit in modern_state["hits"]}
    assert {title: hit["HITStatus"] for title, hit in hits.items()} == {
        "Name the birds": "Assignable",
        "Name the trees": "Assignable",
        "ends": "Reviewing",
    }
    assert (hits["Name the birds"]["MaxAssignments"], hits["Name the birds"]["lasts"]) == (5, 180)
    decided = modern_state["assignments"]["Name the birds"]
    assert [(one["AssignmentStatus"], one["RequesterFeedback"]) for one in decided] == [
        ("Approved", "an owl after all"),
        ("Approved", "thanks"),
    ]
    assert [bonus["BonusAmount"] for bonus in modern_state["bonuses"]["Name the birds"]] == ["0.50"]
    assert [block["WorkerId"] for block in modern_state["blocks"]] == ["<third>"]
    assert [(held["WorkerId"], held["IntegerValue"]) for held in modern_state["skilled"]["Granted"]] == [
        ("<first>", 91),
        ("<second>", 33),
    ]
    assert [held["WorkerId"] for held in modern_state["skilled"]["Revoked"]] == ["<fourth>"]
    assert [one["WorkerId"] for one in modern_state["requests"]] == ["<third>"]
    assert [qualification["Name"] for qualification in modern_state["types"]] == ["Knows birds"]
    assert any("More of them + 1" in line for line in modern_state["second"]["messages"])
    # 20.00 without what the HITs that are left may cost, what was paid for those that are gone, and the bonus.
    assert modern_state["balance"] == "18.05"
