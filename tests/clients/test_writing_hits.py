"""HITs are those that each client writes: prices, requirements, response groups, layouts and review policies."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from clients.parameters import HIT, NEEDED, PRICE, each
from clients.wire import (
    CREATORS,
    boto,
    boto_through_proxy,
    goamz,
    mturkr,
    perl,
    php_mturk_api,
    rturk,
    ruby_aws,
    ruby_aws_get,
)
from mturk_gateway.admin import keep_layout
from mturk_gateway.clock import wall_clock
from support import QUESTION, one, texts

PRICE_WITHOUT_INDEX = [("Reward.Amount", "0.25"), ("Reward.CurrencyCode", "USD")]


@pytest.mark.parametrize(
    ("client", "price"),
    [(client, PRICE_WITHOUT_INDEX if client is rturk else PRICE) for client in CREATORS],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_each_client_creates_a_hit_with_its_price_and_its_way_of_escaping(create, client, price):
    """Blanks come as + and as %20; @ and : as they are from one client."""
    title = "Name the birds + trees & 100% of 鳥 at a@b:c"
    made = create(
        client,
        ("Title", title),
        ("Description", "two  blanks"),
        ("Keywords", "birds, trees"),
        ("AssignmentDurationInSeconds", "60"),
        ("LifetimeInSeconds", "3600"),
        ("MaxAssignments", "3"),
        ("Question", QUESTION),
        *price,
    )

    assert (made["Title"], made["Description"], made["Keywords"]) == (title, "two  blanks", "birds, trees")
    assert (made["Reward"], made["MaxAssignments"], made["Question"]) == ("0.25", 3, QUESTION)


APPROVED, NUMBER, LOCALE = "000000000000000000L0", "00000000000000000040", "00000000000000000071"
US = [{"Country": "US"}]


def wanted(type_id, comparator, integers=(), locales=(), guards="Accept"):
    """A requirement as boto3 shows it."""
    values = {"IntegerValues": list(integers)} if integers else {"LocaleValues": list(locales)}
    return {
        "QualificationTypeId": type_id,
        "Comparator": comparator,
        **values,
        "RequiredToPreview": guards != "Accept",
        "ActionsGuarded": guards,
    }


def requirement(number, type_id, comparator, *values):
    path = f"QualificationRequirement.{number}."
    return [
        (f"{path}QualificationTypeId", type_id),
        (f"{path}Comparator", comparator),
        *((path + name, value) for name, value in values),
    ]


AT_LEAST = requirement(1, APPROVED, "GreaterThanOrEqualTo", ("IntegerValue", "95"))
PREVIEW = ("IntegerValue", "10"), ("RequiredToPreview", "true")


@pytest.mark.parametrize(
    ("client", "pairs", "meant"),
    [
        *((client, AT_LEAST, [wanted(APPROVED, "GreaterThanOrEqualTo", [95])])
          for client in (boto, rturk, perl, ruby_aws, php_mturk_api)),
        (
            mturkr,
            requirement(1, APPROVED, "GreaterThan", ("IntegerValue.1", "95"), ("RequiredToPreview", "1")),
            [wanted(APPROVED, "GreaterThan", [95], guards="PreviewAndAccept")],
        ),
        (
            mturkr,
            requirement(1, APPROVED, "GreaterThan", ("IntegerValue.1", "95"), ("RequiredToPreview", "0")),
            [wanted(APPROVED, "GreaterThan", [95])],
        ),
        (
            boto,
            [
                *AT_LEAST,
                *requirement(2, NUMBER, "GreaterThan", *PREVIEW),
                *requirement(3, LOCALE, "In", *((f"LocaleValue.{n}.Country", c) for n, c in ((1, "US"), (2, "CA")))),
                *requirement(4, NUMBER, "In", ("IntegerValue.1", "1"), ("IntegerValue.2", "2")),
            ],
            [
                wanted(APPROVED, "GreaterThanOrEqualTo", [95]),
                wanted(NUMBER, "GreaterThan", [10], guards="PreviewAndAccept"),
                wanted(LOCALE, "In", locales=[{"Country": "US"}, {"Country": "CA"}]),
                wanted(NUMBER, "In", [1, 2]),
            ],
        ),
        *((client, requirement(1, LOCALE, "EqualTo", ("LocaleValue.Country", "US")),
           [wanted(LOCALE, "EqualTo", (), US)])
          for client in (rturk, php_mturk_api)),
        *((client, requirement(1, LOCALE, "EqualTo", ("LocaleValue.1.Country", "US")),
           [wanted(LOCALE, "EqualTo", (), US)])
          for client in (perl, ruby_aws)),
        *((client, requirement(1, LOCALE, "In", ("LocaleValue.1.Country", "US"), ("LocaleValue.1.Subdivision", "NY"),
                               ("LocaleValue.2.Country", "CA")),
           [wanted(LOCALE, "In", locales=[{"Country": "US", "Subdivision": "NY"}, {"Country": "CA"}])])
          for client in (boto, mturkr)),
    ],
)  # fmt: skip
def test_requirements_are_those_that_each_client_writes(create, client, pairs, meant):
    assert create(client, *HIT, *pairs)["QualificationRequirements"] == meant


def test_requirements_written_as_one_xml_text_are_refused_and_not_passed_over(send, modern):
    """One client does so, and never had its HITs restricted, if it had them at all."""
    text = f"<QualificationRequirement><QualificationTypeId>{NUMBER}</QualificationTypeId></QualificationRequirement>"
    root = send(goamz, "CreateHIT", *HIT, ("QualificationRequirement", text), valid="False")

    assert one(root, "Code") == "AWS.MechanicalTurk.InvalidParameterValue"
    assert modern.list_hits()["HITs"] == []


ALL_FOUR = ["Minimal", "HITDetail", "HITQuestion", "HITAssignmentSummary"]
RTURKS_FOUR = ["HITDetail", "HITQuestion", "Minimal", "HITAssignmentSummary"]


@pytest.mark.parametrize(
    ("client", "pairs", "shown"),
    [
        *((client, [(f"ResponseGroup.{n}", name) for n, name in enumerate(ALL_FOUR, 1)], "Title Question Number")
          for client in (boto, perl, ruby_aws)),
        (rturk, [(f"ResponseGroup.{n}", name) for n, name in enumerate(RTURKS_FOUR)], "Title Question Number"),
        (mturkr, [(f"ResponseGroup{n}", name) for n, name in enumerate(ALL_FOUR)], "Title Question Number"),
        (boto, [("ResponseGroup.1", "Minimal"), ("ResponseGroup.2", "HITAssignmentSummary")], "Number"),
        (mturkr, [("ResponseGroup0", "Minimal"), ("ResponseGroup1", "HITDetail")], "Title"),
        (mturkr, [("ResponseGroup", "Minimal")], ""),
        (php_mturk_api, [("ResponseGroup", "Minimal")], ""),
        (goamz, [], "Title Question"),
    ],
)  # fmt: skip
def test_response_groups_are_those_that_each_client_writes(send, client, pairs, shown):
    hit = one(send(boto, "CreateHIT", *HIT), "HITId")
    root = send(client, "GetHIT", ("HITId", hit), *pairs)

    names = {"Title": "Title", "Question": "Question", "Number": "NumberOfAssignmentsAvailable"}
    assert {word for word, name in names.items() if texts(root, name)} == set(shown.split())
    assert one(root, "HITId") == hit


@each([boto, php_mturk_api])
def test_a_layout_is_filled_in_with_what_each_client_writes(gateway, requester, create, client):
    page = "<html><body><form>${image}</form></body></html>"
    keep_layout(gateway.house.marketplace, requester.profile, "3BIRDLAYOUT", page, 400, wall_clock(), sandbox=False)
    values = [("HITLayoutParameter.1.Name", "image"), ("HITLayoutParameter.1.Value", "http://a.example/?b=1,2")]
    made = create(client, *NEEDED, *PRICE, ("HITLayoutId", "3BIRDLAYOUT"), *values)

    assert "<form>http://a.example/?b=1,2</form>" in made["Question"]


KNOWN_ANSWERS, PLURALITY = "ScoreMyKnownAnswers/2011-09-01", "SimplePlurality/2011-09-01"


@pytest.mark.parametrize(
    ("client", "pairs", "found"),
    [
        (
            php_mturk_api,
            [
                ("AssignmentReviewPolicy.1.PolicyName", KNOWN_ANSWERS),
                ("AssignmentReviewPolicy.1.Parameter.1.Key", "AnswerKey"),
                ("AssignmentReviewPolicy.1.Parameter.1.MapEntry.1.Key", "q1"),
                ("AssignmentReviewPolicy.1.Parameter.1.MapEntry.1.Value", "a"),
                ("AssignmentReviewPolicy.1.Parameter.1.MapEntry.2.Key", "q2"),
                ("AssignmentReviewPolicy.1.Parameter.1.MapEntry.2.Value", "b"),
            ],
            {("AssignmentReviewReport", "KnownAnswerScore", "50")},
        ),
        (
            mturkr,
            [
                ("HITReviewPolicy.PolicyName", PLURALITY),
                ("HITReviewPolicy.Parameter.1.Key", "QuestionIds"),
                ("HITReviewPolicy.Parameter.1.Value.1", "q1"),
                ("HITReviewPolicy.Parameter.1.Value.2", "q2"),
                ("HITReviewPolicy.Parameter.2.Key", "QuestionAgreementThreshold"),
                ("HITReviewPolicy.Parameter.2.Value", "50"),
                ("HITReviewPolicy.Parameter.3.Key", "DisregardAssignmentIfRejected"),
                ("HITReviewPolicy.Parameter.3.Value", "F"),
            ],
            {("HITReviewReport", "AgreedAnswer", "a"), ("HITReviewReport", "AgreedAnswer", "c")},
        ),
    ],
)
def test_review_policies_judge_as_each_client_writes_them(create, modern, people, client, pairs, found):
    hit = create(client, *HIT, *pairs)["HITId"]
    people.work(hit, "A1JUDGED", q1="a", q2="c")

    report = modern.list_review_policy_results_for_hit(HITId=hit)
    judged = {
        (level, result["Key"], result["Value"])
        for level in ("AssignmentReviewReport", "HITReviewReport")
        for result in report.get(level, {}).get("ReviewResults", [])
    }
    assert found <= judged


def test_escaped_twice_is_not_unescaped_twice(create):
    """A question comes as text, once unescaped."""
    text = quote(QUESTION)
    made = create(ruby_aws_get, *HIT, ("RequesterAnnotation", text[:200]))

    assert made["RequesterAnnotation"] == text[:200]
    assert create(boto_through_proxy, *HIT)["Question"] == QUESTION
