"""Legacy REST over HTTP: every way of asking that old clients use, and the form of every answer."""

from __future__ import annotations

import re
from urllib.parse import quote

import httpx
import pytest

from clients.wire import Exchange, classic, encoded, get, post
from mturk_gateway.auth import SERVICE, sign, standard_string
from mturk_gateway.clock import wall_clock
from mturk_translators.xml import parse
from support import ScriptedUpstream, one, signed_pairs, signed_query, timestamp

PATHS = ["/", "/onca/xml", "/onca/soap"]
UUID = rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def balance(requester):
    return signed_query(requester, "GetAccountBalance")


def is_balance(answer):
    return answer.status == 200 and one(answer.root, "FormattedPrice") == "$10,000.00"


@pytest.mark.parametrize("path", PATHS)
def test_every_path_takes_get_post_both_and_head(gateway, requester, path):
    query = balance(requester)
    half = query.index("&Timestamp")

    assert is_balance(Exchange(gateway.url, get(f"{path}?{query}"), "GET"))
    assert is_balance(Exchange(gateway.url, post(path, query)))
    assert is_balance(Exchange(gateway.url, post(f"{path}?{query[:half]}", query[half:])))
    head = Exchange(gateway.url, get(f"{path}?{query}", method="HEAD"), "HEAD")
    assert (head.status, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 300


def test_the_form_needs_no_content_type(gateway, requester):
    assert is_balance(Exchange(gateway.url, post("/", balance(requester), "User-Agent: none")))


def test_the_service_may_be_absent_or_come_twice(gateway, requester):
    query = balance(requester)
    without = query.replace(f"Service={SERVICE}&", "")

    assert "Service" not in without
    assert is_balance(Exchange(gateway.url, post("/", without)))
    assert is_balance(Exchange(gateway.url, post(f"/?Service={SERVICE}", query)))


def test_empty_pairs_around_parameters_are_nothing(gateway, requester):
    assert is_balance(Exchange(gateway.url, post("/?&", f"&{balance(requester)}&&")))


def test_a_request_through_a_forward_proxy_names_the_whole_url(gateway, requester):
    query = balance(requester)
    url = "http://mechanicalturk.amazonaws.com/"

    assert is_balance(Exchange(gateway.url, get(f"{url}?{query}"), "GET"))
    assert is_balance(Exchange(gateway.url, post(url, query)))


def test_http_1_0_gets_a_whole_answer_and_a_closed_connection(gateway, requester):
    answer = Exchange(gateway.url, get(f"/?{balance(requester)}", version="1.0"), "GET")

    assert is_balance(answer)
    assert answer.closed
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "transfer-encoding" not in answer.headers


def test_a_connection_serves_one_request_after_another(gateway, requester):
    with httpx.Client(
        base_url=gateway.url, trust_env=False, verify=False, limits=httpx.Limits(max_connections=1)
    ) as client:
        answers = [client.get("/", params=signed_pairs(requester, "GetAccountBalance")) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({one(parse(answer.content), "RequestId") for answer in answers}) == 3


def test_a_base64_plus_that_was_not_escaped_still_verifies(gateway, requester):
    """It arrives as a space; several clients forget to escape it."""
    for second in range(400):
        moment = timestamp(wall_clock() - second)
        signature = sign(requester.secret, standard_string("GetAccountBalance", moment))
        if "+" in signature:
            break
    pairs = classic(requester, "GetAccountBalance", moment)

    assert is_balance(Exchange(gateway.url, post("/", encoded(pairs, lambda text: quote(text, safe="+/=:")))))


def test_a_clock_that_is_hours_off_can_be_allowed(foreign_gateway):
    """One PHP client writes the local time of Amsterdam and calls it UTC."""
    with ScriptedUpstream(lambda *_: (200, {"AvailableBalance": "10000.00"})) as upstream:
        gateway, requester = foreign_gateway(upstream.url, clock_skew=7_200)
        query = signed_query(requester, "GetAccountBalance", now=wall_clock() + 7_100)

        assert is_balance(Exchange(gateway.url, post("/", query)))


# The protocol rule

MODERN = [
    ["X-Amz-Target: MTurkRequesterServiceV20170117.GetAccountBalance"],
    ["Content-Type: application/x-amz-json-1.1"],
    ["Content-Type: Application/X-AMZ-JSON-1.0; charset=utf-8", "SOAPAction: x"],
    ["X-Amz-Target: MTurkRequesterServiceV20170117.GetAccountBalance", "Content-Type: text/xml"],
]


@pytest.mark.parametrize("headers", MODERN)
@pytest.mark.parametrize("path", ["/", "/onca/soap", "/elsewhere"])
def test_what_speaks_the_modern_api_is_refused_in_json(gateway, path, headers):
    answer = Exchange(gateway.url, post(path, "{}", *headers))

    assert answer.status == 403
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    assert b'"MissingAuthenticationTokenException"' in answer.content


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("<a/>", ["Content-Type: text/xml"]),
        ("<a/>", ["Content-Type: text/xml; charset=utf-8", 'SOAPAction: "http://soap.amazon.com"']),
        ("<a/>", ["Content-Type: application/soap+xml"]),
        ("<a/>", ["Content-Type: application/xml"]),
        ("Operation=GetAccountBalance", ['SOAPAction: "http://soap.amazon.com"']),
        ("<a/>", ["Content-Type: application/x-www-form-urlencoded"]),
        (" \r\n\t<a/>", ["User-Agent: none"]),
        ("", ["Content-Type: text/xml"]),
    ],
)
@pytest.mark.parametrize("target", ["/", "/onca/soap", f"/?Service={SERVICE}"])
def test_what_speaks_soap_gets_a_soap_fault(gateway, target, body, headers):
    answer = Exchange(gateway.url, post(target, body, *headers))
    root = answer.root

    assert answer.status == 500
    assert answer.headers["content-type"] == "text/xml; charset=UTF-8"
    assert root.tag == "{http://schemas.xmlsoap.org/soap/envelope/}Envelope"
    assert one(root, "faultcode") == "aws:Client.InvalidRequest"
    assert root.nsmap["aws"] == "http://webservices.amazon.com/AWSFault/2005-15-09"


