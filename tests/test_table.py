"""The table of operations, held against botocore's model and against the list of what was documented."""

from __future__ import annotations

import re

import botocore.session
import pytest

from mturk_translators.operation import When
from mturk_translators.operations import LISTINGS, OPERATIONS, WITHDRAWN
from mturk_translators.rows import sections
from mturk_translators.shapes.reviews import REVIEW_ACTION, REVIEW_RECORDS, REVIEW_RESULT
from mturk_translators.structures import Each, RequiredToPreview, Structure
from mturk_translators.versions import VERSIONS

MODEL = botocore.session.get_session().get_service_model("mturk")

DOCUMENTED = """
ApproveAssignment ApproveRejectedAssignment AssignQualification BlockWorker ChangeHITTypeOfHIT CreateHIT
CreateQualificationType DisableHIT DisposeHIT DisposeQualificationType ExtendHIT ForceExpireHIT
GetAccountBalance GetAssignment GetAssignmentsForHIT GetBlockedWorkers GetBonusPayments GetFileUploadURL
GetHIT GetHITsForQualificationType GetQualificationsForQualificationType GetQualificationRequests
GetQualificationScore GetQualificationType GetRequesterStatistic GetRequesterWorkerStatistic GetReviewableHITs
GetReviewResultsForHIT GrantBonus GrantQualification Help NotifyWorkers RegisterHITType RejectAssignment
RejectQualificationRequest RevokeQualification SearchHITs SearchQualificationTypes SendTestEventNotification
SetHITAsReviewing SetHITTypeNotification UnblockWorker UpdateQualificationScore UpdateQualificationType
"""

ALL_CALLS = [(name, call) for name, entry in OPERATIONS.items() for call in entry.modern_calls]

COMPUTED = {"ExtendHIT", "GetRequesterStatistic", "GetRequesterWorkerStatistic", "Help"}
"""Those with parameters or results that no modern call has: their flows make something of them."""


def taken(entry):
    for field in entry.takes:
        yield from (*field.then, *field.otherwise) if isinstance(field, When) else (field,)


def members(fields):
    return {field.member for field in fields}


def check_members(fields, shape, where):
    for field in fields:
        if isinstance(field, RequiredToPreview):
            assert {"ActionsGuarded", "RequiredToPreview"} <= shape.members.keys()
            continue
        assert field.member in shape.members, f"{where}: {field.member}"
        inner = shape.members[field.member]
        part = field
        if isinstance(field, Each):
            assert inner.type_name == "list", f"{where}: {field.member}"
            part, inner = field.of, inner.member
        if isinstance(part, Structure):
            assert inner.type_name == "structure", f"{where}: {part.name}"
            check_members(part.fields, inner, f"{where}.{part.name}")


def test_all_44_documented_operations_are_known_and_the_two_withdrawn_ones():
    assert len(DOCUMENTED.split()) == 44
    assert set(DOCUMENTED.split()) == OPERATIONS.keys()
    assert WITHDRAWN.keys() == {"GetWorkerAcceptLimit", "SetWorkerAcceptLimit"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_says_what_it_is_for_and_is_done_in_one_way(name):
    entry = OPERATIONS[name]
    ways = [entry.modern, entry.flow, entry.undertaking, entry.pages, entry.reports]

    assert re.fullmatch(r"[A-Z][^.]+[.]", entry.about), entry.about
    assert sum(way is not None for way in ways) == 1
    assert bool(entry.calls) <= bool(entry.flow or entry.undertaking)


@pytest.mark.parametrize(("name", "call"), ALL_CALLS)
def test_modern_operations_exist_and_get_what_they_require(name, call):
    shape = MODEL.operation_model(call).input_shape
    given = members(taken(OPERATIONS[name]))

    # Of two calls that one operation chooses from, each takes its part of the parameters. What several calls come to,
    # and what they are given beyond the parameters, only the pairs can show.
    every = {
        member for other in OPERATIONS[name].modern_calls for member in MODEL.operation_model(other).input_shape.members
    }
    if name not in COMPUTED:
        assert given <= every
    if OPERATIONS[name].modern or OPERATIONS[name].pages:
        assert set(shape.required_members) <= given, f"{name} → {call}"


@pytest.mark.parametrize(("name", "call"), [row for row in ALL_CALLS if len(OPERATIONS[row[0]].modern_calls) == 1])
def test_parameters_exist_at_every_depth(name, call):
    check_members(taken(OPERATIONS[name]), MODEL.operation_model(call).input_shape, name)


@pytest.mark.parametrize("name", [name for name, entry in OPERATIONS.items() if entry.gives and name not in COMPUTED])
def test_result_members_exist(name):
    entry = OPERATIONS[name]
    shape = MODEL.operation_model(entry.modern_calls[0]).output_shape
    if entry.reply:
        shape = shape.members[entry.reply]
    check_members([field for field in entry.gives if field.name != "NumberOfSimilarHITs"], shape, name)


@pytest.mark.parametrize("name", sorted(LISTINGS))
def test_listings_page_by_token_and_their_keys_exist(name):
    listing = LISTINGS[name]
    model = MODEL.operation_model(name)

    assert {"NextToken", "MaxResults"} <= model.input_shape.members.keys()
    assert len(listing.keys) <= 6
    if callable(listing.items):
        return

    rows = model.output_shape.members[listing.items]
    assert rows.type_name == "list"
    assert listing.id is None or listing.id in rows.member.members
    assert {key.member for key in listing.keys} <= rows.member.members.keys()
    check_members(listing.fields, rows.member, name)


def test_what_policies_found_and_did_exists():
    report = MODEL.operation_model(REVIEW_RECORDS.modern).output_shape.members["HITReviewReport"]

    check_members(REVIEW_RESULT, report.members["ReviewResults"].member, "ReviewResult")
    check_members(REVIEW_ACTION, report.members["ReviewActions"].member, "ReviewAction")


@pytest.mark.parametrize("name", [name for name, entry in OPERATIONS.items() if entry.paged])
def test_pages_sort_and_filter_by_keys_of_their_listing(name):
    pages = OPERATIONS[name].paged
    keys = {key.member for key in pages.listing.keys}

    assert set(pages.sorts) - {"Enumeration"} <= keys
    assert pages.sort in (pages.sorts or (*keys, "Enumeration"))
    assert {chosen.key for chosen in pages.filters} <= keys
    if pages.only:
        assert pages.only <= {
            field.name
            for section in sections(pages.listing)
            for field in section.fields
            if pages.only.issuperset(part.name for part in section.fields)
        }


def test_versions_in_the_table_are_published_ones():
    def versions(fields):
        for field in fields:
            yield from filter(None, (field.since, field.until, getattr(field, "several_since", None)))
            yield from versions([field.of] if isinstance(field, Each) else getattr(field, "fields", ()))

    for entry in OPERATIONS.values():
        shown = (*entry.gives, *(entry.paged.listing.fields if entry.paged else ()))
        assert set(versions(shown)) <= set(VERSIONS)
