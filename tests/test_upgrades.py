"""Databases of earlier versions are brought up to date: all of it or nothing, and with everything that is in them."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.event import listens_for

import old_rows
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.ledger.tables import metadata as ledger_metadata
from mturk_gateway.ledger.undertakings import Undertakings
from mturk_gateway.ledger.usage import Usage
from mturk_gateway.marketplace.tables import metadata as marketplace_metadata
from mturk_gateway.schemas import PACKAGES, SchemaError, known_versions
from mturk_gateway.settings import Settings
from old_rows import LAB, ROWS, make_database, make_folder
from support import ask, free_port, modern_client, one, texts
from walks import until

METADATA = {"marketplace.db": marketplace_metadata, "ledger.db": ledger_metadata}
OLD = [(name, version) for name, package in PACKAGES.items() for version in known_versions(package)[1:]]


def migrate(path):
    database = Database(sqlite_url(path), durable=True)
    try:
        database.migrate(PACKAGES[path.name])
    finally:
        database.close()


def schema_of(path):
    """Columns, indexes and foreign keys of each table, in whatever order they were made."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        schema = {}
        for table in tables:
            columns = {row[1:] for row in connection.execute(f"PRAGMA table_info({table})")}
            keys = {row[2:] for row in connection.execute(f"PRAGMA foreign_key_list({table})")}
            indexes = {
                (*((unique, origin, partial)), tuple(connection.execute(f"PRAGMA index_xinfo('{name}')")))
                for _, name, unique, origin, partial in connection.execute(f"PRAGMA index_list({table})")
            }
            schema[table] = (
                {(name, kind, absent, str(default).strip("()"), key) for name, kind, absent, default, key in columns},
                keys,
                {
                    (unique, origin, partial, tuple(column[2:] for column in named))
                    for unique, origin, partial, named in indexes
                },
            )
        where = connection.execute(
            "SELECT name, substr(sql, instr(sql, 'WHERE')) FROM sqlite_master WHERE sql LIKE '%INDEX%WHERE%'"
        )
        return schema, dict(where.fetchall())


def content_of(path):
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fresh")
    for name in PACKAGES:
        migrate(folder / name)
    return folder


def test_there_are_rows_for_every_version_that_there_was():
    assert {(name, version) for name, versions in ROWS.items() for version in versions} == set(OLD)


@pytest.mark.parametrize(("name", "version"), OLD)
def test_an_old_database_becomes_what_a_new_one_is(tmp_path, fresh, name, version):
    path = tmp_path / name
    make_database(path, version)
    migrate(path)

    assert schema_of(path) == schema_of(fresh / name)
    database = Database(sqlite_url(path), durable=True)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA[name]) == []
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        assert connection.exec_driver_sql("PRAGMA integrity_check").all() == [("ok",)]
        for table, rows in ROWS[name][version].items():
            for row in rows:
                kept = " AND ".join(f"{column} = ?" for column in row)
                found = connection.exec_driver_sql(f"SELECT count(*) FROM {table} WHERE {kept}", tuple(row.values()))  # noqa: S608
                assert found.scalar() == 1, (table, row)
    database.close()


