"""What workers do with HITs (worker-side 2)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from mturk_gateway.marketplace.ids import new_entity_id
from mturk_gateway.marketplace.services.answers import render_answers
from mturk_gateway.marketplace.services.timers import settle
from mturk_gateway.marketplace.tables import assignments, hit_types, hits, next_change

_WORKER_ID = re.compile(r"A[A-Z0-9]{1,63}")


class WorkerRefused(Exception):  # noqa: N818  # a refusal is the worker's to read, not an error of the program
    """The worker may not do that; the text says why and may be shown."""


def accept(connection: Connection, hit_id: str, worker_id: str, now: int) -> str:
    """Take a free slot of a HIT for a worker; the id of the new assignment. Raises WorkerRefused.

    Qualification requirements and blocks are not evaluated yet, nor is there a limit of assignments held at once.
    """
    if not _WORKER_ID.fullmatch(worker_id):
        raise WorkerRefused("This is not a worker id.")
    settle(connection, now)
    duration = connection.execute(
        select(hit_types.c.assignment_duration).join_from(hits, hit_types).where(hits.c.id == hit_id)
    ).scalar_one_or_none()
    if duration is None:
        raise WorkerRefused("There is no such HIT.")
    held = select(assignments.c.id).where(
        assignments.c.hit_id == hit_id, assignments.c.worker_id == worker_id, assignments.c.given_up_at.is_(None)
    )
    if connection.execute(held).one_or_none() is not None:
        raise WorkerRefused("You have already accepted this HIT.")
    # One statement looks for the slot and takes it, so that two workers can never both have the last one.
    taken = connection.execute(
        update(hits)
        .where(
            hits.c.id == hit_id,
            hits.c.disposed_at.is_(None),
            hits.c.expiration > now,
            hits.c.pending + hits.c.submitted + hits.c.approved + hits.c.rejected < hits.c.max_assignments,
        )
        .values(pending=hits.c.pending + 1)
    )
    if not taken.rowcount:
        raise WorkerRefused("There are no more available assignments of this HIT.")
    identifier = new_entity_id()
    connection.execute(
        insert(assignments).values(
            id=identifier,
            hit_id=hit_id,
            worker_id=worker_id,
            state="Accepted",
            accept_time=now,
            deadline=now + duration,
            due=now + duration,
            change=next_change(assignments.c.hit_id),
        ),
        {"owner": hit_id},
    )
    return identifier


def submit(connection: Connection, assignment_id: str, answers: Sequence[tuple[str, str]], now: int) -> None:
    """Hand in the answers, as pairs of field name and value in the form's order. Raises WorkerRefused.

    Allowed until the deadline even if the HIT has expired; approved at once where the HIT type says so.
    """
    settle(connection, now)
    row = connection.execute(
        select(assignments.c.state, assignments.c.hit_id, hit_types.c.auto_approval_delay)
        .select_from(assignments)
        .join(hits, hits.c.id == assignments.c.hit_id)
        .join(hit_types, hit_types.c.id == hits.c.hit_type_id)
        .where(assignments.c.id == assignment_id)
    ).one_or_none()
    if row is None:
        raise WorkerRefused("There is no such assignment.")
    if row.state == "Abandoned":
        raise WorkerRefused("The time allotted for this assignment is over.")
    if row.state != "Accepted":
        raise WorkerRefused("This assignment has already been submitted.")
    approval = now + row.auto_approval_delay
    connection.execute(
        update(assignments)
        .where(assignments.c.id == assignment_id)
        .values(
            state="Submitted",
            submit_time=now,
            auto_approval_time=approval,
            due=approval,
            answer=render_answers(answers),
        )
    )
    connection.execute(
        update(hits).where(hits.c.id == row.hit_id).values(pending=hits.c.pending - 1, submitted=hits.c.submitted + 1)
    )
    settle(connection, now)
