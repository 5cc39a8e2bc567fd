"""Lexical forms: what clients may write for numbers, truth, words and money, and what they get back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mturk_translators.faults import MISSHAPEN, Fault
from mturk_translators.fields import Boolean, Choice, Choices, Integer, Text, TextOrNone, subject_id, worker_id
from mturk_translators.query import Pair, blocks, nest, parse_pairs
from mturk_translators.structures import AutoGrantedValue, Each, Price
from mturk_translators.values import (
    amount_text,
    formatted_price,
    is_worker_id,
    money_in,
    money_key,
    time_key,
    time_text,
)

INVALID = "AWS.MechanicalTurk.InvalidParameterValue"
RANGE = "AWS.ParameterOutOfRange"


def refusal(field, text, name="X"):
    with pytest.raises(Fault) as caught:
        field.take(nest([Pair(name, text)]))
    return caught.value.code


def took(field, text):
    return field.take(nest([Pair("X", text)]))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        ("+5", 5),
        (" 5\t", 5),
        ("0005", 5),
        ("0", 0),
        ("-0", 0),
        ("-7", -7),
        ("0" * 5_000 + "5", 5),
    ],
)
def test_an_integer_is_ascii_digits_with_an_optional_sign_and_blanks_around(text, number):
    assert took(Integer("X", low=-10), text) == number


@pytest.mark.parametrize(
    "text", ["green", "5.0", "1e3", "\u0665", "5 5", "+", "-", "0x5", "1_000", "1,000", "--5", "½", "5\x00", "NaN"]
)
def test_what_is_no_integer_is_an_invalid_value(text):
    assert refusal(Integer("X"), text) == INVALID


@pytest.mark.parametrize("text", ["0", "-1", "101", "1" + "0" * 30, "9" * 100_000, "-" + "9" * 100_000])
def test_an_integer_outside_its_range_is_out_of_range_however_long_it_is(text):
    assert refusal(Integer("X", low=1, high=100), text) == RANGE


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, True) for text in ["true", "True", "TRUE", "1", "T", "t", " true "]),
        *((text, False) for text in ["false", "False", "FALSE", "0", "F", "f"]),
    ],
)
def test_every_clients_truth_is_understood(text, value):
    assert took(Boolean("X"), text) is value


@pytest.mark.parametrize("text", ["yes", "no", "2", "-1", "truee", "on", "None"])
def test_what_is_no_truth_is_an_invalid_value(text):
    assert refusal(Boolean("X"), text) == INVALID


@pytest.mark.parametrize(
    ("words", "value", "shown"),
    [
        (False, True, "<X>1</X>"),
        (False, False, "<X>0</X>"),
        (True, True, "<X>true</X>"),
        (True, False, "<X>false</X>"),
        (True, None, ""),
    ],
)
def test_truth_is_shown_as_a_digit_or_in_words(words, value, shown):
    assert Boolean("X", words=words).give(value, "2014-08-15") == shown


@pytest.mark.parametrize("text", ["ascending", "ASCENDING", " Ascending", "Ascending,Descending", "Up"])
def test_a_word_is_taken_in_its_exact_spelling_only(text):
    field = Choice("X", values=("Ascending", "Descending"))

    assert took(field, "Ascending") == "Ascending"
    assert refusal(field, text) == INVALID


def test_one_unknown_word_among_several_is_refused():
    assert refusal(Choices("X", values=("Reviewable", "Reviewing")), "Reviewable,reviewing") == INVALID


@pytest.mark.parametrize("field", [Integer("X"), Boolean("X"), Text("X"), Choice("X", values=("A",)), Price("X")])
def test_an_empty_value_is_none_at_all(field):
    assert took(field, "") is None


@given(st.text(max_size=3) | st.from_regex(r"\AA?[A-Za-z0-9]*\Z") | st.sampled_from(["A" * 64, "A" * 65, "A1\n"]))
def test_a_workers_id_goes_upstream_only_in_the_form_that_is_taken_there(text):
    well_formed = 2 <= len(text) <= 64 and text[0] == "A" and set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")

    assert is_worker_id(text) == well_formed
    if well_formed:
        assert took(worker_id("X"), text) == took(subject_id("X"), text) == text
    elif text:
        assert refusal(worker_id("X"), text) == INVALID
        assert refusal(subject_id("X"), text) == "AWS.MechanicalTurk.QualificationDoesNotExist"


@given(st.text(min_size=1) | st.just("None"), st.sampled_from(["", "0", "1", "2", "None"]))
def test_none_is_no_text_in_a_request_with_botos_signature_and_a_word_in_all_others(text, version):
    given = nest([Pair("Reason", text), Pair("SignatureVersion", version)])

    assert TextOrNone("Reason").take(given) == (None if (text, version) == ("None", "1") else text)


def test_none_is_no_text_in_the_blocks_of_a_batch_either():
    one, other = blocks(nest(parse_pairs(b"Op.1.Reason=None&Op.2.Reason=late&SignatureVersion=1")), "Op")

    assert TextOrNone("Reason").take(one) is None
    assert TextOrNone("Reason").take(other) == "late"


@pytest.mark.parametrize("number", [1, 100, 101])
def test_a_list_has_at_most_so_many_values(number):
    listed = Each("X", Text("X"), most=100)
    given = nest([Pair(f"X.{index}", "A1") for index in range(number)])
    if number <= 100:
        assert listed.take(given) == ["A1"] * number
    else:
        with pytest.raises(Fault) as caught:
            listed.take(given)
        assert caught.value.code == RANGE


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        ({"AutoGranted": True, "AutoGrantedValue": 0}, "<X>0</X>"),
        ({"AutoGranted": True}, ""),
        ({"AutoGranted": False, "AutoGrantedValue": 7}, ""),
        ({"AutoGrantedValue": 7}, ""),
    ],
)
def test_the_value_of_what_is_not_granted_automatically_is_not_shown(reply, shown):
    field = AutoGrantedValue("X", modern="AutoGrantedValue")

    assert field.give(field.find(reply), "2014-08-15") == shown


@pytest.mark.parametrize(
    ("text", "modern"),
    [
        ("5", "5.00"),
        ("0.05", "0.05"),
        (".20", "0.20"),
        ("0.1", "0.10"),
        ("1.5", "1.50"),
        ("1.", "1.00"),
        ("0", "0.00"),
        ("007", "7.00"),
        ("0.050000", "0.05"),
        ("1.500", "1.50"),
        (" 0.05 ", "0.05"),
        ("999999999999", "999999999999.00"),
    ],
)
def test_money_goes_upstream_with_two_decimals(text, modern):
    assert Price("Reward").take(nest([Pair("Reward.1.Amount", text)])) == modern


@pytest.mark.parametrize(
    "text",
    [
        "0.005",
        "-1",
        "+1",
        "1e2",
        "",
        ".",
        "1,000.00",
        "$1",
        "1.2.3",
        "\u0665",
        "NaN",
        "Infinity",
        "0x1",
        "1 0",
        "9" * 100_000,
    ],
)
def test_what_is_no_amount_is_refused(text):
    assert money_in(text) is None
    if text:
        assert refusal(Price("Reward"), text, "Reward.1.Amount") == INVALID


@given(st.decimals(min_value=0, max_value=1, places=2))
def test_only_an_amount_of_nothing_is_refused_where_something_must_be_paid(amount):
    given = nest([Pair("BonusAmount.1.Amount", f"{amount:f}")])
    if amount:
        assert Price("BonusAmount", positive=True).take(given) == f"{amount:.2f}"
    else:
        with pytest.raises(Fault) as caught:
            Price("BonusAmount", positive=True).take(given)
        assert caught.value.code == INVALID
    assert Price("BonusAmount").take(given) == f"{amount:.2f}"


def test_the_only_currency_is_the_dollar():
    def price(currency):
        return Price("Reward").take(nest([Pair("Reward.Amount", "1"), Pair("Reward.CurrencyCode", currency)]))

    assert price("USD") == price("") == "1.00"
    for currency in ("EUR", "usd", "US"):
        with pytest.raises(Fault) as caught:
            price(currency)
        assert caught.value.code == INVALID


@given(st.decimals(min_value=0, max_value=10**9, places=2))
def test_money_means_the_same_amount_however_often_it_is_read(amount):
    once = money_in(f"{amount:f}")

    assert Decimal(once) == amount
    assert money_in(once) == amount_text(once) == once


@given(st.text())
def test_any_text_is_an_amount_with_two_decimals_or_none(text):
    amount = money_in(text)

    assert amount is None or money_in(amount) == amount


@given(st.decimals(min_value=0, max_value=10**9, places=2), st.decimals(min_value=0, max_value=10**9, places=2))
def test_amounts_sort_by_value(one, other):
    assert (money_key(f"{one:f}") < money_key(f"{other:f}")) == (one < other)


@pytest.mark.parametrize(
    ("modern", "amount", "price"),
    [
        ("0.1", "0.10", "$0.10"),
        ("10000.00", "10000.00", "$10,000.00"),
        ("10000.000", "10000.000", "$10,000.00"),
        ("1234567.5", "1234567.50", "$1,234,567.50"),
        ("5", "5.00", "$5.00"),
    ],
)
def test_amounts_are_shown_as_clients_parse_them(modern, amount, price):
    assert (amount_text(modern), formatted_price(modern)) == (amount, price)


@given(st.text())
def test_an_upstreams_amount_that_is_no_number_is_shown_and_breaks_nothing(modern):
    assert amount_text(modern)
    assert formatted_price(modern).startswith("$")


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2009, 7, 13, 7, 0, 0, 999_999, UTC),
        datetime(2009, 7, 13, 0, 0, 0, tzinfo=timezone(timedelta(hours=-7))),
        1_247_468_400,
        1_247_468_400.999,
    ],
)
def test_times_are_whole_seconds_of_utc_never_rounded_up(moment):
    assert time_text(moment) == time_key(moment) == "2009-07-13T07:00:00Z"


@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  # hypothesis adds the zone
def test_a_time_reads_back_as_the_second_it_was(moment):
    def read(text):
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)

    assert read(time_text(moment)) == moment.replace(microsecond=0)
    assert abs(read(time_text(moment.timestamp())) - moment) < timedelta(seconds=1)


@pytest.mark.parametrize("moment", [float("nan"), float("inf"), 1e30, -1e12, "1500000000", [], {}])
def test_what_is_no_time_is_told_as_misshapen(moment):
    with pytest.raises(MISSHAPEN):
        time_text(moment)
