"""Short statements, carried out by the driver itself: SQLAlchemy takes several times longer for one than SQLite."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Engine

Rows = Sequence[Sequence[Any]]

_NOTHING: Mapping[str, Any] = {}


class Quick:
    """Carries out statements one by one, each a transaction of its own, from any thread.

    On SQLite every thread has a connection for that; elsewhere SQLAlchemy does it. What is done here must be short: an
    event loop may wait for it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._direct = engine.dialect.name == "sqlite"
        self._local = threading.local()
        # A thread's connection goes with the thread; only what is left in the end has to be closed here.
        self._opened: weakref.WeakSet[_Own] = weakref.WeakSet()

    def prepare(self, statement: Executable) -> Callable[[Mapping[str, Any]], Rows]:
        """A function that takes the parameters of a statement and gives all rows of its result."""
        if not self._direct:
            return lambda given: self._through_sqlalchemy(statement, given)
        compiled = statement.compile(dialect=sqlite.dialect(paramstyle="named"))  # type: ignore[attr-defined]
        sql, constants = str(compiled), dict(compiled.params)
        return lambda given: self.run(sql, {**constants, **given})

    def run(self, sql: str, given: Mapping[str, Any] = _NOTHING) -> Rows:
        """All rows of the result of a statement in the words of the database."""
        if not self._direct:
            return self._through_sqlalchemy(text(sql), given)
        try:
            own = self._local.own
        except AttributeError:
            own = self._local.own = self._open()
        rows: Rows = own.cursor.execute(sql, given).fetchall()
        return rows

    def counter(self) -> Callable[[], int]:
        """A function that gives another number when somebody else may have written since it was last asked here."""
        if not self._direct:
            return itertools.count().__next__
        return lambda: int(self.run("PRAGMA data_version")[0][0])

    def _through_sqlalchemy(self, statement: Executable, given: Mapping[str, Any]) -> Rows:
        with self._engine.begin() as connection:
            result = connection.execute(statement, given)
            return result.all() if result.returns_rows else ()

    def _open(self) -> _Own:
        borrowed = self._engine.raw_connection()
        own = _Own(borrowed.driver_connection)
        borrowed.detach()
        self._opened.add(own)
        return own

    def close(self) -> None:
        """Close all connections. No thread may use them any more."""
        for own in list(self._opened):
            own.close()
        self._local = threading.local()


class _Own:
    """A thread's connection, and a cursor on it; closed at the latest when the thread has ended."""

    def __init__(self, connection: Any) -> None:
        self.cursor = connection.cursor()
        self.close = weakref.finalize(self, connection.close)
