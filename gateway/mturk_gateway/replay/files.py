"""The folder of a recording: made ready, and written into so that nothing half done stays there."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from mturk_gateway.replay.pairs import FilePair
from mturk_gateway.transcript import epoch_seconds

_REMOVED = b"REMOVED"
"""What stands in the place of keys and signatures."""


def prepare_folder(folder: Path) -> None:
    """Make the folder, if need be, and write into it, to tell now what could not be told later. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def save(folder: Path, pair: FilePair) -> None:
    """Write a pair into a folder: both files or, when that fails, none. Raises OSError."""
    contents = {".json": _json(pair.facts), ".xml": pair.document}
    for secret in pair.secrets:
        contents = {suffix: content.replace(secret.encode(), _REMOVED) for suffix, content in contents.items()}
    path = folder / pair.name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.mkdir(exist_ok=True)
    begun: list[Path] = []
    try:
        for suffix, content in contents.items():
            begun.append(path.with_name(f".{path.name}{suffix}"))
            begun[-1].write_bytes(content)
        # The JSON appears first: without it the other one would answer whatever is asked of its operation.
        for suffix in contents:
            begun.append(path.with_name(f"{path.name}{suffix}"))
            path.with_name(f".{path.name}{suffix}").rename(begun[-1])
    except OSError:
        for file in begun:
            with suppress(OSError):
                file.unlink(missing_ok=True)
        raise


def _json(facts: dict[str, Any]) -> bytes:
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_PASSTHROUGH_DATETIME
    try:
        return orjson.dumps(facts, epoch_seconds, options)
    except orjson.JSONEncodeError:
        # An upstream may send what is no valid Unicode, or very deep.
        return json.dumps(facts, default=epoch_seconds).encode() + b"\n"
