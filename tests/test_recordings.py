"""Reading a folder of recordings, whatever lies in it."""

from __future__ import annotations

import json
import os
import sys
import threading
import time

import pytest

from golden import FIXTURES
from mturk_gateway.replay.files import save
from mturk_gateway.replay.pairs import FilePair
from mturk_gateway.replay.recordings import RecordingError, load_recordings
from replays import write_pair

GET_HIT = {"Operation": "GetHIT", "HITId": "1"}


def names(folder, *chosen):
    return [recording.name for recording in load_recordings(folder, chosen)]


def complaint(folder, *chosen):
    with pytest.raises(RecordingError) as caught:
        load_recordings(folder, chosen)
    return str(caught.value)


def test_all_pairs_below_a_folder_are_recordings_by_the_name_of_their_path(tmp_path):
    for name in ("top", "GetHIT/disposed", "GetHIT/2012/default", "Get HIT/ü"):
        write_pair(tmp_path, name, GET_HIT, name)

    recordings = load_recordings(tmp_path)

    assert {recording.name: recording.document.decode() for recording in recordings} == {
        name: name for name in ("top", "GetHIT/disposed", "GetHIT/2012/default", "Get HIT/ü")
    }
    assert {recording.path.read_bytes() for recording in recordings} == {one.document for one in recordings}


@pytest.mark.parametrize(
    "query",
    [
        {"Operation": "GetHIT", "HITId": "1", "ResponseGroup": "Minimal"},
        [["Operation", "GetHIT"], ["HITId", "1"], ["HITId", "1"], ["ResponseGroup", "Minimal"]],
        "&Operation=GetHIT&HITId=%31&ResponseGroup=Minimal",
    ],
    ids=["an object", "a list", "text as it is sent"],
)
def test_a_query_says_what_was_asked_in_three_forms(tmp_path, query):
    write_pair(tmp_path, "it", query)

    (recording,) = load_recordings(tmp_path)

    assert recording.operation == "GetHIT"
    assert recording.pairs == (("Operation", "GetHIT"), ("HITId", "1"), ("ResponseGroup", "Minimal"))


def test_who_asked_and_when_is_no_part_of_a_recording(tmp_path):
    proof = {"AWSAccessKeyId": "AKID", "Signature": "x", "SignatureVersion": "1", "Timestamp": "t", "Service": "s"}
    write_pair(tmp_path, "it", {**proof, "SecurityToken": "y", **GET_HIT})

    (recording,) = load_recordings(tmp_path)

    assert dict(recording.pairs) == GET_HIT


def test_a_query_that_nobody_could_read_is_left_out(tmp_path):
    write_pair(tmp_path, "broken", "Operation=GetHIT&HITId=%")
    write_pair(tmp_path, "whole", GET_HIT)

    assert names(tmp_path) == ["whole"]


def test_recordings_come_in_the_order_in_which_they_were_made(tmp_path):
    write_pair(tmp_path, "b", GET_HIT, recorded_at="2026-01-01T00:00:00.000001Z")
    write_pair(tmp_path, "a", GET_HIT, recorded_at="2026-01-01T00:00:00.000002Z")
    write_pair(tmp_path, "c", GET_HIT)

    assert names(tmp_path) == ["c", "b", "a"]


@pytest.mark.parametrize("name", ["GetHIT/a", "GetHIT/a.xml", "*/a", "GetHIT/?", "Get*"])
def test_recordings_are_chosen_by_names_and_patterns(tmp_path, name):
    write_pair(tmp_path, "GetHIT/a", GET_HIT)
    write_pair(tmp_path, "SearchHITs/long", {"Operation": "SearchHITs"})

    assert names(tmp_path, name) == ["GetHIT/a"]
    assert names(tmp_path, name, "SearchHITs/long") == ["GetHIT/a", "SearchHITs/long"]


def test_a_bracket_in_a_name_is_a_bracket(tmp_path):
    write_pair(tmp_path, "test_it[a]", GET_HIT)
    write_pair(tmp_path, "test_ita", GET_HIT)

    assert names(tmp_path, "test_it[a]") == ["test_it[a]"]


def test_only_what_is_chosen_must_be_whole(tmp_path):
    write_pair(tmp_path, "whole", GET_HIT)
    write_pair(tmp_path, "damaged", GET_HIT)
    (tmp_path / "damaged.json").write_text("{")

    assert names(tmp_path, "whole") == ["whole"]
    assert "damaged.json" in complaint(tmp_path)


def test_a_name_that_is_not_there_is_told(tmp_path):
    write_pair(tmp_path, "GetHIT/a", GET_HIT)

    assert complaint(tmp_path, "GetHIT/a", "GetHIT/b*") == f"{tmp_path}: no recording is called GetHIT/b*"


