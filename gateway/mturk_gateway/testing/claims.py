"""Folders that a run of pytest records into: what an earlier run left there would answer first, so it is refused."""

from __future__ import annotations

import os
from pathlib import Path

from mturk_gateway.replay.files import prepare_folder
from mturk_gateway.replay.recordings import RecordingError, names_below


def claim(folder: Path, claims: Path) -> None:
    """Make a folder ready to be recorded into by this run, and note that in a file that only this run has.

    Raises RecordingError for a folder that cannot be written to, or in which this run did not make all recordings.
    """
    folder = Path(os.path.realpath(folder))
    try:
        prepare_folder(folder)
    except OSError as error:
        reason = "this is no folder" if isinstance(error, FileExistsError) else error.strerror
        raise RecordingError(f"{folder}: nothing can be recorded here: {reason}") from None
    # In this order: whoever records side by side claims a folder before anything is in it.
    pairs = [path for path in (folder / name for name in names_below(folder)) if _is_pair(path)]
    claimed = {Path(os.fsdecode(line)) for line in claims.read_bytes().splitlines()} if claims.exists() else set()
    if any(claimed.isdisjoint(path.parents) for path in pairs):
        raise RecordingError(f"{folder}: here are recordings of an earlier run: remove them to record anew")
    with claims.open("ab") as file:
        file.write(os.fsencode(folder) + b"\n")


def _is_pair(path: Path) -> bool:
    """Whether there are both files of a recording; the path has no suffix."""
    return all(path.with_name(f"{path.name}{suffix}").exists() for suffix in (".xml", ".json"))
