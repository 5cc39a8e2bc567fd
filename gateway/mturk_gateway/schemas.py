"""Versions of the durable databases: which one a file has, which one this program wants, and the way from one to the
other. There is no way back.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from structlog import get_logger

from mturk_gateway.backups.copying import copy_database

log = get_logger()

PACKAGES = {"marketplace.db": "mturk_gateway.marketplace", "ledger.db": "mturk_gateway.ledger"}
"""The durable databases of a data folder, and the packages whose folder `migrations` says what is in them."""


class SchemaError(Exception):
    """A database is of no version that this program can go on from; the text is for the operator."""


@cache
def known_versions(package: str) -> tuple[str, ...]:
    """The versions that this program knows, the latest first: it brings every other one up to that."""
    revisions = ScriptDirectory.from_config(_config(package)).walk_revisions()
    return tuple(revision.revision for revision in revisions)


def check_version(package: str, name: str, version: str | None) -> None:
    """Refuse a version that this program does not know; None is that of an empty database. Raises SchemaError."""
    known = known_versions(package)
    if version is not None and version not in known:
        raise SchemaError(
            f"{name} has version {version}, and this program knows versions up to {known[0]}: a newer one wrote it. "
            "Run that one, or restore a backup from before it; there is no way back to an older version"
        )


def upgrade(connection: Connection, package: str) -> None:
    """Bring a database to the latest version, in the transaction that the connection is in. Raises SchemaError.

    A copy of an SQLite file of an older version is put beside it, if there is room.
    """
    path = Path(connection.engine.url.database or "")
    version = MigrationContext.configure(connection).get_current_revision()
    check_version(package, str(path), version)
    latest = known_versions(package)[0]
    if version == latest:
        return
    if version is not None and connection.dialect.name == "sqlite":
        _keep_copy(path, version, latest)
    config = _config(package)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config(package: str) -> Config:
    config = Config()
    config.set_main_option("script_location", f"{package}:migrations")
    return config


def _keep_copy(path: Path, version: str, latest: str) -> None:
    copy = path.with_name(f"{path.name}.before-{latest}")
    try:
        source = sqlite3.connect(path)
        try:
            copy_database(source, copy)
        finally:
            source.close()
    except (OSError, sqlite3.Error) as error:
        log.warning("database is upgraded without a copy", file=str(path), reason=str(error))
    else:
        log.info("database is upgraded, and a copy kept", file=str(path), version=version, to=latest, copy=str(copy))
