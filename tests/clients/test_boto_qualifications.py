"""boto 2.49 through the whole life of qualifications."""

from __future__ import annotations

from clients.boto2 import (
    LEFT,
    MTURK,
    form,
    is_nothing,
    soon,
)

pytestmark = LEFT


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
    made = conn.create_qualification_type("asked for", "d", "Active")[0].QualificationTypeId
    nobody = conn.get_qualification_requests(made)
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
