"""The folder in which the processes of one `serve` keep what they count, so that any of them can tell it all."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir, mkdtemp

from mturk_gateway.observing.metrics import FOLDER

_MEMORY = Path("/dev/shm")  # noqa: S108  # only ever a folder of an unguessable name in it
_PREFIX = "mturk-gateway-metrics-"
_LOCK = "lock"


@contextmanager
def counted_together() -> Iterator[Path]:
    """A folder for what processes count that are started in this block.

    It is in memory where the system has that: the files are mapped, and a disk that is full would end the process that
    writes to one.
    """
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else Path(gettempdir())
    _remove_left(place)
    folder = Path(mkdtemp(prefix=_PREFIX, dir=place))
    os.environ[FOLDER] = str(folder)
    with (folder / _LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            os.environ.pop(FOLDER, None)
            shutil.rmtree(folder, ignore_errors=True)


def _remove_left(place: Path) -> None:
    """Remove what those have left who were killed: nobody holds the lock."""
    for folder in place.glob(f"{_PREFIX}*"):
        try:
            if folder.stat().st_uid != os.getuid():
                continue
            with (folder / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
        except OSError:
            # Somebody is at work there, or only beginning.
            continue
