"""Looking into an SQLite file without leaving a trace, whether or not somebody is writing to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


class UnreadableError(Exception):
    """A file cannot be looked into without changing something; the text says why."""


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that can only read. Raises UnreadableError or sqlite3.Error."""
    log, shared = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    if shared.exists() and log.exists():
        how = "mode=ro&readonly_shm=1"
    elif log.exists() and log.stat().st_size:
        raise UnreadableError(f"{log.name} holds writes that are taken in when the gateway starts")
    else:
        # Nobody has it open, and without this SQLite would make both files.
        how = "immutable=1"
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=10)) as connection:
        yield connection
