"""The sample documents of Amazon's documentation: what the gateway makes of their data, and where it differs.

The pages show result elements only, indented by hand. Each numbered test below is one respect in which a page shows
what never was on the wire, or lacks what was.
"""

from __future__ import annotations

import botocore.session
import pytest

from golden import case
from mturk_translators.operations import OPERATIONS


def result(name):
    """The result element of a sample's golden answer; `test_golden` checks that the gateway gives that answer."""
    return case(f"samples/{name}").root[1]


def tree(element):
    """An element as name and text, or name and children in order."""
    children = [tree(child) for child in element]
    return (element.tag, children or element.text)


VALID = ("Request", [("IsValid", "True")])


def counters(shown, total, number):
    return [("NumResults", shown), ("TotalNumResults", total), ("PageNumber", number)]


def searched(hit_id, created, status, expires, available, completed):
    """A HIT as the SearchHITs page shows it: what both of them share is written once."""
    price = [("Amount", "5.00"), ("CurrencyCode", "USD"), ("FormattedPrice", "$5.00")]
    return (
        "HIT",
        [
            ("HITId", hit_id),
            ("HITTypeId", "NYVZTQ1QVKJZXCYZCZVZ"),
            ("CreationTime", created),
            ("Title", "Location"),
            ("Description", "Select the image that best represents"),
            ("HITStatus", status),
            ("MaxAssignments", "1"),
            ("Reward", price),
            ("AutoApprovalDelayInSeconds", "2592000"),
            ("Expiration", expires),
            ("AssignmentDurationInSeconds", "30"),
            ("NumberOfAssignmentsPending", "0"),
            ("NumberOfAssignmentsAvailable", available),
            ("NumberOfAssignmentsCompleted", completed),
        ],
    )


