"""boto 2.49, which psiTurk and Dallinger are built on, through the whole life of HITs and qualifications."""

from __future__ import annotations

import datetime as dt
import gc
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from botocore.retries.standard import ExponentialBackoff

from clients.boto2 import LEFT, MTurkRequestError, Price, connect, connection, layoutparam, qualification, question
from mturk_gateway.admin import keep_layout
from mturk_gateway.clock import wall_clock
from mturk_gateway.credentials import Requester, write_profile
from mturk_gateway.ledger.receptors import Receptors
from support import ScriptedUpstream, fill, modern_client
from test_serve import served

pytestmark = LEFT

ALL_GROUPS = ["Minimal", "HITDetail", "HITQuestion", "HITAssignmentSummary"]
QUESTION = question.ExternalQuestion("https://example.com/task?a=1&b=2", 600)
PROPERTIES = {"lifetime": 3600, "title": "t", "description": "d", "keywords": "k", "reward": 0.01, "duration": 60}
"""On Python 3, boto fails in itself without keywords."""

MTURK = "AWS.MechanicalTurk."


@pytest.fixture(autouse=True)
def _collected():
    """What boto leaves behind is collected here, and not in the middle of somebody else's test."""
    yield
    gc.collect()


@pytest.fixture
def conn(gateway, requester):
    return connect(gateway, requester)


@pytest.fixture
def settings():
    """Write boto's configuration file: the section about connections."""
    config = connection.config
    config.add_section("Boto")

    def write(**values):
        for name, value in values.items():
            config.set("Boto", name, value)

    yield write
    config.remove_section("Boto")


@pytest.fixture
def refused():
    """Make a call that fails; gives boto's exception."""

    def call(function, *given, **named):
        with pytest.raises(MTurkRequestError) as caught:
            function(*given, **named)
        assert caught.value.status == 200
        return caught.value

    return call


@pytest.fixture
def modern(gateway, requester):
    with modern_client(gateway.url, requester) as client:
        yield client


def is_nothing(answer):
    """Whether an answer says that it is done, and no more: Dallinger compares it with an empty list."""
    return answer == [] and answer.status is True


def parse_time(text):
    return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)


def soon(text):
    """Whether a time is that of a moment ago."""
    return abs(parse_time(text).timestamp() - wall_clock()) < 60


# Account and addresses


def test_account_balance(conn):
    answer = conn.get_account_balance()

    assert (answer[0].amount, answer[0].currency_code, answer[0].formatted_price) == (10000.0, "USD", "$10,000.00")
    assert answer.status is True
    assert answer.RequestId


@pytest.mark.parametrize("wrong", ["access_key", "secret"])
def test_wrong_credentials(gateway, requester, refused, wrong):
    stranger = replace(requester, **{wrong: "AKIDWRONG"})

    assert refused(connect(gateway, stranger).get_account_balance).error_code == "AWS.NotAuthorized"


def test_a_proxy_setting_reaches_the_gateway_in_place_of_amazons_hosts(gateway, requester, settings):
    """The way for programs, such as psiTurk, in which the hosts are literals: those of both realms are known."""
    address = urlsplit(gateway.url)
    settings(is_secure="False", proxy=address.hostname, proxy_port=str(address.port))
    production, sandbox = (
        connection.MTurkConnection(requester.access_key, requester.secret, host=host)
        for host in ("mechanicalturk.amazonaws.com", "mechanicalturk.sandbox.amazonaws.com")
    )
    made = sandbox.create_hit(question=QUESTION, **PROPERTIES)[0].HITId

    assert production.get_account_balance()[0].amount == 10000.0
    assert [hit.HITId for hit in sandbox.search_hits()] == [made]
    assert not production.search_hits()


@pytest.mark.filterwarnings("ignore:ssl:DeprecationWarning", "ignore:unclosed <ssl:ResourceWarning")
def test_tls_is_spoken_with_a_certificate_that_the_settings_name(tmp_path, settings):
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl to make a certificate with")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1"]
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*words, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    settings(ca_certificates_file=str(certificate))
    write_profile(tmp_path / "credentials", Requester("lab", "AKIDLAB", "lab-secret"))
    options = ["--credentials", tmp_path / "credentials", "--tls-certificate", certificate, "--tls-key", key]
    with served(tmp_path / "data", *options) as (_, url):
        conn = connection.MTurkConnection("AKIDLAB", "lab-secret", host="localhost", port=urlsplit(url).port)

        assert conn.get_account_balance().status is True
        # The supervisor waits for connections that are open.
        del conn
        gc.collect()


