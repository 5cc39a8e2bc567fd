"""Rows: what is kept of them, and that a page made of kept ones is what writing it anew would give."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain, combinations

import pytest

from mturk_translators.operations import LISTINGS, OPERATIONS
from mturk_translators.rows import join, keep
from mturk_translators.versions import NEWEST, VERSIONS
from mturk_translators.xml import representable


def requirement(**values):
    return {"QualificationTypeId": "00000000000000000040", "Comparator": "In", "ActionsGuarded": "Accept", **values}


WHOLE = {
    "HITId": "3HIT",
    "HITTypeId": "3TYPE",
    "HITGroupId": "3GROUP",
    "HITLayoutId": "3LAYOUT",
    "AssignmentId": "3ASSIGNMENT",
    "WorkerId": "A1WORKER",
    "AssignmentStatus": "Submitted",
    "CreationTime": 1_500_000_000.0,
    "Expiration": 1_500_003_600.75,
    "AcceptTime": 1_500_000_100.0,
    "SubmitTime": 1_500_000_200.0,
    "Title": "Birds & <bees>",
    "Description": "é 🐦 \x1e \x00 \ud800 \r\n ]]>",
    "Keywords": "",
    "Question": "<ExternalQuestion>&amp;</ExternalQuestion>",
    "Answer": "<QuestionFormAnswers/>",
    "RequesterFeedback": "Thanks",
    "Reward": "0.25",
    "MaxAssignments": 3,
    "HITStatus": "Assignable",
    "HITReviewStatus": "NotReviewed",
    "NumberOfAssignmentsPending": 0,
    "QualificationRequirements": [requirement(IntegerValues=[95])],
    "QualificationTypeId": "3KIND",
    "QualificationRequestId": "3REQUEST",
    "QualificationTypeStatus": "Active",
    "Name": "dots & <dashes>",
    "Test": "<QuestionForm/>",
    "IsRequestable": True,
    "AutoGranted": True,
    "AutoGrantedValue": 7,
    "GrantTime": 1_500_000_300.0,
    "IntegerValue": -5,
    "LocaleValue": {"Country": "US", "Subdivision": "CA"},
    "Status": "Granted",
    "BonusAmount": "1.5",
    "Reason": "\x00 & ]]>",
}

ITEMS = [
    WHOLE,
    dict.fromkeys(("HITId", "AssignmentId", "WorkerId", "QualificationTypeId", "QualificationRequestId"), "A3BARE"),
    {**WHOLE, "QualificationRequirements": [requirement(IntegerValues=[1, 2]), requirement()]},
    {**WHOLE, "QualificationRequirements": [requirement(LocaleValues=[{"Country": "US", "Subdivision": "CA"}])]},
    {**WHOLE, "QualificationRequirements": [requirement(LocaleValues=[{"Country": "US"}])], "Title": "\ud800"},
]
VARYING = [False, False, True, True, False]

PAGED = {name: entry for name, entry in OPERATIONS.items() if entry.pages}


def subsets(names):
    return map(frozenset, chain.from_iterable(combinations(sorted(names), size) for size in range(len(names) + 1)))


def anew(pages, item, groups, version):
    """The markup of a row by the meaning of its fields, one by one."""
    shown = [
        field
        for field in pages.listing.fields
        if field.known_to(version) and (field.group in groups if pages.only is None else field.name in pages.only)
    ]
    markup = "".join(field.give(field.find(item), version) for field in shown)
    return f"<{pages.listing.element}>{representable(markup)}</{pages.listing.element}>"


@pytest.mark.parametrize("operation", sorted(PAGED))
@pytest.mark.parametrize("version", VERSIONS)
def test_a_page_of_kept_rows_is_what_writing_it_anew_gives(operation, version):
    entry = PAGED[operation]
    rows = [keep(entry.pages.listing, item) for item in ITEMS]
    kept = [(row.sections, row.source) for row in rows]

    for groups in subsets(entry.groups.allowed):
        expected = "".join(anew(entry.pages, item, groups, version) for item in ITEMS)
        assert join(entry.pages, kept, groups, version) == expected.encode()
        assert join(entry.pages, [], groups, version) == b""


@pytest.mark.parametrize("operation", sorted(LISTINGS))
def test_times_as_numbers_and_as_moments_are_kept_alike(operation):
    listing = LISTINGS[operation]

    for item in ITEMS:
        times = {name: datetime.fromtimestamp(value, UTC) for name, value in item.items() if name.endswith("Time")}
        assert keep(listing, {**item, **times}) == keep(listing, item)


def test_the_members_of_a_row_are_kept_only_where_versions_differ_in_it():
    listing = LISTINGS["ListHITs"]

    assert [keep(listing, item).source is not None for item in ITEMS] == VARYING
    for item, row in zip(ITEMS, [keep(listing, item) for item in ITEMS], strict=True):
        shown = {
            version: "".join(field.give(field.find(item), version) for field in listing.fields) for version in VERSIONS
        }
        assert (len(set(shown.values())) > 1) == (row.source is not None)
        assert row.sections.endswith(representable(shown[NEWEST]))
