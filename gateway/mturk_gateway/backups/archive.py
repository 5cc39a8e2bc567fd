"""The file of a backup: a compressed tar archive that says first what is in it, with checksums."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

_FORMAT = 1
_MANIFEST = "manifest.json"
_LARGEST_MANIFEST = 1_000_000
_NAMES = re.compile(r"marketplace\.db|ledger\.db|credentials|scrubbing\.key|tls/[A-Za-z0-9][A-Za-z0-9._-]*")
"""What may be in an archive: nothing else is written anywhere, whatever an archive says."""
_QUICKLY = 1
"""zlib's level: rows are so alike that the higher ones take the processor for longer than they are worth."""
_CHUNK = 1 << 20


class ArchiveError(ValueError):
    """A file is no archive of ours, or not all of one; the text is for the operator."""


@dataclass(frozen=True)
class Entry:
    """What is known of a file before it is read: bytes, and SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What an archive is: made by a version of this program, of a moment (UTC), with databases of these versions."""

    program: str
    moment: str
    databases: Mapping[str, str | None]
    files: Mapping[str, Entry]


def files_of(folder: Path) -> list[str]:
    """The names of those files of a data folder that belong into an archive, databases last."""
    found = [path.relative_to(folder).as_posix() for path in (*folder.glob("*"), *folder.glob("tls/*"))]
    return sorted((name for name in found if _NAMES.fullmatch(name)), key=lambda name: (name.endswith(".db"), name))


def entry_of(path: Path) -> Entry:
    """What an archive says of a file. Raises OSError."""
    with path.open("rb") as stream:
        return Entry(path.stat().st_size, hashlib.file_digest(stream, "sha256").hexdigest())


def write_archive(path: Path, manifest: Manifest, folder: Path) -> None:
    """Write the files that a manifest names, which are in a folder. Raises OSError."""
    said = json.dumps({"format": _FORMAT, **asdict(manifest)}, indent=2).encode() + b"\n"
    with tarfile.open(path, "w:gz", compresslevel=_QUICKLY) as tar:
        tar.addfile(_member(_MANIFEST, len(said)), io.BytesIO(said))
        for name, entry in manifest.files.items():
            with (folder / name).open("rb") as stream:
                tar.addfile(_member(name, entry.size), stream)


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


def unpack(path: Path, folder: Path) -> Manifest:
    """Write the files of an archive into a folder, where only the owner may read them.

    Raises ArchiveError for one that is damaged, incomplete or not ours, else OSError.
    """
    try:
        with tarfile.open(path, "r:gz") as tar:
            manifest = _read_manifest(tar)
            missing = dict(manifest.files)
            for member, stream in _members(tar):
                entry = missing.pop(member.name, None)
                if entry is None or member.size != entry.size:
                    raise ArchiveError(f"{path} has a file that its list does not name, or of another size")
                _write(folder / member.name, stream, entry)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ArchiveError(f"{path} is damaged or incomplete ({error})") from None
    except _NotOursError as error:
        raise ArchiveError(f"{path} is no backup of this program: {error}") from None
    if missing:
        raise ArchiveError(f"{path} is incomplete: {', '.join(missing)} is missing")
    return manifest


class _NotOursError(Exception):
    pass


def _read_manifest(tar: tarfile.TarFile) -> Manifest:
    member, stream = next(_members(tar), (None, None))
    if member is None or stream is None or member.name != _MANIFEST or member.size > _LARGEST_MANIFEST:
        raise _NotOursError(f"it does not begin with {_MANIFEST}")
    try:
        said: dict[str, Any] = json.loads(stream.read())
        if said.pop("format") != _FORMAT:
            raise _NotOursError("a newer program made it")
        files = {name: Entry(int(entry["size"]), str(entry["sha256"])) for name, entry in said.pop("files").items()}
        manifest = Manifest(**said, files=files)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise _NotOursError(f"its {_MANIFEST} says nothing of use ({type(error).__name__})") from None
    for name in files:
        if not _NAMES.fullmatch(name):
            raise _NotOursError(f"it has a file {name!r}")
    return manifest


def _members(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    while (member := tar.next()) is not None:
        stream = tar.extractfile(member) if member.isreg() else None
        if stream is None:
            raise _NotOursError(f"{member.name!r} is no file")
        yield member, stream


def _write(path: Path, stream: IO[bytes], entry: Entry) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as target:
        while chunk := stream.read(_CHUNK):
            target.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    if Entry(size, digest.hexdigest()) != entry:
        raise ArchiveError(f"{path.name} in the archive is damaged: it is not what was backed up")