def test_a_service_that_is_down_for_a_moment_is_asked_again_by_boto_itself(foreign_gateway, monkeypatch):
    """The program does not notice, because the HTTP status says so."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)
    tries = iter([500] * 3)

    def answer(*_):
        return next(tries, 200), {"AvailableBalance": "5.00"}

    with ScriptedUpstream(answer) as upstream:
        gateway, requester = foreign_gateway(upstream.url)
        assert connect(gateway, requester).get_account_balance()[0].amount == 5.0
        # Three times by the gateway, which then gave up, and once more for boto's second request.
        assert len(upstream.calls) == 4


def test_an_operation_that_never_was(conn, refused):
    assert refused(conn._process_request, "NoSuchOperation", {}).error_code == "AWS.InvalidOperationParameter"


def test_help(conn):
    answer = conn.get_help("CreateHIT")

    assert (answer.Name, answer.status) == ("CreateHIT", True)
    assert conn.get_help("HITDetail", help_type="ResponseGroup").Name == "HITDetail"


# Qualification types and who has what


def form():
    """A question form of boto's own making."""
    content = question.QuestionContent()
    content.append_field("Text", "How are you? &lt;&amp;&gt;")
    overview = question.Overview()
    overview.append_field("Title", "A form")
    free = question.AnswerSpecification(question.FreeTextAnswer(num_lines=2))
    choice = question.SelectionAnswer(
        min=1, max=1, style="radiobutton", selections=[("Yes", "y"), ("No", "n")], type="text"
    )
    made = question.QuestionForm()
    made.append(overview)
    made.append(question.Question("q1", content, free, is_required=True))
    made.append(question.Question("q2", content, question.AnswerSpecification(choice)))
    return made


def test_qualification_types_are_made_read_changed_found_and_disposed_of(conn, refused):
    made = conn.create_qualification_type("plain", "plain & <simple>", "Active", keywords=["alpha", "beta"])[0]
    auto = conn.create_qualification_type(
        "auto", "d", "Active", auto_granted=True, auto_granted_value=7, retry_delay=60
    )[0]
    tested = conn.create_qualification_type("tested", "d", "Inactive", test=form(), test_duration=600)[0]
    again = refused(conn.create_qualification_type, "plain", "again", "Active")

    assert (made.Name, made.Description, made.QualificationTypeStatus) == ("plain", "plain & <simple>", "Active")
    assert (made.AutoGranted, made.IsValid, made.Keywords) == ("0", "True", "alpha, beta")
    assert soon(made.CreationTime)
    assert (auto.AutoGranted, auto.AutoGrantedValue, auto.RetryDelayInSeconds) == ("1", "7", "60")
    assert (tested.Test, tested.TestDurationInSeconds) == (form().get_as_xml(), "600")
    assert again.error_code == MTURK + "QualificationTypeAlreadyExists"
    # Dallinger knows it by these words.
    assert "already created a QualificationType with this name" in again.message

    changed = conn.update_qualification_type(
        made.QualificationTypeId, description="changed", status="Active", retry_delay=120
    )[0]
    read = conn.get_qualification_type(made.QualificationTypeId)[0]
    for found in (changed, read):
        assert (found.Name, found.Description, found.RetryDelayInSeconds) == ("plain", "changed", "120")
        assert found.IsValid == "True"

    assert is_nothing(conn.dispose_qualification_type(made.QualificationTypeId))
    gone = refused(conn.get_qualification_type, "3" + "Z" * 29)
    assert gone.error_code == MTURK + "QualificationTypeDoesNotExist"


def test_qualification_types_are_searched_with_and_without_a_query(conn):
    """Without one, boto sends the text None."""
    names = ["violin", "viola", "cello"]
    made = {name: conn.create_qualification_type(name, "d", "Active")[0].QualificationTypeId for name in names}

    everything = conn.search_qualification_types()
    assert [found.Name for found in everything] == sorted(names)
    assert (everything.TotalNumResults, everything.NumResults, everything.PageNumber) == ("3", "3", "1")
    one = conn.search_qualification_types(query="viola", must_be_requestable=False)
    assert [found.QualificationTypeId for found in one] == [made["viola"]]
    second = conn.search_qualification_types(page_size=2, page_number=2, sort_direction="Descending")
    assert [found.Name for found in second] == ["cello"]
    assert not conn.search_qualification_types(page_size=2, page_number=3)


