"""Differences from the documentation, where it is at odds with what was recorded, or clients need something else."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import count
from urllib.parse import quote, urlencode

import pytest

from differences.conftest import Program, names
from mturk_translators.xml import parse
from support import QUESTION, one, post, signed_pairs, texts

MTURK = "AWS.MechanicalTurk."
RECEPTOR = {
    "Notification.1.Destination": "https://example.com/told",
    "Notification.1.Transport": "REST",
    "Notification.1.Version": "2006-05-05",
    "Notification.1.EventType": "HITExpired",
}


def moment(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")


def test_difference_22_a_qualification_is_granted_at_a_time_of_utc(program):
    """Once recorded as 2015-07-08T21:16:39.000-07:00; the documentation promises UTC for all times."""
    given = {"QualificationTypeId": program.qualification_type()}
    program.result("AssignQualification", WorkerId="A1WORKER", **given)

    shown = program.result("GetQualificationScore", SubjectId="A1WORKER", **given).findtext("GrantTime")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown)


def test_difference_23_smaller_values_are_taken_than_documented(program):
    """An hour for ExtendHIT, where the service itself named a minute; a hundred rows for review results."""
    hit = program.hit()

    program.result("ExtendHIT", HITId=hit, ExpirationIncrementInSeconds=60)
    assert program.code("ExtendHIT", HITId=hit, ExpirationIncrementInSeconds=59) == "AWS.ParameterOutOfRange"
    program.result("GetReviewResultsForHIT", HITId=hit, PageSize=1)
    assert program.code("GetReviewResultsForHIT", HITId=hit, PageSize=0) == "AWS.ParameterOutOfRange"


def test_difference_24_a_hit_of_a_hit_type_may_leave_its_lifetime_to_a_setting(program):
    """Documented as required; Amazon's own Perl tests leave it out."""
    made = program.result("CreateHIT", HITTypeId=program.hit_type(), Question=QUESTION)
    shown = program.result("GetHIT", HITId=made.findtext("HITId"))

    lives = moment(shown.findtext("Expiration")) - moment(shown.findtext("CreationTime"))
    assert lives == timedelta(seconds=program.gateway.settings.default_lifetime)


def test_difference_25_parameters_that_clients_leave_out_have_defaults(program):
    """Service, CurrencyCode, MustBeRequestable, QualificationTypeStatus, HelpType and TestEventType."""
    without_service = [pair for pair in signed_pairs(program.requester, "SearchHITs") if pair[0] != "Service"]
    answer = parse(post(program.gateway.url, urlencode(without_service, quote_via=quote)).content)
    assert one(answer, "IsValid") == "True"

    program.hit_type()
    kind = program.qualification_type()
    assert texts(program.ask("SearchQualificationTypes", Query="nothing is like this"), "TotalNumResults") == ["0"]
    assert one(program.ask("GetQualificationType", QualificationTypeId=kind), "QualificationTypeStatus") == "Active"
    assert program.result("Help", About="GetHIT").find("OperationInformation") is not None
    program.result("SendTestEventNotification", *RECEPTOR.items())


def test_difference_26_an_assignment_comes_with_its_hits_details_and_question(program):
    """The table of groups says Minimal, the sample shows the rest; who wants less names the groups."""
    assignment = program.work(program.hit())
    whole = program.result("GetAssignment", AssignmentId=assignment).find("HIT")
    assert {"HITId", "Title", "Reward", "Question"} <= set(names(whole))
    assert "NumberOfAssignmentsPending" not in names(whole)

    least = program.result("GetAssignment", AssignmentId=assignment, ResponseGroup="Minimal").find("HIT")
    assert names(least) == ["HITId", "HITTypeId"]


def test_difference_27_a_disabled_hit_is_not_shown(program):
    """Documented as possible; the schema has no place for it, and a recording shows nothing."""
    groups = {"ResponseGroup.1": "HITDetail", "ResponseGroup.2": "HITQuestion"}

    assert names(program.result("DisableHIT", *groups.items(), HITId=program.hit())) == ["Request"]


