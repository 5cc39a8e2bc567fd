"""The two operations that Amazon withdrew: entries only."""

from mturk_translators.operation import Entry, Withdrawn

_WITHDRAWN = "was withdrawn from the API in November 2008"

ENTRIES: dict[str, Entry] = {
    "GetWorkerAcceptLimit": Withdrawn(_WITHDRAWN),
    "SetWorkerAcceptLimit": Withdrawn(_WITHDRAWN),
}
