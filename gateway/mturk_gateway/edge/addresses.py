"""Network addresses, as peers and proxies write them."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_OF_ONE = 64
"""Bits of an IPv6 address that tell customers apart: each has at least all addresses that share them."""


def address_of(host: str) -> Address | None:
    """The address that a text is; None for anything else.

    One of IPv4 that came to a socket of IPv6 is itself again.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback(host: str) -> bool:
    """Whether a host to listen on, or a peer, is this machine itself."""
    address = address_of(host)
    return host == "localhost" or (address is not None and address.is_loopback)


@lru_cache(4096)
def neighbourhood(host: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 of an IPv6 address."""
    address = address_of(host)
    if address is None:
        return host
    return str(address) if address.version == 4 else str(ip_network((int(address), _OF_ONE), strict=False))


def read_networks(text: str) -> tuple[Network, ...]:
    """The addresses and networks of a text with commas between. Raises ValueError, in words, for any other."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ValueError("no address is named")
    return tuple(map(_read_network, parts))


def _read_network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no address or network: {error}") from None
