"""The program, what it stands on, and what the system lets it have."""

from __future__ import annotations

import re
import resource
import sqlite3
import ssl
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from mturk_gateway.doctor.findings import Finding, ok, problem, warning
from mturk_gateway.settings import Settings

_SQLITE = (3, 35, 0)
_FILES = 4096
"""Handles that a few thousand connections and the databases need."""
_MEMORY = 512
"""MiB that fronts, walker and marketplace need between them."""


def check_program(_settings: Settings) -> Iterator[Finding]:
    """Versions, file handles and memory."""
    yield ok(
        f"mturk-gateway {version('mturk-gateway')}, Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}, "
        f"{ssl.OPENSSL_VERSION.partition('  ')[0]}"
    )
    if sqlite3.sqlite_version_info < _SQLITE:
        yield problem(
            f"SQLite {sqlite3.sqlite_version} is too old: upgrades of the databases fail",
            f"use a Python with SQLite {'.'.join(map(str, _SQLITE))} or newer",
        )
    for requirement in requires("mturk-gateway") or ():
        yield from _check_requirement(requirement)
    handles, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if handles != resource.RLIM_INFINITY and handles < _FILES:
        yield warning(
            f"a process may have {handles} files and connections open: with more clients, new ones are turned away",
            f"ulimit -n {most if 0 < most < _FILES else 65_536}, or LimitNOFILE=65536 in the systemd unit",
        )
    free = _free_memory()
    if free is not None and free < _MEMORY:
        yield warning(f"{free} MiB of memory are free: the system may end processes", "stop something, or add memory")


def _check_requirement(requirement: str) -> Iterator[Finding]:
    said, _, marker = requirement.partition(";")
    parts = re.fullmatch(r"([\w.-]+)(?:\[[^]]*\])?>=([\d.]+)\s*", said.strip())
    if parts is None or marker:
        return
    name, least = parts.groups()
    remedy = "pip install --upgrade mturk-gateway, into a virtual environment of its own"
    try:
        found = version(name)
    except PackageNotFoundError:
        yield problem(f"{name} is not installed", remedy)
        return
    if _numbers(found) < _numbers(least):
        yield problem(f"{name} {found} is too old: {least} is needed", remedy)


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


def _free_memory() -> int | None:
    """MiB, or None where that cannot be known."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) // 1024 if found else None
