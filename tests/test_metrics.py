"""What /metrics says of a gateway, and the dashboard that shows it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from botocore.exceptions import ClientError
from prometheus_client.parser import text_string_to_metric_families

from fronts import front_of, samples, value
from golden import FIXTURES
from mturk_gateway.clock import wall_clock
from mturk_gateway.credentials import read_profiles
from mturk_gateway.marketplace.counts import Counter
from mturk_gateway.marketplace.operations import OPERATIONS
from mturk_gateway.observing import metrics
from mturk_gateway.observing.counting import counted_together
from mturk_gateway.observing.labels import known_code, known_operation
from mturk_gateway.observing.states import states
from mturk_translators.operations import OPERATIONS as LEGACY_OPERATIONS
from support import ScriptedUpstream, ask, fill, free_port, get, modern_client, post, served, signed_query

DASHBOARD = Path(__file__).parent.parent / "deploy" / "grafana-dashboard.json"

NOT_SHOWN = {"mturk_gateway_process_virtual_memory_bytes"}
"""What says nothing that an operator could act on."""


def until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.2)
    return found


def grows(front, name, **labels):
    """A function that waits until a value is so much larger than it was."""
    before = value(front.samples, name, **labels)
    return lambda by=1: until(lambda: value(front.samples, name, **labels) >= before + by)


def requests(front, **labels):
    return grows(front, "mturk_gateway_requests_total", **labels)


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_a_request_of_boto_is_counted_by_operation_program_and_code(gateway, requester, collected):
    from clients.boto2 import MTurkRequestError, connect

    with front_of(gateway) as front:
        good = requests(front, protocol="legacy", operation="GetAccountBalance", program="boto", code="")
        code = "AWS.MechanicalTurk.HITDoesNotExist"
        bad = requests(front, protocol="legacy", operation="GetHIT", program="boto", code=code)
        timed = grows(front, "mturk_gateway_request_seconds_count", protocol="legacy", operation="GetAccountBalance")
        connection = connect(front, requester)
        connection.get_account_balance()
        connection.get_account_balance()
        with pytest.raises(MTurkRequestError):
            connection.get_hit("3NONE")

        good(2)
        timed(2)
        bad(1)


def test_a_wrong_key_is_counted(gateway, requester):
    with front_of(gateway) as front:
        refused = grows(front, "mturk_gateway_refused_keys_total", protocol="legacy")
        answered = requests(
            front, protocol="legacy", operation="SearchHITs", program="python", code="AWS.NotAuthorized"
        )
        post(f"{front.url}/", signed_query(requester, "SearchHITs").replace("Signature=", "Signature=x"))

        refused()
        answered()


def test_a_modern_request_is_counted_with_its_call(gateway, requester):
    with front_of(gateway) as front, modern_client(front.url, requester) as client:
        answered = requests(front, protocol="modern", operation="GetHIT", program="boto3", code="RequestError")
        called = grows(front, "mturk_gateway_upstream_calls_total", operation="GetHIT", outcome="refused")
        with pytest.raises(ClientError):
            client.get_hit(HITId="3NONE")

        answered()
        # Each of two fronts has handed it on.
        called(2)


def test_a_walk_is_counted_and_its_snapshot_is_shown(gateway, requester):
    fill(gateway, requester, [({}, 1_000_000_000)] * 3)
    with front_of(gateway) as front:
        done = grows(front, "mturk_gateway_walks_total", operation="ListHITs", outcome="complete")
        calls = grows(front, "mturk_gateway_walk_calls_total", operation="ListHITs")
        snapshots = value(front.samples, "mturk_gateway_snapshots")
        ask(front.url, requester, "SearchHITs")

        done()
        calls()
        found = front.samples
        assert value(found, "mturk_gateway_snapshots") == snapshots + 1
        assert value(found, "mturk_gateway_snapshot_rows") >= 3
        assert value(found, "mturk_gateway_snapshot_bytes") > 0
        assert 0 <= value(found, "mturk_gateway_snapshot_age_seconds", listing="youngest") < 30
        assert value(found, "mturk_gateway_up", part="walker") == 1


def test_calls_that_are_throttled_or_fail_are_counted_with_their_retries(foreign_gateway):
    answers = iter(
        [(400, {"__type": "ThrottlingException", "message": "Rate exceeded"}), (200, {"AvailableBalance": "1"})]
    )
    with ScriptedUpstream(lambda *_: next(answers, (500, {"__type": "ServiceFault"}))) as upstream:
        gateway, requester = foreign_gateway(upstream.url)
        with front_of(gateway) as front:
            tried = grows(front, "mturk_gateway_upstream_retries_total", operation="GetAccountBalance")
            good = grows(front, "mturk_gateway_upstream_calls_total", operation="GetAccountBalance", outcome="ok")
            ask(gateway.url, requester, "GetAccountBalance")
            tried()
            good()
            failed = grows(front, "mturk_gateway_upstream_calls_total", operation="GetAccountBalance", outcome="failed")
            ask(gateway.url, requester, "GetAccountBalance")
            failed()


def test_whatever_clients_send_there_are_few_labels_and_none_of_them_is_theirs(gateway, requester):
    with front_of(gateway) as front:
        other = requests(
            front, protocol="legacy", operation="other", program="other", code="AWS.InvalidOperationParameter"
        )
        for number in range(3):
            body = signed_query(requester, f"Invented{number}")
            httpx.post(front.url, content=body, headers={"User-Agent": f"secret-{number}"})
        other(3)
        told = get(f"{front.operators}/metrics").text

    for private in (requester.access_key, requester.secret, requester.profile, "Invented", "secret-"):
        assert private not in told


def test_every_operation_and_every_code_that_answers_have_is_counted_by_its_name():
    answers = (path.read_text() for path in FIXTURES.rglob("*.xml"))
    codes = {code for answer in answers for code in re.findall("<Code>([^<]+)<", answer)}

    operations = {*OPERATIONS, *LEGACY_OPERATIONS}
    assert {known_operation(name) for name in operations} == operations
    assert codes
    assert {known_code(code) for code in codes} == codes


def test_metrics_are_for_operators_only(gateway):
    with front_of(gateway) as front:
        assert get(f"{front.operators}/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")
        assert get(f"{front.url}/metrics").status_code == 404


def test_the_marketplace_is_counted_as_its_api_would_tell(gateway, requester):
    counter = Counter(gateway.house.marketplace, wall_clock)
    before = counter.counts()
    hits = fill(gateway, requester, [({}, int(wall_clock())), ({}, int(wall_clock())), ({}, 1_000_000_000)])
    with modern_client(gateway.url, requester) as client:
        client.create_qualification_type(Name="counted", Description="d", QualificationTypeStatus="Active")
        client.update_hit_review_status(HITId=hits[2])
        statuses = [hit["HITStatus"] for hit in client.list_hits()["HITs"]]
    after = Counter(gateway.house.marketplace, wall_clock).counts()

    assert sorted(statuses) == ["Assignable", "Assignable", "Reviewing"]
    assert after["hits"]["Assignable"] == before["hits"]["Assignable"] + 2
    assert after["hits"]["Reviewing"] == before["hits"]["Reviewing"] + 1
    assert after["qualification_types"] == before["qualification_types"] + 1


def test_the_marketplace_is_counted_no_more_often_than_every_15_seconds(gateway, requester):
    now = [100.0]
    counter = Counter(gateway.house.marketplace, wall_clock, lambda: now[0])
    before = counter.counts()
    fill(gateway, requester, [({}, int(wall_clock()))])
    now[0] += 14

    assert counter.counts() == before
    now[0] += 2
    assert counter.counts()["hits"]["Assignable"] == before["hits"]["Assignable"] + 1


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A gateway of several processes."""
    if not Path("/proc/self/task").exists():
        pytest.skip("finds the processes in /proc")
    data, port = tmp_path_factory.mktemp("run") / "data", free_port()
    with served(data, "--demo", f"--operators-port={port}") as (_, url):
        (demo,) = read_profiles(data / "credentials")
        yield SimpleNamespace(url=url, operators=f"http://127.0.0.1:{port}", demo=demo, log=data.parent / "log")