def test_qualifications_are_assigned_scored_listed_and_revoked(conn, refused):
    made = conn.create_qualification_type("skill", "d", "Active")[0].QualificationTypeId
    workers = [f"A{number}SKILLED" for number in range(1, 4)]
    for number, worker in enumerate(workers):
        assert is_nothing(conn.assign_qualification(made, worker, value=80 + number, send_notification=number == 1))
    assert is_nothing(conn.update_qualification_score(made, workers[0], 91))

    score = conn.get_qualification_score(made, workers[0])[0]
    assert (score.SubjectId, score.IntegerValue, score.Status) == (workers[0], "91", "Granted")
    page = conn.get_qualifications_for_qualification_type(made)
    assert {held.SubjectId: held.IntegerValue for held in page} == dict(zip(workers, ["91", "81", "82"], strict=True))
    assert page.TotalNumResults == "3"
    last = conn.get_qualifications_for_qualification_type(made, page_size=2, page_number=2)
    assert (len(last), last.PageNumber, last.TotalNumResults) == (1, "2", "3")
    assert not conn.get_qualifications_for_qualification_type(made, page_number=2)

    assert is_nothing(conn.revoke_qualification(workers[1], made, reason="no more"))
    assert is_nothing(conn.revoke_qualification(workers[2], made))
    left = conn.get_qualifications_for_qualification_type(made)
    assert [held.SubjectId for held in left] == [workers[0]]
    assert conn.get_qualification_score(made, workers[1])[0].Status == "Revoked"
    never = refused(conn.get_qualification_score, made, "A9NOBODY")
    assert never.error_code == MTURK + "QualificationDoesNotExist"


def test_a_reason_that_is_left_out_is_no_reason_to_the_worker(conn, people):
    """Python's None is sent as text."""
    made = conn.create_qualification_type("skill", "d", "Active")[0].QualificationTypeId
    for worker, reason in (("A1TOLD", "too slow"), ("A1UNTOLD", None)):
        conn.assign_qualification(made, worker)
        conn.revoke_qualification(worker, made, reason=reason)

    assert "reason: too slow" in people.do("qualifications", "--worker", "A1TOLD")
    assert "reason" not in people.do("qualifications", "--worker", "A1UNTOLD")


def test_a_worker_asks_for_a_qualification_and_gets_it(conn, people, refused):
    made, other = (
        conn.create_qualification_type(name, "d", "Active")[0].QualificationTypeId for name in ("one", "two")
    )
    nobody = conn.get_qualification_requests(other)
    assert (len(nobody), nobody.TotalNumResults) == (0, "0")
    request = people.ask_for(made, "A1ASKING")

    # boto sorts by Expiration here, which is no property of a request, unless it is told otherwise.
    for found in (conn.get_qualification_requests(made), conn.get_qualification_requests(made, sort_by="SubmitTime")):
        assert [(one.QualificationRequestId, one.SubjectId) for one in found] == [(request, "A1ASKING")]
        assert soon(found[0].SubmitTime)
    assert is_nothing(conn.grant_qualification(request, integer_value=33))
    assert conn.get_qualification_score(made, "A1ASKING")[0].IntegerValue == "33"
    assert not conn.get_qualification_requests(made)
    again = refused(conn.grant_qualification, request)
    assert again.error_code == MTURK + "InvalidQualificationRequestState"
    unknown = refused(conn.grant_qualification, "3" + "Q" * 29)
    assert unknown.error_code == MTURK + "QualificationRequestDoesNotExist"


def test_a_worker_takes_a_test_of_botos_making(conn, people):
    made = conn.create_qualification_type("tested", "d", "Active", test=form(), test_duration=600)[0]
    request = people.ask_for(made.QualificationTypeId, "A1TESTED")
    people.do("test", request, "--answer", "q1=Very well", "--answer", "q2=y")

    (found,) = conn.get_qualification_requests(made.QualificationTypeId)
    assert found.Test == form().get_as_xml()
    ((first, second),) = found.answers
    assert (first.qid, first.fields) == ("q1", ["Very well"])
    assert (second.qid, second.fields) == ("q2", ["y"])


