"""The snapshot database: walks of token listings, their rows, orders of the rows, and who is reading what.

It is disposable. A file of another layout is emptied, and everything in it is walked again.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    insert,
    inspect,
    select,
    text,
)

from mturk_gateway.database import Database

LAYOUT = 1
"""Counts up whenever a table below, or what is written into it, changes."""

KEY_COLUMNS = ("key0", "key1", "key2", "key3", "key4", "key5")
"""Texts by which rows are sorted and filtered; what each means is the listing's affair."""

metadata = MetaData()

layout = Table("layout", metadata, Column("number", Integer, primary_key=True, autoincrement=False))

writes = Table(
    "writes",
    metadata,
    Column("requester", String, primary_key=True),
    Column("count", Integer, nullable=False),
)
"""How many writes of a requester have been acknowledged: what a walk must have begun after."""

walks = Table(
    "walks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("listing", String, nullable=False),
    Column("requester", String, nullable=False),
    Column("operation", String, nullable=False),
    Column("params", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("queued_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("lease_until", Float),
    Column("owner", String),
    Column("writes_seen", Integer),
    Column("token", Text),
    Column("total", Integer, nullable=False, server_default="0"),
    Column("error", Text),
    Index("walks_by_listing", "listing", "state", "id"),
    # At most one walk of a listing waits; whoever wants another joins it.
    Index(
        "walks_queued",
        "listing",
        unique=True,
        sqlite_where=text("state = 'queued'"),
        postgresql_where=text("state = 'queued'"),
    ),
    Index(
        "walks_walking",
        "listing",
        unique=True,
        sqlite_where=text("state = 'walking'"),
        postgresql_where=text("state = 'walking'"),
    ),
    Index("walks_by_state", "state", "id"),
    sqlite_autoincrement=True,
)
"""A complete walk is a snapshot. `state` goes queued → walking → complete or failed."""

rows = Table(
    "rows",
    metadata,
    Column("walk", ForeignKey(walks.c.id, ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("item", String, nullable=False),
    *(Column(name, Text) for name in KEY_COLUMNS),
    Column("sections", Text, nullable=False),
    Column("source", Text),
    # An upstream that changes under the token may show a row twice; it is kept once.
    UniqueConstraint("walk", "item"),
)

views = Table(
    "views",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("walk", ForeignKey(walks.c.id, ondelete="CASCADE"), nullable=False),
    Column("view", String, nullable=False),
    Column("total", Integer, nullable=False),
    UniqueConstraint("walk", "view"),
    sqlite_autoincrement=True,
)

places = Table(
    "places",
    metadata,
    Column("view", ForeignKey(views.c.id, ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("row", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""The order of a view, positions 0 … n-1: where in the walk each row stands."""

pins = Table(
    "pins",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("walker", String, nullable=False),
    Column("walk", ForeignKey(walks.c.id, ondelete="CASCADE"), nullable=False),
    Column("page", Integer, nullable=False),
    Column("used_at", Float, nullable=False),
    Index("pins_by_walker", "walker", "used_at"),
    Index("pins_by_walk", "walk", "used_at"),
)
"""Clients under way from page to page: the snapshot that each stays on, and the page it last read."""


def prepare_snapshots(database: Database) -> None:
    """Make the tables, or empty a database of another layout and make them."""
    with database.writing() as connection:
        if inspect(connection).has_table(layout.name):
            if connection.scalar(select(layout.c.number)) == LAYOUT:
                return
            found = MetaData()
            found.reflect(connection)
            found.drop_all(connection)
        metadata.create_all(connection)
        connection.execute(delete(layout))
        connection.execute(insert(layout).values(number=LAYOUT))