def test_a_folder_that_is_none_or_has_nothing_is_told(tmp_path):
    (tmp_path / "file.xml").touch()
    (tmp_path / "empty").mkdir()

    assert complaint(tmp_path / "gone") == f"{tmp_path}/gone: there is no such folder"
    assert complaint(tmp_path / "file.xml") == f"{tmp_path}/file.xml: this is no folder"
    assert complaint(tmp_path / "empty") == f"{tmp_path}/empty: there are no recordings"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"query": {"Operation": "GetHIT"}, "stat', "Unterminated string starting at: line 1, column 36"),
        (b'{\n  "query": {}\n  "turn": 1\n}', "Expecting ',' delimiter: line 3, column 3"),
        (b"", "Expecting value: line 1, column 1"),
        (b'{"query": "\xe9"}', "can't decode byte 0xe9 in position 11"),
        (b"[" * 100_000, "maximum recursion depth exceeded"),
        (b'{"now": ' + b"1" * 5000 + b"}", "Exceeds the limit"),
    ],
    ids=["cut off", "no comma", "empty", "no UTF-8", "too deep", "too long a number"],
)
def test_a_damaged_recording_is_told_with_the_place(tmp_path, content, reason):
    write_pair(tmp_path, "GetHIT/it", GET_HIT)
    (tmp_path / "GetHIT" / "it.json").write_bytes(content)

    told = complaint(tmp_path)

    assert told.startswith(f"{tmp_path}/GetHIT/it.json: damaged recording: ")
    assert reason in told


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({}, "`query` is an object, or a list of names and values, not nothing"),
        ({"query": None}, "`query` is an object, or a list of names and values, not nothing"),
        ({"query": 5}, "`query` is an object, or a list of names and values, not a number"),
        ({"query": {"Operation": "GetHIT", "PageSize": 5}}, "`query`: parameter 2 is not a name and a text"),
        ({"query": [["Operation", "GetHIT"], ["HITId"]]}, "`query`: parameter 2 is not a name and a text"),
        ({"query": ["Operation=GetHIT"]}, "`query`: parameter 1 is not a name and a text"),
        ({"query": {}, "match": ["HITId"]}, "`match` is an object of texts, not a list"),
        ({"query": {}, "match": {"HITId": 1}}, "`match` is an object of texts, not an object"),
        ({"query": {}, "status": "200"}, "`status` is a whole number from 200 to 599, not '200'"),
        ({"query": {}, "status": 204}, "an answer of status 204 has no content"),
        ({"query": {}, "recorded_at": "2026-19-22T00:00:00.000000Z"}, "`recorded_at` is like 2012-01-31"),
        ({"query": {}, "recorded_at": "0000-01-22T00:00:00.000000Z"}, "`recorded_at` is like 2012-01-31"),
        ({"query": {}, "status": 100}, "`status` is a whole number from 200 to 599, not 100"),
        ({"query": {}, "status": 200.5}, "`status` is a whole number from 200 to 599, not 200.5"),
        ({"query": {}, "turn": 0}, "`turn` is a whole number from 1 to 1000000, not 0"),
        ({"query": {}, "turn": True}, "`turn` is a whole number from 1 to 1000000, not True"),
        ({"query": {}, "turn": {}}, "`turn` is a whole number from 1 to 1000000, not an object"),
        ({"query": {}, "recorded_at": "yesterday"}, "`recorded_at` is like 2012-01-31T23:59:59.250000Z, not 'yesterd"),
        ({"query": {}, "recorded_at": 1.5}, "`recorded_at` is like 2012-01-31T23:59:59.250000Z, not 1.5"),
        ({"query": {}, "now": "noon"}, "`now` is a number of seconds since 1970, not 'noon'"),
        ({"query": {}, "now": float("nan")}, "`now` is a number of seconds since 1970, not nan"),
        ({"query": {}, "now": 10**400}, "`now` is a number of seconds since 1970, not 10000"),
        ({"query": {}, "usual": "yes"}, "`usual` is true or false, not text"),
        ({"query": {}, "sandbox": 1}, "`sandbox` is true or false, not a number"),
        ({"query": {}, "mach": {"HITId": "*"}}, "'mach' is no member of a recording"),
        ({"query": {}, "x\n" * 99: 1}, "'x\\nx\\nx"),
        ([], "a recording is a JSON object, not a list"),
        ("text", "a recording is a JSON object, not text"),
    ],
)
def test_what_is_wrong_in_a_recording_is_told_by_its_name(tmp_path, facts, reason):
    write_pair(tmp_path, "it", GET_HIT)
    (tmp_path / "it.json").write_text(json.dumps(facts))

    told = complaint(tmp_path)

    assert told.startswith(f"{tmp_path}/it.json: {reason}")
    assert len(told) < len(str(tmp_path)) + 150


def test_a_recording_without_its_answer_is_told(tmp_path):
    write_pair(tmp_path, "GetHIT/it", GET_HIT)
    (tmp_path / "GetHIT" / "it.xml").unlink()
    half = f"{tmp_path}/GetHIT/it.json: half of a recording: its answer it.xml is missing"

    assert complaint(tmp_path) == half

    (tmp_path / "GetHIT" / "it.json").write_text('{"query": {"Ope')
    assert complaint(tmp_path).endswith("line 1, column 12, and it.xml is missing")


