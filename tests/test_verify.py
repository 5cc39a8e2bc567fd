"""Recorded requests are asked again, of this gateway or any other, and what changed is shown."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest
from click.testing import CliRunner

from clients.people import People
from mturk_gateway.__main__ import main
from mturk_gateway.clock import wall_clock
from mturk_gateway.listener import Listener
from mturk_gateway.replay.player import Player
from mturk_gateway.replay.recordings import load_recordings
from mturk_gateway.replay.server import ReplayServer
from mturk_gateway.replay.verifying import Outcome, Verifier
from mturk_translators.xml import parse
from support import PROPERTIES, free_port, one, post, signed_query

CREATE = {f"Reward.1.{name}": value for name, value in {"Amount": "0.05", "CurrencyCode": "USD"}.items()} | {
    name: value for name, value in PROPERTIES.items() if name != "Reward"
}


class Notebook:
    """Asks a gateway, and writes what it asked and was answered into a folder."""

    def __init__(self, folder, gateway, requester):
        self.folder, self.gateway, self.requester = folder, gateway, requester
        self._number = 0
        folder.mkdir()

    def ask(self, operation, **given):
        """Record a request; gives the root of the answer. Dots of names are given as two underscores."""
        pairs = [(name.replace("__", "."), str(value)) for name, value in given.items()]
        at = wall_clock()
        answer = post(f"{self.gateway.url}/", signed_query(self.requester, operation, *pairs))
        self.write(dict([("Operation", operation), *pairs]), answer.content, answer.status_code, at)
        return parse(answer.content)

    def write(self, query, document, status=200, at=None, now=None):
        """Write a pair that was recorded `at` a moment, `now` for the marketplace."""
        self._number += 1
        path = self.folder / f"{self._number:03} {query['Operation']}"
        at = wall_clock() if at is None else at
        moment = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        facts = {"query": query, "recorded_at": moment, "now": at if now is None else now, "status": status}
        path.with_suffix(".json").write_text(json.dumps(facts))
        path.with_suffix(".xml").write_bytes(document)

    @property
    def recordings(self):
        return load_recordings(self.folder)


@pytest.fixture
def notebook(gateway, requester, tmp_path):
    return Notebook(tmp_path / "recordings", gateway, requester)


@pytest.fixture
def newcomer(gateway):
    """Another requester who owns nothing yet: for them the marketplace is as good as empty."""
    return gateway.add_requester(f"newcomer-{os.urandom(4).hex()}")


@pytest.fixture
def verify(notebook, gateway, newcomer):
    """Run the command as the newcomer; gives exit status and output."""

    def command(*words, endpoint=gateway.url, folder=notebook.folder, **options):
        data = ["--data", gateway.settings.data, "--profile", newcomer.profile, "--endpoint", endpoint]
        result = CliRunner().invoke(main, ["verify", *map(str, [folder, *data, *words])], **options)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return result.exit_code, result.output

    return command


class Endpoint:
    """A legacy endpoint made to order. `answer` is called with a form; gives status, content type and content."""

    def __init__(self, answer):
        self.forms = []

        async def serve(_scope, receive, send):
            body, more = b"", True
            while more:
                message = await receive()
                body, more = body + message["body"], message.get("more_body", False)
            self.forms.append(dict(parse_qsl(body.decode(), keep_blank_values=True)))
            status, kind, content = await asyncio.to_thread(answer, body)
            headers = [(b"content-type", kind), (b"content-length", str(len(content)).encode())]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": content})

        self.listener = Listener(serve, lifespan="off").start()
        self.url = self.listener.url


@pytest.fixture
def endpoint():
    """Make an endpoint, which answers until the test ends."""
    running = []

    def make(answer):
        running.append(Endpoint(answer))
        return running[-1]

    yield make
    for made in running:
        made.listener.stop()


@pytest.fixture
def altering(endpoint, gateway):
    """Make an endpoint that changes what the gateway answers: by a function of status and content."""

    def make(change):
        def answer(body):
            real = post(f"{gateway.url}/", body)
            status, content = change(real.status_code, real.content)
            return status, b"text/xml", content

        return endpoint(answer)

    return make


def test_a_life_with_workers_in_it_is_alike_for_another_requester(notebook, gateway, newcomer):
    """IDs are others, and times later; what workers do in between is done by whoever verifies."""
    people = People(gateway)
    kind = one(
        notebook.ask("CreateQualificationType", Name="skill", Description="d", QualificationTypeStatus="Active"),
        "QualificationTypeId",
    )
    hit = one(notebook.ask("CreateHIT", **CREATE, MaxAssignments=2), "HITId")
    notebook.ask("GetHIT", HITId=hit)
    people.work(hit, "A1VERIFIED", q1="yes")
    assignment = one(notebook.ask("GetAssignmentsForHIT", HITId=hit), "AssignmentId")
    notebook.ask("ApproveAssignment", AssignmentId=assignment, RequesterFeedback="fine")
    notebook.ask("ApproveAssignment", AssignmentId=assignment)
    notebook.ask("AssignQualification", QualificationTypeId=kind, WorkerId="A1VERIFIED", IntegerValue=5)
    bonus = {"BonusAmount.1.Amount": "0.10", "BonusAmount.1.CurrencyCode": "USD"}
    notebook.ask("GrantBonus", WorkerId="A1VERIFIED", AssignmentId=assignment, Reason="speed", **bonus)
    notebook.ask("GetBonusPayments", HITId=hit)
    notebook.ask("GetHIT", HITId="3NOSUCHHIT")
    notebook.ask("SearchHITs", PageSize=5)

    outcomes = []
    with Verifier(gateway.url, newcomer) as verifier:
        for recording in notebook.recordings:
            if recording.operation == "GetAssignmentsForHIT":
                people.work(verifier.known(hit), "A1VERIFIED", q1="yes")
            outcomes.append(verifier.check(recording))

    assert [one.differences for one in outcomes] == [()] * len(outcomes)
    assert {one.outcome for one in outcomes} == {Outcome.ALIKE}
    assert len({hit, kind, assignment} - {verifier.known(one) for one in (hit, kind, assignment)}) == 3


def test_what_did_not_happen_again_is_shown_with_the_ids_of_now(notebook, gateway, newcomer):
    hit = one(notebook.ask("CreateHIT", **CREATE), "HITId")
    People(gateway).work(hit, "A1VERIFIED", q1="yes")
    notebook.ask("GetAssignmentsForHIT", HITId=hit)

    with Verifier(gateway.url, newcomer) as verifier:
        created, listed = map(verifier.check, notebook.recordings)

    assert created.outcome is Outcome.ALIKE
    paths = [difference.path.partition("Result/")[2] for difference in listed.differences]
    assert paths == ["NumResults", "TotalNumResults", "Assignment"]
    assert f"HITId: {verifier.known(hit)}" in listed.differences[2].recorded


def test_an_assignment_that_no_answer_names_can_be_told(notebook, gateway, newcomer):
    people = People(gateway)
    hit = one(notebook.ask("CreateHIT", **CREATE), "HITId")
    assignment = people.work(hit, "A1VERIFIED", q1="yes")
    notebook.ask("ApproveAssignment", AssignmentId=assignment)

    with Verifier(gateway.url, newcomer) as verifier:
        create, approve = notebook.recordings
        verifier.check(create)
        verifier.learn(assignment, people.work(verifier.known(hit), "A1VERIFIED", q1="yes"))
        assert verifier.check(approve).outcome is Outcome.ALIKE


def test_what_is_replayed_is_alike(notebook, verify):
    hit = one(notebook.ask("CreateHIT", **CREATE), "HITId")
    notebook.ask("GetHIT", HITId=hit)
    with ReplayServer(Player(notebook.recordings)) as server:
        status, output = verify(endpoint=server.url)

    assert (status, output) == (0, "2 recordings: 2 alike\n")


def test_no_proxy_stands_before_this_machine(notebook, endpoint, verify):
    notebook.write({"Operation": "GetAccountBalance"}, b"<GetAccountBalanceResponse/>")
    url = endpoint(lambda _: (200, b"text/xml", b"<GetAccountBalanceResponse/>")).url

    assert verify(endpoint=url, env={"HTTP_PROXY": f"http://127.0.0.1:{free_port()}"})[0] == 0


@pytest.mark.parametrize(("seconds", "outcome"), [(0, Outcome.ALIKE), (3600, Outcome.DIFFERS)])
def test_times_go_by_the_clocks_that_they_went_by(notebook, endpoint, newcomer, seconds, outcome):
    """What is in a HIT goes by the marketplace's clock, which tests move; stamps of messages go by that of the wall."""

    def document(now, at):
        created = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"<R><CreationTime>{created}</CreationTime><Message>No. ({int(at * 1000)})</Message></R>".encode()

    notebook.write({"Operation": "GetHIT"}, document(1e9, 1.2e9), at=1.2e9, now=1e9)
    moved = endpoint(lambda _: (200, b"text/xml", document(3e9 + seconds, wall_clock() + seconds)))
    with Verifier(moved.url, newcomer, clock=lambda: 3e9) as verifier:
        verdict = verifier.check(*notebook.recordings)

    assert verdict.outcome is outcome
    assert len(verdict.differences) == (2 if seconds else 0)


