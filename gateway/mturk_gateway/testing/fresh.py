"""New data folders in no time: what they begin with is made once in a process and copied from then on."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from mturk_gateway.embedded import open_prepared
from mturk_gateway.house import House
from mturk_gateway.settings import Settings

_MEMORY = Path("/dev/shm")  # noqa: S108  # only ever a folder of an unguessable name in it


def memory_folder() -> TemporaryDirectory[str]:
    """A folder that goes with its `with` block: in memory where the system has such folders, else a temporary one."""
    has_memory = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)
    return TemporaryDirectory(prefix="mturk-gateway-", dir=_MEMORY if has_memory else None)


def open_fresh(settings: Settings) -> House:
    """The data folder of the settings, which must be empty, with all schemas up to date.

    All of a process have one key for scrubbing, so that a worker is the same in recordings of several gateways.
    """
    for name, content in _beginnings().items():
        (settings.data / name).write_bytes(content)
    return House.open(settings, durable=False)


@cache
def _beginnings() -> Mapping[str, bytes]:
    with memory_folder() as folder:
        open_prepared(Settings(data=Path(folder))).close()
        schemas = {path.name: path.read_bytes() for path in Path(folder).glob("*.db")}
    return {**schemas, "scrubbing.key": secrets.token_bytes(32)}
