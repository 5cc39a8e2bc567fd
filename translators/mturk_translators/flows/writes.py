"""What writes mean to listings: watching them, and reading again what they were about."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from mturk_translators.faults import ModernError
from mturk_translators.operation import Call, Listing, Reply, Steps, writes, written_by


def read_again(
    listing: Listing, params: dict[str, Any], member: str, item: str
) -> Generator[Call, Reply, dict[str, dict[str, Any] | None]]:
    """The rows of a listing that a write was about, as they are now, by ID; None for one that is no longer listed.

    `member` and `item` are what `written_by` gave.
    """
    way = next((way for way in listing.again if way.written == member), None)
    if way is None:
        return {}
    try:
        row = (yield Call(way.modern, {member: item})).get(way.reply, {})
    except ModernError as error:
        if not (error.code or "").endswith("DoesNotExist"):
            raise
        return {item: None} if member == listing.id else {}
    return {row[listing.id]: row if listing.belongs(row, params) else None} if listing.id in row else {}


Written = list[tuple[str, str] | None]
"""What has been written, as `written_by` says it, oldest first."""


def watched(steps: Steps, written: Written) -> Steps:
    """The same steps; what they write is added to `written` as soon as the upstream has answered.

    Also when a call failed: one that timed out may have been carried out.
    """
    try:
        call = next(steps)
        while True:
            try:
                reply = yield call
            except ModernError as error:
                _note(call, None, written)
                call = steps.throw(error)
            else:
                _note(call, reply, written)
                call = steps.send(reply)
    except StopIteration as end:
        outcome: Reply = end.value
        return outcome


def _note(call: Call, reply: Reply | None, written: Written) -> None:
    if writes(call.operation):
        written.append(written_by(call, reply))
