"""HIT layouts: HTML with places for values, of which each HIT brings its own (modern-mturk 6)."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, insert, select

from mturk_gateway.marketplace.documents.layouts import merge_layout
from mturk_gateway.marketplace.documents.markup import DocumentError
from mturk_gateway.marketplace.protocol.errors import does_not_exist, markup_error, parameter_error
from mturk_gateway.marketplace.requesters import Requester
from mturk_gateway.marketplace.services.call import Call
from mturk_gateway.marketplace.tables import hit_layouts

_OWN = (hit_layouts.c.requester_id == bindparam("owner")) & (hit_layouts.c.id == bindparam("layout"))
_LAYOUT = select(hit_layouts.c.content, hit_layouts.c.frame_height).where(_OWN)
_FORGET = delete(hit_layouts).where(_OWN)
_KEEP = insert(hit_layouts)


def question_of(call: Call) -> str:
    """The HTMLQuestion of the call's layout with its values. Raises Fault for an unknown layout, or a value unnamed."""
    identifier = call.parameters["HITLayoutId"]
    layout = call.connection.execute(_LAYOUT, {"owner": call.requester.id, "layout": identifier}).one_or_none()
    if layout is None:
        raise does_not_exist("HITLayout", identifier)
    values: dict[str, str] = {}
    for parameter in call.parameters.get("HITLayoutParameters", ()):
        if parameter["Name"] in values:
            raise parameter_error(f"The HITLayoutParameter {parameter['Name']} is given more than once.")
        values[parameter["Name"]] = parameter["Value"]
    try:
        return merge_layout(layout.content, layout.frame_height, values)
    except DocumentError as error:
        raise markup_error(str(error)) from None


def keep_layout(
    connection: Connection, requester: Requester, identifier: str, content: str, frame_height: int, now: int
) -> None:
    """Keep a layout under an id that its owner chooses, in the place of one that has it already."""
    connection.execute(_FORGET, {"owner": requester.id, "layout": identifier})
    made = {"content": content, "frame_height": frame_height, "creation_time": now}
    connection.execute(_KEEP, {"requester_id": requester.id, "id": identifier, **made})
