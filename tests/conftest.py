"""Gateways for the tests: one with the embedded marketplace for a whole worker, others made to order."""

from __future__ import annotations

import gc
import itertools
import os

import pytest

from mturk_gateway.credentials import Requester, write_profile
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.settings import Settings

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _umask():
    """Commands keep what they make to themselves; what is run in this process after them need not."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    """A gateway on the embedded marketplace. Tests share it: each takes a requester of its own."""
    settings = Settings(data=tmp_path_factory.mktemp("gateway"))
    with EmbeddedGateway(settings) as running:
        yield running


@pytest.fixture
def requester(gateway):
    """A requester who owns nothing yet."""
    return gateway.add_requester(f"requester-{next(_numbers)}")


@pytest.fixture
def collected():
    """What boto leaves behind is collected here, and not in the middle of somebody else's test."""
    yield
    gc.collect()


@pytest.fixture
def foreign_gateway(tmp_path):
    """Make a gateway in front of an outside upstream, by its URL; gives the gateway and its one requester."""
    running = []

    def make(url, **settings):
        requester = Requester("lab", "AKIDLAB", "lab-secret")
        file = tmp_path / "credentials"
        write_profile(file, requester)
        defaults = {"upstream_timeout": 2.0}
        made = Settings(data=tmp_path / "data", credentials=file, upstream=url, **{**defaults, **settings})
        running.append(EmbeddedGateway(made).start())
        return running[-1], requester

    yield make
    for gateway in running:
        gateway.stop()
