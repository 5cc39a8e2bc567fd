"""What review policies found and did, as a legacy program sees it: the whole way, with workers' answers."""

from __future__ import annotations

import pytest

from mturk_gateway.clock import wall_clock
from mturk_gateway.marketplace.services.working import workers
from support import PROPERTIES, ask, modern_client, one, texts

KNOWN, PLURALITY = "ScoreMyKnownAnswers/2011-09-01", "SimplePlurality/2011-09-01"


@pytest.fixture
def hit(gateway, requester):
    """A HIT whose three workers have answered, two of them alike and one of them wrongly."""
    made = ask(
        gateway.url,
        requester,
        "CreateHIT",
        **{name: str(value) for name, value in PROPERTIES.items() if name != "Reward"},
        **{
            "Reward.Amount": "0.05",
            "MaxAssignments": "3",
            "AssignmentReviewPolicy.PolicyName": KNOWN,
            "AssignmentReviewPolicy.Parameter.1.Key": "AnswerKey",
            "AssignmentReviewPolicy.Parameter.1.MapEntry.1.Key": "q1",
            "AssignmentReviewPolicy.Parameter.1.MapEntry.1.Value": "a & b",
            "AssignmentReviewPolicy.Parameter.2.Key": "RejectIfKnownAnswerScoreIsLessThan",
            "AssignmentReviewPolicy.Parameter.2.Value": "50",
            "HITReviewPolicy.1.PolicyName": PLURALITY,
            "HITReviewPolicy.1.Parameter.1.Key": "QuestionIds",
            "HITReviewPolicy.1.Parameter.1.Value.1": "q1",
            "HITReviewPolicy.1.Parameter.2.Key": "QuestionAgreementThreshold",
            "HITReviewPolicy.1.Parameter.2.Value": "50",
            "HITReviewPolicy.1.Parameter.3.Key": "DisregardAssignmentIfRejected",
            "HITReviewPolicy.1.Parameter.3.Value": "F",
        },
    )
    hit = one(made, "HITId")
    for worker, answer in (("A1FIRST", "a & b"), ("A1SECOND", "a & b"), ("A1THIRD", "c")):
        with gateway.house.marketplace.writing() as connection:
            assignment = workers.accept(connection, hit, worker, int(wall_clock()))
            workers.submit(connection, assignment, [("q1", answer)], int(wall_clock()))
    return hit


def told(report):
    """The results and actions of a legacy report: their values by element, without SubjectType, which stands twice."""
    return [
        (row.tag, {part.tag: part.text or "" for part in row if part.tag not in ("SubjectType", "CompleteTime")})
        for row in report
        if row.tag.startswith("Review")
    ]


def kept(report):
    """The same of a modern report."""
    names = {"SubjectType": "ObjectType", "TargetId": "ObjectId", "TargetType": "ObjectType"}
    return [
        (kind, {names.get(name, name): value for name, value in item.items() if name != "CompleteTime"})
        for kind in ("ReviewResult", "ReviewAction")
        for item in report[f"{kind}s"]
    ]


def test_both_apis_tell_the_same(gateway, requester, hit):
    found = ask(gateway.url, requester, "GetReviewResultsForHIT", HITId=hit)

    with modern_client(gateway.url, requester) as modern:
        known = modern.list_review_policy_results_for_hit(HITId=hit, MaxResults=100)
    assert texts(found, "PolicyName") == [KNOWN, PLURALITY]
    for level in ("Assignment", "HIT"):
        report = found.find(f".//{level}ReviewReport")
        rows = told(report)
        assert rows == kept(known[f"{level}ReviewReport"])
        assert {tag for tag, _ in rows} == {"ReviewResult", "ReviewAction"}
        assert [int(report.findtext(name)) for name in ("PageNumber", "NumResults", "TotalNumResults")] == [
            1,
            len(rows),
            len(rows),
        ]


def test_the_pages_of_a_report_together_are_the_report(gateway, requester, hit):
    whole = ask(gateway.url, requester, "GetReviewResultsForHIT", HITId=hit)
    for level in ("Assignment", "HIT"):
        element = f".//{level}ReviewReport"
        pages, number = [], 1
        while True:
            asked = {"HITId": hit, "PageSize": "2", "PageNumber": str(number)}
            page = told(ask(gateway.url, requester, "GetReviewResultsForHIT", **asked).find(element))
            if not page:
                break
            assert len(page) <= 2
            pages += page
            number += 1
        assert pages == told(whole.find(element))


def test_the_answer_shows_what_happened_since(gateway, requester, hit):
    before = ask(gateway.url, requester, "GetReviewResultsForHIT", HITId=hit)
    ask(
        gateway.url, requester, "ExtendHIT", HITId=hit, MaxAssignmentsIncrement="1", ExpirationIncrementInSeconds="3600"
    )
    with gateway.house.marketplace.writing() as connection:
        assignment = workers.accept(connection, hit, "A1FOURTH", int(wall_clock()))
        workers.submit(connection, assignment, [("q1", "a & b")], int(wall_clock()))
    with modern_client(gateway.url, requester) as modern:
        modern.approve_assignment(AssignmentId=assignment)

    after = ask(gateway.url, requester, "GetReviewResultsForHIT", HITId=hit, AssignmentId=assignment)

    about = [row for _, row in told(after.find(".//AssignmentReviewReport"))]
    assert {row.get("SubjectId", row.get("ObjectId")) for row in about} == {assignment}
    assert assignment not in texts(before, "SubjectId")
