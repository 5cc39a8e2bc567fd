"""boto 2.49 with what workers do, and with being told of it."""

from __future__ import annotations

from clients.boto2 import (
    LEFT,
    MTURK,
    PROPERTIES,
    QUESTION,
    Price,
    is_nothing,
    parse_time,
    question,
    requirements,
    soon,
)
from mturk_gateway.ledger.receptors import Receptors

pytestmark = LEFT


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
