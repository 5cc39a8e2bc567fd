"""Settings that are allowed, and that somebody may not have meant."""

from __future__ import annotations

from collections.abc import Iterator

from mturk_gateway.doctor.findings import Finding, ok, warning
from mturk_gateway.edge.addresses import is_loopback
from mturk_gateway.settings import Settings

_USUAL_SKEW = 900
_SMALLEST_PREFIX = {4: 8, 6: 16}
"""Bits of the widest network in which somebody may know all machines, by the version of the protocol."""


def check_dangers(settings: Settings) -> Iterator[Finding]:
    """What strangers, or time, could make of them."""
    found = list(_dangers(settings))
    yield from found
    if not found:
        yield ok("other machines can reach it" if settings.exposed else "only this machine can reach it")


def _dangers(settings: Settings) -> Iterator[Finding]:
    if any(network.prefixlen < _SMALLEST_PREFIX[network.version] for network in settings.proxies):
        yield warning(
            "a large part of the Internet is trusted to say who a client is",
            "name the proxies alone: --behind-proxy 10.0.0.2",
        )
    if settings.exposed and 0 in (settings.key_rate, settings.address_rate):
        yield warning(
            "other machines can reach it, and rates are not limited: one of them can keep all others waiting",
            "leave out --key-rate 0 and --address-rate 0",
        )
    if settings.exposed and not settings.public_url:
        yield warning(
            "other machines reach it under a name that it does not know: links in answers do not lead to it",
            "--public-url https://THE.NAME",
        )
    if not is_loopback(settings.operators_host):
        yield warning(
            f"operators' pages are to be had at {settings.operators_host}, by everybody who can reach it",
            "--operators-host 127.0.0.1, or a network of operators",
        )
    if settings.clock_skew > _USUAL_SKEW:
        yield warning(
            f"a request that was overheard can be sent again for {settings.clock_skew} s",
            f"--clock-skew {_USUAL_SKEW}, or `mturk_gateway_clock_skew` in one profile alone",
        )
    if settings.record and not settings.scrub:
        yield warning(f"answers of workers are written to {settings.record} as they are", "--scrub")
    if settings.data.absolute().is_relative_to("/tmp"):  # noqa: S108
        yield warning(f"{settings.data} may be emptied when the machine starts", "--data /var/lib/mturk-gateway")
