"""Every legacy operation by its name."""

from mturk_translators.operation import Entry, Operation
from mturk_translators.operations import account, assignments, hits, qualifications, unavailable


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
    qualifications.ENTRIES,
    account.ENTRIES,
    unavailable.ENTRIES,
)
"""What the gateway knows of each operation; a name that is not here was never documented."""

LISTINGS = {
    entry.pages.listing.modern: entry.pages.listing
    for entry in OPERATIONS.values()
    if isinstance(entry, Operation) and entry.pages
}
"""Every token listing that some operation shows as pages, by the name of its modern operation."""
