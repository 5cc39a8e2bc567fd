"""What holds back strangers and the hasty, and what all answers tell browsers."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest
from botocore.exceptions import ClientError

from mturk_gateway.admin import add_demo
from mturk_gateway.credentials import Requester
from mturk_gateway.edge.failures import Failures
from mturk_gateway.edge.guard import Guard
from mturk_gateway.edge.rates import Memory, Rate
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.front import Document, Unproved
from mturk_gateway.settings import Settings
from mturk_translators.xml import parse
from support import FORM, modern_client, one, signed_query

SOAP = {"Content-Type": "text/xml"}
TARGET = {"X-Amz-Target": "MTurkRequesterServiceV20170117.GetAccountBalance"}


@pytest.fixture(scope="module")
def exposed(tmp_path_factory):
    """A gateway that strangers reach through a proxy, which is this test."""
    settings = Settings(
        data=tmp_path_factory.mktemp("exposed"),
        behind_proxy="127.0.0.1",
        public_url="https://gateway.example.org",
        key_rate=0.5,
    )
    with EmbeddedGateway(settings) as gateway:
        yield gateway


_addresses = iter(range(1, 255))


@pytest.fixture
def address():
    """Where nobody has asked from yet."""
    return f"192.0.2.{next(_addresses)}"


@pytest.fixture(scope="module")
def client():
    with httpx.Client(trust_env=False) as client:
        yield client


@pytest.fixture
def send(exposed, client, address):
    """Send a request as the proxy hands it on."""

    def send(query="", method="GET", headers=(), come_from=address, path="/", scheme="https", **more):
        handed_on = {"X-Forwarded-For": come_from, "X-Forwarded-Proto": scheme, **dict(headers)}
        url = f"{exposed.url}{path}?{query}" if query else f"{exposed.url}{path}"
        return client.request(method, url, headers=handed_on, **more)

    return send


def until_refused(ask, most=50):
    """The first answer that is not a success, and how many came before it."""
    for number in range(most):
        answer = ask()
        if answer.status_code != 200:
            return answer, number
    raise AssertionError(f"all {most} were answered")


def test_a_key_that_asks_too_much_is_told_to_wait_in_the_legacy_protocol(exposed, send):
    requester = exposed.add_requester("hasty")
    refusal, before = until_refused(lambda: send(signed_query(requester, "GetAccountBalance")))

    # The form that ruby-aws, rturk, boto and the Perl SDK all take for "try again".
    assert [element.tag for element in parse(refusal.content)] == ["Errors", "RequestID"]
    assert refusal.status_code == 503
    assert one(parse(refusal.content), "Code") == "ServiceUnavailable"
    assert refusal.headers["retry-after"] in ("1", "2")
    assert 5 <= before < 10


def insist(modern):
    """Ask until that is refused."""
    for _ in range(50):
        modern.get_account_balance()


def test_a_key_that_asks_too_much_is_told_so_in_the_modern_protocol(exposed):
    requester = exposed.add_requester("hasty-modern")
    with modern_client(exposed.url, requester) as modern, pytest.raises(ClientError) as refusal:
        insist(modern)

    assert refusal.value.response["Error"] == {"Code": "ThrottlingException", "Message": "Rate exceeded"}
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert refusal.value.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] in ("1", "2")


def test_both_protocols_use_up_the_same_rate(exposed, send):
    requester = exposed.add_requester("both")
    with modern_client(exposed.url, requester) as modern:
        for _ in range(4):
            modern.get_account_balance()
    _, before = until_refused(lambda: send(signed_query(requester, "GetAccountBalance")))

    assert before < 4


def test_each_request_of_a_batch_counts(exposed, send):
    requester = exposed.add_requester("batches")
    hits = [(f"GetHIT.{number}.HITId", "1") for number in range(1, 10)]
    send(signed_query(requester, "GetHIT", *hits))
    _, before = until_refused(lambda: send(signed_query(requester, "GetAccountBalance")))

    assert before < 4


def test_strangers_cannot_use_up_the_rate_of_a_key_that_they_know(exposed, send):
    requester = exposed.add_requester("known")
    impostor = Requester("", requester.access_key, "guessed")
    for number in range(8):
        answer = send(signed_query(impostor, "GetAccountBalance"), come_from=f"198.51.100.{number}")
        assert one(parse(answer.content), "Code") == "AWS.NotAuthorized"
        with modern_client(exposed.url, impostor) as modern:
            modern.meta.events.register("before-send", _from(f"198.51.100.{number}"))
            with pytest.raises(ClientError, match="signature"):
                modern.get_account_balance()

    assert one(parse(send(signed_query(requester, "GetAccountBalance")).content), "IsValid") == "True"


def _from(address):
    def handed_on(request, **_):
        request.headers["X-Forwarded-For"] = address

    return handed_on


async def welcome(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"welcome"})


async def refuse(scope, receive, send):
    raise Unproved(Document(200, b"<who/>"))


def ask_guard(guard, address="192.0.2.1", **request):
    """The answer of a guard to a request from an address."""

    async def ask():
        transport = httpx.ASGITransport(guard, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.request(**{"method": "POST", "url": "/", **request})

    return asyncio.run(ask())


@pytest.fixture
def narrow():
    """A guard that lets ten requests of each address through, and then one a second: but time stands still."""
    memory = Memory.own()
    return Guard(welcome, Rate(memory.addresses, memory.salt, 1.0, lambda: 5.0), None)


def test_an_address_that_asks_too_much_is_refused_in_its_protocol(narrow):
    assert [ask_guard(narrow).text for _ in range(10)] == ["welcome"] * 10
    legacy, soap, modern = (ask_guard(narrow, headers=headers) for headers in (FORM, SOAP, TARGET))

    assert (legacy.status_code, one(parse(legacy.content), "Code")) == (503, "ServiceUnavailable")
    assert (soap.status_code, one(parse(soap.content), "faultcode")) == (503, "aws:Server.ServiceUnavailable")
    assert (modern.status_code, modern.json()["__type"]) == (400, "ThrottlingException")
    assert {answer.headers["retry-after"] for answer in (legacy, soap, modern)} == {"1"}


def test_what_one_address_uses_up_is_not_taken_from_others(narrow):
    for _ in range(20):
        ask_guard(narrow)

    assert ask_guard(narrow, "192.0.2.2").text == "welcome"


def test_rates_are_in_force_where_others_reach_the_gateway_and_otherwise_only_when_asked_for():
    """What is not said of it is safe where strangers come, and in nobody's way where they do not."""
    assert Settings().rates == (0, 0)
    assert Settings(behind_proxy="::1").rates == Settings(host="10.0.0.1", tls=True).rates == (100, 200)
    assert Settings(behind_proxy="::1", key_rate=0, address_rate=0).rates == (0, 0)
    assert Settings(key_rate=5, address_rate=6).rates == (5, 6)


