"""A requester named demo, with something of everything to look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from mturk_gateway.database import Database
from mturk_gateway.marketplace.demo_data import BATCHES, HIT_TYPES, OWN_TYPE, OWN_TYPE_ID, Batch
from mturk_gateway.marketplace.operations import OPERATIONS
from mturk_gateway.marketplace.protocol.validation import validate
from mturk_gateway.marketplace.requesters import (
    Credentials,
    Requester,
    add_requester,
    find_requester,
    get_requester,
    list_keys,
)
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.lists.tokens import PageTokens
from mturk_gateway.marketplace.services.timers import settle
from mturk_gateway.marketplace.services.working import workers

NAME = "demo"
_DAY = 86_400
_BETWEEN_HITS = 97


def install_demo(database: Database, now: int) -> Credentials:
    """The credentials of the demonstration requester, who is created with all HITs unless already there.

    `now` is in epoch seconds; everything else happened before it.
    """
    with database.writing() as connection:
        requester = find_requester(connection, NAME)
        if requester is not None:
            return list_keys(connection, requester)[-1]
        oldest = now - max(batch.days for batch in BATCHES) * _DAY
        credentials = add_requester(connection, NAME, oldest)
        _Past(connection, get_requester(connection, NAME)).happen(oldest, now)
        settle(connection, now)
    return credentials


class _Past:
    """Plays the batches through the services, at the times at which they are said to have happened."""

    def __init__(self, connection: Connection, requester: Requester) -> None:
        self._connection = connection
        self._requester = requester
        self._tokens = PageTokens.load(connection)

    def happen(self, oldest: int, now: int) -> None:
        own = self._call("CreateQualificationType", OWN_TYPE, oldest)["QualificationType"]["QualificationTypeId"]
        for batch in BATCHES:
            hit_type = _with_own_type(HIT_TYPES[batch.hit_type], own)
            for position in range(batch.number):
                self._create(batch, hit_type, position, now)

    def _create(self, batch: Batch, hit_type: Mapping[str, Any], position: int, now: int) -> None:
        created = now - batch.days * _DAY + position * _BETWEEN_HITS
        label = str(100 * batch.days + position)
        parameters = {
            **hit_type,
            "LifetimeInSeconds": batch.lifetime * _DAY,
            "MaxAssignments": batch.assignments,
            "Question": batch.question.replace("{number}", label),
        }
        if batch.annotation is not None:
            parameters["RequesterAnnotation"] = batch.annotation.replace("{number}", label)
        hit_id = self._call("CreateHIT", parameters, created)["HIT"]["HITId"]
        for order, work in enumerate(batch.work, start=1):
            accepted = created + order * 1800
            assignment_id = workers.accept(self._connection, hit_id, work.worker, accepted, qualified=True)
            if work.submitted:
                workers.submit(self._connection, assignment_id, work.answers, accepted + 240)
            if work.decision is not None:
                decision = {"AssignmentId": assignment_id, "RequesterFeedback": work.feedback}
                self._call(work.decision, decision, accepted + 7200)
        if batch.reviewing:
            self._call("UpdateHITReviewStatus", {"HITId": hit_id}, now)

    def _call(self, operation: str, parameters: Mapping[str, Any], moment: int) -> Reply:
        checked = validate(operation, parameters)
        call = Call(operation, checked, self._requester, moment, self._connection, self._tokens)
        return OPERATIONS[operation].handler(call)


def _with_own_type(hit_type: Mapping[str, Any], own: str) -> dict[str, Any]:
    requirements = [
        {**requirement, "QualificationTypeId": own}
        if requirement["QualificationTypeId"] == OWN_TYPE_ID
        else requirement
        for requirement in hit_type.get("QualificationRequirements", ())
    ]
    return {**hit_type, "QualificationRequirements": requirements}
