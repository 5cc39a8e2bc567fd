"""Which workers meet the qualification requirements of a HIT type (modern-mturk 2.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection


def unmet(
    connection: Connection, worker_id: str, requirements: Sequence[dict[str, Any]], *, sandbox: bool
) -> list[dict[str, Any]]:
    """Those requirements, as a HIT type stores them, that a worker does not meet."""
    return []
