"""Programs written before 2019, unchanged, against the gateway."""

from __future__ import annotations

import datetime as dt
import gc
import warnings
from collections import Counter
from urllib.parse import urlsplit

import pytest

from mturk_gateway.clock import wall_clock
from mturk_gateway.marketplace.services.working import workers
from support import fill

with warnings.catch_warnings():
    # boto 2 is older than most of what Python warns of.
    warnings.simplefilter("ignore")
    boto = pytest.importorskip("boto", reason="boto 2.49 does not run on this Python")
    from boto.mturk.connection import MTurkConnection, MTurkRequestError
    from boto.mturk.price import Price
    from boto.mturk.qualification import (
        LocaleRequirement,
        NumberHitsApprovedRequirement,
        PercentAssignmentsApprovedRequirement,
        Qualifications,
        Requirement,
    )
    from boto.mturk.question import ExternalQuestion, HTMLQuestion

# boto leaves its connections to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

ALL_GROUPS = ["Minimal", "HITDetail", "HITQuestion", "HITAssignmentSummary"]
QUESTION = ExternalQuestion("https://example.com/task?a=1&b=2", 600)


def connect(gateway, key, secret):
    address = urlsplit(gateway.url)
    return MTurkConnection(key, secret, host=address.hostname, port=address.port, is_secure=False)


@pytest.fixture(autouse=True)
def _collected():
    """What boto leaves behind is collected here, and not in the middle of somebody else's test."""
    yield
    gc.collect()


@pytest.fixture
def conn(gateway, requester):
    return connect(gateway, requester.access_key, requester.secret)


@pytest.fixture
def refused(conn):
    def call(function, *given, **named):
        with pytest.raises(MTurkRequestError) as caught:
            function(*given, **named)
        assert caught.value.status == 200
        return caught.value

    return call


def parse_time(text):
    return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)


PROPERTIES = {"lifetime": 3600, "title": "t", "description": "d", "keywords": "k", "reward": 0.01, "duration": 60}
"""On Python 3, boto fails in itself without keywords."""


def work(gateway, hit, worker, text):
    with gateway.house.marketplace.writing() as connection:
        now = int(wall_clock())
        assignment = workers.accept(connection, hit, worker, now)
        workers.submit(connection, assignment, [("q1", text)], now)
    return assignment


def test_account_balance(conn):
    answer = conn.get_account_balance()

    assert (answer[0].amount, answer[0].currency_code, answer[0].formatted_price) == (10000.0, "USD", "$10,000.00")
    assert answer.status is True
    assert answer.RequestId


@pytest.mark.parametrize("wrong", ["key", "secret"])
def test_wrong_credentials(gateway, requester, refused, wrong):
    keys = {"key": requester.access_key, "secret": requester.secret, wrong: "AKIDWRONG"}

    assert refused(connect(gateway, **keys).get_account_balance).error_code == "AWS.NotAuthorized"


def test_operations_that_do_not_exist_and_that_are_not_available(conn, refused):
    assert refused(conn._process_request, "NoSuchOperation", {}).error_code == "AWS.InvalidOperationParameter"
    later = refused(conn.dispose_hit, "3HIT")
    assert later.error_code == "AWS.InvalidOperationParameter"
    assert "not available in this gateway yet" in later.error_message


def test_hit_types_are_registered_once(conn):
    wanted = Qualifications()
    wanted.add(PercentAssignmentsApprovedRequirement("GreaterThanOrEqualTo", 95))
    wanted.add(NumberHitsApprovedRequirement("GreaterThan", 10, required_to_preview=True))
    wanted.add(LocaleRequirement("In", ["US", "CA", "GB"]))

    made = [
        conn.register_hit_type(
            "title", "d", Price(0.25), dt.timedelta(minutes=10), keywords=["one", "two"], qual_req=wanted
        )[0].HITTypeId
        for _ in range(2)
    ]

    assert made[0] == made[1]
    hit = conn.create_hit(hit_type=made[0], question=QUESTION, lifetime=3600, response_groups=ALL_GROUPS)[0]
    assert (hit.Title, hit.Amount, hit.FormattedPrice, hit.Keywords) == ("title", "0.25", "$0.25", "one, two")
    assert (hit.HITStatus, hit.HITReviewStatus, hit.IsValid) == ("Assignable", "NotReviewed", "True")
    assert (hit.Country, hit.RequiredToPreview) == ("GB", "0")


