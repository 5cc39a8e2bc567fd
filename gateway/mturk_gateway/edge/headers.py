"""What every answer tells browsers: that nothing here is a page of ours unless it says so itself."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mturk_gateway.edge.addresses import is_loopback
from mturk_gateway.front import header

SAFE = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]
"""For whatever is no page, as documents and uploaded files: not run, not framed, not kept."""

_NAMES = frozenset(name for name, _ in SAFE)
_ENCRYPTED = [*SAFE, (b"strict-transport-security", b"max-age=31536000")]


class SafeHeaders:
    """Adds them to every answer that does not say for itself what may be done with it.

    Browsers are told to insist on TLS where clients come by TLS to the host of `public_url`, because only of that do
    we know that it is ours: not of Amazon's old host names, which a laboratory may have for a while.
    """

    def __init__(self, app: ASGIApp, public_url: str | None) -> None:
        self._app = app
        parts = urlsplit(public_url or "")
        own = parts.scheme == "https" and not is_loopback(parts.hostname or "")
        self._host = parts.netloc.lower() if own else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def safe_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                more = _ENCRYPTED if self._insists(scope) else SAFE
                if not _NAMES.isdisjoint(name for name, _ in headers):
                    said = {name for name, _ in headers}
                    more = [pair for pair in more if pair[0] not in said]
                message["headers"] = [*headers, *more]
            await send(message)

        await self._app(scope, receive, safe_send)

    def _insists(self, scope: Scope) -> bool:
        return self._host is not None and scope["scheme"] == "https" and header(scope, b"host").lower() == self._host
