"""HITs: reading them, and what their stored state means."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, false, or_, select

from mturk_gateway.marketplace.protocol.errors import Fault, does_not_exist, request_error
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.pages import page
from mturk_gateway.marketplace.services.qualification_types import check_qualification_type
from mturk_gateway.marketplace.tables import hit_type_qualifications, hit_types, hits

NEWEST_FIRST = (hits.c.newest_first, hits.c.id)

_WITH_TYPE = select(
    hits,
    hit_types.c.group_id,
    hit_types.c.title,
    hit_types.c.description,
    hit_types.c.keywords,
    hit_types.c.reward,
    hit_types.c.assignment_duration,
    hit_types.c.auto_approval_delay,
    hit_types.c.requirements,
).join_from(hits, hit_types)


def find_hit(call: Call, identifier: str) -> Row[Any]:
    """The requester's HIT with its type. Raises Fault when there is none, or it is somebody else's."""
    statement = _WITH_TYPE.where(hits.c.id == identifier, hits.c.requester_id == call.requester.id)
    row = call.connection.execute(statement).one_or_none()
    if row is None:
        raise does_not_exist("HIT", identifier)
    return row


def available(hit: Row[Any]) -> int:
    """Slots that nobody has; not zeroed at expiry, and a rejection frees none (modern-mturk 3.1)."""
    number: int = hit.max_assignments - hit.pending - hit.submitted - hit.approved - hit.rejected
    return number


def status(hit: Row[Any], now: int) -> str:
    """The HITStatus, which follows from counters and times (modern-mturk 3.1)."""
    if hit.disposed_at is not None:
        return "Disposed"
    open_for_work = hit.expiration > now and available(hit) > 0
    if open_for_work:
        return "Assignable"
    if hit.pending:
        return "Unassignable"
    return "Reviewing" if hit.reviewing else "Reviewable"


def wrong_state(hit: Row[Any], now: int, *allowed: str) -> Fault:
    """The error for a HIT whose status does not allow the operation; clients compare it, two spaces included."""
    return request_error(
        "InvalidHITState",
        f"This HIT is currently in the state '{status(hit, now)}'.  "
        f"This operation can be called with a status of: {', '.join(allowed)}",
    )


def render_hit(hit: Row[Any], now: int) -> dict[str, Any]:
    """The HIT structure, with all members that clients use without looking (modern-mturk 1.5)."""
    return {
        "HITId": hit.id,
        "HITTypeId": hit.hit_type_id,
        "HITGroupId": hit.group_id,
        "CreationTime": hit.creation_time,
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
        "QualificationRequirements": json.loads(hit.requirements),
        "HITReviewStatus": "NotReviewed",
        "NumberOfAssignmentsPending": hit.pending,
        "NumberOfAssignmentsAvailable": available(hit),
        "NumberOfAssignmentsCompleted": hit.approved + hit.rejected,
    }


def get_hit(call: Call) -> Reply:
    """GetHIT; disposed HITs are found for ever."""
    return {"HIT": render_hit(find_hit(call, call.parameters["HITId"]), call.now)}


def list_hits(call: Call) -> Reply:
    """ListHITs: all but the disposed ones."""
    return _page_of_hits(call, _WITH_TYPE)


def list_hits_for_qualification_type(call: Call) -> Reply:
    """ListHITsForQualificationType: HITs whose type requires it."""
    identifier = call.parameters["QualificationTypeId"]
    check_qualification_type(call, identifier)
    requiring = select(hit_type_qualifications.c.hit_type_id).where(
        hit_type_qualifications.c.qualification_type_id == identifier
    )
    return _page_of_hits(call, _WITH_TYPE.where(hits.c.hit_type_id.in_(requiring)))


def list_reviewable_hits(call: Call) -> Reply:
    """ListReviewableHITs: Reviewable unless Reviewing is asked for, and only ids (modern-mturk 1.5, 4.1)."""
    reviewing = call.parameters.get("Status", "Reviewable") == "Reviewing"
    statement = select(hits.c.id, hits.c.newest_first).where(
        _is_done(call.now), hits.c.reviewing if reviewing else hits.c.reviewing == false()
    )
    if "HITTypeId" in call.parameters:
        statement = statement.where(hits.c.hit_type_id == call.parameters["HITTypeId"])
    return page(call, _listed(call, statement), NEWEST_FIRST, "HITs", lambda hit: {"HITId": hit.id})


def _page_of_hits(call: Call, statement: Select[Any]) -> Reply:
    return page(call, _listed(call, statement), NEWEST_FIRST, "HITs", lambda hit: render_hit(hit, call.now))


def _listed(call: Call, statement: Select[Any]) -> Select[Any]:
    return statement.where(hits.c.requester_id == call.requester.id, hits.c.disposed_at.is_(None))


def _is_done(now: int) -> ColumnElement[bool]:
    """Nobody works on it and nobody can begin to: what `status` decides, for the database."""
    taken = hits.c.pending + hits.c.submitted + hits.c.approved + hits.c.rejected
    return and_(hits.c.pending == 0, or_(hits.c.expiration <= now, taken >= hits.c.max_assignments))