# HIT types and HITs


def requirements(*more):
    wanted = qualification.Qualifications()
    wanted.add(qualification.PercentAssignmentsApprovedRequirement("GreaterThanOrEqualTo", 95))
    wanted.add(qualification.NumberHitsApprovedRequirement("GreaterThan", 10, required_to_preview=True))
    wanted.add(qualification.LocaleRequirement("In", ["US", "CA", "GB"]))
    for requirement in more:
        wanted.add(requirement)
    return wanted


def test_hit_types_are_registered_once(conn):
    made = [
        conn.register_hit_type(
            "title",
            "d",
            Price(0.25),
            dt.timedelta(minutes=10),
            keywords=["one", "two"],
            approval_delay=dt.timedelta(days=2),
            qual_req=requirements(),
        )[0].HITTypeId
        for _ in range(2)
    ]

    assert made[0] == made[1]
    hit = conn.create_hit(hit_type=made[0], question=QUESTION, lifetime=3600, response_groups=ALL_GROUPS)[0]
    assert (hit.Title, hit.Amount, hit.FormattedPrice, hit.Keywords) == ("title", "0.25", "$0.25", "one, two")
    assert (hit.HITStatus, hit.HITReviewStatus, hit.IsValid) == ("Assignable", "NotReviewed", "True")
    assert (hit.AutoApprovalDelayInSeconds, hit.AssignmentDurationInSeconds) == ("172800", "600")
    # Of several requirements boto keeps what it reads last.
    assert (hit.Country, hit.RequiredToPreview) == ("GB", "0")


def test_create_and_get_a_hit_with_properties_of_its_own(conn):
    html = question.HTMLQuestion("<html><body><form>caf&#233; &amp; <b>bold</b></form></body></html>", 450)
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
        qualifications=requirements(),
        response_groups=ALL_GROUPS,
    )[0]
    found = conn.get_hit(made.HITId, response_groups=ALL_GROUPS)[0]

    for hit in (made, found):
        assert (hit.Title, hit.Amount, hit.MaxAssignments) == ("über 你好", "1.50", "3")
        assert (hit.AutoApprovalDelayInSeconds, hit.AssignmentDurationInSeconds) == ("3600", "300")
        assert "<HTMLContent>" in hit.Question
        assert hit.RequesterAnnotation == "mine"
        # Dallinger reads these in both answers.
        assert (hit.Keywords, hit.Description, hit.HITReviewStatus) == ("k1, k2", "d", "NotReviewed")
        assert hit.NumberOfAssignmentsAvailable == "3"
        assert hit.expired is False
        assert soon(hit.CreationTime)
        assert parse_time(hit.Expiration) - parse_time(hit.CreationTime) == dt.timedelta(days=1)


def test_a_hit_asks_a_form_of_botos_making(conn):
    made = conn.create_hit(question=form(), response_groups=ALL_GROUPS, **PROPERTIES)[0]

    assert made.Question == form().get_as_xml()


def test_a_hit_is_made_of_a_layout(conn, gateway, requester, refused):
    page = "<html><body><form><img src='${image}'/>${n}</form></body></html>"
    keep_layout(gateway.house.marketplace, requester.profile, "3BOTOSLAYOUT", page, 400, wall_clock(), sandbox=False)
    values = [layoutparam.LayoutParameter("image", "http://example.com/a.png"), layoutparam.LayoutParameter("n", "7")]
    parameters = layoutparam.LayoutParameters(values)
    made = conn.create_hit(
        hit_layout="3BOTOSLAYOUT", layout_params=parameters, response_groups=ALL_GROUPS, **PROPERTIES
    )[0]

    assert "<img src='http://example.com/a.png'/>7" in made.Question
    assert made.HITLayoutId == "3BOTOSLAYOUT"
    unknown = refused(conn.create_hit, hit_layout="3NOSUCHLAYOUT", layout_params=parameters, **PROPERTIES)
    assert unknown.error_code == MTURK + "HITLayoutDoesNotExist"


