"""A pair of files, as `fixtures/README.md` describes it, from one exchange."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from html import unescape
from importlib.metadata import version
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from mturk_gateway.exchange import Exchange
from mturk_gateway.transcript import Made
from mturk_translators.faults import ModernError
from mturk_translators.query import PROOF, Pair, first, merge, parse_pairs

_OWN_TOKEN = re.compile("[0-9a-f]{32}")


class FilePair(NamedTuple):
    """What is written: a name without a suffix, the members of the JSON file, and the XML file.

    Wherever one of its `secrets` stands in them, something else is written.
    """

    name: str
    facts: dict[str, Any]
    document: bytes
    secrets: tuple[str, ...] = ()


def pair_of(exchange: Exchange) -> FilePair:
    """The pair that an exchange is recorded as, without keys and signatures; `with_calls` adds the calls behind it."""
    received, answer = exchange.received, exchange.answer
    pairs = merge(parse_pairs(received.query), parse_pairs(received.body))
    asked = [pair for pair in pairs if pair.name not in PROOF]
    at = datetime.fromtimestamp(exchange.moment, UTC)
    facts: dict[str, Any] = {
        "source": {"kind": "gateway", "from": f"mturk-gateway {version('mturk-gateway')}"},
        "recorded_at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "now": exchange.now,
        "request_id": received.request_id,
        "status": answer.status,
        "sandbox": exchange.requester.sandbox,
        "query": _query(asked),
    }
    folder = first(asked, "Operation") or ""
    name = f"{folder if _FOLDER.fullmatch(folder) else '_'}/{at:%Y%m%dT%H%M%S.%f}-{received.request_id[:8]}"
    told = {key: value for key, value in facts.items() if _OMITTED.get(key) != value}
    keys = (exchange.requester.access_key, exchange.requester.secret, exchange.requester.session_token or "")
    shown = (*keys, *(pair.value for pair in pairs if pair.name in _SECRET), *_signatures(answer.document))
    return FilePair(name, told, answer.document, tuple(text for text in shown if len(text) >= _SHORTEST_SECRET))


def _signatures(document: bytes) -> Iterator[str]:
    """What the URLs of files are signed with, as it stands in them."""
    for url in _FILE.findall(document.decode()):
        for parameter in urlsplit(unescape(url)).query.split("&"):
            name, _, value = parameter.partition("=")
            if _SIGNED_WITH.search(name):
                yield value


_SECRET = frozenset({"Credential", "SecurityToken", "Signature"})
_FILE = re.compile(r"<FileUploadURL>([^<]*)</FileUploadURL>")
_SIGNED_WITH = re.compile("signature|credential|token|accesskey", re.IGNORECASE)


_SHORTEST_SECRET = 8
"""Characters from which on a key or a signature is looked for in texts: shorter ones stand in any of them."""
_FOLDER = re.compile("[A-Za-z]{1,64}")
_OMITTED = {"status": 200, "sandbox": False}
"""What a recording does not say because it is so by default."""


def _query(asked: list[Pair]) -> dict[str, str] | list[list[str]]:
    """An object, or a list where names repeat."""
    return [[*pair] for pair in asked] if len({pair.name for pair in asked}) < len(asked) else dict(asked)


def with_calls(pair: FilePair, made: Iterable[Made]) -> FilePair:
    """The pair with the modern calls behind it, and their replies."""
    tokens: dict[str, str] = {}
    calls, replies = [], []
    for call, outcome in made:
        params = dict(call.params)
        token = params.get("UniqueRequestToken")
        if isinstance(token, str) and _OWN_TOKEN.fullmatch(token):
            params["UniqueRequestToken"] = tokens.setdefault(token, f"<token {len(tokens) + 1}>")
        calls.append({"operation": call.operation, "params": params})
        replies.append(_error(outcome) if isinstance(outcome, ModernError) else outcome)
    return pair._replace(facts={**pair.facts, "calls": calls, "replies": replies})


def with_calls_of(pair: FilePair, other: str) -> FilePair:
    """The pair with the name of the one that says which calls are behind both."""
    return pair._replace(facts={**pair.facts, "calls_of": other})


def _error(error: ModernError) -> dict[str, Any]:
    body = {"__type": error.type, "Message": error.message, "TurkErrorCode": error.code}
    return {"status": error.status or 503, "error": {name: value for name, value in body.items() if value is not None}}
