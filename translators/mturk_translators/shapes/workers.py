"""What requesters have decided about workers, and what became of messages to them."""

from __future__ import annotations

from mturk_translators.field import in_group
from mturk_translators.fields import Text, worker_id
from mturk_translators.listing import Listing

WORKER_BLOCKS = Listing(
    modern="ListWorkerBlocks",
    items="WorkerBlocks",
    id="WorkerId",
    element="WorkerBlock",
    fields=in_group("Minimal", worker_id(required=True), Text("Reason")),
    newest_first=True,
)

NOTIFY_WORKERS_FAILURE = (
    Text("WorkerId"),
    Text("NotifyWorkersFailureMessage"),
    Text("NotifyWorkersFailureCode"),
)
"""In the order of the recording, which is the reverse of the schema's (quals 1)."""