def test_only_asked_groups_come_back(conn):
    made = conn.create_hit(question=QUESTION, **PROPERTIES)[0]

    assert made.HITTypeId
    assert not hasattr(made, "Question")
    assert not hasattr(conn.get_hit(made.HITId)[0], "NumberOfAssignmentsAvailable")
    summary = conn.get_hit(made.HITId, response_groups=["Minimal", "HITAssignmentSummary"])[0]
    assert summary.NumberOfAssignmentsAvailable == "1"
    assert not hasattr(summary, "Title")


def test_mistakes_have_codes(conn, refused):
    class Bad(question.ExternalQuestion):
        def get_as_xml(self):
            return "<ExternalQuestion><ExternalURL>x</ExternalQuestion>"

    assert refused(conn.create_hit, question=Bad("x", 1), **PROPERTIES).error_code == MTURK + "XMLParseError"
    unknown = refused(conn.create_hit, hit_type="3" + "T" * 29, question=QUESTION, lifetime=60)
    assert unknown.error_code == MTURK + "InvalidParameterValue"
    assert refused(conn.get_hit, "3" + "H" * 29).error_code == MTURK + "HITDoesNotExist"
    # boto's own live tests disable such a HIT.
    assert refused(conn.disable_hit, "foo").error_code == MTURK + "HITDoesNotExist"
    assert refused(conn.approve_assignment, "3A").error_code == MTURK + "AssignmentDoesNotExist"
    assert refused(conn.search_hits, page_size=0).error_code == "AWS.ParameterOutOfRange"
    missing = refused(conn._process_request, "CreateHIT", {"Description": "d", "Question": QUESTION.get_as_xml()})
    assert missing.error_code == "AWS.MissingParameters"


def test_hits_that_need_a_qualification(conn):
    made = conn.create_qualification_type("needed", "d", "Active")[0].QualificationTypeId
    wanted = requirements(qualification.Requirement(made, "In", [1, 2, 91]))
    conn.create_hit(question=QUESTION, qualifications=wanted, **PROPERTIES)
    # boto has no method for this operation.
    page = conn._process_request(
        "GetHITsForQualificationType", {"QualificationTypeId": made}, [("HIT", connection.HIT)]
    )

    assert page.TotalNumResults == "1"
    assert page[0].IntegerValue == "91"


# The life of a HIT


def test_a_hit_is_given_another_type_more_assignments_and_more_time(conn, refused):
    hit = conn.create_hit(question=QUESTION, max_assignments=2, **PROPERTIES)[0]
    other = conn.register_hit_type("another", "d2", Price(0.01), 600, keywords="x")[0].HITTypeId
    dearer = conn.register_hit_type("dearer", "d2", Price(0.02), 600, keywords="x")[0].HITTypeId
    before = conn.get_hit(hit.HITId)[0]

    assert is_nothing(conn.change_hit_type_of_hit(hit.HITId, other))
    assert refused(conn.change_hit_type_of_hit, hit.HITId, dearer).error_code.startswith(MTURK)
    assert is_nothing(conn.extend_hit(hit.HITId, assignments_increment=3))
    assert is_nothing(conn.extend_hit(hit.HITId, expiration_increment=7200))

    after = conn.get_hit(hit.HITId)[0]
    assert (after.HITTypeId, after.Title, after.MaxAssignments) == (other, "another", "5")
    assert parse_time(after.Expiration) - parse_time(before.Expiration) == dt.timedelta(hours=2)


def test_a_hit_expires_is_reviewed_and_disposed_of(conn, refused):
    hit = conn.create_hit(question=QUESTION, **PROPERTIES)[0].HITId
    early = refused(conn.dispose_hit, hit)
    assert early.error_code == MTURK + "InvalidHITState"
    assert "<Key>CurrentState</Key><Value>Assignable</Value>" in early.body

    assert is_nothing(conn.expire_hit(hit))
    ended = conn.get_hit(hit)[0]
    assert (ended.HITStatus, ended.expired) == ("Reviewable", True)
    # Programs pass over exactly this, having asked to be sure.
    assert refused(conn.expire_hit, hit).error_code == MTURK + "InvalidHITState"
    waiting = conn.get_reviewable_hits(hit_type=ended.HITTypeId)
    assert [found.HITId for found in waiting] == [hit]
    assert not hasattr(waiting[0], "HITTypeId")

    assert is_nothing(conn.set_reviewing(hit))
    assert not conn.get_reviewable_hits()
    assert [found.HITId for found in conn.get_reviewable_hits(status="Reviewing")] == [hit]
    assert is_nothing(conn.set_reviewing(hit, revert=True))
    assert conn.get_hit(hit)[0].HITStatus == "Reviewable"

    assert is_nothing(conn.dispose_hit(hit))
    assert not conn.search_hits()