def is_front_refusal(answer, status):
    return answer.status == status and re.fullmatch(
        rb'<\?xml version="1.0"\?>\n<Response><Errors><Error><Code>InvalidRequest</Code><Message>[^<]+</Message>'
        rb"</Error></Errors><RequestID>" + UUID + rb"</RequestID></Response>\n",
        answer.content,
    )


@pytest.mark.parametrize(
    "target",
    ["/elsewhere", "//", "/onca", "/onca/xml/", "/docs", "/openapi.json", "/healthz/", "/%2F", "/%ff", "/%zz"],
)
def test_a_path_where_nothing_is_gets_a_legacy_404(gateway, target):
    assert is_front_refusal(Exchange(gateway.url, get(target), "GET"), 404)
    assert is_front_refusal(Exchange(gateway.url, post(target, "Operation=GetHIT")), 404)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", PATHS)
def test_other_methods_are_not_allowed(gateway, requester, method, path):
    answer = Exchange(gateway.url, get(f"{path}?{balance(requester)}", method=method), method)

    assert is_front_refusal(answer, 405)


def test_nothing_asked_is_answered_with_what_this_is(gateway):
    answer = Exchange(gateway.url, get("/"), "GET")

    assert is_front_refusal(answer, 400)
    assert b"legacy Mechanical Turk Requester API" in answer.content


# The answers


