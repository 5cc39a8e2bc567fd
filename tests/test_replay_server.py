"""Recordings over HTTP, for programs in any language."""

from __future__ import annotations

import random
import socket
from urllib.parse import urlencode

import pytest

from golden import CASES, FIXTURES
from mturk_gateway.credentials import Requester
from mturk_gateway.replay.player import Player
from mturk_gateway.replay.recordings import load_recordings
from mturk_gateway.replay.server import ReplayServer
from mturk_translators.query import Pair, parse_pairs
from mturk_translators.xml import parse
from replays import write_pair
from support import ask, get, modern_client, one, post, signed_query

REQUESTER = Requester("new", "AKIDNEWKEY", "new-secret-key")
GET_HIT = {"Operation": "GetHIT", "HITId": "1"}


@pytest.fixture
def serve():
    """Replay the recordings of a folder; gives the server."""
    servers = []

    def started(folder, *chosen, ignored=(), refused=lambda _: None):
        servers.append(ReplayServer(Player(load_recordings(folder, chosen), ignored, refused)).start())
        return servers[-1]

    yield started
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def samples():
    """All bundled samples at once."""
    player = Player(load_recordings(FIXTURES))
    with ReplayServer(player) as server:
        yield server, player


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_all_bundled_samples_are_served_byte_for_byte_whoever_asks_in_whatever_order(samples, method):
    server, player = samples
    order = random.Random(1)
    for case in CASES:
        if case.name in ("faults/broken_escape", "faults/not_utf_8"):
            continue
        expected = player.answer([Pair(*pair) for pair in case.pairs or parse_pairs(case.body(REQUESTER))])
        parameters = case.body(REQUESTER).decode().split("&")
        order.shuffle(parameters)
        query = "&".join(parameters)

        answer = get(f"{server.url}/?{query}") if method == "GET" else post(f"{server.url}/onca/xml", query)

        assert (answer.status_code, answer.content) == (expected.status, expected.document), case.name
        assert answer.headers["Content-Type"] == "text/xml; charset=UTF-8"


def test_parameters_may_be_in_the_url_and_in_the_body(tmp_path, serve):
    write_pair(tmp_path, "it", GET_HIT, "<It/>")

    assert post(f"{serve(tmp_path).url}/?Operation=GetHIT", "HITId=1&Operation=GetHIT").content == b"<It/>"


def test_parameters_that_were_sent_twice_are_answered_like_those_sent_once(tmp_path, serve):
    write_pair(tmp_path, "it", [*GET_HIT.items(), ("HITId", "1")], "<It/>")
    server = serve(tmp_path)

    for query in ("Operation=GetHIT&HITId=1", "Operation=GetHIT&HITId=1&HITId=1"):
        assert get(f"{server.url}/?{query}").content == b"<It/>"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<GetHITResponse><HIT>",
        b"no XML",
        b"\xef\xbb\xbf<GetHITResponse/>",
        b'<?xml version="1.0"?>\r\n<GetHITResponse>\r\n</GetHITResponse>\r\n',
        b'<?xml version="1.0" encoding="ISO-8859-1"?><GetHITResponse>caf\xe9</GetHITResponse>',
        b"<GetHITResponse>\x00\xff</GetHITResponse>",
        b"<GetHITResponse>" + b"x" * 5_000_000 + b"</GetHITResponse>",
    ],
    ids=["empty", "cut off", "no XML", "byte order mark", "CRLF", "Latin 1", "binary", "large"],
)
@pytest.mark.parametrize("alone", [False, True], ids=["of a request", "alone"])
def test_what_was_recorded_is_served_as_it_is(tmp_path, serve, document, alone):
    write_pair(tmp_path, "GetHIT", GET_HIT, document)
    if alone:
        (tmp_path / "GetHIT.json").unlink()

    answer = get(f"{serve(tmp_path).url}/?Operation=GetHIT&HITId=1")

    assert answer.content == document


def test_the_status_is_the_recorded_one(tmp_path, serve):
    write_pair(tmp_path, "it", GET_HIT, "<Unavailable/>", status=503)

    answer = get(f"{serve(tmp_path).url}/?Operation=GetHIT&HITId=1")

    assert (answer.status_code, answer.content) == (503, b"<Unavailable/>")


def test_a_request_without_a_recording_is_refused_where_old_clients_look(tmp_path, serve):
    write_pair(tmp_path, "it", GET_HIT)
    query = signed_query(REQUESTER, "GetHIT", ("HITId", "2 & <3>"))

    answer = post(serve(tmp_path).url, query)

    root = parse(answer.content)
    assert answer.status_code == 200
    assert root.tag == "GetHITResponse"
    assert one(root, "Code") == "MTurkGateway.NoRecording"
    assert "HITId: asked '2 & <3>', recorded '1'" in one(root, "Message")
    assert not any(secret in answer.text for secret in ("AKIDNEWKEY", dict(parse_pairs(query.encode()))["Signature"]))


