"""What is kept, and what is said of it."""

from __future__ import annotations

import logging
import stat

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.settings import Settings


def test_errors_do_not_tell_what_a_row_holds(tmp_path, caplog):
    """They reach the log, and workers' answers must not."""
    database = Database(sqlite_url(tmp_path / "x.db"), durable=False)
    with caplog.at_level(logging.DEBUG), pytest.raises(SQLAlchemyError) as caught, database.writing() as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (:answer)"), {"answer": "an answer of a worker"})
    database.close()

    assert "an answer of a worker" not in str(caught.value)
    assert "an answer of a worker" not in caplog.text


def test_the_data_folder_is_its_owners_alone(tmp_path):
    with EmbeddedGateway(Settings(data=tmp_path / "data")) as gateway:
        gateway.add_requester("lab")

        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
        assert {path.name for path in (tmp_path / "data").iterdir()} >= {
            "credentials",
            "ledger.db",
            "marketplace.db",
            "snapshots.db",
        }


def test_a_write_is_undone_when_its_block_fails(tmp_path):
    database = Database(sqlite_url(tmp_path / "x.db"), durable=True)
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))

    def write():
        with database.writing() as connection:
            connection.execute(text("INSERT INTO t VALUES (1)"))
            connection.execute(text("INSERT INTO nowhere VALUES (1)"))

    with pytest.raises(SQLAlchemyError):
        write()
    with database.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM t")) == 0
    database.close()
