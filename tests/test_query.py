"""Parameter names and values as clients write them, and the tree that they mean."""

from __future__ import annotations

import re
import time
from urllib.parse import quote, quote_plus, unquote_to_bytes

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mturk_translators.faults import Fault, Place
from mturk_translators.field import take_members
from mturk_translators.fields import Choices, Integer, Text
from mturk_translators.query import Node, Pair, blocks, decode, first, merge, nest, parse_pairs
from mturk_translators.structures import Each, Price, Structure

LOCALE = Structure("LocaleValue", (Text("Country"), Text("Subdivision")))
REQUIREMENT = Structure(
    "QualificationRequirement",
    (
        Text("QualificationTypeId"),
        Each("IntegerValue", Integer("IntegerValue")),
        Each("LocaleValue", LOCALE),
    ),
)
POLICY = Structure(
    "HITReviewPolicy",
    (
        Text("PolicyName"),
        Each(
            "Parameter",
            Structure(
                "Parameter",
                (
                    Text("Key"),
                    Each("Value", Text("Value")),
                    Each("MapEntry", Structure("MapEntry", (Text("Key"), Each("Value", Text("Value"))))),
                ),
            ),
        ),
    ),
)
FIELDS = (
    Price("Reward"),
    Each("QualificationRequirement", REQUIREMENT),
    Each("WorkerId", Text("WorkerId")),
    Choices("ResponseGroup", values=("Minimal", "HITDetail", "HITQuestion")),
    Choices("Status", values=("Reviewable", "Reviewing")),
    Each("HITLayoutParameter", Structure("HITLayoutParameter", (Text("Name"), Text("Value")))),
    POLICY,
    Text("Keywords"),
)


def taken(query):
    return take_members(FIELDS, nest(parse_pairs(query.encode())))


def requirement(query):
    (only,) = taken("&".join(f"QualificationRequirement.1.{part}" for part in query.split("&")))[
        "QualificationRequirement"
    ]
    return only


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("Reward.1.Amount=0.05&Reward.1.CurrencyCode=USD", {"Reward": "0.05"}),
        ("Reward.Amount=0.05&Reward.CurrencyCode=USD", {"Reward": "0.05"}),
        ("Reward.7.Amount=.20", {"Reward": "0.20"}),
        ("ResponseGroup.1=Minimal&ResponseGroup.2=HITDetail", {"ResponseGroup": ["Minimal", "HITDetail"]}),
        ("ResponseGroup.0=HITDetail&ResponseGroup.1=HITQuestion", {"ResponseGroup": ["HITDetail", "HITQuestion"]}),
        ("ResponseGroup0=Minimal&ResponseGroup1=HITDetail", {"ResponseGroup": ["Minimal", "HITDetail"]}),
        ("ResponseGroup=Minimal", {"ResponseGroup": ["Minimal"]}),
        ("Status=Reviewable,Reviewing", {"Status": ["Reviewable", "Reviewing"]}),
        ("Status=Reviewable,%20Reviewing,", {"Status": ["Reviewable", "Reviewing"]}),
        ("Status=Reviewable&Status=Reviewing", {"Status": ["Reviewable", "Reviewing"]}),
        ("Status.2=Reviewing&Status=Reviewable,Reviewing", {"Status": ["Reviewable", "Reviewing"]}),
        ("WorkerId=A1", {"WorkerId": ["A1"]}),
        ("WorkerId.1=A1&WorkerId.2=A2", {"WorkerId": ["A1", "A2"]}),
        ("WorkerId.0=A1&WorkerId.1=A2", {"WorkerId": ["A1", "A2"]}),
        ("WorkerId.10=A2&WorkerId.9=A1", {"WorkerId": ["A1", "A2"]}),
        ("WorkerId=A1&WorkerId=A2", {"WorkerId": ["A1", "A2"]}),
        (
            "HITLayoutParameter.1.Name=image&HITLayoutParameter.1.Value=a,b",
            {"HITLayoutParameter": [{"Name": "image", "Value": "a,b"}]},
        ),
        ("Keywords=one,+two", {"Keywords": "one, two"}),
        ("Keywords=&WorkerId.1=&WorkerId.2=A2", {"WorkerId": ["A2"]}),
        ("", {}),
    ],
)
def test_every_form_of_a_parameter_that_clients_send_is_understood(query, meant):
    assert taken(query) == meant


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("IntegerValue=90", {"IntegerValue": [90]}),
        ("IntegerValue.1=90", {"IntegerValue": [90]}),
        ("IntegerValue.1=1&IntegerValue.2=2&IntegerValue.3=3", {"IntegerValue": [1, 2, 3]}),
        ("LocaleValue.Country=US", {"LocaleValue": [{"Country": "US"}]}),
        ("LocaleValue.1.Country=US", {"LocaleValue": [{"Country": "US"}]}),
        (
            "LocaleValue.1.Country=US&LocaleValue.1.Subdivision=NY&LocaleValue.2.Country=CA",
            {"LocaleValue": [{"Country": "US", "Subdivision": "NY"}, {"Country": "CA"}]},
        ),
        (
            "LocaleValue.Country=US&LocaleValue.Subdivision=CA",
            {"LocaleValue": [{"Country": "US", "Subdivision": "CA"}]},
        ),
    ],
)
def test_every_form_of_a_requirements_values_is_understood(query, meant):
    assert requirement(query) == meant


