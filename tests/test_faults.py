"""Processes that are killed, clocks that are set, upstreams that come and go: nothing is lost, or done twice."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from bookkeeping import Lab
from flapping import Flapping
from instance import Instance, faketime
from mturk_gateway.clock import wall_clock
from mturk_gateway.credentials import Requester, write_profile
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.paging.tables import walks
from mturk_gateway.settings import Settings
from mturk_translators.xml import parse
from support import ScriptedUpstream, fill_database, one, post, signed_query
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
        for _ in range(3):
            (walker,) = until(lambda: instance.processes().walkers, 100)
            instance.kill(walker)
            until(lambda walker=walker: walker not in instance.processes().walkers)
        until(lambda: len(moments(instance, "process started")) == 4, 100)
        ended, started = moments(instance, "process ended"), moments(instance, "process started")

    pauses = [begun - over for over, begun in zip(ended, started[1:], strict=True)]
    assert [round(pause) >= least for pause, least in zip(pauses, (1, 2, 4), strict=True)] == [True] * 3


def moments(instance, event):
    """When something happened to the walker, by the log."""
    lines = [json.loads(line) for line in instance.log.read_text().splitlines()]
    return [
        datetime.fromisoformat(line["timestamp"]).timestamp()
        for line in lines
        if (line["event"], line.get("name")) == (event, "walker")
    ]


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


@processes
@pytest.mark.skipif(faketime() is None, reason="libfaketime is not installed")
def test_nothing_is_held_to_be_fresh_and_no_walk_forgotten_when_the_clock_is_set(tmp_path, keys):
    """An hour back, and days ahead: pages are as old as the setting says, and who is on the way stays on it."""
    setting = tmp_path / "clock"
    setting.write_text("+0")
    environment = {
        "LD_PRELOAD": str(faketime()),
        "FAKETIME_TIMESTAMP_FILE": str(setting),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }

    def page(number, ahead):
        given = [("PageSize", "2"), ("PageNumber", str(number))]
        query = signed_query(LAB, "SearchHITs", *given, now=wall_clock() + ahead)
        return int(one(parse(post(f"{instance.url}/", query).content), "TotalNumResults"))

    with Instance(tmp_path / "data", *keys, "--freshness", "1", environment=environment) as instance:
        marketplace = Database(sqlite_url(tmp_path / "data" / "marketplace.db"), durable=True)
        hits = 3
        fill_database(marketplace, LAB, [({}, int(wall_clock()))] * hits)
        assert page(1, 0) == hits
        for ahead in (-3600, 259_200, 0):
            setting.write_text(f"{ahead:+d}")
            assert page(2, ahead) == hits
            fill_database(marketplace, LAB, [({}, int(wall_clock()))])
            hits += 1
            time.sleep(1.1)
            assert page(1, ahead) == hits
        marketplace.close()
