"""One run of a review policy: what it finds and does, kept as the requester is told of it (modern-mturk 5.3)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert

from mturk_gateway.marketplace.ids import new_entity_id
from mturk_gateway.marketplace.protocol.errors import Fault, request_error
from mturk_gateway.marketplace.requesters import load_requester
from mturk_gateway.marketplace.services.judging import decisions
from mturk_gateway.marketplace.services.judging.decisions import Submission
from mturk_gateway.marketplace.services.judging.review_policies.parameters import Decisions, Extension
from mturk_gateway.marketplace.services.publishing.hit_growth import check_increase, grow
from mturk_gateway.marketplace.services.publishing.hits import Hit
from mturk_gateway.marketplace.tables import review_records

_KEEP = insert(review_records)


class Subject(NamedTuple):
    """What a result is about or an action is done to: `Assignment` or `HIT`, and its id."""

    type: str
    id: str


class Review:
    """A run of a policy about one subject, at a moment in epoch seconds; `keep` stores what it came to.

    An action that cannot be done leaves nothing behind but its being told as Failed; it does not raise.
    """

    def __init__(self, connection: Connection, hit: Hit, subject: Subject, now: int) -> None:
        self._connection = connection
        self._hit = hit
        self._subject = subject
        self._now = now
        self._id = new_entity_id()
        self._records: list[dict[str, Any]] = []

    def found(self, subject: Subject, key: str, value: object, question: str | None = None) -> None:
        """Note a result, about one question or about all of the subject."""
        result = {
            "ActionId": self._id,
            "SubjectId": subject.id,
            "SubjectType": subject.type,
            "QuestionId": question,
            "Key": key,
            "Value": str(value),
        }
        self._note(result, action=False)

    def reviewed(self, summary: str) -> None:
        """Note that the review is done; it is an action itself, the one that the results name."""
        self._done(self._id, "review", self._subject, "Succeeded", summary)

    def decide(self, assignment_id: str, percent: int, limits: Decisions) -> None:
        """Approve or reject an assignment, as far as its score asks for that."""
        subject = Subject("Assignment", assignment_id)
        if limits.approve_from is not None and percent >= limits.approve_from:
            self._act("approve", subject, lambda: self._approve(assignment_id, limits.approve_reason))
        if limits.reject_below is not None and percent < limits.reject_below:
            self._act("reject", subject, lambda: self._reject(assignment_id, limits.reject_reason))

    def extend(self, percent: int, extension: Extension | None) -> None:
        """Give the HIT one more assignment, and time, if its score asks for that and it may have more."""
        if extension and percent < extension.below and self._hit.max_assignments < extension.most:
            self._act("extend", Subject("HIT", self._hit.id), lambda: self._extend(extension.seconds))

    def keep(self) -> None:
        """Store all that was noted, in this order."""
        self._connection.execute(_KEEP, self._records)

    def _act(self, name: str, target: Subject, action: Callable[[], str]) -> None:
        try:
            with self._connection.begin_nested():
                result = action()
        except Fault as fault:
            self._done(new_entity_id(), name, target, "Failed", fault.message, fault.code)
        else:
            self._done(new_entity_id(), name, target, "Succeeded", result)

    def _done(
        self, identifier: str, name: str, target: Subject, status: str, result: str, error: str | None = None
    ) -> None:
        action = {
            "ActionId": identifier,
            "ActionName": name,
            "TargetId": target.id,
            "TargetType": target.type,
            "Status": status,
            "CompleteTime": self._now,
            "Result": result,
            "ErrorCode": error,
        }
        self._note(action, action=True)

    def _note(self, detail: Mapping[str, Any], *, action: bool) -> None:
        text = json.dumps({name: value for name, value in detail.items() if value is not None})
        self._records.append({"hit_id": self._hit.id, "level": self._subject.type, "action": action, "detail": text})

    def _approve(self, assignment_id: str, reason: str | None) -> str:
        submission = decisions.find_submission(self._connection, assignment_id)
        if submission.state == "Approved":
            return "Already approved"
        _check_undecided(submission)
        decisions.approve(self._connection, submission, self._now, reason)
        return "Approved"

    def _reject(self, assignment_id: str, reason: str | None) -> str:
        submission = decisions.find_submission(self._connection, assignment_id)
        _check_undecided(submission)
        decisions.reject(self._connection, submission, self._now, reason)
        return "Rejected"

    def _extend(self, seconds: int) -> str:
        hit = self._hit
        check_increase(hit, 1)
        owner = load_requester(self._connection, hit.requester_id)
        until = max(self._now, hit.expiration) + seconds if seconds else None
        grow(self._connection, owner, hit, self._now, assignments=1, until=until)
        return f"Extended to {hit.max_assignments + 1} assignments"


def _check_undecided(submission: Submission) -> None:
    if submission.state != "Submitted":
        raise request_error("InvalidAssignmentState", "This operation can be called with a status of: Submitted")
