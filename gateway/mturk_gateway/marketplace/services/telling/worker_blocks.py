"""Workers whom a requester does not want (modern-mturk 4.2)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from mturk_gateway.marketplace.protocol.errors import request_error
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.lists.pages import Pages
from mturk_gateway.marketplace.tables import worker_blocks

MOST_BLOCKS = 100_000
"""How many workers one requester can block (modern-mturk 2)."""

_OWN = worker_blocks.c.requester_id == bindparam("owner")
_THIS = (_OWN, worker_blocks.c.worker_id == bindparam("worker"))
_FIND = select(worker_blocks.c.worker_id).where(*_THIS)
_COUNT = select(func.count()).select_from(worker_blocks).where(_OWN)
_ADD = insert(worker_blocks)
_REPLACE = update(worker_blocks).where(*_THIS).values(reason=bindparam("because"))
_REMOVE = delete(worker_blocks).where(*_THIS)


def is_blocked(connection: Connection, requester_id: str, worker_id: str) -> bool:
    """Whether a worker may not work for a requester."""
    found = connection.execute(_FIND, {"owner": requester_id, "worker": worker_id})
    return found.one_or_none() is not None


def create_worker_block(call: Call) -> Reply:
    """CreateWorkerBlock, of anybody: a block waits for a worker who has not come yet.

    A worker who is blocked already stays where the list has them, with the new reason. Raises Fault (RequestError)
    when there are too many blocks.
    """
    worker, reason = call.parameters["WorkerId"], call.parameters["Reason"]
    block = {"owner": call.requester.id, "worker": worker}
    if call.connection.execute(_REPLACE, {**block, "because": reason}).rowcount:
        return {}
    if call.connection.execute(_COUNT, {"owner": call.requester.id}).scalar_one() >= MOST_BLOCKS:
        raise request_error("InvalidParameterValue", f"At most {MOST_BLOCKS} Workers can be blocked.")
    added = {"requester_id": call.requester.id, "worker_id": worker, "reason": reason, "newest_first": -call.now}
    call.connection.execute(_ADD, added)
    return {}


def delete_worker_block(call: Call) -> Reply:
    """DeleteWorkerBlock; a worker who is not blocked is no error. Nobody is shown the Reason, so it is not kept."""
    call.connection.execute(_REMOVE, {"owner": call.requester.id, "worker": call.parameters["WorkerId"]})
    return {}


def list_worker_blocks(call: Call) -> Reply:
    """ListWorkerBlocks, newest first."""
    return _ALL.reply(call, owner=call.requester.id)


def _render(block: Row[Any], _now: int) -> dict[str, Any]:
    return {"WorkerId": block.worker_id, "Reason": block.reason}


_ALL = Pages(
    select(worker_blocks).where(_OWN),
    (worker_blocks.c.newest_first, worker_blocks.c.worker_id),
    "WorkerBlocks",
    _render,
)
