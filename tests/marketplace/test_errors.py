"""The families of errors, whole, as they leave (modern-mturk 1.3)."""

from __future__ import annotations

HIT_TYPE = {"Title": "T", "Description": "D", "Reward": "0.05", "AssignmentDurationInSeconds": 600}


def test_a_request_error_has_a_code_and_ends_with_the_time(house):
    response = house.post("GetHIT", {"HITId": "3NOSUCH"})

    assert response.status_code == 400
    assert response.json() == {
        "__type": "RequestError",
        "Message": "Hit 3NOSUCH does not exist. (1700000000000)",
        "TurkErrorCode": "AWS.MechanicalTurk.HITDoesNotExist",
    }


def test_in_the_sandbox_the_time_is_followed_by_an_s(house):
    house.credentials("sandy", sandbox=True)

    assert (
        house.post("GetHIT", {"HITId": "3NOSUCH"}, name="sandy").json()["Message"]
        == "Hit 3NOSUCH does not exist. (1700000000000 s)"
    )


def test_request_errors_are_typed_exceptions_in_boto3(client):
    try:
        client.get_assignment(AssignmentId="3NOSUCH")
    except client.exceptions.RequestError as error:
        caught = error.response

    assert caught["TurkErrorCode"] == "AWS.MechanicalTurk.AssignmentDoesNotExist"
    assert caught["Message"] == "Assignment 3NOSUCH does not exist. (1700000000000)"


def test_a_number_out_of_range_is_a_parameter_validation_error(house):
    response = house.post("CreateHITType", {**HIT_TYPE, "AssignmentDurationInSeconds": 29})

    assert response.status_code == 400
    assert response.json() == {
        "__type": "ParameterValidationError",
        "Message": "The value 29 is invalid for AssignmentDurationInSeconds. "
        "Valid values range from 30 to 31536000. (1700000000000)",
        "TurkErrorCode": "AWS.ParameterOutOfRange",
    }


def test_a_violation_of_the_model_has_no_time_and_names_every_member(house):
    response = house.post("CreateHITType", {**HIT_TYPE, "Reward": "0.9752", "Title": None})

    assert response.status_code == 400
    assert response.json() == {
        "__type": "ValidationException",
        "message": "2 validation errors detected: "
        "Value '0.9752' at 'reward' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: ^[0-9]+(\\.)?[0-9]{0,2}$; "
        "Value null at 'title' failed to satisfy constraint: Member must not be null",
    }


def test_each_constraint_of_the_model_has_its_phrase(house):
    def message(operation, **parameters):
        text = house.post(operation, parameters).json()["message"]
        return text.removeprefix("1 validation error detected: ")

    said = "failed to satisfy constraint: Member must"
    assert f"Value '101' at 'maxResults' {said} have value less than or equal to 100" == message(
        "ListHITs", MaxResults=101
    )
    assert f"Value '0' at 'maxResults' {said} have value greater than or equal to 1" == message(
        "ListHITs", MaxResults=0
    )
    assert f"Value '{'A' * 65}' at 'hITId' {said} have length less than or equal to 64" == message(
        "GetHIT", HITId="A" * 65
    )
    assert f"Value 'abc' at 'hITId' {said} satisfy regular expression pattern: ^[A-Z0-9]+$" == message(
        "GetHIT", HITId="abc"
    )
    assert f"Value 'ABC\n' at 'hITId' {said} satisfy regular expression pattern: ^[A-Z0-9]+$" == message(
        "GetHIT", HITId="ABC\n"
    )
    assert f"Value 'Both' at 'status' {said} satisfy enum value set: [Reviewable, Reviewing]" == message(
        "ListReviewableHITs", Status="Both"
    )
    assert (
        f"Value 'Same' at 'qualificationRequirements.1.member.comparator' {said} satisfy enum value set: "
        "[LessThan, LessThanOrEqualTo, GreaterThan, GreaterThanOrEqualTo, EqualTo, NotEqualTo, Exists, DoesNotExist, "
        "In, NotIn]"
        == message(
            "CreateHITType",
            **HIT_TYPE,
            QualificationRequirements=[{"QualificationTypeId": "1", "Comparator": "Same"}],
        )
    )
    assert f"Value null at 'assignmentStatuses.1.member' {said} not be null" == message(
        "ListAssignmentsForHIT", HITId="3A", AssignmentStatuses=[None]
    )


def test_a_reply_has_room_for_so_many_violations_and_so_much_of_a_value(house):
    many = house.post("ListAssignmentsForHIT", {"HITId": "3A", "AssignmentStatuses": ["x"] * 100_000})
    long = house.post("GetAssignment", {"AssignmentId": "x" * 1_000_000})

    assert (many.status_code, many.json()["__type"]) == (400, "ValidationException")
    assert many.json()["message"].startswith("50 validation errors detected: ")
    assert len(many.content) < 20_000
    assert len(long.content) < 5_000


def test_texts_longer_than_allowed_are_parameter_validation_errors(client, failure):
    status, kind, code, message = failure(client.create_hit_type, **{**HIT_TYPE, "Title": "é" * 129})

    assert (status, kind, code) == (400, "ParameterValidationError", "AWS.MechanicalTurk.InvalidParameterValue")
    assert "Title" in message
    assert client.create_hit_type(**{**HIT_TYPE, "Title": "é" * 128})["HITTypeId"]
