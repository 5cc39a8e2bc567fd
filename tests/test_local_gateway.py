"""A gateway of one's own for tests and notebooks, without pytest's part in it."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from mturk_gateway.admin import RequesterError
from mturk_gateway.clock import wall_clock
from mturk_gateway.marketplace.services.working.profiles import ProfileError
from mturk_gateway.testing import (
    Difference,
    EndpointError,
    LocalGateway,
    Outcome,
    Replay,
    Upload,
    Verifier,
    WorkerRefused,
    load_recordings,
)
from mturk_translators.xml import parse
from support import PROPERTIES, ask, one, signed_query, texts

QUIZ = (
    '<QuestionForm xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/'
    'QuestionForm.xsd"><Question><QuestionIdentifier>q1</QuestionIdentifier><QuestionContent><Text>?</Text>'
    "</QuestionContent><AnswerSpecification>{}</AnswerSpecification></Question></QuestionForm>"
)
FREE_TEXT, FILE = (
    QUIZ.format("<FreeTextAnswer/>"),
    QUIZ.format(
        "<FileUploadAnswer><MaxFileSizeInBytes>100</MaxFileSizeInBytes><MinFileSizeInBytes>1</MinFileSizeInBytes>"
        "</FileUploadAnswer>"
    ),
)


@pytest.fixture
def mturk():
    with LocalGateway() as running:
        yield running


def legacy(mturk, operation, *pairs, **named):
    return ask(mturk.url, mturk.requester, operation, *pairs, **named)


def publish(mturk, **changes):
    """A HIT made through boto3; gives it as the reply has it."""
    return mturk.boto3_client().create_hit(**{**PROPERTIES, **changes})["HIT"]


def test_its_marketplace_is_empty_and_is_its_own(mturk):
    assert texts(legacy(mturk, "SearchHITs"), "TotalNumResults") == ["0"]
    with LocalGateway() as other:
        publish(other)
        assert mturk.boto3_client().list_hits()["HITs"] == []
        assert len(other.boto3_client().list_hits()["HITs"]) == 1


def test_both_apis_answer_at_the_parts_of_its_url_with_its_keys(mturk):
    assert mturk.url == f"http://{mturk.host}:{mturk.port}"
    assert (mturk.access_key, mturk.secret_key) == (mturk.requester.access_key, mturk.requester.secret)
    hit = publish(mturk)

    assert one(legacy(mturk, "GetHIT", HITId=hit["HITId"]), "Title") == "Count the dots"


def test_more_requesters_have_nothing_in_common(mturk):
    publish(mturk)
    other = mturk.add_requester("other")

    assert mturk.boto3_client(other).list_hits()["HITs"] == []
    with pytest.raises(RequesterError, match="already a requester named 'other'"):
        mturk.add_requester("other")


def test_a_first_page_shows_what_a_worker_did_a_moment_ago(mturk):
    hit = publish(mturk)
    assert one(legacy(mturk, "GetAssignmentsForHIT", HITId=hit["HITId"]), "TotalNumResults") == "0"
    assert one(legacy(mturk, "SearchHITs"), "HITStatus") == "Assignable"
    worker = mturk.worker("A1EXAMPLE")

    assignment = worker.accept(hit["HITId"])
    worker.submit(assignment, {"q1": "three", "seen": ["red", "blue"]})

    page = legacy(mturk, "GetAssignmentsForHIT", HITId=hit["HITId"])
    assert (one(page, "AssignmentId"), one(page, "WorkerId")) == (assignment, "A1EXAMPLE")
    assert "<FreeText>three</FreeText>" in one(page, "Answer")
    assert "red|blue" in one(page, "Answer")
    assert one(legacy(mturk, "SearchHITs"), "HITStatus") == "Reviewable"


def test_what_is_due_has_happened_for_whoever_looks_after_the_clock_was_moved(mturk):
    expiring, worked_on = publish(mturk)["HITId"], publish(mturk, AutoApprovalDelayInSeconds=3600)["HITId"]
    worker = mturk.worker("A1EXAMPLE")
    worker.submit(worker.accept(worked_on))
    assert texts(legacy(mturk, "SearchHITs", SortProperty="CreationTime"), "HITStatus").count("Assignable") == 1
    assert texts(legacy(mturk, "GetAssignmentsForHIT", HITId=worked_on), "AssignmentStatus") == ["Submitted"]

    mturk.clock.advance(minutes=59)
    assert worker.tasks()[0].state == "Submitted"
    mturk.clock.advance(minutes=1)
    assert worker.tasks()[0].state == "Approved"
    assert texts(legacy(mturk, "GetAssignmentsForHIT", HITId=worked_on), "AssignmentStatus") == ["Approved"]
    mturk.clock.advance(days=1)

    found = dict(zip(*(texts(legacy(mturk, "SearchHITs"), name) for name in ("HITId", "HITStatus")), strict=True))
    assert found == {expiring: "Reviewable", worked_on: "Reviewable"}
    assert abs(mturk.clock.now() - datetime.now(UTC) - timedelta(days=1, hours=1)) < timedelta(seconds=1)


def test_the_clock_ticks_on_from_any_moment_while_signatures_go_by_the_real_time(mturk):
    start = datetime(2012, 1, 31, 23, 59, tzinfo=UTC)
    mturk.clock.set(start)

    made = datetime.fromisoformat(one(legacy(mturk, "GetHIT", HITId=publish(mturk)["HITId"]), "CreationTime"))

    assert timedelta(0) <= made - start < timedelta(minutes=1)
    assert mturk.clock.now() > start


def test_a_clock_can_be_set_before_anything_is_there():
    mturk = LocalGateway()
    mturk.clock.set(datetime(2012, 1, 31, tzinfo=UTC))

    with mturk:
        assert publish(mturk)["CreationTime"].year == 2012


def test_moving_a_clock_wrongly_is_said_in_words(mturk):
    with pytest.raises(ValueError, match="time passes forward, not by -3600 seconds"):
        mturk.clock.advance(hours=-1)
    with pytest.raises(ValueError, match="needs a time zone"):
        mturk.clock.set(datetime(2012, 1, 31))  # noqa: DTZ001  # that is what is wrong
    assert abs(mturk.clock() - wall_clock()) < 1


def test_a_worker_does_what_the_pages_let_workers_do(mturk):
    hit = publish(mturk, Reward="0.30")
    worker = mturk.worker("A1EXAMPLE")
    (group,) = worker.find()
    assert (group.group_id, group.reward, group.available) == (hit["HITGroupId"], "0.30", 1)
    assert worker.preview(hit["HITGroupId"]).id == hit["HITId"]

    first = worker.accept_any(hit["HITTypeId"])
    worker.return_(first)
    second = worker.accept_any(hit["HITGroupId"])
    worker.submit(second, {"q1": "x"})
    requester = mturk.boto3_client()
    requester.reject_assignment(AssignmentId=second, RequesterFeedback="No.")
    requester.send_bonus(WorkerId="A1EXAMPLE", BonusAmount="1.00", AssignmentId=second, Reason="Still.")
    requester.notify_workers(Subject="Hello", MessageText="You.", WorkerIds=["A1EXAMPLE"])

    tasks = {task.assignment_id: task for task in worker.tasks()}
    assert {name: task.state for name, task in tasks.items()} == {first: "Returned", second: "Rejected"}
    assert (tasks[second].feedback, [tuple(bonus) for bonus in tasks[second].bonuses]) == ("No.", [("1.00", "Still.")])
    assert [(message.subject, message.text) for message in worker.messages()] == [("Hello", "You.")]


def test_a_worker_may_do_no_more_than_the_pages_allow(mturk):
    hit = publish(mturk, Question=FREE_TEXT)["HITId"]
    worker, other = mturk.worker("A1EXAMPLE"), mturk.worker("A2EXAMPLE")
    assignment = worker.accept(hit)

    for reason, attempt in {
        "There is no such HIT": lambda: worker.accept("3NOSUCHHIT"),
        "no more available": lambda: other.accept(hit),
        "not that of worker A2EXAMPLE": lambda: other.submit(assignment, {"q1": "x"}),
        "not that of worker A2EXAMPLE.": lambda: other.return_(assignment),
        "There is no such assignment": lambda: worker.submit("3NOSUCHASSIGNMENT"),
        "nobody": lambda: worker.submit(assignment, {"nobody": "asked"}),
    }.items():
        with pytest.raises(WorkerRefused, match=reason):
            attempt()
    with pytest.raises(ValueError, match="'bob' is not a worker's ID, such as A1EXAMPLE"):
        mturk.worker("bob")
    with pytest.raises(TypeError, match="the answer to 'q1' is a text or several, not 3"):
        worker.submit(assignment, {"q1": 3})
    assert [task.state for task in worker.tasks()] == ["Accepted"]


def test_a_worker_hands_in_files(mturk):
    hit = publish(mturk, Question=FILE)["HITId"]
    worker = mturk.worker("A1EXAMPLE")
    assignment = worker.accept(hit)

    worker.submit(assignment, files={"q1": Upload("drawing.svg", b"<svg/>")})

    assert one(legacy(mturk, "GetFileUploadURL", AssignmentId=assignment, QuestionIdentifier="q1"), "IsValid") == "True"


def test_a_worker_gets_qualifications(mturk):
    client = mturk.boto3_client()
    kinds = {"Active": {"QualificationTypeStatus": "Active"}}
    plain, tested = (
        client.create_qualification_type(Name=name, Description="d", **kinds["Active"], **more)["QualificationType"][
            "QualificationTypeId"
        ]
        for name, more in {"plain": {}, "tested": {"Test": FREE_TEXT, "TestDurationInSeconds": 60}}.items()
    )
    worker = mturk.worker("A1EXAMPLE")
    assert {offer.type_id: offer.tested for offer in worker.offers()} == {plain: False, tested: True}

    asked, begun = worker.request_qualification(plain), worker.request_qualification(tested)
    assert (asked.status, begun.status) == ("Pending", "Testing")
    assert worker.open_test(begun.request_id) == FREE_TEXT
    assert worker.submit_test(begun.request_id, {"q1": "x"}).status == "Pending"
    assert {request.request_id for request in worker.requests()} == {asked.request_id, begun.request_id}
    legacy(mturk, "GrantQualification", QualificationRequestId=asked.request_id, IntegerValue=7)

    assert [(held.type_id, held.value) for held in worker.qualifications()] == [(plain, 7)]


def test_what_is_known_of_a_worker_opens_hits_to_them(mturk):
    lives_in = {"QualificationTypeId": "00000000000000000071", "Comparator": "EqualTo"}
    hit = publish(mturk, QualificationRequirements=[{**lives_in, "LocaleValues": [{"Country": "US"}]}])["HITId"]
    worker = mturk.worker("A1EXAMPLE")
    with pytest.raises(WorkerRefused, match="ualification"):
        worker.accept(hit)

    worker.set_profile(country="US", subdivision="PA", masters=True)

    assert worker.accept(hit)
    assert len(worker.qualifications()) == 2
    worker.set_profile(masters=False)
    assert worker.qualifications() == []
    with pytest.raises(ProfileError, match="country in two capital letters"):
        worker.set_profile(country="USA")


def test_its_boto3_clients_know_nothing_of_the_users_own_settings(mturk, monkeypatch, tmp_path):
    config = tmp_path / "config"
    config.write_text("[profile own]\nregion = eu-west-1\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = none\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "own")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)

    client = mturk.boto3_client()

    assert client.meta.region_name == "us-east-1"
    assert client.get_account_balance()["AvailableBalance"] == "10000.00"


def test_nothing_is_left_when_it_ends():
    before, threads = set(open_files()), set(threading.enumerate())
    with LocalGateway() as mturk:
        client = mturk.boto3_client()
        client.list_hits()
        httpx.get(f"{mturk.url}/?{signed_query(mturk.requester, 'SearchHITs')}").raise_for_status()
        address = (mturk.host, mturk.port)
        folders = {path.parent for path in set(open_files()) - before if path.is_absolute() and path.is_file()}
        assert all(folder.exists() for folder in folders)

    assert folders or not Path("/proc/self/fd").is_dir()
    assert not any(folder.exists() for folder in folders)
    # A thread that is told to end and not waited for closes its own connections.
    assert not lasting(set(threading.enumerate()) - threads)
    assert set(open_files()) <= before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="there are no folders in memory")  # noqa: S108
def test_nothing_is_written_to_a_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    with LocalGateway() as mturk:
        publish(mturk)
        assert texts(legacy(mturk, "SearchHITs"), "HITId")
        assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.iterdir()) == []


def lasting(threads):
    """Those of the threads that go on."""
    for thread in threads:
        thread.join(5)
    return [thread for thread in threads if thread.is_alive()]


def open_files():
    """The files and sockets that this process has open."""
    for link in Path("/proc/self/fd").iterdir() if Path("/proc/self/fd").is_dir() else ():
        try:
            yield link.readlink()
        except FileNotFoundError:
            continue


def test_a_client_still_connected_does_not_keep_it_from_ending(mturk):
    with socket.create_connection((mturk.host, mturk.port)) as idle:
        began = wall_clock()
        mturk.stop()

        assert wall_clock() - began < 2
        assert idle.recv(1) == b""


def test_what_it_records_can_be_replayed(tmp_path):
    with LocalGateway(record=tmp_path / "recordings") as mturk:
        legacy(mturk, "GetHIT", HITId="3NOSUCHHIT")

    (recording,) = load_recordings(tmp_path / "recordings")
    assert recording.operation == "GetHIT"


def test_a_worker_is_the_same_in_scrubbed_recordings_of_several_gateways(tmp_path):
    for _ in range(2):
        with LocalGateway(record=tmp_path, scrub=True) as mturk:
            hit = publish(mturk)["HITId"]
            worker = mturk.worker("A1EXAMPLE")
            worker.submit(worker.accept(hit))
            legacy(mturk, "GetAssignmentsForHIT", HITId=hit)

    (one_name, other_name) = (one(parse(recording.document), "WorkerId") for recording in load_recordings(tmp_path))
    assert one_name == other_name != "A1EXAMPLE"


def test_it_goes_on_recording_into_a_folder_that_has_recordings(tmp_path):
    for _ in range(2):
        with LocalGateway(record=tmp_path) as mturk:
            legacy(mturk, "GetHIT", HITId="3NOSUCHHIT")

    assert len(load_recordings(tmp_path)) == 2


def test_what_it_recorded_can_be_verified_and_the_verdict_judged(tmp_path):
    with LocalGateway(record=tmp_path) as mturk:
        legacy(mturk, "GetHIT", HITId="3NOSUCHHIT")
    (recording,) = load_recordings(tmp_path)

    with LocalGateway() as mturk, Verifier(mturk.url, mturk.requester) as verifier:
        assert verifier.check(recording).outcome is Outcome.ALIKE
        verdict = verifier.check(replace(recording, status=503))

    assert verdict.outcome is Outcome.DIFFERS
    assert verdict.differences == (Difference("HTTP status", "503", "200"),)
    with pytest.raises(EndpointError, match="'nowhere' is no URL"):
        Verifier("nowhere", mturk)


def test_the_samples_replay_in_a_checkout_too():
    with Replay(chosen=["GetAccountBalance/*"]) as replay:
        answer = httpx.get(replay.url, params={"Operation": "GetAccountBalance"})

    assert b"<AvailableBalance>" in answer.content
    assert replay.refused == []


@pytest.mark.parametrize(
    "use",
    [
        lambda mturk: mturk.url,
        lambda mturk: mturk.access_key,
        lambda mturk: mturk.boto3_client(),
        lambda mturk: mturk.add_requester("x"),
        lambda mturk: mturk.worker("A1EXAMPLE"),
    ],
)
@pytest.mark.parametrize("stopped", [False, True])
def test_one_that_is_not_running_says_so(use, stopped):
    mturk = LocalGateway()
    if stopped:
        mturk.start().stop()

    with pytest.raises(RuntimeError, match="not running: use it in a `with` block"):
        use(mturk)


def test_it_can_be_started_again_and_is_empty_again():
    mturk = LocalGateway()
    with mturk:
        publish(mturk)
        with pytest.raises(RuntimeError, match="running already"):
            mturk.start()
    with mturk:
        assert mturk.boto3_client().list_hits()["HITs"] == []
