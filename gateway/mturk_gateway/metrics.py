"""What a gateway counts, for Prometheus: the only place that knows the library."""

from __future__ import annotations


def throttled(protocol: str, by: str) -> None:
    """A request was refused because its `key` or its `address` had sent too many."""


def refused_key(protocol: str) -> None:
    """A request came without keys that anybody has, or with a signature that is not theirs."""
