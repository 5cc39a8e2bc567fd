"""What one request costs, whoever else is waiting: none may keep the event loop of a front to itself."""

from __future__ import annotations

import threading
import time

import pytest

from mturk_gateway.question import Question
from mturk_translators.faults import OUT_OF_RANGE, Fault
from mturk_translators.fields import Integer
from mturk_translators.query import Pair, parse_pairs
from mturk_translators.xml import parse
from support import get, post, signed_query, texts


def seconds(do):
    started = time.process_time()
    do()
    return time.process_time() - started


@pytest.mark.parametrize("text", ["{}x", "-{}x", "{}1 x", " {}", "+{}1.0"])
@pytest.mark.parametrize("filling", ["0", "9", " "])
def test_a_long_text_is_soon_found_to_be_no_number(text, filling):
    def read(length):
        with pytest.raises(Fault):
            Integer("PageSize", high=100).read(text.format(filling * length) + "!", "PageSize")

    assert seconds(lambda: read(20_000)) < 1.0


@pytest.mark.parametrize(("text", "number"), [("007", 7), ("-0010", -10), ("000", 0), ("+0", 0), (" 5 ", 5)])
def test_zeros_in_front_mean_nothing(text, number):
    assert Integer("IntegerValue", low=-100).read(text, "IntegerValue") == number


def test_response_groups_that_a_batch_shares_are_read_once():
    def batch(size):
        pairs = [Pair("Operation", "GetHIT"), *(Pair(f"GetHIT.{number}.HITId", "3A") for number in range(size))]
        question = Question((*pairs, Pair("ResponseGroup", "," * 500_000 + "HITDetail")))
        return lambda: len(question.asks)

    one = min(seconds(batch(1)) for _ in range(3))
    assert min(seconds(batch(100)) for _ in range(3)) < 10 * one


def test_a_batch_that_is_too_large_is_refused_before_it_is_taken_apart():
    body = "&".join(f"S{number}=1&GetHIT.{number}.HITId=3A" for number in range(4_900))
    question = Question((Pair("Operation", "GetHIT"), *parse_pairs(body.encode())))

    def refused():
        with pytest.raises(Fault) as caught:
            assert question.asks
        assert caught.value.code == OUT_OF_RANGE

    assert seconds(refused) < 0.5


def test_others_are_answered_between_the_requests_of_a_batch(gateway, requester):
    shared = [(f"QualificationRequirement.1.LocaleValue.{number}.Country", "US") for number in range(4_000)]
    batch = [(f"CreateHIT.{number}.Title", "t") for number in range(30)]
    query = signed_query(requester, "CreateHIT", *shared, *batch, ("Validate", "true"))
    found = []
    asking = threading.Thread(target=lambda: found.append(post(f"{gateway.url}/", query)))
    asking.start()
    answered = 0
    while asking.is_alive():
        answered += get(f"{gateway.url}/healthz").is_success
    asking.join()

    assert len(texts(parse(found[0].content), "IsValid")) == 30
    assert answered > 10