def lines(run):
    return [json.loads(line) for line in run.log.read_text().splitlines()]


def pid(run, name):
    return [line["pid"] for line in lines(run) if line["event"] == "process started" and line["name"] == name][-1]


def test_a_scrape_tells_what_all_processes_have_counted(run):
    until(lambda: get(f"{run.operators}/readyz").is_success)
    ask(run.url, run.demo, "SearchHITs")

    def counted():
        found = samples(run.operators)
        walked = value(found, "mturk_gateway_walks_total", operation="ListHITs", outcome="complete")
        asked = value(
            found,
            "mturk_gateway_requests_total",
            protocol="legacy",
            operation="SearchHITs",
            program="python",
            code="",
        )
        return walked and asked and found

    found = until(counted)
    assert value(found, "mturk_marketplace_hits", status="Assignable") > 0
    assert value(found, "mturk_marketplace_requesters") == 1
    for process in ("supervisor", "marketplace", "walker", "front-0"):
        assert value(found, "mturk_gateway_process_resident_memory_bytes", process=process) > 2**20
    for part in ("walks", "snapshots", "ledger", "marketplace", "walker"):
        assert value(found, "mturk_gateway_up", part=part) == 1


def test_a_scrape_answers_without_a_marketplace(run):
    until(lambda: get(f"{run.operators}/readyz").is_success)
    marketplace = pid(run, "marketplace")
    begun = value(samples(run.operators), "mturk_gateway_process_starts_total", process="marketplace")
    os.kill(marketplace, signal.SIGKILL)
    until(lambda: value(samples(run.operators), "mturk_gateway_up", part="marketplace") == 0)
    found = until(
        lambda: (now := samples(run.operators)) and value(now, "mturk_gateway_up", part="marketplace") and now
    )
    assert value(found, "mturk_gateway_process_starts_total", process="marketplace") == begun + 1


