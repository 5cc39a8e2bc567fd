"""Recordings as routes of respx: for code that speaks the legacy API through httpx, and never opens a socket."""

from __future__ import annotations

import re

import httpx
import respx

from mturk_gateway.front import XML_TYPE
from mturk_gateway.replay.player import Player
from mturk_translators.faults import Fault
from mturk_translators.query import merge, parse_pairs

_AMAZON = ("mechanicalturk.amazonaws.com", "mechanicalturk.sandbox.amazonaws.com")
"""Where old programs go by themselves."""


def mount(player: Player, router: respx.Router, url: str | None = None) -> respx.Route:
    """Let a router answer legacy requests to a URL, or to Amazon's old hosts, from a player; gives the route.

    Who asks for what was not recorded gets NoRecordingError, where the request is made.
    """

    def answer(request: httpx.Request) -> httpx.Response:
        try:
            pairs = merge(parse_pairs(request.url.query), parse_pairs(request.content))
        except Fault as fault:
            raise player.refuse(fault.message) from None
        answered = player.answer(pairs)
        return httpx.Response(answered.status, content=answered.document, headers={"Content-Type": XML_TYPE})

    where = {"url__regex": _below(url)} if url else {"host__in": _AMAZON}
    return router.route(**where).mock(side_effect=answer)


def _below(url: str) -> str:
    """A pattern of the URLs that begin with one, which is written as httpx writes it, and then say more."""
    return rf"^{re.escape(str(httpx.URL(url)).rstrip('/'))}(?:[/?#]|$)"
