"""Flows about statistics, of which the modern API has none: the gateway counts in its own ledger."""

from __future__ import annotations

from typing import Any

from mturk_translators.call import LedgerCall
from mturk_translators.operation import Context, Steps
from mturk_translators.statistics import STATISTICS


def statistic(given: dict[str, Any], _context: Context) -> Steps:
    """Find a statistic for a period or for each of some days, oldest first; `Count` is for days only (legacy-hits 21).

    `ListTallies` is asked for the tallies that the statistic needs. It answers with `Days`, each of which has the
    `Date` on which the day began, or today did, and the tallies; and with the `FeeRate`.
    """
    asked = STATISTICS[given["Statistic"]]
    about: dict[str, Any] = {name: given[name] for name in ("TimePeriod", "WorkerId") if name in given}
    reply = yield LedgerCall("ListTallies", {"Tallies": list(asked.tallies), "Count": given["Count"], **about})
    points = [{"Date": day["Date"], asked.element: asked.value(day, reply["FeeRate"])} for day in reply["Days"]]
    return {"DataPoint": points, "Statistic": given["Statistic"], **about}
