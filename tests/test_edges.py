"""The edges of the server: what uvicorn would answer or wait for before anything of ours is asked."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from contextlib import ExitStack

import pytest

from mturk_gateway.edge.connection import LONGEST_URL, connections
from mturk_gateway.edge.failsafe import Failsafe
from mturk_gateway.edge.limits import Limits
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.front import read_body, send_document
from mturk_gateway.listener import Listener
from mturk_gateway.settings import Settings
from mturk_translators.faults import Fault
from mturk_translators.xml import parse
from support import get, next_answer, one, signed_query
from test_failsafe import FORM, SOAP, TARGET, connect, everything

DEADLINE = 0.4
"""Seconds, of the gateway of these tests."""


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    """A gateway that does not wait for long."""
    settings = Settings(data=tmp_path_factory.mktemp("hasty"), deadline=DEADLINE)
    with EmbeddedGateway(settings) as running:
        yield running


@pytest.fixture(scope="module")
def somebody(hasty):
    return hasty.add_requester("somebody")


def head(line, headers=(), close=True):
    """The head of a request."""
    every = {"Host": "x", **dict(headers), **({"Connection": "close"} if close else {})}
    return "".join([f"{line}\r\n", *(f"{name}: {value}\r\n" for name, value in every.items()), "\r\n"]).encode()


def balance(requester, close=True):
    """A request for the balance as old clients send it."""
    return head(f"GET /?{signed_query(requester, 'GetAccountBalance')} HTTP/1.1", close=close)


def exchange(url, request):
    """All answers, as (status, headers, body), to some bytes."""
    with connect(url) as connection:
        connection.sendall(request)
        return read_answers(connection)


def read_answers(connection):
    left, found = everything(connection), []
    while left:
        top, _, left = left.partition(b"\r\n\r\n")
        lines = top.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        size = int(headers.get("content-length", 0))
        found.append((int(lines[0].split()[1]), headers, left[:size]))
        left = left[size:]
    return found


def code(body):
    return one(parse(body), "Code")


def refusal_of(answer):
    """What an answer says in any of the protocols."""
    status, headers, body = answer
    if "json" in headers["content-type"]:
        return status, json.loads(body)["__type"]
    root = parse(body)
    return status, one(root, "faultcode" if root.tag == "Envelope" or "Fault" in str(body) else "Code")


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        ("Keywords=two words", "two words"),
        ("Keywords=Fragebögen, übersetzt", "Fragebögen, übersetzt"),
    ],
)
@pytest.mark.parametrize("pieces", [1, 7])
def test_raw_blanks_and_text_in_a_url_are_read_as_what_they_mean(gateway, requester, raw, meant, pieces):
    """Old PHP and Perl programs send them; no standard allows it, and it can mean one thing only."""
    query = signed_query(
        requester,
        "RegisterHITType",
        *(("Title", "t"), ("Description", "d"), ("Reward.1.Amount", "0.05"), ("Reward.1.CurrencyCode", "USD")),
        ("AssignmentDurationInSeconds", "60"),
    )
    request = head(f"GET /?{query}&RESULT HTTP/1.1").replace(b"RESULT", raw.encode())
    with connect(gateway.url) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(request), len(request) // pieces + 1):
            connection.sendall(request[start : start + len(request) // pieces + 1])
        ((status, _, body),) = read_answers(connection)
    assert status == 200
    type_id = one(parse(body), "HITTypeId")
    with gateway.house.marketplace.reading() as database:
        found = database.exec_driver_sql("SELECT keywords FROM hit_types WHERE id = ?", (type_id,)).scalar_one()

    assert found == meant


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /?a=\xe9t\xe9 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400),
        (b"GET /?a=b\tc HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /?a=b c\r\nHost: x\r\n\r\n", 400),
        (b"GET /?a=1 HTTP/1.1\nHost: x\n\n", 400),
        (b"GET /?a=1 HTTP/1.1\r\nHost: x\r\nFolded: a\r\n b\r\n\r\n", 400),
        (b"GET /?a=1 HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET /?a=1 HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\na=1", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"F" * 17 + b"\r\na", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: tea\r\n\r\na=1", 417),
        (b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        (b"PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405),
        (b"GET ftp://x/y HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        (b"GET /favicon.ico HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"e" * 600_000, 431),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"t" * 600_000, 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"h" * 300_000, 431),
        (b"GET /?a b" + b"u" * 300_000, 414),
    ],
)
def test_what_cannot_be_served_is_refused_with_a_reason_and_the_connection_is_closed(hasty, request_, status):
    started = time.monotonic()
    ((found, headers, body),) = exchange(hasty.url, request_)

    assert (found, code(body)) == (status, "InvalidRequest")
    assert headers["connection"] == "close"
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d gmt", headers["date"])
    assert headers["x-content-type-options"] == "nosniff"
    assert time.monotonic() - started < 5
    assert get(f"{hasty.url}/healthz").is_success


@pytest.mark.parametrize(
    "framing",
    [
        b"3\r\na=1\r\n0\r\n\r\n",
        b"1;name=value\r\na\r\n2\r\n=1\r\n0\r\n\r\n",
        b"3\r\na=1\r\n0\r\nX-Amz-Target: MTurkRequesterServiceV20170117.GetHIT\r\nHost: y\r\n\r\n",
    ],
    ids=["plain", "extensions", "trailers"],
)
def test_chunks_with_extensions_and_trailers_are_a_body_like_any_other(gateway, requester, framing):
    query = signed_query(requester, "GetAccountBalance")
    request = head(f"POST /?{query} HTTP/1.1", {**FORM, "Transfer-Encoding": "chunked"})
    ((status, _, body),) = exchange(gateway.url, request + framing)

    assert (status, one(parse(body), "Amount")) == (200, "10000.00")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("asked", ["keep-alive", "close"])
def test_connections_are_kept_as_the_client_asks_but_not_those_of_http_1_0(gateway, requester, version, asked):
    query = signed_query(requester, "GetAccountBalance")
    request = f"GET /?{query} HTTP/{version}\r\nHost: x\r\nConnection: {asked}\r\n\r\n".encode()
    with connect(gateway.url) as connection:
        connection.sendall(request)
        kept = next_answer(connection).headers.get("connection") != "close"
        if kept:
            connection.sendall(balance(requester))
        answers = read_answers(connection)

    assert kept == (version == "1.1" and asked == "keep-alive")
    assert [status for status, _, _ in answers] == [200] * kept


def test_an_upgrade_to_another_protocol_is_declined_and_the_request_served(gateway, requester):
    """As curl asks with --http2, body and all."""
    body = signed_query(requester, "GetAccountBalance").encode()
    upgrade = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAoAAA"}
    request = head("POST / HTTP/1.1", {**FORM, **upgrade, "Content-Length": len(body)}, close=False)
    first, second = exchange(gateway.url, request + body + balance(requester))

    assert [one(parse(found), "Amount") for _, _, found in (first, second)] == ["10000.00"] * 2


def test_pipelined_requests_are_answered_in_their_order_up_to_what_is_no_request(gateway, requester):
    mixed = [balance(requester, close=False), head("HEAD /healthz HTTP/1.1", close=False)] * 20
    with connect(gateway.url) as connection:
        connection.sendall(b"".join([*mixed, b"what?\r\n\r\n", balance(requester)]))
        received = everything(connection)
    statuses = re.findall(rb"HTTP/1\.1 (\d+)", received)
    kinds = re.findall(rb"content-type: text/(\w+)", received)

    assert statuses == [b"200"] * 40 + [b"400"]
    assert kinds == [b"xml", b"plain"] * 20 + [b"xml"]
    assert received.count(b"<Amount>10000.00</Amount>") == 20


def test_nobody_can_send_any_number_of_requests_ahead(gateway, requester):
    request = head("GET /healthz HTTP/1.1", close=False)
    answers = exchange(gateway.url, request * 2_000)

    assert {status for status, _, _ in answers[:-1]} == {200}
    assert answers[-1][0] == 400
    assert 200 < len(answers) < 400


def test_a_client_that_asks_first_is_told_to_send_its_body(gateway, requester):
    body = signed_query(requester, "GetAccountBalance").encode()
    request = head("POST / HTTP/1.1", {**FORM, "Expect": "100-continue", "Content-Length": len(body)})
    with connect(gateway.url) as connection:
        connection.sendall(request)
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        ((status, _, answer),) = read_answers(connection)

    assert (status, one(parse(answer), "Amount")) == (200, "10000.00")


@pytest.mark.parametrize(
    ("headers", "refused"), [(FORM, (413, "InvalidRequest")), (TARGET, (413, "SerializationException"))]
)
def test_a_client_that_asks_first_is_spared_a_body_that_is_too_large(gateway, headers, refused):
    request = head("POST / HTTP/1.1", {**headers, "Expect": "100-continue", "Content-Length": 2_000_000}, close=False)
    (answer,) = exchange(gateway.url, request)

    assert refusal_of(answer) == refused
    assert answer[1]["connection"] == "close"


@pytest.mark.parametrize(
    ("begun", "refused"),
    [
        (b"GET /", (408, "InvalidRequest")),
        (b"GET /?Operation=GetHIT HTTP/1.1\r\nHost: x\r\nX", (408, "InvalidRequest")),
        (head("POST / HTTP/1.1", {**FORM, "Content-Length": 99}) + b"a=1", (408, "InvalidRequest")),
        (head("POST / HTTP/1.1", {**TARGET, "Content-Length": 99}) + b"{", (408, "SerializationException")),
        (head("POST / HTTP/1.1", {**TARGET, "Content-Length": 10})[:-4], (408, "SerializationException")),
        (
            head("POST / HTTP/1.1", {**SOAP, "Transfer-Encoding": "chunked"}) + b"50\r\n<",
            (500, "aws:Client.InvalidRequest"),
        ),
    ],
    ids=["first byte", "headers", "form", "JSON", "headers of JSON", "SOAP"],
)
@pytest.mark.parametrize("trickle", [b"", b"a"])
def test_a_request_has_one_deadline_from_its_first_byte_however_it_trickles(hasty, begun, refused, trickle):
    started = time.monotonic()
    with connect(hasty.url) as connection:
        connection.sendall(begun)
        connection.settimeout(DEADLINE / 8)
        first = b""
        while not first and time.monotonic() < started + 10:
            try:
                first = connection.recv(1, socket.MSG_PEEK)
            except TimeoutError:
                connection.sendall(trickle)
        seconds = time.monotonic() - started
        connection.settimeout(30)
        connection.shutdown(socket.SHUT_WR)
        (answer,) = read_answers(connection)

    assert refusal_of(answer) == refused
    assert answer[1]["connection"] == "close"
    assert DEADLINE <= seconds < DEADLINE + 2


@pytest.mark.parametrize("headers", [FORM, TARGET, SOAP], ids=["legacy", "modern", "soap"])
def test_a_body_that_is_cut_off_is_told_to_whoever_still_listens(gateway, headers):
    request = head("POST / HTTP/1.1", {**headers, "Content-Length": 10})
    with connect(gateway.url) as connection:
        connection.sendall(request + b"abc")
        connection.shutdown(socket.SHUT_WR)
        ((_, _, body),) = read_answers(connection)

    assert b"ended too soon" in body


def test_a_client_that_says_that_it_sends_no_more_gets_its_answer(gateway, requester):
    with connect(gateway.url) as connection:
        connection.sendall(balance(requester, close=False))
        connection.shutdown(socket.SHUT_WR)
        ((status, _, body),) = read_answers(connection)

    assert (status, one(parse(body), "Amount")) == (200, "10000.00")


def test_the_longest_url_is_served_and_one_that_is_longer_refused(gateway, requester):
    query = f"/?{signed_query(requester, 'GetAccountBalance')}&Note="
    longest = query + "n" * (LONGEST_URL - len(query))
    ((served, _, body),) = exchange(gateway.url, head(f"GET {longest} HTTP/1.1"))
    ((refused, _, _),) = exchange(gateway.url, head(f"GET {longest}n HTTP/1.1"))

    assert (served, one(parse(body), "Amount")) == (200, "10000.00")
    assert refused == 414


def test_a_client_that_sends_on_after_its_refusal_still_reads_it(gateway):
    """Closing at once would reset the connection, and take the answer away from a client that has not read it yet."""
    with connect(gateway.url) as connection:
        connection.sendall(b"what?\r\n\r\n")
        for _ in range(50):
            connection.sendall(b"x" * 10_000)
        connection.shutdown(socket.SHUT_WR)
        ((status, _, _),) = read_answers(connection)

    assert status == 400


async def generous(scope, receive, send):
    """Answers everything with much more than anybody asked for."""
    try:
        await read_body(scope, receive, 1_000)
    except Fault as fault:
        await send_document(send, fault.status, b"")
    else:
        await send_document(send, 200, b"x" * 20_000_000)


@pytest.mark.parametrize("closing", [True, False])
def test_a_client_that_does_not_read_its_answer_is_let_go(closing):
    options = {"lifespan": "off", "http": connections(Limits(DEADLINE))}
    with Listener(Failsafe(generous), **options) as listener, connect(listener.url) as connection:
        connection.sendall(head("GET / HTTP/1.1", close=closing) * (1 if closing else 10))
        state = listener._server.server_state
        until(lambda: state.total_requests)
        until(lambda: not state.connections)

        assert len(everything(connection)) < 20_000_000


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_of_too_many_connections_the_one_that_has_been_idle_for_the_longest_makes_room():
    async def answer(scope, receive, send):
        await read_body(scope, receive, 1_000)
        await send_document(send, 200, b"")

    request = head("GET / HTTP/1.1", close=False)
    with (
        Listener(Failsafe(answer), lifespan="off", http=connections(Limits(20.0, 10))) as listener,
        ExitStack() as stack,
    ):
        held = [stack.enter_context(connect(listener.url)) for _ in range(10)]
        for connection in (*held[1:], held[0]):
            connection.sendall(request)
            assert next_answer(connection).status == 200
        newcomer = stack.enter_context(connect(listener.url))
        newcomer.sendall(request)

        assert next_answer(newcomer).status == 200
        assert everything(held[1]) == b""
        for connection in (held[0], *held[2:]):
            connection.sendall(request)
            assert next_answer(connection).status == 200


def test_a_request_that_is_being_answered_does_not_make_room(gateway):
    """However many come, and however long it takes."""
    released = asyncio.Event()

    async def answer(scope, receive, send):
        if scope["path"] == "/slow":
            await released.wait()
        else:
            released.set()
        await send_document(send, 200, b"done")

    with (
        Listener(Failsafe(answer), lifespan="off", http=connections(Limits(20.0, 2))) as listener,
        ExitStack() as stack,
    ):
        slow = stack.enter_context(connect(listener.url))
        slow.sendall(head("GET /slow HTTP/1.1"))
        until(lambda: listener._server.server_state.tasks)
        for _ in range(10):
            stack.enter_context(connect(listener.url))
        quick = stack.enter_context(connect(listener.url))
        quick.sendall(head("GET / HTTP/1.1"))

        assert everything(quick).endswith(b"done")
        assert everything(slow).endswith(b"done")


def test_stopping_answers_what_has_begun_and_lets_go_of_idle_connections():
    """The answer says that the connection is closed, so that nobody sends the next request into the void."""

    async def answer(scope, receive, send):
        await asyncio.sleep(0.2 if scope["path"] == "/slow" else 0)
        await send_document(send, 200, b"done")

    with Listener(Failsafe(answer), lifespan="off", http=connections(Limits())) as listener, ExitStack() as stack:
        idle, slow = (stack.enter_context(connect(listener.url)) for _ in range(2))
        idle.sendall(head("GET / HTTP/1.1", close=False))
        assert next_answer(idle).content == b"done"
        slow.sendall(head("GET /slow HTTP/1.1", close=False))
        until(lambda: listener._server.server_state.tasks)
        listener.stop()
        assert everything(idle) == b""
        ((status, headers, body),) = read_answers(slow)

    assert (status, headers["connection"], body) == (200, "close", b"done")


def test_what_takes_too_long_at_the_end_is_told_so_in_its_protocol():
    async def answer(scope, receive, send):
        await asyncio.sleep(60)

    options = {"lifespan": "off", "http": connections(Limits()), "timeout_graceful_shutdown": 0.2}
    with Listener(Failsafe(answer), **options) as listener, ExitStack() as stack:
        asking = [stack.enter_context(connect(listener.url)) for _ in range(3)]
        for connection, headers in zip(asking, (FORM, TARGET, SOAP), strict=True):
            connection.sendall(head("POST / HTTP/1.1", {**headers, "Content-Length": 0}))
        until(lambda: len(listener._server.server_state.tasks) == 3)
        listener.stop()
        found = [refusal_of(answer) for connection in asking for answer in read_answers(connection)]

    assert found == [(503, "ServiceUnavailable"), (503, "ServiceFault"), (500, "aws:Server.InternalError")]
