"""boto 2.49, unchanged, pointed at a gateway. Importing this skips the tests where boto does not run."""

from __future__ import annotations

import warnings
from urllib.parse import urlsplit

import pytest

with warnings.catch_warnings():
    # boto 2 is older than most of what Python warns of.
    warnings.simplefilter("ignore")
    boto = pytest.importorskip("boto", reason="boto 2.49 does not run on this Python")
    import boto.mturk.connection
    import boto.mturk.layoutparam
    import boto.mturk.price
    import boto.mturk.qualification
    import boto.mturk.question

MTurkRequestError = boto.mturk.connection.MTurkRequestError
Price = boto.mturk.price.Price
qualification, question, layoutparam = boto.mturk.qualification, boto.mturk.question, boto.mturk.layoutparam


def connect(gateway, requester, **changes):
    """A connection with a requester's keys."""
    address = urlsplit(gateway.url)
    given = {"host": address.hostname, "port": address.port, "is_secure": False, **changes}
    return boto.mturk.connection.MTurkConnection(requester.access_key, requester.secret, **given)


LEFT = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
"""boto leaves its connections to the garbage collector."""
