"""The tables of paging, in two databases: who wants and may read what, and the rows themselves.

Both are disposable. They are two because a walk that brings in a million rows must not keep those waiting who only want
to note which page they have read.

A *base* is what one complete walk of a listing's tokens brought. What has changed since makes it a new *revision*,
which shares everything else with the ones before. A *snapshot* is a base at a revision. An *order* is the sequence of a
view's rows, kept as *leaves*, runs of neighbours, so that a change rewrites a run and not the sequence.
"""

from __future__ import annotations

import uuid

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
    func,
    insert,
    inspect,
    literal_column,
    select,
    text,
)
from structlog import get_logger

from mturk_gateway.database import Database, database_now

log = get_logger()

LAYOUT = 4
"""Counts up whenever a table below, or what is written into it, changes."""

KEY_COLUMNS = ("key0", "key1", "key2", "key3", "key4", "key5")
"""Texts by which rows are sorted and filtered; what each means is the listing's affair."""

FOREVER = 2**31 - 1
"""The revision in which a row ends that has not ended."""

desk = MetaData()
"""Tables of the database in which fronts and walkers meet: small, and written by all of them."""

stock = MetaData()
"""Tables of the database that holds the rows: large, and written by walkers only."""


def _layout(metadata: MetaData) -> Table:
    # The pair tells whether the two databases belong together.
    return Table(
        "layout",
        metadata,
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("pair", String, nullable=False),
    )


desk_layout, stock_layout = _layout(desk), _layout(stock)

writes = Table(
    "writes",
    desk,
    Column("requester", String, primary_key=True),
    Column("count", Integer, nullable=False),
)
"""How many writes of a requester have been acknowledged: what a walk must have begun after."""