def test_requests_are_sent_with_the_ids_of_now(notebook, gateway, altering, verify):
    hit = one(notebook.ask("CreateHIT", **CREATE), "HITId")
    question = CREATE["Question"].replace("a=1", f"hit={hit}")
    notebook.ask("CreateHIT", **{**CREATE, "Question": question})
    notebook.ask("GetHIT", HITId=hit)
    endpoint = altering(lambda status, content: (status, content))
    status, output = verify(endpoint=endpoint.url)

    assert (status, output) == (0, "3 recordings: 3 alike\n")
    now = endpoint.forms[2]["HITId"]
    assert now != hit
    assert f"hit={now}&amp;" in endpoint.forms[1]["Question"]


def test_parameters_that_are_ids_are_known_however_short_they_are(notebook, endpoint, newcomer):
    notebook.write({"Operation": "NotifyWorkers", "Subject": "A1X", "WorkerId.1": "A1X"}, b"<R/>")
    listening = endpoint(lambda _: (200, b"text/xml", b"<R/>"))
    with Verifier(listening.url, newcomer) as verifier:
        verifier.learn("A1X", "A2Y")
        verifier.check(*notebook.recordings)

    (form,) = listening.forms
    assert (form["WorkerId.1"], form["Subject"]) == ("A2Y", "A1X")


