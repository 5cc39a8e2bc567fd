"""Differences that there may be: what the service did is not known well enough."""

from __future__ import annotations

import pytest

from differences.conftest import Program, names
from mturk_gateway.clock import wall_clock
from mturk_translators.xml import parse
from support import PROPERTIES, ScriptedUpstream, ask, fill, modern_client, one, post, signed_query, texts

MTURK = "AWS.MechanicalTurk."


def test_difference_12_two_loops_of_one_program_are_told_apart_by_their_page_numbers_only(gateway, requester):
    """Two loops of one program, with the same parameters from the same address, may exchange their snapshots."""
    fill(gateway, requester, [({}, int(wall_clock()) - n) for n in range(15)])

    def page(number):
        return one(ask(gateway.url, requester, "SearchHITs", PageNumber=number), "TotalNumResults")

    first_loop = page(1)
    with modern_client(gateway.url, requester) as modern:
        modern.create_hit(**PROPERTIES)
    second_loop = page(1)
    # The first loop is the faster one now, and gets what was kept for the second.
    first_loop_goes_on, second_loop_goes_on = page(2), page(2)

    assert (first_loop, second_loop) == ("15", "16")
    assert (first_loop_goes_on, second_loop_goes_on) == ("16", "15")


def test_difference_13_descending_is_the_exact_reverse_of_ascending(gateway, requester):
    """How the service ordered HITs that are alike is not known; here it is by HITId, turned around with the rest."""
    ids = sorted(fill(gateway, requester, [({}, int(wall_clock())) for _ in range(9)]))
    ascending, descending = (
        texts(ask(gateway.url, requester, "SearchHITs", SortProperty="Reward", SortDirection=direction), "HITId")
        for direction in ("Ascending", "Descending")
    )

    assert ascending == ids
    assert descending == ids[::-1]


def test_difference_15_characters_that_xml_cannot_carry_are_made_visible(gateway, requester):
    """A control character of a title comes back as its picture."""
    fill(gateway, requester, [({"Title": "bell\x07"}, int(wall_clock()))])

    assert texts(ask(gateway.url, requester, "SearchHITs"), "Title") == ["bell\u2407"]


def test_difference_44_some_errors_have_codes_of_our_choice(program):
    """No source names one for a repeated token, nor for an operation that is unknown or missing."""
    hit = program.hit()
    bonus = {"WorkerId": "A1WORKER", "AssignmentId": program.work(hit), "Reason": "r", "BonusAmount.Amount": "1"}
    for operation, given in (
        ("GrantBonus", bonus),
        ("ExtendHIT", {"HITId": hit, "MaxAssignmentsIncrement": "1"}),
    ):
        program.result(operation, *given.items(), UniqueRequestToken="t")
        refused = program.code(operation, *given.items(), UniqueRequestToken="t")
        assert refused == f"{MTURK}DuplicateRequest"
    assert program.code("GetHat") == "AWS.InvalidOperationParameter"
    assert program.code("") == "AWS.MissingOperationParameter"


def test_difference_45_an_error_tells_each_datum_once(program):
    """Recorded: the same pairs twice, in changing order."""
    kind = program.qualification_type()
    program.result("DisposeQualificationType", QualificationTypeId=kind)
    refused = program.ask("DisposeQualificationType", QualificationTypeId=kind)

    assert list(zip(texts(refused, "Key"), texts(refused, "Value"), strict=True)) == [
        ("QualificationTypeId", kind),
        ("CurrentState", "Disposing"),
        ("ExpectedStates", "Active,Inactive"),
    ]


def test_difference_46_a_false_signature_and_a_stale_one_have_one_code_each(gateway, requester):
    """The service changed its mind over the years, also about which document says so."""
    stale = signed_query(requester, "SearchHITs", now=wall_clock() - 3600)
    false = f"{signed_query(requester, 'SearchHITs')}x"

    for query, code in ((stale, "AWS.BadClaimsSupplied"), (false, "AWS.NotAuthorized")):
        answer = post(f"{gateway.url}/", query)
        refused = parse(answer.content)
        assert answer.status_code == 200
        assert names(refused) == ["OperationRequest"]
        assert one(refused, "Code") == code


def test_difference_47_what_belongs_to_somebody_else_does_not_exist(gateway, program, requester):
    """SDKs know a PermissionDeniedException; nobody knows when it came."""
    stranger = Program(gateway, gateway.add_requester(f"{requester.profile}-stranger"))
    hit = program.hit()
    assignment = program.work(hit)

    assert stranger.code("GetHIT", HITId=hit) == f"{MTURK}HITDoesNotExist"
    assert stranger.code("ApproveAssignment", AssignmentId=assignment) == f"{MTURK}AssignmentDoesNotExist"


@pytest.mark.parametrize("group", ["HITDetails", "AssignmentFeedback", "minimal"])
def test_difference_48_response_groups_that_the_operation_does_not_have_are_passed_over(program, group):
    """As if they had not been named."""
    hit = program.hit()
    whole = names(program.result("GetHIT", HITId=hit))
    assert "Title" in whole

    assert names(program.result("GetHIT", HITId=hit, ResponseGroup=group)) == whole
    pairs = {"ResponseGroup.1": group, "ResponseGroup.2": "Minimal"}
    assert names(program.result("GetHIT", *pairs.items(), HITId=hit)) == ["Request", "HITId", "HITTypeId"]


def test_difference_49_text_is_sorted_by_code_point(program):
    """In no language's order: capitals first, accents last, and statuses by the alphabet."""
    for title in ("b", "é", "B", "a"):
        program.hit(Title=title)
    assert texts(program.ask("SearchHITs", SortProperty="Title"), "Title") == ["B", "a", "b", "é"]

    hit = program.hit(MaxAssignments=3)
    for operation in ("ApproveAssignment", "RejectAssignment", None):
        assignment = program.work(hit, f"A1{operation}".upper())
        if operation:
            program.result(operation, AssignmentId=assignment)
    listed = program.ask("GetAssignmentsForHIT", HITId=hit, SortProperty="AssignmentStatus")
    assert texts(listed, "AssignmentStatus") == ["Approved", "Rejected", "Submitted"]


def test_difference_63_in_a_batch_every_error_stands_in_its_own_result(foreign_gateway):
    """The upstream is down for the second of two, which alone would be HTTP 503."""
    balance = 200, {"AvailableBalance": "1.00"}
    down = 500, {"__type": "ServiceFault", "Message": "m"}
    answers = iter([balance, *[down] * 3])
    with ScriptedUpstream(lambda *_: next(answers)) as upstream:
        gateway, requester = foreign_gateway(upstream.url)
        blocks = [(f"GetAccountBalance.{number}.Unused", "1") for number in (1, 2)]
        root = ask(gateway.url, requester, "GetAccountBalance", *blocks)
        too_many = [(f"GetAccountBalance.{number}.Unused", "1") for number in range(101)]
        refused = ask(gateway.url, requester, "GetAccountBalance", *too_many)

    assert texts(root, "IsValid") == ["True", "False"]
    assert one(root, "Code") == "ServiceUnavailable"
    assert one(refused, "Code") == "AWS.ParameterOutOfRange"
    assert texts(refused, "GetAccountBalanceResult") == []
