"""Flows about workers."""

from __future__ import annotations

from typing import Any

from mturk_translators.call import Call
from mturk_translators.operation import Context, Steps
from mturk_translators.values import is_worker_id


def notify_workers(given: dict[str, Any], _context: Context) -> Steps:
    """Write to workers.

    One malformed ID would make the modern API refuse the whole, so such IDs are kept back and reported behind those
    that it reports itself (quals 6.4).
    """
    named = given["WorkerIds"]
    workers = [worker for worker in named if is_worker_id(worker)]
    failures: list[dict[str, Any]] = []
    if workers:
        reply = yield Call("NotifyWorkers", {**given, "WorkerIds": workers})
        failures += reply.get("NotifyWorkersFailureStatuses") or []
    nobody = dict.fromkeys(worker for worker in named if not is_worker_id(worker))
    return {"NotifyWorkersFailureStatuses": [*failures, *map(_is_nobody, nobody)]}


def _is_nobody(worker: str) -> dict[str, str]:
    return {
        "WorkerId": worker,
        "NotifyWorkersFailureMessage": "WorkerId is invalid.",
        "NotifyWorkersFailureCode": "HardFailure",
    }
