"""The addresses to listen on: free, or ours already."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import closing, suppress

import httpx

from mturk_gateway.doctor.findings import Finding, ok, problem
from mturk_gateway.settings import Settings

_PATIENCE = 5.0


def check_listeners(settings: Settings) -> Iterator[Finding]:
    """Whether `serve` could listen where it is to, or a gateway does; and whether that one is well."""
    running = is_running(settings)
    for option, host, port in (
        ("--port", settings.host, settings.port),
        ("--content-port", settings.host, settings.content_port),
        ("--operators-port", settings.operators_host, settings.operators_port),
    ):
        yield _check(option, host, port, running=running is not None)
    if running:
        yield problem(f"the gateway that runs is not ready: {running}", "look at its log")


def _check(option: str, host: str, port: int, *, running: bool) -> Finding:
    error = _trial(host, port)
    if error is None:
        return ok(f"port {port} of {host} is free")
    # Whoever asks need not have the rights of the service.
    if error in (errno.EADDRINUSE, errno.EACCES) and running:
        return ok(f"port {port} of {host} is a gateway's")
    if error == errno.EADDRINUSE:
        return problem(f"port {port} of {host} is somebody else's: `serve` cannot start", f"give another one: {option}")
    if error == errno.EACCES:
        return problem(
            f"this user may not listen on port {port}: `serve` cannot start",
            f"sysctl net.ipv4.ip_unprivileged_port_start={port}, or another port: {option}",
        )
    return problem(f"{host} is no address of this machine: `serve` cannot start", "give one that `ip address` shows")


def _trial(host: str, port: int) -> int | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            return error.errno or errno.EADDRNOTAVAIL
    return None


def is_running(settings: Settings) -> str | None:
    """What keeps the gateway that runs here from answering, nothing (empty) when it is ready; None when none runs."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.operators_host, settings.operators_host)  # noqa: S104
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.operators_port}/readyz"
    # Over TLS the certificate names the host that clients know; nothing secret is sent.
    with httpx.Client(verify=False, trust_env=False, timeout=_PATIENCE) as client:  # noqa: S501
        for asked in (url, url.replace("http:", "https:", 1)):
            with suppress(httpx.HTTPError, ValueError, KeyError, TypeError):
                return ", ".join(client.get(asked).json()["problems"])
    return None
