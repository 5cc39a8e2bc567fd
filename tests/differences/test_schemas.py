"""Differences from the published schemas: recordings or the programs that read answers say otherwise."""

from __future__ import annotations

import pytest

from differences.conftest import names
from mturk_translators.operations import OPERATIONS
from support import texts

RECORDED = ["NumResults", "TotalNumResults", "PageNumber"]
PUBLISHED = ["PageNumber", "NumResults", "TotalNumResults"]


def test_difference_16_the_counters_of_a_page_stand_as_recorded(program):
    """boto, Perl and the others find them by name; a strict reader of the schema's sequence does not."""
    hit, kind = {"HITId": program.hit()}, {"QualificationTypeId": program.qualification_type()}
    named = {
        "SearchHITs": {},
        "GetReviewableHITs": {},
        "GetHITsForQualificationType": kind,
        "GetAssignmentsForHIT": hit,
        "GetBonusPayments": hit,
        "GetQualificationsForQualificationType": kind,
    }

    for operation, given in named.items():
        assert names(program.result(operation, **given))[1:4] == RECORDED
    assert named.keys() == {name for name, entry in OPERATIONS.items() if 16 in entry.differences}
    assert names(program.result("GetBlockedWorkers"))[1:4] == PUBLISHED
    for report in ("AssignmentReviewReport", "HITReviewReport"):
        assert names(program.result("GetReviewResultsForHIT", **hit).find(report)) == PUBLISHED


def test_difference_17_a_worker_who_was_not_reached_is_named_first(program):
    """As recorded; every schema has code, message and worker."""
    told = program.result("NotifyWorkers", Subject="s", MessageText="t", WorkerId="A1STRANGER")

    assert names(told.find("NotifyWorkersFailureStatus")) == [
        "WorkerId",
        "NotifyWorkersFailureMessage",
        "NotifyWorkersFailureCode",
    ]


def test_difference_18_a_review_result_says_twice_what_it_is_about(play):
    """SubjectType is the schema's word, ObjectType the documentation's, and MTurkR reads that."""
    results = list(play("GetReviewResultsForHIT/default")[0].iter("ReviewResult"))

    assert len(results) == 5
    for result in results:
        after = names(result).index("SubjectType") + 1
        assert names(result)[after] == "ObjectType"
        assert result.findtext("ObjectType") == result.findtext("SubjectType")


def test_difference_19_a_block_without_a_reason_has_no_reason(play):
    """The schema requires one; where the upstream tells none, none is made up."""
    blocks = play("GetBlockedWorkers/default")[0].iter("WorkerBlock")

    assert [names(block) for block in blocks] == [["WorkerId", "Reason"], ["WorkerId"], ["WorkerId"]]


NEWER = ("In", "NotIn", "DoesNotExist")


@pytest.mark.parametrize("version", ["2005-10-01", "2012-03-25", "2014-08-15"])
def test_difference_20_a_comparator_is_shown_to_versions_that_are_older(program, version):
    """A HIT without its requirement would be another HIT."""
    countries = {"LocaleValues": [{"Country": "US"}, {"Country": "CA"}]}
    values = {"IntegerValues": [1, 2]}
    hit = program.hit(
        QualificationRequirements=[
            {"QualificationTypeId": "00000000000000000071", "Comparator": "In", **countries},
            {"QualificationTypeId": program.qualification_type("a"), "Comparator": "NotIn", **values},
            {"QualificationTypeId": program.qualification_type("b"), "Comparator": "DoesNotExist"},
        ]
    )

    assert texts(program.ask("GetHIT", HITId=hit, Version=version), "Comparator") == list(NEWER)


def test_difference_21_operations_and_parameters_are_taken_at_versions_that_are_older(program):
    """Nobody asks for what the version does not have, but for having forgotten to say which."""
    given = {"WorkerId": "A1WORKER", "Reason": "r", "Version": "2005-10-01"}
    program.result("BlockWorker", **given)
    assert texts(program.ask("GetBlockedWorkers", Version="2005-10-01"), "WorkerId") == ["A1WORKER"]

    hit = program.hit()
    given = {"HITId": hit, "MaxAssignmentsIncrement": 1, "UniqueRequestToken": "t", "Version": "2005-10-01"}
    program.result("ExtendHIT", **given)
    assert program.code("ExtendHIT", **given) == "AWS.MechanicalTurk.DuplicateRequest"