def test_difference_28_an_assignment_has_no_deadline(program):
    """Documented, and in no recording: all of them were of assignments that had been submitted."""
    hit = program.hit()
    assignment = program.work(hit)

    for shown in (
        program.result("GetAssignment", AssignmentId=assignment),
        program.result("GetAssignmentsForHIT", HITId=hit),
    ):
        assert "Deadline" not in names(shown.find("Assignment"))


_numbers = count(1)


@pytest.mark.parametrize("sandbox", [False, True])
def test_difference_29_a_balance_has_two_decimals_and_what_is_on_hold_only_in_old_versions(gateway, sandbox):
    """Recorded with three decimals in the sandbox of 2016, and without OnHoldBalance."""
    program = Program(gateway, gateway.add_requester(f"difference-29-{next(_numbers)}", sandbox=sandbox))

    shown = program.result("GetAccountBalance")
    assert names(shown) == ["Request", "AvailableBalance"]
    assert shown.findtext("AvailableBalance/Amount") == "10000.00"
    assert program.result("GetAccountBalance", Version="2008-08-02").find("OnHoldBalance") is None
    assert program.result("GetAccountBalance", Version="2007-06-21").findtext("OnHoldBalance/Amount") == "0.00"


def test_difference_30_no_hit_has_similar_ones(program):
    """Old versions count them; the modern API does not, and the only recording has none."""
    hit, _ = program.hit(), program.hit()

    shown = program.result("GetHIT", HITId=hit, Version="2008-08-02")
    assert shown.findtext("NumberOfSimilarHITs") == "0"


def test_difference_31_data_points_stand_before_what_was_asked_and_have_the_statistics_type(program):
    """As the schema has it; a sample has them last, and a DoubleValue for a number of things."""
    given = {"Statistic": "NumberHITsCreated", "TimePeriod": "LifeToDate"}
    shown = program.result("GetRequesterStatistic", **given)
    assert names(shown) == ["Request", "DataPoint", "Statistic", "TimePeriod"]
    assert names(shown.find("DataPoint")) == ["Date", "LongValue"]

    given = {"Statistic": "PercentAssignmentsApproved", "TimePeriod": "LifeToDate", "WorkerId": "A1WORKER"}
    shown = program.result("GetRequesterWorkerStatistic", **given)
    assert names(shown) == ["Request", "DataPoint", "Statistic", "TimePeriod", "WorkerId"]
    assert names(shown.find("DataPoint")) == ["Date", "DoubleValue"]


def test_difference_32_review_reports_speak_as_the_schema_does_and_count_results_and_actions(play):
    """Documented: Results for Result, and statuses in capitals. What was counted is not known."""
    shown, _ = play("GetReviewResultsForHIT/default")
    assert {action.findtext("Status") for action in shown.iter("ReviewAction")} == {"Succeeded", "Failed", "Intended"}
    assert texts(shown, "Results") == []
    assert "Reviewed one assignment" in texts(shown, "Result")
    for report in ("AssignmentReviewReport", "HITReviewReport"):
        rows = [name for name in names(shown[1].find(report)) if name.startswith("Review")]
        assert rows == sorted(rows, reverse=True)
        assert one(shown[1].find(report), "TotalNumResults") == str(len(rows))

    assert texts(play("GetReviewResultsForHIT/without_policies")[0], "TotalNumResults") == ["0", "0"]


def test_difference_33_a_page_of_qualification_types_has_its_number(program):
    """A recording and the sample lack it; the schema and all other listings have it."""
    shown = program.result("SearchQualificationTypes", Query="nothing is like this")

    assert names(shown) == ["Request", "NumResults", "TotalNumResults", "PageNumber"]


def test_difference_34_requests_for_qualifications_are_sorted_by_whatever_boto_says(program, play):
    """It says Expiration, which they do not have, unless it is told otherwise; elsewhere that is an error."""
    shown, _ = play("GetQualificationRequests/as_boto_asks")
    times = texts(shown, "SubmitTime")
    assert len(times) == 2
    assert times == sorted(times)

    assert program.code("SearchHITs", SortProperty="Nothing") == f"{MTURK}InvalidParameterValue"


