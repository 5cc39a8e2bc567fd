"""Recordings as routes of respx: for code that speaks the legacy API through httpx, and never opens a socket."""

from __future__ import annotations

import httpx
import respx

from mturk_gateway.front import XML_TYPE
from mturk_gateway.replay.player import Player
from mturk_translators.query import merge, parse_pairs

AMAZON = r"https?://mechanicalturk(\.sandbox)?\.amazonaws\.com(:\d+)?"
"""Where old programs go by themselves."""


def mount(player: Player, router: respx.Router, url: str | None = None) -> respx.Route:
    """Let a router answer legacy requests to a URL, or to Amazon's old hosts, from a player; gives the route.

    Who asks for what was not recorded gets NoRecordingError, where the request is made.
    """

    def answer(request: httpx.Request) -> httpx.Response:
        pairs = merge(parse_pairs(request.url.query), parse_pairs(request.content))
        status, document = player.answer(pairs)
        return httpx.Response(status, content=document, headers={"Content-Type": XML_TYPE})

    where = {"url__startswith": url} if url else {"url__regex": AMAZON}
    return router.route(**where).mock(side_effect=answer)