SAMPLES = {
    "SearchHITs": (
        "SearchHITsResult",
        [
            VALID,
            *counters("2", "2", "1"),
            searched("GBHZVQX3EHXZ2AYDY2T0", "2009-04-22T00:17:32Z", "Reviewable", "2009-04-29T00:17:32Z", "0", "1"),
            searched("ZZRZPTY4ERDZWJ868JCZ", "2009-07-07T00:56:40Z", "Assignable", "2009-07-14T00:56:40Z", "1", "0"),
        ],
    ),
    "GetReviewableHITs": (
        "GetReviewableHITsResult",
        [VALID, *counters("1", "1", "1"), ("HIT", [("HITId", "GBHZVQX3EHXZ2AYDY2T0")])],
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_result_is_the_samples_element_for_element(name):
    assert tree(result(name)) == SAMPLES[name]


SAMPLE_WITH_QUALIFICATION = {
    "HITId": "123RVWYBAZW00EXAMPLE",
    "HITTypeId": "T100CN9P324W00EXAMPLE",
    "HITStatus": "Assignable",
    "MaxAssignments": "5",
    "AutoApprovalDelayInSeconds": "86400",
    "AssignmentDurationInSeconds": "300",
    "Title": "Location and Photograph Identification",
    "Description": "Select the image that best represents...",
    "Keywords": "location, photograph, image, identification, opinion",
    "Question": "<QuestionForm>[XML-encoded Question data]</QuestionForm>",
    "HITReviewStatus": "NotReviewed",
}
"""The plain elements of the GetHITsForQualificationType page that are right."""


@pytest.fixture
def page():
    return result("GetHITsForQualificationType")


@pytest.fixture
def hit(page):
    return page.find("HIT")


def names(element):
    return [child.tag for child in element]


def test_the_sample_with_a_qualification_type_keeps_its_counters_and_values(page, hit):
    assert [tree(child) for child in page][:4] == [VALID, *counters("1", "1", "1")]
    assert {name: hit.findtext(name) for name in SAMPLE_WITH_QUALIFICATION} == SAMPLE_WITH_QUALIFICATION
    requirement = hit.find("QualificationRequirement")
    assert requirement.findtext("QualificationTypeId") == "789RVWYBAZW00EXAMPLE"
    assert requirement.findtext("Comparator") == "GreaterThan"


@pytest.mark.parametrize("name", [*SAMPLES, "GetHITsForQualificationType"])
def test_difference_01_envelope(name):
    """The pages begin at the result element. Every recording has a root around it, with OperationRequest first."""
    root = case(f"samples/{name}").root
    assert root.tag == f"{name}Response"
    assert names(root) == ["OperationRequest", f"{name}Result"]
    assert names(root[0]) == ["RequestId"]


@pytest.mark.parametrize("name", [*SAMPLES, "GetHITsForQualificationType"])
def test_difference_02_no_white_space(name):
    """The pages are indented. The service wrote one line, and MTurkR looks for the bytes `<Request><IsValid>`."""
    document = case(f"samples/{name}").document
    assert document.startswith(b'<?xml version="1.0"?>\n<')
    assert document.endswith(b">\n")
    assert document.count(b"\n") == 2
    assert b"> " not in document
    assert b" <" not in document
    assert b"<Request><IsValid>True</IsValid></Request>" in document


def test_difference_03_no_lifetime(hit):
    """The page shows LifetimeInSeconds, which is a parameter of CreateHIT and was in no schema and no recording."""
    assert "LifetimeInSeconds" not in names(hit)


def test_difference_04_expiration(hit):
    """What the page says as a lifetime of a day, the service said as the moment at which the HIT expires."""
    assert hit.findtext("Expiration") == "2009-06-16T12:00:01Z"


def test_difference_05_integer_value(hit):
    """The page shows QualificationRequirement/Value; every schema and recording has IntegerValue."""
    requirement = hit.find("QualificationRequirement")
    assert "Value" not in names(requirement)
    assert requirement.findtext("IntegerValue") == "18"


def test_difference_06_required_to_preview(hit):
    """The page leaves RequiredToPreview out; the service always sent it, as 0 or 1, last in the requirement."""
    assert tree(hit.find("QualificationRequirement"))[1][-1] == ("RequiredToPreview", "0")


def test_difference_07_order(hit):
    """The page has the reward, the texts and the question after the durations; the schema and recordings do not."""
    assert names(hit) == [
        "HITId",
        "HITTypeId",
        "CreationTime",
        "Title",
        "Description",
        "Question",
        "Keywords",
        "HITStatus",
        "MaxAssignments",
        "Reward",
        "AutoApprovalDelayInSeconds",
        "Expiration",
        "AssignmentDurationInSeconds",
        "QualificationRequirement",
        "HITReviewStatus",
    ]


def test_difference_08_amount(hit):
    """The page shows Amount 25 for $0.25: an amount is in dollars, with two decimals."""
    price = [("Amount", "0.25"), ("CurrencyCode", "USD"), ("FormattedPrice", "$0.25")]
    assert tree(hit.find("Reward")) == ("Reward", price)


def test_difference_09_zone(hit):
    """The page's CreationTime lacks the Z of UTC, without which boto cannot read a time."""
    assert hit.findtext("CreationTime") == "2009-06-15T12:00:01Z"


def test_difference_10_groups():
    """The page's HIT has a question and details, while AWS told a client author that only Minimal and Request apply.

    Without a group the gateway sends what the page shows; `Minimal` gives the two IDs.
    """
    groups = OPERATIONS["GetHITsForQualificationType"].groups
    assert groups.default == {"Minimal", "HITDetail", "HITQuestion"}
    minimal = case("GetHITsForQualificationType/minimal").root
    assert {tuple(names(hit)) for hit in minimal.iter("HIT")} == {("HITId", "HITTypeId")}


def test_difference_11_search_at_the_version_of_its_page():
    """The SearchHITs page is of 2012-03-25 and shows the HIT of older versions, without group and review status."""
    old = case("SearchHITs/version_2011_10_01").root.find(".//HIT")
    new = case("SearchHITs/version_2012_03_25").root.find(".//HIT")
    assert set(names(new)) - set(names(old)) == {"HITGroupId", "HITLayoutId", "HITReviewStatus"}
    assert set(names(old)) <= set(names(new))


def members(shape, value, path=""):
    """The paths of all members that a modern structure can have, and of those that a value has."""
    every, present = set(), set()
    if shape.type_name == "list":
        for item in value:
            below, found = members(shape.member, item, path)
            every, present = every | below, present | found
    elif shape.type_name == "structure":
        for name, inner in shape.members.items():
            every.add(f"{path}/{name}")
            if name in value:
                below, found = members(inner, value[name], f"{path}/{name}")
                every, present = every | below, present | found | {f"{path}/{name}"}
    return every, present


@pytest.mark.parametrize(
    ("name", "operation"), [("list_hits", "ListHITs"), ("list_assignments_for_hit", "ListAssignmentsForHIT")]
)
def test_the_modern_pages_replies_are_there_with_every_member(name, operation):
    model = botocore.session.get_session().get_service_model("mturk").operation_model(operation)
    every, present = members(model.output_shape, case(f"samples/{name}").facts["replies"][0])
    assert present == every
