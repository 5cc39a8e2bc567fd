"""The data folder: there, ours, and on a disk of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mturk_gateway.doctor.findings import Finding, ok, problem, warning
from mturk_gateway.permissions import faults
from mturk_gateway.settings import Settings

_REMOTE = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "glusterfs", "fuse.sshfs"} | {
    "fuse.glusterfs", "fuse.s3fs", "fuse.rclone", "davfs", "vboxsf",
}  # fmt: skip


def check_folder(settings: Settings) -> Iterator[Finding]:
    """Whether the data folder can be used."""
    data = settings.data.absolute()
    if not data.exists():
        yield warning(
            f"{data} is not there: `mturk-gateway serve` will make it, and begin with nothing in it",
            "if there should be data, give its folder with --data, or put a backup there: "
            f"mturk-gateway restore FILE --data {data}",
        )
        return
    if not data.is_dir():
        yield problem(f"{data} is no folder, so nothing can be kept there", "give another one with --data")
        return
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        yield problem(
            f"this user ({os.geteuid()}) may not write to {data}",
            f"run as the user of the gateway, or: sudo chown -R {os.geteuid()} {data}",
        )
    for fault in faults(settings):
        yield problem(f"{fault.text}, so `mturk-gateway serve` refuses to start", fault.remedy)
    kind = file_system(data)
    if kind in _REMOTE:
        yield problem(
            f"{data} is on a network file system ({kind}), where SQLite's locks do not hold: databases get damaged",
            "move the data folder to a disk of this machine",
        )
    else:
        yield ok(f"{data}" + (f" on {kind}" if kind else ""))


def file_system(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str | None:
    """The kind of file system that a path is on, as Linux calls it; None where that cannot be known."""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return None
    found: tuple[str, str | None] = ("", None)
    for line in lines:
        before, _, after = line.partition(" - ")
        point = before.split(" ")[4].replace("\\040", " ")
        # Of two at the same place, the later one hides the other.
        if path.resolve().is_relative_to(point) and len(point) >= len(found[0]):
            found = (point, after.split(" ")[0])
    return found[1]
