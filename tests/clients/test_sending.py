"""What each client sends is understood as it means it: transport, signature, lists, structures and values."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from sqlalchemy import select

from clients.wire import (
    CLIENTS,
    CREATORS,
    Exchange,
    boto,
    boto_through_proxy,
    goamz,
    mturkr,
    perl,
    php_giacomo,
    php_jackbot,
    php_karlhepler,
    php_mturk_api,
    rturk,
    ruby_aws,
    ruby_aws_get,
)
from mturk_gateway.admin import keep_layout
from mturk_gateway.auth import SERVICE
from mturk_gateway.clock import wall_clock
from mturk_gateway.ledger.receptors import Receptors
from mturk_gateway.marketplace.tables import notification_settings
from support import QUESTION, fill, modern_client, one, texts

INDEXED_PRICE = [("Reward.1.Amount", "0.25"), ("Reward.1.CurrencyCode", "USD")]
PRICE = [("Reward.Amount", "0.25"), ("Reward.CurrencyCode", "USD")]
NEEDED = [
    ("Title", "Name the birds"),
    ("Description", "Which ones?"),
    ("AssignmentDurationInSeconds", "60"),
    ("LifetimeInSeconds", "3600"),
]
HIT = [*NEEDED, *INDEXED_PRICE, ("Question", QUESTION)]


@pytest.fixture
def send(gateway, requester):
    """Send what a client writes; gives the answer, which must say that all is well."""

    def exchange(client, operation, *pairs, valid="True"):
        answer = Exchange(gateway.url, client(requester, operation, *pairs))
        assert answer.status == 200, answer.content
        assert texts(answer.root, "IsValid") == [valid], answer.content
        return answer.root

    return exchange


@pytest.fixture
def modern(gateway, requester):
    with modern_client(gateway.url, requester) as client:
        yield client


@pytest.fixture
def create(send, modern):
    """Create a HIT as a client writes it; gives the HIT as boto3 sees it."""

    def created(client, *pairs):
        return modern.get_hit(HITId=one(send(client, "CreateHIT", *pairs), "HITId"))["HIT"]

    return created


def each(clients):
    return pytest.mark.parametrize("client", clients, ids=lambda client: client.__name__)


# Transport and signature


@each(CLIENTS)
def test_each_client_is_understood_as_it_writes(gateway, patient, client):
    answer = Exchange(gateway.url, client(patient, "GetAccountBalance"))

    assert answer.status == 200, answer.content
    assert b"<GetAccountBalanceResult><Request><IsValid>True</IsValid></Request>" in answer.content
    assert texts(answer.root, "Amount")[0] == "10000.00"


@each(CLIENTS)
def test_each_client_is_refused_with_another_secret(gateway, patient, client):
    forger = type(patient)(patient.profile, patient.access_key, "not-the-secret")
    answer = Exchange(gateway.url, client(forger, "GetAccountBalance"))

    assert answer.status == 200
    assert one(answer.root, "Code") == "AWS.NotAuthorized"


def test_the_forms_are_those_that_the_table_of_clients_tells(requester):
    """What makes each of them hard to serve, so that no writer here turns into a better-behaved one."""
    written = {client.__name__: client(requester, "GetHIT", ("HITId", "3A")).decode() for client in CLIENTS}
    heads = {name: text.partition("\r\n\r\n")[0] for name, text in written.items()}

    def named(condition):
        return {name for name, text in written.items() if condition(name, text)}

    assert named(lambda _, text: "Version=20" not in text) == {"mturkr", "goamz", "php_mturk_api", "php_jackbot"}
    assert named(lambda _, text: f"Service={SERVICE}" not in text) == {
        "boto", "boto_through_proxy", "ruby_aws", "php_mturk_api", "php_jackbot",
    }  # fmt: skip
    assert named(lambda _, text: text.count(f"Service={SERVICE}") == 2) == {"perl"}
    assert named(lambda _, text: "\r\n\r\n&" in text) == {"mturkr"}
    assert named(lambda _, text: "SignatureVersion=1" in text) == {"boto", "boto_through_proxy"}
    assert named(lambda name, _: heads[name].startswith("GET /?")) == {
        "ruby_aws_get", "goamz", "php_giacomo", "php_jackbot",
    }  # fmt: skip
    assert named(lambda name, _: heads[name].startswith("POST http://")) == {"boto_through_proxy"}
    assert named(lambda name, _: re.search("Connection: .*close", heads[name])) == {"perl", "php_jackbot"}


@each([perl, php_jackbot])
def test_who_asks_for_the_connection_to_be_closed_gets_a_whole_body_and_that(gateway, patient, client):
    answer = Exchange(gateway.url, client(patient, "GetAccountBalance"))

    assert answer.closed
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_local_time_that_calls_itself_utc_is_stale_unless_the_profile_allows_for_it(gateway, requester):
    answer = Exchange(gateway.url, php_jackbot(requester, "GetAccountBalance"))

    assert (answer.status, one(answer.root, "Code")) == (200, "AWS.BadClaimsSupplied")


# Creating a HIT


@pytest.mark.parametrize(
    ("client", "price"),
    [(client, PRICE if client is rturk else INDEXED_PRICE) for client in CREATORS],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_each_client_creates_a_hit_with_its_price_and_its_way_of_escaping(create, client, price):
    """Blanks come as + and as %20; @ and : as they are from one client."""
    title = "Name the birds + trees & 100% of 鳥 at a@b:c"
    made = create(
        client,
        ("Title", title),
        ("Description", "two  blanks"),
        ("Keywords", "birds, trees"),
        ("AssignmentDurationInSeconds", "60"),
        ("LifetimeInSeconds", "3600"),
        ("MaxAssignments", "3"),
        ("Question", QUESTION),
        *price,
    )

    assert (made["Title"], made["Description"], made["Keywords"]) == (title, "two  blanks", "birds, trees")
    assert (made["Reward"], made["MaxAssignments"], made["Question"]) == ("0.25", 3, QUESTION)


APPROVED, NUMBER, LOCALE = "000000000000000000L0", "00000000000000000040", "00000000000000000071"
US = [{"Country": "US"}]


def wanted(type_id, comparator, integers=(), locales=(), guards="Accept"):
    """A requirement as boto3 shows it."""
    values = {"IntegerValues": list(integers)} if integers else {"LocaleValues": list(locales)}
    return {
        "QualificationTypeId": type_id,
        "Comparator": comparator,
        **values,
        "RequiredToPreview": guards != "Accept",
        "ActionsGuarded": guards,
    }


def requirement(number, type_id, comparator, *values):
    path = f"QualificationRequirement.{number}."
    return [
        (f"{path}QualificationTypeId", type_id),
        (f"{path}Comparator", comparator),
        *((path + name, value) for name, value in values),
    ]


AT_LEAST = requirement(1, APPROVED, "GreaterThanOrEqualTo", ("IntegerValue", "95"))
PREVIEW = ("IntegerValue", "10"), ("RequiredToPreview", "true")


@pytest.mark.parametrize(
    ("client", "pairs", "meant"),
    [
        *((client, AT_LEAST, [wanted(APPROVED, "GreaterThanOrEqualTo", [95])])
          for client in (boto, rturk, perl, ruby_aws, php_mturk_api)),
        (
            mturkr,
            requirement(1, APPROVED, "GreaterThan", ("IntegerValue.1", "95"), ("RequiredToPreview", "1")),
            [wanted(APPROVED, "GreaterThan", [95], guards="PreviewAndAccept")],
        ),
        (
            mturkr,
            requirement(1, APPROVED, "GreaterThan", ("IntegerValue.1", "95"), ("RequiredToPreview", "0")),
            [wanted(APPROVED, "GreaterThan", [95])],
        ),
        (
            boto,
            [
                *AT_LEAST,
                *requirement(2, NUMBER, "GreaterThan", *PREVIEW),
                *requirement(3, LOCALE, "In", *((f"LocaleValue.{n}.Country", c) for n, c in ((1, "US"), (2, "CA")))),
                *requirement(4, NUMBER, "In", ("IntegerValue.1", "1"), ("IntegerValue.2", "2")),
            ],
            [
                wanted(APPROVED, "GreaterThanOrEqualTo", [95]),
                wanted(NUMBER, "GreaterThan", [10], guards="PreviewAndAccept"),
                wanted(LOCALE, "In", locales=[{"Country": "US"}, {"Country": "CA"}]),
                wanted(NUMBER, "In", [1, 2]),
            ],
        ),
        *((client, requirement(1, LOCALE, "EqualTo", ("LocaleValue.Country", "US")),
           [wanted(LOCALE, "EqualTo", (), US)])
          for client in (rturk, php_mturk_api)),
        *((client, requirement(1, LOCALE, "EqualTo", ("LocaleValue.1.Country", "US")),
           [wanted(LOCALE, "EqualTo", (), US)])
          for client in (perl, ruby_aws)),
        *((client, requirement(1, LOCALE, "In", ("LocaleValue.1.Country", "US"), ("LocaleValue.1.Subdivision", "NY"),
                               ("LocaleValue.2.Country", "CA")),
           [wanted(LOCALE, "In", locales=[{"Country": "US", "Subdivision": "NY"}, {"Country": "CA"}])])
          for client in (boto, mturkr)),
    ],
)  # fmt: skip
def test_requirements_are_those_that_each_client_writes(create, client, pairs, meant):
    assert create(client, *HIT, *pairs)["QualificationRequirements"] == meant


def test_requirements_written_as_one_xml_text_are_refused_and_not_passed_over(send, modern):
    """One client does so, and never had its HITs restricted, if it had them at all."""
    text = f"<QualificationRequirement><QualificationTypeId>{NUMBER}</QualificationTypeId></QualificationRequirement>"
    root = send(goamz, "CreateHIT", *HIT, ("QualificationRequirement", text), valid="False")

    assert one(root, "Code") == "AWS.MechanicalTurk.InvalidParameterValue"
    assert modern.list_hits()["HITs"] == []


ALL_FOUR = ["Minimal", "HITDetail", "HITQuestion", "HITAssignmentSummary"]
RTURKS_FOUR = ["HITDetail", "HITQuestion", "Minimal", "HITAssignmentSummary"]


@pytest.mark.parametrize(
    ("client", "pairs", "shown"),
    [
        *((client, [(f"ResponseGroup.{n}", name) for n, name in enumerate(ALL_FOUR, 1)], "Title Question Number")
          for client in (boto, perl, ruby_aws)),
        (rturk, [(f"ResponseGroup.{n}", name) for n, name in enumerate(RTURKS_FOUR)], "Title Question Number"),
        (mturkr, [(f"ResponseGroup{n}", name) for n, name in enumerate(ALL_FOUR)], "Title Question Number"),
        (boto, [("ResponseGroup.1", "Minimal"), ("ResponseGroup.2", "HITAssignmentSummary")], "Number"),
        (mturkr, [("ResponseGroup0", "Minimal"), ("ResponseGroup1", "HITDetail")], "Title"),
        (mturkr, [("ResponseGroup", "Minimal")], ""),
        (php_mturk_api, [("ResponseGroup", "Minimal")], ""),
        (goamz, [], "Title Question"),
    ],
)  # fmt: skip
def test_response_groups_are_those_that_each_client_writes(send, client, pairs, shown):
    hit = one(send(boto, "CreateHIT", *HIT), "HITId")
    root = send(client, "GetHIT", ("HITId", hit), *pairs)

    names = {"Title": "Title", "Question": "Question", "Number": "NumberOfAssignmentsAvailable"}
    assert {word for word, name in names.items() if texts(root, name)} == set(shown.split())
    assert one(root, "HITId") == hit


@each([boto, php_mturk_api])
def test_a_layout_is_filled_in_with_what_each_client_writes(gateway, requester, create, client):
    page = "<html><body><form>${image}</form></body></html>"
    keep_layout(gateway.house.marketplace, requester.profile, "3BIRDLAYOUT", page, 400, wall_clock(), sandbox=False)
    values = [("HITLayoutParameter.1.Name", "image"), ("HITLayoutParameter.1.Value", "http://a.example/?b=1,2")]
    made = create(client, *NEEDED, *INDEXED_PRICE, ("HITLayoutId", "3BIRDLAYOUT"), *values)

    assert "<form>http://a.example/?b=1,2</form>" in made["Question"]


KNOWN_ANSWERS, PLURALITY = "ScoreMyKnownAnswers/2011-09-01", "SimplePlurality/2011-09-01"


@pytest.mark.parametrize(
    ("client", "pairs", "found"),
    [
        (
            php_mturk_api,
            [
                ("AssignmentReviewPolicy.1.PolicyName", KNOWN_ANSWERS),
                ("AssignmentReviewPolicy.1.Parameter.1.Key", "AnswerKey"),
                ("AssignmentReviewPolicy.1.Parameter.1.MapEntry.1.Key", "q1"),
                ("AssignmentReviewPolicy.1.Parameter.1.MapEntry.1.Value", "a"),
                ("AssignmentReviewPolicy.1.Parameter.1.MapEntry.2.Key", "q2"),
                ("AssignmentReviewPolicy.1.Parameter.1.MapEntry.2.Value", "b"),
            ],
            {("AssignmentReviewReport", "KnownAnswerScore", "50")},
        ),
        (
            mturkr,
            [
                ("HITReviewPolicy.PolicyName", PLURALITY),
                ("HITReviewPolicy.Parameter.1.Key", "QuestionIds"),
                ("HITReviewPolicy.Parameter.1.Value.1", "q1"),
                ("HITReviewPolicy.Parameter.1.Value.2", "q2"),
                ("HITReviewPolicy.Parameter.2.Key", "QuestionAgreementThreshold"),
                ("HITReviewPolicy.Parameter.2.Value", "50"),
                ("HITReviewPolicy.Parameter.3.Key", "DisregardAssignmentIfRejected"),
                ("HITReviewPolicy.Parameter.3.Value", "F"),
            ],
            {("HITReviewReport", "AgreedAnswer", "a"), ("HITReviewReport", "AgreedAnswer", "c")},
        ),
    ],
)
def test_review_policies_judge_as_each_client_writes_them(create, modern, people, client, pairs, found):
    hit = create(client, *HIT, *pairs)["HITId"]
    people.work(hit, "A1JUDGED", q1="a", q2="c")

    report = modern.list_review_policy_results_for_hit(HITId=hit)
    judged = {
        (level, result["Key"], result["Value"])
        for level in ("AssignmentReviewReport", "HITReviewReport")
        for result in report.get(level, {}).get("ReviewResults", [])
    }
    assert found <= judged


# Qualification types and booleans


@pytest.mark.parametrize(
    ("client", "true", "false"),
    [(boto, "True", "False"), (rturk, "true", "false"), (perl, "true", "false"), (mturkr, "true", "false")],
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


def test_one_client_reads_without_a_version_or_a_service_on_http_1_0(gateway, patient):
    (hit,) = fill(gateway, patient, [({}, int(wall_clock()))])
    for operation, pairs in (("GetHIT", [("HITId", hit)]), ("SearchHITs", [])):
        answer = Exchange(gateway.url, php_jackbot(patient, operation, *pairs))
        assert (answer.status, one(answer.root, "HITId"), answer.closed) == (200, hit, True)


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
    made = one(send(boto, "RegisterHITType", *NEEDED, *INDEXED_PRICE), "HITTypeId")
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
    made = one(send(boto, "RegisterHITType", *NEEDED, *INDEXED_PRICE), "HITTypeId")
    given = [(f"Notification.1.{name}", value) for name, value in (
        ("Destination", destination), ("Transport", transport), ("Version", "2006-05-05"), ("EventType", "HITExpired"),
    )]  # fmt: skip
    send(client, "SetHITTypeNotification", ("HITTypeId", made), *given, ("Active", "true"))

    query = select(notification_settings).where(notification_settings.c.hit_type_id == made)
    with gateway.house.marketplace.reading() as connection:
        kept = connection.execute(query).one()
    assert (kept.transport, kept.destination, kept.active) == (transport, destination, True)
    assert kept.event_types == "HITExpired"


# Batches and other operations


def test_a_batch_is_answered_block_by_block(gateway, requester, create):
    """As one client writes it: each parameter behind the operation's name and a number."""
    first, second = (create(boto, *HIT)["HITId"] for _ in range(2))
    blocks = [("GetHIT.1.HITId", first), ("GetHIT.2.HITId", second), ("GetHIT.3.HITId", "3NOSUCHHIT")]
    root = Exchange(gateway.url, perl(requester, "GetHIT", *blocks)).root

    assert [one(hit, "IsValid") for hit in root.iter("HIT")] == ["True", "True", "False"]
    assert texts(root, "HITId") == [first, second]


@each([perl, php_karlhepler, php_giacomo])
def test_any_name_is_passed_on_as_an_operation(gateway, requester, client):
    answer = Exchange(gateway.url, client(requester, "GetNothing"))

    assert (answer.status, one(answer.root, "Code")) == (200, "AWS.InvalidOperationParameter")


def test_escaped_twice_is_not_unescaped_twice(create):
    """A question comes as text, once unescaped."""
    text = quote(QUESTION)
    made = create(ruby_aws_get, *HIT, ("RequesterAnnotation", text[:200]))

    assert made["RequesterAnnotation"] == text[:200]
    assert create(boto_through_proxy, *HIT)["Question"] == QUESTION
