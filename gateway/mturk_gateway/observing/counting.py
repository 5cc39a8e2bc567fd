"""The folder in which the processes of one `serve` keep what they count, so that any of them can tell it all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir

from mturk_gateway.observing.metrics import FOLDER
from mturk_gateway.temporary import temporary_folder

_MEMORY = Path("/dev/shm")  # noqa: S108  # only ever a folder of an unguessable name in it
_PREFIX = "mturk-gateway-metrics-"


@contextmanager
def counted_together() -> Iterator[Path]:
    """A folder for what processes count that are started in this block.

    It is in memory where the system has that: the files are mapped, and a disk that is full would end the process that
    writes to one.
    """
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else Path(gettempdir())
    with temporary_folder(place, _PREFIX) as folder:
        os.environ[FOLDER] = str(folder)
        try:
            yield folder
        finally:
            os.environ.pop(FOLDER, None)
