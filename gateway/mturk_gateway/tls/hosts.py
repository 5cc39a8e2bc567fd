"""The host names that programs for Mechanical Turk have in them."""

from __future__ import annotations

import re

LEGACY_HOSTS = ("mechanicalturk.amazonaws.com", "mechanicalturk.sandbox.amazonaws.com")
MODERN_HOSTS = ("mturk-requester.us-east-1.amazonaws.com", "mturk-requester-sandbox.us-east-1.amazonaws.com")
WORKERS_HOSTS = ("www.mturk.com", "workersandbox.mturk.com")

AMAZON_HOSTS = LEGACY_HOSTS + MODERN_HOSTS + WORKERS_HOSTS
"""Production and sandbox of each."""

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z)({_LABEL}\.)+(?!\d+\Z){_LABEL}")


def is_host_name(text: str) -> bool:
    """Whether it is a name with a dot in it, in small letters: no address, no wildcard."""
    return _NAME.fullmatch(text) is not None
