"""Requests that no good client sends: each gets an answer that a legacy client can read, and soon."""

from __future__ import annotations

import asyncio
import itertools
import threading
from urllib.parse import quote, quote_from_bytes

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mturk_gateway.clock import wall_clock
from mturk_translators.operations import OPERATIONS
from mturk_translators.xml import parse
from support import FORM, QUESTION, ScriptedUpstream, ask, one, post, signed_pairs, signed_query, texts

INVALID = "AWS.MechanicalTurk.InvalidParameterValue"
RANGE = "AWS.ParameterOutOfRange"
PROPERTY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
QUICKLY = 10
"""Seconds in which the strangest request is answered, on a busy machine too."""


@pytest.fixture(scope="module")
def owner(gateway):
    """One requester for all examples of a property."""
    return gateway.add_requester("owner-of-bad-input")


def code(response):
    """The only error code of an answer; None for a success."""
    codes = texts(parse(response.content), "Code")
    assert len(codes) <= 1
    return codes[0] if codes else None


# Pages

PAGED = ["SearchHITs", "GetReviewableHITs"]


@pytest.mark.parametrize("operation", PAGED)
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PageNumber", "0", RANGE),
        ("PageNumber", "-1", RANGE),
        ("PageNumber", "x", INVALID),
        ("PageNumber", "1.5", INVALID),
        ("PageSize", "0", RANGE),
        ("PageSize", "101", RANGE),
        ("PageSize", "1" + "0" * 30, RANGE),
        ("PageSize", "9" * 100_000, RANGE),
        ("PageSize", "abc", INVALID),
        ("SortProperty", "Color", INVALID),
        ("SortProperty", "title", INVALID),
        ("SortDirection", "Sideways", INVALID),
        ("SortDirection", "ascending", INVALID),
    ],
)
def test_a_page_that_cannot_be_is_refused_with_its_code(gateway, owner, operation, name, value, expected):
    root = ask(gateway.url, owner, operation, (name, value))

    assert one(root, "Code") == expected
    assert one(root, "IsValid") == "False"
    assert name in one(root, "Message")


@pytest.mark.parametrize("operation", PAGED)
@pytest.mark.parametrize("number", [2, 10**12, 2**63 - 1])
def test_a_page_far_beyond_the_last_is_empty(gateway, requester, operation, number):
    root = ask(gateway.url, requester, operation, PageNumber=number, PageSize=100)

    assert one(root, "IsValid") == "True"
    assert (one(root, "NumResults"), one(root, "TotalNumResults")) == ("0", "0")
    assert one(root, "PageNumber") == str(number)


@pytest.mark.parametrize("number", ["1" + "0" * 30, str(2**63), "9" * 100])
def test_a_page_number_of_any_length_is_an_empty_page_or_out_of_range(gateway, requester, number):
    answer = post(gateway.url, signed_query(requester, "SearchHITs", ("PageNumber", number)))

    assert answer.status_code == 200
    assert code(answer) in {None, RANGE}


def test_a_page_number_of_a_hundred_thousand_digits_is_out_of_range(gateway, owner):
    answer = post(gateway.url, signed_query(owner, "SearchHITs", ("PageNumber", "9" * 100_000)))

    assert (answer.status_code, code(answer)) == (200, RANGE)