def test_disabling_a_hit_approves_what_was_submitted_and_removes_it(conn, people):
    hit = conn.create_hit(question=QUESTION, max_assignments=3, **PROPERTIES)[0].HITId
    people.work(hit, "A1DISABLED", q1="done")

    assert is_nothing(conn.disable_hit(hit, response_groups=ALL_GROUPS))
    assert not conn.search_hits()
    assert "Approved" in people.do("tasks", "--worker", "A1DISABLED")


def test_a_hit_that_waits_for_its_review_is_not_disabled(conn, refused):
    hit = conn.create_hit(question=QUESTION, **PROPERTIES)[0].HITId
    conn.expire_hit(hit)

    assert refused(conn.disable_hit, hit).error_code == MTURK + "InvalidHITState"


# Assignments, bonuses, workers


def test_assignments_from_submission_to_decision(conn, people, refused):
    hit = conn.create_hit(question=QUESTION, max_assignments=3, qualifications=requirements(), **PROPERTIES)[0].HITId
    other = conn.create_hit(question=QUESTION, **PROPERTIES)[0].HITId
    empty = conn.get_assignments(other)
    assert (len(empty), empty.NumResults, empty.TotalNumResults) == (0, "0", "0")
    first = people.work(hit, "A1FIRST", q1="first <answer> & more\r\nline")
    second = people.work(hit, "A2SECOND", q1="second")
    third = people.accept(hit, "A3THIRD")

    found = conn.get_assignments(hit, status="Submitted", sort_by="SubmitTime", sort_direction="Descending")
    assert found.TotalNumResults == "2"
    assert {a.WorkerId for a in found} == {"A1FIRST", "A2SECOND"}
    values = {a.AssignmentId: a.answers[0][0].fields[0] for a in found}
    assert values[first] == "first <answer> & more\r\nline"
    assert all(soon(getattr(found[0], name)) for name in ("AcceptTime", "SubmitTime"))
    assert parse_time(found[0].AutoApprovalTime) > parse_time(found[0].SubmitTime)
    assert refused(conn.get_assignment, third).error_code == MTURK + "InvalidAssignmentState"

    alone = conn.get_assignment(first)
    assert (alone[0].AssignmentId, alone[1].HITId) == (first, hit)

    assert is_nothing(conn.approve_assignment(first, feedback="thanks"))
    again = refused(conn.approve_assignment, first)
    assert again.error_code == MTURK + "InvalidAssignmentState"
    assert "<Key>CurrentState</Key><Value>Approved</Value>" in again.body
    assert is_nothing(conn.reject_assignment(second, feedback="sorry"))
    rejected = conn.get_assignment(second)[0]
    assert rejected.AssignmentStatus == "Rejected"
    assert soon(rejected.RejectionTime)

    decided = conn.get_assignments(hit, status="Approved,Rejected", response_groups=["Minimal", "AssignmentFeedback"])
    assert {a.AssignmentId: a.AssignmentStatus for a in decided} == {first: "Approved", second: "Rejected"}
    assert {a.RequesterFeedback for a in decided} == {"thanks", "sorry"}

    assert is_nothing(conn.approve_rejected_assignment(second, feedback="on second thoughts"))
    assert conn.get_assignment(second)[0].AssignmentStatus == "Approved"
    assert refused(conn.approve_rejected_assignment, second).error_code == MTURK + "InvalidAssignmentState"


def test_a_bonus_is_paid(conn, people, refused, modern):
    hit = conn.create_hit(question=QUESTION, **PROPERTIES)[0].HITId
    assignment = people.work(hit, "A1BONUS", q1="good")
    conn.approve_assignment(assignment)

    assert is_nothing(conn.grant_bonus("A1BONUS", assignment, Price(0.5), "good work"))
    (paid,) = modern.list_bonus_payments(AssignmentId=assignment)["BonusPayments"]
    assert (paid["WorkerId"], paid["BonusAmount"], paid["Reason"]) == ("A1BONUS", "0.50", "good work")
    without = {"WorkerId": "A1BONUS", "AssignmentId": assignment, "BonusAmount.1.Amount": "1"}
    assert refused(conn._process_request, "GrantBonus", without).error_code == "AWS.MissingParameters"
    assert len(modern.list_bonus_payments(AssignmentId=assignment)["BonusPayments"]) == 1


