"""Whose word is believed about clients: that of the proxies that speak TLS with them, and nobody else's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_network

from starlette.types import ASGIApp, Receive, Scope, Send
from structlog import get_logger
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from mturk_gateway.edge.addresses import Network, address_of
from mturk_gateway.edge.failsafe import refusal_in
from mturk_gateway.front import protocol_of, send_document
from mturk_gateway.observing.reports import current
from mturk_translators.faults import unreadable

log = get_logger()

_FOR_ALL = ("/healthz", "/readyz")
"""What orchestrators ask at the process itself."""


class BehindProxies:
    """Around what is reached through proxies: the client is whom they say (X-Forwarded-For, X-Forwarded-Proto).

    Of several hops, the client is the last that is no proxy. Whoever else comes, from another machine, comes in the
    clear and is refused.
    """

    def __init__(self, app: ASGIApp, proxies: Sequence[Network]) -> None:
        self._app = app
        self._proxies = proxies
        trusted = [str(form) for network in proxies for form in _forms(network)]
        self._believing = ProxyHeadersMiddleware(self._answer_client, trusted)  # type: ignore[arg-type]  # uvicorn's own
        self._may_come = lru_cache(4096)(self._judge)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        peer = scope["client"][0] if scope["client"] else ""
        trusted, local = self._may_come(peer)
        if trusted:
            scope["mturk_gateway.peer"] = scope["client"]
            await self._believing(scope, receive, send)  # type: ignore[arg-type]  # uvicorn's own types
        elif local or scope["path"] in _FOR_ALL:
            await self._app(scope, receive, send)
        else:
            log.info("came past the proxies", peer=peer)
            fault = unreadable("Nothing is answered here in the clear. Requests come through the proxy in front.", 403)
            protocol, report = protocol_of(scope), current()
            report.protocol, report.code = protocol.value, fault.code
            status, content_type, document = refusal_in(protocol, report.request_id, fault)
            await send_document(send, status, document, content_type)

    async def _answer_client(self, scope: Scope, receive: Receive, send: Send) -> None:
        # What is no address is not the proxy's word but the client's, handed on.
        if not _is_address(scope["client"][0]):
            scope["client"] = scope["mturk_gateway.peer"]
        await self._app(scope, receive, send)

    def _judge(self, peer: str) -> tuple[bool, bool]:
        """Whether a peer is a proxy, and whether it is this machine."""
        address = address_of(peer)
        if address is None:
            return False, False
        return any(address in network for network in self._proxies), address.is_loopback


_LONGEST = 64
"""Characters of what may be an address."""


def _is_address(host: str) -> bool:
    return len(host) <= _LONGEST and _read_before(host) is not None


_read_before = lru_cache(4096)(address_of)


def _forms(network: Network) -> tuple[Network, ...]:
    """A network, and how its addresses are written where a socket of IPv6 takes both kinds."""
    if network.version == 6:
        return (network,)
    return network, ip_network(f"::ffff:{network.network_address}/{96 + network.prefixlen}")
