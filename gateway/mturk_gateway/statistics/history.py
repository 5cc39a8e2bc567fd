"""What is remembered of requesters' HITs, and how it is brought into agreement with what the upstream says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, Table, bindparam, case, delete, func, insert, literal_column, select, update

from mturk_gateway.database import Database
from mturk_gateway.ledger.tables import (
    histories,
    history_assignments,
    history_bonuses,
    history_hits,
    history_reviews,
)
from mturk_gateway.statistics.facts import Bonus, Review, SeenHit, Work

EVER = 2**31 - 1
"""The version up to which a HIT has been read of which nothing more will ever have to be."""

DISPOSED = "Disposed"

_BONUSES_GOOD = 86_400
"""Seconds after which a HIT's bonuses are read again: nothing shows that somebody was paid past the gateway."""
_SETTLING = 3600
"""Seconds after a HIT has changed in which its review policies may still have to look at it."""


class Unread(NamedTuple):
    """A HIT of which something may be new, and up to which version.

    `completed` assignments are decided at least; `handed_in` is how many there are in all, None where that may have
    changed since it was seen. `settled` says that nothing happens there by itself any more.
    """

    hit: str
    version: int
    completed: int
    handed_in: int | None
    reward: int | None
    settled: bool


class History:
    """The record of accounts' HITs, assignments, bonuses and reviews. Every method is one transaction and blocks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keep_hit = database.insert_or_update(
            history_hits, ["requester", "hit"], _excluded(history_hits, "requester", "hit")
        )
        self._keep_cursor = database.insert_or_update(
            histories, ["requester"], {"cursor": literal_column("excluded.cursor")}
        )
        known = history_assignments.c
        # A listing that has not got the latest decision is behind.
        behind = known.decided_at > func.coalesce(literal_column("excluded.decided_at"), 0)
        self._keep_work = database.insert_or_update(
            history_assignments,
            ["requester", "assignment"],
            {
                "hit": literal_column("excluded.hit"),
                "worker": literal_column("excluded.worker"),
                "status": case((behind, known.status), else_=literal_column("excluded.status")),
                "decided_at": case((behind, known.decided_at), else_=literal_column("excluded.decided_at")),
                "reward": func.coalesce(known.reward, literal_column("excluded.reward")),
            },
        )
        self._keep_review = database.insert_or_update(
            history_reviews,
            ["requester", "assignment", "kind"],
            _excluded(history_reviews, "requester", "assignment", "kind"),
        )

    def deeds(self, account: str) -> int:
        """How many deeds of the account have gone into its history."""
        with self._database.reading() as connection:
            return connection.scalar(select(histories.c.deeds).where(histories.c.requester == account)) or 0

    def cursor(self, account: str) -> str | None:
        """What to ask the upstream with for the HITs that have changed."""
        with self._database.reading() as connection:
            cursor: str | None = connection.scalar(select(histories.c.cursor).where(histories.c.requester == account))
            return cursor

    def keep_cursor(self, account: str, cursor: str | None) -> None:
        """All HITs up to this cursor have been seen."""
        with self._database.writing() as connection:
            connection.execute(self._keep_cursor, {"requester": account, "deeds": 0, "cursor": cursor})

    def see(self, account: str, hits: Sequence[SeenHit], now: int) -> None:
        """HITs as the upstream shows them now."""
        with self._database.writing() as connection:
            mine = history_hits.c.requester == account
            found = connection.execute(select(history_hits).where(mine, history_hits.c.hit.in_([h.hit for h in hits])))
            known = {row.hit: row for row in found}
            changed = [_merged(account, known.get(hit.hit), hit, now) for hit in hits]
            rows = [row for row in changed if row is not None]
            if rows:
                connection.execute(self._keep_hit, rows)

    def standing(self, account: str) -> set[str]:
        """The HITs that are not known to be gone."""
        return self._hits(account, history_hits.c.disposed_at.is_(None))

    def unseen(self, account: str) -> set[str]:
        """The HITs of which only deeds tell."""
        return self._hits(account, history_hits.c.status.is_(None))

    def _hits(self, account: str, which: Any) -> set[str]:
        with self._database.reading() as connection:
            statement = select(history_hits.c.hit).where(history_hits.c.requester == account, which)
            return set(connection.scalars(statement))

    def lose(self, account: str, hit: str, now: int) -> None:
        """The upstream knows nothing of a HIT any more: what is known of it stays."""
        values = {
            "status": DISPOSED,
            "disposed_at": func.coalesce(history_hits.c.disposed_at, now),
            "assignments_read": EVER,
            "bonuses_read": EVER,
            "reviews_read": EVER,
        }
        with self._database.writing() as connection:
            connection.execute(_of_hit(account, hit).values(values))

    def unread(self, account: str, part: str, now: int) -> list[Unread]:
        """The HITs of which `assignments`, `bonuses` or `reviews` may be new."""
        hits = history_hits.c
        due = [hits[f"{part}_read"] < hits.version]
        if part == "bonuses":
            due.append((hits.bonuses_read_at < now - _BONUSES_GOOD) & hits.disposed_at.is_(None))
        with self._database.reading() as connection:
            # One after the other: each has an index of its own.
            statements = [select(history_hits).where(hits.requester == account, which) for which in due]
            found = [row for statement in statements for row in connection.execute(statement)]
        rows = {row.hit: row for row in found}
        return [_unread(row, now) for _, row in sorted(rows.items())]

    def keep_work(self, account: str, unread: Unread, found: Iterable[Work]) -> None:
        """The assignments of a HIT as they were listed.

        A list in which some decisions are missing that the HIT counts is behind, and will be read again.
        """
        rows = [
            {"requester": account, "hit": unread.hit, "reward": unread.reward, "sought": False, **work._asdict()}
            for work in found
        ]
        decided = sum(row["decided_at"] is not None for row in rows)
        with self._database.writing() as connection:
            if rows:
                connection.execute(self._keep_work, rows)
            if decided >= unread.completed:
                connection.execute(_of_hit(account, unread.hit).values(assignments_read=unread.version))

    def alone(self, account: str) -> list[str]:
        """The assignments of which only deeds tell, and whose HIT was not sought yet."""
        statement = select(history_assignments.c.assignment).where(
            history_assignments.c.requester == account,
            history_assignments.c.hit.is_(None),
            ~history_assignments.c.sought,
        )
        with self._database.reading() as connection:
            return sorted(connection.scalars(statement))

    def join(self, account: str, work: Work, hit: SeenHit) -> None:
        """The HIT of such an assignment, which has been seen."""
        facts = {"requester": account, "hit": hit.hit, "reward": hit.reward, "sought": True, **work._asdict()}
        with self._database.writing() as connection:
            connection.execute(self._keep_work, facts)

    def give_up(self, account: str, assignment: str) -> None:
        """The HIT of such an assignment cannot be found."""
        mine = (history_assignments.c.requester == account) & (history_assignments.c.assignment == assignment)
        with self._database.writing() as connection:
            connection.execute(update(history_assignments).where(mine).values(sought=True))

    def keep_bonuses(self, account: str, unread: Unread, found: Iterable[Bonus], now: int) -> None:
        """The bonuses of a HIT as they were listed. What is new there is what was seen to be paid, as far as it was."""
        table = history_bonuses.c
        listed = (table.requester == account, table.hit == unread.hit, table.listed)
        paid = list(found)
        with self._database.writing() as connection:
            before = connection.execute(select(table.assignment, table.amount).where(*listed))
            new = Counter((bonus.assignment, bonus.amount) for bonus in paid)
            new.subtract((row.assignment, row.amount) for row in before)
            connection.execute(delete(history_bonuses).where(*listed))
            if paid:
                facts = {"requester": account, "hit": unread.hit, "listed": True}
                connection.execute(insert(history_bonuses), [{**facts, **bonus._asdict()} for bonus in paid])
            noted = connection.execute(
                select(table.id, table.assignment, table.amount).where(
                    table.requester == account,
                    ~table.listed,
                    table.assignment.in_(select(table.assignment).where(*listed)),
                )
            )
            told = []
            for row in noted:
                if new[row.assignment, row.amount] > 0:
                    new[row.assignment, row.amount] -= 1
                    told.append({"told": row.id})
            if told:
                connection.execute(delete(history_bonuses).where(table.id == bindparam("told")), told)
            read = {"bonuses_read": unread.version, "bonuses_read_at": now}
            connection.execute(_of_hit(account, unread.hit).values(read))

    def keep_reviews(self, account: str, unread: Unread, found: Iterable[Review], *, has_policies: bool) -> None:
        """What review policies found in a HIT, and whether it has any, which never changes."""
        rows = [{"requester": account, "hit": unread.hit, **review._asdict()} for review in found]
        read: dict[str, Any] = {"has_policies": has_policies}
        if not has_policies:
            read["reviews_read"] = EVER
        elif unread.settled:
            read["reviews_read"] = unread.version
        with self._database.writing() as connection:
            if rows:
                connection.execute(self._keep_review, rows)
            connection.execute(_of_hit(account, unread.hit).values(read))


def _unread(row: Row[Any], now: int) -> Unread:
    # One that is gone was last seen some time before.
    handed_in = row.submitted + row.completed if row.disposed_at is None else None
    return Unread(row.hit, row.version, row.completed, handed_in, row.reward, settled=now - row.seen_at >= _SETTLING)


def _excluded(table: Table, *key: str) -> dict[str, Any]:
    return {name: literal_column(f"excluded.{name}") for name in table.columns.keys() if name not in key}  # noqa: SIM118


def _of_hit(account: str, hit: str) -> Any:
    return update(history_hits).where(history_hits.c.requester == account, history_hits.c.hit == hit)


def _merged(account: str, known: Row[Any] | None, hit: SeenHit, now: int) -> Mapping[str, Any] | None:
    """The row of a HIT as it has been seen; None when that is no news."""
    worked = bool(hit.submitted or hit.completed)
    gone = now if hit.status == DISPOSED else None
    if known is None:
        read = 0 if worked else 1
        return {
            "requester": account,
            **hit._asdict(),
            "seen_at": now,
            "disposed_at": gone,
            "has_policies": None,
            "version": 1,
            "assignments_read": read,
            "bonuses_read": read,
            "bonuses_read_at": None,
            "reviews_read": read,
        }
    row = dict(known._mapping)  # noqa: SLF001  # SQLAlchemy's documented way to a row by name
    seen = {**row, **hit._asdict()}
    if seen == row:
        return None
    if (known.submitted, known.completed) != (hit.submitted, hit.completed):
        seen["version"] += 1
    if known.status != hit.status and worked and known.reviews_read != EVER:
        seen["reviews_read"] = 0
    # A listing that still has what is disposed of is behind, or others are still at work there.
    seen["disposed_at"] = gone if known.disposed_at is None else known.disposed_at
    seen["seen_at"] = now
    return seen
