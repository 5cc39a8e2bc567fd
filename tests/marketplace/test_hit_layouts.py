"""HITs from layouts (modern-mturk 6)."""

from __future__ import annotations

import pytest

from mturk_gateway.marketplace.requesters import get_requester
from mturk_gateway.marketplace.services.publishing.hit_layouts import keep_layout

LAYOUT = "3LAYOUT0000000000000000000000"
PAGE = "<!DOCTYPE html><html><body><form><p>${who} saw ${what}.</p></form></body></html>"


@pytest.fixture
def layout(house, client):
    with house.database.writing() as connection:
        keep_layout(connection, get_requester(connection, "alice"), LAYOUT, PAGE, 300, 1)
    return LAYOUT


def make(house, client, *pairs, **changes):
    parameters = [{"Name": name, "Value": value} for name, value in pairs]
    return house.create_hit(
        client, **{"Question": None, "HITLayoutId": LAYOUT, "HITLayoutParameters": parameters, **changes}
    )


def test_a_layout_becomes_an_html_question_with_the_values_of_the_hit(house, client, layout):
    hit = make(house, client, ("who", "Zoë"), ("what", "a <b>bird</b>"))

    assert hit["HITLayoutId"] == layout
    assert "<p>Zoë saw a <b>bird</b>.</p>" in hit["Question"]
    assert "2011-11-11/HTMLQuestion.xsd" in hit["Question"]
    assert "<FrameHeight>300</FrameHeight>" in hit["Question"]
    assert client.get_hit(HITId=hit["HITId"])["HIT"] == hit


def test_a_layout_serves_hits_of_a_known_type_too(house, client, layout):
    hit_type = client.create_hit_type(Title="T", Description="D", Reward="0", AssignmentDurationInSeconds=60)
    hit = client.create_hit_with_hit_type(
        HITTypeId=hit_type["HITTypeId"], LifetimeInSeconds=60, HITLayoutId=layout, HITLayoutParameters=[]
    )["HIT"]

    assert hit["HITLayoutId"] == layout
    assert "${who}" in hit["Question"]


def test_a_layout_changed_later_leaves_its_hits_alone(house, client, layout):
    hit = make(house, client, ("who", "Ann"), ("what", "it"))
    with house.database.writing() as connection:
        keep_layout(connection, get_requester(connection, "alice"), LAYOUT, PAGE.replace("saw", "met"), 300, 2)

    assert client.get_hit(HITId=hit["HITId"])["HIT"]["Question"] == hit["Question"]
    assert "Ann met it" in make(house, client, ("who", "Ann"), ("what", "it"))["Question"]


def test_a_layout_that_nobody_made_does_not_exist_nor_does_somebody_elses(house, client, layout, failure):
    bob = house.client("bob")
    parameters = {"Title": "T", "Description": "D", "Reward": "0", "AssignmentDurationInSeconds": 60}
    expected = (400, "RequestError", "AWS.MechanicalTurk.HITLayoutDoesNotExist")
    assert failure(bob.create_hit, **parameters, LifetimeInSeconds=60, HITLayoutId=LAYOUT)[:3] == expected
    found = failure(client.create_hit, **parameters, LifetimeInSeconds=60, HITLayoutId="3NOSUCH")

    assert found == (*expected, "HITLayout 3NOSUCH does not exist. (1700000000000)")


def test_values_that_make_the_question_too_long_or_come_twice_are_refused(house, client, layout, failure):
    def attempt(*pairs):
        return failure(lambda: make(house, client, *pairs))[:3]

    wrong = (400, "ParameterValidationError")
    assert attempt(("who", "x" * 66_000)) == (*wrong, "AWS.MechanicalTurk.XMLParseError")
    assert attempt(("who", "x"), ("who", "y")) == (*wrong, "AWS.MechanicalTurk.InvalidParameterValue")
