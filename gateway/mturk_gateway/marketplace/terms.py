"""What whoever runs the marketplace decides about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Terms:
    """How this marketplace differs from Amazon's, or is like it.

    `url` is where clients reach us, without a slash at the end; links to files begin with it. `any_increase` lets HITs
    grow from fewer than ten assignments to ten or more. `rate_limit` is how many requests a second one requester may
    send; None for any number.
    """

    url: str = ""
    any_increase: bool = False
    rate_limit: float | None = None
