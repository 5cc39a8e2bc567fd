"""Review policies: what decides about work by itself (modern-mturk 5)."""

from __future__ import annotations

from mturk_gateway.marketplace.services.judging.review_policies.application import (
    after_submission,
    after_work,
    check_policy,
)

__all__ = ["after_submission", "after_work", "check_policy"]
