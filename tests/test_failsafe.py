"""Whatever goes wrong, in the bytes of a request or in the program, leaves in the caller's protocol."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import httpx
import pytest

from mturk_gateway.edge.connection import LegacyHttpProtocol
from mturk_gateway.edge.failsafe import Failsafe
from mturk_gateway.listener import Listener
from mturk_translators.xml import parse
from support import FORM, get, one, post, signed_query

TARGET = {"X-Amz-Target": "MTurkRequesterServiceV20170117.ListHITs", "Content-Type": "application/x-amz-json-1.1"}
SOAP = {"SOAPAction": '"http://soap.amazon.com"', "Content-Type": "text/xml"}


def connect(url):
    address = urlsplit(url)
    return socket.create_connection((address.hostname, address.port), timeout=10)


def everything(connection):
    received = b""
    while True:
        try:
            more = connection.recv(65_536)
        except ConnectionResetError:
            return received
        if not more:
            return received
        received += more


def answers(url, request):
    """Status and body of the one answer to some bytes, after which the connection is closed."""
    with connect(url) as connection:
        connection.sendall(request)
        received = everything(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 ")
    assert b"HTTP/1.1 " not in body
    return int(head[9:12]), body


def still_answers(url):
    return get(f"{url}/healthz").text == "ok\n"


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"hello, is this Mechanical Turk?\r\n\r\n",
        b"\x00\x00\x00\x00\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /?a=1 HTTP/1.1\r\nHost: x\x00y\r\n\r\n",
        b"GET /?a=1 HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        b"GET /?a=1 HTTP/9.7\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\na=1",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: three\r\n\r\na=1",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\na=1",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\na=1",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\nabc\r\n0\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_in_legacy_form_and_the_next_request_is_served(gateway, request_):
    status, body = answers(gateway.url, request_)

    assert status == 400
    assert (parse(body).tag, one(parse(body), "Code")) == ("Response", "InvalidRequest")
    assert still_answers(gateway.url)


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /?Operation",
        b"GET /?a=1 HTTP/1.1\r\nHost: x\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\na=1",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na=",
        b"",
    ],
)
def test_a_client_that_hangs_up_halfway_harms_nobody(gateway, request_):
    with connect(gateway.url) as connection:
        connection.sendall(request_)
        connection.shutdown(socket.SHUT_WR)
        assert b"Traceback" not in everything(connection)

    assert still_answers(gateway.url)


@pytest.mark.parametrize("path", ["/%zz", "/%ff", "/%00", "/onca/%78ml%", "/..%2f..%2fetc/passwd"])
def test_strange_escapes_in_a_path_name_nothing(gateway, path):
    status, body = answers(gateway.url, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    assert status == 404
    assert one(parse(body), "Code") == "InvalidRequest"


@pytest.mark.parametrize("broken", ["a=%", "%zz=1", "a=%4", "a=%ff", "a=%c3%28", "%ed%a0%80=1"])
def test_broken_escapes_and_text_are_unreadable_wherever_they_stand(gateway, requester, broken):
    query = signed_query(requester, "GetAccountBalance")
    in_url = httpx.URL(gateway.url).copy_with(raw_path=f"/?{broken}".encode())

    for answer in (post(in_url, query), post(gateway.url, f"{query}&{broken}")):
        assert answer.status_code == 400
        assert one(parse(answer.content), "Code") == "InvalidRequest"


def test_bytes_that_are_not_utf8_in_a_body_are_unreadable(gateway, requester):
    body = signed_query(requester, "GetAccountBalance").encode() + b"&a=\xff\xfe"
    answer = post(gateway.url, body)

    assert (answer.status_code, one(parse(answer.content), "Code")) == (400, "InvalidRequest")


def test_nul_characters_are_text_like_any_other(gateway, requester):
    query = signed_query(requester, "GetHIT", ("HITId", "A\0B"), ("\0", "\0"))
    answer = post(gateway.url, query)

    assert answer.status_code == 200
    assert one(parse(answer.content), "Code") == "AWS.MechanicalTurk.HITDoesNotExist"
    assert "A␀B" in one(parse(answer.content), "Message")


@pytest.mark.parametrize(
    ("line", "headers", "status"),
    [
        ("GET / HTTP/1.1", f"X-Long: {'x' * 200_000}\r\n", 431),
        ("GET / HTTP/1.1", "X: y\r\n" * 1_000, 431),
        (f"GET /?a={'a' * 70_000} HTTP/1.1", "", 414),
        ("BREW / HTTP/1.1", "", 405),
    ],
    ids=["long header", "many headers", "long URL", "unknown method"],
)
def test_a_head_beyond_all_measure_is_refused_with_the_status_that_says_why(gateway, line, headers, status):
    found, body = answers(gateway.url, f"{line}\r\nHost: x\r\n{headers}\r\n".encode())

    assert found == status
    assert one(parse(body), "Code") == "InvalidRequest"


def test_a_whole_url_without_a_path_is_read(gateway, requester):
    query = signed_query(requester, "GetAccountBalance")
    status, body = answers(
        gateway.url, f"GET http://x?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    )

    assert (status, one(parse(body), "Amount")) == (200, "10000.00")


@pytest.mark.parametrize("headers", [TARGET, SOAP, FORM], ids=["modern", "soap", "legacy"])
def test_a_body_that_breaks_off_in_its_encoding_is_refused_in_the_protocol_of_its_head(gateway, headers):
    """Errors leave in the caller's protocol, also those that the HTTP server itself raises."""
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{head}\r\nnot a size\r\n\r\n"
    status, body = answers(gateway.url, request.encode())

    if headers is TARGET:
        assert status == 400
        assert json.loads(body)["__type"]
    elif headers is SOAP:
        assert (status, one(parse(body), "faultcode")) == (500, "aws:Client.InvalidRequest")
    else:
        assert (status, one(parse(body), "Code")) == (400, "InvalidRequest")


