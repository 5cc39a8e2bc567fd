"""Legacy REST over HTTP: every way of asking that old clients use, and the form of every answer."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime, timedelta
from http.client import HTTPResponse
from urllib.parse import quote, quote_plus, urlsplit

import httpx
import pytest

from mturk_gateway.auth import SERVICE, sign, standard_string, version_1_string
from mturk_gateway.clock import wall_clock
from mturk_translators.query import Pair
from mturk_translators.xml import parse
from support import QUESTION, ScriptedUpstream, one, signed_pairs, signed_query, texts, timestamp

PATHS = ["/", "/onca/xml", "/onca/soap"]
UUID = rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class Exchange:
    """One request as raw bytes, and the answer to it."""

    def __init__(self, url, request, method="POST"):
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
            connection.sendall(request)
            response = HTTPResponse(connection, method=method)
            response.begin()
            self.status = response.status
            self.headers = {name.lower(): value for name, value in response.getheaders()}
            self.content = response.read()
            self.closed = self.headers.get("connection") == "close" and connection.recv(1) == b""
            response.close()

    @property
    def root(self):
        return parse(self.content)


def post(target, body, *headers):
    """A POST as most clients of the time wrote it."""
    lines = [
        f"POST {target} HTTP/1.1",
        "Host: mechanicalturk.amazonaws.com",
        f"Content-Length: {len(body)}",
        *(headers or ["Content-Type: application/x-www-form-urlencoded"]),
    ]
    return "\r\n".join([*lines, "", body]).encode()


def get(target, *headers, method="GET", version="1.1"):
    lines = [f"{method} {target} HTTP/{version}", "Host: mechanicalturk.amazonaws.com", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def encoded(pairs, quoted=quote_plus):
    return "&".join(f"{quoted(name)}={quoted(value)}" for name, value in pairs)


def classic(requester, operation, moment, *pairs):
    """Key, operation, timestamp and signature, without a Service, as some clients send them."""
    signature = sign(requester.secret, standard_string(operation, moment))
    credentials = [("AWSAccessKeyId", requester.access_key), ("Timestamp", moment), ("Signature", signature)]
    return [("Operation", operation), *credentials, *pairs]


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


# The wire form of each client


def boto(requester, operation, *pairs):
    """As boto 2, psiTurk and Dallinger: no Service, signature version 1 over everything, spaces as %20."""
    given = [("AWSAccessKeyId", requester.access_key), ("SignatureVersion", "1"), ("Timestamp", timestamp())]
    covered = [*given, ("Operation", operation), ("Version", "2014-08-15"), *pairs]
    covered.sort(key=lambda pair: pair[0].lower())
    signature = sign(requester.secret, version_1_string(tuple(Pair(*pair) for pair in covered)))
    body = encoded([*covered, ("Signature", signature)], lambda text: quote(text, safe="/~"))
    return post(
        "/",
        body,
        "Accept-Encoding: identity",
        "Content-Type: application/x-www-form-urlencoded; charset=UTF-8",
        "User-Agent: Boto/2.49.0 Python/2.7.18 Linux/3.2",
    )


def boto_through_proxy(requester, operation, *pairs):
    return boto(requester, operation, *pairs).replace(b"POST / ", b"POST http://mechanicalturk.amazonaws.com/ ", 1)


def rturk(requester, operation, *pairs):
    """Everything in the body, spaces as plus signs."""
    version = ("Version", "2012-03-25")
    body = encoded(signed_pairs(requester, operation, version, *pairs))
    return post("/", body, "Accept: */*; q=0.5, application/xml", "Content-Type: application/x-www-form-urlencoded")


def ruby_aws(requester, operation, *pairs):
    """No Service, and always this fraction of a second."""
    moment = timestamp().replace("Z", ".321Z")
    return post("/", encoded(classic(requester, operation, moment, *pairs, ("Version", "2007-06-21"))))


def ruby_aws_get(requester, operation, *pairs):
    return get(f"/?{encoded(signed_pairs(requester, operation, *pairs, ('Version', '2007-06-21')))}")


def mturkr(requester, operation, *pairs):
    """Service only in the URL, no Version, and a body that begins with an ampersand."""
    given = classic(requester, operation, timestamp(), *pairs)
    body = "".join(f"&{name}={quote(value, safe='@:')}" for name, value in given)
    return post(
        f"/?Service={SERVICE}",
        body,
        "User-Agent: libcurl/7.88.1 r-curl/5.0.0 httr/1.4.5",
        "Accept: */*",
        "Content-Type: application/x-www-form-urlencoded",
    )


def perl(requester, operation, *pairs):
    """Service twice, and a connection that is closed afterwards."""
    body = encoded(signed_pairs(requester, operation, *pairs, ("Version", "2011-10-01")))
    return post(
        f"/?Service={SERVICE}",
        body,
        "TE: deflate,gzip;q=0.3",
        "Connection: TE, close",
        "User-Agent: libwww-perl/6.68",
        "Content-Type: application/x-www-form-urlencoded",
        "X-Amazon-Software: MTurkPerlSDK/1.02",
    )


def goamz(requester, operation, *pairs):
    return get(f"/?{encoded(signed_pairs(requester, operation, *pairs))}", "User-Agent: Go-http-client/1.1")


def php_mturk_api(requester, operation, *pairs):
    """Neither Service nor Version, and a local time with its offset."""
    zone = timedelta(hours=-5)
    moment = (datetime.fromtimestamp(int(wall_clock()), UTC) + zone).strftime("%Y-%m-%dT%H:%M:%S-05:00")
    return post("/", encoded(classic(requester, operation, moment, *pairs)))


def php_giacomo(requester, operation, *pairs):
    empty = ("Reason", "")
    return get(f"/?{encoded(signed_pairs(requester, operation, ('Version', '2014-08-15'), *pairs, empty))}")


def php_jackbot(requester, operation, *pairs):
    return get(f"/?{encoded(classic(requester, operation, timestamp(), *pairs))}", "Connection: close")


def php_karlhepler(requester, operation, *pairs):
    version = ("Version", "2014-08-15")
    return post(
        "/",
        encoded(signed_pairs(requester, operation, version, *pairs)),
        "User-Agent: GuzzleHttp/6.2.1 curl/7.47.0 PHP/7.0.8",
        "Content-Type: application/x-www-form-urlencoded",
    )


CLIENTS = [
    boto,
    boto_through_proxy,
    rturk,
    ruby_aws,
    ruby_aws_get,
    mturkr,
    perl,
    goamz,
    php_mturk_api,
    php_giacomo,
    php_jackbot,
    php_karlhepler,
]


@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_is_understood_as_it_writes(gateway, requester, client):
    answer = Exchange(gateway.url, client(requester, "GetAccountBalance"))

    assert answer.status == 200, answer.content
    assert b"<GetAccountBalanceResult><Request><IsValid>True</IsValid></Request>" in answer.content
    assert texts(answer.root, "Amount")[0] == "10000.00"


@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_is_refused_with_another_secret(gateway, requester, client):
    forger = type(requester)(requester.profile, requester.access_key, "not-the-secret")
    answer = Exchange(gateway.url, client(forger, "GetAccountBalance"))

    assert answer.status == 200
    assert one(answer.root, "Code") == "AWS.NotAuthorized"


INDEXED_PRICE = [("Reward.1.Amount", "0.25"), ("Reward.1.CurrencyCode", "USD")]
PRICE = [("Reward.Amount", "0.25"), ("Reward.CurrencyCode", "USD")]


@pytest.mark.parametrize(
    ("client", "pairs"),
    [
        (boto, [*INDEXED_PRICE, ("ResponseGroup.1", "Minimal"), ("ResponseGroup.2", "HITDetail")]),
        (rturk, [*PRICE, ("ResponseGroup.0", "HITDetail"), ("ResponseGroup.1", "Minimal")]),
        (mturkr, [*INDEXED_PRICE, ("ResponseGroup0", "Minimal"), ("ResponseGroup1", "HITDetail")]),
        (perl, [*INDEXED_PRICE, ("ResponseGroup.1", "Minimal"), ("ResponseGroup.2", "HITDetail")]),
        (ruby_aws, [*INDEXED_PRICE, ("ResponseGroup.1", "Minimal"), ("ResponseGroup.2", "HITDetail")]),
        (goamz, [*INDEXED_PRICE, ("ResponseGroup", "Minimal,HITDetail")]),
        (php_mturk_api, [*INDEXED_PRICE, ("ResponseGroup", "Minimal"), ("ResponseGroup", "HITDetail")]),
    ],
)
def test_each_client_creates_a_hit_with_its_own_way_of_writing_structures_and_lists(gateway, requester, client, pairs):
    title = "Name the birds + trees & 100% of 鳥 at a@b:c"
    answer = Exchange(
        gateway.url,
        client(
            requester,
            "CreateHIT",
            ("Title", title),
            ("Description", "two  blanks"),
            ("Keywords", "birds, trees"),
            ("AssignmentDurationInSeconds", "60"),
            ("LifetimeInSeconds", "3600"),
            ("MaxAssignments", "3"),
            ("Question", QUESTION),
            *pairs,
        ),
    )
    root = answer.root

    assert one(root, "IsValid") == "True", answer.content
    assert root.tag == "CreateHITResponse"
    assert [child.tag for child in root] == ["OperationRequest", "HIT"]
    assert one(root, "HITId")
    assert (one(root, "Title"), one(root, "Description")) == (title, "two  blanks")
    assert (one(root, "Amount"), one(root, "Keywords"), one(root, "MaxAssignments")) == ("0.25", "birds, trees", "3")
    assert not texts(root, "Question")


def test_rturk_adds_the_assignment_summary_by_naming_four_groups_from_zero(gateway, requester):
    groups = [
        (f"ResponseGroup.{number}", name)
        for number, name in enumerate(["HITDetail", "HITQuestion", "Minimal", "HITAssignmentSummary"])
    ]
    created = Exchange(gateway.url, rturk(requester, "CreateHIT", *HIT)).root
    shown = Exchange(gateway.url, rturk(requester, "GetHIT", ("HITId", one(created, "HITId")), *groups)).root

    assert one(shown, "NumberOfAssignmentsAvailable") == "1"
    assert one(shown, "Question") == QUESTION


HIT = [
    ("Title", "Birds"),
    ("Description", "Name them"),
    *INDEXED_PRICE,
    ("AssignmentDurationInSeconds", "60"),
    ("LifetimeInSeconds", "3600"),
    ("Question", QUESTION),
]


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
