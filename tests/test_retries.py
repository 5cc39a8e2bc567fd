"""Old clients and new ones, told to come back or cut off: their habits end in success, and nothing is done twice."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from botocore.config import Config
from sqlalchemy import select

from clients.boto2 import LEFT, PROPERTIES, QUESTION, connect
from clients.habits import HABITS, Caller
from clients.wire import mturkr
from instance import Instance
from mturk_gateway.clock import wall_clock
from mturk_gateway.credentials import Requester, write_profile
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.marketplace.requesters import find_key
from mturk_gateway.marketplace.tables import hit_types, hits
from mturk_gateway.settings import Settings
from relay import Relay
from support import PROPERTIES as HIT
from support import ask, fill, one, post, signed_query, texts
from walks import at_once, until

pytestmark = LEFT
processes = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="tells processes apart by /proc")

_RATE = 2.0
"""Requests a second that are let through here, of each key."""
_CALLS = 3


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A gateway that lets a key ask only so often."""
    with EmbeddedGateway(Settings(data=tmp_path_factory.mktemp("strict"), key_rate=_RATE)) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """A gateway whose marketplace answers a requester only so often."""
    with EmbeddedGateway(Settings(data=tmp_path_factory.mktemp("narrow"), rate_limit=2.0)) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def numbers():
    return count(1)


@pytest.fixture
def greedy(strict, numbers):
    """A requester who has asked for more than may be had at once."""
    requester = strict.add_requester(f"greedy-{next(numbers)}")
    ask_for_too_much(strict, requester)
    return requester


def ask_for_too_much(gateway, requester):
    while post(f"{gateway.url}/", signed_query(requester, "GetAccountBalance")).status_code != 503:
        pass


@pytest.fixture
def hurried(monkeypatch):
    """The clients wait as often as they like, and about half a second; gives how long they wanted to."""
    waits = []

    def wait(seconds):
        waits.append(seconds)
        time.sleep(min(max(seconds, 0.4), 0.8))

    for module in ("boto.connection.time", "botocore.endpoint.time"):
        monkeypatch.setattr(module, SimpleNamespace(sleep=wait, time=time.time))
    return waits


def titles(gateway, requester):
    """How often there is a HIT of each title, by the marketplace's own rows."""
    with gateway.house.marketplace.reading() as connection:
        owner = find_key(connection, requester.access_key).requester.id
        statement = select(hit_types.c.title).join_from(hits, hit_types).where(hits.c.requester_id == owner)
        return Counter(connection.scalars(statement))


EACH_ONCE = Counter(f"task {number}" for number in range(_CALLS))


def test_boto_waits_and_every_hit_is_made_once_where_a_key_may_ask_only_so_often(strict, greedy, hurried):
    conn = connect(strict, greedy)
    for title in EACH_ONCE:
        conn.create_hit(question=QUESTION, **{**PROPERTIES, "title": title})

    assert hurried
    assert titles(strict, greedy) == EACH_ONCE


@pytest.mark.parametrize("mode", ["legacy", "standard"])
def test_boto3_waits_and_every_hit_is_made_once_where_a_key_may_ask_only_so_often(strict, greedy, hurried, mode):
    client = boto3.client(
        "mturk",
        endpoint_url=strict.url,
        region_name="us-east-1",
        aws_access_key_id=greedy.access_key,
        aws_secret_access_key=greedy.secret,
        config=Config(retries={"mode": mode}),
    )
    with closing(client):
        for title in EACH_ONCE:
            client.create_hit(**{**HIT, "Title": title})

    assert hurried
    assert titles(strict, greedy) == EACH_ONCE


OLD_HIT = [
    ("Description", "How many?"),
    ("Reward.1.Amount", "0.05"),
    ("Reward.1.CurrencyCode", "USD"),
    ("AssignmentDurationInSeconds", "60"),
    ("LifetimeInSeconds", "3600"),
    ("Question", HIT["Question"]),
]


