"""Page tokens and the order of lists (modern-mturk 1.4)."""

from __future__ import annotations

import pytest

from mturk_gateway.marketplace.requesters import find_requester
from mturk_gateway.marketplace.services.call import Call
from mturk_gateway.marketplace.services.lists.tokens import PageTokens
from mturk_gateway.marketplace.services.publishing.hit_creation import create_hit_with_hit_type

INVALID = (
    400,
    "RequestError",
    "AWS.MechanicalTurk.InvalidParameterValue",
    "The value of the parameter NextToken is not valid. (1700000000000)",
)


def fill(house, number, *, every=7):
    """Create HITs through the rules alone, several in each second; their ids, as ListHITs must give them."""
    first = house.create_hit(house.client())
    made = [(-house.clock.now, first["HITId"])]
    with house.database.writing() as connection:
        requester = find_requester(connection, "alice")
        tokens = PageTokens.load(connection)
        for position in range(1, number):
            moment = house.clock.now + position // every
            parameters = {
                "HITTypeId": first["HITTypeId"],
                "LifetimeInSeconds": 3600,
                "Question": first["Question"],
            }
            call = Call("CreateHITWithHITType", parameters, requester, moment, connection, tokens)
            made.append((-moment, create_hit_with_hit_type(call)["HIT"]["HITId"]))
    return [identifier for _, identifier in sorted(made)]


def test_1050_hits_are_walked_newest_first_by_botocores_paginator_and_by_mephistos_loop(house, client):
    expected = fill(house, 1050)
    paginator = client.get_paginator("list_hits")
    pages = list(paginator.paginate(PaginationConfig={"PageSize": 100}))

    assert expected == [hit["HITId"] for page in pages for hit in page["HITs"]]
    assert [page["NumResults"] for page in pages] == [100] * 10 + [50, 0]

    walked = []
    response = client.list_hits(MaxResults=100)
    while len(response["HITs"]) > 0:
        walked += [hit["HITId"] for hit in response["HITs"]]
        response = client.list_hits(MaxResults=100, NextToken=response["NextToken"])
    assert expected == walked


def test_a_page_has_a_token_exactly_when_it_has_items(house, client):
    assert {"NumResults", "HITs", "ResponseMetadata"} == set(client.list_hits())
    house.create_hit(client)
    only = client.list_hits()

    assert (only["NumResults"], len(only["NextToken"])) <= (1, 255)
    last = client.list_hits(NextToken=only["NextToken"])
    assert (last["NumResults"], last["HITs"], "NextToken" in last) == (0, [], False)


def test_a_page_has_ten_items_unless_asked_for(house, client):
    fill(house, 12)

    assert (
        client.list_hits()["NumResults"],
        client.list_hits(MaxResults=100)["NumResults"],
        client.list_hits(MaxResults=3)["NumResults"],
    ) == (10, 12, 3)


def test_the_page_size_may_change_on_the_way(house, client):
    expected = fill(house, 12)
    first = client.list_hits(MaxResults=5)
    second = client.list_hits(MaxResults=6, NextToken=first["NextToken"])

    assert expected[:11] == [hit["HITId"] for page in (first, second) for hit in page["HITs"]]


def test_hits_created_or_deleted_during_a_walk_neither_repeat_nor_hide_others(house, client, clock):
    expected = fill(house, 20)
    first = client.list_hits(MaxResults=10)
    clock.advance(1000)
    house.create_hit(client)
    for identifier in (expected[9], expected[10]):
        client.update_expiration_for_hit(HITId=identifier, ExpireAt=0)
        client.delete_hit(HITId=identifier)
    second = client.list_hits(MaxResults=10, NextToken=first["NextToken"])

    assert expected[11:] == [hit["HITId"] for hit in second["HITs"]]


def test_a_token_survives_a_restart(house, client):
    expected = fill(house, 12)
    token = client.list_hits(MaxResults=10)["NextToken"]
    house.restart()

    assert expected[10:] == [hit["HITId"] for hit in house.client().list_hits(NextToken=token)["HITs"]]


@pytest.mark.parametrize("change", ["p1:", "p2:x", "x", "p1:AAAA", "p1:!!!!", "é", "p1:é"])
def test_a_forged_token_is_refused(house, client, failure, change):
    house.create_hit(client)
    token = client.list_hits()["NextToken"]

    assert failure(client.list_hits, NextToken=change) == INVALID
    swapped = token[:-6] + ("A" if token[-6] != "A" else "B") + token[-5:]
    assert failure(client.list_hits, NextToken=swapped) == INVALID


def test_a_token_of_another_list_or_requester_is_refused(house, client, failure):
    hit = house.create_hit(client)
    other = house.create_hit(client)
    for each in (hit, other):
        house.work(each)
    hits_token = client.list_hits()["NextToken"]
    assignments_token = client.list_assignments_for_hit(HITId=hit["HITId"])["NextToken"]
    reviewable_token = client.list_reviewable_hits(Status="Reviewable")["NextToken"]

    assert failure(house.client("bob").list_hits, NextToken=hits_token) == INVALID
    assert failure(client.list_hits, NextToken=reviewable_token) == INVALID
    assert failure(client.list_reviewable_hits, Status="Reviewing", NextToken=reviewable_token) == INVALID
    assert failure(client.list_assignments_for_hit, HITId=other["HITId"], NextToken=assignments_token) == INVALID
    assert (
        failure(
            client.list_assignments_for_hit,
            HITId=hit["HITId"],
            AssignmentStatuses=["Submitted"],
            NextToken=assignments_token,
        )
        == INVALID
    )


def test_list_hits_reads_its_page_from_an_index_in_order(house):
    from sqlalchemy import select, text, tuple_

    from mturk_gateway.marketplace.tables import hits

    order = (hits.c.newest_first, hits.c.id)
    statement = (
        select(hits)
        .where(hits.c.requester_id == "A", hits.c.disposed_at.is_(None), tuple_(*order) > (1, "3"))
        .order_by(*order)
        .limit(100)
    )
    with house.database.reading() as connection:
        compiled = statement.compile(connection, compile_kwargs={"literal_binds": True})
        plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]

    assert plan == ["SEARCH hits USING INDEX hits_listed (requester_id=? AND (newest_first,id)>(?,?))"]
