"""Recording: what is written and what never is, and that nobody who is answered notices when it fails."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from unittest.mock import patch
from urllib.parse import urlencode

import pytest

from clients.people import People
from mturk_gateway.auth import sign, version_1_string
from mturk_gateway.clock import wall_clock
from mturk_gateway.credentials import Requester, read_profiles
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.exchange import Answer, Received
from mturk_gateway.replay.pairs import Exchange
from mturk_gateway.replay.player import Player
from mturk_gateway.replay.recorder import Recorder
from mturk_gateway.replay.recordings import load_recordings
from mturk_gateway.settings import Settings
from mturk_gateway.transcript import Transcript
from mturk_translators.query import Pair, first, parse_pairs
from mturk_translators.xml import parse
from rounds import PHOTO
from support import ScriptedUpstream, ask, fill, one, post, served, signed_pairs, signed_query, texts
from walks import until


@pytest.fixture
def recording(tmp_path):
    """Make a gateway that records into a folder; gives the gateway and a requester of it."""
    running = []

    def make(**settings):
        made = Settings(data=tmp_path / "data", freshness=0, **{"record": tmp_path / "recordings", **settings})
        running.append(EmbeddedGateway(made).start())
        return running[-1], running[-1].add_requester("lab")

    yield make
    for gateway in running:
        gateway.stop()


def recorded(gateway):
    """What a gateway has recorded, once it is stopped."""
    gateway.stop()
    return load_recordings(gateway.settings.record)


def facts(one):
    return json.loads((one.path.parent / f"{one.path.name.removesuffix('.xml')}.json").read_bytes())


def everything(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_pair_says_what_was_asked_what_the_modern_api_was_asked_and_what_was_answered(recording):
    gateway, requester = recording()
    (hit,) = fill(gateway, requester, [({"Title": "Count the dots"}, int(wall_clock()))])
    before = wall_clock()
    answer = post(
        f"{gateway.url}/", signed_query(requester, "GetHIT", ("HITId", hit), ("Version", "2012-03-25"))
    ).content

    (pair,) = recorded(gateway)

    told = facts(pair)
    assert pair.document == answer
    assert told["query"] == {"Operation": "GetHIT", "HITId": hit, "Version": "2012-03-25"}
    assert told["calls"] == [{"operation": "GetHIT", "params": {"HITId": hit}}]
    assert told["replies"][0]["HIT"]["Title"] == "Count the dots"
    assert "ResponseMetadata" not in told["replies"][0]
    assert told["request_id"] == one(parse(answer), "RequestId")
    assert before <= told["now"] <= wall_clock()


def test_a_page_is_recorded_with_the_walk_that_it_comes_from(recording):
    gateway, requester = recording()
    hits = fill(gateway, requester, [({"Title": f"HIT {number}"}, int(wall_clock())) for number in range(150)])
    for number in (1, 2):
        ask(gateway.url, requester, "SearchHITs", PageNumber=number, PageSize=100)

    first_page, second_page = recorded(gateway)
    told = facts(first_page)
    assert [call["operation"] for call in told["calls"]] == ["ListHITs"] * len(told["replies"])
    assert "NextToken" not in told["calls"][0]["params"]
    assert {hit["HITId"] for reply in told["replies"] for hit in reply["HITs"]} == set(hits)
    assert facts(second_page)["calls_of"] == first_page.name


def test_what_changed_is_in_the_walk_of_the_next_page_as_well(recording):
    """A marketplace that tells what changed is asked for everything while somebody records."""
    gateway, requester = recording()
    fill(gateway, requester, [({"Title": "old"}, int(wall_clock()))])
    ask(gateway.url, requester, "SearchHITs")
    fill(gateway, requester, [({"Title": "new"}, int(wall_clock()))])
    ask(gateway.url, requester, "SearchHITs")

    _, later = recorded(gateway)

    assert {hit["Title"] for reply in facts(later)["replies"] for hit in reply["HITs"]} == {"old", "new"}


def test_a_walk_that_is_very_large_is_not_written_with_each_of_its_pages(recording):
    gateway, requester = recording()
    long = {"RequesterAnnotation": "x" * 250, "Description": "y" * 1900, "Keywords": "z" * 900}
    fill(gateway, requester, [(long, int(wall_clock())) for _ in range(1500)])
    answer = post(f"{gateway.url}/", signed_query(requester, "SearchHITs", ("PageSize", "10"))).content

    (pair,) = recorded(gateway)

    assert pair.document == answer
    assert not {"calls", "replies"} & facts(pair).keys()


@pytest.mark.parametrize("code", ["AWS.MechanicalTurk.HITDoesNotExist", "AWS.NotAuthorized"])
def test_refusals_are_recorded_unless_nobody_knows_who_asked(recording, code):
    """Without its key, a request that was refused for the key would look like one that was not."""
    gateway, requester = recording()
    query = signed_query(requester, "GetHIT", ("HITId", "3NOSUCHHIT"))
    if code == "AWS.NotAuthorized":
        query = query.replace("Signature=", "Signature=x")
    assert one(parse(post(f"{gateway.url}/", query).content), "Code") == code

    if code == "AWS.NotAuthorized":
        gateway.stop()
        assert everything(gateway.settings.record) == b""
    else:
        (pair,) = recorded(gateway)
        assert facts(pair)["replies"][0]["error"]["TurkErrorCode"] == code


def test_keys_and_signatures_are_never_written(recording):
    gateway, requester = recording()
    pairs = signed_pairs(requester, "GetAccountBalance", ("SignatureVersion", "1"), ("Extra", requester.secret))
    pairs = [Pair(*pair) for pair in pairs if pair[0] not in ("Service", "Signature")]
    covering = [*pairs, Pair("Signature", sign(requester.secret, version_1_string(tuple(pairs))))]
    for signed in (covering, signed_pairs(requester, "GetAccountBalance", ("Note", f"by {requester.access_key}"))):
        assert one(parse(post(f"{gateway.url}/", urlencode(signed)).content), "IsValid") == "True"
    gateway.stop()

    written = everything(gateway.settings.record)

    assert written.count(b"<IsValid>True") == 2
    signatures = [value for signed in (covering, signed) for name, value in signed if name == "Signature"]
    for secret in (requester.access_key, requester.secret, *signatures):
        assert secret.encode() not in written


def test_tokens_and_signed_urls_are_never_written(recording, tmp_path):
    gateway, requester = recording()
    (hit,) = fill(gateway, requester, [({"Question": PHOTO}, int(wall_clock()))])
    (tmp_path / "photo").write_bytes(b"smile")
    people = People(gateway)
    assignment = people.accept(hit, "A1SCANNER")
    people.do("submit", assignment, "--file", f"photo={tmp_path / 'photo'}")
    token = ("SecurityToken", "a-token-of-a-session")
    ask(gateway.url, requester, "GetAccountBalance", token, ("ResponseGroup", "Request"))
    url = one(
        ask(gateway.url, requester, "GetFileUploadURL", AssignmentId=assignment, QuestionIdentifier="photo"),
        "FileUploadURL",
    )
    signature = re.search(r"signature=([^&]+)", url)[1]
    gateway.stop()

    written = everything(gateway.settings.record)

    assert url.partition("?")[0].encode() in written
    assert signature.encode() not in written
    assert b"a-token-of-a-session" not in written


def test_a_walk_from_before_the_recording_is_not_told_of_as_no_calls(recording, tmp_path):
    gateway, requester = recording(record=None)
    fill(gateway, requester, [({"Title": str(number)}, int(wall_clock())) for number in range(3)])
    ask(gateway.url, requester, "SearchHITs", PageSize=2)
    gateway.stop()
    with EmbeddedGateway(replace(gateway.settings, record=tmp_path / "recordings")) as again:
        ask(again.url, requester, "SearchHITs", PageSize=2, PageNumber=2)
        fill(again, requester, [({"Title": "new"}, int(wall_clock()))])
        ask(again.url, requester, "SearchHITs", PageSize=2)

    known, walked = load_recordings(tmp_path / "recordings")
    assert not {"calls", "calls_of"} & facts(known).keys()
    assert [reply["NumResults"] for reply in facts(walked)["replies"]] == [4, 0]


def test_one_pair_that_cannot_be_written_does_not_keep_others_from_it(recording):
    gateway, requester = recording()
    gateway.settings.record.mkdir(exist_ok=True)
    (gateway.settings.record / "GetAccountBalance").write_text("in the way")
    with patch("mturk_gateway.replay.recorder._PAUSES", (0.01,)):
        ask(gateway.url, requester, "GetAccountBalance")
        ask(gateway.url, requester, "Help", About="GetHIT", HelpType="Operation")
        until(lambda: list(gateway.settings.record.glob("Help/*.xml")))
    gateway.stop()

    assert [pair.operation for pair in load_recordings(gateway.settings.record)] == ["Help"]


LIFE = {"q1": "Ein Vögelchen, 17 cm", "q2": "no"}


@pytest.fixture
def scrubbed(recording):
    """What was recorded of two workers who answer a HIT twice the same, asked for twice."""
    gateway, requester = recording(scrub=True)
    people = People(gateway)
    (hit,) = fill(gateway, requester, [({"MaxAssignments": 2}, int(wall_clock()))])
    for worker in ("A1TWITCHER", "A2BIRDER"):
        people.work(hit, worker, **LIFE)
    ask(gateway.url, requester, "GetAssignmentsForHIT", HITId=hit)
    ask(gateway.url, requester, "GetAssignmentsForHIT", HITId=hit, PageSize=2)
    ask(gateway.url, requester, "BlockWorker", WorkerId="A1TWITCHER", Reason="says A1TWITCHER is A1TWITCHER2")
    ask(gateway.url, requester, "NotifyWorkers", ("WorkerId.1", "A1TWITCHER"), Subject="s", MessageText="m")
    ask(gateway.url, requester, "GetBlockedWorkers")
    return recorded(gateway)


def test_scrubbed_recordings_show_no_worker_and_no_answer(scrubbed):
    for pair in scrubbed:
        written = pair.document.decode() + json.dumps(facts(pair), ensure_ascii=False)
        for hidden in ("A1TWITCHER", "A2BIRDER", LIFE["q1"], "cm", "&gt;no&lt;", ">no<"):
            assert not re.search(rf"(?<![A-Z0-9]){re.escape(hidden)}(?![A-Za-z0-9])", written), (pair.name, hidden)


def test_a_scrubbed_worker_is_the_same_one_everywhere(scrubbed):
    first, second, blocked, notified, listed = scrubbed
    workers = texts(parse(first.document), "WorkerId")
    assert len(set(workers)) == 2
    assert texts(parse(second.document), "WorkerId") == workers
    assert [row["WorkerId"] for row in facts(first)["replies"][0]["Assignments"]] in (workers, workers[::-1])
    (block,) = texts(parse(listed.document), "WorkerId")
    assert block in workers
    assert facts(blocked)["query"]["WorkerId"] == facts(blocked)["calls"][0]["params"]["WorkerId"] == block
    assert facts(notified)["query"]["WorkerId.1"] == block
    assert facts(notified)["calls"][0]["params"]["WorkerIds"] == [block]
    assert facts(blocked)["query"]["Reason"].startswith(f"says {block} is A")


def test_scrubbed_answers_keep_their_shape_and_their_questions(scrubbed):
    first, second, *_ = scrubbed
    answers = [parse(answer) for answer in texts(parse(first.document), "Answer")]
    assert [[name.text for name in answer.iter("{*}QuestionIdentifier")] for answer in answers] == [["q1", "q2"]] * 2
    given = [[text.text for text in answer.iter("{*}FreeText")] for answer in answers]
    assert given[0] == given[1]
    assert re.fullmatch(r"[A-Z][a-z]{2} [A-Z][a-z]{8}, \d\d [a-z]{2}", given[0][0])
    assert re.fullmatch("[a-z]{2}", given[0][1])
    assert texts(parse(second.document), "Answer") == texts(parse(first.document), "Answer")
    assert facts(first)["replies"][0]["Assignments"][0]["Answer"] in texts(parse(first.document), "Answer")


def test_a_scrubbed_worker_stays_the_same_when_the_gateway_is_started_again(recording):
    gateway, requester = recording(scrub=True)
    ask(gateway.url, requester, "UnblockWorker", WorkerId="A1TWITCHER")
    gateway.stop()
    with EmbeddedGateway(gateway.settings) as again:
        ask(again.url, requester, "UnblockWorker", WorkerId="A1TWITCHER")

    first, second = load_recordings(gateway.settings.record)
    assert facts(first)["query"] == facts(second)["query"]
    assert "A1TWITCHER" not in facts(first)["query"].values()


def test_what_was_scrubbed_replays_for_who_asks_for_the_scrubbed_worker(scrubbed):
    player = Player(scrubbed)
    worker = texts(parse(player.answer(parse_pairs(b"Operation=GetBlockedWorkers")).document), "WorkerId")[0]
    pairs = [pair._replace(value=worker) if pair.name == "WorkerId" else pair for pair in scrubbed[2].pairs]
    assert one(parse(player.answer(pairs).document), "IsValid") == "True"


@pytest.mark.parametrize("title", ["lone \\udc00", "null"])
def test_what_an_odd_upstream_says_is_recorded_like_anything_else(tmp_path, foreign_gateway, title):
    """A reply that is no valid Unicode must not end the recording."""
    reply = b'{"HIT": {"HITId": "3HIT", "Title": "%s", "HITStatus": "Assignable"}}' % title.encode()
    with ScriptedUpstream(lambda *_: (200, reply)) as upstream:
        made, owner = foreign_gateway(upstream.url, record=tmp_path / "recordings")
        for _ in range(2):
            ask(made.url, owner, "GetHIT", HITId="3HIT")
        made.stop()

    first_one, second_one = load_recordings(tmp_path / "recordings")
    assert facts(first_one)["replies"] == facts(second_one)["replies"] == [json.loads(reply)]


def exchange(number, body=b"", document=b"<GetAccountBalanceResponse/>"):
    query = f"Operation=GetAccountBalance&Number={number}".encode()
    received = Received(f"{number:08}-0000-4000-8000-000000000000", query, body, "", "")
    return Exchange(
        received, Answer(200, document), 1e9 + number, 1e9, Requester("lab", "AKIDLAB", "lab-secret"), Transcript()
    )


@pytest.mark.parametrize("trouble", ["a file stands there", "it is gone"])
def test_who_asks_is_answered_whatever_happens_to_the_folder(recording, tmp_path, trouble):
    gateway, requester = recording()
    ask(gateway.url, requester, "GetAccountBalance")
    until(lambda: len(list(gateway.settings.record.rglob("*.xml"))) == 1)
    gateway.settings.record.rename(tmp_path / "moved")
    if trouble == "a file stands there":
        gateway.settings.record.write_text("mine")
    for _ in range(3):
        assert one(ask(gateway.url, requester, "GetAccountBalance"), "IsValid") == "True"
    gateway.stop()

    if trouble == "a file stands there":
        assert gateway.settings.record.read_text() == "mine"
    else:
        assert len(load_recordings(gateway.settings.record)) == 3


def test_a_folder_that_hangs_keeps_nobody_waiting_and_takes_no_more_memory_than_it_may(tmp_path):
    hanging = threading.Event()

    def hang(pair):
        hanging.wait(60)
        return pair

    recorder = Recorder(tmp_path, lambda _: (), hang)
    document = b"<x/>" * 2**18
    began = time.perf_counter()
    for number in range(1000):
        recorder.note(exchange(number, document=document))
    took = time.perf_counter() - began
    hanging.set()
    recorder.close()

    kept = len(list(tmp_path.rglob("*.xml")))
    assert took < 1
    assert 50 <= kept <= 70


def test_nothing_half_written_stays_when_the_disk_is_full(tmp_path):
    """Files may not grow beyond 4 kB here, as if there were no more room."""
    program = """if True:
        import resource, signal, sys
        from pathlib import Path
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        from mturk_gateway.replay.files import save
        from mturk_gateway.replay.pairs import FilePair
        save(Path(sys.argv[1]), FilePair("GetHIT/small", {"query": {}}, b"<x/>"))
        for facts, document in (({"query": {}}, b"x" * 5000), ({"query": {"x": "y" * 5000}}, b"<x/>")):
            try:
                save(Path(sys.argv[1]), FilePair("GetHIT/large", facts, document))
            except OSError as error:
                print(error.strerror)
    """
    ran = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True)

    assert ran.stdout == "File too large\n" * 2
    assert sorted(path.name for path in (tmp_path / "GetHIT").iterdir()) == ["small.json", "small.xml"]


def test_a_folder_that_cannot_be_recorded_in_is_told_at_the_start(tmp_path):
    (tmp_path / "taken").write_text("mine")
    told = subprocess.run(
        [sys.executable, "-m", "mturk_gateway", "serve", "--data", tmp_path / "data", "--record", tmp_path / "taken"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert told.returncode == 1
    assert str(tmp_path / "taken") in told.stderr
    assert "Traceback" not in told.stderr


def test_several_fronts_record_into_one_folder(tmp_path):
    options = ("--demo", "--fronts", "2", "--record", str(tmp_path / "recordings"), "--scrub")
    with served(tmp_path / "data", *options) as (_, url):
        demo = read_profiles(tmp_path / "data" / "credentials")[0]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: ask(url, demo, "SearchHITs", PageNumber=number), range(1, 41)))

    recordings = load_recordings(tmp_path / "recordings")
    assert sorted(int(first(pair.pairs, "PageNumber")) for pair in recordings) == list(range(1, 41))
    told = {pair.name: facts(pair) for pair in recordings}
    walked = {name for name, one in told.items() if "calls" in one}
    assert all(told[name]["calls"][0]["operation"] == "ListHITs" for name in walked)
    assert {one["calls_of"] for one in told.values() if "calls_of" in one} <= walked
