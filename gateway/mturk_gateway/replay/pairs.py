"""A pair of files, as `fixtures/README.md` describes it, from one exchange."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from mturk_gateway.credentials import Requester
from mturk_gateway.exchange import Answer, Received
from mturk_gateway.replay.recordings import PROOF
from mturk_gateway.transcript import Made, Transcript, epoch_seconds
from mturk_translators.faults import ModernError
from mturk_translators.query import Pair, first, merge, parse_pairs

_OWN_TOKEN = re.compile("[0-9a-f]{32}")


class Exchange(NamedTuple):
    """A request that is to be recorded, its answer, and what it led to.

    `moment` is when it came by the wall clock, `now` by the marketplace's clock, both in epoch seconds.
    """

    received: Received
    answer: Answer
    moment: float
    now: float
    requester: Requester
    transcript: Transcript

    @property
    def weight(self) -> int:
        """About how many bytes it takes to keep it."""
        texts = len(self.received.query) + len(self.received.body) + len(self.answer.document)
        return texts + _WEIGHT + _WEIGHT_OF_CALL * len(self.transcript.made)


_WEIGHT, _WEIGHT_OF_CALL = 4096, 65_536


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
    secrets = (exchange.requester.access_key, exchange.requester.secret, first(pairs, "Signature") or "")
    return FilePair(name, told, answer.document, tuple(text for text in secrets if len(text) >= _SHORTEST_SECRET))


_SHORTEST_SECRET = 8
"""Characters from which on a key or a signature is looked for in texts: shorter ones stand in any of them."""
_REMOVED = b"REMOVED"
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


def save(folder: Path, pair: FilePair) -> None:
    """Write a pair into a folder: both files or, when that fails, none. Raises OSError."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_PASSTHROUGH_DATETIME
    contents = {".json": orjson.dumps(pair.facts, epoch_seconds, options), ".xml": pair.document}
    for secret in pair.secrets:
        contents = {suffix: content.replace(secret.encode(), _REMOVED) for suffix, content in contents.items()}
    path = folder / pair.name
    path.parent.mkdir(parents=True, exist_ok=True)
    begun: list[Path] = []
    try:
        for suffix, content in contents.items():
            begun.append(path.with_name(f".{path.name}{suffix}"))
            begun[-1].write_bytes(content)
        # The JSON appears first: without it the other one would answer whatever is asked of its operation.
        for suffix in contents:
            begun.append(path.with_name(f"{path.name}{suffix}"))
            path.with_name(f".{path.name}{suffix}").rename(begun[-1])
    except OSError:
        for file in begun:
            with suppress(OSError):
                file.unlink(missing_ok=True)
        raise
