"""Production and sandbox through the legacy API: the Host decides, and nothing of one realm shows in the other."""

from __future__ import annotations

import re
import socket
from dataclasses import replace

import httpx
import pytest

from mturk_gateway.credentials import Keyring, Requester, write_profile
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.settings import Settings
from mturk_translators.xml import parse
from support import FORM, PROPERTIES, ScriptedUpstream, modern_client, one, signed_query, texts

SANDBOX = "mechanicalturk.sandbox.amazonaws.com"
MODERN_SANDBOX = "mturk-requester-sandbox.us-east-1.amazonaws.com"


def ask_at(host, gateway, requester, operation, *pairs, **named):
    """The root of the answer to a signed legacy request that was sent to a host."""
    every = [*pairs, *((name, str(value)) for name, value in named.items())]
    headers = {**FORM, "Host": host}
    with httpx.Client(trust_env=False, timeout=60) as client:
        return parse(
            client.post(f"{gateway.url}/", content=signed_query(requester, operation, *every), headers=headers).content
        )


def create(host, gateway, requester):
    given = {
        "Title": "t",
        "Description": "d",
        "AssignmentDurationInSeconds": 60,
        "LifetimeInSeconds": 3600,
        "Question": PROPERTIES["Question"],
    }
    return one(ask_at(host, gateway, requester, "CreateHIT", ("Reward.1.Amount", "0.05"), **given), "HITId")


def test_a_hit_of_one_realm_is_not_in_the_other(gateway, requester):
    here = create("mechanicalturk.amazonaws.com", gateway, requester)
    there = create(SANDBOX, gateway, requester)

    assert texts(ask_at(SANDBOX, gateway, requester, "SearchHITs"), "HITId") == [there]
    assert texts(ask_at("127.0.0.1:80", gateway, requester, "SearchHITs"), "HITId") == [here]
    assert one(ask_at(SANDBOX, gateway, requester, "GetHIT", HITId=here), "Code").endswith("HITDoesNotExist")


def test_messages_of_the_sandbox_end_as_they_did(gateway, requester):
    """Those of the marketplace, and those that the gateway makes itself."""
    for params in ({"HITId": "3UNKNOWN"}, {}):
        message = one(ask_at(SANDBOX, gateway, requester, "GetHIT", **params), "Message")
        assert re.search(r" \(\d{13} s\)$", message)
        message = one(ask_at("turk.example.org", gateway, requester, "GetHIT", **params), "Message")
        assert re.search(r" \(\d{13}\)$", message)


def test_who_is_nobody_or_unknown_is_answered_by_the_realm_that_was_asked(gateway, requester):
    """Help needs no key, and a wrong one belongs to nobody: the host alone tells the realm."""
    unknown = replace(requester, access_key="AKIDNOBODY")
    with httpx.Client(trust_env=False, timeout=60) as client:
        for host, ending in ((SANDBOX, r" \(\d{13} s\)$"), ("turk.example.org", r" \(\d{13}\)$")):
            for query in ("Operation=Help", signed_query(unknown, "GetAccountBalance")):
                answer = client.post(f"{gateway.url}/", content=query, headers={**FORM, "Host": host})
                assert re.search(ending, one(parse(answer.content), "Message"))


def test_the_scheme_and_the_host_of_the_sandbox_may_be_written_in_capitals(gateway, requester):
    hit = create(SANDBOX.upper(), gateway, requester)
    assert whole_url(gateway, requester, f"HTTP://{SANDBOX.upper()}/") == [hit]


def test_what_was_written_in_the_sandbox_through_either_api_shows_at_once(gateway, requester):
    assert texts(ask_at(SANDBOX, gateway, requester, "SearchHITs"), "HITId") == []
    first = create(SANDBOX, gateway, requester)
    assert texts(ask_at(SANDBOX, gateway, requester, "SearchHITs"), "HITId") == [first]
    with modern_client(gateway.url, requester) as modern:
        modern.meta.events.register(
            "before-call.mturk", lambda params, **_: params["headers"].update(Host=MODERN_SANDBOX)
        )
        second = modern.create_hit(**PROPERTIES)["HIT"]["HITId"]
    assert sorted(texts(ask_at(SANDBOX, gateway, requester, "SearchHITs"), "HITId")) == sorted([first, second])


def test_a_walk_through_pages_stays_in_its_realm(gateway, requester):
    """Both are asked by the same program, from the same address, with the same parameters."""
    here = {create("a", gateway, requester) for _ in range(3)}
    there = {create(SANDBOX, gateway, requester) for _ in range(2)}
    pages = {"a": set(), SANDBOX: set()}
    for number in (1, 2, 3):
        for host, seen in pages.items():
            seen.update(texts(ask_at(host, gateway, requester, "SearchHITs", PageSize=1, PageNumber=number), "HITId"))

    assert pages == {"a": here, SANDBOX: there}


