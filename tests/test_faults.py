"""Processes that are killed, clocks that are set, upstreams that come and go: nothing is lost, or done twice."""

from __future__ import annotations

import json
import pickle
import time
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bookkeeping import Lab
from flapping import Flapping
from instance import Instance
from mturk_gateway.clock import SteadyClock
from mturk_gateway.credentials import Requester, write_profile
from mturk_gateway.database import database_now
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.house import House
from mturk_gateway.paging.tables import walks
from mturk_gateway.settings import Settings
from support import ScriptedUpstream
from walks import Account, Program, until

LAB = Requester("lab", "AKIDLAB", "lab-secret")

processes = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="tells processes apart by /proc")


@pytest.fixture
def keys(tmp_path):
    write_profile(tmp_path / "credentials", LAB)
    return "--credentials", tmp_path / "credentials"


def check_books(lab):
    """No answer was wrong, and all that was acknowledged has been done, once."""
    assert lab.wrong == []
    assert {asked.outcome for asked in lab.asked} <= {"answered", "refused", "broken"}
    assert lab.audit() == ([], [])
    assert lab.writes


@processes
def test_what_is_acknowledged_is_done_once_whatever_is_killed(tmp_path, keys):
    with Instance(tmp_path / "data", *keys, "--fronts", "2", "--freshness", "0") as instance:
        with Lab(instance.url, LAB, tmp_path / "data" / "marketplace.db") as lab:
            for kind in ("marketplaces", "fronts", "walkers"):
                instance.kill(getattr(instance.processes(), kind)[0])
                until(instance.is_whole, 100)
            instance.kill_all()
            instance.start()
        check_books(lab)


@processes
def test_a_process_that_does_not_live_long_is_started_again_later_each_time(tmp_path, keys):
    """Or a walker that cannot even begin would keep the others from the processor."""
    with Instance(tmp_path / "data", *keys) as instance:
        for number in (1, 2, 3):
            until(lambda number=number: len(happened(instance, "process started")) == number, 100)
            instance.kill(happened(instance, "process started")[-1]["pid"])
        until(lambda: len(happened(instance, "process started")) == 4, 100)
        ended, started = (
            [datetime.fromisoformat(line["timestamp"]).timestamp() for line in happened(instance, event)]
            for event in ("process ended", "process started")
        )

    pauses = [begun - over for over, begun in zip(ended, started[1:], strict=True)]
    assert [round(pause) >= least for pause, least in zip(pauses, (1, 2, 4), strict=True)] == [True] * 3


def happened(instance, event):
    """The lines of the log that say so of the walker."""
    lines = [json.loads(line) for line in instance.log.read_text().splitlines()]
    return [line for line in lines if (line["event"], line.get("name")) == (event, "walker")]


def test_what_is_acknowledged_is_done_once_by_an_upstream_that_comes_and_goes(gateway, requester, foreign_gateway):
    """It fails, is slow, and cuts connections when what was asked for is done."""
    with Flapping(int(gateway.url.rpartition(":")[2])) as relay:
        made, _ = foreign_gateway(relay.url, freshness=0)
        write_profile(made.settings.keys, requester)
        marketplace = gateway.settings.data / "marketplace.db"
        with Lab(made.url, requester, marketplace) as lab, relay.unsteady():
            until(lambda: sum(asked.outcome == "refused" for asked in lab.asked) >= 5)
        check_books(lab)


def test_nothing_is_held_to_be_fresh_because_the_clock_was_set_back_while_nothing_ran(tmp_path, keys):
    account = Account(3)
    with ScriptedUpstream(account) as upstream:
        settings = Settings(data=tmp_path / "data", credentials=keys[1], upstream=upstream.url)
        with EmbeddedGateway(settings) as made, Program(made.url, LAB) as program:
            assert program.page("SearchHITs").total == 3
            with made.house.desk.writing() as connection:
                connection.execute(update(walks).values(started_at=walks.c.started_at + 3600))
        account.add()
        with EmbeddedGateway(settings) as made, Program(made.url, LAB) as program:
            assert program.page("SearchHITs").total == 4


def test_leases_and_ages_do_not_follow_a_clock_that_is_set_while_the_gateway_runs(tmp_path, monkeypatch):
    settings = Settings(data=tmp_path / "data", upstream="http://127.0.0.1:1", credentials=tmp_path / "credentials")
    clock = SteadyClock()
    before = clock()
    house = House.open(settings, pickle.loads(pickle.dumps(clock)))  # noqa: S301  # as it goes to processes
    for ahead in (-3600, 259_200):
        monkeypatch.setattr(time, "time", lambda ahead=ahead: before + ahead)
        for database in (house.desk, house.stock, house.ledger):
            with database.reading() as connection:
                assert 0 <= connection.scalar(select(database_now())) - before < 60
    house.close()