def test_create_and_get_a_hit_with_properties_of_its_own(conn):
    html = HTMLQuestion("<html><body><form>caf&#233; &amp; <b>bold</b></form></body></html>", 450)
    made = conn.create_hit(
        question=html,
        lifetime=dt.timedelta(days=1),
        max_assignments=3,
        title="über 你好",
        description="d",
        keywords="k1, k2",
        reward=1.5,
        duration=dt.timedelta(minutes=5),
        approval_delay=3600,
        annotation="mine",
        response_groups=ALL_GROUPS,
    )[0]
    found = conn.get_hit(made.HITId, response_groups=ALL_GROUPS)[0]

    for hit in (made, found):
        assert (hit.Title, hit.Amount, hit.MaxAssignments) == ("über 你好", "1.50", "3")
        assert (hit.AutoApprovalDelayInSeconds, hit.AssignmentDurationInSeconds) == ("3600", "300")
        assert "<HTMLContent>" in hit.Question
        assert hit.RequesterAnnotation == "mine"
        assert hit.NumberOfAssignmentsAvailable == "3"
        assert hit.expired is False
        assert parse_time(hit.Expiration) - parse_time(hit.CreationTime) == dt.timedelta(days=1)


def test_only_asked_groups_come_back(conn):
    made = conn.create_hit(question=QUESTION, **PROPERTIES)[0]

    assert made.HITTypeId
    assert not hasattr(made, "Question")
    assert not hasattr(conn.get_hit(made.HITId)[0], "NumberOfAssignmentsAvailable")


def test_mistakes_have_codes(conn, refused):
    class Bad(ExternalQuestion):
        def get_as_xml(self):
            return "<ExternalQuestion><ExternalURL>x</ExternalQuestion>"

    assert refused(conn.create_hit, question=Bad("x", 1), **PROPERTIES).error_code == "AWS.MechanicalTurk.XMLParseError"
    assert (
        refused(conn.create_hit, hit_type="3" + "T" * 29, question=QUESTION, lifetime=60).error_code
        == "AWS.MechanicalTurk.InvalidParameterValue"
    )
    assert refused(conn.get_hit, "3" + "H" * 29).error_code == "AWS.MechanicalTurk.HITDoesNotExist"
    assert refused(conn.approve_assignment, "3A").error_code == "AWS.MechanicalTurk.AssignmentDoesNotExist"
    assert refused(conn.search_hits, page_size=0).error_code == "AWS.ParameterOutOfRange"
    assert refused(conn._process_request, "CreateHIT", {}).error_code == "AWS.MissingParameters"


def test_qualification_types(conn, refused):
    made = conn.create_qualification_type("plain", "plain & <simple>", "Active", keywords=["alpha", "beta"])[0]
    auto = conn.create_qualification_type("auto", "d", "Active", auto_granted=True, auto_granted_value=7)[0]
    again = refused(conn.create_qualification_type, "plain", "again", "Active")

    assert (made.Name, made.Description, made.QualificationTypeStatus) == ("plain", "plain & <simple>", "Active")
    assert (made.AutoGranted, made.IsValid) == ("0", "True")
    assert (auto.AutoGranted, auto.AutoGrantedValue) == ("1", "7")
    assert again.error_code == "AWS.MechanicalTurk.QualificationTypeAlreadyExists"
    assert "already created a QualificationType with this name" in again.error_message


