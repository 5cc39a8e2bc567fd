"""What the gateway itself must remember durably."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, String, Table

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
