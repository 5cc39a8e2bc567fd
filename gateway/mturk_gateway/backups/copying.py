"""Copies of SQLite files that others are writing, and files that appear as a whole or not at all."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_STEP = 256
"""Pages that are copied at a time."""


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A path to write to: the file takes its place under `path` when the block ends, and is gone if it fails.

    It is its owner's alone. Raises OSError.
    """
    begun = path.with_name(f".{path.name}.{os.getpid()}.new")
    os.close(os.open(begun, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield begun
        sync(begun)
        begun.replace(path)
        sync(path.parent)
    except BaseException:
        begun.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, would survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def copy_database(source: sqlite3.Connection, path: Path, pause: float = 0.0) -> None:
    """Copy a database into a file: as it was when the connection's transaction began, or as it is now.

    Others may write to it meanwhile. After every MiB the copy rests for `pause` times as long as that took, to leave
    the disk to others. Raises OSError or sqlite3.Error.
    """
    began = time.perf_counter()

    def rest(*_: int) -> None:
        nonlocal began
        time.sleep(pause * (time.perf_counter() - began))
        began = time.perf_counter()

    with new_file(path) as begun, closing(sqlite3.connect(begun)) as target:
        # Nobody sees the file before it is complete, and it is synced then.
        target.execute("PRAGMA synchronous=OFF")
        target.execute("PRAGMA journal_mode=OFF")
        source.backup(target, pages=_STEP, progress=rest)
