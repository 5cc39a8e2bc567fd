"""The durable databases: whole, and of a version that this program can go on from."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from mturk_gateway.doctor.findings import Finding, ok, problem, warning
from mturk_gateway.doctor.reading import UnreadableError, reading
from mturk_gateway.schemas import PACKAGES, SchemaError, check_version, known_versions
from mturk_gateway.settings import Settings

_PATIENCE = 60.0
"""Seconds that looking through one database may take: as long as somebody reads, its log of writes grows."""
_INSTRUCTIONS = 100_000
"""SQLite's own, between two looks at the clock."""


def check_databases(settings: Settings) -> Iterator[Finding]:
    """Whether each can be read from end to end, and what the next start will do with it."""
    for name, package in PACKAGES.items():
        path = settings.data / name
        if name == "marketplace.db" and not settings.embedded:
            continue
        if not path.exists():
            if settings.data.is_dir() and any(settings.data.iterdir()):
                yield _nothing_in(path, "is not there")
            continue
        try:
            yield from _check(path, package)
        except UnreadableError as error:
            yield warning(f"{path} was not looked into: {error}", "start the gateway, and ask again")
        except sqlite3.Error as error:
            yield problem(f"{path} cannot be read ({error})", _remedy(settings))


def _check(path: Path, package: str) -> Iterator[Finding]:
    with reading(path) as connection:
        if connection.execute("SELECT name FROM sqlite_master").fetchone() is None:
            yield _nothing_in(path, "is empty")
            return
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        version = row[0] if row else None
        try:
            check_version(package, str(path), version)
        except SchemaError as error:
            yield problem(
                str(error), "install the newer program again, or mturk-gateway restore FILE into a new folder"
            )
            return
        latest = known_versions(package)[0]
        if version != latest:
            yield warning(
                f"{path} has version {version}: the next start brings it to {latest}, from where there is no way back",
                "make a backup before: mturk-gateway backup FOLDER",
            )
        end = time.monotonic() + _PATIENCE
        connection.set_progress_handler(lambda: time.monotonic() > end, _INSTRUCTIONS)
        try:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.OperationalError as error:
            if "interrupted" not in str(error):
                raise
            yield warning(f"{path} was looked through for {_PATIENCE:g} s, not to its end", "a backup looks to the end")
            return
    if found == "ok":
        yield ok(f"{path} is whole, version {version}")
    else:
        yield problem(
            f"{path} is damaged: {found}", "stop the gateway, keep the folder, restore the last backup elsewhere"
        )


def _nothing_in(path: Path, how: str) -> Finding:
    return warning(f"{path} {how}: the next start begins with nothing in it", "if that is new to you, restore a backup")


def _remedy(settings: Settings) -> str:
    return f"stop the gateway, move {settings.data} away, and: mturk-gateway restore FILE --data {settings.data}"