def test_changes_are_shown_one_by_one_and_written_for_ci(notebook, altering, verify, tmp_path):
    hit = one(notebook.ask("CreateHIT", **CREATE, Keywords="dots"), "HITId")
    notebook.ask("GetHIT", HITId=hit)
    notebook.ask("GetAccountBalance")

    def change(status, content):
        return status, content.replace(b"Count the dots", b"Count dots").replace(b"<Keywords>dots</Keywords>", b"")

    junit = tmp_path / "junit.xml"
    status, output = verify("--junit", junit, endpoint=altering(change).url)

    assert status == 1
    assert output == (
        "002 GetHIT  2 differences\n"
        "  GetHITResponse/HIT/Title\n"
        "    - Count the dots\n"
        "    + Count dots\n"
        "  GetHITResponse/HIT/Keywords\n"
        "    - dots\n"
        "3 recordings: 2 alike, 1 differs\n"
    )
    root = parse(junit.read_bytes())
    (suite,) = root
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "0",
    }
    cases = {case.get("name"): case for case in suite}
    assert [case.get("classname") for case in suite] == ["CreateHIT", "GetHIT", "GetAccountBalance"]
    (failure,) = cases["002 GetHIT"]
    assert failure.tag == "failure"
    assert "    + Count dots" in failure.text


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (lambda _, content: (503, content), ["HTTP status", "- 200", "+ 503"]),
        (lambda status, content: (status, content[:-30]), ["GetAccountBalanceResponse", "+ no well-formed XML"]),
        (
            lambda status, content: (status, content.replace(b"10000.00", b"9.00")),
            ["AvailableBalance/Amount", "- 10000.00", "+ 9.00"],
        ),
        (
            lambda status, content: (status, content.replace(b"USD", b"US\xc2\x9b2J")),
            ["CurrencyCode", "- USD", "+ US\\x9b2J"],
        ),
    ],
)
def test_each_kind_of_change_is_shown(notebook, altering, verify, change, shown):
    """And nothing that a terminal would obey."""
    notebook.ask("GetAccountBalance")
    status, output = verify(endpoint=altering(change).url)

    assert status == 1
    for text in shown:
        assert text in output
    assert "1 recording: 1 differs" in output


def test_of_long_texts_only_what_differs_is_shown(notebook, altering, verify):
    notebook.ask("CreateHIT", **CREATE)
    description = "how many dots are there? " * 40
    hit = one(notebook.ask("CreateHIT", **{**CREATE, "Description": description}), "HITId")
    notebook.ask("GetHIT", HITId=hit)
    old, new = b"there? how", b"there! how"
    status, output = verify(endpoint=altering(lambda status, content: (status, content.replace(old, new, 1))).url)

    assert status == 1
    assert "    - how many dots are there? how many dots are there?" in output
    assert "    + how many dots are there! how many dots are there?" in output
    assert max(map(len, output.splitlines())) < 120


