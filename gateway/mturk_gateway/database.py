"""The three databases: opening one, reading, writing, and bringing a durable one up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import ColumnElement, Connection, Float, Table, create_engine, event
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement


def sqlite_url(path: Path) -> URL:
    """The URL of an SQLite file."""
    return URL.create("sqlite", database=str(path))


class database_now(FunctionElement[float]):  # noqa: N801  # reads like the SQL function it stands for
    """The database's own clock, in seconds since 1970: what leases and ages are compared by, whoever asks."""

    type = Float()
    inherit_cache = True


@compiles(database_now, "sqlite")
def _sqlite_now(*_: object, **__: object) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(database_now, "postgresql")
def _postgresql_now(*_: object, **__: object) -> str:
    return "extract(epoch from clock_timestamp())"


class Database:
    """One database, with a transaction for each `reading` or `writing` block.

    `durable` says whether an acknowledged write must survive a power cut (the marketplace, the ledger) or may be
    lost with the rest of a file that can be made again (snapshots).
    """

    def __init__(self, url: str | URL, *, durable: bool) -> None:
        self.url = make_url(url)
        self.engine: Engine = create_engine(
            self.url,
            pool_size=16,
            max_overflow=64,
            # Errors reach the log, and what rows hold must not.
            hide_parameters=True,
        )
        if self.engine.dialect.name == "sqlite":
            _prepare_sqlite(self.engine, durable=durable)
        self._writer = self.engine.execution_options(writing=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection whose statements all see the same state."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection that holds the right to write from its first statement; commits unless the block raises."""
        with self._writer.begin() as connection:
            yield connection

    def insert_or_update(self, table: Table, key: list[str], values: dict[str, ColumnElement[Any]]) -> Any:
        """An insert that updates the row with the same key instead, if there is one."""
        insert = sqlite_insert if self.engine.dialect.name == "sqlite" else postgresql_insert
        return insert(table).on_conflict_do_update(index_elements=key, set_=values)

    def migrate(self, package: str) -> None:
        """Bring the schema up to date with the Alembic scripts in the folder `migrations` of an import package."""
        config = Config()
        config.set_main_option("script_location", f"{package}:migrations")
        with self._writer.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def _prepare_sqlite(engine: Engine, *, durable: bool) -> None:
    synchronous = "FULL" if durable else "OFF"

    def configure(connection: Any, _record: object) -> None:
        # The driver would otherwise begin transactions on its own, too late and without IMMEDIATE.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "busy_timeout=30000",
            "foreign_keys=ON",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    def begin(connection: Connection) -> None:
        # A writer that begins as a reader fails at once when somebody else wrote in between; busy_timeout cannot help.
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", begin)