def test_an_answer_that_appears_a_moment_after_its_request_is_waited_for(tmp_path, monkeypatch):
    for name in ("a", "b", "c"):
        write_pair(tmp_path, name, GET_HIT)
    answer = (tmp_path / "b.xml").rename(tmp_path / "elsewhere")
    monkeypatch.setattr(time, "sleep", lambda _: answer.exists() and answer.rename(tmp_path / "b.xml"))

    assert names(tmp_path) == ["a", "b", "c"]


def test_a_folder_can_be_read_while_somebody_records_into_it(tmp_path):
    def record():
        for number in range(400):
            save(tmp_path, FilePair(f"GetHIT/{number:03}", {"query": GET_HIT}, b"<GetHITResponse/>"))

    write_pair(tmp_path, "GetHIT/first", GET_HIT)
    recorder = threading.Thread(target=record)
    recorder.start()
    seen = []
    while recorder.is_alive():
        seen.append(load_recordings(tmp_path))
    recorder.join()

    assert all(recording.pairs for recordings in seen for recording in recordings)
    assert len(load_recordings(tmp_path)) == 401


def test_files_that_are_no_recordings_are_left_alone(tmp_path):
    write_pair(tmp_path, "it", GET_HIT)
    write_pair(tmp_path, ".hidden", GET_HIT)
    write_pair(tmp_path, ".git/it", GET_HIT)
    (tmp_path / "list.json").write_text("[1, 2]")
    (tmp_path / "package.json").write_text('{"name": "mine"}')
    (tmp_path / "pom.xml").write_text("<project/>")
    (tmp_path / "notes.txt").write_text("GetHITResponse")

    assert names(tmp_path) == ["it"]


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("anything", '<?xml version="1.0"?>\n<GetHITResponse><OperationRequest/></GetHITResponse>'),
        ("anything", '<GetHITResponse xmlns="http://mechanicalturk.amazonaws.com/">'),
        ("anything", "<GetHITResponse/>"),
        ("anything", "<GetHITResult><HIT/></GetHITResult>"),
        ("GetHIT", ""),
        ("get_hit", "<Response/>"),
        ("fakes/getHit", "not XML at all"),
        ("get_hit", "<SearchHITsResponse/>"),
    ],
)
def test_an_answer_alone_is_of_the_operation_that_its_file_or_its_root_names(tmp_path, name, document):
    (tmp_path / f"{name}.xml").parent.mkdir(exist_ok=True)
    (tmp_path / f"{name}.xml").write_text(document)

    (recording,) = load_recordings(tmp_path)

    assert (recording.operation, recording.pairs) == ("GetHIT", None)


def test_an_answer_that_names_no_operation_counts_only_when_it_is_chosen_by_its_name(tmp_path):
    write_pair(tmp_path, "it", GET_HIT)
    (tmp_path / "odd.xml").write_text("<Odd/>")
    (tmp_path / "guess.xml").write_text("<GuessResponse/>")

    assert names(tmp_path) == names(tmp_path, "*") == ["it"]
    assert names(tmp_path, "odd") == ["odd"]
    assert names(tmp_path, "guess.xml", "it") == ["guess", "it"]


@pytest.mark.parametrize("suffix", [".xml", ".json"])
@pytest.mark.parametrize(
    ("hinder", "reason"),
    [
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.symlink_to("nowhere"), "No such file or directory"),
        (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
    ],
    ids=["a folder", "a link to nothing", "a link to itself"],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path, suffix, hinder, reason):
    write_pair(tmp_path, "GetHIT", GET_HIT)
    path = (tmp_path / "GetHIT").with_suffix(suffix)
    path.unlink()
    hinder(path)

    assert complaint(tmp_path) == f"{path}: {reason}"


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are always UTF-8")
def test_file_names_need_not_be_utf_8(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    write_pair(tmp_path, name, GET_HIT)

    assert names(tmp_path, "caf?") == [name]


def test_all_bundled_samples_are_recordings_but_those_that_nobody_could_read():
    pairs = {path.relative_to(FIXTURES).with_suffix("").as_posix() for path in FIXTURES.glob("*/*.xml")}

    assert set(names(FIXTURES)) == pairs - {"faults/broken_escape", "faults/not_utf_8"}


def test_what_might_never_end_is_not_read(tmp_path):
    write_pair(tmp_path, "GetHIT/it", GET_HIT)
    os.mkfifo(tmp_path / "GetHIT" / "pipe.xml")

    assert complaint(tmp_path) == f"{tmp_path}/GetHIT/pipe.xml: this is no file"


def test_a_request_that_is_no_unicode_is_nobodys(tmp_path):
    write_pair(tmp_path, "GetHIT/it", GET_HIT)
    write_pair(tmp_path, "GetHIT/odd", "\ud800")

    assert [one.name for one in load_recordings(tmp_path)] == ["GetHIT/it"]
