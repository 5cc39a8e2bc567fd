"""What requesters write to workers (modern-mturk 4.2)."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, exists, insert, or_, select

from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.limits import check_length
from mturk_gateway.marketplace.tables import assignments, messages, workers

_MOST_WORKERS = 100
_LONGEST_SUBJECT = 200
_LONGEST_TEXT = 4096

_SEND = insert(messages)
_KNOWN = select(
    or_(
        exists().where(workers.c.id == bindparam("worker")),
        exists().where(assignments.c.worker_id == bindparam("worker")),
    )
)


def notify_workers(call: Call) -> Reply:
    """NotifyWorkers: one message for each worker named, however often.

    A worker whom nobody has ever seen is reported in the reply, and all others get theirs. Mechanical Turk let
    requesters write only to those whose work they had decided about; in a pool of one's own everybody may be written
    to (modern-mturk 4.2). Raises Fault (ParameterValidationError) for what is too long, in characters or workers.
    """
    subject, text, named = (call.parameters[name] for name in ("Subject", "MessageText", "WorkerIds"))
    check_length("Subject", subject, _LONGEST_SUBJECT)
    check_length("MessageText", text, _LONGEST_TEXT)
    check_length("WorkerIds", named, _MOST_WORKERS, unit="values")
    known = {worker: _is_known(call.connection, worker) for worker in named}
    message = {"requester_id": call.requester.id, "time": call.now, "subject": subject, "text": text}
    sent = [{**message, "worker_id": worker} for worker, is_known in known.items() if is_known]
    if sent:
        call.connection.execute(_SEND, sent)
    # Clients read the list without looking whether it is there (modern-mturk 1.5).
    return {"NotifyWorkersFailureStatuses": [_failure(worker) for worker, is_known in known.items() if not is_known]}


def _is_known(connection: Connection, worker_id: str) -> bool:
    """Whether a worker has registered, or has ever accepted anybody's HIT."""
    return bool(connection.execute(_KNOWN, {"worker": worker_id}).scalar_one())


def _failure(worker_id: str) -> dict[str, str]:
    return {
        "NotifyWorkersFailureCode": "HardFailure",
        # As recorded from the service's predecessor; clients of both APIs show it.
        "NotifyWorkersFailureMessage": "Cannot send a notification to a worker who has not done any work for you",
        "WorkerId": worker_id,
    }