@pytest.mark.parametrize("client", HABITS, ids=lambda client: client.__name__)
def test_each_client_comes_back_and_every_hit_is_made_once_where_a_key_may_ask_only_so_often(strict, greedy, client):
    caller = Caller(strict.url, greedy, client)
    for title in EACH_ONCE:
        caller.ask("CreateHIT", ("Title", title), *OLD_HIT)

    assert caller.refusals
    assert titles(strict, greedy) == EACH_ONCE


def test_all_clients_come_back_where_the_marketplace_answers_only_so_often(narrow):
    """The gateway tries again by itself, and then says so in words that the clients know."""
    callers = [Caller(narrow.url, narrow.add_requester(client.__name__), client) for client in HABITS]

    def ask_often(caller):
        balances = at_once(*[partial(caller.ask, "GetAccountBalance")] * 8)
        return {texts(balance, "Amount")[0] for balance in balances}

    assert at_once(*(partial(ask_often, caller) for caller in callers)) == [{"10000.00"}] * len(callers)
    assert any(caller.refusals for caller in callers)


def test_totals_add_up_for_a_client_that_pages_by_them_and_is_told_to_come_back(strict, numbers):
    """It would go on for ever if they did not."""
    requester = strict.add_requester(f"reader-{next(numbers)}")
    fill(strict, requester, [({}, int(wall_clock()) - number) for number in range(7)])
    ask_for_too_much(strict, requester)
    caller = Caller(strict.url, requester, mturkr)
    found, total = [], 1
    while len(found) < total:
        page = caller.ask("SearchHITs", ("PageSize", "3"), ("PageNumber", str(len(found) // 3 + 1)))
        found += texts(page, "HITId")
        total = int(one(page, "TotalNumResults"))

    assert caller.refusals
    assert len(found) == len(set(found)) == 7


def test_who_uses_a_token_is_not_told_that_it_was_used_when_the_gateway_itself_had_to_ask_twice(
    gateway, requester, foreign_gateway
):
    """The first answer was lost between the gateway and its upstream; the program has asked once."""
    with Relay(gateway, requester) as relay:
        made, owner = foreign_gateway(relay.url)
        relay.trouble = lambda operation, number: "lost" if (operation, number) == ("CreateHIT", 1) else None
        token = [("UniqueRequestToken", "once"), ("Title", "task"), *OLD_HIT]
        first = ask(made.url, owner, "CreateHIT", *token)
        again = ask(made.url, owner, "CreateHIT", *token)

    assert one(first, "IsValid") == "True"
    assert titles(gateway, requester) == {"task": 1}
    assert one(again, "Code") == "AWS.MechanicalTurk.HitAlreadyExists"
    assert one(first, "HITId") in one(again, "Message")


@processes
def test_every_client_ends_in_success_whichever_processes_are_killed_meanwhile(tmp_path, hurried):
    """The front and the marketplace, and then everything, which somebody starts again."""
    requester = Requester("lab", "AKIDLAB", "lab-secret")
    write_profile(tmp_path / "credentials", requester)
    killed = threading.Event()

    def old(instance):
        conn = connect(instance, requester)
        # It waits for half a minute in all; here it is as many times as that takes.
        conn.num_retries = 300
        while not killed.is_set():
            assert conn.get_account_balance()[0].amount == 10000.0
            assert conn.search_hits().TotalNumResults == "0"

    def shaped(instance, client):
        caller = Caller(instance.url, requester, client)
        while not killed.is_set():
            assert texts(caller.ask("GetAccountBalance"), "Amount")[0] == "10000.00"
            assert one(caller.ask("SearchHITs"), "TotalNumResults") == "0"

    def kill(instance):
        try:
            found = instance.processes()
            instance.kill(*found.fronts, *found.marketplaces)
            until(instance.is_whole, 100)
            instance.kill_all()
            instance.start()
        finally:
            killed.set()

    with Instance(tmp_path / "data", "--credentials", tmp_path / "credentials") as instance:
        at_once(partial(kill, instance), partial(old, instance), *(partial(shaped, instance, each) for each in HABITS))
