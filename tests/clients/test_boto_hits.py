"""boto 2.49 through the whole life of HITs."""

from __future__ import annotations

import datetime as dt

from clients.boto2 import (
    ALL_GROUPS,
    LEFT,
    MTURK,
    PROPERTIES,
    QUESTION,
    Price,
    connection,
    form,
    is_nothing,
    layoutparam,
    parse_time,
    qualification,
    question,
    requirements,
    soon,
)
from mturk_gateway.admin import keep_layout
from mturk_gateway.clock import wall_clock

pytestmark = LEFT


# Making them


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


# Changing and ending them


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
