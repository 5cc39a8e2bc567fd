"""Backups of a data folder, also of one that is in use, and data folders made from them."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from mturk_gateway.backups.archive import ArchiveError, Manifest, entry_of, files_of, unpack, write_archive
from mturk_gateway.backups.copying import copy_database, sync
from mturk_gateway.schemas import PACKAGES, SchemaError, check_version
from mturk_gateway.temporary import temporary_folder

_REST = 1.0
"""How long a copy rests for each second that it reads and writes."""
_HALF_DONE = ".restoring"
"""The folder, in the data folder, of a restore that has not come to its end."""


class BackupError(Exception):
    """A backup cannot be made or restored; the text is for the operator."""


def back_up(data: Path, file: Path, now: float) -> Manifest:
    """Put what has to last of a data folder into a file, which is its owner's alone and appears when it is complete.

    The databases are copied as they were at one moment, while others go on writing. Raises BackupError.
    """
    try:
        with temporary_folder(file.parent, ".mturk-gateway-backup-") as folder:
            names = files_of(data)
            databases = [name for name in names if name in PACKAGES]
            if "ledger.db" not in databases:
                raise BackupError(f"{data} is not the data folder of a gateway: it has no ledger.db")
            (folder / "tls").mkdir()
            with _moment(data, databases) as connections:
                for name in names:
                    if name not in databases:
                        shutil.copyfile(data / name, folder / name)
                for name, connection in connections.items():
                    copy_database(connection, folder / name, _REST)
            manifest = Manifest(
                version("mturk-gateway"),
                datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
                {name: _checked_version(folder / name) for name in databases},
                {name: entry_of(folder / name) for name in names},
            )
            archive = folder / "archive"
            archive.touch(mode=0o600)
            write_archive(archive, manifest, folder)
            sync(archive)
            archive.replace(file)
            sync(file.parent)
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"no backup was made: {error}") from None
    return manifest


@contextmanager
def _moment(data: Path, names: Sequence[str]) -> Iterator[dict[str, sqlite3.Connection]]:
    """Connections to databases, each of which sees what there was at the same moment.

    Nothing is written to the ledger while the connections begin to read. So the two belong together as after a crash of
    all processes, which is what undertakings are made for: each is planned in the ledger before the marketplace is
    asked to do any of it, and ended there after all of it.
    """
    with ExitStack() as stack:
        ledger = stack.enter_context(closing(_connect(data / "ledger.db")))
        ledger.execute("BEGIN IMMEDIATE")
        connections = {name: stack.enter_context(closing(_connect(data / name))) for name in names}
        for connection in connections.values():
            connection.execute("BEGIN")
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        ledger.execute("ROLLBACK")
        yield connections


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=30, isolation_level=None)


def _checked_version(path: Path) -> str | None:
    """The version of a copied database, which is whole. Raises BackupError, or sqlite3.Error."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise BackupError(f"{path.name} is damaged: {found}. Keep the backups that you have")
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else None


def restore(file: Path, data: Path) -> Manifest:
    """Make a data folder, which must not be there or be empty, from a backup.

    It appears as a whole, or nothing is left. Raises BackupError.
    """
    try:
        if data.exists() and any(path.name != _HALF_DONE for path in data.iterdir()):
            raise BackupError(f"{data} is not empty. Give the name of a new folder, or move that one away")
        is_new = not data.exists()
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = data / _HALF_DONE
        moved: list[Path] = []
        try:
            data.chmod(0o700)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
            manifest = unpack(file, folder)
            _check(folder, file)
            for path in folder.rglob("*"):
                sync(path)
            # With the marketplace it is complete; without it, `serve` would begin with an empty one.
            for path in sorted(folder.iterdir(), key=lambda path: path.name == "marketplace.db"):
                moved.append(path.rename(data / path.name))  # noqa: PERF401  # as far as it comes
            folder.rmdir()
            sync(data)
        except BaseException:
            for path in moved:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            shutil.rmtree(folder, ignore_errors=True)
            if is_new:
                with suppress(OSError):
                    data.rmdir()
            raise
    except ArchiveError as error:
        raise BackupError(str(error)) from None
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"nothing was restored: {error}") from None
    return manifest


def _check(folder: Path, file: Path) -> None:
    for name, package in PACKAGES.items():
        if (folder / name).exists():
            try:
                check_version(package, f"{name} in {file}", _checked_version(folder / name))
            except SchemaError as error:
                raise BackupError(str(error)) from None


def name_of_backup(now: float) -> str:
    """The name of a file for a backup of a moment; names sort as the moments do."""
    return time.strftime("mturk-gateway-%Y%m%dT%H%M%SZ.tar.gz", time.gmtime(now))