class BugError(Exception):
    """What no code of ours raises."""


async def broken(scope, _receive, _send):
    if scope["type"] == "http":
        raise BugError("secret inner state")


async def broken_halfway(scope, _receive, send):
    if scope["type"] == "http":
        headers = [(b"content-length", b"10")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise BugError("secret inner state")


@pytest.fixture(scope="module")
def broken_server():
    with Listener(Failsafe(without_lifespan(broken)), http=LegacyHttpProtocol) as listener:
        yield listener


def without_lifespan(app):
    async def started(scope, receive, send):
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
        else:
            await app(scope, receive, send)

    return started


def is_silent(answer):
    return not any(
        word in answer.text for word in ("Traceback", "BugError", "secret", "Internal Server Error", "<html")
    )


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/?Operation=GetHIT", "/onca/xml", "/elsewhere", "/healthz"])
def test_a_bug_is_a_legacy_internal_error_to_legacy_clients(broken_server, method, path):
    answer = httpx.request(method, broken_server.url + path, trust_env=False, verify=False)
    root = parse(answer.content)

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "text/xml; charset=UTF-8"
    assert [element.tag for element in root.iter()] == ["Response", "Errors", "Error", "Code", "Message", "RequestID"]
    assert one(root, "Code") == "AWS.InternalError"
    assert is_silent(answer)


def test_a_bug_is_a_soap_fault_to_soap_clients(broken_server):
    answer = httpx.post(broken_server.url, content="<a/>", headers=SOAP, trust_env=False, verify=False)

    assert answer.status_code == 500
    assert one(parse(answer.content), "faultcode") == "aws:Server.InternalError"
    assert is_silent(answer)


def test_a_bug_is_a_service_fault_to_modern_clients(broken_server):
    answer = httpx.post(broken_server.url, content="{}", headers=TARGET, trust_env=False, verify=False)

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    assert answer.json()["__type"] == "ServiceFault"
    assert answer.json()["Message"]
    assert is_silent(answer)


def test_a_bug_in_the_middle_of_an_answer_cuts_it_off_instead_of_adding_to_it():
    """A client must not take a second answer for the end of the first."""
    with (
        Listener(Failsafe(without_lifespan(broken_halfway)), http=LegacyHttpProtocol) as listener,
        connect(listener.url) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        received = everything(connection)

    assert received.endswith(b"\r\n\r\nhalf")
    assert received.count(b"HTTP/1.1") == 1


def test_a_body_that_is_too_large_is_refused_also_to_a_client_that_sends_all_of_it_first(gateway):
    """Old clients read the answer only then; one that was cut off would call it a broken connection and try again."""
    size = 20 * 1024 * 1024
    head = f"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n"
    status, body = answers(gateway.url, head.encode() + b"a" * size)

    assert (status, one(parse(body), "Code")) == (413, "InvalidRequest")
