"""What the tests of client programs share."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clients.people import People
from mturk_gateway.credentials import write_profile


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
