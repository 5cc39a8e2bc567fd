"""The files of an authority and of the certificate that it signed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


class TlsError(ValueError):
    """A certificate cannot be made or used; the text is for the person who wants to."""


@dataclass(frozen=True)
class TlsFiles:
    """Where they are. Certificates may be read by everybody, keys by their owner only."""

    folder: Path

    @property
    def authority(self) -> Path:
        """The certificate that clients are told to trust."""
        return self.folder / "authority.pem"

    @property
    def signer(self) -> Path:
        """The certificate by which the authority lets the signer's key sign for it."""
        return self.folder / "signer.pem"

    @property
    def signer_key(self) -> Path:
        """What signs the server's certificates. The authority's own key is not kept."""
        return self.folder / "signer.key"

    @property
    def certificate(self) -> Path:
        """The server's certificate, and after it that of its signer."""
        return self.folder / "server.pem"

    @property
    def key(self) -> Path:
        """The server's key."""
        return self.folder / "server.key"


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Write a file so that nobody ever sees half of it, or sees it with another mode. Raises OSError."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.chmod(mode)
    fresh.replace(path)
