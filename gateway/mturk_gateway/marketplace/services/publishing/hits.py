"""HITs: reading them, and what their stored state means."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, bindparam, or_, select

from mturk_gateway.marketplace.protocol.errors import Fault, does_not_exist, request_error
from mturk_gateway.marketplace.protocol.serializer import Written
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.lists.changes import ChangeLog
from mturk_gateway.marketplace.services.lists.pages import Pages
from mturk_gateway.marketplace.services.qualifying.qualification_types import check_qualification_type
from mturk_gateway.marketplace.services.telling.events import Event
from mturk_gateway.marketplace.tables import hit_type_qualifications, hit_types, hits


class Hit(NamedTuple):
    """A HIT and its type: the columns of both tables that have these names.

    A named tuple, because a page reads thousands of values, and a row of SQLAlchemy takes its time to find each.
    """

    id: str
    requester_id: str
    hit_type_id: str
    question: str
    layout_id: str | None
    annotation: str | None
    creation_time: int
    newest_first: int
    expiration: int
    max_assignments: int
    pending: int
    submitted: int
    approved: int
    rejected: int
    reviewing: bool
    fee: int
    disposed_at: int | None
    group_id: str
    title: str
    description: str
    keywords: str | None
    reward: str
    assignment_duration: int
    auto_approval_delay: int
    requirements: str


FREE = hits.c.max_assignments - hits.c.pending - hits.c.submitted - hits.c.approved - hits.c.rejected
"""What `available` gives, for the database."""

_WITH_TYPE = select(
    *(hits.c[name] if name in hits.c else hit_types.c[name] for name in Hit._fields),
).join_from(hits, hit_types)
_ANYBODYS = _WITH_TYPE.where(hits.c.id == bindparam("hit"))
_ONE = _ANYBODYS.where(hits.c.requester_id == bindparam("owner"))


def find_hit(call: Call, identifier: str) -> Hit:
    """The requester's HIT with its type. Raises Fault when there is none, or it is somebody else's."""
    row = call.connection.execute(_ONE, {"hit": identifier, "owner": call.requester.id}).one_or_none()
    if row is None:
        raise does_not_exist("HIT", identifier)
    return Hit._make(row)


def load_hit(connection: Connection, identifier: str) -> Hit:
    """A HIT that is there, whoever it belongs to."""
    return Hit._make(connection.execute(_ANYBODYS, {"hit": identifier}).one())


def event_of(kind: str, time: int, hit: Hit, assignment_id: str | None = None, worker_id: str | None = None) -> Event:
    """An event in the life of a HIT, or of one of its assignments."""
    return Event(kind, time, hit.requester_id, hit.hit_type_id, hit.id, assignment_id, worker_id)


def available(hit: Hit) -> int:
    """Slots that nobody has; not zeroed at expiry, and a rejection frees none (modern-mturk 3.1)."""
    return hit.max_assignments - hit.pending - hit.submitted - hit.approved - hit.rejected


def status(hit: Hit, now: int) -> str:
    """The HITStatus, which follows from counters and times (modern-mturk 3.1)."""
    if hit.disposed_at is not None:
        return "Disposed"
    open_for_work = hit.expiration > now and available(hit) > 0
    if open_for_work:
        return "Assignable"
    if hit.pending:
        return "Unassignable"
    return "Reviewing" if hit.reviewing else "Reviewable"


def wrong_state(hit: Hit, now: int, *allowed: str) -> Fault:
    """The error for a HIT whose status does not allow the operation; clients compare it, two spaces included."""
    return request_error(
        "InvalidHITState",
        f"This HIT is currently in the state '{status(hit, now)}'.  "
        f"This operation can be called with a status of: {', '.join(allowed)}",
    )


def render_hit(hit: Hit, now: int) -> dict[str, Any]:
    """The HIT structure, with all members that clients use without looking (modern-mturk 1.5)."""
    return {
        "HITId": hit.id,
        "HITTypeId": hit.hit_type_id,
        "HITGroupId": hit.group_id,
        "CreationTime": hit.creation_time,
        "HITLayoutId": hit.layout_id,
        "Title": hit.title,
        "Description": hit.description,
        "Question": hit.question,
        "Keywords": hit.keywords,
        "HITStatus": status(hit, now),
        "MaxAssignments": hit.max_assignments,
        "Reward": hit.reward,
        "AutoApprovalDelayInSeconds": hit.auto_approval_delay,
        "Expiration": hit.expiration,
        "AssignmentDurationInSeconds": hit.assignment_duration,
        "RequesterAnnotation": hit.annotation,
        "QualificationRequirements": _requirements(hit.requirements),
        "HITReviewStatus": "NotReviewed",
        "NumberOfAssignmentsPending": hit.pending,
        "NumberOfAssignmentsAvailable": available(hit),
        "NumberOfAssignmentsCompleted": hit.approved + hit.rejected,
    }


@lru_cache(maxsize=1024)
def _requirements(stored: str) -> Written:
    """The requirements of a HIT type, which most of its HITs are read with again; stored in the model's order."""
    return Written(stored)


