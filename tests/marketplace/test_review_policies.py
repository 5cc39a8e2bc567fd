"""Review policies: what they score, what they do about it, and what the requester is told (modern-mturk 5)."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given as sample
from hypothesis import strategies as st
from sqlalchemy import update

from mturk_gateway.marketplace.requesters import find_requester, set_terms
from mturk_gateway.marketplace.services.judging.review_policies import known_answers, plurality
from mturk_gateway.marketplace.services.judging.review_policies.answers import comparable, shown
from mturk_gateway.marketplace.services.paying import money
from mturk_gateway.marketplace.tables import hits

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
START = 1_700_000_000
KNOWN, PLURALITY = "ScoreMyKnownAnswers/2011-09-01", "SimplePlurality/2011-09-01"
STATE = "AWS.MechanicalTurk.InvalidAssignmentState"
SUBMITTED_ONLY = "This operation can be called with a status of: Submitted"


def moment(seconds):
    return datetime.fromtimestamp(seconds, UTC)


def policy(name, **parameters):
    """A ReviewPolicy; a mapping is given as MapEntries, a list as Values, anything else as the one value."""
    given = []
    for key, value in parameters.items():
        if isinstance(value, dict):
            entries = [{"Key": question, "Values": values} for question, values in value.items()]
            given.append({"Key": key, "MapEntries": entries})
        else:
            given.append({"Key": key, "Values": value if isinstance(value, list) else [str(value)]})
    return {"PolicyName": name, "Parameters": given}


def known(key=None, **parameters):
    return policy(KNOWN, AnswerKey=key or {"a": ["1"], "b": ["2"], "c": ["3"]}, **parameters)


def agreeing(questions="a", threshold=50, **parameters):
    required = {"QuestionIds": questions, "QuestionAgreementThreshold": threshold, "DisregardAssignmentIfRejected": "F"}
    return policy(PLURALITY, **{**required, **parameters})


def report(client, hit, **filters):
    """The reply of all pages together; the ids of actions are numbered from 0 in the order of their first mention."""
    pages = []
    token = {}
    while not pages or token:
        page = client.list_review_policy_results_for_hit(HITId=hit["HITId"], MaxResults=50, **filters, **token)
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else {}
        pages.append(page)
        assert len(pages) < 10, "the walk does not end"
    whole = {name: value for name, value in pages[0].items() if name not in {"ResponseMetadata", "NextToken"}}
    for page in pages[1:]:
        for name, part in page.items():
            if name.endswith("Report"):
                for member, items in part.items():
                    whole[name][member] += items
    numbers = {}
    for name in sorted(name for name in whole if name.endswith("Report")):
        for item in whole[name]["ReviewResults"] + whole[name]["ReviewActions"]:
            assert re.fullmatch("3[A-Z0-9]{29}", item["ActionId"])
            item["ActionId"] = numbers.setdefault(item["ActionId"], len(numbers))
    return whole


def results(client, hit, level):
    """What was found: (about, question, key, value) of each result."""
    found = report(client, hit)[f"{level}ReviewReport"]["ReviewResults"]
    return [(item["SubjectId"], item.get("QuestionId"), item["Key"], item["Value"]) for item in found]


def values(client, hit, level, key):
    return [value for _, _, named, value in results(client, hit, level) if named == key]


def actions(client, hit, level):
    """What was done beside the reviews themselves: (action, target, status, result, error) of each."""
    done = report(client, hit)[f"{level}ReviewReport"]["ReviewActions"]
    return [
        (item["ActionName"], item["TargetId"], item["Status"], item["Result"], item.get("ErrorCode"))
        for item in done
        if item["ActionName"] != "review"
    ]


def state(client, assignment):
    found = client.get_assignment(AssignmentId=assignment)["Assignment"]
    return found["AssignmentStatus"], found.get("RequesterFeedback")


def work(house, hit, *submissions):
    """What as many workers submitted, a second apart; gives their assignments."""
    done = []
    for number, answers in enumerate(submissions, start=1):
        house.clock.advance(1)
        done.append(house.work(hit, f"A{number}", answers))
    return done


def shape(client, hit):
    found = client.get_hit(HITId=hit["HITId"])["HIT"]
    return found["HITStatus"], found["MaxAssignments"], int(found["Expiration"].timestamp()) - START


# Known answers


def test_known_answers_are_scored_at_submission_and_told_question_by_question(house, client, clock):
    hit = house.create_hit(
        client,
        MaxAssignments=2,
        AssignmentReviewPolicy=known(ApproveIfKnownAnswerScoreIsAtLeast=66, ApproveReason="Well done"),
    )
    clock.advance(60)
    assignment = house.work(hit, "A1", [("a", "1"), ("b", "2"), ("c", "wrong")])
    about = {"ActionId": 0, "SubjectId": assignment, "SubjectType": "Assignment"}
    target = {"TargetId": assignment, "TargetType": "Assignment", "Status": "Succeeded"}

    assert report(client, hit) == {
        "HITId": hit["HITId"],
        "AssignmentReviewPolicy": {"PolicyName": KNOWN},
        "AssignmentReviewReport": {
            "ReviewResults": [
                {**about, "QuestionId": "a", "Key": "KnownAnswerCorrect", "Value": "1"},
                {**about, "QuestionId": "b", "Key": "KnownAnswerCorrect", "Value": "1"},
                {**about, "QuestionId": "c", "Key": "KnownAnswerCorrect", "Value": "0"},
                {**about, "Key": "KnownAnswerScore", "Value": "66"},
            ],
            "ReviewActions": [
                {
                    "ActionId": 0,
                    "ActionName": "review",
                    **target,
                    "CompleteTime": moment(START + 60),
                    "Result": "Reviewed 3 known answers; 2 correct",
                },
                {
                    "ActionId": 1,
                    "ActionName": "approve",
                    **target,
                    "CompleteTime": moment(START + 60),
                    "Result": "Approved",
                },
            ],
        },
        "HITReviewReport": {"ReviewResults": [], "ReviewActions": []},
    }
    found = client.get_assignment(AssignmentId=assignment)
    assert found["Assignment"]["AssignmentStatus"] == "Approved"
    assert found["Assignment"]["ApprovalTime"] == moment(START + 60)
    assert found["Assignment"]["RequesterFeedback"] == "Well done"
    assert found["HIT"]["NumberOfAssignmentsCompleted"] == 1


SCORE_66 = [
    ({}, ("Submitted", None)),
    ({"ApproveIfKnownAnswerScoreIsAtLeast": 67}, ("Submitted", None)),
    ({"ApproveIfKnownAnswerScoreIsAtLeast": 66}, ("Approved", None)),
    ({"ApproveIfKnownAnswerScoreIsAtLeast": 0}, ("Approved", None)),
    ({"ApproveIfKnownAnswerScoreIsAtLeast": 101}, ("Submitted", None)),
    ({"RejectIfKnownAnswerScoreIsLessThan": 66}, ("Submitted", None)),
    ({"RejectIfKnownAnswerScoreIsLessThan": 67}, ("Rejected", None)),
    ({"RejectIfKnownAnswerScoreIsLessThan": 67, "RejectReason": "Too few"}, ("Rejected", "Too few")),
    ({"RejectIfKnownAnswerScoreIsLessThan": 0}, ("Submitted", None)),
    ({"RejectIfKnownAnswerScoreIsLessThan": 101}, ("Rejected", None)),
    ({"ApproveReason": "yes", "RejectReason": "no"}, ("Submitted", None)),
]


def test_a_score_of_66_is_approved_from_there_on_and_rejected_below(house, client):
    made = []
    for limits, _ in SCORE_66:
        hit = house.create_hit(client, AssignmentReviewPolicy=known(**limits))
        assignment = house.work(hit, "A1", [("a", "1"), ("b", "2"), ("c", "wrong")])
        made.append((limits, state(client, assignment)))

    assert made == SCORE_66


def test_always_and_never_hold_at_both_ends_of_the_scale(house, client):
    hit = house.create_hit(
        client,
        MaxAssignments=2,
        AssignmentReviewPolicy=known(
            {"a": ["1"]}, ApproveIfKnownAnswerScoreIsAtLeast=101, RejectIfKnownAnswerScoreIsLessThan=0
        ),
    )
    perfect, hopeless = house.work(hit, "A1", [("a", "1")]), house.work(hit, "A2", [])

    assert values(client, hit, "Assignment", "KnownAnswerScore") == ["100", "0"]
    assert [state(client, perfect)[0], state(client, hopeless)[0]] == ["Submitted", "Submitted"]


def test_answers_match_as_trimmed_sets_and_otherwise_exactly(house, client):
    key = {
        "spaces": [" 7 "],
        "case": ["Yes"],
        "punctuation": ["a, b"],
        "order": ["x", "y"],
        "subset": ["x", "y"],
        "superset": ["x"],
        "empty key": [],
        "blank key": [" "],
        "both empty": [""],
        "missing": ["1"],
        "repeated": ["z"],
    }
    answers = [
        ("spaces", "7\n"),
        ("case", "yes"),
        ("punctuation", "a b"),
        ("order", "y"),
        ("order", "x"),
        ("subset", "x"),
        ("superset", "x"),
        ("superset", "y"),
        ("empty key", "something"),
        ("blank key", " "),
        ("repeated", "z"),
        ("repeated", "z"),
        ("nobody asked", "1"),
        ("", "nameless"),
    ]
    hit = house.create_hit(client, AssignmentReviewPolicy=known(key))
    house.work(hit, "A1", answers)
    found = {question: value for _, question, name, value in results(client, hit, "Assignment") if question}

    assert found == {**dict.fromkeys(key, "0"), "spaces": "1", "order": "1", "repeated": "1"}
    assert values(client, hit, "Assignment", "KnownAnswerScore") == ["27"]


def test_choices_of_a_form_are_compared_by_their_identifiers(house, client):
    choices = "".join(
        f"<Selection><SelectionIdentifier>{name}</SelectionIdentifier><Text>{text}</Text></Selection>"
        for name, text in (("c1", "Cat"), ("d1", "Dog"), ("e1", "Eel"))
    )
    form = (
        f'<QuestionForm xmlns="{SCHEMAS}/2005-10-01/QuestionForm.xsd"><Question>'
        "<QuestionIdentifier>pets</QuestionIdentifier><QuestionContent><Text>?</Text></QuestionContent>"
        f"<AnswerSpecification><SelectionAnswer><MinSelectionCount>0</MinSelectionCount>"
        f"<MaxSelectionCount>3</MaxSelectionCount><Selections>{choices}</Selections></SelectionAnswer>"
        "</AnswerSpecification></Question></QuestionForm>"
    )
    hit = house.create_hit(
        client, Question=form, MaxAssignments=2, AssignmentReviewPolicy=known({"pets": ["d1", "c1"]})
    )
    house.work(hit, "A1", [("pets", "c1"), ("pets", "d1")])
    house.work(hit, "A2", [("pets", "c1"), ("pets", "e1")])

    assert values(client, hit, "Assignment", "KnownAnswerScore") == ["100", "0"]


def test_a_low_score_adds_one_assignment_until_there_are_five(house, client):
    hit = house.create_hit(client, AssignmentReviewPolicy=known(ExtendIfKnownAnswerScoreIsLessThan=101))
    shapes = []
    for number in range(1, 6):
        house.work(hit, f"A{number}", [])
        shapes.append(shape(client, hit))

    assert shapes == [
        ("Assignable", 2, 3600),
        ("Assignable", 3, 3600),
        ("Assignable", 4, 3600),
        ("Assignable", 5, 3600),
        ("Reviewable", 5, 3600),
    ]
    assert actions(client, hit, "Assignment") == [
        ("extend", hit["HITId"], "Succeeded", f"Extended to {most} assignments", None) for most in (2, 3, 4, 5)
    ]
    assert report(client, hit)["AssignmentReviewReport"]["ReviewActions"][1]["TargetType"] == "HIT"


def test_only_a_score_below_the_limit_extends(house, client):
    sizes = {}
    for limit in (0, 66, 67):
        hit = house.create_hit(client, AssignmentReviewPolicy=known(ExtendIfKnownAnswerScoreIsLessThan=limit))
        house.work(hit, "A1", [("a", "1"), ("b", "2")])
        sizes[limit] = shape(client, hit)[1]

    assert sizes == {0: 1, 66: 1, 67: 2}


def test_an_extension_ends_at_its_own_maximum_and_brings_time(house, client):
    hit = house.create_hit(
        client,
        AssignmentReviewPolicy=known(
            ExtendIfKnownAnswerScoreIsLessThan=50, ExtendMaximumAssignments=2, ExtendMinimumTimeInSeconds=60
        ),
    )
    house.work(hit, "A1", [])
    first = shape(client, hit)
    house.work(hit, "A2", [])

    assert (first, shape(client, hit)) == (("Assignable", 2, 3660), ("Reviewable", 2, 3660))


def test_an_expired_hit_gets_its_time_from_now_on(house, client, clock):
    hit = house.create_hit(
        client,
        LifetimeInSeconds=30,
        AssignmentReviewPolicy=known(ExtendIfKnownAnswerScoreIsLessThan=50, ExtendMinimumTimeInSeconds=600),
    )
    assignment = house.accept(hit, "A1")
    clock.advance(100)
    house.submit(assignment, [])

    assert shape(client, hit) == ("Assignable", 2, 700)


def test_nine_assignments_never_become_ten(house, client):
    hit = house.create_hit(
        client,
        MaxAssignments=9,
        AssignmentReviewPolicy=known(ExtendIfKnownAnswerScoreIsLessThan=50, ExtendMaximumAssignments=25),
    )
    house.work(hit, "A1", [])

    assert shape(client, hit)[1] == 9
    assert actions(client, hit, "Assignment") == [
        (
            "extend",
            hit["HITId"],
            "Failed",
            "A HIT that was created with fewer than 10 assignments cannot be extended to 10 or more.",
            "AWS.MechanicalTurk.InvalidMaximumAssignmentsIncrease",
        )
    ]


def test_an_extension_without_funds_is_told_as_failed_and_the_work_is_kept(house, client):
    hit = house.create_hit(client, AssignmentReviewPolicy=known(ExtendIfKnownAnswerScoreIsLessThan=50))
    with house.database.writing() as connection:
        set_terms(connection, find_requester(connection, "alice"), prepaid=True)
    assignment = house.work(hit, "A1", [])
    (extension,) = actions(client, hit, "Assignment")

    assert extension[:3] == ("extend", hit["HITId"], "Failed")
    assert extension[3].startswith("This Requester has insufficient funds in their account")
    assert extension[4] == "AWS.MechanicalTurk.InsufficientFunds"
    assert (shape(client, hit), state(client, assignment)) == (("Reviewable", 1, 3600), ("Submitted", None))


def test_an_action_that_fails_half_way_leaves_nothing_behind(house, client, monkeypatch):
    hit = house.create_hit(client, AssignmentReviewPolicy=known(ApproveIfKnownAnswerScoreIsAtLeast=0))

    def fail(*_):
        raise money.insufficient_funds()

    monkeypatch.setattr(money, "move", fail)
    assignment = house.work(hit, "A1", [])

    assert state(client, assignment) == ("Submitted", None)
    assert client.get_hit(HITId=hit["HITId"])["HIT"]["NumberOfAssignmentsCompleted"] == 0
    assert actions(client, hit, "Assignment")[0][2:5:2] == ("Failed", "AWS.MechanicalTurk.InsufficientFunds")


def test_what_was_approved_cannot_be_rejected_as_well(house, client):
    hit = house.create_hit(
        client,
        AssignmentReviewPolicy=known(ApproveIfKnownAnswerScoreIsAtLeast=0, RejectIfKnownAnswerScoreIsLessThan=101),
    )
    assignment = house.work(hit, "A1", [])

    assert state(client, assignment) == ("Approved", None)
    assert actions(client, hit, "Assignment") == [
        ("approve", assignment, "Succeeded", "Approved", None),
        ("reject", assignment, "Failed", SUBMITTED_ONLY, STATE),
    ]


# Plurality


def test_plurality_is_judged_when_the_hit_becomes_reviewable(house, client, clock):
    hit = house.create_hit(
        client,
        MaxAssignments=3,
        HITReviewPolicy=agreeing(["a", "b"], 60, ApproveIfWorkerAgreementScoreIsAtLeast=100),
    )
    one, two = work(house, hit, [("a", "cat"), ("b", "1")], [("a", " cat "), ("b", "2")])
    assert report(client, hit)["HITReviewReport"] == {"ReviewResults": [], "ReviewActions": []}
    clock.advance(58)
    three = house.work(hit, "A3", [("a", "dog"), ("b", "3")])
    about = {"ActionId": 0, "SubjectId": hit["HITId"], "SubjectType": "HIT"}
    done = {"Status": "Succeeded", "CompleteTime": moment(START + 60)}

    assert report(client, hit) == {
        "HITId": hit["HITId"],
        "HITReviewPolicy": {"PolicyName": PLURALITY},
        "AssignmentReviewReport": {"ReviewResults": [], "ReviewActions": []},
        "HITReviewReport": {
            "ReviewResults": [
                {**about, "QuestionId": "a", "Key": "AgreedAnswerFound", "Value": "true"},
                {**about, "QuestionId": "a", "Key": "AgreedAnswer", "Value": "cat"},
                {**about, "QuestionId": "a", "Key": "AnswerAgreementScore", "Value": "66"},
                {**about, "QuestionId": "b", "Key": "AgreedAnswerFound", "Value": "false"},
                {**about, "QuestionId": "b", "Key": "AnswerAgreementScore", "Value": "33"},
                {**about, "Key": "HitAgreementScore", "Value": "50"},
                *(
                    {"ActionId": 0, "SubjectId": assignment, "SubjectType": "Assignment", "Key": key, "Value": value}
                    for assignment, score in ((one, ("100", "1", "0")), (two, ("100", "1", "0")), (three, "001"))
                    for key, value in zip(
                        ("WorkerAgreementScore", "PluralityAnswersCorrect", "PluralityAnswersIncorrect"),
                        score,
                        strict=True,
                    )
                ),
            ],
            "ReviewActions": [
                {
                    "ActionId": 0,
                    "ActionName": "review",
                    "TargetId": hit["HITId"],
                    "TargetType": "HIT",
                    **done,
                    "Result": "Reviewed 3 assignments; 1 of 2 questions agreed on",
                },
                *(
                    {
                        "ActionId": number,
                        "ActionName": "approve",
                        "TargetId": assignment,
                        "TargetType": "Assignment",
                        **done,
                        "Result": "Approved",
                    }
                    for number, assignment in ((1, one), (2, two))
                ),
            ],
        },
    }
    assert [state(client, assignment)[0] for assignment in (one, two, three)] == ["Approved", "Approved", "Submitted"]


def answered(house, client, *answers, **policies):
    """A HIT whose question `a` was answered so by as many workers; None for no answer. Gives the assignments too."""
    hit = house.create_hit(client, MaxAssignments=len(answers), **policies)
    return hit, work(house, hit, *([] if answer is None else [("a", answer)] for answer in answers))


AGREEMENTS = [
    (["x", "x", "y"], 65, ["true"], ["x"], ["66"]),
    (["x", "x", "y"], 66, ["false"], [], ["66"]),
    (["x", "x"], 100, ["false"], [], ["100"]),
    # As many for one as for the other are no plurality.
    (["x", "y"], 49, ["false"], [], ["50"]),
    (["x", "y", None], 0, ["false"], [], ["33"]),
    # Who gives no answer is counted, but not as a vote.
    (["x", None], 49, ["true"], ["x"], ["50"]),
    (["x", "", "", " "], 24, ["true"], ["x"], ["25"]),
    ([None, None], 0, ["false"], [], ["0"]),
    (["y" * 256, "y" * 256], 99, ["true"], ["y" * 256], ["100"]),
    (["y" * 257, "y" * 257, "x"], 32, ["true"], ["x"], ["33"]),
    (["b|a", "a|b"], 99, ["true"], ["a|b"], ["100"]),
    (["X", "x"], 50, ["false"], [], ["50"]),
]


def test_an_answer_is_agreed_on_by_a_greater_share_than_the_threshold(house, client):
    made = []
    for answers, threshold, *_ in AGREEMENTS:
        hit, _ = answered(house, client, *answers, HITReviewPolicy=agreeing(threshold=threshold))
        found = results(client, hit, "HIT")
        told = [
            [value for _, _, named, value in found if named == key]
            for key in ("AgreedAnswerFound", "AgreedAnswer", "AnswerAgreementScore")
        ]
        made.append((answers, threshold, *told))

    assert made == AGREEMENTS


def test_questions_come_as_a_list_or_with_commas(house, client):
    for questions in (["a", "b"], "a,b", [" a , b", "a"], ["a,b", ""]):
        hit = house.create_hit(client, HITReviewPolicy=agreeing(questions))
        house.work(hit)
        assert [row[1] for row in results(client, hit, "HIT") if row[2] == "AgreedAnswerFound"] == ["a", "b"]


def test_workers_are_judged_by_agreed_questions_only(house, client):
    hit = house.create_hit(
        client,
        MaxAssignments=3,
        HITReviewPolicy=agreeing(
            "a,b,c,d",
            60,
            ApproveIfWorkerAgreementScoreIsAtLeast=100,
            RejectIfWorkerAgreementScoreIsLessThan=66,
            RejectReason="You stand alone",
        ),
    )
    agreeing_one, middling, lonely = work(
        house,
        hit,
        [("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")],
        [("a", "1"), ("b", "1"), ("c", "2"), ("d", "2")],
        [("a", "1"), ("c", "1"), ("d", "3")],
    )

    assert values(client, hit, "HIT", "HitAgreementScore") == ["75"]
    assert values(client, hit, "HIT", "WorkerAgreementScore") == ["100", "66", "66"]
    assert values(client, hit, "HIT", "PluralityAnswersIncorrect") == ["0", "1", "1"]
    assert [state(client, work) for work in (agreeing_one, middling, lonely)] == [
        ("Approved", None),
        ("Submitted", None),
        ("Submitted", None),
    ]


def test_who_disagrees_is_rejected_and_told_why(house, client):
    _, work = answered(
        house,
        client,
        *("x", "x", "y"),
        HITReviewPolicy=agreeing(RejectIfWorkerAgreementScoreIsLessThan=100, RejectReason="You stand alone"),
    )

    assert [state(client, assignment) for assignment in work] == [
        ("Submitted", None),
        ("Submitted", None),
        ("Rejected", "You stand alone"),
    ]


def test_nobody_is_judged_while_nothing_is_agreed_on(house, client):
    hit, work = answered(
        house,
        client,
        *("x", "y"),
        HITReviewPolicy=agreeing(ApproveIfWorkerAgreementScoreIsAtLeast=0, RejectIfWorkerAgreementScoreIsLessThan=101),
    )

    assert {state(client, assignment) for assignment in work} == {("Submitted", None)}
    assert (values(client, hit, "HIT", "WorkerAgreementScore"), actions(client, hit, "HIT")) == ([], [])


def test_decided_work_is_told_as_approved_already_or_as_in_the_wrong_state(house, client):
    hit = house.create_hit(client, MaxAssignments=3, HITReviewPolicy=agreeing(ApproveIfWorkerAgreementScoreIsAtLeast=0))
    approved, rejected = work(house, hit, [("a", "x")], [("a", "x")])
    client.approve_assignment(AssignmentId=approved, RequesterFeedback="mine")
    client.reject_assignment(AssignmentId=rejected, RequesterFeedback="mine too")
    house.clock.advance(1)
    waiting = house.work(hit, "A3", [("a", "x")])

    assert actions(client, hit, "HIT") == [
        ("approve", approved, "Succeeded", "Already approved", None),
        ("approve", rejected, "Failed", SUBMITTED_ONLY, STATE),
        ("approve", waiting, "Succeeded", "Approved", None),
    ]
    assert [state(client, assignment) for assignment in (approved, rejected, waiting)] == [
        ("Approved", "mine"),
        ("Rejected", "mine too"),
        ("Approved", None),
    ]


def test_rejected_work_is_left_out_where_the_policy_says_so(house, client):
    shares = {}
    for disregard in ("T", "TRUE", "true", "F", "FALSE"):
        hit = house.create_hit(
            client, MaxAssignments=2, HITReviewPolicy=agreeing(DisregardAssignmentIfRejected=disregard)
        )
        client.reject_assignment(AssignmentId=house.work(hit, "A1", [("a", "x")]), RequesterFeedback="no")
        house.work(hit, "A2", [("a", "y")])
        shares[disregard] = values(client, hit, "HIT", "AnswerAgreementScore")

    assert shares == {"T": ["100"], "TRUE": ["100"], "true": ["100"], "F": ["50"], "FALSE": ["50"]}


def test_work_with_a_low_score_for_known_answers_is_left_out(house, client):
    hit = house.create_hit(
        client,
        MaxAssignments=3,
        AssignmentReviewPolicy=known({"k": ["1"], "l": ["1"]}),
        HITReviewPolicy=agreeing(DisregardAssignmentIfKnownAnswerScoreIsLessThan=50),
    )
    _, half, good = work(house, hit, [("a", "x")], [("a", "y"), ("k", "1")], [("a", "y"), ("k", "1"), ("l", "1")])

    judged = [about for about, _, key, _ in results(client, hit, "HIT") if key == "WorkerAgreementScore"]
    assert values(client, hit, "HIT", "AnswerAgreementScore") == ["100"]
    assert judged == [half, good]


def test_without_known_answers_no_score_is_low(house, client):
    hit, _ = answered(
        house,
        client,
        *("x", "y"),
        HITReviewPolicy=agreeing(DisregardAssignmentIfKnownAnswerScoreIsLessThan=100),
    )

    assert values(client, hit, "HIT", "AnswerAgreementScore") == ["50"]


EXTENDING = {
    "ExtendIfHITAgreementScoreIsLessThan": 100,
    "ExtendMaximumAssignments": 4,
    "ExtendMinimumTimeInSeconds": 60,
}


def test_a_hit_is_extended_and_judged_again_until_there_is_agreement(house, client, clock):
    hit, _ = answered(house, client, "x", "y", HITReviewPolicy=agreeing(**EXTENDING))
    assert shape(client, hit) == ("Assignable", 3, 3660)
    clock.advance(10)
    house.work(hit, "A3", [("a", "x")])

    assert shape(client, hit) == ("Reviewable", 3, 3660)
    assert values(client, hit, "HIT", "AnswerAgreementScore") == ["50", "66"]
    told = [
        (action["ActionName"], action["CompleteTime"])
        for action in report(client, hit)["HITReviewReport"]["ReviewActions"]
    ]
    assert told == [("review", moment(START + 2)), ("extend", moment(START + 2)), ("review", moment(START + 12))]


def test_a_hit_without_agreement_ends_at_its_maximum(house, client):
    hit, _ = answered(house, client, *"wxyz", HITReviewPolicy=agreeing(**EXTENDING))

    assert shape(client, hit) == ("Reviewable", 4, 3600)
    assert actions(client, hit, "HIT") == []


def test_only_agreement_below_the_limit_extends(house, client):
    sizes = {}
    for limit in (50, 51):
        limits = {**EXTENDING, "ExtendIfHITAgreementScoreIsLessThan": limit}
        hit = house.create_hit(client, MaxAssignments=2, HITReviewPolicy=agreeing("a,b", **limits))
        work(house, hit, [("a", "x"), ("b", "x")], [("a", "x"), ("b", "y")])
        sizes[limit] = shape(client, hit)[1]

    assert sizes == {50: 2, 51: 3}


def test_a_hit_that_nobody_worked_on_waits_longer_while_it_may_grow(house, client, clock):
    """Each extension begins when the last one was over, although nobody looked before."""
    hit = house.create_hit(client, LifetimeInSeconds=30, HITReviewPolicy=agreeing(**EXTENDING))
    clock.advance(100)
    first = shape(client, hit)
    clock.advance(1000)

    assert (first, shape(client, hit)) == (("Assignable", 3, 150), ("Reviewable", 4, 210))
    assert values(client, hit, "HIT", "HitAgreementScore") == ["0"] * 4


def test_a_submission_that_extends_the_hit_leaves_nothing_to_judge_yet(house, client):
    hit = house.create_hit(
        client,
        AssignmentReviewPolicy=known(ExtendIfKnownAnswerScoreIsLessThan=50, ExtendMaximumAssignments=2),
        HITReviewPolicy=agreeing(),
    )
    house.work(hit, "A1", [("a", "x")])
    assert results(client, hit, "HIT") == []
    house.work(hit, "A2", [("a", "x")])

    assert values(client, hit, "HIT", "AnswerAgreementScore") == ["100"]


# What a policy may say

INVALID, RANGE = "AWS.MechanicalTurk.InvalidParameterValue", "AWS.ParameterOutOfRange"


def without(made, key):
    return {**made, "Parameters": [parameter for parameter in made["Parameters"] if parameter["Key"] != key]}


def parameters(name, *given):
    return {"PolicyName": name, "Parameters": list(given)}


ASSIGNMENT_POLICIES = [
    (policy(PLURALITY), INVALID, f'The value "{PLURALITY}" is not valid for the parameter AssignmentReviewPolicy.'),
    ({"PolicyName": KNOWN}, INVALID, f"The review policy {KNOWN} needs the parameter AnswerKey."),
    (known(Nonsense=1), INVALID, f'The review policy {KNOWN} has no parameter "Nonsense".'),
    (parameters(KNOWN, {"Values": ["1"]}), INVALID, f'The review policy {KNOWN} has no parameter "".'),
    (known(QuestionIds="a"), INVALID, f'The review policy {KNOWN} has no parameter "QuestionIds".'),
    (
        parameters(KNOWN, *known()["Parameters"], *known()["Parameters"]),
        INVALID,
        f"The parameter AnswerKey of the review policy {KNOWN} is given twice.",
    ),
    *(
        (
            parameters(KNOWN, {"Key": "AnswerKey", **members}),
            INVALID,
            "The parameter AnswerKey takes MapEntries, each with a Key of its own.",
        )
        for members in (
            {},
            {"Values": ["1"]},
            {"MapEntries": []},
            {"MapEntries": [{"Values": ["1"]}]},
            {"MapEntries": [{"Key": "a", "Values": ["1"]}, {"Key": "a", "Values": ["2"]}]},
            {"MapEntries": [{"Key": "a", "Values": ["1"]}], "Values": ["1"]},
        )
    ),
    (known(ApproveReason=["a", "b"]), INVALID, "The parameter ApproveReason takes one value."),
    (known(ApproveReason=[]), INVALID, "The parameter ApproveReason takes Values, and no MapEntries."),
    (known(RejectReason={"a": ["b"]}), INVALID, "The parameter RejectReason takes Values, and no MapEntries."),
    *(
        (
            known(ApproveIfKnownAnswerScoreIsAtLeast=value),
            INVALID,
            f'The value "{value}" is not valid for the parameter ApproveIfKnownAnswerScoreIsAtLeast.',
        )
        for value in ("high", "", "5.0", "\u0665", "9" * 5000)
    ),
    *(
        (
            known(**{name: value}),
            RANGE,
            f"The value {value} is invalid for {name}. Valid values range from {lowest} to {highest}.",
        )
        for name, lowest, highest in (
            ("ApproveIfKnownAnswerScoreIsAtLeast", 0, 101),
            ("RejectIfKnownAnswerScoreIsLessThan", 0, 101),
            ("ExtendIfKnownAnswerScoreIsLessThan", 0, 101),
            ("ExtendMaximumAssignments", 2, 25),
            ("ExtendMinimumTimeInSeconds", 60, 31_536_000),
        )
        for value in (lowest - 1, highest + 1)
    ),
]
HIT_POLICIES = [
    (known(), INVALID, f'The value "{KNOWN}" is not valid for the parameter HITReviewPolicy.'),
    (agreeing(AnswerKey={"a": ["1"]}), INVALID, f'The review policy {PLURALITY} has no parameter "AnswerKey".'),
    *(
        (without(agreeing(), key), INVALID, f"The review policy {PLURALITY} needs the parameter {key}.")
        for key in ("QuestionIds", "QuestionAgreementThreshold", "DisregardAssignmentIfRejected")
    ),
    *(
        (without(agreeing(**EXTENDING), key), INVALID, f"The review policy {PLURALITY} needs the parameter {key}.")
        for key in ("ExtendMaximumAssignments", "ExtendMinimumTimeInSeconds")
    ),
    (agreeing(" , "), INVALID, "The parameter QuestionIds must name a question."),
    (
        agreeing(QuestionIDs="b"),
        INVALID,
        f"The parameter QuestionIds of the review policy {PLURALITY} is given twice.",
    ),
    (
        agreeing(DisregardAssignmentIfRejected="maybe"),
        INVALID,
        'The value "maybe" is not valid for the parameter DisregardAssignmentIfRejected.',
    ),
    *(
        (
            agreeing(**{**EXTENDING, name: value}),
            RANGE,
            f"The value {value} is invalid for {name}. Valid values range from {lowest} to {highest}.",
        )
        for name, lowest, highest in (
            ("ExtendIfHITAgreementScoreIsLessThan", 1, 100),
            ("ExtendMaximumAssignments", 2, 25),
            ("ExtendMinimumTimeInSeconds", 60, 31_536_000),
        )
        for value in (lowest - 1, highest + 1)
    ),
]


def test_policies_that_could_not_be_carried_out_are_refused(house, client, failure):
    for level, refused in (("Assignment", ASSIGNMENT_POLICIES), ("HIT", HIT_POLICIES)):
        for broken, code, message in refused:
            found = failure(house.create_hit, client=client, **{f"{level}ReviewPolicy": broken})
            assert found == (400, "ParameterValidationError", code, f"{message} ({START}000)")

    assert client.list_hits()["NumResults"] == 0


def test_policies_are_checked_with_a_hit_type_as_well(house, client, failure):
    hit = house.create_hit(client)
    parameters = {"HITTypeId": hit["HITTypeId"], "LifetimeInSeconds": 60, "Question": hit["Question"]}

    assert failure(client.create_hit_with_hit_type, **parameters, HITReviewPolicy=known())[2] == INVALID


def test_the_ends_of_the_ranges_are_within(house, client):
    for most, seconds, low, high in ((2, 60, 0, 1), (25, 31_536_000, 101, 100)):
        limits = {"ExtendMaximumAssignments": most, "ExtendMinimumTimeInSeconds": seconds}
        scores = dict.fromkeys(("ApproveIfKnownAnswerScoreIsAtLeast", "RejectIfKnownAnswerScoreIsLessThan"), low)
        house.create_hit(
            client,
            AssignmentReviewPolicy=known(ExtendIfKnownAnswerScoreIsLessThan=low, **scores, **limits),
            HITReviewPolicy=agreeing(ExtendIfHITAgreementScoreIsLessThan=high, **limits),
        )

    assert client.list_hits()["NumResults"] == 2


def test_question_ids_may_be_spelt_as_in_amazons_sample(house, client):
    hit = house.create_hit(client, HITReviewPolicy=without(agreeing(QuestionIDs="b"), "QuestionIds"))
    house.work(hit)

    assert results(client, hit, "HIT")[0] == (hit["HITId"], "b", "AgreedAnswerFound", "false")


def test_a_policy_from_before_they_were_checked_is_as_none(house, client):
    hit = house.create_hit(client)
    broken = json.dumps(policy(KNOWN)), json.dumps(policy(PLURALITY, QuestionIds="a"))
    columns = dict(zip(("assignment_review_policy", "hit_review_policy"), broken, strict=True))
    with house.database.writing() as connection:
        connection.execute(update(hits).values(**columns))
    house.work(hit)
    told = report(client, hit)

    assert told["AssignmentReviewReport"] == told["HITReviewReport"] == {"ReviewResults": [], "ReviewActions": []}


# Asking for results


@pytest.fixture
def reviewed(house, client):
    """A HIT with both policies: two results and two actions of its assignment, six and two of its own."""
    hit = house.create_hit(
        client,
        AssignmentReviewPolicy=known({"a": ["x"]}, ApproveIfKnownAnswerScoreIsAtLeast=0),
        HITReviewPolicy=agreeing(ApproveIfWorkerAgreementScoreIsAtLeast=0),
    )
    house.work(hit, "A1", [("a", "x")])
    return hit


def test_a_hit_without_policies_has_empty_reports(house, client):
    hit = house.create_hit(client)
    house.work(hit)
    reply = client.list_review_policy_results_for_hit(HITId=hit["HITId"])
    reply.pop("ResponseMetadata")

    assert reply == {
        "HITId": hit["HITId"],
        "AssignmentReviewReport": {"ReviewResults": [], "ReviewActions": []},
        "HITReviewReport": {"ReviewResults": [], "ReviewActions": []},
    }


def test_a_hit_of_somebody_else_does_not_exist(house, client, failure, reviewed):
    text = f"Hit {reviewed['HITId']} does not exist. ({START}000)"
    bob = house.client("bob")

    assert failure(bob.list_review_policy_results_for_hit, HITId=reviewed["HITId"]) == (
        400,
        "RequestError",
        "AWS.MechanicalTurk.HITDoesNotExist",
        text,
    )


def test_levels_actions_and_results_can_be_left_out(client, reviewed):
    whole = report(client, reviewed)
    sizes = [len(whole[f"{level}ReviewReport"][f"Review{kind}"]) for level in ("Assignment", "HIT") for kind in KINDS]
    assert sizes == [2, 2, 7, 2]

    for level, other in (("Assignment", "HIT"), ("HIT", "Assignment")):
        part = report(client, reviewed, PolicyLevels=[level])
        assert part.keys() == {"HITId", f"{level}ReviewPolicy", f"{level}ReviewReport"}
        assert [len(part[f"{level}ReviewReport"][f"Review{kind}"]) for kind in KINDS] == (
            sizes[:2] if other == "HIT" else sizes[2:]
        )
    assert report(client, reviewed, PolicyLevels=[]) == whole
    assert report(client, reviewed, PolicyLevels=["HIT", "Assignment"], RetrieveActions=True) == whole
    for kind, other in (KINDS, KINDS[::-1]):
        part = report(client, reviewed, **{f"Retrieve{kind}": False})
        for level in ("Assignment", "HIT"):
            assert part[f"{level}ReviewReport"][f"Review{kind}"] == []
            assert part[f"{level}ReviewReport"][f"Review{other}"]
    nothing = client.list_review_policy_results_for_hit(
        HITId=reviewed["HITId"], RetrieveActions=False, RetrieveResults=False
    )
    assert nothing["HITReviewReport"] == {"ReviewResults": [], "ReviewActions": []}
    assert "NextToken" not in nothing


KINDS = ("Results", "Actions")


def items(page):
    return [
        item
        for level in ("Assignment", "HIT")
        for kind in KINDS
        for item in page[f"{level}ReviewReport"][f"Review{kind}"]
    ]


def test_one_walk_leads_through_both_reports_and_ends_with_an_empty_page(client, reviewed):
    call = client.list_review_policy_results_for_hit
    whole = items(call(HITId=reviewed["HITId"], MaxResults=100))
    pages = [call(HITId=reviewed["HITId"], MaxResults=5)]
    while "NextToken" in pages[-1]:
        pages.append(call(HITId=reviewed["HITId"], MaxResults=5, NextToken=pages[-1]["NextToken"]))

    assert [len(items(page)) for page in pages] == [5, 5, 3, 0]
    together = [item for page in pages for item in items(page)]
    assert sorted(together, key=str) == sorted(whole, key=str)
    assert len(items(call(HITId=reviewed["HITId"]))) == 10
    assert len(pages[0]["AssignmentReviewReport"]["ReviewResults"]) == 2
    assert len(pages[0]["AssignmentReviewReport"]["ReviewActions"]) == 2


def test_a_token_is_good_for_its_own_listing_only(house, client, failure, reviewed):
    call = client.list_review_policy_results_for_hit
    token = call(HITId=reviewed["HITId"], MaxResults=5)["NextToken"]
    other = house.create_hit(client)
    refused = (
        400,
        "RequestError",
        INVALID,
        f"The value of the parameter NextToken is not valid. ({START}000)",
    )

    assert failure(call, HITId=reviewed["HITId"], NextToken=token, RetrieveActions=False) == refused
    assert failure(call, HITId=reviewed["HITId"], NextToken=token, PolicyLevels=["HIT"]) == refused
    assert failure(call, HITId=other["HITId"], NextToken=token) == refused
    assert failure(client.list_assignments_for_hit, HITId=reviewed["HITId"], NextToken=token) == refused


# Scoring, against plainer words for the same

ANSWERS = st.dictionaries(
    st.sampled_from("abcd"), st.lists(st.sampled_from(["x", " x", "y", "z", "X", "", "y" * 257]), max_size=3)
)


def plain(given, question):
    return sorted({value.strip() for value in given.get(question, [])} - {""})


@sample(ANSWERS.filter(len), ANSWERS)
def test_known_answers_are_scored_as_a_plain_count_says(key, given):
    found = known_answers.score(
        {question: comparable(values) for question, values in key.items()},
        {question: comparable(values) for question, values in given.items()},
    )
    right = [question for question in key if plain(key, question) and plain(key, question) == plain(given, question)]

    assert [question for question, correct in found.correct.items() if correct] == right
    assert list(found.correct) == list(key)
    assert found.percent == int(len(right) / len(key) * 100 + 1e-9)


@sample(
    st.lists(ANSWERS, max_size=7),
    st.lists(st.sampled_from("abcd"), min_size=1, unique=True),
    st.integers(0, 100),
)
def test_plurality_is_judged_as_a_plain_count_says(work, questions, threshold):
    made = plurality.read_plurality(agreeing(list(questions), threshold))
    comparables = {
        str(number): {question: comparable(values) for question, values in given.items()}
        for number, given in enumerate(work)
    }
    found = plurality.judge(made, comparables)

    def answer(given, question):
        text = "|".join(plain(given, question))
        return text if 0 < len(text) <= 256 else None

    agreed = {}
    for question in questions:
        votes = Counter(text for given in work if (text := answer(given, question)))
        most = max(votes.values(), default=0)
        share = most * 100 // len(work) if work else 0
        winners = [text for text, count in votes.items() if count == most]
        if share > threshold and len(winners) == 1:
            agreed[question] = winners[0]
        assert found.questions[question].percent == share
    assert {q: shown(a.answer) for q, a in found.questions.items() if a.answer is not None} == agreed
    assert found.percent == len(agreed) * 100 // len(questions)
    for number, given in enumerate(work):
        right = sum(answer(given, question) == text for question, text in agreed.items())
        worker = found.workers[str(number)]
        assert worker == (right, len(agreed) - right)
        assert worker.percent == (right * 100 // len(agreed) if agreed else None)
