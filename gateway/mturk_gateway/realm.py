"""Production and sandbox: the same keys, the same service, nothing in common."""

from __future__ import annotations


def is_sandbox_host(host: str) -> bool:
    """Whether a Host header names the sandbox.

    Amazon's hosts had it in their names: mturk-requester-sandbox.us-east-1.amazonaws.com and
    mechanicalturk.sandbox.amazonaws.com. Any host with such a part is one.
    """
    parts = host.partition(":")[0].lower().split(".")
    return any(part == "sandbox" or part.endswith("-sandbox") for part in parts)