def test_the_envelope_is_byte_for_byte_the_recorded_one(gateway, requester):
    answer = Exchange(gateway.url, post("/", balance(requester)))

    assert re.fullmatch(
        rb'<\?xml version="1.0"\?>\n<GetAccountBalanceResponse><OperationRequest><RequestId>' + UUID + rb"</RequestId>"
        rb"</OperationRequest><GetAccountBalanceResult><Request><IsValid>True</IsValid></Request><AvailableBalance>"
        rb"<Amount>10000\.00</Amount><CurrencyCode>USD</CurrencyCode><FormattedPrice>\$10,000\.00</FormattedPrice>"
        rb"</AvailableBalance></GetAccountBalanceResult></GetAccountBalanceResponse>\n",
        answer.content,
    )
    assert answer.headers["content-type"] == "text/xml; charset=UTF-8"


def test_a_failed_operation_says_so_in_its_result_with_http_200(gateway, requester):
    answer = Exchange(gateway.url, post("/", signed_query(requester, "GetHIT", ("HITId", "3NOSUCHHIT"))))

    assert answer.status == 200
    assert re.fullmatch(
        rb'<\?xml version="1.0"\?>\n<GetHITResponse><OperationRequest><RequestId>' + UUID + rb"</RequestId>"
        rb"</OperationRequest><HIT><Request><IsValid>False</IsValid><Errors><Error>"
        rb"<Code>AWS\.MechanicalTurk\.HITDoesNotExist</Code>"
        rb"<Message>Hit 3NOSUCHHIT does not exist\. \(\d{13}\)</Message>"
        rb"<Data><Key>HITId</Key><Value>3NOSUCHHIT</Value></Data></Error></Errors></Request></HIT></GetHITResponse>\n",
        answer.content,
    )


@pytest.mark.parametrize(
    ("changes", "root", "code"),
    [
        ({"AWSAccessKeyId": "AKIDNOBODY"}, "GetHITResponse", "AWS.NotAuthorized"),
        ({"Signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}, "GetHITResponse", "AWS.NotAuthorized"),
        ({"Operation": "Get"}, "GetResponse", "AWS.NotAuthorized"),
        ({"Operation": None}, "Response", "AWS.NotAuthorized"),
    ],
)
def test_who_is_not_known_is_refused_as_a_whole_with_http_200(gateway, requester, changes, root, code):
    pairs = {**dict(signed_pairs(requester, "GetHIT")), **changes}
    body = encoded([(name, value) for name, value in pairs.items() if value is not None])
    answer = Exchange(gateway.url, post("/", body))

    assert answer.status == 200
    assert [element.tag for element in answer.root.iter()] == [
        root, "OperationRequest", "RequestId", "Errors", "Error", "Code", "Message",
    ]  # fmt: skip
    assert one(answer.root, "Code") == code


@pytest.mark.parametrize(
    ("operation", "root", "code"),
    [
        ("GetHits", "GetHitsResponse", "AWS.InvalidOperationParameter"),
        ("getHIT", "getHITResponse", "AWS.InvalidOperationParameter"),
        ("GetWorkerAcceptLimit", "GetWorkerAcceptLimitResponse", "AWS.InvalidOperationParameter"),
        ("", "Response", "AWS.MissingOperationParameter"),
        ("Get HIT", "Response", "AWS.InvalidOperationParameter"),
    ],
)
def test_an_operation_that_does_not_exist_is_refused_as_a_whole_with_http_200(
    gateway, requester, operation, root, code
):
    answer = Exchange(gateway.url, post("/", signed_query(requester, operation)))

    assert answer.status == 200
    assert [child.tag for child in answer.root] == ["OperationRequest"]
    assert (answer.root.tag, one(answer.root, "Code")) == (root, code)


def test_a_stale_timestamp_is_told_with_http_200(gateway, requester):
    answer = Exchange(gateway.url, post("/", signed_query(requester, "GetAccountBalance", now=wall_clock() - 1_000)))

    assert (answer.status, one(answer.root, "Code")) == (200, "AWS.BadClaimsSupplied")
    assert [child.tag for child in answer.root] == ["OperationRequest"]
