"""Everything else is understood as each client writes it: truth, nothing, lists of workers and statuses, events."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from clients.parameters import HIT, NEEDED, PRICE
from clients.wire import (
    Exchange,
    boto,
    goamz,
    mturkr,
    perl,
    php_giacomo,
    php_mturk_api,
    rturk,
    ruby_aws,
)
from mturk_gateway.clock import wall_clock
from mturk_gateway.ledger.receptors import Receptors
from mturk_gateway.marketplace.tables import notification_settings
from support import fill, one, texts

# Truth and nothing


@pytest.mark.parametrize(
    ("client", "true", "false"),
    [(boto, "True", "False"), (rturk, "true", "false"), (perl, "true", "false"), (mturkr, "TRUE", "FALSE")],
)
def test_booleans_are_those_that_each_client_writes(send, modern, client, true, false):
    described = [("Description", "d"), ("QualificationTypeStatus", "Active")]
    yes, no = (
        one(
            send(
                client,
                "CreateQualificationType",
                ("Name", f"granted {word}"),
                *described,
                ("AutoGranted", word),
                *([("AutoGrantedValue", "7")] if word == true else []),
            ),
            "QualificationTypeId",
        )
        for word in (true, false)
    )
    granted = modern.get_qualification_type(QualificationTypeId=yes)["QualificationType"]
    assert (granted["AutoGranted"], granted["AutoGrantedValue"]) == (True, 7)
    assert not modern.get_qualification_type(QualificationTypeId=no)["QualificationType"].get("AutoGranted")

    hit = one(send(client, "CreateHIT", *HIT), "HITId")
    send(client, "ForceExpireHIT", ("HITId", hit))
    send(client, "SetHITAsReviewing", ("HITId", hit), ("Revert", false))
    assert modern.get_hit(HITId=hit)["HIT"]["HITStatus"] == "Reviewing"
    send(client, "SetHITAsReviewing", ("HITId", hit), ("Revert", true))
    assert modern.get_hit(HITId=hit)["HIT"]["HITStatus"] == "Reviewable"


def test_the_text_none_is_left_out_by_boto_and_a_word_to_everybody_else(send, modern, people):
    made = one(
        send(boto, "CreateQualificationType", ("Name", "None such"), ("Description", "d")), "QualificationTypeId"
    )
    every = [("MustBeRequestable", "True"), ("MustBeOwnedByCaller", "True"), ("Query", "None")]
    one(send(boto, "CreateQualificationType", ("Name", "some"), ("Description", "d")), "QualificationTypeId")
    assert sorted(texts(send(boto, "SearchQualificationTypes", *every), "Name")) == ["None such", "some"]
    assert texts(send(perl, "SearchQualificationTypes", *every), "Name") == ["None such"]

    for client, worker in ((boto, "A1NONEBOTO"), (perl, "A1NONEPERL")):
        modern.associate_qualification_with_worker(QualificationTypeId=made, WorkerId=worker, IntegerValue=1)
        given = [("QualificationTypeId", made), ("SubjectId", worker), ("Reason", "None")]
        send(client, "RevokeQualification", *given)
    assert "reason" not in people.do("qualifications", "--worker", "A1NONEBOTO")
    assert "reason: None" in people.do("qualifications", "--worker", "A1NONEPERL")


# Workers, bonuses and decisions


@pytest.mark.parametrize(
    ("client", "names"),
    [
        (boto, ["WorkerId.1", "WorkerId.2"]),
        (perl, ["WorkerId.1", "WorkerId.2"]),
        (mturkr, ["WorkerId.1", "WorkerId.2"]),
        (php_giacomo, ["WorkerId.1", "WorkerId.2"]),
        (rturk, ["WorkerId.0", "WorkerId.1"]),
        (php_mturk_api, ["WorkerId"]),
    ],
)
def test_workers_are_written_to_whom_each_client_names(send, people, client, names):
    workers = [f"A{number}{client.__name__.upper().replace('_', '')}" for number in range(len(names))]
    for worker in workers:
        people.do("find", "--worker", worker)
    pairs = zip(names, workers, strict=True)
    root = send(client, "NotifyWorkers", ("Subject", "Birds"), ("MessageText", "More of them + 1"), *pairs)

    assert not texts(root, "NotifyWorkersFailureCode")
    for worker in workers:
        assert people.messages(worker).count("More of them + 1") == 1


@pytest.mark.parametrize(
    ("client", "name", "paid"),
    [
        (boto, "BonusAmount.1", True),
        (perl, "BonusAmount.1", True),
        (ruby_aws, "BonusAmount.1", True),
        (mturkr, "BonusAmount.1", True),
        (rturk, "BonusAmount.1", True),
        (php_giacomo, "BonusAmount.1", True),
        # It means a bonus by the name of a reward, which never was one.
        (php_mturk_api, "Reward.1", False),
    ],
)
def test_a_bonus_is_the_one_that_a_client_names_as_such(send, create, modern, people, client, name, paid):
    hit = create(boto, *HIT)["HITId"]
    assignment = people.work(hit, "A1BONUS", q1="a")
    modern.approve_assignment(AssignmentId=assignment)
    root = send(
        client,
        "GrantBonus",
        ("WorkerId", "A1BONUS"),
        ("AssignmentId", assignment),
        (f"{name}.Amount", "0.5"),
        (f"{name}.CurrencyCode", "USD"),
        ("Reason", "good work"),
        valid=str(paid),
    )

    bonuses = modern.list_bonus_payments(AssignmentId=assignment)["BonusPayments"]
    assert [bonus["BonusAmount"] for bonus in bonuses] == (["0.50"] if paid else [])
    assert paid or one(root, "Code") == "AWS.MissingParameters"


def test_statuses_are_joined_repeated_or_one(send, create, modern, people):
    hit = create(boto, *HIT, ("MaxAssignments", "4"))["HITId"]
    first, second, third = (people.work(hit, f"A{number}STATUS", q1="a") for number in range(3))
    modern.approve_assignment(AssignmentId=first)
    modern.reject_assignment(AssignmentId=second, RequesterFeedback="r")

    def listed(client, *pairs):
        return set(texts(send(client, "GetAssignmentsForHIT", ("HITId", hit), *pairs), "AssignmentId"))

    assert listed(boto, ("AssignmentStatus", "Submitted")) == {third}
    assert listed(mturkr, ("AssignmentStatus", "Approved,Rejected")) == {first, second}
    assert listed(rturk, ("AssignmentStatus", "Approved"), ("AssignmentStatus", "Submitted")) == {first, third}
    assert listed(rturk, ("AssignmentStatus.0", "Rejected"), ("AssignmentStatus.1", "Submitted")) == {second, third}
    assert listed(goamz) == {first, second, third}

    ended = [create(boto, *HIT)["HITId"] for _ in range(2)]
    for one_hit in ended:
        send(rturk, "ForceExpireHIT", ("HITId", one_hit))
    send(rturk, "SetHITAsReviewing", ("HITId", ended[0]))
    repeated = [("Status", "Reviewable"), ("Status", "Reviewing")]
    assert set(texts(send(rturk, "GetReviewableHITs", *repeated), "HITId")) == set(ended)
    assert texts(send(mturkr, "GetReviewableHITs", ("Status", "Reviewable")), "HITId") == ended[1:]


def test_empty_values_are_as_if_they_had_not_been_sent(send, create, modern):
    """Three clients send a parameter for everything that they know, whether it has a value or not."""
    made = create(php_mturk_api, *HIT, ("Keywords", ""), ("RequesterAnnotation", ""), ("HITLayoutId", ""))
    assert made.get("Keywords", "") == ""
    assert "RequesterAnnotation" not in made

    send(php_giacomo, "BlockWorker", ("WorkerId", "A1EMPTY"), ("Reason", "bad work"))
    (block,) = modern.list_worker_blocks()["WorkerBlocks"]
    assert (block["WorkerId"], block["Reason"]) == ("A1EMPTY", "bad work")
    send(php_giacomo, "UnblockWorker", ("WorkerId", "A1EMPTY"))
    assert modern.list_worker_blocks()["WorkerBlocks"] == []
    refused = send(php_giacomo, "BlockWorker", ("WorkerId", "A1EMPTY"), valid="False")
    assert one(refused, "Code") == "AWS.MissingParameters"


def test_pages_are_as_large_as_clients_ask_and_ten_where_they_do_not(gateway, requester, send, modern):
    now = int(wall_clock())
    ids = fill(gateway, requester, [({}, now - 100 + n) for n in range(12)])
    first = send(goamz, "SearchHITs")
    assert texts(first, "HITId") == ids[:10]
    assert (one(first, "NumResults"), one(first, "TotalNumResults"), one(first, "PageNumber")) == ("10", "12", "1")

    for number in range(12):
        modern.create_worker_block(WorkerId=f"A{number}BLOCKED", Reason="r")
    assert len(texts(send(php_giacomo, "GetBlockedWorkers", ("PageSize", "65535")), "WorkerId")) == 12
    assert len(texts(send(mturkr, "GetBlockedWorkers"), "WorkerId")) == 10


# Notifications

TOLD = ["HITReviewable", "AssignmentSubmitted"]
INDEXED_EVENTS = [(f"Notification.1.EventType.{n}", name) for n, name in enumerate(TOLD, 1)]
SPECIFIED = [
    ("Notification.1.Destination", "http://example.com/notify?to=me"),
    ("Notification.1.Transport", "REST"),
    ("Notification.1.Version", "2006-05-05"),
]


@pytest.mark.parametrize(
    ("client", "pairs", "active"),
    [
        (rturk, INDEXED_EVENTS, False),
        (perl, [*INDEXED_EVENTS, ("Active", "true")], True),
        (boto, [*INDEXED_EVENTS, ("Notification.1.Active", "True")], True),
        (mturkr, [("Notification.1.EventType", name) for name in TOLD], False),
        (mturkr, [*(("Notification.1.EventType", name) for name in TOLD), ("Active", "true")], True),
    ],
)
def test_receptors_are_told_of_the_events_that_each_client_names(gateway, requester, send, client, pairs, active):
    made = one(send(boto, "RegisterHITType", *NEEDED, *PRICE), "HITTypeId")
    send(client, "SetHITTypeNotification", ("HITTypeId", made), *SPECIFIED, *pairs)

    assert Receptors(gateway.house.ledger).get(requester, {"HITTypeId": made}) == {
        "Notification": {
            "Destination": "http://example.com/notify?to=me",
            "Transport": "REST",
            "Version": "2006-05-05",
            "EventTypes": TOLD,
        },
        "Active": active,
    }


@pytest.mark.parametrize(
    ("client", "transport", "destination"),
    [
        (mturkr, "SQS", "https://queue.amazonaws.com/123456789012/My_Queue-1"),
        (boto, "SQS", "https://queue.amazonaws.com/123456789012/My_Queue-1"),
        (mturkr, "Email", "me@example.com"),
        (rturk, "Email", "me@example.com"),
    ],
)
def test_destinations_come_raw_and_escaped(gateway, send, client, transport, destination):
    """A queue's URL stands in one client's bodies as it is."""
    made = one(send(boto, "RegisterHITType", *NEEDED, *PRICE), "HITTypeId")
    given = [(f"Notification.1.{name}", value) for name, value in (
        ("Destination", destination), ("Transport", transport), ("Version", "2006-05-05"), ("EventType", "HITExpired"),
    )]  # fmt: skip
    send(client, "SetHITTypeNotification", ("HITTypeId", made), *given, ("Active", "true"))

    query = select(notification_settings).where(notification_settings.c.hit_type_id == made)
    with gateway.house.marketplace.reading() as connection:
        kept = connection.execute(query).one()
    assert (kept.transport, kept.destination, kept.active) == (transport, destination, True)
    assert kept.event_types == "HITExpired"


# Operations that only some clients know


def test_a_batch_is_answered_block_by_block(gateway, requester, create):
    """As one client writes it: each parameter behind the operation's name and a number."""
    first, second = (create(boto, *HIT)["HITId"] for _ in range(2))
    blocks = [("GetHIT.1.HITId", first), ("GetHIT.2.HITId", second), ("GetHIT.3.HITId", "3NOSUCHHIT")]
    root = Exchange(gateway.url, perl(requester, "GetHIT", *blocks)).root

    assert [one(hit, "IsValid") for hit in root.iter("HIT")] == ["True", "True", "False"]
    assert texts(root, "HITId") == [first, second]


