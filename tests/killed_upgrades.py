"""A script: upgrades of copies of a database are killed before every so many statements, and before the last.

Prints how many were tried and how many were killed, after which the database was changed, and after which the next
upgrade did not come to its end.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from sqlalchemy import event

from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.schemas import PACKAGES, known_versions


def migrate(path, at=None):
    """Upgrade, and be killed at the statement of that number; gives how many statements there were."""
    # Who is killed, and no power cut, needs no disk to be waited for.
    database = Database(sqlite_url(path), durable=False)
    count = 0

    def counted(*_):
        nonlocal count
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1

    event.listen(database.engine, "before_cursor_execute", counted)
    event.listen(database.engine, "commit", counted)
    database.migrate(PACKAGES[path.name])
    database.close()
    return count


def content(path):
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def version(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]


def main(original, every):
    folder = original.parent / "killed"
    before = content(original)
    folder.mkdir()
    path = folder / original.name
    shutil.copy(original, path)
    statements = migrate(path)
    tried = sorted({*range(0, statements, every), statements - 1})
    killed, changed, unfinished = 0, [], []
    for number in tried:
        shutil.rmtree(folder)
        folder.mkdir()
        shutil.copy(original, path)
        child = os.fork()
        if not child:
            migrate(path, number)
            os._exit(0)
        killed += os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        if content(path) != before:
            changed.append(number)
        migrate(path)
        if version(path) != known_versions(PACKAGES[path.name])[0]:
            unfinished.append(number)
    print(json.dumps({"tried": len(tried), "killed": killed, "changed": changed, "unfinished": unfinished}))  # noqa: T201


main(Path(sys.argv[1]), int(sys.argv[2]))
