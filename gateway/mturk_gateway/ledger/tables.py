"""What the gateway itself must remember durably."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

usage = Table(
    "usage",
    metadata,
    Column("requester", String, primary_key=True),
    Column("api", String, primary_key=True),
    Column("operation", String, primary_key=True),
    Column("day", String, primary_key=True),
    Column("count", Integer, nullable=False),
)
"""How often a requester (the access key) used an operation of either API on a day (UTC)."""

undertakings = Table(
    "undertakings",
    metadata,
    Column("requester", String, primary_key=True),
    Column("operation", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("plan", Text, nullable=False),
    Column("hit", String),
    Column("request_id", String, nullable=False),
    Column("state", String, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_at", Float),
    Column("changed_at", Float, nullable=False),
    Index("undertakings_due", "due_at"),
    Index("undertakings_by_state", "state", "requester"),
)
"""What requesters (the account) were promised: composite operations that have been planned (JSON).

`name` tells the undertakings of an operation apart, `hit` is the HIT that it is about, `request_id` that of the request
which began it. `state` is *open*, *waiting* for others, *stuck* at an error that only the requester can mend, *ended*,
or *told* when whoever asked has had the answer. `due_at` is when to go on, by the database's clock.
"""