def test_rturk_refuses_a_request_and_reads_what_it_paid(send, create, modern, people):
    described = [("Name", "sings"), ("Description", "d")]
    made = one(send(rturk, "CreateQualificationType", *described), "QualificationTypeId")
    asked = [("QualificationRequestId", people.ask_for(made, "A1SINGER")), ("Reason", "sings flat")]
    send(rturk, "RejectQualificationRequest", *asked)
    assert "reason: sings flat" in people.do("qualifications", "--worker", "A1SINGER")

    hit = create(boto, *HIT)["HITId"]
    assignment = people.work(hit, "A1SINGER", q1="a")
    modern.send_bonus(WorkerId="A1SINGER", AssignmentId=assignment, BonusAmount="1234.5", Reason="r")
    root = send(rturk, "GetBonusPayments", ("HITId", hit))
    assert (one(root, "FormattedPrice"), one(root, "AssignmentId")) == ("$1,234.50", assignment)


def test_mturkr_extends_a_hit_in_both_ways_at_once(send, create, modern):
    before = create(mturkr, *HIT)
    more = [("MaxAssignmentsIncrement", "2"), ("ExpirationIncrementInSeconds", "3600")]
    send(mturkr, "ExtendHIT", ("HITId", before["HITId"]), *more)

    after = modern.get_hit(HITId=before["HITId"])["HIT"]
    assert after["MaxAssignments"] == 3
    assert (after["Expiration"] - before["Expiration"]).total_seconds() == 3600


