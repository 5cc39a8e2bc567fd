"""All pages of every listing, as clients walk them, and the ids that they find there."""

from __future__ import annotations

import itertools
import re

import pytest

from clients.wire import Exchange, boto, mturkr, perl, rturk, ruby_aws
from mturk_gateway.clock import wall_clock
from mturk_gateway.marketplace.services.qualifying import requesting
from mturk_gateway.marketplace.services.working import profiles, workers
from mturk_translators.operations import OPERATIONS
from support import QUESTION, modern_client, one, texts

META = {"Request", "NumResults", "TotalNumResults", "PageNumber"}
SIZE, ALL = 2, 5


class Place:
    """A requester with five of everything that is listed, and the parameters that the listings need."""

    def __init__(self, gateway):
        self.url = gateway.url
        self.requester = gateway.add_requester("walked")
        with modern_client(gateway.url, self.requester) as modern:
            types = [
                modern.create_qualification_type(Name=f"q{n}", Description="d", QualificationTypeStatus="Active")[
                    "QualificationType"
                ]["QualificationTypeId"]
                for n in range(ALL)
            ]
            holds = {"QualificationTypeId": types[0], "Comparator": "Exists"}
            made = {"Title": "t", "Description": "d", "Reward": "0.05", "AssignmentDurationInSeconds": 60}
            for _ in range(ALL - 1):
                hit = modern.create_hit(
                    **made, LifetimeInSeconds=600, Question=QUESTION, QualificationRequirements=[holds]
                )["HIT"]["HITId"]
                modern.update_expiration_for_hit(HITId=hit, ExpireAt=0)
            hit = modern.create_hit(
                **made,
                LifetimeInSeconds=600,
                Question=QUESTION,
                QualificationRequirements=[holds],
                MaxAssignments=ALL,
            )["HIT"]["HITId"]
            with gateway.house.marketplace.writing() as connection:
                now = int(wall_clock())
                for n in range(ALL):
                    assignment = workers.accept(connection, hit, f"A{n}WALKED", now, qualified=True)
                    workers.submit(connection, assignment, [("q1", f"answer {n}")], now)
                    profiles.register(connection, f"A{n}WALKED", now)
                    self.request = requesting.request_qualification(connection, types[1], f"A{n}WALKED", now).request_id
            for n in range(ALL):
                modern.associate_qualification_with_worker(
                    QualificationTypeId=types[0], WorkerId=f"A{n}WALKED", IntegerValue=n
                )
                modern.create_worker_block(WorkerId=f"A{n}WALKED", Reason="r")
            for held in modern.list_assignments_for_hit(HITId=hit)["Assignments"]:
                modern.send_bonus(
                    WorkerId=held["WorkerId"], AssignmentId=held["AssignmentId"], BonusAmount="0.05", Reason="r"
                )
        self.parameters = {
            "GetHITsForQualificationType": [("QualificationTypeId", types[0])],
            "GetAssignmentsForHIT": [("HITId", hit)],
            "GetBonusPayments": [("HITId", hit)],
            "GetQualificationsForQualificationType": [("QualificationTypeId", types[0])],
            "GetQualificationRequests": [("QualificationTypeId", types[1])],
            "SearchQualificationTypes": [("MustBeOwnedByCaller", "true"), ("MustBeRequestable", "false")],
        }

    def page(self, client, operation, number):
        """The result of a listing's page, by a client."""
        paging = [("PageSize", str(SIZE)), ("PageNumber", str(number))]
        sent = client(self.requester, operation, *self.parameters.get(operation, []), *paging)
        result = Exchange(self.url, sent).root[1]
        assert result.findtext("Request/IsValid") == "True"
        return result


@pytest.fixture(scope="module")
def place(gateway):
    return Place(gateway)


def items_of(result):
    """As the Perl SDK finds them: by the first name that is none of the four others."""
    name = next((child.tag for child in result if child.tag not in META), None)
    return [child for child in result if child.tag == name]


def until_a_page_is_empty(page):
    """The Perl SDK, Dallinger and ruby-aws."""
    return list(itertools.takewhile(items_of, map(page, itertools.count(1))))


def until_they_add_up(page):
    """MTurkR, which would go on for ever if they never did."""
    pages = [page(1)]
    total = int(pages[0].findtext("TotalNumResults"))
    while sum(len(items_of(result)) for result in pages) < total:
        assert len(pages) < total
        pages.append(page(len(pages) + 1))
    return pages


def as_many_as_the_total_says(page):
    """As boto and psiTurk do."""
    total = int(page(1).findtext("TotalNumResults"))
    return [page(number) for number in range(1, total // SIZE + bool(total % SIZE) + 1)]


LATER = {"HITGroupId", "HITReviewStatus"}
"""What HITs did not have, or not in all listings, in the version that one of these clients asks for."""

WALKS = [(perl, until_a_page_is_empty), (mturkr, until_they_add_up), (boto, as_many_as_the_total_says)]
LISTED = sorted(name for name, entry in OPERATIONS.items() if entry.pages)


@pytest.mark.parametrize("operation", LISTED)
def test_every_listing_is_walked_to_its_end_in_every_way(place, operation):
    seen = []
    for client, walk in WALKS:
        pages = walk(lambda number, client=client: place.page(client, operation, number))
        items = [
            tuple(element.text for element in item.iter() if element.tag not in LATER)
            for result in pages
            for item in items_of(result)
        ]
        seen.append(items)
        assert [result.findtext("TotalNumResults") for result in pages] == [str(len(items))] * len(pages)
        assert [result.findtext("PageNumber") for result in pages] == [str(n) for n, _ in enumerate(pages, 1)]
        assert len(set(items)) == len(items) == ALL
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize("operation", LISTED)
def test_a_page_past_the_end_is_empty_and_no_error(place, operation):
    result = place.page(ruby_aws, operation, 9)

    assert items_of(result) == []
    assert (result.findtext("NumResults"), result.findtext("PageNumber")) == ("0", "9")
    assert result.findtext("TotalNumResults") == str(ALL)


def test_ids_are_taken_for_text_by_those_who_turn_digits_into_numbers(place):
    """That is what rturk and ruby-aws do with everything that is all digits."""
    found = set()
    for operation in LISTED:
        for item in items_of(place.page(rturk, operation, 1)):
            found |= {(e.tag, e.text) for e in item.iter() if e.tag.endswith("Id") and e.tag != "SubjectId"}

    assert {name for name, _ in found} >= {
        "HITId", "HITTypeId", "HITGroupId", "AssignmentId", "QualificationTypeId", "QualificationRequestId",
    }  # fmt: skip
    assert all(re.search("[A-Z]", text) for _, text in found)


def test_reviewable_hits_give_their_ids_and_rturk_can_get_each(place):
    ids = ["".join(hit.itertext()) for hit in items_of(place.page(rturk, "GetReviewableHITs", 1))]

    assert len(ids) == SIZE
    for hit in ids:
        root = Exchange(place.url, rturk(place.requester, "GetHIT", ("HITId", hit))).root
        assert one(root, "HITId") == hit
        assert texts(root, "Question") == [QUESTION]
