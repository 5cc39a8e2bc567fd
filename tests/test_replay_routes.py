"""Recordings as routes of respx: programs that use httpx, and never open a socket."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest
import respx

from mturk_gateway.credentials import Requester
from mturk_gateway.replay.player import NoRecordingError, Player
from mturk_gateway.replay.recordings import load_recordings
from mturk_gateway.replay.routes import mount
from replays import player_of, write_pair
from support import signed_query

GET_HIT = {"Operation": "GetHIT", "HITId": "1"}
AMAZON = [
    f"{scheme}://mechanicalturk.{realm}amazonaws.com" for scheme in ("http", "https") for realm in ("", "sandbox.")
]


@pytest.fixture(autouse=True)
def _no_sockets(monkeypatch):
    """Any connection fails the test that makes it."""

    def connect(*_):
        raise AssertionError("a socket was connected")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)


@pytest.fixture
def router():
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.fixture(scope="module")
def client():
    with httpx.Client() as client:
        yield client


@pytest.fixture
def player(tmp_path):
    write_pair(tmp_path, "it", GET_HIT, "<It/>")
    return player_of(tmp_path)


@pytest.mark.parametrize("host", AMAZON)
def test_what_goes_to_amazon_is_answered_by_get_and_post(player, router, client, host):
    mount(player, router)
    signed = signed_query(Requester("lab", "AKIDLAB", "lab-secret"), "GetHIT", ("HITId", "1"))

    for answer in (
        client.get(host, params=GET_HIT),
        client.get(f"{host}/?{signed}"),
        client.post(f"{host}/", data=GET_HIT),
        client.post(f"{host}/onca/xml?Operation=GetHIT", data={"HITId": "1"}),
        client.get(f"{host}:8080/", params=GET_HIT),
        client.get(f"{host.upper()}/", params=GET_HIT),
    ):
        assert (answer.status_code, answer.content) == (200, b"<It/>")
        assert answer.headers["Content-Type"] == "text/xml; charset=UTF-8"


def test_asynchronous_and_streaming_clients_are_answered_too(player, router):
    mount(player, router)

    async def stream():
        yield b"Operation=GetHIT&"
        yield b"HITId=1"

    async def ask():
        async with httpx.AsyncClient(base_url=AMAZON[1]) as client:
            return [await client.get("/", params=GET_HIT), await client.post("/", content=stream())]

    assert [answer.content for answer in asyncio.run(ask())] == [b"<It/>", b"<It/>"]


def test_turns_status_and_bytes_are_those_of_the_recordings(tmp_path, router, client):
    write_pair(tmp_path, "a", GET_HIT, b"\xff<cut", status=503)
    write_pair(tmp_path, "b", GET_HIT, "<B/>", turn=2)
    mount(player_of(tmp_path), router)

    answers = [client.post(AMAZON[0], data=GET_HIT) for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(503, b"\xff<cut"), (200, b"<B/>")]


def test_what_was_not_recorded_is_an_error_where_the_request_is_made(player, router, client):
    mount(player, router)

    with pytest.raises(NoRecordingError, match="HITId: asked '2', recorded '1'"):
        client.get(AMAZON[0], params={**GET_HIT, "HITId": "2"})


def test_what_cannot_be_read_is_an_error_too_and_is_told(tmp_path, router, client):
    write_pair(tmp_path, "it", GET_HIT)
    told = []
    mount(Player(load_recordings(tmp_path), refused=told.append), router)

    with pytest.raises(NoRecordingError, match="percent sign"):
        client.post(AMAZON[0], content=b"Operation=GetHIT&HITId=%")
    assert told == ["The request has a percent sign that begins no escape."]


@pytest.mark.parametrize(
    "url",
    [
        "https://mturk-requester.us-east-1.amazonaws.com/",
        "https://workersandbox.mturk.com/",
        "https://mechanicalturk.amazonaws.com.example.com/",
        "https://example.com/?next=https://mechanicalturk.amazonaws.com/",
        "https://notmechanicalturk.amazonaws.com/",
    ],
)
def test_what_goes_elsewhere_is_left_to_other_routes(player, router, client, url):
    mount(player, router)
    other = router.route().respond(418)

    assert client.get(url, params=GET_HIT).status_code == 418
    assert other.called


@pytest.mark.parametrize("url", ["http://localhost:80/mturk", "http://localhost/mturk/", "http://localhost/mturk"])
def test_a_url_of_ones_own_is_answered_with_all_below_it_and_nothing_else_is(player, router, client, url):
    route = mount(player, router, url)
    router.route().respond(418)

    for mine in ("http://localhost/mturk", "http://localhost/mturk/", "http://localhost:80/mturk/onca/xml"):
        assert client.get(mine, params=GET_HIT).content == b"<It/>"
    for foreign in (
        *("http://localhost/mturk2", "http://localhost:8080/mturk", "https://localhost/mturk", "http://localhost/"),
        *("http://localhost.example.com/mturk", AMAZON[0]),
    ):
        assert client.get(foreign, params=GET_HIT).status_code == 418
    assert route.call_count == 3
