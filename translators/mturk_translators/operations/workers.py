"""Blocking workers and writing to them: entries only."""

from mturk_translators.fields import Text, TextOrNone, worker_id
from mturk_translators.flows.workers import notify_workers
from mturk_translators.listing import Pages
from mturk_translators.operation import Operation
from mturk_translators.shapes.workers import NOTIFY_WORKERS_FAILURE, WORKER_BLOCKS
from mturk_translators.structures import Each, Structure

_WORKER = worker_id(message="WorkerId is invalid.", required=True)

ENTRIES: dict[str, Operation] = {
    "BlockWorker": Operation(
        about="Keeps a worker from the requester's HITs.",
        takes=(_WORKER, TextOrNone("Reason", required=True)),
        modern="CreateWorkerBlock",
        differences=(40,),
    ),
    "UnblockWorker": Operation(
        about="Lets a worker who was blocked work for the requester again.",
        takes=(_WORKER, TextOrNone("Reason")),
        modern="DeleteWorkerBlock",
        differences=(40,),
    ),
    "GetBlockedWorkers": Operation(
        about="Lists the workers whom the requester has blocked.",
        pages=Pages(listing=WORKER_BLOCKS, largest=65_535, counters=("PageNumber", "NumResults", "TotalNumResults")),
        differences=(12, 19),
    ),
    "NotifyWorkers": Operation(
        about="Sends a message to up to 100 workers.",
        takes=(
            Text("Subject", longest=200, required=True),
            Text("MessageText", longest=4096, required=True),
            Each("WorkerId", Text("WorkerId"), modern="WorkerIds", most=100, required=True),
        ),
        flow=notify_workers,
        calls=("NotifyWorkers",),
        gives=(
            Each(
                "NotifyWorkersFailureStatus",
                Structure("NotifyWorkersFailureStatus", NOTIFY_WORKERS_FAILURE),
                modern="NotifyWorkersFailureStatuses",
                since="2012-03-25",
            ),
        ),
        differences=(17, 37),
    ),
}
