"""Every legacy operation by its name."""

from dataclasses import replace

from mturk_translators.flows.help import helping
from mturk_translators.operation import Entry, Operation
from mturk_translators.operations import (
    account,
    assignments,
    bonuses,
    hits,
    notifications,
    qualifications,
    reviews,
    statistics,
    unavailable,
    workers,
)
from mturk_translators.operations.help import HELP


def _joined(*tables: dict[str, Entry]) -> dict[str, Entry]:
    joined: dict[str, Entry] = {}
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
    unavailable.ENTRIES,
)
"""What the gateway knows of each operation; a name that is not here was never documented."""

OPERATIONS["Help"] = replace(HELP, flow=helping(OPERATIONS))

LISTINGS = {
    entry.paged.listing.modern: entry.paged.listing
    for entry in OPERATIONS.values()
    if isinstance(entry, Operation) and entry.paged
}
"""Every token listing that some operation shows as pages, by the name of its modern operation."""
