"""Folders that are there for a while, and are removed even if whoever made them is killed."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import IO

_LOCK = "lock"


@contextmanager
def temporary_folder(place: Path, prefix: str) -> Iterator[Path]:
    """A new folder in a place, for this block and this user alone; a file named `lock` is in it. Raises OSError.

    Whatever such blocks have left there that were killed is removed first, by the prefix.
    """
    _remove_left(place, prefix)
    folder, lock = _new_folder(place, prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.close()


def _new_folder(place: Path, prefix: str) -> tuple[Path, IO[bytes]]:
    while True:
        folder = Path(mkdtemp(prefix=prefix, dir=place))
        lock = (folder / _LOCK).open("wb")
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Somebody who began at the same time may have found the file before it was locked, and removed everything.
        if (folder / _LOCK).exists():
            return folder, lock
        lock.close()


def _remove_left(place: Path, prefix: str) -> None:
    for folder in place.glob(f"{prefix}*"):
        try:
            if folder.lstat().st_uid != os.getuid():
                continue
            with (folder / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
        except OSError:
            # Somebody is at work there, or only beginning.
            continue
