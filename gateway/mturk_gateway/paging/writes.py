"""What requesters have written through this gateway: it decides which snapshots may still be shown to them."""

from __future__ import annotations

from collections import deque
from threading import Lock

from sqlalchemy import bindparam, insert
from sqlalchemy.exc import SQLAlchemyError
from structlog import get_logger

from mturk_gateway.database import Database, database_now
from mturk_gateway.paging.tables import writes, written

log = get_logger()

_WRITTEN = insert(written).values(
    requester=bindparam("requester"),
    number=bindparam("number"),
    member=bindparam("about"),
    item=bindparam("id"),
    noted_at=database_now(),
)


class Writes:
    """Records acknowledged writes. Blocks; any thread may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unnoted: deque[tuple[str, tuple[str, str] | None]] = deque()
        self._turn = Lock()
        counting = database.insert_or_update(writes, ["requester"], {"count": writes.c.count + 1})
        self._counting = counting.returning(writes.c.count)

    @property
    def waiting(self) -> bool:
        """Whether there are writes that the database does not know of yet."""
        return bool(self._unnoted)

    def note(self, requester: str, about: tuple[str, str] | None) -> None:
        """Record that a write of the requester was acknowledged: only walks that begin from now on will do.

        `about` is what was written, by naming member and ID. While the database takes nothing, the record waits in
        memory, and this front shows no first page: the write has been made, and its maker must be told so.
        """
        self._unnoted.append((requester, about))
        try:
            self.flush()
        except SQLAlchemyError as error:
            log.error("writes not noted yet", number=len(self._unnoted), reason=type(error).__name__)

    def flush(self) -> None:
        """Record what waits. Raises SQLAlchemyError while the database takes nothing."""
        with self._turn:
            waiting = list(self._unnoted)
            if not waiting:
                return
            with self._database.writing() as connection:
                for requester, about in waiting:
                    number = connection.scalar(self._counting, {"requester": requester, "count": 1})
                    if about:
                        values = {"requester": requester, "number": number, "about": about[0], "id": about[1]}
                        connection.execute(_WRITTEN, values)
            for _ in waiting:
                self._unnoted.popleft()
