"""What the tests of client programs share."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clients.people import People
from clients.wire import Exchange
from mturk_gateway.credentials import write_profile
from support import modern_client, one, texts


@pytest.fixture
def people(gateway):
    """Workers at the embedded marketplace."""
    return People(gateway)


@pytest.fixture
def patient(gateway, requester):
    """A requester whose profile lets clocks differ by a little more than two hours, as one client needs."""
    allowed = replace(requester, clock_skew=7_260)
    write_profile(gateway.house.credentials, allowed)
    return allowed


@pytest.fixture
def send(gateway, requester):
    """Send what a client writes; gives the answer, which must say that all is well."""

    def exchange(client, operation, *pairs, valid="True"):
        answer = Exchange(gateway.url, client(requester, operation, *pairs))
        assert answer.status == 200, answer.content
        assert texts(answer.root, "IsValid") == [valid], answer.content
        return answer.root

    return exchange


@pytest.fixture
def modern(gateway, requester):
    with modern_client(gateway.url, requester) as client:
        yield client


@pytest.fixture
def create(send, modern):
    """Create a HIT as a client writes it; gives the HIT as boto3 sees it."""

    def created(client, *pairs):
        return modern.get_hit(HITId=one(send(client, "CreateHIT", *pairs), "HITId"))["HIT"]

    return created


@pytest.fixture
def conn(gateway, requester):
    """A connection of boto 2, with the keys of the requester."""
    from clients.boto2 import connect

    return connect(gateway, requester)


@pytest.fixture
def refused():
    """Make a call through boto 2 that fails; gives its exception."""
    from clients.boto2 import MTurkRequestError

    def call(function, *given, **named):
        with pytest.raises(MTurkRequestError) as caught:
            function(*given, **named)
        assert caught.value.status == 200
        return caught.value

    return call