def test_a_failed_proof_is_told_only_after_its_wait_and_then_as_ever():
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    memory = Memory.own()
    guard = Guard(refuse, None, Failures(memory.failures, memory.salt, lambda: 5.0, sleep))
    answers = [ask_guard(guard) for _ in range(45)]

    assert [answer.content for answer in answers[:40]] == [b"<who/>"] * 40
    assert len(slept) == 30
    assert {answer.status_code for answer in answers[40:]} == {503}


def test_the_demonstration_requester_is_a_stranger_where_others_reach_the_gateway(exposed, send):
    """Its keys were printed. The answers are those that any unknown key gets."""
    demo = add_demo(exposed.house.marketplace, exposed.house.credentials, 1_700_000_000)
    unknown = Requester("", "AKIANOBODY", "secret")
    legacy = [send(signed_query(who, "SearchHITs")).content for who in (demo, unknown)]
    modern = []
    for who in (demo, unknown):
        with modern_client(exposed.url, who) as asking, pytest.raises(ClientError) as refusal:
            asking.get_account_balance()
        modern.append(refusal.value.response["Error"])

    assert [one(parse(answer), "Code") for answer in legacy] == ["AWS.NotAuthorized"] * 2
    assert modern[0] == modern[1]


KINDS = [
    ("GET", "/", {}, "Operation=GetHIT"),
    ("POST", "/", SOAP, ""),
    ("POST", "/", TARGET, ""),
    ("GET", "/nothing", {}, ""),
    ("GET", "/healthz", {}, ""),
    ("GET", "/files/none", {}, ""),
]


@pytest.mark.parametrize(("method", "path", "headers", "query"), KINDS)
def test_no_answer_is_run_framed_guessed_at_or_kept_by_a_browser(send, method, path, headers, query):
    said = send(query, method, headers, path=path).headers

    assert said["x-content-type-options"] == "nosniff"
    assert said["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert said["referrer-policy"] == "no-referrer"
    assert said["cache-control"] == "no-store"
    assert "server" not in said


def test_what_is_not_http_is_refused_with_the_same_headers(exposed):
    with socket.create_connection(("127.0.0.1", int(exposed.url.rpartition(":")[2]))) as connection:
        connection.sendall(b"GARBAGE\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(65_536), b"")).lower()

    assert b"content-security-policy: default-src 'none'" in received
    assert b"x-content-type-options: nosniff" in received


@pytest.mark.parametrize(
    ("host", "scheme", "told"),
    [("gateway.example.org", "https", True), ("gateway.example.org", "http", False), ("www.mturk.com", "https", False)],
)
def test_browsers_insist_on_tls_for_the_name_that_is_ours(send, host, scheme, told):
    """Amazon's names are ours in a laboratory only, and the browser may leave it."""
    answer = send(path="/healthz", scheme=scheme, headers={"Host": host})

    assert ("strict-transport-security" in answer.headers) == told