def test_what_was_not_well_formed_must_come_as_it_came(notebook, altering, verify):
    notebook.write({"Operation": "GetAccountBalance"}, b"<A>\n<B></A>")

    assert verify(endpoint=altering(lambda status, _: (status, b"<A>\n<B></A>")).url)[0] == 0
    status, output = verify(endpoint=altering(lambda status, _: (status, b"<A>\n<C></A>")).url)
    assert status == 1
    assert "  line 2, column 2\n    - B></A>\n    + C></A>\n" in output


def test_spaces_at_the_ends_can_be_seen(notebook, altering, verify):
    notebook.ask("GetAccountBalance")
    status, output = verify(endpoint=altering(lambda status, content: (status, content.replace(b"USD", b"USD "))).url)

    assert status == 1
    assert '    - USD\n    + "USD "\n' in output


def test_colours_are_for_terminals_that_want_them(notebook, altering, verify):
    notebook.ask("GetAccountBalance")
    url = altering(lambda status, content: (status, content.replace(b"10000.00", b"9.00"))).url
    coloured = verify(endpoint=url, color=True, env={"NO_COLOR": None})[1]

    assert "\x1b[31m    - 10000.00\x1b[0m\n\x1b[32m    + 9.00\x1b[0m" in coloured
    assert "\x1b" not in verify(endpoint=url, color=True, env={"NO_COLOR": "1"})[1]
    assert "\x1b" not in verify(endpoint=url)[1]


def test_progress_is_shown_on_a_terminal(notebook, gateway, newcomer):
    notebook.ask("GetAccountBalance")
    notebook.ask("SearchHITs")
    words = [notebook.folder, "--data", gateway.settings.data, "--profile", newcomer.profile, "--endpoint", gateway.url]
    master, terminal = pty.openpty()
    with os.fdopen(master, "rb", buffering=0) as screen:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "mturk_gateway", "verify", *words],
                stdout=subprocess.PIPE,
                stderr=terminal,
                check=True,
            )
        finally:
            os.close(terminal)
        shown = b""
        # What is left to read on a terminal that nobody has open ends in an error.
        with suppress(OSError):
            while chunk := screen.read(4096):
                shown += chunk

    assert b"Verifying" in shown
    assert b"100%" in shown
    assert done.stdout == b"2 recordings: 2 alike\n"


# What cannot be asked


def test_what_cannot_be_sent_is_skipped_and_counted(notebook, verify, tmp_path):
    notebook.ask("GetAccountBalance")
    (notebook.folder / "GetHIT.xml").write_bytes(b"<GetHITResponse/>")
    refused = post(f"{notebook.gateway.url}/", "Operation=GetAccountBalance&AWSAccessKeyId=AKIDNOBODY")
    notebook.write({"Operation": "GetAccountBalance"}, refused.content, refused.status_code)
    junit = tmp_path / "junit.xml"
    status, output = verify("--junit", junit)

    assert status == 0
    assert "GetHIT  skipped: its request is not known: there is no JSON file beside it\n" in output
    assert "skipped: it was refused for its keys or its signature, which are never recorded\n" in output
    assert output.endswith("3 recordings: 1 alike, 2 skipped\n")
    assert len(list(parse(junit.read_bytes()).iter("skipped"))) == 2


@pytest.mark.parametrize(
    ("facts", "outcome", "reason"),
    [
        (
            {"query": {"Operation": "GetHIT"}, "match": {"HITId": "3*"}},
            Outcome.SKIPPED,
            "of HITId there is only a pattern",
        ),
        ({"query": {}}, Outcome.SKIPPED, "no parameters that could be read"),
        ({"query": {"Operation": "GetHIT", "HITId": "\ud800"}}, Outcome.FAILED, "no valid Unicode"),
    ],
)
def test_requests_that_nobody_could_send_are_told_apart(notebook, gateway, newcomer, facts, outcome, reason):
    (notebook.folder / "odd.xml").write_bytes(b"<GetHITResponse/>")
    (notebook.folder / "odd.json").write_text(json.dumps(facts))
    with Verifier(gateway.url, newcomer) as verifier:
        verdict = verifier.check(*notebook.recordings)

    assert verdict.outcome is outcome
    assert reason in verdict.reason


def test_when_nothing_can_be_sent_nothing_is_verified(notebook, verify):
    (notebook.folder / "GetHIT.xml").write_bytes(b"<GetHITResponse/>")

    assert verify()[0] == 2


def test_an_endpoint_that_refuses_connections_is_not_tried_for_ever(notebook, verify, tmp_path):
    for _ in range(6):
        notebook.write({"Operation": "GetAccountBalance"}, b"<GetAccountBalanceResponse/>")
    junit = tmp_path / "junit.xml"
    port = free_port()
    status, output = verify("--junit", junit, endpoint=f"http://127.0.0.1:{port}")

    assert status == 2
    assert output.count(f"http://127.0.0.1:{port} cannot be asked: ") == 3
    assert output.endswith("6 recordings: 3 could not be compared, 3 skipped\n")
    assert len(list(parse(junit.read_bytes()).iter("error"))) == 3


