"""The data folder: where the databases and the keys are, and how they are made ready."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from mturk_gateway.clock import Clock, SteadyClock
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.paging.tables import prepare_paging
from mturk_gateway.settings import Settings, SettingsError


@dataclass(frozen=True)
class House:
    """The databases, open, and the credentials file whose profiles are the requesters.

    `desk` and `stock` are those of paging (`paging.tables`). `marketplace` is None where the modern API is somebody
    else's.
    """

    credentials: Path
    desk: Database
    stock: Database
    ledger: Database
    marketplace: Database | None

    @classmethod
    def open(cls, settings: Settings, clock: Clock | None = None, *, durable: bool = True) -> House:
        """Open what there is in the data folder, which is made if need be.

        `clock` is what leases and ages are told by: one for all processes that work with the folder at the same time.
        One that is not `durable` loses what was acknowledged when the power is cut, and writes faster.
        """
        clock = clock or SteadyClock()
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(
            settings.keys,
            Database(sqlite_url(settings.data / "walks.db"), durable=False, clock=clock),
            Database(sqlite_url(settings.data / "snapshots.db"), durable=False, bulky=True, clock=clock),
            Database(sqlite_url(settings.data / "ledger.db"), durable=durable, clock=clock),
            Database(sqlite_url(settings.data / "marketplace.db"), durable=durable) if settings.embedded else None,
        )

    def prepare(self) -> None:
        """Bring all schemas up to date: once, before any other process opens them."""
        prepare_paging(self.desk, self.stock)
        self.ledger.migrate("mturk_gateway.ledger")
        if self.marketplace:
            self.marketplace.migrate("mturk_gateway.marketplace")

    def renew_paging(self) -> None:
        """Begin with new databases of paging, because one of them is gone; nobody else may have them open."""
        self.desk.discard()
        self.stock.discard()
        prepare_paging(self.desk, self.stock)

    def problems(self) -> list[str]:
        """What keeps the databases of a front from answering; nothing when all is well."""
        problems = []
        for name, database in (("walks", self.desk), ("snapshots", self.stock), ("ledger", self.ledger)):
            try:
                with database.reading() as connection:
                    connection.execute(text("SELECT 1"))
            except SQLAlchemyError as error:
                problems.append(f"{name}: {type(error).__name__}")
        return problems

    def close(self) -> None:
        """Let go of all databases."""
        for database in (self.desk, self.stock, self.ledger, self.marketplace):
            if database:
                database.close()


@contextmanager
def occupied(data: Path) -> Iterator[None]:
    """While this process serves a data folder, which is made if need be. Raises SettingsError where another one does.

    Two would each take the other's promises for those of a gateway that has ended, and carry them out once more.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data / ".serving.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(
                f"another gateway is serving {data}. Stop that one, or give this one a folder of its own: --data"
            ) from None
        yield