def test_keys_made_for_the_sandbox_have_one_account_whatever_the_host(gateway):
    requester = gateway.add_requester("only-sandbox", sandbox=True)
    hits = {create(host, gateway, requester) for host in (SANDBOX, "mechanicalturk.amazonaws.com")}

    for host in (SANDBOX, "mechanicalturk.amazonaws.com"):
        assert set(texts(ask_at(host, gateway, requester, "SearchHITs"), "HITId")) == hits


def whole_url(gateway, requester, url):
    """What is found by a request with a whole URL, as clients send it that believe in a proxy."""
    port = int(gateway.url.rpartition(":")[2])
    body = signed_query(requester, "SearchHITs").encode()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        head = f"POST {url} HTTP/1.1\r\nHost: proxy\r\nContent-Length: {len(body)}\r\n"
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode() + body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return texts(parse(answer.partition(b"\r\n\r\n")[2]), "HITId")


def test_a_whole_url_in_the_request_line_says_where_it_was_meant_to_go(gateway, requester):
    """What such clients say in Host is the proxy's affair."""
    hit = create(SANDBOX, gateway, requester)

    assert whole_url(gateway, requester, f"http://{SANDBOX}/") == [hit]


BALANCE = 200, {"AvailableBalance": "1.00", "OnHoldBalance": "0.00"}


def test_without_a_sandbox_upstream_nothing_meant_for_the_sandbox_is_done_for_real(foreign_gateway):
    with ScriptedUpstream(lambda *_: BALANCE) as upstream:
        gateway, requester = foreign_gateway(upstream.url)
        refused = ask_at(SANDBOX, gateway, requester, "GetAccountBalance")
        with modern_client(gateway.url, requester) as modern:
            modern.meta.events.register(
                "before-call.mturk", lambda params, **_: params["headers"].update(Host=MODERN_SANDBOX)
            )
            with pytest.raises(modern.exceptions.ClientError, match="no sandbox"):
                modern.get_account_balance()
        made = list(upstream.calls)

    assert one(refused, "Code") == "AWS.NotAuthorized"
    assert "no sandbox" in one(refused, "Message")
    assert made == []


def test_another_upstream_can_have_a_sandbox_of_its_own(foreign_gateway):
    empty = 200, {"HITs": [], "NumResults": 0}
    with ScriptedUpstream(lambda *_: empty) as real, ScriptedUpstream(lambda *_: empty) as sandbox:
        gateway, requester = foreign_gateway(real.url, sandbox_upstream=sandbox.url)
        ask_at(SANDBOX, gateway, requester, "SearchHITs")
        ask_at(SANDBOX, gateway, requester, "GetAccountBalance")
        with modern_client(gateway.url, requester) as modern:
            modern.meta.events.register(
                "before-call.mturk", lambda params, **_: params["headers"].update(Host=MODERN_SANDBOX)
            )
            modern.list_hits()
        operations = [operation for operation, _ in sandbox.calls]
        ask_at("mechanicalturk.amazonaws.com", gateway, requester, "SearchHITs")

        assert operations == ["ListHITs", "GetAccountBalance", "ListHITs"]
        assert [operation for operation, _ in real.calls] == ["ListHITs"]


def test_keys_that_are_marked_for_the_sandbox_need_no_other_upstream(tmp_path):
    """Where the upstream itself is a sandbox, no other is asked for."""
    marked = Requester("lab", "AKIDLAB", "lab-secret", sandbox=True)
    write_profile(tmp_path / "credentials", marked)
    with ScriptedUpstream(lambda *_: BALANCE) as upstream:
        settings = Settings(data=tmp_path / "data", credentials=tmp_path / "credentials", upstream=upstream.url)
        with EmbeddedGateway(settings) as gateway, modern_client(gateway.url, marked) as modern:
            assert one(ask_at(SANDBOX, gateway, marked, "GetAccountBalance"), "IsValid") == "True"
            assert modern.get_account_balance()["AvailableBalance"] == "1.00"


def test_the_account_of_a_requester_who_was_added_a_moment_ago_is_known(tmp_path):
    file = tmp_path / "credentials"
    keyring = Keyring(file)
    for name in ("first", "second"):
        assert keyring.find_account(name) is None
        write_profile(file, Requester(name, f"AKID{name}", "secret"))
        assert keyring.find_account(name).access_key == f"AKID{name}"
