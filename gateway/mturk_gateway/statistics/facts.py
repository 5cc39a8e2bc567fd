"""What modern replies say about a requester's past, in the form in which it is remembered.

Money is whole millionths of a dollar and time whole seconds, so that sums are exact. Everything here raises one of
`MISSHAPEN` for what is not shaped like a modern reply.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

KNOWN, PLURALITY = "known", "plurality"
"""The kinds of answers that review policies look at."""


class SeenHit(NamedTuple):
    """A HIT: how many assignments it may have, and how many of them wait for a decision or have one."""

    hit: str
    created_at: int
    reward: int
    status: str
    most: int
    submitted: int
    completed: int


class Work(NamedTuple):
    """An assignment that was handed in; `decided_at` is None while nobody has decided about it."""

    assignment: str
    worker: str
    status: str
    decided_at: int | None


class Bonus(NamedTuple):
    """A bonus payment."""

    assignment: str
    worker: str
    amount: int
    granted_at: int


class Review(NamedTuple):
    """How many answers of an assignment a review policy found correct, and how many not, when it last looked."""

    assignment: str
    kind: str
    correct: int
    incorrect: int
    reviewed_at: int | None


def millionths(amount: str) -> int:
    """An amount of dollars as the modern API writes it."""
    return int(Decimal(amount) * 1_000_000)


def dollars(amount: int) -> Decimal:
    """The amount in dollars."""
    return Decimal(amount) / 1_000_000


def second(moment: datetime | float) -> int:
    """A time of a modern reply, its fraction cut off."""
    return int(moment.timestamp() if isinstance(moment, datetime) else moment)


def seen_hit(hit: Mapping[str, Any]) -> SeenHit:
    """A HIT structure. The modern API does not say how many assignments were submitted: it is what remains."""
    most = int(hit["MaxAssignments"])
    pending, available, completed = (
        int(hit.get(f"NumberOfAssignments{state}", 0)) for state in ("Pending", "Available", "Completed")
    )
    return SeenHit(
        str(hit["HITId"]),
        second(hit["CreationTime"]),
        millionths(hit["Reward"]),
        str(hit["HITStatus"]),
        most,
        max(0, most - pending - available - completed),
        completed,
    )


def work(assignment: Mapping[str, Any]) -> Work:
    """An Assignment structure."""
    status = str(assignment["AssignmentStatus"])
    decided = assignment.get({"Approved": "ApprovalTime", "Rejected": "RejectionTime"}.get(status, ""))
    return Work(
        str(assignment["AssignmentId"]),
        str(assignment["WorkerId"]),
        status,
        None if decided is None else second(decided),
    )


def bonus(payment: Mapping[str, Any]) -> Bonus:
    """A BonusPayment structure."""
    return Bonus(
        str(payment["AssignmentId"]),
        str(payment["WorkerId"]),
        millionths(payment["BonusAmount"]),
        second(payment["GrantTime"]),
    )


def has_policies(reply: Mapping[str, Any]) -> bool:
    """Whether the HIT that a reply of ListReviewPolicyResultsForHIT is about has a review policy."""
    return bool(reply.get("AssignmentReviewPolicy") or reply.get("HITReviewPolicy"))


def reviews(replies: Iterable[Mapping[str, Any]]) -> list[Review]:
    """What the policies of a HIT found about its assignments, from all pages, each of which is chronological.

    A policy may look at an assignment several times; the last one counts (structures 8 has the keys).
    """
    moments: dict[str, int] = {}
    known: dict[str, dict[str, bool]] = {}
    plurality: dict[str, dict[str, int]] = {}
    last: dict[tuple[str, str], str] = {}
    for reply in replies:
        for level in ("AssignmentReviewReport", "HITReviewReport"):
            report = reply.get(level) or {}
            for action in report.get("ReviewActions", ()):
                if "CompleteTime" in action:
                    moments[action["ActionId"]] = second(action["CompleteTime"])
            for result in report.get("ReviewResults", ()):
                subject, key, value = result["SubjectId"], result["Key"], str(result["Value"])
                if key == "KnownAnswerCorrect":
                    known.setdefault(subject, {})[result.get("QuestionId", "")] = value.lower() in ("1", "true")
                    last[subject, KNOWN] = result["ActionId"]
                elif key in ("PluralityAnswersCorrect", "PluralityAnswersIncorrect"):
                    plurality.setdefault(subject, {})[key] = int(value)
                    last[subject, PLURALITY] = result["ActionId"]
    counts = {(subject, KNOWN): (sum(found.values()), len(found)) for subject, found in known.items()}
    for subject, found in plurality.items():
        correct = found.get("PluralityAnswersCorrect", 0)
        counts[subject, PLURALITY] = (correct, correct + found.get("PluralityAnswersIncorrect", 0))
    return [
        Review(subject, kind, correct, every - correct, moments.get(last[subject, kind]))
        for (subject, kind), (correct, every) in counts.items()
    ]
