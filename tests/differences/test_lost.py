"""Differences because the modern API has lost something."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta

import pytest
from botocore import xform_name

from differences.conftest import Program
from mturk_gateway.clock import wall_clock
from mturk_gateway.driving import drive
from mturk_gateway.ledger.receptors import Receptors
from mturk_gateway.marketplace.services.qualifying.requesting import request_qualification
from mturk_gateway.marketplace.services.working import workers
from mturk_translators.flows.qualifications import update_qualification_score
from mturk_translators.operation import Context
from relay import Relay
from support import PROPERTIES, ScriptedUpstream, fill, one, texts

MTURK = "AWS.MechanicalTurk."


def test_difference_14_a_qualification_that_is_revoked_while_its_score_is_updated_is_granted_again(program):
    """The modern API has no call that changes the score of those only who hold the qualification."""
    held = {"QualificationTypeId": program.qualification_type(), "WorkerId": "A1WORKER"}
    program.result("AssignQualification", **held)

    with program.modern() as modern:

        def answer(call):
            reply = getattr(modern, xform_name(call.operation))(**call.params)
            if call.operation == "GetQualificationScore":
                modern.disassociate_qualification_from_worker(**held)
            return reply

        drive(update_qualification_score({**held, "IntegerValue": 91}, Context("token", 0, 0, "id")), answer)
        assert modern.get_qualification_score(**held)["Qualification"]["IntegerValue"] == 91


def test_difference_50_a_disabled_hit_is_gone_here_while_the_modern_api_still_shows_it(program):
    """It cannot be disposed of before the last of those who are at work has handed in."""
    hit = program.hit()
    assignment = program.accept(hit)
    program.result("DisableHIT", HITId=hit)

    assert texts(program.ask("SearchHITs"), "HITId") == []
    assert program.result("GetHIT", HITId=hit).findtext("HITStatus") == "Disposed"
    with program.modern() as modern:
        assert modern.get_hit(HITId=hit)["HIT"]["HITStatus"] == "Unassignable"
    program.submit(assignment)


@pytest.mark.parametrize(("asked", "given"), [(60, 120), (3600, 3600), (31_536_000, 31_535_940)])
def test_difference_51_who_extends_a_hit_that_has_expired_does_not_get_the_shortest_or_longest_time(
    program, asked, given
):
    """The modern API takes a moment for a span, and counts that from its own clock."""
    hit = program.hit()
    program.result("ForceExpireHIT", HITId=hit)
    before = datetime.fromtimestamp(int(wall_clock()), UTC)
    program.result("ExtendHIT", HITId=hit, ExpirationIncrementInSeconds=asked)

    with program.modern() as modern:
        lives = modern.get_hit(HITId=hit)["HIT"]["Expiration"] - before
    assert timedelta(seconds=given) <= lives < timedelta(seconds=given + 30)


@pytest.fixture
def elsewhere(gateway, requester, foreign_gateway):
    """The same requester at another gateway before the same marketplace, which looks at nothing twice."""
    with Relay(gateway, requester) as relay:
        yield Program(*foreign_gateway(relay.url, freshness=0.0))


def test_difference_52_a_token_of_more_time_is_known_where_it_was_used(program, elsewhere):
    """The modern call has none, so the gateway remembers it, for a day and for itself."""
    hit = program.hit()
    given = {"HITId": hit, "ExpirationIncrementInSeconds": 3600, "UniqueRequestToken": "t"}
    program.result("ExtendHIT", **given)

    assert program.code("ExtendHIT", **given) == f"{MTURK}DuplicateRequest"
    elsewhere.result("ExtendHIT", **given)


def test_difference_53_a_rejection_without_feedback_may_have_a_blank_for_it(play):
    """The modern API demands feedback. Ours takes an empty one; where that is refused, a blank is sent."""
    _, calls = play("RejectAssignment/without_feedback_refused_upstream")

    assert calls["RejectAssignment"]["RequesterFeedback"] == " "


def test_difference_54_of_everybodys_qualification_types_only_so_many_are_looked_at(foreign_gateway):
    """The total is then the number of those that were."""
    kinds = [{"QualificationTypeId": f"3KIND{number:03}", "Name": f"n{number:03}"} for number in range(350)]

    def answer(_operation, params, *_):
        start = int(params.get("NextToken", "0"))
        page = kinds[start : start + params["MaxResults"]]
        token = {"NextToken": str(start + len(page))} if page else {}
        return 200, {"NumResults": len(page), "QualificationTypes": page, **token}

    with ScriptedUpstream(answer) as upstream:
        asking = Program(*foreign_gateway(upstream.url, search_cap=200))
        assert asking.result("SearchQualificationTypes").findtext("TotalNumResults") == "200"


def told(program, name, **given):
    """A statistic since the beginning."""
    asked = {"Statistic": name, "TimePeriod": "LifeToDate", **given}
    (value,) = program.result("GetRequesterStatistic", **asked).find("DataPoint")[1:]
    return float(value.text)


def test_difference_55_nobody_is_known_to_have_abandoned_anything(program):
    """Whoever lets the time run out leaves no trace that the modern API shows."""
    now = int(wall_clock())
    given = {"AssignmentDurationInSeconds": 30}
    (hit,) = fill(program.gateway, program.requester, [(given, now - 200)])
    with program.gateway.house.marketplace.writing() as connection:
        workers.accept(connection, hit, "A1WORKER", now - 100)

    with program.modern() as modern:
        assert modern.get_hit(HITId=hit)["HIT"]["NumberOfAssignmentsAvailable"] == 1
    assert told(program, "NumberAssignmentsAbandoned") == 0


def test_difference_56_what_was_done_past_the_gateway_counts_while_it_is_listed(program, elsewhere):
    """What is disposed of leaves no trace that could be counted; a bonus is found when its HIT is read again."""
    with program.modern() as modern:
        gone, kept = (modern.create_hit(**PROPERTIES)["HIT"]["HITId"] for _ in range(2))
    program.result("ForceExpireHIT", HITId=gone)
    program.result("DisposeHIT", HITId=gone)
    assert told(program, "NumberHITsCreated") == 2
    assert told(elsewhere, "NumberHITsCreated") == 1

    bonus = {"WorkerId": "A1WORKER", "AssignmentId": program.work(kept), "Reason": "r", "BonusAmount.Amount": "1"}
    assert told(elsewhere, "TotalBonusPayout") == 0
    program.result("GrantBonus", *bonus.items())
    assert told(program, "TotalBonusPayout") == 1
    assert told(elsewhere, "TotalBonusPayout") == 0


@pytest.mark.parametrize("version", ["2005-10-01", "2014-08-15"])
def test_difference_57_retired_statistics_are_refused_at_every_version(program, version):
    """As they were from November 2016 on; before, the versions that are older than that had them."""
    asked = {"TimePeriod": "LifeToDate", "Version": version}

    for name in ("NumberAssignmentsAvailable", "NumberAssignmentsAccepted", "NumberAssignmentsReturned"):
        refused = program.ask("GetRequesterStatistic", Statistic=name, **asked)
        assert one(refused, "Code") == f"{MTURK}InvalidParameterValue"
        assert "no longer supported" in one(refused, "Message")


def specification(transport, destination, *events):
    given = {"Transport": transport, "Destination": destination, "Version": "2006-05-05"}
    given |= {f"EventType.{number}": event for number, event in enumerate(events, 1)}
    return [(f"Notification.1.{name}", value) for name, value in given.items()]


@pytest.mark.parametrize("transport", ["REST", "SOAP"])
def test_difference_58_nobody_is_called_at_a_url_yet(program, transport):
    """The service called at once to try, and said so when nobody answered."""
    with socket.create_server(("127.0.0.1", 0)) as receptor:
        receptor.setblocking(False)
        url = f"http://127.0.0.1:{receptor.getsockname()[1]}/"
        program.result("SendTestEventNotification", *specification(transport, url, "HITCreated"), TestEventType="Ping")
        with pytest.raises(BlockingIOError):
            receptor.accept()
    refused = program.code("SendTestEventNotification", *specification(transport, "nowhere"), TestEventType="Ping")
    assert refused == f"{MTURK}InvalidTransportEndpoint"


def test_difference_59_queues_are_told_of_every_approval_in_the_newest_form(play):
    """AssignmentAutoApproved has no event of its own, and messages say another version than was asked for."""
    _, calls = play("SetHITTypeNotification/auto_approved")

    given = calls["UpdateNotificationSettings"]["Notification"]
    assert given["EventTypes"] == ["AssignmentApproved", "AssignmentRejected"]
    assert given["Version"] == "2014-08-15"


def test_difference_60_what_replaces_a_specification_of_the_modern_api_is_not_active_by_itself(program):
    """It should be as active as before, but nobody can ask the modern API whether it was."""
    hit_type = program.hit_type()
    mail = {
        "Destination": "me@example.com",
        "Transport": "Email",
        "Version": "2014-08-15",
        "EventTypes": ["HITExpired"],
    }
    with program.modern() as modern:
        modern.update_notification_settings(HITTypeId=hit_type, Notification=mail, Active=True)
    rest = specification("REST", "https://example.com/", "HITExpired")
    program.result("SetHITTypeNotification", *rest, HITTypeId=hit_type)

    kept = Receptors(program.gateway.house.ledger).get(program.requester, {"HITTypeId": hit_type})
    assert kept["Notification"]["Destination"] == "https://example.com/"
    assert kept["Active"] is False


def test_difference_61_the_state_of_what_the_modern_api_does_not_show_is_not_told(program):
    """A request for a qualification that is decided already, an assignment on which its worker is still at work."""
    kind = program.qualification_type()
    with program.gateway.house.marketplace.writing() as connection:
        workers.register(connection, "A1WORKER", int(wall_clock()))
        request_qualification(connection, kind, "A1WORKER", int(wall_clock()))
    request = one(program.ask("GetQualificationRequests"), "QualificationRequestId")
    program.result("RejectQualificationRequest", QualificationRequestId=request)
    decided = program.ask("GrantQualification", QualificationRequestId=request)
    assert one(decided, "Code") == f"{MTURK}InvalidQualificationRequestState"

    at_work = program.ask("ApproveAssignment", AssignmentId=program.accept(program.hit()))
    assert one(at_work, "Code") == f"{MTURK}InvalidAssignmentState"
    assert texts(at_work, "Key") == ["AssignmentId", "ExpectedStates"]
    assert texts(decided, "Key") == ["QualificationRequestId", "ExpectedStates"]


def test_difference_62_what_is_counted_from_the_present_is_not_told_of_other_days(program):
    program.hit()
    liability = {"Statistic": "EstimatedRewardLiability", "TimePeriod": "OneDay"}

    assert program.code("GetRequesterStatistic", Count=2, **liability) == MTURK + "InvalidParameterValue"
    assert program.result("GetRequesterStatistic", Count=1, **liability).findtext(".//DoubleValue") == "0.05"