# Who asks


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Signature": None}, "AWS.NotAuthorized"),
        ({"Signature": ""}, "AWS.NotAuthorized"),
        ({"Signature": "wrong"}, "AWS.NotAuthorized"),
        ({"Signature": "é\0<"}, "AWS.NotAuthorized"),
        ({"Signature": "A" * 100_000}, "AWS.NotAuthorized"),
        ({"AWSAccessKeyId": None}, "AWS.NotAuthorized"),
        ({"AWSAccessKeyId": "AKIDNOBODY"}, "AWS.NotAuthorized"),
        ({"AWSAccessKeyId": "\0[default]\n"}, "AWS.NotAuthorized"),
        ({"Timestamp": None}, "AWS.NotAuthorized"),
        ({"Timestamp": "2026-11-22T00:00:00Z"}, "AWS.NotAuthorized"),
        ({"SignatureVersion": "1"}, "AWS.NotAuthorized"),
        ({"SignatureVersion": "2"}, "AWS.NotAuthorized"),
        ({"SignatureVersion": "0"}, "AWS.NotAuthorized"),
        ({"Operation": "GetHIT"}, "AWS.NotAuthorized"),
    ],
)
def test_nobody_gets_in_without_the_owners_signature(gateway, owner, changes, expected):
    pairs = {**dict(signed_pairs(owner, "GetAccountBalance")), **changes}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs.items() if value is not None)
    answer = post(gateway.url, query)

    assert (answer.status_code, code(answer)) == (200, expected)
    assert "Amount" not in answer.text


@pytest.mark.parametrize("offset", [-1_000, 1_000, -(10**9), 10**9])
def test_a_signature_of_another_time_is_stale(gateway, owner, offset):
    answer = post(gateway.url, signed_query(owner, "GetAccountBalance", now=wall_clock() + offset))

    assert (answer.status_code, code(answer)) == (200, "AWS.BadClaimsSupplied")


