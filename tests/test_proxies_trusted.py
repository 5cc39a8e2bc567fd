"""Whose word is believed about clients."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from mturk_gateway.edge.addresses import neighbourhood, read_networks
from mturk_gateway.edge.proxies import BehindProxies
from mturk_translators.xml import parse
from support import one

PROXIES = "10.0.0.0/8, 172.18.0.2, 2001:db8:1::/48, ::1"


async def tell_client(scope, receive, send):
    """Answers with what an application sees of a client."""
    text = f"{scope['client'][0]} {scope['scheme']}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text})


def get_from(peer, *headers, path="/", method="GET"):
    """The answer to a request that a peer sends."""

    async def get():
        app = BehindProxies(tell_client, read_networks(PROXIES))
        transport = httpx.ASGITransport(app, client=(peer, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.request(method, path, headers=list(headers))

    return asyncio.run(get())


def seen(peer, *headers):
    return get_from(peer, *headers).text.split()


def forwarded(value):
    return ("X-Forwarded-For", value)


@pytest.mark.parametrize("proxy", ["10.1.2.3", "172.18.0.2", "2001:db8:1::7", "::1", "::ffff:10.1.2.3"])
def test_a_named_proxy_says_who_the_client_is(proxy):
    assert seen(proxy, forwarded("192.0.2.7"), ("X-Forwarded-Proto", "https")) == ["192.0.2.7", "https"]


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        (["192.0.2.7"], "192.0.2.7"),
        (["6.6.6.6, 192.0.2.7"], "192.0.2.7"),
        (["6.6.6.6, 192.0.2.7, 10.0.0.9"], "192.0.2.7"),
        (["6.6.6.6", "192.0.2.7", "10.0.0.9, 172.18.0.2"], "192.0.2.7"),
        (["6.6.6.6, 192.0.2.7, ::ffff:10.0.0.9"], "192.0.2.7"),
        (["192.0.2.7:5123"], "192.0.2.7"),
        (["2001:db8:2::5"], "2001:db8:2::5"),
        (["[2001:db8:2::5]"], "2001:db8:2::5"),
        (["[2001:db8:2::5]:5123"], "2001:db8:2::5"),
        (["  192.0.2.7\t"], "192.0.2.7"),
        (["<script>, 192.0.2.7"], "192.0.2.7"),
    ],
)
def test_the_client_is_the_last_hop_that_is_no_proxy(headers, client):
    """What stands before it, the client may have written itself."""
    assert seen("10.0.0.1", *map(forwarded, headers))[0] == client


@pytest.mark.parametrize("value", ["", "unknown", "192.0.2.7, unknown", "[2001:db8::", "1.2.3", "x" * 5000, ",,,"])
def test_what_is_no_address_leaves_the_proxy_as_the_client(value):
    assert seen("10.0.0.1", forwarded(value))[0] == "10.0.0.1"


@pytest.mark.parametrize("proto", ["gopher", "https, http", ""])
def test_a_scheme_that_nobody_can_read_is_not_believed(proto):
    assert seen("10.0.0.1", forwarded("192.0.2.7"), ("X-Forwarded-Proto", proto))[1] == "http"


@pytest.mark.parametrize(
    "peer", ["192.0.2.9", "172.18.0.3", "2001:db8:2::1", "::ffff:192.0.2.9", "11.0.0.1", "gateway"]
)
def test_whoever_comes_past_the_proxies_is_refused_in_the_callers_protocol(peer):
    """It would be in the clear, and the headers its own."""
    said = [forwarded("127.0.0.1"), ("X-Forwarded-Proto", "https")]
    legacy = get_from(peer, *said, path="/?Operation=GetHIT")
    soap = get_from(peer, *said, ("Content-Type", "text/xml"), method="POST")
    modern = get_from(peer, *said, ("X-Amz-Target", "MTurkRequesterServiceV20170117.GetHIT"), method="POST")

    assert (legacy.status_code, one(parse(legacy.content), "Code")) == (403, "InvalidRequest")
    assert one(parse(soap.content), "faultcode") == "aws:Client.InvalidRequest"
    assert (modern.status_code, modern.json()["__type"]) == (403, "SerializationException")


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::ffff:127.0.0.1"])
def test_this_machine_is_answered_and_not_believed(peer):
    assert get_from(peer, forwarded("192.0.2.7"), ("X-Forwarded-Proto", "https")).text == f"{peer} http"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_orchestrators_may_ask_at_the_process_itself(path):
    assert get_from("192.0.2.9", path=path).status_code == 200


@pytest.mark.parametrize(
    "text", ["", "yes", "10.0.0.1/8", "10.0.0.256", "example.org", "10.0.0.1;10.0.0.2", "fe80::/200"]
)
def test_what_is_no_network_is_refused_in_words(text):
    with pytest.raises(ValueError, match="no address"):
        read_networks(text)


def test_all_addresses_of_one_customer_count_as_one():
    assert neighbourhood("2001:db8:2:3::1") == neighbourhood("2001:db8:2:3:ffff::9")
    assert neighbourhood("2001:db8:2:3::1") != neighbourhood("2001:db8:2:4::1")
    assert neighbourhood("::ffff:192.0.2.9") == "192.0.2.9"
    assert neighbourhood("192.0.2.8") != neighbourhood("192.0.2.9")
