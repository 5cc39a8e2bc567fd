"""Qualification types: finding them, reading them, and what a requester sees of them (modern-mturk 4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Boolean, Row, and_, bindparam, not_, or_, select

from mturk_gateway.marketplace.protocol.errors import does_not_exist, request_error
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.lists.pages import Pages
from mturk_gateway.marketplace.services.qualifying.system_types import masters_elsewhere
from mturk_gateway.marketplace.tables import qualification_types

_OWN = qualification_types.c.requester_id == bindparam("owner")
_AMAZONS = and_(
    qualification_types.c.requester_id.is_(None), qualification_types.c.id != bindparam("masters_elsewhere")
)
_ONE = select(qualification_types).where(qualification_types.c.id == bindparam("identifier"), or_(_OWN, _AMAZONS))

_LIVE = qualification_types.c.deleted_at.is_(None)
# What the caller's parameters select, each switched on by a parameter of the statement. Each side of the first choice
# is a range of an index.
_CONDITIONS = and_(
    or_(and_(_OWN, _LIVE), and_(not_(bindparam("owned", type_=Boolean)), _AMAZONS, _LIVE)),
    or_(
        not_(bindparam("requestable", type_=Boolean)),
        and_(qualification_types.c.status == "Active", qualification_types.c.requester_id.is_not(None)),
    ),
)
_SEARCHED = select(
    *(qualification_types.c[name] for name in ("id", "name", "keywords", "description")),
).where(_CONDITIONS)
# Written into the statement, because there may be more ids than a database takes parameters.
_FOUND = qualification_types.c.id.in_(bindparam("found", expanding=True, literal_execute=True))


def find_type(call: Call, identifier: str) -> Row[Any]:
    """One of the requester's own types or of Amazon's, as a row of their table.

    Raises Fault (RequestError): QualificationTypeDoesNotExist, also for somebody else's type and for the Masters of the
    other realm; InvalidQualificationTypeState for a deleted one (modern-mturk 1.3).
    """
    row = call.connection.execute(_ONE, {"identifier": identifier, **_scope(call)}).one_or_none()
    if row is None:
        raise does_not_exist("QualificationType", identifier)
    if row.deleted_at is not None:
        raise wrong_type_state("Active,Inactive")
    return row


def find_own_type(call: Call, identifier: str) -> Row[Any]:
    """The same for the requester's own types only; Amazon's do not exist for who wants to change or to give them."""
    row = find_type(call, identifier)
    if row.requester_id is None:
        raise does_not_exist("QualificationType", identifier)
    return row


def check_qualification_type(call: Call, identifier: str) -> None:
    """Accept the id of one of Amazon's types or of the requester's own, or raise Fault (RequestError)."""
    find_type(call, identifier)


def wrong_type_state(allowed: str) -> Exception:
    """The Fault for a type whose status does not allow the operation; clients compare its text."""
    return request_error("InvalidQualificationTypeState", f"This operation can be called with a status of: {allowed}")


def get_qualification_type(call: Call) -> Reply:
    """GetQualificationType: one of the requester's own, with its test and key, or of Amazon's."""
    return {"QualificationType": render_type(find_type(call, call.parameters["QualificationTypeId"]), call.now)}


def list_qualification_types(call: Call) -> Reply:
    """ListQualificationTypes: the requester's own, newest first, and after them Amazon's unless those are excluded.

    A Query is looked for in name, keywords and description without regard to case, as Dallinger upper-cases a name
    to find its type (modern-mturk 4.3). Types of other requesters are not shown.
    """
    selection = {
        **_scope(call),
        "owned": call.parameters.get("MustBeOwnedByCaller", False),
        "requestable": call.parameters["MustBeRequestable"],
    }
    query = call.parameters.get("Query", "")
    if not query:
        return _ALL.reply(call, **selection)
    return _MATCHING.reply(call, **selection, found=_search(call, query, selection))


def render_type(kind: Row[Any], _now: int) -> dict[str, Any]:
    """The QualificationType structure."""
    return {
        "QualificationTypeId": kind.id,
        "CreationTime": kind.creation_time,
        "Name": kind.name,
        "Description": kind.description,
        "Keywords": kind.keywords,
        "QualificationTypeStatus": kind.status,
        "Test": kind.test,
        "TestDurationInSeconds": kind.test_duration,
        "AnswerKey": kind.answer_key,
        "RetryDelayInSeconds": kind.retry_delay,
        "IsRequestable": kind.status == "Active" and kind.requester_id is not None,
        "AutoGranted": kind.auto_granted,
        "AutoGrantedValue": kind.auto_granted_value,
    }


_NEWEST_FIRST = (qualification_types.c.newest_first, qualification_types.c.id)
_LISTED = select(qualification_types).where(_CONDITIONS)
_ALL = Pages(_LISTED, _NEWEST_FIRST, "QualificationTypes", render_type)
_MATCHING = Pages(_LISTED.where(_FOUND), _NEWEST_FIRST, "QualificationTypes", render_type)


def _scope(call: Call) -> dict[str, Any]:
    requester = call.requester
    return {"owner": requester.id, "masters_elsewhere": masters_elsewhere(sandbox=requester.sandbox)}


def _search(call: Call, query: str, selection: Mapping[str, Any]) -> list[str]:
    """The ids of the selected types in whose texts a query occurs.

    Not the database's work: SQLite knows only the case of ASCII letters.
    """
    wanted = query.casefold()
    return [
        identifier
        for identifier, *texts in call.connection.execute(_SEARCHED, selection)
        if any(wanted in text.casefold() for text in texts if text)
    ]
