"""How a worker comes to a qualification: asking for it, its test, its grant (modern-mturk 4.3)."""

from __future__ import annotations

from sqlalchemy import Connection


def end_test(connection: Connection, request_id: str, time: int) -> None:
    """The time for a test is over: hand in what there is."""