def test_failures_between_others_stop_nothing(notebook, endpoint, verify):
    for number in range(6):
        notebook.write({"Operation": "GetHIT", "HITId": f"3HIT{number % 2}"}, b"<GetHITResponse/>")

    def answer(body):
        if b"3HIT0" in body:
            return 502, b"text/html", b"<!DOCTYPE html><html></html>"
        return 200, b"text/xml", b"<GetHITResponse/>"

    status, output = verify(endpoint=endpoint(answer).url)
    assert status == 2
    assert "answered 502 with text/html that is no XML: '<!DOCTYPE html><html></html>'" in output
    assert output.endswith("6 recordings: 3 alike, 3 could not be compared\n")


@pytest.mark.parametrize("content", [b"", b"nonsense \x1b[2J", b"\n<HTML><body>Welcome</body></HTML>", b"{}"])
def test_what_is_no_legacy_endpoint_is_said_to_be_none(notebook, endpoint, verify, content):
    notebook.write({"Operation": "GetAccountBalance"}, b"<GetAccountBalanceResponse/>")
    status, output = verify(endpoint=endpoint(lambda _: (200, b"text/html", content)).url)

    assert status == 2
    assert "answered 200 with text/html that is no XML" in output
    assert "\x1b" not in output


def test_an_endpoint_that_hangs_is_given_up(notebook, newcomer):
    notebook.write({"Operation": "GetAccountBalance"}, b"<GetAccountBalanceResponse/>")
    (recording,) = notebook.recordings
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Verifier(url, newcomer, patience=0.2) as verifier:
            verdict = verifier.check(recording)

    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason == f"{url} did not answer within 0.2 seconds"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--endpoint", "gateway.example.com"], "no URL"),
        (["--endpoint", "ftp://gateway.example.com"], "no URL"),
        (["--endpoint", "http://["], "no URL"),
        (["--endpoint", "http://"], "no URL"),
        (["--profile", "nobody"], "no profile nobody"),
        (["--junit", "/no/such/folder/junit.xml"], "/no/such/folder/junit.xml"),
    ],
)
def test_what_was_asked_wrongly_is_said_before_anything_is_sent(notebook, endpoint, verify, words, said):
    notebook.write({"Operation": "GetAccountBalance"}, b"<GetAccountBalanceResponse/>")
    listening = endpoint(lambda _: (200, b"text/xml", b"<GetAccountBalanceResponse/>"))
    status, output = verify(*words, endpoint=listening.url)

    assert status == 2
    assert said in output
    assert "Traceback" not in output
    assert listening.forms == []


def test_folders_without_good_recordings_are_refused(notebook, verify, tmp_path):
    assert (notebook.folder, verify()[0]) == (notebook.folder, 2)
    assert "no such folder" in verify(folder=tmp_path / "elsewhere")[1]

    notebook.write({"Operation": "GetAccountBalance"}, b"<GetAccountBalanceResponse/>")
    (notebook.folder / "002 half.json").write_text('{"query": {"Operation":')
    status, output = verify()
    assert status == 2
    assert "002 half.json" in output


def test_an_endpoint_that_trickles_is_given_up(notebook, newcomer):
    """The patience is for the whole answer, and not for each byte of it."""
    notebook.write({"Operation": "GetHIT"}, b"<R/>")
    ended = threading.Event()

    def trickle():
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not ended.wait(0.05):
                connection.sendall(b" ")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=trickle)
        thread.start()
        with Verifier(f"http://127.0.0.1:{listening.getsockname()[1]}", newcomer, patience=0.5) as verifier:
            verdict = verifier.check(*notebook.recordings)
        ended.set()
        thread.join()

    assert verdict.outcome is Outcome.FAILED
    assert "did not answer within 0.5 seconds" in verdict.reason


def test_an_answer_that_is_too_large_is_not_read_to_its_end(notebook, endpoint, newcomer):
    notebook.write({"Operation": "GetHIT"}, b"<R/>")
    listening = endpoint(lambda _: (200, b"text/xml", b"<" * (65 * 2**20)))
    with Verifier(listening.url, newcomer) as verifier:
        verdict = verifier.check(*notebook.recordings)

    assert verdict.outcome is Outcome.FAILED
    assert "more than 67108864 bytes" in verdict.reason
