"""Every legacy operation by its name."""

from dataclasses import replace

from mturk_translators.flows.help import helping
from mturk_translators.operation import Operation
from mturk_translators.operations import (
    account,
    assignments,
    bonuses,
    hits,
    notifications,
    qualifications,
    reviews,
    statistics,
    workers,
)
from mturk_translators.operations.help import HELP


def _joined(*tables: dict[str, Operation]) -> dict[str, Operation]:
    joined: dict[str, Operation] = {}
    for table in tables:
        twice = joined.keys() & table.keys()
        if twice:
            raise ValueError(f"described twice: {', '.join(sorted(twice))}")
        joined |= table
    return joined


OPERATIONS = _joined(
    hits.ENTRIES,
    assignments.ENTRIES,
    reviews.ENTRIES,
    qualifications.ENTRIES,
    workers.ENTRIES,
    bonuses.ENTRIES,
    notifications.ENTRIES,
    account.ENTRIES,
    statistics.ENTRIES,
)
"""What the gateway knows of each operation; a name that is not here was never documented."""

OPERATIONS["Help"] = replace(HELP, flow=helping(OPERATIONS))

WITHDRAWN = dict.fromkeys(("GetWorkerAcceptLimit", "SetWorkerAcceptLimit"), "in November 2008")
"""What Amazon itself took out of the API, and when: answered like a name that never was."""

LISTINGS = {entry.paged.listing.modern: entry.paged.listing for entry in OPERATIONS.values() if entry.paged}
"""Every token listing that some operation shows as pages, by the name of its modern operation."""