@pytest.mark.parametrize(
    ("marketplace", "ledger"), [("0001", "0001"), ("0002", "0001"), ("0003", "0002"), ("0003", "0003")]
)
def test_a_gateway_goes_on_with_the_data_of_an_earlier_version(tmp_path, marketplace, ledger):
    make_folder(tmp_path / "data", marketplace, ledger)
    with EmbeddedGateway(Settings(data=tmp_path / "data")) as gateway, modern_client(gateway.url, LAB) as modern:
        if ledger != "0001":
            # What was promised is carried out, once it is said that nobody is at it any more, as `serve` does.
            Undertakings(gateway.house.ledger, lease=60).release()
            until(lambda: modern.get_hit(HITId=old_rows.DISABLED)["HIT"]["HITStatus"] == "Disposed")
        else:
            modern.delete_hit(HITId=old_rows.DISABLED)
        found = ask(gateway.url, LAB, "SearchHITs", SortProperty="CreationTime", SortDirection="Ascending")
        assert texts(found, "HITId") == [old_rows.OPEN, old_rows.EXPIRED, old_rows.REVIEWED]
        assert texts(found, "HITStatus") == ["Assignable", "Reviewable", "Reviewing"]
        assert set(texts(found, "Title")) == {"Count the dots — ünïcode"}
        work = ask(gateway.url, LAB, "GetAssignmentsForHIT", HITId=old_rows.EXPIRED)
        assert set(texts(work, "AssignmentId")) == {old_rows.APPROVED, old_rows.REJECTED}
        assert set(texts(work, "AssignmentStatus")) == {"Approved", "Rejected"}
        assert one(ask(gateway.url, LAB, "GetAccountBalance"), "Amount") == "10000.00"

        assert {hit["HITId"] for hit in modern.list_hits()["HITs"]} == {*texts(found, "HITId")}
        (kind,) = modern.list_qualification_types(MustBeRequestable=False, MustBeOwnedByCaller=True)[
            "QualificationTypes"
        ]
        assert (kind["Name"], kind["QualificationTypeId"]) == ("careful", old_rows.QUALIFICATION)
        modern.approve_assignment(AssignmentId=old_rows.SUBMITTED)
        modern.send_bonus(WorkerId="A1", AssignmentId=old_rows.SUBMITTED, BonusAmount="0.10", Reason="r")
        assert Usage(gateway.house.ledger).totals()[LAB.access_key, "legacy"] >= 12
        with gateway.house.marketplace.reading() as connection:
            assert connection.exec_driver_sql("SELECT SUM(balance) FROM accounts").scalar() == 0
            earned = connection.exec_driver_sql(
                "SELECT balance FROM accounts WHERE kind = 'earned' AND worker_id = 'A1'"
            )
            assert earned.scalar() == 5 + 5 + 10

    copy = tmp_path / "data" / "marketplace.db.before-0004"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (marketplace,)
        assert connection.execute("SELECT count(*) FROM hits").fetchone() == (4,)


@pytest.mark.parametrize(("name", "every"), [("marketplace.db", 12), ("ledger.db", 4)])
def test_an_upgrade_that_is_killed_has_changed_nothing(tmp_path, name, every):
    """SIGKILL before one of its statements, or its end; the next start brings the database up to date."""
    make_database(tmp_path / name, "0001")
    script = Path(__file__).with_name("killed_upgrades.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path / name, str(every)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert outcome == {"tried": outcome["tried"], "killed": outcome["tried"], "changed": [], "unfinished": []}
    assert outcome["tried"] >= 8


def test_an_upgrade_that_finds_the_disk_full_has_changed_nothing_and_says_so(tmp_path):
    make_database(tmp_path / "marketplace.db", "0001")
    before = content_of(tmp_path / "marketplace.db")
    database = Database(sqlite_url(tmp_path / "marketplace.db"), durable=True)
    with database.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    @listens_for(database.engine, "connect")
    def limit(connection, _record):
        connection.execute(f"PRAGMA max_page_count={pages + 2}")

    database.engine.dispose()
    with pytest.raises(SchemaError, match=r"marketplace\.db could not be brought up to date.*full"):
        database.migrate("mturk_gateway.marketplace")
    database.close()

    assert content_of(tmp_path / "marketplace.db") == before


def test_without_a_place_for_a_copy_the_upgrade_is_made_all_the_same(tmp_path):
    make_database(tmp_path / "ledger.db", "0001")
    (tmp_path / "ledger.db.before-0004").mkdir()
    migrate(tmp_path / "ledger.db")

    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0004",)
    assert {path.name for path in tmp_path.iterdir()} == {"ledger.db", "ledger.db.before-0004"}


def test_a_new_database_and_one_that_is_up_to_date_leave_no_copy(tmp_path):
    migrate(tmp_path / "ledger.db")
    migrate(tmp_path / "ledger.db")

    assert [path.name for path in tmp_path.iterdir()] == ["ledger.db"]


LISTENERS = [f"--{name}={free_port()}" for name in ("port", "content-port", "operators-port")]


@pytest.mark.parametrize("words", [["serve", *LISTENERS], ["requester", "list"]])
def test_a_database_of_a_newer_program_is_refused_in_words_and_not_touched(tmp_path, fresh, words):
    data = tmp_path / "data"
    shutil.copytree(fresh, data)
    with closing(sqlite3.connect(data / "marketplace.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("CREATE TABLE things_to_come (n INTEGER)")
    before = content_of(data / "marketplace.db")
    done = subprocess.run(
        [sys.executable, "-m", "mturk_gateway", *words, "--data", data], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "has version 9999" in done.stderr
    assert "a newer one wrote it" in done.stderr
    assert "Traceback" not in done.stderr
    assert content_of(data / "marketplace.db") == before