def test_counts_outlive_the_process_that_made_them(run):
    until(lambda: get(f"{run.operators}/readyz").is_success)
    labels = {"protocol": "legacy", "operation": "GetAccountBalance", "program": "python", "code": ""}
    before = value(samples(run.operators), "mturk_gateway_requests_total", **labels)
    ask(run.url, run.demo, "GetAccountBalance")
    until(lambda: value(samples(run.operators), "mturk_gateway_requests_total", **labels) == before + 1)
    os.kill(pid(run, "front-0"), signal.SIGKILL)

    def again():
        try:
            return samples(run.operators)
        except httpx.HTTPError:
            return None

    found = until(again)
    assert value(found, "mturk_gateway_requests_total", **labels) == before + 1


def test_processes_that_end_again_and_again_leave_no_more_files(tmp_path, monkeypatch):
    code = (
        "from mturk_gateway.observing import metrics\n"
        "metrics.throttled('soap', 'key'); metrics.called('GetHIT', 'ok', 2.0)"
    )
    left = []
    for _ in range(2):
        environment = {**os.environ, metrics.FOLDER: str(tmp_path)}
        with subprocess.Popen([sys.executable, "-c", code], env=environment) as process:
            assert process.wait() == 0
        metrics.process_ended(tmp_path, process.pid)
        left.append({path.name for path in tmp_path.iterdir()})
    monkeypatch.setenv(metrics.FOLDER, str(tmp_path))
    told = metrics.exposition([], wall_clock()).decode()

    assert left[0] == left[1]
    assert 'mturk_gateway_throttled_requests_total{by="key",protocol="soap"} 2.0' in told
    assert 'mturk_gateway_upstream_seconds_bucket{le="2.5",operation="GetHIT"} 2.0' in told


def test_a_walker_that_hangs_is_said_to_be_down(gateway):
    metrics.walker_lives(wall_clock())
    (up,) = [state for state in states(gateway.house, 1, None) if state.name == "mturk_gateway_up"]

    def walker(now):
        for family in text_string_to_metric_families(metrics.exposition([up], now).decode()):
            for sample in family.samples:
                if sample.labels == {"part": "walker"}:
                    return sample.value
        return None

    assert walker(wall_clock() + 5) == 1
    assert walker(wall_clock() + 60) == 0


def test_nothing_is_left_of_what_processes_counted():
    with counted_together() as folder:
        assert os.environ[metrics.FOLDER] == str(folder)
        (folder / "counter_1.db").touch()
    assert not folder.exists()
    assert metrics.FOLDER not in os.environ


def test_what_a_killed_supervisor_has_left_is_removed_by_the_next():
    with counted_together() as first:
        left = first.with_name(f"{first.name}left")
        shutil.copytree(first, left)
        with counted_together():
            assert not left.exists()
            assert first.exists()


def exported(gateway, requester):
    """The labels of every metric that can be in a scrape, by its name."""
    ask(gateway.url, requester, "SearchHITs")
    metrics.answered([])
    metrics.throttled("legacy", "key")
    metrics.refused_key("legacy")
    metrics.called("GetHIT", "failed", 0.1, retries=1)
    metrics.walk_called("ListHITs")
    metrics.without_space("snapshot")
    metrics.process_began("front-0", os.getppid())
    counts = Counter(gateway.house.marketplace, wall_clock).counts()
    told = metrics.exposition(states(gateway.house, 1, counts), wall_clock()).decode()
    found = {}
    for family in text_string_to_metric_families(told):
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


def expressions():
    """The expressions of the dashboard, with the labels that each one's legend shows."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"], re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])


def test_the_dashboard_asks_for_what_there_is(gateway, requester):
    there = exported(gateway, requester)
    for expression, legend in expressions():
        names = re.findall(r"\b(?:mturk_gateway|mturk_marketplace)_\w+", expression)
        selected = re.findall(r"(\w+)(?:=~|!~|!=|=)\"", expression)
        grouped = [label for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(", ")]
        assert names, expression
        for name in names:
            assert name in there, expression
            assert {*selected, *grouped, *legend} <= there[name] | {"instance"}, expression
        assert set(legend) <= set(grouped), expression


def test_the_dashboard_shows_whatever_there_is(gateway, requester):
    shown = " ".join(expression for expression, _ in expressions())
    for name in exported(gateway, requester):
        family = re.sub(r"_(bucket|sum|count)$", "", name) if "_seconds_" in name else name
        assert family in shown or name in NOT_SHOWN, name


def test_the_dashboard_can_be_imported():
    dashboard = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    places = [tuple(panel["gridPos"][side] for side in "xy") for panel in dashboard["panels"]]

    assert dashboard["uid"]
    assert dashboard["schemaVersion"] >= 36
    assert len(set(ids)) == len(ids)
    assert len(set(places)) == len(places)
    assert [variable["type"] for variable in dashboard["templating"]["list"]] == ["datasource", "query"]
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
