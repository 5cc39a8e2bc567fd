"""The processes of a served gateway."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from mturk_gateway.credentials import read_profiles
from mturk_translators.xml import parse
from support import ask, free_port, get, modern_client, next_answer, one, served, signed_query, texts

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the processes in /proc")


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_stranger_sees_hits_with_the_printed_url(tmp_path):
    data = tmp_path / "data"
    with served(data, "--demo") as (process, url):
        printed = "".join(process.stdout.readline() for _ in range(4))
        (demo,) = read_profiles(data / "credentials")
        assert demo.access_key in printed
        assert demo.secret in printed
        answer = parse(get(re.search(r"curl '([^']+)'", printed)[1]).content)
        statuses = texts(ask(url, demo, "SearchHITs", PageSize=100), "HITStatus")

        assert answer.tag == "SearchHITsResponse"
        assert one(answer, "NumResults") == "5"
        assert set(statuses) == {"Assignable", "Unassignable", "Reviewable", "Reviewing"}
        assert len(statuses) >= 24
        assert get(f"{url}/healthz").text == "ok\n"
        assert get(f"{url}/readyz").json() == {"ready": True, "problems": []}

    log = (tmp_path / "log").read_text()
    assert demo.secret not in log
    assert "Signature" not in log
    assert process.returncode == 0


def test_killed_processes_are_replaced_and_nothing_acknowledged_is_lost(tmp_path):
    data = tmp_path / "data"
    with served(data, "--demo", "--fronts", "2") as (process, url):
        (demo,) = read_profiles(data / "credentials")
        first = children(process.pid)
        with modern_client(url, demo) as modern:
            made = modern.create_qualification_type(Name="kept", Description="d", QualificationTypeStatus="Active")
        for child in first:
            os.kill(child, signal.SIGKILL)

        def answers():
            try:
                return get(f"{url}/readyz").is_success and one(ask(url, demo, "SearchHITs"), "IsValid") == "True"
            except (httpx.HTTPError, ValueError):
                return False

        until(answers)
        with modern_client(url, demo) as modern:
            found = modern.get_qualification_type(QualificationTypeId=made["QualificationType"]["QualificationTypeId"])
        assert found["QualificationType"]["Name"] == "kept"


def test_nothing_goes_on_answering_when_the_supervisor_is_killed(tmp_path):
    with served(tmp_path / "data") as (process, _):
        workers = children(process.pid)
        process.kill()
        process.wait()

        until(lambda: not any(map(alive, workers)))


def test_state_survives_a_restart(tmp_path):
    data = tmp_path / "data"
    with served(data, "--demo") as (_, url):
        (demo,) = read_profiles(data / "credentials")
        before = texts(ask(url, demo, "SearchHITs", PageSize=100), "HITId")
    with served(data, "--demo") as (_, url):
        assert texts(ask(url, demo, "SearchHITs", PageSize=100), "HITId") == before


def test_an_address_in_use_is_said_in_words(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = subprocess.run(
            [sys.executable, "-m", "mturk_gateway", "serve", "--port", str(taken.getsockname()[1]), "--data", tmp_path],
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "use" in done.stderr


def test_a_second_gateway_keeps_away_from_the_folder_of_one_that_runs(tmp_path):
    data = tmp_path / "data"
    with served(data, "--demo") as (_, url):
        (demo,) = read_profiles(data / "credentials")
        ports = [f"--{name}port={free_port()}" for name in ("", "content-", "operators-")]
        second = subprocess.run(
            [sys.executable, "-m", "mturk_gateway", "serve", *ports, "--data", data],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert one(ask(url, demo, "GetAccountBalance"), "IsValid") == "True"

    assert second.returncode == 1
    assert f"another gateway is serving {data}" in second.stderr
    with served(data):
        pass


def test_each_listener_answers_only_what_is_its_own(tmp_path):
    """Pages that requesters wrote will come from an origin at which nothing of ours can be had."""
    data = tmp_path / "data"
    ports = {"content": free_port(), "operators": free_port()}
    options = [f"--content-port={ports['content']}", f"--operators-port={ports['operators']}"]
    with served(data, "--demo", *options) as (_, url):
        (demo,) = read_profiles(data / "credentials")
        query = signed_query(demo, "GetAccountBalance")
        found = {
            (listener, path): get(f"http://127.0.0.1:{port}{path}").status_code
            for listener, port in {**ports, "public": int(url.rpartition(":")[2])}.items()
            for path in (f"/?{query}", "/healthz", "/readyz")
        }

    assert {listener for (listener, path), status in found.items() if status == 200 and "Operation" in path} == {
        "public"
    }
    assert {status for (listener, _), status in found.items() if listener == "content"} == {404}
    assert found["operators", "/readyz"] == 200


def test_tls_is_spoken_with_a_certificate(tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl to make a certificate with")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1"]
    subprocess.run(
        [*words, "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    options = ["--tls-certificate", certificate, "--tls-key", key]
    with served(tmp_path / "data", *options) as (_, url):
        assert url.startswith("https://")
        assert get(f"{url}/healthz").text == "ok\n"


def test_ending_in_the_middle_of_traffic_answers_what_has_come_and_keeps_what_was_acknowledged(tmp_path):
    data = tmp_path / "data"
    acknowledged, failures = {}, []
    with served(data, "--demo") as (process, url), socket.create_connection(("127.0.0.1", urlsplit(url).port)) as idle:
        (demo,) = read_profiles(data / "credentials")
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert next_answer(idle).content == b"ok\n"

        def work(worker):
            with httpx.Client(trust_env=False) as client:
                for number in itertools.count():
                    query = signed_query(demo, "RegisterHITType", ("Title", f"{worker}-{number}"), *HIT_TYPE)
                    try:
                        answer = client.get(f"{url}/?{query}")
                    except httpx.TransportError as error:
                        failures.append(error)
                        return
                    root = parse(answer.content)
                    acknowledged[one(root, "HITTypeId")] = one(root, "RequestId")

        workers = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
        for worker in workers:
            worker.start()
        until(lambda: len(acknowledged) > 40)
        process.terminate()
        for worker in workers:
            worker.join()
        idle.settimeout(30)
        assert idle.recv(65_536) == b""
        assert process.wait(30) == 0

    # The next connection found nobody; a connection that was kept was closed in time, or between two requests.
    assert len(failures) == 4
    assert {type(error) for error in failures} <= {httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError}
    assert not [error for error in failures if "incomplete" in str(error)]
    with closing(sqlite3.connect(data / "marketplace.db")) as database:
        kept = {row[0] for row in database.execute("SELECT id FROM hit_types")}
    assert acknowledged.keys() <= kept
    logged = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert set(acknowledged.values()) <= {line.get("request_id") for line in logged}
    assert not [line for line in logged if line["level"] in ("warning", "error")]
    with closing(sqlite3.connect(data / "ledger.db")) as database:
        (counted,) = database.execute("SELECT sum(count) FROM usage WHERE operation = 'RegisterHITType'").fetchone()
    assert counted >= len(acknowledged)


HIT_TYPE = [
    ("Description", "How many?"),
    ("AssignmentDurationInSeconds", "60"),
    ("Reward.1.Amount", "0.05"),
    ("Reward.1.CurrencyCode", "USD"),
]
"""What a type of HITs cannot do without, beside its title."""
