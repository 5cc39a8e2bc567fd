"""What requests ask is read once; what was read before never shows in an answer."""

from __future__ import annotations

import pytest

from mturk_gateway.credentials import Requester
from mturk_gateway.question import Questions
from mturk_translators.faults import Fault
from mturk_translators.operation import Context
from support import signed_query

LAB = Requester("lab", "AKIDLAB", "lab-secret")


def context():
    return Context("t", 60, 0, "r")


def read(questions, *pairs):
    """What a request asks, as far as an answer can show it."""
    query = signed_query(LAB, "SearchHITs", *pairs).encode()
    question, claim = questions.read(query, b"")
    try:
        asked = [(ask.asked, ask.translated(context, "account"), ask.validates_only) for ask in question.asks]
    except Fault as fault:
        asked = [(fault.code, fault.message)]
    return asked, claim.signature, claim.timestamp, question.version, question.walker("127.0.0.1", "program")


@pytest.mark.parametrize(
    "pairs",
    [
        [("PageNumber", "7")],
        [("PageNumber", "007")],
        [("PageNumber", "0")],
        [("PageNumber", "-1")],
        [("PageNumber", "two")],
        [("PageNumber", "")],
        [("PageNumber", "9" * 12)],
        [("PageNumber", "3"), ("PageNumber", "4")],
        [("PageNumber", "3"), ("ResponseGroup", "Request")],
        [("PageNumber", "3"), ("Validate", "true")],
        [("PageNumber", "3"), ("SearchHITs.1.PageSize", "5"), ("SearchHITs.2.PageSize", "6")],
        [("PageNumber", "3"), ("SearchHITs.1.PageNumber", "5")],
        [("PageNumber", "3"), ("SortProperty", "Nothing")],
        [],
    ],
)
def test_a_question_about_another_page_is_read_as_if_it_were_the_first(pairs):
    questions = Questions()
    others = [pair for pair in pairs if pair[0] != "PageNumber"]
    for number in ("1", "2"):
        read(questions, ("PageNumber", number), *others)

    found, expected = read(questions, *pairs), read(Questions(), *pairs)
    # The echo of a request has its own page number, the nodes of others are those of the question read first.
    if "ResponseGroup" not in dict(pairs):
        assert [asked[1:] for asked in found[0]] == [asked[1:] for asked in expected[0]]
    else:
        assert found[0] == expected[0]
    assert (found[3], found[4]) == (expected[3], expected[4])
