"""What review policies found and did (modern-mturk 5.3)."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import bindparam, select

from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.lists.pages import DEFAULT_SIZE
from mturk_gateway.marketplace.services.lists.tokens import Listing
from mturk_gateway.marketplace.services.publishing.hits import find_hit
from mturk_gateway.marketplace.tables import hits, review_records

_LEVELS = ("Assignment", "HIT")
_MEMBERS = {False: "Results", True: "Actions"}
_BEGINNING = (0, "")

_POLICIES = select(hits.c.assignment_review_policy, hits.c.hit_review_policy).where(hits.c.id == bindparam("hit"))
_RECORDS = (
    select(review_records.c.number, review_records.c.level, review_records.c.action, review_records.c.detail)
    .where(
        review_records.c.hit_id == bindparam("hit"),
        review_records.c.number > bindparam("after"),
        review_records.c.level.in_(bindparam("levels", expanding=True)),
        review_records.c.action.in_(bindparam("kinds", expanding=True)),
    )
    .order_by(review_records.c.number)
    .limit(bindparam("limit"))
)


def list_review_policy_results_for_hit(call: Call) -> Reply:
    """ListReviewPolicyResultsForHIT: for each level asked for its policy by name, if there is one, and a report.

    One walk of pages leads through both reports, in the order in which things happened. It ends as all walks do, with
    an empty page that has no token (modern-mturk 1.4).
    """
    parameters = call.parameters
    hit = find_hit(call, parameters["HITId"])
    levels = parameters.get("PolicyLevels") or _LEVELS
    listing = Listing(call.requester.id, call.operation, parameters)
    after, _ = call.tokens.read(listing, parameters["NextToken"]) if "NextToken" in parameters else _BEGINNING
    kinds = [action for action, member in _MEMBERS.items() if parameters.get(f"Retrieve{member}", True)]
    size = parameters.get("MaxResults", DEFAULT_SIZE)
    bound = {"hit": hit.id, "after": after, "levels": levels, "kinds": kinds, "limit": size}
    rows = call.connection.execute(_RECORDS, bound).all()
    reply: dict[str, Any] = {"HITId": hit.id}
    policies = call.connection.execute(_POLICIES, {"hit": hit.id}).one()
    for level, stored in zip(_LEVELS, policies, strict=True):
        if level in levels:
            reply[f"{level}ReviewPolicy"] = stored and {"PolicyName": json.loads(stored)["PolicyName"]}
            reply[f"{level}ReviewReport"] = {
                f"Review{member}": [
                    json.loads(row.detail) for row in rows if (row.level, row.action) == (level, action)
                ]
                for action, member in _MEMBERS.items()
            }
    if rows:
        reply["NextToken"] = call.tokens.issue(listing, (rows[-1].number, hit.id))
    return reply
