"""`mturk-gateway replay`, as a process."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest

from golden import FIXTURES, case
from mturk_gateway.credentials import Requester
from mturk_translators.xml import parse
from replays import write_pair
from support import ask, get, one

REQUESTER = Requester("lab", "AKIDLABKEY", "lab-secret")
GET_HIT = {"Operation": "GetHIT", "HITId": "1"}


@contextmanager
def replaying(folder, *options):
    """The command with a free port; gives the process, the URL and what else the announcement says."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mturk_gateway", "replay", folder, "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        announced = process.stdout.readline()
        _, _, url, said = announced.split(" ", 3)
        yield process, url, said
    finally:
        process.kill()
        process.communicate()


def failing(*arguments):
    """What a command that cannot start says."""
    done = subprocess.run(
        [sys.executable, "-m", "mturk_gateway", "replay", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_announces_where_it_answers_and_ends_when_it_is_told_to(number):
    with replaying(FIXTURES) as (process, url, said):
        assert url.startswith("http://127.0.0.1:")
        assert said == "from 808 recordings\n"
        answer = get(f"{url}/?Operation=GetHIT&HITId=3ABAA1HITAAAAAAAAAAAAAAAAAAAAA")
        assert answer.content == case("GetHIT/default_groups").document

        process.send_signal(number)
        output, errors = process.communicate(timeout=30)

        assert (process.returncode, output, errors) == (0, "", "")


def test_recordings_are_chosen_and_parameters_ignored_by_options(tmp_path):
    for name in ("a", "b", "c"):
        write_pair(tmp_path, f"GetHIT/{name}", {**GET_HIT, "Title": name}, f"<{name}/>")
    with replaying(tmp_path, "--only", "*/b", "--ignore", "HIT??", "--ignore", "T*") as (_, url, said):
        assert said == "from 1 recording\n"
        assert get(f"{url}/?Operation=GetHIT&HITId=2&Title=x").content == b"<b/>"


def test_what_it_refuses_it_shows_without_keys_and_signatures(tmp_path):
    write_pair(tmp_path, "it", GET_HIT)
    with replaying(tmp_path) as (process, url, _):
        message = one(ask(url, REQUESTER, "GetHIT", HITId="2\x1b"), "Message")
        unreadable = one(parse(get(f"{url}/?Operation=%ff").content), "Message")
        process.terminate()
        _, errors = process.communicate(timeout=30)

    assert errors == f"{message}\n{unreadable}\n"
    assert r"HITId: asked '2\x1b', recorded '1'" in errors
    assert "AKIDLABKEY" not in errors


def test_a_folder_that_cannot_be_replayed_is_told_in_a_sentence(tmp_path):
    write_pair(tmp_path, "it", GET_HIT)
    (tmp_path / "it.json").write_text('{"query": ')

    assert failing(tmp_path / "gone") == f"Error: {tmp_path}/gone: there is no such folder\n"
    assert failing(tmp_path).startswith(f"Error: {tmp_path}/it.json: damaged recording: ")


def test_a_port_that_is_taken_is_told_in_a_sentence(tmp_path):
    write_pair(tmp_path, "it", GET_HIT)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = failing(tmp_path, "--port", port)

    assert told == f"Error: port {port}: Address already in use\n"