def get_hit(call: Call) -> Reply:
    """GetHIT; disposed HITs are found for ever."""
    return {"HIT": render_hit(find_hit(call, call.parameters["HITId"]), call.now)}


def _render_row(row: Row[Any], now: int) -> dict[str, Any]:
    return render_hit(Hit._make(row), now)


def _render_id(row: Row[Any], _now: int) -> dict[str, Any]:
    return {"HITId": row.id}


_NEWEST_FIRST = (hits.c.newest_first, hits.c.id)
_CHANGES = ChangeLog(hits, hits.c.requester_id, expiring=(hits.c.expiration, hits.c.disposed_at.is_(None)))
_LISTED = and_(hits.c.requester_id == bindparam("owner"), hits.c.disposed_at.is_(None))
_REQUIRING = select(hit_type_qualifications.c.hit_type_id).where(
    hit_type_qualifications.c.qualification_type_id == bindparam("qualification_type")
)
_ALL = Pages(_WITH_TYPE.where(_LISTED), _NEWEST_FIRST, "HITs", _render_row, _CHANGES)
_OF_QUALIFICATION_TYPE = Pages(
    _WITH_TYPE.where(_LISTED, hits.c.hit_type_id.in_(_REQUIRING)), _NEWEST_FIRST, "HITs", _render_row, _CHANGES
)

# Nobody works on it and nobody can begin to: what `status` decides, for the database.
_DONE = and_(
    hits.c.pending == 0,
    or_(
        hits.c.expiration <= bindparam("now"),
        FREE <= 0,
    ),
)
_IDS_OF_DONE = select(hits.c.id, hits.c.newest_first).where(_LISTED, _DONE, hits.c.reviewing == bindparam("reviewing"))
_REVIEWABLE = Pages(_IDS_OF_DONE, _NEWEST_FIRST, "HITs", _render_id)
_REVIEWABLE_OF_TYPE = Pages(
    _IDS_OF_DONE.where(hits.c.hit_type_id == bindparam("hit_type")), _NEWEST_FIRST, "HITs", _render_id
)


def list_hits(call: Call) -> Reply:
    """ListHITs: all but the disposed ones."""
    return _ALL.reply(call, owner=call.requester.id)


def list_hits_for_qualification_type(call: Call) -> Reply:
    """ListHITsForQualificationType: HITs whose type requires it."""
    identifier = call.parameters["QualificationTypeId"]
    check_qualification_type(call, identifier)
    return _OF_QUALIFICATION_TYPE.reply(call, owner=call.requester.id, qualification_type=identifier)


def list_reviewable_hits(call: Call) -> Reply:
    """ListReviewableHITs: Reviewable unless Reviewing is asked for, and only ids (modern-mturk 1.5, 4.1)."""
    reviewing = call.parameters.get("Status", "Reviewable") == "Reviewing"
    parameters = {"owner": call.requester.id, "now": call.now, "reviewing": reviewing}
    if "HITTypeId" in call.parameters:
        return _REVIEWABLE_OF_TYPE.reply(call, **parameters, hit_type=call.parameters["HITTypeId"])
    return _REVIEWABLE.reply(call, **parameters)
