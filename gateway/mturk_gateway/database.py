"""The three databases: opening one, reading, writing, and bringing a durable one up to date."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, Table, create_engine, event, insert, inspect
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import DatabaseError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

from mturk_gateway.clock import Clock, wall_clock
from mturk_gateway.quick import Quick
from mturk_gateway.schemas import SchemaError, upgrade

TROUBLE = (SQLAlchemyError, sqlite3.Error)
"""What comes of a database that is locked, full, read-only, damaged or gone."""


def sqlite_url(path: Path) -> URL:
    """The URL of an SQLite file."""
    return URL.create("sqlite", database=str(path))


class database_now(FunctionElement[float]):  # noqa: N801  # reads like the SQL function it stands for
    """The database's own clock, in seconds since 1970: what leases and ages are compared by, whoever asks.

    An SQLite file has none: its is that of the `Database`, which all who have the file open must have in common.
    """

    type = Float()
    inherit_cache = True


@compiles(database_now, "sqlite")
def _sqlite_now(*_: object, **__: object) -> str:
    return "unix_time()"


@compiles(database_now, "postgresql")
def _postgresql_now(*_: object, **__: object) -> str:
    return "extract(epoch from clock_timestamp())"


class Database:
    """One database, with a transaction for each `reading` or `writing` block, and short statements through `quick`.

    `durable` says whether an acknowledged write must survive a power cut (the marketplace, the ledger) or may be
    lost with the rest of a file that can be made again (those of paging). One that is `bulky` takes many large rows at
    a time.
    """

    def __init__(self, url: str | URL, *, durable: bool, bulky: bool = False, clock: Clock = wall_clock) -> None:
        self.url = make_url(url)
        self.clock = clock
        self.engine: Engine = create_engine(
            self.url,
            pool_size=16,
            max_overflow=64,
            # Errors reach the log, and what rows hold must not.
            hide_parameters=True,
        )
        if self.engine.dialect.name == "sqlite":
            _prepare_sqlite(self.engine, durable=durable, bulky=bulky, clock=clock)
        self._writer = self.engine.execution_options(writing=True)
        self.quick = Quick(self.engine)
        self._inserts: dict[Table, Any] = {}
        # SQLite lets one write at a time, and those who wait look again only now and then: threads of one process can
        # do better.
        self._turn = threading.Lock() if self.engine.dialect.name == "sqlite" else nullcontext()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection whose statements all see the same state."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection that holds the right to write from its first statement; commits unless the block raises."""
        with self._turn, self._writer.begin() as connection:
            yield connection

    def insert_many(self, connection: Connection, table: Table, rows: list[tuple[Any, ...]]) -> None:
        """Insert rows, each with a value for every column in the table's order; several times faster than otherwise."""
        if not rows:
            return
        compiled = self._inserts.get(table)
        if compiled is None:
            compiled = self._inserts[table] = insert(table).compile(dialect=self.engine.dialect)
        given: list[Any] = rows
        if not compiled.positional:
            given = [dict(zip(table.columns.keys(), row, strict=True)) for row in rows]
        connection.exec_driver_sql(str(compiled), given)

    def insert_or_update(self, table: Table, key: list[str], values: dict[str, ColumnElement[Any]]) -> Any:
        """An insert that updates the row with the same key instead, if there is one."""
        insert = sqlite_insert if self.engine.dialect.name == "sqlite" else postgresql_insert
        return insert(table).on_conflict_do_update(index_elements=key, set_=values)

    def migrate(self, package: str) -> None:
        """Bring the schema up to date with the Alembic scripts in the folder `migrations` of an import package.

        All of it, or nothing when something fails. Raises SchemaError.
        """
        try:
            with self._writer.connect() as connection:
                if self.engine.dialect.name == "sqlite":
                    # A table that others refer to is made anew by way of dropping it. Only outside transactions can
                    # this be said, and of a connection that is nobody else's it need not be unsaid.
                    connection.connection.execute("PRAGMA foreign_keys=OFF")
                    connection.detach()
                with connection.begin():
                    upgrade(connection, package)
        except DBAPIError as error:
            raise SchemaError(
                f"{self.url.database} could not be brought up to date, and is as it was: {error.orig}"
            ) from error

    def is_damaged(self) -> bool:
        """Whether this is an SQLite file that SQLite cannot read."""
        try:
            with self.reading() as connection:
                inspect(connection).get_table_names()
        except DatabaseError as error:
            # One that is locked, or out of reach, is a subclass of its own.
            return type(error.orig) is sqlite3.DatabaseError
        return False

    def discard(self) -> None:
        """Delete the file of an SQLite database that can be made again. Nobody else may have it open."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.url.database}{suffix}").unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of all connections."""
        self.quick.close()
        self.engine.dispose()


def _prepare_sqlite(engine: Engine, *, durable: bool, bulky: bool, clock: Clock) -> None:
    synchronous = "FULL" if durable else "OFF"

    def configure(connection: Any, _record: object) -> None:
        # The driver would otherwise begin transactions on its own, too late and without IMMEDIATE.
        connection.isolation_level = None
        # SQLite's own way to tell the time takes longer than the rest of a short statement.
        connection.create_function("unix_time", 0, clock)
        for pragma in (
            # A page of the usual size holds two rows of a listing, and half of it is wasted.
            f"page_size={8192 if bulky else 4096}",
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "busy_timeout=30000",
            "foreign_keys=ON",
            f"wal_autocheckpoint={4000 if bulky else 1000}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    def begin(connection: Connection) -> None:
        # A writer that begins as a reader fails at once when somebody else wrote in between; busy_timeout cannot help.
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", begin)