def test_hits_that_need_a_qualification(conn):
    made = conn.create_qualification_type("needed", "d", "Active")[0].QualificationTypeId
    wanted = Qualifications()
    wanted.add(Requirement(made, "In", [1, 2, 91]))
    conn.create_hit(question=QUESTION, qualifications=wanted, **PROPERTIES)
    # boto has no method for this operation.
    page = conn._process_request(
        "GetHITsForQualificationType", {"QualificationTypeId": made}, [("HIT", boto.mturk.connection.HIT)]
    )

    assert page.TotalNumResults == "1"
    assert page[0].IntegerValue == "91"


def test_assignments_from_submission_to_decision(conn, gateway, refused):
    hit = conn.create_hit(question=QUESTION, max_assignments=3, **PROPERTIES)[0].HITId
    first = work(gateway, hit, "A1FIRST", "first <answer> & more\r\nline")
    second = work(gateway, hit, "A2SECOND", "second")

    found = conn.get_assignments(hit, status="Submitted", sort_by="SubmitTime", sort_direction="Descending")
    assert found.TotalNumResults == "2"
    assert {a.WorkerId for a in found} == {"A1FIRST", "A2SECOND"}
    values = {a.AssignmentId: a.answers[0][0].fields[0] for a in found}
    assert values[first] == "first <answer> & more\r\nline"

    alone = conn.get_assignment(first)
    assert (alone[0].AssignmentId, alone[1].HITId) == (first, hit)

    assert conn.approve_assignment(first, feedback="thanks") == []
    again = refused(conn.approve_assignment, first)
    assert again.error_code == "AWS.MechanicalTurk.InvalidAssignmentState"
    assert "<Key>CurrentState</Key><Value>Approved</Value>" in again.body
    assert conn.reject_assignment(second) == []

    decided = conn.get_assignments(hit, status="Approved,Rejected", response_groups=["Minimal", "AssignmentFeedback"])
    assert {a.AssignmentId: a.AssignmentStatus for a in decided} == {first: "Approved", second: "Rejected"}
    assert {getattr(a, "RequesterFeedback", None) for a in decided} == {"thanks", None}


def test_boto_walks_sorts_and_pages_1050_hits(conn, gateway, requester):
    """Exact totals, no row twice and none missing, in every order that boto can ask for."""
    now = int(wall_clock())
    ids = fill(
        gateway, requester, [({"Title": f"t{n % 7}", "Reward": f"{n % 5}.00"}, now - n % 900) for n in range(1050)]
    )
    orders = {
        "CreationTime": lambda hit: hit.CreationTime,
        "Expiration": lambda hit: hit.Expiration,
        "Reward": lambda hit: float(hit.Amount),
        "Title": lambda hit: hit.Title,
        "Enumeration": lambda _hit: 0,
    }
    for order, key in orders.items():
        for direction in ("Ascending", "Descending"):
            hits = []
            number = 1
            while True:
                page = conn.search_hits(sort_by=order, sort_direction=direction, page_size=100, page_number=number)
                assert (page.TotalNumResults, page.NumResults) == ("1050", str(len(page)))
                if not page:
                    break
                hits += page
                number += 1
            assert Counter(hit.HITId for hit in hits) == Counter(ids)
            keys = [key(hit) for hit in hits]
            assert keys == sorted(keys, reverse=direction == "Descending")


def test_boto_lists_reviewable_hits_with_the_defaults_that_it_always_sends(conn, gateway, requester):
    now = int(wall_clock())
    ids = fill(gateway, requester, [({"LifetimeInSeconds": 30 + n}, now - 1000) for n in range(25)])

    pages = [conn.get_reviewable_hits(page_size=10, page_number=number) for number in (1, 2, 3, 4)]

    # boto says Ascending where the service's own default was Descending.
    assert [hit.HITId for page in pages for hit in page] == ids
    assert {page.TotalNumResults for page in pages} == {"25"}
