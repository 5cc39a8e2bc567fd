"""Whether other users of this machine could read or change what is ours alone: keys, and the data folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mturk_gateway.settings import Settings

_FOR_OTHERS = stat.S_IRWXO


def keep_to_ourselves() -> None:
    """Make whatever this process creates from now on readable by its own user only."""
    os.umask(0o077)


class Fault(NamedTuple):
    """What is open to others, in a sentence without its full stop, and what closes it."""

    text: str
    remedy: str


def faults(settings: Settings) -> list[Fault]:
    """What is open to others; nothing when all is well.

    A group may read: orchestrators give files to one. What is not there yet cannot be wrong.
    """
    return [fault for path in _ours(settings) for fault in _faults_of(path)]


def _ours(settings: Settings) -> Iterator[Path]:
    keys = {settings.keys, settings.credentials, settings.tls_key, *(settings.data / "tls").glob("*.key")}
    yield settings.data
    yield from sorted(path for path in keys if path)


def _faults_of(path: Path) -> Iterator[Fault]:
    try:
        # Where secrets are mounted, they are links.
        status = path.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        yield Fault(f"{path} cannot be looked at: {error.strerror}", f"ls -ld {path.parent}")
        return
    if status.st_mode & _FOR_OTHERS:
        yield Fault(f"{path} is open to every user of this machine", f"chmod o-rwx {path}")
    if status.st_mode & stat.S_IWGRP and not stat.S_ISDIR(status.st_mode):
        yield Fault(f"the group of {path} may change it", f"chmod g-w {path}")
    us = os.geteuid()
    if us and status.st_uid not in (us, 0):
        yield Fault(f"{path} belongs to another user, who may change it", f"sudo chown {us} {path}")
