"""What to put where, so that old programs find the gateway under Amazon's names and trust it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from mturk_gateway.tls.clients import CLIENTS, Client
from mturk_gateway.tls.systems import System


def clients_called(name: str) -> tuple[Client, ...]:
    """The clients that are called so, whatever its capitals; where there is none, those of whose names it is a part."""
    asked = name.lower()
    exactly = tuple(client for client in CLIENTS if asked in (known.lower() for known in client.names))
    return exactly or tuple(client for client in CLIENTS if any(asked in known.lower() for known in client.names))


def advice(
    system: System, authority: Path, address: str, hosts: Sequence[str], clients: Sequence[Client]
) -> Iterator[str]:
    """Lines that say it, for programs on a machine of this system: a gateway at an address answers for the hosts."""
    file = _quoted(system, str(authority))
    yield f"On {system.title}:"
    yield ""
    yield f"In {system.hosts_file}, so that the names lead to the gateway:"
    yield f"  {address} {' '.join(host for host in hosts if host != 'localhost')}"
    yield ""
    yield "So that the system trusts the authority:"
    for command in system.trust:
        yield f"  {command.format(file=file)}"
    if system.bundle == "{file}":
        yield ""
        yield "What names a file below names the authority alone. A program that asks other hosts too needs a file with"
        yield "its other authorities before this one."
    for client in clients:
        yield ""
        yield f"{', '.join(client.names)}:"
        for line in (*_told(system, client, file), client.note):
            if line:
                yield f"  {line}"


def _told(system: System, client: Client, file: str) -> Iterator[str]:
    bundle = system.bundle.format(file=file)
    installed = system.installed.format(file=file)
    for names, value in ((client.variables, bundle), (client.more, installed)):
        for name in names:
            yield system.environment.format(name=name, value=value)
    for line in client.lines:
        yield line.format(bundle=bundle, authority=installed)


def _quoted(system: System, path: str) -> str:
    if not system.hosts_file.startswith("C:"):
        return shlex.quote(path)
    return f'"{path}"' if " " in path else path
