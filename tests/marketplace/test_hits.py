"""HITs: what is given back, how their status follows, and what each state allows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

ALWAYS = {
    "HITId",
    "HITTypeId",
    "HITGroupId",
    "CreationTime",
    "Title",
    "Description",
    "Question",
    "HITStatus",
    "MaxAssignments",
    "Reward",
    "AutoApprovalDelayInSeconds",
    "Expiration",
    "AssignmentDurationInSeconds",
    "QualificationRequirements",
    "HITReviewStatus",
    "NumberOfAssignmentsPending",
    "NumberOfAssignmentsAvailable",
    "NumberOfAssignmentsCompleted",
}
SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"


def read(client, hit):
    return client.get_hit(HITId=hit["HITId"])["HIT"]


def counters(hit):
    names = ("Pending", "Available", "Completed")
    return (hit["HITStatus"], *(hit[f"NumberOfAssignments{name}"] for name in names))


def state_error(state, allowed):
    return (
        400,
        "RequestError",
        "AWS.MechanicalTurk.InvalidHITState",
        (
            f"This HIT is currently in the state '{state}'.  "
            f"This operation can be called with a status of: {allowed} (1700000000000)"
        ),
    )


def test_a_new_hit_has_every_member_that_clients_use_unasked_and_no_other(house, client):
    hit = house.create_hit(client)

    assert set(hit) == ALWAYS
    assert counters(hit) == ("Assignable", 0, 1, 0)
    assert (
        hit["MaxAssignments"],
        hit["AutoApprovalDelayInSeconds"],
        hit["HITReviewStatus"],
        hit["QualificationRequirements"],
    ) == (1, 2_592_000, "NotReviewed", [])
    assert datetime.fromtimestamp(1_700_003_600, UTC) == hit["Expiration"]
    assert hit == read(client, hit)


def test_optional_members_appear_when_given(house, client):
    hit = house.create_hit(client, Keywords="dots, counting", RequesterAnnotation="BatchId:7;")

    assert set(hit) == ALWAYS | {"Keywords", "RequesterAnnotation"}


def test_the_question_comes_back_byte_for_byte(house, client):
    question = (
        '<?xml version="1.0" encoding="UTF-8"?>\r\n<!-- € -->\n'
        f"<HTMLQuestion  xmlns='{SCHEMAS}/2011-11-11/HTMLQuestion.xsd'><HTMLContent><![CDATA[<b>]]></HTMLContent>\t"
        "<FrameHeight>0</FrameHeight></HTMLQuestion>\n"
    )

    assert question == read(client, house.create_hit(client, Question=question))["Question"]


@pytest.mark.parametrize(
    "question",
    [
        "<a",
        "",
        "plain text",
        "<ExternalQuestion/>",
        f'<ExternalQuestion xmlns="{SCHEMAS}/2006-07-15/ExternalQuestion.xsd"/>',
        f'<HTMLQuestion xmlns="{SCHEMAS}/2006-07-14/ExternalQuestion.xsd"/>',
        f'<AnswerKey xmlns="{SCHEMAS}/2005-10-01/AnswerKey.xsd"/>',
        f'<!DOCTYPE a [<!ENTITY e "x">]><QuestionForm xmlns="{SCHEMAS}/2005-10-01/QuestionForm.xsd">&e;</QuestionForm>',
        f'<QuestionForm xmlns="{SCHEMAS}/2005-10-01/QuestionForm.xsd">{"é" * 32_768}</QuestionForm>',
    ],
)
def test_another_document_than_a_question_is_refused(house, client, failure, question):
    status, kind, code, message = failure(lambda: house.create_hit(client, Question=question))

    assert (status, kind, code) == (400, "ParameterValidationError", "AWS.MechanicalTurk.XMLParseError")
    assert message.startswith(
        "There was an error parsing the XML question or answer data in your request.  Please make sure the data is "
        "well-formed and validates against the appropriate schema. Details: "
    )


def test_a_question_may_have_65535_bytes(house, client):
    start = f'<HTMLQuestion xmlns="{SCHEMAS}/2011-11-11/HTMLQuestion.xsd"><HTMLContent>'
    end = "</HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>"
    question = start + "x" * (65_535 - len(start + end)) + end

    assert house.create_hit(client, Question=question)["Question"] == question


def test_question_and_layout_exclude_each_other_and_no_layout_exists(house, client, failure):
    wrong = (400, "ParameterValidationError", "AWS.MechanicalTurk.InvalidParameterValue")

    assert wrong == failure(lambda: house.create_hit(client, Question=None))[:3]
    assert wrong == failure(lambda: house.create_hit(client, HITLayoutId="3LAYOUT"))[:3]
    assert failure(lambda: house.create_hit(client, Question=None, HITLayoutId="3LAYOUT"))[:3] == (
        400,
        "RequestError",
        "AWS.MechanicalTurk.HITLayoutDoesNotExist",
    )


@pytest.mark.parametrize(
    ("name", "value", "lowest", "highest"),
    [
        ("LifetimeInSeconds", 29, 30, 31_536_000),
        ("LifetimeInSeconds", 31_536_001, 30, 31_536_000),
        ("AssignmentDurationInSeconds", -1, 30, 31_536_000),
        ("AutoApprovalDelayInSeconds", 2_592_001, 0, 2_592_000),
        ("MaxAssignments", 0, 1, 1_000_000_000),
    ],
)
def test_numbers_have_limits(house, client, failure, name, value, lowest, highest):
    assert (
        400,
        "ParameterValidationError",
        "AWS.ParameterOutOfRange",
        f"The value {value} is invalid for {name}. Valid values range from {lowest} to {highest}. (1700000000000)",
    ) == failure(lambda: house.create_hit(client, **{name: value}))


def test_a_hit_of_a_known_type_takes_its_values(house, client, failure):
    first = house.create_hit(client, Keywords="k")
    question = first["Question"]
    hit = client.create_hit_with_hit_type(HITTypeId=first["HITTypeId"], LifetimeInSeconds=60, Question=question)["HIT"]

    assert (hit["Title"], hit["Keywords"], hit["Reward"]) == ("Count the dots", "k", "0.05")
    for owner in (client, house.client("bob")):
        identifier = "3NOSUCH" if owner is client else first["HITTypeId"]
        assert (
            400,
            "ParameterValidationError",
            "AWS.MechanicalTurk.InvalidParameterValue",
            f'The value "{identifier}" is not valid for the parameter HITTypeId. (1700000000000)',
        ) == failure(owner.create_hit_with_hit_type, HITTypeId=identifier, LifetimeInSeconds=60, Question=question)


def test_review_policies_are_checked_for_their_shape_and_kept(house, client, failure):
    given = {"QuestionIds": "dots", "QuestionAgreementThreshold": "50", "DisregardAssignmentIfRejected": "T"}
    parameters = [{"Key": name, "Values": [value]} for name, value in given.items()]
    policy = {"PolicyName": "SimplePlurality/2011-09-01", "Parameters": parameters}

    assert house.create_hit(client, HITReviewPolicy=policy)
    response = house.post("CreateHIT", {"HITReviewPolicy": {"Parameters": "x"}})
    assert response.json()["__type"] == "SerializationException"


def test_a_used_token_names_the_hit_that_it_made_for_a_day(house, client, clock, failure):
    token = {"UniqueRequestToken": "once"}
    hit = house.create_hit(client, **token)
    wanted = (
        400,
        "RequestError",
        "AWS.MechanicalTurk.HitAlreadyExists",
        f'The HIT with ID "{hit["HITId"]}" already exists. (1700000000000)',
    )

    assert wanted == failure(lambda: house.create_hit(client, Title="Another", **token))
    assert wanted == failure(
        client.create_hit_with_hit_type,
        HITTypeId=hit["HITTypeId"],
        LifetimeInSeconds=60,
        Question=hit["Question"],
        **token,
    )
    assert house.create_hit(house.client("bob"), **token)
    clock.advance(86_400)
    assert hit["HITId"] != house.create_hit(client, **token)["HITId"]


def test_a_refused_hit_does_not_use_up_its_token(house, client, failure):
    failure(lambda: house.create_hit(client, MaxAssignments=0, UniqueRequestToken="once"))

    assert house.create_hit(client, UniqueRequestToken="once")


def test_status_and_counters_through_the_life_of_a_hit(house, client, clock):
    hit = house.create_hit(client, MaxAssignments=2)
    seen = [counters(read(client, hit))]
    first = house.accept(hit, "A1")
    seen.append(counters(read(client, hit)))
    second = house.accept(hit, "A2")
    seen.append(counters(read(client, hit)))
    house.submit(first)
    seen.append(counters(read(client, hit)))
    house.submit(second)
    seen.append(counters(read(client, hit)))
    client.approve_assignment(AssignmentId=first)
    client.reject_assignment(AssignmentId=second, RequesterFeedback="no")
    seen.append(counters(read(client, hit)))
    client.delete_hit(HITId=hit["HITId"])
    seen.append(counters(read(client, hit)))

    assert seen == [
        ("Assignable", 0, 2, 0),
        ("Assignable", 1, 1, 0),
        ("Unassignable", 2, 0, 0),
        ("Unassignable", 1, 0, 0),
        ("Reviewable", 0, 0, 0),
        ("Reviewable", 0, 0, 2),
        ("Disposed", 0, 0, 2),
    ]


def test_expiry_leaves_available_slots_counted_and_waits_for_work_in_progress(house, client, clock):
    idle = house.create_hit(client, MaxAssignments=5, LifetimeInSeconds=60)
    busy = house.create_hit(client, MaxAssignments=5, LifetimeInSeconds=60)
    assignment = house.accept(busy)
    clock.advance(59)
    assert counters(read(client, busy)) == ("Assignable", 1, 4, 0)
    clock.advance(1)

    assert counters(read(client, idle)) == ("Reviewable", 0, 5, 0)
    assert counters(read(client, busy)) == ("Unassignable", 1, 4, 0)
    house.submit(assignment)
    assert counters(read(client, busy)) == ("Reviewable", 0, 4, 0)


def test_delete_names_the_state_even_when_it_contradicts_itself(house, client, clock, failure):
    hit = house.create_hit(client)
    identifier = {"HITId": hit["HITId"]}
    allowed = "Reviewing, Reviewable"

    assert state_error("Assignable", allowed) == failure(client.delete_hit, **identifier)
    assignment = house.accept(hit)
    assert state_error("Unassignable", allowed) == failure(client.delete_hit, **identifier)
    house.submit(assignment)
    assert state_error("Reviewable", allowed) == failure(client.delete_hit, **identifier)
    client.approve_assignment(AssignmentId=assignment)
    client.delete_hit(**identifier)
    assert state_error("Disposed", allowed) == failure(client.delete_hit, **identifier)
    assert read(client, hit)["HITStatus"] == "Disposed"
    assert client.list_hits()["HITs"] == []


def test_review_status_goes_back_and_forth_and_only_from_the_right_state(house, client, failure):
    hit = house.create_hit(client)
    identifier = {"HITId": hit["HITId"]}
    assert state_error("Assignable", "Reviewable") == failure(client.update_hit_review_status, **identifier)
    house.work(hit)
    client.update_hit_review_status(**identifier)
    assert read(client, hit)["HITStatus"] == "Reviewing"
    assert state_error("Reviewing", "Reviewable") == failure(client.update_hit_review_status, **identifier)
    client.update_hit_review_status(**identifier, Revert=True)

    assert read(client, hit)["HITStatus"] == "Reviewable"
    assert state_error("Reviewable", "Reviewing") == failure(client.update_hit_review_status, **identifier, Revert=True)


def test_reviewable_hits_are_listed_by_status_and_type_and_hold_only_an_id(house, client):
    assignable, reviewable, reviewing = (house.create_hit(client) for _ in range(3))
    other = house.create_hit(client, Title="Other")
    for hit in (reviewable, reviewing, other):
        house.work(hit)
    client.update_hit_review_status(HITId=reviewing["HITId"])

    def listed(**filters):
        return [hit["HITId"] for hit in client.list_reviewable_hits(**filters)["HITs"]]

    assert sorted([reviewable["HITId"], other["HITId"]]) == listed()
    assert [{"HITId": reviewing["HITId"]}] == client.list_reviewable_hits(Status="Reviewing")["HITs"]
    assert [other["HITId"]] == listed(HITTypeId=other["HITTypeId"])
    assert listed(HITTypeId="3NOSUCH") == []
    assert assignable["HITStatus"] == "Assignable"


@pytest.mark.parametrize("expire_at", [0, 1_420_070_400, 1_700_000_000, 1_700_000_005, "2015-01-01T00:00:00Z"])
def test_an_expiration_that_has_passed_or_almost_ends_the_hit_now(house, client, clock, expire_at):
    hit = house.create_hit(client, MaxAssignments=3)
    body = {"HITId": hit["HITId"], "ExpireAt": expire_at}
    assert house.post("UpdateExpirationForHIT", body).content == b"{}"
    ended = read(client, hit)
    assert ("Reviewable", datetime.fromtimestamp(1_700_000_000, UTC)) == (ended["HITStatus"], ended["Expiration"])

    clock.advance(100)
    assert house.post("UpdateExpirationForHIT", body).content == b"{}"
    assert ended["Expiration"] == read(client, hit)["Expiration"]


@pytest.mark.parametrize(
    ("expire_at", "increment"),
    [(1_700_000_006, -3594), (1_700_003_599, -1), (1_700_003_659, 59), (1_731_539_601, 31_536_001)],
)
def test_an_extension_has_limits_and_cannot_shorten(house, client, failure, expire_at, increment):
    hit = house.create_hit(client)

    assert (
        400,
        "ParameterValidationError",
        "AWS.ParameterOutOfRange",
        (
            f"The value {increment} is invalid for ExpirationIncrementInSeconds. "
            "Valid values range from 60 to 31536000. (1700000000000)"
        ),
    ) == failure(client.update_expiration_for_hit, HITId=hit["HITId"], ExpireAt=expire_at)


def test_an_extension_brings_a_hit_back_and_may_be_repeated(house, client, clock):
    hit = house.create_hit(client, MaxAssignments=2)
    clock.advance(3600)
    client.update_hit_review_status(HITId=hit["HITId"])
    for _ in range(2):
        client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=clock.now + 60)
    assert read(client, hit)["HITStatus"] == "Assignable"

    clock.advance(60)
    assert read(client, hit)["HITStatus"] == "Reviewable"


def test_a_full_hit_stays_in_review_when_it_is_extended(house, client, clock):
    hit = house.create_hit(client)
    house.work(hit)
    client.update_hit_review_status(HITId=hit["HITId"])
    client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=clock.now + 7200)

    assert read(client, hit)["HITStatus"] == "Reviewing"


def test_a_disposed_hit_cannot_be_extended(house, client, clock, failure):
    hit = house.create_hit(client)
    client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=0)
    client.delete_hit(HITId=hit["HITId"])

    assert state_error("Disposed", "Assignable, Unassignable, Reviewable, Reviewing") == failure(
        client.update_expiration_for_hit, HITId=hit["HITId"], ExpireAt=clock.now + 7200
    )


def test_hits_are_found_by_a_qualification_type_that_they_require(house, client, failure):
    own = client.create_qualification_type(Name="N", Description="D", QualificationTypeStatus="Active")
    identifier = own["QualificationType"]["QualificationTypeId"]
    system = "00000000000000000071"
    wanted = house.create_hit(
        client, QualificationRequirements=[{"QualificationTypeId": identifier, "Comparator": "Exists"}]
    )
    house.create_hit(client)

    def listed(owner, type_id):
        return [hit["HITId"] for hit in owner.list_hits_for_qualification_type(QualificationTypeId=type_id)["HITs"]]

    assert [wanted["HITId"]] == listed(client, identifier)
    assert listed(client, system) == []
    for owner, missing in ((client, "3NOSUCH"), (house.client("bob"), identifier)):
        assert (
            400,
            "RequestError",
            "AWS.MechanicalTurk.QualificationTypeDoesNotExist",
            f"QualificationType {missing} does not exist. (1700000000000)",
        ) == failure(owner.list_hits_for_qualification_type, QualificationTypeId=missing)


def test_requesters_do_not_see_each_other(house, client, failure):
    hit = house.create_hit(client)
    assignment = house.work(hit)
    bob = house.client("bob")

    assert bob.list_hits()["HITs"] == []
    assert bob.list_reviewable_hits()["HITs"] == []
    for call, parameters in [
        (bob.get_hit, {}),
        (bob.list_assignments_for_hit, {}),
        (bob.delete_hit, {}),
        (bob.update_hit_review_status, {}),
        (bob.update_expiration_for_hit, {"ExpireAt": 0}),
    ]:
        assert (
            f"Hit {hit['HITId']} does not exist. (1700000000000)" == failure(call, HITId=hit["HITId"], **parameters)[3]
        )
    for call, parameters in [
        (bob.get_assignment, {}),
        (bob.approve_assignment, {}),
        (bob.reject_assignment, {"RequesterFeedback": "x"}),
    ]:
        assert (
            f"Assignment {assignment} does not exist. (1700000000000)"
            == failure(call, AssignmentId=assignment, **parameters)[3]
        )