def test_a_refusal_names_a_file_that_is_not_called_in_utf_8(tmp_path, serve):
    write_pair(tmp_path, b"caf\xe9".decode(errors="surrogateescape"), GET_HIT)

    message = one(ask(serve(tmp_path).url, REQUESTER, "GetHIT"), "Message")

    assert "The nearest is caf" in message


def test_a_large_request_is_answered_and_one_that_is_too_large_is_refused(tmp_path, serve):
    question = "ü<Question>" * 100_000
    write_pair(tmp_path, "it", {"Operation": "CreateHIT", "Question": question}, "<It/>")
    server = serve(tmp_path)

    assert post(server.url, urlencode({"Operation": "CreateHIT", "Question": question})).content == b"<It/>"
    assert "Question: asked …" in one(ask(server.url, REQUESTER, "CreateHIT", Question=question + "x"), "Message")
    assert post(server.url, "a=" + "x" * (32 * 2**20)).status_code == 413


@pytest.mark.parametrize("query", ["Operation=GetHIT&%", "Operation=%ff", "&".join(["a=1"] * 10_002), ""])
def test_a_request_that_cannot_be_read_is_refused_in_the_legacy_protocol(tmp_path, serve, query):
    write_pair(tmp_path, "it", GET_HIT)

    answer = post(serve(tmp_path).url, query)

    assert answer.status_code in (400, 413)
    assert one(parse(answer.content), "Message").startswith("The request ")


def test_what_could_not_be_read_is_told_like_what_was_not_recorded(tmp_path):
    write_pair(tmp_path, "it", GET_HIT)
    told = []
    with ReplayServer(Player(load_recordings(tmp_path), refused=told.append)) as server:
        post(server.url, "Operation=GetHIT&%")
        get(f"{server.url}/?Operation=Help")

    assert told == [
        "The request has a percent sign that begins no escape.",
        "There is no recording of Help. Recorded are: GetHIT.",
    ]


def test_others_are_told_in_their_own_protocol_that_this_is_a_replay(tmp_path, serve):
    write_pair(tmp_path, "it", GET_HIT)
    told = []
    server = serve(tmp_path, refused=told.append)

    with modern_client(server.url, REQUESTER) as client, pytest.raises(client.exceptions.ClientError) as caught:
        client.get_account_balance()
    soap = _raw(server, b"POST / HTTP/1.1\r\nHost: x\r\nSOAPAction: x\r\nContent-Length: 4\r\n\r\n<a/>")
    browser = get(f"{server.url}/favicon.ico")
    no_http = _raw(server, b"hello\r\n\r\n")

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert "replay" in caught.value.response["Error"]["Message"]
    assert told[0].startswith("POST '/': This is a replay")
    assert told[1].startswith("POST '/': ")
    assert told[2].startswith("GET '/favicon.ico': ")
    assert b"Fault>" in soap
    assert b"replay" in soap
    assert browser.status_code == 404
    assert "replay" in one(parse(browser.content), "Message")
    assert no_http.startswith(b"HTTP/1.1 400 ")
    assert parse(no_http.partition(b"\r\n\r\n")[2]).tag == "Response"


def _raw(server, request):
    """The answer to bytes, after which the connection is closed."""
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.usefixtures("collected")
def test_boto_2_reads_what_is_replayed(serve):
    from clients.boto2 import MTurkRequestError, connect

    hit = "3ABAA1HITAAAAAAAAAAAAAAAAAAAAA"
    chosen = ("GetAccountBalance/two_decimals", "GetHIT/all_groups", "SearchHITs/default_groups", "GetHIT/disposed")
    conn = connect(serve(FIXTURES, *chosen, ignored=["Page*", "Sort*", "Version"]), REQUESTER)

    (balance,) = conn.get_account_balance()
    (found,) = conn.get_hit(hit, response_groups=["Minimal", "HITDetail", "HITQuestion", "HITAssignmentSummary"])
    page = conn.search_hits()

    assert balance.amount == 10000.0
    assert (found.HITId, found.Title) == (hit, "Count the dots")
    assert next(row.HITId for row in page) == hit
    assert page.NumResults == "2"
    with pytest.raises(MTurkRequestError) as caught:
        conn.dispose_hit(hit)
    assert caught.value.error_code == "MTurkGateway.NoRecording"
    assert caught.value.status == 200
    assert "There is no recording of DisposeHIT. Recorded are: GetAccountBalance, " in caught.value.error_message
