"""Known differences from the service that was; those from its documentation's samples are in test_samples.py."""

from __future__ import annotations

from botocore import xform_name

from mturk_gateway.clock import wall_clock
from mturk_gateway.driving import drive
from mturk_translators.flows.qualifications import update_qualification_score
from mturk_translators.operation import Context
from support import PROPERTIES, ask, fill, modern_client, one, texts


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


def test_difference_14_a_qualification_that_is_revoked_while_its_score_is_updated_is_granted_again(gateway, requester):
    """The modern API has no call that changes the score of those only who hold the qualification."""
    made = one(ask(gateway.url, requester, "CreateQualificationType", Name="n", Description="d"), "QualificationTypeId")
    held = {"QualificationTypeId": made, "WorkerId": "A1WORKER"}
    ask(gateway.url, requester, "AssignQualification", **held)

    with modern_client(gateway.url, requester) as modern:

        def answer(call):
            reply = getattr(modern, xform_name(call.operation))(**call.params)
            if call.operation == "GetQualificationScore":
                modern.disassociate_qualification_from_worker(**held)
            return reply

        drive(update_qualification_score({**held, "IntegerValue": 91}, Context("token", 0, 0, "id")), answer)
        assert modern.get_qualification_score(**held)["Qualification"]["IntegerValue"] == 91


def test_difference_15_characters_that_xml_cannot_carry_are_made_visible(gateway, requester):
    """A control character of a title comes back as its picture."""
    fill(gateway, requester, [({"Title": "bell\x07"}, int(wall_clock()))])

    assert texts(ask(gateway.url, requester, "SearchHITs"), "Title") == ["bell\u2407"]