def test_an_uploaded_file_has_a_url(conn, people, tmp_path):
    file = tmp_path / "scan.txt"
    file.write_bytes(b"a picture")
    content = question.QuestionContent()
    content.append_field("Text", "A scan, please")
    upload = question.AnswerSpecification(question.FileUploadAnswer(1, 1000))
    asks = question.QuestionForm([question.Question("scan", content, upload)])
    hit = conn.create_hit(question=asks, **PROPERTIES)[0].HITId
    assignment = people.accept(hit, "A1SCANNER")
    people.do("submit", assignment, "--file", f"scan={file}")

    assert conn.get_file_upload_url(assignment, "scan")[0].FileUploadURL.startswith("http")


def test_workers_are_blocked_unblocked_and_written_to(conn, people, modern, refused):
    hit = conn.create_hit(question=QUESTION, max_assignments=2, **PROPERTIES)[0].HITId
    people.work(hit, "A1READER", q1="x")
    assert is_nothing(conn.block_worker("A1READER", "bad work"))
    assert [block["WorkerId"] for block in modern.list_worker_blocks()["WorkerBlocks"]] == ["A1READER"]
    assert is_nothing(conn.unblock_worker("A1READER", "forgiven"))
    assert modern.list_worker_blocks()["WorkerBlocks"] == []
    assert refused(conn.block_worker, "nobody", "r").error_code == MTURK + "InvalidParameterValue"

    assert is_nothing(conn.notify_workers(["A1READER"], "Thanks", "Come back soon"))
    assert "Come back soon" in people.messages("A1READER")
    unknown = conn.notify_workers(["A1READER", "A9UNKNOWN"], "Thanks", "And again")
    assert unknown.status is True
    assert (unknown.WorkerId, unknown.NotifyWorkersFailureCode) == ("A9UNKNOWN", "HardFailure")


def test_notifications_are_set_by_url_mail_and_queue_and_tried(conn, gateway, requester, refused):
    made = conn.register_hit_type("told of", "d", Price(0.25), 600)[0].HITTypeId
    receptors = Receptors(gateway.house.ledger)

    assert is_nothing(
        conn.set_rest_notification(made, "http://example.com/notify", ["AssignmentSubmitted", "HITReviewable"])
    )
    # boto says whether it is active inside of the specification.
    assert receptors.get(requester, {"HITTypeId": made}) == {
        "Notification": {
            "Destination": "http://example.com/notify",
            "Transport": "REST",
            "Version": "2006-05-05",
            "EventTypes": ["AssignmentSubmitted", "HITReviewable"],
        },
        "Active": True,
    }
    assert is_nothing(conn.set_email_notification(made, "nobody@example.com", event_types=["HITExpired"]))
    assert receptors.get(requester, {"HITTypeId": made}) == {"Active": True}
    assert is_nothing(
        conn.set_sqs_notification(made, "https://queue.amazonaws.com/123456789012/q", ["AssignmentAccepted"])
    )
    assert is_nothing(conn.send_test_event_notification(made, "http://example.com/notify", ["HITReviewable"]))
    nowhere = refused(conn.send_test_event_notification, made, "nowhere")
    assert nowhere.error_code == MTURK + "InvalidTransportEndpoint"
    unknown = refused(conn.set_email_notification, "3" + "T" * 29, "nobody@example.com", ["HITExpired"])
    assert unknown.error_code == MTURK + "InvalidParameterValue"


# Pages


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
            # psiTurk counts with these.
            assert {hit.NumberOfAssignmentsAvailable for hit in hits} == {"1"}


def test_boto_lists_reviewable_hits_with_the_defaults_that_it_always_sends(conn, gateway, requester):
    now = int(wall_clock())
    ids = fill(gateway, requester, [({"LifetimeInSeconds": 30 + n}, now - 1000) for n in range(25)])

    pages = [conn.get_reviewable_hits(page_size=10, page_number=number) for number in (1, 2, 3, 4)]

    # boto says Ascending where the service's own default was Descending.
    assert [hit.HITId for page in pages for hit in page] == ids
    assert {page.TotalNumResults for page in pages} == {"25"}
