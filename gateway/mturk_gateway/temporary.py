"""Folders that are there for a while, and are removed even if whoever made them is killed."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

_LOCK = "lock"


@contextmanager
def temporary_folder(place: Path, prefix: str) -> Iterator[Path]:
    """A new folder in a place, for this block and this user alone; a file named `lock` is in it. Raises OSError.

    Whatever such blocks have left there that were killed is removed first, by the prefix.
    """
    _remove_left(place, prefix)
    folder = Path(mkdtemp(prefix=prefix, dir=place))
    try:
        with (folder / _LOCK).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