def test_mturkr_reads_reports_of_reviews_that_there_are_none_of(send, create):
    """It looks for the counts of the first report without asking whether there is one."""
    hit = create(boto, *HIT)["HITId"]
    asked = [("PolicyLevel", "Assignment"), ("RetrieveActions", "T"), ("RetrieveResults", "T"), ("PageSize", "65535")]
    root = send(mturkr, "GetReviewResultsForHIT", ("HITId", hit), *asked)

    counts = [root.findtext(f".//AssignmentReviewReport/{name}") for name in ("NumResults", "TotalNumResults")]
    assert counts == ["0", "0"]


def test_mturkr_cuts_statistics_out_of_the_text(gateway, requester, send):
    send(boto, "CreateHIT", *HIT)
    asked = [("Statistic", "NumberHITsCreated"), ("TimePeriod", "LifeToDate"), ("Count", "1")]
    document = Exchange(gateway.url, mturkr(requester, "GetRequesterStatistic", *asked)).content.decode()
    assert document.split("<LongValue>")[1].split("</LongValue>")[0] == "1"
    assert document.split("<Date>")[1].split("</Date>")[0].endswith(":00:00Z")

    of_a_worker = [("Statistic", "NumberAssignmentsApproved"), ("TimePeriod", "LifeToDate"), ("WorkerId", "A1NEVER")]
    root = send(mturkr, "GetRequesterWorkerStatistic", *of_a_worker)
    assert (one(root, "LongValue"), one(root, "WorkerId")) == ("0", "A1NEVER")


def test_perl_asks_for_two_statistics_at_once(gateway, requester):
    names = ["NumberHITsCreated", "TotalRewardPayout"]
    blocks = [(f"GetRequesterStatistic.{n}.Statistic", name) for n, name in enumerate(names, 1)]
    shared = ("TimePeriod", "LifeToDate")
    root = Exchange(gateway.url, perl(requester, "GetRequesterStatistic", *blocks, shared)).root

    assert [child.tag for child in root] == ["OperationRequest", "GetStatisticResult", "GetStatisticResult"]
    assert [texts(result, "IsValid") for result in root.iter("GetStatisticResult")] == [["True"]] * 2
    assert texts(root, "Statistic") == names
    assert (texts(root, "LongValue"), texts(root, "DoubleValue")) == (["0"], ["0.0"])
