"""Review policies (modern-mturk 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from mturk_gateway.marketplace.services.hits import Hit


def after_submission(connection: Connection, hit: Hit, assignment_id: str, now: int) -> None:
    """Let the HIT's AssignmentReviewPolicy, if it has one, decide about an assignment that was just submitted."""


def after_work(connection: Connection, hit: Hit, now: int) -> None:
    """Let the HIT's HITReviewPolicy, if it has one, judge a HIT that has just become Reviewable."""


def check_policy(policy: Mapping[str, Any], level: str) -> None:
    """Refuse a policy that could not be carried out."""
