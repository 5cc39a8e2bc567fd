"""What requesters have done through this gateway: writes that no listing shows any more once the HIT is gone."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, literal_column
from structlog import get_logger

from mturk_gateway.database import Database
from mturk_gateway.ledger.tables import histories, history_assignments, history_bonuses, history_hits
from mturk_gateway.statistics.facts import Bonus, SeenHit, millionths, second
from mturk_gateway.statistics.history import EVER
from mturk_translators.call import Call, Reply
from mturk_translators.faults import MISSHAPEN

log = get_logger()

Record = Callable[[Connection, str], None]
"""Puts a deed of an account into the history."""


class Deeds:
    """Notes writes in memory, and in the ledger from time to time: what came since the last `save` can be lost.

    A crash loses them only as deeds: whatever the upstream still tells of them is read from there.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unsaved: list[tuple[str, Record]] = []
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._readers: Mapping[str, Callable[[Mapping[str, Any], Reply, int], Record]] = {
            "CreateHIT": self._created,
            "CreateHITWithHITType": self._created,
            "ApproveAssignment": lambda params, _, now: self._decided(params, "Approved", now),
            "RejectAssignment": lambda params, _, now: self._decided(params, "Rejected", now),
            "SendBonus": self._paid,
            "DeleteHIT": self._disposed,
        }
        excluded = literal_column
        self._counting = database.insert_or_update(
            histories, ["requester"], {"deeds": histories.c.deeds + excluded("excluded.deeds")}
        )
        self._creating = database.insert_or_update(
            history_hits, ["requester", "hit"], {"has_policies": excluded("excluded.has_policies")}
        )
        self._deciding = database.insert_or_update(
            history_assignments,
            ["requester", "assignment"],
            {"status": excluded("excluded.status"), "decided_at": excluded("excluded.decided_at")},
        )
        self._disposing = database.insert_or_update(
            history_hits,
            ["requester", "hit"],
            {
                "disposed_at": func.coalesce(history_hits.c.disposed_at, excluded("excluded.disposed_at")),
                # What it had come to by then may never have been read.
                "version": history_hits.c.version + 1,
            },
        )

    def note(self, account: str, call: Call, reply: Reply, now: float) -> None:
        """Note a write that the upstream has acknowledged. Does not block on the database.

        Calls that no statistic is about are passed over, and so is what is not shaped like one of those.
        """
        read = self._readers.get(call.operation)
        if read is None:
            return
        try:
            record = read(call.params, reply, int(now))
        except MISSHAPEN as error:
            log.warning("deed not understood", operation=call.operation, reason=type(error).__name__)
            return
        with self._lock:
            self._unsaved.append((account, record))

    def save(self) -> None:
        """Put into the ledger what was noted, in its order. Raises SQLAlchemyError while the database takes nothing."""
        with self._saving:
            with self._lock:
                unsaved, self._unsaved = self._unsaved, []
            if not unsaved:
                return
            try:
                with self._database.writing() as connection:
                    for account, record in unsaved:
                        record(connection, account)
                    counts = Counter(account for account, _ in unsaved)
                    rows = [{"requester": account, "deeds": count} for account, count in counts.items()]
                    connection.execute(self._counting, rows)
            except Exception:
                with self._lock:
                    self._unsaved = unsaved + self._unsaved
                raise

    def _created(self, params: Mapping[str, Any], reply: Reply, now: int) -> Record:
        made = reply["HIT"]
        reviewed = bool(params.get("AssignmentReviewPolicy") or params.get("HITReviewPolicy"))
        hit = SeenHit(
            hit=str(made["HITId"]),
            created_at=second(made.get("CreationTime", now)),
            reward=millionths(made["Reward"] if "Reward" in made else params["Reward"]),
            status=str(made.get("HITStatus", "Assignable")),
            most=int(made.get("MaxAssignments", params.get("MaxAssignments", 1))),
            submitted=0,
            completed=0,
        )
        # Nobody can have handed anything in: there is nothing to read until the HIT is seen to have changed.
        facts = {
            **hit._asdict(),
            "seen_at": now,
            "disposed_at": None,
            "has_policies": reviewed,
            "version": 1,
            "assignments_read": 1,
            "bonuses_read": 1,
            "bonuses_read_at": None,
            "reviews_read": 1 if reviewed else EVER,
        }
        return lambda connection, account: _execute(connection, self._creating, {"requester": account, **facts})

    def _decided(self, params: Mapping[str, Any], status: str, now: int) -> Record:
        facts = {"assignment": str(params["AssignmentId"]), "status": status, "decided_at": now, "sought": False}
        return lambda connection, account: _execute(connection, self._deciding, {"requester": account, **facts})

    def _paid(self, params: Mapping[str, Any], _reply: Reply, now: int) -> Record:
        paid = Bonus(
            str(params["AssignmentId"]), str(params["WorkerId"]), millionths(params["BonusAmount"]), granted_at=now
        )
        facts = {**paid._asdict(), "listed": False}
        return lambda connection, account: _execute(
            connection, insert(history_bonuses), {"requester": account, **facts}
        )

    def _disposed(self, params: Mapping[str, Any], _reply: Reply, now: int) -> Record:
        facts = {
            "hit": str(params["HITId"]),
            "disposed_at": now,
            "most": 0,
            "submitted": 0,
            "completed": 0,
            "seen_at": now,
            "version": 1,
            "assignments_read": 0,
            "bonuses_read": 0,
            "reviews_read": 0,
        }
        return lambda connection, account: _execute(connection, self._disposing, {"requester": account, **facts})


def _execute(connection: Connection, statement: Any, values: Mapping[str, Any]) -> None:
    connection.execute(statement, values)
