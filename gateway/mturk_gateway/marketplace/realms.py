"""Which of the two realms a request is for."""

from __future__ import annotations

from mturk_gateway.realm import is_sandbox_host
from mturk_gateway.sigv4 import SignedRequest


def is_sandbox(request: SignedRequest) -> bool:
    """Whether a request is for the sandbox, by its Host, which is always signed."""
    return is_sandbox_host(next(iter(request.values("host")), ""))
