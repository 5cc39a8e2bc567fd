"""One more front before a gateway that is there: its listeners, what it logs, and what its metrics say."""

from __future__ import annotations

import io
import json
import re
from contextlib import contextmanager

from prometheus_client.parser import text_string_to_metric_families

from mturk_gateway.app import create_gateway
from mturk_gateway.edge.connection import LegacyHttpProtocol
from mturk_gateway.listener import Listener
from mturk_gateway.observing.logs import RequestLog
from support import get


class Front:
    """Where a front answers; `lines` are those of its log about requests, once it has been closed."""

    def __init__(self, url, operators, stream):
        self.url = url
        self.operators = operators
        self._stream = stream

    @property
    def lines(self):
        return [json.loads(line) for line in self._stream.getvalue().splitlines()]

    def line(self, request_id):
        """The only line about a request."""
        (line,) = [line for line in self.lines if line["request_id"] == request_id]
        return line

    @property
    def samples(self):
        return samples(self.operators)


@contextmanager
def front_of(gateway):
    """A front that shares the databases and the walker of a gateway, and reaches the marketplace through it."""
    stream = io.BytesIO()
    apps = create_gateway(gateway.settings, gateway.house, gateway.url, RequestLog(stream))

    async def answer(scope, receive, send):
        if scope["type"] == "http" and scope["path"].startswith("/operators/"):
            await apps.operators({**scope, "path": scope["path"].removeprefix("/operators")}, receive, send)
        else:
            await apps.public(scope, receive, send)

    with Listener(answer, http=LegacyHttpProtocol) as listener:
        yield Front(listener.url, f"{listener.url}/operators", stream)


def samples(operators):
    """What /metrics says: values by name and labels, as `name{label="value"}` with labels in their order."""
    text = get(f"{operators}/metrics").text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found, name, **labels):
    """One of those values; 0 where nothing was counted yet."""
    return found.get((name, tuple(sorted(labels.items()))), 0)


def request_id_of(answer):
    """The ID that an XML answer carries."""
    return re.search(r"RequestI[dD][^>]*>([^<]+)<", answer.text)[1]
