"""Recordings that tests write themselves, and what is asked of them."""

from __future__ import annotations

import json

from mturk_gateway.replay.player import Player
from mturk_gateway.replay.recordings import load_recordings
from mturk_translators.query import Pair


def write_pair(folder, name, query, document="<Answer/>", **facts):
    """Write a recording; the document is text or bytes, and `facts` are more members of the JSON file."""
    path = folder / f"{name}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(document if isinstance(document, bytes) else document.encode())
    path.with_name(f"{path.stem}.json").write_text(json.dumps({"query": query, **facts}))


def player_of(folder, *chosen, ignored=()):
    return Player(load_recordings(folder, chosen), ignored)


def asked(player, *pairs, **named):
    """The document that answers a request; dotted names are given as pairs."""
    return player.answer([*pairs, *(Pair(*pair) for pair in named.items())]).document.decode()