@pytest.mark.parametrize(
    "moment",
    ["now", "2026-11-22", "2026-13-45T99:99:99Z", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59-23:59", "\u0661", "\0"],
)
def test_a_timestamp_that_is_no_time_is_refused_even_if_it_is_signed(gateway, owner, monkeypatch, moment):
    monkeypatch.setattr("support.timestamp", lambda _now=None: moment)
    answer = post(gateway.url, signed_query(owner, "GetAccountBalance"))

    assert (answer.status_code, code(answer)) == (200, "AWS.BadClaimsSupplied")


# Parameters that contradict each other


def test_the_same_parameter_twice_counts_once_and_of_two_values_the_first(gateway, owner):
    twice = ask(gateway.url, owner, "SearchHITs", ("PageSize", "7"), ("PageSize", "7"))
    differing = ask(gateway.url, owner, "SearchHITs", ("PageSize", "7"), ("PageSize", "101"))
    reversed_ = ask(gateway.url, owner, "SearchHITs", ("PageSize", "101"), ("PageSize", "7"))

    assert [one(root, "IsValid") for root in (twice, differing, reversed_)] == ["True", "True", "False"]


def test_a_second_operation_behind_the_signed_one_is_not_performed(gateway, owner):
    """The signature covers one operation; the other must not ride on it."""
    query = signed_query(owner, "GetAccountBalance", ("Operation", "SearchHITs"))
    behind = parse(post(gateway.url, query).content)
    before = post(gateway.url, f"Operation=SearchHITs&{query}")

    assert behind.tag == "GetAccountBalanceResponse"
    assert code(before) == "AWS.NotAuthorized"


def test_a_structure_that_is_also_a_text_is_refused_and_a_text_that_is_also_a_structure_is_the_text(gateway, requester):
    """Which of two rewards was meant is not guessed."""
    both = ask(gateway.url, requester, "CreateHIT", *HIT, ("Reward", "5"))
    text = ask(gateway.url, requester, "CreateHIT", *HIT, ("Title.1.X", "y"))

    assert one(both, "Code") == "AWS.MechanicalTurk.InvalidParameterValue"
    assert one(text, "IsValid") == "True"


HIT = [
    ("Title", "Birds"),
    ("Description", "Name them"),
    ("Reward.1.Amount", "0.25"),
    ("AssignmentDurationInSeconds", "60"),
    ("LifetimeInSeconds", "3600"),
    ("Question", QUESTION),
]


def test_a_batch_has_at_most_a_hundred_blocks(gateway, owner):
    def batch(size):
        return [(f"GetHIT.{number}.HITId", f"3NO{number}") for number in range(1, size + 1)]

    most = ask(gateway.url, owner, "GetHIT", *batch(100))
    over = ask(gateway.url, owner, "GetHIT", *batch(101))

    assert texts(most, "Value") == [f"3NO{number}" for number in range(1, 101)]
    assert [child.tag for child in over] == ["OperationRequest"]
    assert one(over, "Code") == RANGE


def test_blocks_of_a_batch_that_fail_leave_the_others_alone(gateway, requester):
    hit = one(ask(gateway.url, requester, "CreateHIT", *HIT), "HITId")
    batch = [("GetHIT.1.HITId", "3NO"), ("GetHIT.2.HITId", hit), ("GetHIT.3.Nothing", "1"), ("GetHIT.10.HITId", "x y")]
    root = ask(gateway.url, requester, "GetHIT", *reversed(batch))

    assert texts(root, "IsValid") == ["False", "True", "False", "False"]
    assert texts(root, "Code") == [
        "AWS.MechanicalTurk.HITDoesNotExist",
        "AWS.MissingParameters",
        "AWS.MechanicalTurk.HITDoesNotExist",
    ]


# Size


def test_a_body_over_the_limit_is_refused_before_it_is_understood(gateway, owner):
    query = signed_query(owner, "GetAccountBalance").encode() + b"&Pad="
    fits = post(gateway.url, query.ljust(1_048_576, b"x"))
    over = post(gateway.url, query.ljust(1_048_577, b"x"))

    assert (fits.status_code, code(fits)) == (200, None)
    assert (over.status_code, code(over)) == (413, "InvalidRequest")


def test_a_body_far_over_the_limit_is_refused_and_the_client_gets_to_read_why(gateway, owner):
    answer = post(gateway.url, signed_query(owner, "GetAccountBalance").encode().ljust(30 * 2**20, b"&"))

    assert (answer.status_code, code(answer)) == (413, "InvalidRequest")


def test_a_body_over_the_limit_in_unannounced_pieces_is_refused(gateway):
    with httpx.Client(trust_env=False, verify=False, timeout=60) as client:
        answer = client.post(gateway.url, content=itertools.repeat(b"&" * 65_536, 20), headers=FORM)

    assert (answer.status_code, code(answer)) == (413, "InvalidRequest")


@pytest.mark.parametrize(
    "extra",
    [
        "&".join(f"P{number}=1" for number in range(100_000)),
        "&".join(f"GetAccountBalance.1.P{number}=1" for number in range(30_000)),
        "&" * 1_000_000,
        "=&" * 500_000,
        "." * 100_000 + "=1",
        "A" + ".1" * 50_000 + "=1",
        "A" + ".B" * 50_000 + "=1",
        f"A.{'9' * 5_000}=1",
        f"ResponseGroup{'9' * 5_000}=Minimal",
        f"{'A' * 1_000_000}=1",
        "ResponseGroup=" + "Minimal," * 100_000,
        f"Version={'9' * 100_000}",
        f"Validate={'x' * 100_000}",
    ],
    ids=lambda extra: f"{extra[:20]}...",
)
def test_parameters_without_end_are_answered_quickly(gateway, owner, extra):
    """Served or refused as too much, but not left to grind."""
    answer = post(gateway.url, f"{signed_query(owner, 'GetAccountBalance')}&{extra}")

    assert (answer.status_code, code(answer)) in {(200, None), (400, "InvalidRequest"), (413, "InvalidRequest")}
    assert answer.elapsed.total_seconds() < QUICKLY


@pytest.mark.parametrize("name", ["MaxAssignments", "AssignmentDurationInSeconds", "LifetimeInSeconds"])
@pytest.mark.parametrize("value", ["9" * 100_000, "-" + "9" * 100_000])
def test_a_number_of_a_hundred_thousand_digits_is_out_of_range(gateway, owner, name, value):
    pairs = [pair for pair in HIT if pair[0] != name]

    assert one(ask(gateway.url, owner, "CreateHIT", *pairs, (name, value)), "Code") == RANGE


@pytest.mark.parametrize(
    ("operation", "root"),
    [
        ("A" * 64, "A" * 64 + "Response"),
        ("A" * 65, "Response"),
        ("A" * 500_000, "Response"),
        ("<script>alert(1)</script>", "Response"),
        ("GetHIT\n", "Response"),
        ("Get\0HIT", "Response"),
        ("GetHIT></GetHITResponse>", "Response"),
        ("Ünknown", "Response"),
        ("1GetHIT", "Response"),
        ("ns:GetHIT", "Response"),
    ],
)
def test_an_operations_name_never_becomes_markup(gateway, owner, operation, root):
    answer = post(gateway.url, signed_query(owner, operation))

    assert (answer.status_code, code(answer)) == (200, "AWS.InvalidOperationParameter")
    assert parse(answer.content).tag == root


# Strange text

CONTROLS = "".join(map(chr, range(0x20))) + "\x7f\x85\u2028\ufffe\uffff\U0010ffff]]><![CDATA[<?xml?>&amp;"


@pytest.mark.parametrize("name", ["Title", "Description", "Keywords", "RequesterAnnotation"])
def test_control_characters_in_any_text_of_a_hit_give_a_readable_answer_and_a_readable_hit(gateway, requester, name):
    pairs = dict([*HIT, (name, f"a{CONTROLS}b")])
    created = post(gateway.url, signed_query(requester, "CreateHIT", *pairs.items(), ("ResponseGroup", "HITDetail")))
    listed = ask(gateway.url, requester, "SearchHITs")

    assert created.status_code == 200
    assert code(created) in {None, INVALID}
    assert len(texts(listed, "HITId")) == (code(created) is None)
    assert all("]]><![CDATA[<?xml?>&amp;b" in text for text in texts(listed, name))


@pytest.mark.parametrize(
    ("operation", "name", "expected"),
    [
        ("GetHIT", "HITId", "AWS.MechanicalTurk.HITDoesNotExist"),
        ("GetAssignment", "AssignmentId", "AWS.MechanicalTurk.AssignmentDoesNotExist"),
        ("GetAssignmentsForHIT", "HITId", "AWS.MechanicalTurk.HITDoesNotExist"),
        ("ApproveAssignment", "AssignmentId", "AWS.MechanicalTurk.AssignmentDoesNotExist"),
        ("RejectAssignment", "AssignmentId", "AWS.MechanicalTurk.AssignmentDoesNotExist"),
        ("GetHITsForQualificationType", "QualificationTypeId", "AWS.MechanicalTurk.QualificationTypeDoesNotExist"),
        ("GetReviewableHITs", "HITTypeId", INVALID),
    ],
)
@pytest.mark.parametrize("identifier", [CONTROLS, "../../etc/passwd", "foo", "A" * 65, "A" * 100_000, "' OR 1=1 --"])
def test_a_malformed_id_names_nothing(gateway, owner, operation, name, expected, identifier):
    answer = post(gateway.url, signed_query(owner, operation, (name, identifier)))

    assert (answer.status_code, code(answer)) == (200, expected)


def test_control_characters_in_feedback_are_refused(gateway, owner):
    pairs = [("AssignmentId", "3ASSIGNMENT"), ("RequesterFeedback", "so\x07so")]

    assert one(ask(gateway.url, owner, "ApproveAssignment", *pairs), "Code") == INVALID


@pytest.mark.parametrize(
    "name",
    ["<b>", "a b", "1", "x:y", "\x01", "", "-", "é<", "xmlns", "{ns}a", "A" * 100_000, "\ufffe", "a/b", "?a", "A.B c"],
)
def test_a_parameters_name_that_is_no_elements_name_does_not_spoil_the_echo_of_the_request(gateway, owner, name):
    """Unknown parameters never change the answer; the Request group echoes what it can."""
    answer = post(gateway.url, signed_query(owner, "GetAccountBalance", ("ResponseGroup", "Request"), (name, "v")))

    assert (answer.status_code, code(answer)) == (200, None)
    assert one(parse(answer.content), "Operation") == "GetAccountBalance"


def test_the_echo_of_a_value_that_xml_cannot_carry_is_made_visible(gateway, owner):
    root = ask(gateway.url, owner, "GetAccountBalance", ("ResponseGroup", "Request"), ("Note", "a\x00<b>"))

    assert one(root, "Note") == "a␀<b>"


# Anything at all


def is_readable(response):
    parse(response.content)
    described = (response.status_code in {200, 400}, response.headers["content-type"])
    return described == (True, "text/xml; charset=UTF-8") and response.elapsed.total_seconds() < QUICKLY


@PROPERTY
@given(query=st.binary(max_size=60), body=st.binary(max_size=60))
def test_any_bytes_beside_a_signed_request_get_a_legacy_answer(gateway, owner, query, body):
    signed = signed_query(owner, "GetAccountBalance")
    url = f"{gateway.url}/?{signed}&{quote_from_bytes(query, safe='=&+;/?')}"

    assert is_readable(post(url, b"&" + body))


ENTRIES = OPERATIONS
PLAIN = ["GetAccountBalance", "GetHIT", "SearchHITs", "CreateHIT", "RegisterHITType", "CreateQualificationType"]
WORDS = [
    "Title", "Description", "Reward", "Amount", "CurrencyCode", "Keywords", "Question", "HITId", "HITTypeId",
    "QualificationRequirement", "QualificationTypeId", "Comparator", "IntegerValue", "LocaleValue", "Country",
    "AssignmentReviewPolicy", "Parameter", "MapEntry", "Key", "Value", "HITLayoutParameter", "Name", "PageSize",
    "PageNumber", "SortProperty", "SortDirection", "ResponseGroup", "ResponseGroup1", "Validate", "Version",
    "MaxAssignments", "LifetimeInSeconds", "AssignmentDurationInSeconds", "UniqueRequestToken", "0", "1", "2", "99", "",
    *PLAIN,
]  # fmt: skip
VALUES = st.sampled_from(
    [
        "",
        "1",
        "0",
        "-1",
        "0.05",
        "USD",
        "true",
        "Request",
        "Minimal,HITDetail",
        "Title",
        "None",
        "\0",
        QUESTION,
        "9" * 40,
    ]
)
PAIRS = st.tuples(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(".".join), VALUES | st.text(max_size=20))


@PROPERTY
@given(operation=st.sampled_from(PLAIN), pairs=st.lists(PAIRS, max_size=12))
def test_any_mixture_of_known_words_gets_a_legacy_answer(gateway, owner, operation, pairs):
    assert is_readable(post(gateway.url, signed_query(owner, operation, *pairs)))


# Many at once

CROWD = 200


async def crowd(url, queries, on_sent=lambda: None):
    """All requests at once, each over a connection of its own; `on_sent` is called when a request is on its way."""

    async def trace(event, _info):
        if event == "http11.send_request_body.complete":
            on_sent()

    limits = httpx.Limits(max_connections=CROWD)
    async with httpx.AsyncClient(limits=limits, trust_env=False, verify=False, timeout=60) as client:
        requests = [
            client.post(f"{url}/", content=query, headers=FORM, extensions={"trace": trace}) for query in queries
        ]
        return await asyncio.gather(*requests)


def test_two_hundred_clients_at_once_are_all_answered(foreign_gateway):
    with ScriptedUpstream(lambda *_: (200, {"AvailableBalance": "12.00"})) as upstream:
        gateway, requester = foreign_gateway(upstream.url, upstream_timeout=20.0)
        queries = [signed_query(requester, "GetAccountBalance", ("N", str(number))) for number in range(CROWD)]
        answers = asyncio.run(crowd(gateway.url, queries))

    assert [one(parse(answer.content), "Amount") for answer in answers] == ["12.00"] * CROWD
    assert len(upstream.calls) == CROWD


def test_two_hundred_clients_that_wait_for_one_listing_share_one_walk(foreign_gateway):
    """The upstream answers only after the last of them has asked."""
    all_asked = threading.Event()
    asked = itertools.count(1)

    def note():
        if next(asked) == CROWD:
            all_asked.set()

    def answer(_operation, params):
        all_asked.wait(30)
        token = {} if "NextToken" in params else {"NextToken": "more"}
        return 200, {"HITs": [{"HITId": f"3{len(params)}", "Title": "Birds"}], **token}

    with ScriptedUpstream(answer) as upstream:
        gateway, requester = foreign_gateway(upstream.url, upstream_timeout=20.0, freshness=60.0)
        queries = [signed_query(requester, "SearchHITs", ("N", str(number))) for number in range(CROWD)]
        answers = asyncio.run(crowd(gateway.url, queries, note))

    assert [one(parse(answer.content), "TotalNumResults") for answer in answers] == ["2"] * CROWD
    assert len(upstream.calls) == 2


LOCALE = [
    ("QualificationRequirement.1.QualificationTypeId", "00000000000000000071"),
    ("QualificationRequirement.1.Comparator", "EqualTo"),
]
PROPERTIES = [
    ("Title", "t"),
    ("Description", "d"),
    ("Reward.1.Amount", "1"),
    ("AssignmentDurationInSeconds", "60"),
    ("LifetimeInSeconds", "60"),
    ("Question", QUESTION),
]


def test_more_parameters_than_anything_takes_are_refused_before_they_are_read(gateway):
    response = post(f"{gateway.url}/", b"a&" * 10_001)

    assert response.status_code == 413
    assert one(parse(response.content), "Code") == "InvalidRequest"


def test_in_a_batch_what_failed_stands_beside_what_was_done(foreign_gateway):
    """A client that was told to try the whole again would create the first HIT twice."""
    made = []

    def answer(operation, params):
        if made:
            return 500, {"__type": "ServiceFault", "Message": "down"}
        made.append(params)
        return 200, {"HIT": {"HITId": "3FIRST", "HITTypeId": "3TYPE"}}

    hit = {"HITTypeId": "3TYPE", "Question": "<q/>"}
    pairs = [(f"CreateHIT.{block}.{name}", value) for block in (1, 2) for name, value in hit.items()]
    with ScriptedUpstream(answer) as upstream:
        gateway, requester = foreign_gateway(upstream.url)
        root = ask(gateway.url, requester, "CreateHIT", *pairs)

    assert texts(root, "IsValid") == ["True", "False"]
    assert one(root, "HITId") == "3FIRST"
    assert one(root, "Code") == "ServiceUnavailable"


@pytest.mark.parametrize(
    "pairs",
    [
        [("QualificationRequirement", "<QualificationRequirement/>")],
        [("QualificationRequirement.1", "everybody")],
        [("HITReviewPolicy", "SimplePlurality")],
        [*LOCALE, ("QualificationRequirement.1.LocaleValue.1", "US")],
        [*LOCALE, ("QualificationRequirement.1.LocaleValue.1.Country", "U")],
        [*LOCALE, ("QualificationRequirement.1.LocaleValue.1.Country", "USA")],
    ],
)
def test_what_is_asked_for_in_a_form_that_cannot_be_read_is_refused_and_not_left_out(gateway, requester, pairs):
    """A requirement that nobody understood would be a HIT that everybody may do."""
    root = ask(gateway.url, requester, "CreateHIT", *PROPERTIES, *pairs)

    assert one(root, "Code") == "AWS.MechanicalTurk.InvalidParameterValue"
    assert one(ask(gateway.url, requester, "SearchHITs"), "TotalNumResults") == "0"


def test_a_subdivision_needs_its_country(gateway, requester):
    subdivision = ("QualificationRequirement.1.LocaleValue.1.Subdivision", "NY")
    root = ask(gateway.url, requester, "CreateHIT", *PROPERTIES, *LOCALE, subdivision)

    assert one(root, "Code") == "AWS.MissingParameters"
