"""An outside upstream with the embedded marketplace behind it, whose calls can be made to fail."""

from __future__ import annotations

import json
from collections import Counter

import httpx

from mturk_gateway.upstream import Upstream
from support import ScriptedUpstream

FAULT = 500, {"__type": "ServiceFault", "Message": "Try again."}


class Relay(ScriptedUpstream):
    """Hands calls on to a gateway as one of its requesters.

    `trouble` is asked about each call, with its operation and how many calls of that there have been. It answers None,
    "down" for a call that fails before it is carried out, or "lost" for one whose answer does not come back.
    """

    def __init__(self, gateway, requester):
        super().__init__(self._relay)
        self._requester = requester
        self._upstream = Upstream(gateway.url, timeout=10.0)
        self._client = httpx.Client(trust_env=False, timeout=30)
        self._made = Counter()
        self.trouble = lambda _operation, _number: None

    def _relay(self, operation, params):
        self._made[operation] += 1
        trouble = self.trouble(operation, self._made[operation])
        if trouble == "down":
            return FAULT
        body = json.dumps(params).encode()
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"MTurkRequesterServiceV20170117.{operation}",
        }
        url, signed = self._upstream.sign(self._requester, headers, body)
        reply = self._client.post(url, content=body, headers=signed)
        return FAULT if trouble == "lost" else (reply.status_code, reply.content)

    def __exit__(self, *_):
        super().__exit__(*_)
        self._client.close()
        self._upstream.close()