def test_difference_35_an_empty_answer_of_who_asks_for_a_qualification_is_left_out(play):
    """Documented as an empty element, which boto would read as a document."""
    shown, _ = play("GetQualificationRequests/as_boto_asks")

    assert ["Answer" in names(request) for request in shown.iter("QualificationRequest")] == [False, True]


def test_difference_36_help_tells_what_is_asked_and_asks_for_no_credentials(program):
    """The service sent everybody to its online documentation."""
    query = urlencode({"Operation": "Help", "About": "DisposeHIT", "HelpType": "Operation"})
    told = parse(post(program.gateway.url, query).content)

    assert texts(told, "Parameter") == ["HITId"]
    assert one(told, "Description")


def test_difference_37_a_malformed_worker_is_a_message_that_failed(program):
    """What the service did is not known; the modern API would have refused the message to all."""
    given = {"WorkerId.1": "not a worker", "WorkerId.2": "A1STRANGER"}
    told = program.result("NotifyWorkers", *given.items(), Subject="s", MessageText="t")

    assert texts(told, "WorkerId") == ["A1STRANGER", "not a worker"]
    assert set(texts(told, "NotifyWorkersFailureCode")) == {"HardFailure"}


def test_difference_38_there_is_no_file_before_it_is_submitted(program):
    """Refused as GetAssignment refuses; no such error is documented for files."""
    named = {"AssignmentId": program.accept(program.hit()), "QuestionIdentifier": "photo"}

    assert program.code("GetFileUploadURL", **named) == f"{MTURK}InvalidAssignmentState"


def test_difference_39_a_qualification_that_is_assigned_again_has_the_new_score(program):
    """Some clients expect QualificationAlreadyExists, others that the score is overwritten."""
    kind = {"QualificationTypeId": program.qualification_type()}
    for score in (1, 7):
        program.result("AssignQualification", WorkerId="A1WORKER", IntegerValue=score, **kind)

    shown = program.result("GetQualificationScore", SubjectId="A1WORKER", **kind)
    assert shown.findtext("IntegerValue") == "7"


def test_difference_40_what_boto_does_not_say_it_means_and_what_it_misplaces_is_found(play):
    """Its `None` for a query or reason is none, and Active is heard inside of the specification."""
    _, calls = play("SearchQualificationTypes/as_boto_asks_without_a_query")
    assert "Query" not in calls["ListQualificationTypes"]

    _, calls = play("SetHITTypeNotification/email_in_the_form_of_boto")
    assert calls["UpdateNotificationSettings"]["Active"] is True


@pytest.mark.parametrize(("value", "blocked"), [("true", []), ("", ["A1WORKER"]), ("false", ["A1WORKER"])])
def test_difference_41_what_is_not_to_be_validated_only_is_done(program, value, blocked):
    """Documented: it counts whether Validate is there, not what it says."""
    program.result("BlockWorker", WorkerId="A1WORKER", Reason="r", Validate=value)

    assert texts(program.ask("GetBlockedWorkers"), "WorkerId") == blocked


@pytest.mark.parametrize(
    "name", ["GetReveiwResultsForHIT", "GetQualificationForQualificationType", "AssignQualifcation"]
)
def test_difference_42_a_misprinted_name_is_the_name_of_nothing(program, name):
    """The documentation tells to send these; no client does."""
    assert program.code(name) == "AWS.InvalidOperationParameter"


def test_difference_43_a_qualification_or_its_type_is_itself_the_result(program):
    """The documentation has a result element around it, which no schema and no recording has."""
    kind = {"QualificationTypeId": program.qualification_type()}
    program.result("AssignQualification", WorkerId="A1WORKER", **kind)

    assert program.result("CreateQualificationType", Name="n", Description="d").tag == "QualificationType"
    for operation in ("GetQualificationType", "UpdateQualificationType"):
        assert program.result(operation, **kind).tag == "QualificationType"
    assert program.result("GetQualificationScore", SubjectId="A1WORKER", **kind).tag == "Qualification"
