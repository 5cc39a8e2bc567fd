"""Room on the disk of the data folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mturk_gateway.doctor.findings import Finding, ok, problem, warning
from mturk_gateway.settings import Settings

_MIB = 2**20
_LEAST = 256 * _MIB
"""Free bytes below which writes will soon fail."""
_FEWEST = 1000
"""Files that a disk should still be able to have."""


def check_space(settings: Settings) -> Iterator[Finding]:
    """Whether there is room for what may come: snapshots, and one copy of the databases for a backup or an upgrade."""
    folder = next(path for path in (settings.data.absolute(), *settings.data.absolute().parents) if path.is_dir())
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    lasting = sum(_size(settings.data / name) for name in ("marketplace.db", "ledger.db"))
    snapshots = max(0, settings.snapshot_space * _MIB - _size(settings.data / "snapshots.db"))
    room = f"{free // _MIB} MiB are free on the disk of {folder}"
    if free < _LEAST:
        yield problem(f"{room}: on a full disk every write fails", "make room, or move the data folder")
    elif free < snapshots + lasting:
        yield warning(
            f"{room}, but snapshots may take {snapshots // _MIB} MiB more, and a copy of the databases "
            f"{lasting // _MIB} MiB: on a full disk every write fails",
            f"make room, or let snapshots have less: --snapshot-space {max(64, free // _MIB // 2)}",
        )
    else:
        yield ok(room)
    if disk.f_files and disk.f_favail < _FEWEST:
        yield problem(f"the disk of {folder} can have {disk.f_favail} more files only", "delete files there: df -i")
    for copy in sorted(settings.data.glob("*.db.before-*")):
        yield ok(f"{copy} ({_size(copy) // _MIB} MiB) is what was before an upgrade: delete it once all is well")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
