"""Production and sandbox: the same keys, the same service, nothing in common."""

from __future__ import annotations

from mturk_gateway.sigv4 import SignedRequest


def is_sandbox(request: SignedRequest) -> bool:
    """Whether a request is for the sandbox, by its Host, which is always signed.

    Amazon's hosts had it in their names: mturk-requester-sandbox.us-east-1.amazonaws.com and
    mechanicalturk.sandbox.amazonaws.com. Any host with such a part is one.
    """
    host = next(iter(request.values("host")), "").partition(":")[0].lower()
    return any(part == "sandbox" or part.endswith("-sandbox") for part in host.split("."))
