"""The plugin for pytest, as it is for other people: in an environment where only the wheel is installed."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from mturk_gateway.replay.recordings import RecordingError, load_recordings
from mturk_gateway.testing.claims import claim
from replays import write_pair

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent

needs_boto = pytest.mark.skipif(sys.version_info >= (3, 12), reason="boto 2.49 does not run on this Python")


@pytest.fixture(scope="session")
def python(tmp_path_factory):
    """The Python of such an environment, made once for all workers. What the wheel depends on is that of this one."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    environment = folder / "environment"
    with (folder / "environment.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (environment / "made").exists():
            build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder / "dist", ROOT]
            subprocess.run(build, check=True, capture_output=True)
            venv.create(environment)
            site = Path(sysconfig.get_path("purelib", vars={"base": environment}))
            (wheel,) = (folder / "dist").glob("*.whl")
            zipfile.ZipFile(wheel).extractall(site)
            # Path files in there, such as that of the checkout, are not followed.
            (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
            (environment / "made").touch()
    return environment / "bin" / "python"


@pytest.fixture
def run(python, pytester, monkeypatch):
    """Run pytest from the folder above some test functions, as a user would; gives its result."""
    monkeypatch.setenv("COLUMNS", "250")
    # Without what was compiled before, each run takes three times as long.
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        monkeypatch.delenv(name, raising=False)

    def run(source, *options):
        suite = pytester.path / "suite"
        suite.mkdir(exist_ok=True)
        (suite / "test_inner.py").write_text(f"import pytest\n\n{source}")
        return pytester.run(python, "-m", "pytest", "-p", "no:cacheprovider", "--strict-markers", *options, timeout=120)

    return run


PUBLISH = """
QUESTION = (
    '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/'
    'ExternalQuestion.xsd"><ExternalURL>https://example.com/</ExternalURL><FrameHeight>1</FrameHeight></ExternalQuestion>'
)

def publish(mturk):
    return mturk.boto3_client().create_hit(
        Title="Count the dots", Description="How many?", Reward="0.05", Question=QUESTION,
        AssignmentDurationInSeconds=600, LifetimeInSeconds=86400,
    )["HIT"]["HITId"]
"""

LEGACY = """
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from boto.mturk.connection import MTurkConnection

def legacy(mturk, access_key="AKIDEXAMPLE", secret_key="secret"):
    return MTurkConnection(access_key, secret_key, host=mturk.host, port=mturk.port, is_secure=False)
"""


def test_as_soon_as_it_is_installed_tests_have_marketplaces_that_leave_nothing_behind(
    run, python, pytester, monkeypatch, tmp_path
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    pytester.makeconftest(
        """
import threading

def pytest_unconfigure():
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    for thread in others:
        thread.join(5)
    print("still running:", [thread for thread in others if thread.is_alive()])
"""
    )
    result = run(
        PUBLISH
        + f"""
def test_what_is_installed(mturk_gateway_session):
    import mturk_gateway
    assert mturk_gateway.__file__.startswith({str(python.parent.parent)!r})

def test_one(mturk_gateway, mturk_gateway_session, mturk_replay):
    publish(mturk_gateway)
    publish(mturk_gateway_session)
    assert mturk_replay.url

def test_another(mturk_gateway, mturk_gateway_session):
    assert mturk_gateway.boto3_client().list_hits()["HITs"] == []
    assert len(mturk_gateway_session.boto3_client().list_hits()["HITs"]) == 1
    assert mturk_gateway.url != mturk_gateway_session.url
""",
        "-W",
        "error",
    )

    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["still running: []"])
    written = {path.name for path in pytester.path.rglob("*") if "__pycache__" not in path.parts}
    assert written == {"conftest.py", "suite", "test_inner.py", "stdout", "stderr"}
    assert list(tmp_path.iterdir()) == []


@needs_boto
def test_boto_2_programs_play_with_workers_and_the_clock_and_replay_the_samples(run):
    result = run(
        PUBLISH
        + LEGACY
        + """
import httpx

def test_what_is_submitted_is_approved_in_time(mturk_gateway):
    hit = publish(mturk_gateway)
    boto = legacy(mturk_gateway, mturk_gateway.access_key, mturk_gateway.secret_key)
    worker = mturk_gateway.worker("A1EXAMPLE")
    worker.submit(worker.accept(hit), {"dots": "3"})
    (assignment,) = boto.get_assignments(hit)
    assert (assignment.WorkerId, assignment.answers[0][0].fields) == ("A1EXAMPLE", ["3"])
    mturk_gateway.clock.advance(days=30)
    (assignment,) = boto.get_assignments(hit)
    assert assignment.AssignmentStatus == "Approved"

def test_a_server(mturk_replay):
    assert mturk_replay.url == f"http://{mturk_replay.host}:{mturk_replay.port}"
    mturk_replay.play("GetAccountBalance/*")
    (balance,) = legacy(mturk_replay).get_account_balance()
    assert balance.amount > 0

def test_chosen_from_now_on(mturk_replay):
    query = {"Operation": "GetHIT", "HITId": "x"}
    mturk_replay.play("GetHIT/disposed")
    assert "nearest is GetHIT/disposed" in httpx.get(mturk_replay.url, params=query).text
    mturk_replay.play("GetHIT/minimal")
    assert "nearest is GetHIT/minimal" in httpx.get(mturk_replay.url, params=query).text
    mturk_replay.refused.clear()

@pytest.mark.mturk_replay(None, "GetHIT/minimal")
def test_chosen_by_the_marker(mturk_replay):
    assert "nearest is GetHIT/minimal" in httpx.get(mturk_replay.url, params={"Operation": "GetHIT"}).text
    mturk_replay.refused.clear()
"""
    )

    result.assert_outcomes(passed=4)


ASK = """
import httpx
from datetime import UTC, datetime
from mturk_gateway.auth import SERVICE, sign, standard_string

def ask(mturk, access_key="AKIDEXAMPLE", secret_key="secret", hit="3NOSUCHHIT"):
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    who = {"Service": SERVICE, "AWSAccessKeyId": access_key, "Timestamp": moment}
    signature = sign(secret_key, standard_string("GetHIT", moment))
    query = {"Operation": "GetHIT", "HITId": hit, **who, "Signature": signature}
    return httpx.get(mturk.url, params=query).content
"""


def test_a_marked_test_records_beside_itself_what_another_replays(run, pytester):
    record = """
told = []

@pytest.mark.mturk_gateway(record="recordings")
def test_record(mturk_gateway):
    told.append(ask(mturk_gateway, mturk_gateway.access_key, mturk_gateway.secret_key))

@pytest.mark.mturk_gateway(record="recordings")
def test_record_more(mturk_gateway):
    ask(mturk_gateway, mturk_gateway.access_key, mturk_gateway.secret_key, "3ANOTHERHIT")
"""
    replay = """
@pytest.mark.mturk_replay("recordings")
def test_replay(mturk_replay):
    assert told == [ask(mturk_replay)]
"""
    folder = pytester.path / "suite" / "recordings"

    run(ASK + record + replay).assert_outcomes(passed=3)
    recorded = [recording.operation for recording in load_recordings(folder)]
    again = run(ASK + record)

    assert recorded == ["GetHIT", "GetHIT"]
    again.assert_outcomes(errors=2)
    again.stdout.fnmatch_lines(
        [f"@pytest.mark.mturk_gateway: {folder}: here are recordings of an earlier run: remove them to record anew"]
    )
    assert len(load_recordings(folder)) == 2


def test_tests_run_side_by_side_and_record_into_one_folder(run, pytester):
    suite = pytester.path / "suite"
    record(suite / "old")
    os.mkfifo(suite / "turn")
    result = run(
        PUBLISH
        + ASK
        + """
@pytest.fixture
def turn(request, number):
    \"""One worker records, and is done with that, before the other one begins.\"""
    pipe = request.path.with_name("turn")
    if number == 1:
        pipe.open("rb").close()
    yield
    if number == 0:
        pipe.open("wb").close()

@pytest.mark.parametrize("number", [pytest.param(n, marks=pytest.mark.xdist_group(f"{n % 2}")) for n in range(4)])
@pytest.mark.mturk_gateway(record="new")
def test_alone(turn, mturk_gateway, mturk_gateway_session, number):
    ask(mturk_gateway, mturk_gateway.access_key, mturk_gateway.secret_key)
    publish(mturk_gateway)
    assert len(mturk_gateway.boto3_client().list_hits()["HITs"]) == 1
    mine = mturk_gateway_session.add_requester(f"requester {number}")
    assert mturk_gateway_session.boto3_client(mine).list_hits()["HITs"] == []

@pytest.mark.parametrize("number", range(2))
@pytest.mark.mturk_gateway(record="old")
def test_anew(mturk_gateway, number):
    pass
""",
        "-n",
        "2",
        "--dist",
        "loadgroup",
    )

    result.assert_outcomes(passed=4, errors=2)
    result.stdout.fnmatch_lines([f"*{suite}/old: here are recordings of an earlier run*"])
    assert len(load_recordings(suite / "new")) == 4


def record(folder):
    """A recording of somebody's own."""
    write_pair(folder, "poll", {"Operation": "GetHIT", "HITId": "H1"}, "<GetHITResponse>any</GetHITResponse>")


def test_folders_in_one_another_are_of_the_same_run(tmp_path):
    for folder in ("all/some", "all", "all/others"):
        claim(tmp_path / folder, tmp_path / "claims")
        write_pair(tmp_path / folder, "GetHIT/it", {"Operation": "GetHIT"})

    with pytest.raises(RecordingError, match=f"{tmp_path}: here are recordings of an earlier run"):
        claim(tmp_path, tmp_path / "other claims")


def test_files_that_are_no_recordings_are_no_reason_to_refuse_a_folder(tmp_path):
    for name in ("pom.xml", "package.json", ".hidden.xml", ".hidden.json"):
        (tmp_path / name).touch()

    claim(tmp_path, tmp_path / "claims")


def test_nobody_pays_for_fixtures_that_they_do_not_ask_for(run):
    result = run(
        """
def test_what_is_loaded(pytestconfig):
    import sys
    assert pytestconfig.pluginmanager.get_plugin("mturk_gateway")
    loaded = {name for name in sys.modules if name.partition(".")[0] in ("mturk_gateway", "mturk_translators")}
    assert loaded == {"mturk_gateway", "mturk_gateway.pytest_plugin"}
    heavy = {"alembic", "boto3", "botocore", "click", "fastapi", "lxml", "sqlalchemy", "uvicorn"}
    assert not heavy & set(sys.modules)
""",
        "-p",
        "no:respx",
    )

    result.assert_outcomes(passed=1)


def test_the_plugin_is_loaded_in_no_time(python):
    code = (
        "import pytest, time; began = time.process_time(); import mturk_gateway.pytest_plugin; "
        "print(time.process_time() - began)"
    )
    taken = [float(subprocess.check_output([python, "-c", code])) for _ in range(3)]

    assert min(taken) < 0.03


def test_notebooks_need_neither_pytest_nor_respx(python):
    code = (
        "import sys; from mturk_gateway.testing import LocalGateway, Replay\n"
        "with LocalGateway() as mturk: print(mturk.boto3_client().list_hits()['HITs'])\n"
        "with Replay() as replay: assert replay.url\n"
        "assert not {'pytest', 'respx'} & set(sys.modules)"
    )

    assert subprocess.check_output([python, "-W", "error", "-c", code], text=True) == "[]\n"


def test_pytest_tells_of_fixtures_and_markers(python, pytester):
    fixtures = pytester.run(python, "-m", "pytest", "--fixtures")
    markers = pytester.run(python, "-m", "pytest", "--markers")

    fixtures.stdout.fnmatch_lines(
        [
            "mturk_gateway -- *pytest_plugin.py:*",
            "    The whole gateway with an empty marketplace, for one test*",
            "mturk_gateway_session *session scope* -- *",
            "mturk_replay -- *",
            "    Recordings instead of a gateway, for one test*",
        ]
    )
    markers.stdout.fnmatch_lines(["@pytest.mark.mturk_gateway(record=None*", "@pytest.mark.mturk_replay(folder=None*"])


def test_a_server_or_routes_answer_and_a_request_without_a_recording_fails_its_test(run, pytester):
    """It does so even if the program under test says nothing; with routes no socket is opened."""
    record(pytester.path / "suite" / "recordings")
    result = run(
        """
import httpx, socket
from mturk_gateway.testing import NoRecordingError

pytestmark = pytest.mark.mturk_replay("recordings")

@pytest.fixture
def no_sockets(monkeypatch):
    monkeypatch.setattr(socket, "socket", None)

@pytest.mark.mturk_replay("recordings", ignore=("UniqueRequest*",))
def test_no_socket(no_sockets, mturk_replay, respx_mock):
    mturk_replay.mount(respx_mock)
    query = {"Operation": "GetHIT", "HITId": "H1", "Timestamp": "2019-01-01T00:00:00Z", "UniqueRequestToken": "x"}
    for host in ("mechanicalturk.amazonaws.com", "mechanicalturk.sandbox.amazonaws.com"):
        assert httpx.get(f"https://{host}/", params=query).text == "<GetHITResponse>any</GetHITResponse>"
    with pytest.raises(NoRecordingError, match="HITId: asked 'H2', recorded 'H1'"):
        httpx.post(f"https://{host}/", data={"Operation": "GetHIT", "HITId": "H2"})
    mturk_replay.refused.clear()

def ask(mturk, hit):
    httpx.get(mturk.url, params={"Operation": "GetHIT", "HITId": hit})

@pytest.fixture
def program(mturk_replay):
    yield
    ask(mturk_replay, "ATTHEEND")

def test_silent(mturk_replay):
    ask(mturk_replay, "SILENT")

def test_wrong_already(mturk_replay):
    ask(mturk_replay, "BESIDE")
    assert "its own" == "reason"

@pytest.mark.xfail(strict=True)
def test_expected(mturk_replay):
    ask(mturk_replay, "EXPECTED")

def test_late(program):
    pass

def test_answered(mturk_replay):
    ask(mturk_replay, "H1")

def test_meant_so(mturk_replay):
    ask(mturk_replay, "MEANT")
    mturk_replay.refused.clear()
"""
    )

    result.assert_outcomes(passed=4, failed=2, xfailed=1, errors=1)
    result.stdout.fnmatch_lines_random(
        [
            "*HITId: asked 'SILENT', recorded 'H1'",
            "*AssertionError: assert 'its own' == 'reason'*",
            "*HITId: asked 'BESIDE', recorded 'H1'",
            "*ERROR at teardown of test_late*",
            "*HITId: asked 'ATTHEEND', recorded 'H1'",
            "FAILED *test_silent - Failed: No recording answers this GetHIT.*",
        ]
    )


def test_a_marker_that_cannot_be_is_said_in_a_sentence(run, pytester):
    (pytester.path / "suite" / "damaged").mkdir(parents=True)
    (pytester.path / "suite" / "damaged" / "poll.json").write_text("{")
    (pytester.path / "suite" / "damaged" / "poll.xml").write_text("<x/>")
    result = run(
        """
@pytest.mark.mturk_replay("nowhere")
def test_no_folder(mturk_replay): pass

@pytest.mark.mturk_replay("damaged")
def test_damaged(mturk_replay): pass

@pytest.mark.mturk_replay(None, "NoSuch/case")
def test_no_case(mturk_replay): pass

@pytest.mark.mturk_replay(ignore="Title")
def test_text(mturk_replay): pass

@pytest.mark.mturk_gateway(recrod="x")
def test_misspelt(mturk_gateway): pass

@pytest.mark.mturk_gateway(scrub=True)
def test_scrub_alone(mturk_gateway): pass

@pytest.mark.mturk_gateway(record="x")
def test_nothing_records_this(mturk_gateway_session): pass

@pytest.mark.mturk_gateway(record="test_inner.py")
def test_a_file(mturk_gateway): pass

@pytest.mark.mturk_gateway(record="test_inner.py/x")
def test_below_a_file(mturk_gateway): pass
"""
    )

    result.assert_outcomes(errors=9)
    result.stdout.fnmatch_lines_random(
        [
            f"@pytest.mark.mturk_replay: {pytester.path}/suite/nowhere: there is no such folder",
            f"@pytest.mark.mturk_replay: {pytester.path}/suite/damaged/poll.json: damaged *line 1, column 2*",
            "@pytest.mark.mturk_replay: *no recording is called NoSuch/case",
            "@pytest.mark.mturk_replay: ignore takes several names, such as ('Title',)",
            "@pytest.mark.mturk_gateway: got an unexpected keyword argument 'recrod'",
            "@pytest.mark.mturk_gateway: scrub is for what is recorded: it needs record",
            "@pytest.mark.mturk_gateway: this is for the fixture mturk_gateway, and the test asks for *_session alone*",
            f"@pytest.mark.mturk_gateway: {pytester.path}/suite/test_inner.py: nothing can be recorded *: this is no *",
            f"*{pytester.path}/suite/test_inner.py/x: nothing can be recorded here: Not a directory",
        ]
    )
    for trace in ("*During handling*", "*Error: *"):
        result.stdout.no_fnmatch_line(trace)