@pytest.mark.parametrize("policy", ["HITReviewPolicy", "HITReviewPolicy.1"])
@pytest.mark.parametrize("value", ["Value", "Value.1"])
def test_a_review_policy_is_understood_with_and_without_indexes(policy, value):
    query = (
        f"{policy}.PolicyName=P&{policy}.Parameter.1.Key=Ids&{policy}.Parameter.1.Value.1=q1"
        f"&{policy}.Parameter.1.Value.2=q2&{policy}.Parameter.2.Key=AnswerKey"
        f"&{policy}.Parameter.2.MapEntry.1.Key=Q3&{policy}.Parameter.2.MapEntry.1.{value}=B"
    )

    assert taken(query)["HITReviewPolicy"] == {
        "PolicyName": "P",
        "Parameter": [
            {"Key": "Ids", "Value": ["q1", "q2"]},
            {"Key": "AnswerKey", "MapEntry": [{"Key": "Q3", "Value": ["B"]}]},
        ],
    }


@given(
    st.lists(st.text(alphabet="ABC019", min_size=1), min_size=1, max_size=8),
    st.integers(0, 3),
    st.data(),
)
def test_a_list_means_the_same_whatever_its_base_its_gaps_and_the_order_of_its_parameters(values, base, data):
    steps = data.draw(st.lists(st.integers(1, 50), min_size=len(values), max_size=len(values)))
    indexes = [base + sum(steps[:position]) for position in range(len(values))]
    pairs = [Pair(f"WorkerId.{index}", value) for index, value in zip(indexes, values, strict=True)]
    shuffled = data.draw(st.permutations(pairs))

    assert nest(shuffled).texts("WorkerId") == tuple(values)


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=10), st.sampled_from([quote, quote_plus]))
def test_any_text_survives_both_ways_of_encoding(pairs, encode):
    encoded = "&".join(f"{encode(name, safe='')}={encode(value, safe='')}" for name, value in pairs)

    assert parse_pairs(encoded.encode()) == tuple(Pair(*pair) for pair in pairs)


NAMES = st.text() | st.text(alphabet=".019aResponseGroup", max_size=60)


@given(st.lists(st.tuples(NAMES, st.text()), max_size=20))
def test_no_name_whatever_is_too_strange_to_nest(pairs):
    root = nest(Pair(*pair) for pair in pairs)

    assert _count(root) == len(pairs)
    assert all(isinstance(block, Node) for block in blocks(root, "A"))


def _count(node):
    inner = sum(_count(element) for elements in node.members.values() for element in elements.values())
    return len(node.values) + inner


@pytest.mark.parametrize("name", ["a" + ".1" * 50_000, "." * 100_000, "a." + "9" * 5_000, "a." * 50_000 + "b"])
def test_a_name_of_any_depth_or_length_nests_without_recursion_or_huge_numbers(name):
    assert _count(nest([Pair(name, "x")])) == 1


@given(st.binary())
def test_any_bytes_are_parameters_or_an_unreadable_request(encoded):
    try:
        pairs = parse_pairs(encoded)
    except Fault as fault:
        refused = (fault.place, fault.status, fault.code)
    else:
        refused = None
        assert all(name or value or b"=" in encoded for name, value in pairs)
    assert refused in (None, (Place.FRONT, 400, "InvalidRequest"))


@given(
    st.lists(st.binary() | st.sampled_from([b"%41", b"%0a", b"%0D", b"%3d", b"=", b"\r\n", b"+", b"%2B"])).map(b"".join)
)
def test_escapes_mean_what_they_mean_in_any_url(encoded):
    assume(not re.search(rb"%(?![0-9A-Fa-f]{2})", encoded))
    meant = unquote_to_bytes(encoded.replace(b"+", b" "))
    try:
        meant.decode()
    except UnicodeDecodeError:
        assume(False)

    assert decode(encoded) == meant.decode()


@pytest.mark.parametrize("unit", [b"%61", b"%C3%A9", b"%61x", b"%0A="])
def test_a_body_of_nothing_but_escapes_keeps_nobody_waiting(unit):
    """Anybody may send one: it is read before a signature is looked at."""
    encoded = unit * (1_000_000 // len(unit))

    def seconds(read):
        started = time.process_time()
        read(encoded)
        return time.process_time() - started

    ours = min(seconds(decode) for _ in range(3))
    assert ours < min(seconds(unquote_to_bytes) for _ in range(3)) / 4


@pytest.mark.parametrize("encoded", [b"a=%", b"a=%4", b"a=%zz", b"a=%+1", b"%=b", b"a=%ff", b"a=\xff", b"%c3=1"])
def test_broken_escapes_and_bytes_that_are_not_utf8_are_unreadable(encoded):
    with pytest.raises(Fault) as caught:
        parse_pairs(encoded)

    assert (caught.value.place, caught.value.status) == (Place.FRONT, 400)


def test_url_and_body_are_one_list_in_which_the_same_pair_counts_once():
    url, body = parse_pairs(b"Service=S&A=1&"), parse_pairs(b"&A=1&A=2&Service=S&B")

    assert merge(url, body) == (("Service", "S"), ("A", "1"), ("A", "2"), ("B", ""))


def test_of_different_values_the_first_that_is_not_empty_counts():
    pairs = parse_pairs(b"A=&A=2&A=3")

    assert first(pairs, "A") == "2"
    assert nest(pairs).text("A") == "2"
    assert first(pairs, "B") is None


def test_a_batch_is_its_blocks_in_order_with_what_they_share():
    root = nest(parse_pairs(b"Op.2.A=two&Shared=s&Op.1.A=one&Op.1.Shared=mine"))

    assert [(block.text("A"), block.text("Shared")) for block in blocks(root, "Op")] == [("one", "mine"), ("two", "s")]
    assert blocks(root, "Other") == (root,)
