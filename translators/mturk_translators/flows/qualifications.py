"""Flows about qualifications of workers."""

from __future__ import annotations

from typing import Any

from mturk_translators.call import Call
from mturk_translators.faults import MTURK, ModernError
from mturk_translators.flows.walks import find_row
from mturk_translators.operation import Context, Steps


def get_qualification_score(given: dict[str, Any], _context: Context) -> Steps:
    """Read a worker's qualification, also one that was revoked.

    The modern API refuses to tell the latter; it stands among the revoked ones of its type (quals 5.4).
    """
    try:
        return (yield Call("GetQualificationScore", given))
    except ModernError as error:
        if error.code != MTURK + "InvalidQualificationState":
            raise
        revoked = {"QualificationTypeId": given["QualificationTypeId"], "Status": "Revoked"}
        listing = Call("ListWorkersWithQualificationType", revoked)
        row = yield from find_row(listing, "Qualifications", lambda row: row.get("WorkerId") == given["WorkerId"])
        if row is None:
            raise
        return {"Qualification": {**row, "Status": "Revoked"}}


def update_qualification_score(given: dict[str, Any], _context: Context) -> Steps:
    """Give another score to who holds a qualification.

    The modern call that sets a score grants to those who have none, so it is asked first whether the worker has one
    (quals 5.3). Nobody is told of the change.
    """
    held = {name: given[name] for name in ("QualificationTypeId", "WorkerId")}
    yield Call("GetQualificationScore", held)
    return (yield Call("AssociateQualificationWithWorker", {**given, "SendNotification": False}))