written = Table(
    "written",
    desk,
    Column("requester", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("member", String, nullable=False),
    Column("item", String, nullable=False),
    Column("noted_at", Float, nullable=False),
    Index("written_by_age", "noted_at"),
)
"""What those writes were about: the modern member that named it, and its ID."""

_QUEUED, _WALKING = text("state = 'queued'"), text("state = 'walking'")

QUEUED: ColumnElement[str] = literal_column("'queued'")
WALKING: ColumnElement[str] = literal_column("'walking'")
COMPLETE: ColumnElement[str] = literal_column("'complete'")
FAILED: ColumnElement[str] = literal_column("'failed'")
"""The states of a walk as statements say them. SQLite plans a statement anew each time if they are parameters, because
some indexes hold the walks of one state only.
"""

walks = Table(
    "walks",
    desk,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("listing", String, nullable=False),
    Column("requester", String, nullable=False),
    Column("operation", String, nullable=False),
    Column("params", Text, nullable=False),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("queued_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("lease_until", Float),
    Column("owner", String),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("writes_seen", Integer),
    Column("base", Integer),
    Column("revision", Integer),
    # Whether its upstream can say what changes, so that it need never be walked again.
    Column("followed", Boolean, nullable=False, server_default=false()),
    Column("error", Text),
    Index("walks_by_listing", "listing", "state", "started_at"),
    # At most one walk of a listing waits, whoever wants another joins it, and at most one is under way.
    Index("walks_queued", "listing", "kind", unique=True, sqlite_where=_QUEUED, postgresql_where=_QUEUED),
    Index("walks_walking", "listing", "kind", unique=True, sqlite_where=_WALKING, postgresql_where=_WALKING),
    Index("walks_by_state", "state", "id"),
    sqlite_autoincrement=True,
)
"""`state` goes queued → walking → complete or failed.

`kind` is `walk` for one that asks the upstream for the listing, `amend` for one that reads again what the requester has
written, in the last snapshot of a listing that takes too long to walk. When complete, base and revision are its
snapshot.
"""

views = Table(
    "views",
    desk,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("listing", String, nullable=False),
    Column("view", String, nullable=False),
    Column("used_at", Float, nullable=False),
    Column("asked", Integer, nullable=False),
    Column("made", Integer, nullable=False),
    Index("views_by_listing", "listing", "view", unique=True),
    Index("views_asked", "id", sqlite_where=text("asked > made"), postgresql_where=text("asked > made")),
    sqlite_autoincrement=True,
)
"""The views of a listing that somebody reads; one that was asked for more often than made is waited for."""

pins = Table(
    "pins",
    desk,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("walker", String, nullable=False),
    Column("base", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("page", Integer, nullable=False),
    Column("used_at", Float, nullable=False),
    Index("pins_by_walker", "walker", "used_at"),
    Index("pins_by_snapshot", "base", "revision", "used_at"),
    Index("pins_by_age", "used_at"),
)
"""Clients under way from page to page: the snapshot that each stays on, and the page it last read."""

bases = Table(
    "bases",
    stock,
    # That of the walk which made it.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("requester", String, nullable=False),
    Column("listing", String, nullable=False),
    # Where the walk is: the token that its next page is asked for with, empty before the first.
    Column("token", Text, nullable=False),
    # What the upstream wants to be asked for changes with; none where it cannot say.
    Column("cursor", Text),
    Column("revision", Integer, nullable=False),
    # The first revision that can still be read.
    Column("oldest", Integer, nullable=False, server_default="0"),
    # How many rows have ever been kept, of all revisions.
    Column("rows", Integer, nullable=False),
    # The places of the walk that are taken go from `front` to before `back`.
    Column("front", BigInteger, nullable=False),
    Column("back", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
)

ALIVE = text(f"died = {FOREVER}")
DEAD = text(f"died < {FOREVER}")
LATER = text("born > 0")
"""Conditions on rows in the words of the partial indexes, which are used only where a statement says the same."""

rows = Table(
    "rows",
    stock,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("base", Integer, nullable=False),
    Column("item", String, nullable=False),
    *(Column(name, Text) for name in KEY_COLUMNS),
    Column("place", String, nullable=False),
    Column("born", Integer, nullable=False),
    Column("died", Integer, nullable=False),
    # An upstream that changes under the token may show a row twice; it is kept once.
    Index("rows_alive", "base", "item", unique=True, sqlite_where=ALIVE, postgresql_where=ALIVE),
    Index("rows_dead", "base", "died", sqlite_where=DEAD, postgresql_where=DEAD),
    Index("rows_born", "base", "born", sqlite_where=LATER, postgresql_where=LATER),
)
"""A row is part of the revisions from `born` to before `died`. Its id is `row_id` of the base."""

bodies = Table(
    "bodies",
    stock,
    Column("row", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("sections", Text, nullable=False),
    Column("source", Text),
)
"""What rows look like, apart from what they are sorted by: whoever sorts a million rows need not read them."""

orders = Table(
    "orders",
    stock,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("base", Integer, nullable=False),
    Column("view", String, nullable=False),
    Column("since", Integer, nullable=False),
    Column("until", Integer, nullable=False),
    Index("orders_by_view", "base", "view", "until"),
    sqlite_autoincrement=True,
)
"""The order of a view, good for the revisions from `since` to before `until`."""

leaves = Table(
    "leaves",
    stock,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("order", Integer, nullable=False),
    Column("born", Integer, nullable=False),
    Column("died", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("item", String, nullable=False),
    Column("count", Integer, nullable=False),
    Column("rows", LargeBinary, nullable=False),
    Index("leaves_by_order", "order", "died"),
    sqlite_autoincrement=True,
)
"""Neighbours in an order: the key and item of the first, and all of their numbers within the base."""

journal = Table(
    "journal",
    stock,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("base", Integer, nullable=False),
    Column("made", Text, nullable=False),
    Index("journal_by_base", "base"),
    sqlite_autoincrement=True,
)
"""The modern calls that a base was made from, and their replies: only where what is answered is recorded."""


def row_id(base: int, number: int) -> int:
    """The id of the row that was the number-th to be kept in a base: rows of a base are neighbours on disk."""
    return (base << 32) + number


def prepare_paging(desk_database: Database, stock_database: Database) -> None:
    """Make the tables, or empty databases of another layout, or that do not belong together, and make them.

    A file that is damaged is put away for a new one. So is what was walked at a time that is yet to come: the clock was
    set back meanwhile, and it would be held to be fresh until then.
    """
    for database in (desk_database, stock_database):
        if database.is_damaged():
            log.error("damaged database made anew", file=database.url.database)
            database.discard()
    found = [_pair(desk_database, desk_layout), _pair(stock_database, stock_layout)]
    if found[0] is None or found[0] != found[1] or _is_ahead(desk_database):
        pair = uuid.uuid4().hex
        for database, metadata, layout in (
            (desk_database, desk, desk_layout),
            (stock_database, stock, stock_layout),
        ):
            with database.writing() as connection:
                old = MetaData()
                old.reflect(connection)
                old.drop_all(connection)
                metadata.create_all(connection)
                connection.execute(insert(layout).values(number=LAYOUT, pair=pair))


def _is_ahead(desk_database: Database) -> bool:
    with desk_database.reading() as connection:
        return bool(connection.scalar(select(func.max(walks.c.started_at) > database_now())))


def _pair(database: Database, layout: Table) -> str | None:
    with database.reading() as connection:
        if not inspect(connection).has_table(layout.name) or "pair" not in {
            column["name"] for column in inspect(connection).get_columns(layout.name)
        }:
            return None
        return connection.scalar(select(layout.c.pair).where(layout.c.number == LAYOUT))
