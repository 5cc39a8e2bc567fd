"""boto 2.49, unchanged, pointed at a gateway. Importing this skips the tests where boto does not run."""

from __future__ import annotations

import warnings
from urllib.parse import urlsplit

import pytest

with warnings.catch_warnings():
    # boto 2 is older than most of what Python warns of.
    warnings.simplefilter("ignore")
    pytest.importorskip("boto", reason="boto 2.49 does not run on this Python")
    from boto.mturk import connection, layoutparam, qualification, question
    from boto.mturk.connection import MTurkRequestError
    from boto.mturk.price import Price

__all__ = ["LEFT", "MTurkRequestError", "Price", "connect", "connection", "layoutparam", "qualification", "question"]


def connect(gateway, requester, **changes):
    """A connection with a requester's keys."""
    address = urlsplit(gateway.url)
    given = {"host": address.hostname, "port": address.port, "is_secure": False, **changes}
    return connection.MTurkConnection(requester.access_key, requester.secret, **given)


LEFT = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
"""boto leaves its connections to the garbage collector."""
