"""Which recording answers a request, and what is told where none does."""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from golden import FIXTURES
from mturk_gateway.replay.player import NoRecordingError, Player
from mturk_gateway.replay.recordings import Recording, load_recordings
from mturk_translators.query import Pair
from replays import asked, player_of, write_pair

GET_HIT = {"Operation": "GetHIT", "HITId": "1"}
OTHER = {"Operation": "GetHIT", "HITId": "2"}


def refusal(player, *pairs, **named):
    with pytest.raises(NoRecordingError) as caught:
        asked(player, *pairs, **named)
    return str(caught.value)


@pytest.fixture
def often_interrupted():
    """Threads take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_each_bundled_sample_answers_its_request_when_it_alone_is_chosen():
    for sample in load_recordings(FIXTURES):
        answer = Player([sample]).answer(sample.pairs)
        assert (answer.status, answer.document) == (sample.status, sample.document), sample.name


def test_all_bundled_samples_together_answer_each_request_with_the_usual_one():
    samples = load_recordings(FIXTURES)
    alike = defaultdict(list)
    for sample in samples:
        alike[frozenset(sample.pairs)].append(sample)
    player = Player(samples)

    for group in alike.values():
        usual = next((sample for sample in group if sample.usual), group[0])
        for sample in group:
            assert player.answer(sample.pairs).document == usual.document, sample.name


def test_neither_order_nor_keys_nor_times_nor_signatures_matter(tmp_path):
    write_pair(tmp_path, "it", {**GET_HIT, "Timestamp": "2012-01-31T23:59:59Z", "AWSAccessKeyId": "AKIDOLD"}, "it")
    player = player_of(tmp_path)
    proof = {"Service": "AWSMechanicalTurkRequester", "Signature": "x=", "SignatureVersion": "1", "Credential": "c"}

    assert asked(player, HITId="1", Operation="GetHIT") == "it"
    assert asked(player, **proof, HITId="1", AWSAccessKeyId="AKIDNEW", Timestamp="now", Operation="GetHIT") == "it"


def test_every_other_parameter_matters(tmp_path):
    write_pair(tmp_path, "it", GET_HIT)
    player = player_of(tmp_path)

    for request in (OTHER, {**GET_HIT, "ResponseGroup": "Minimal"}, {"Operation": "GetHIT"}, {**GET_HIT, "hitid": "1"}):
        with pytest.raises(NoRecordingError):
            asked(player, **request)


def test_a_recording_of_no_version_answers_all_versions(tmp_path):
    write_pair(tmp_path, "it", GET_HIT, "it")
    player = player_of(tmp_path)

    assert asked(player, **GET_HIT) == asked(player, **GET_HIT, Version="2012-03-25") == "it"


def test_a_recording_of_a_version_answers_that_one_alone_and_comes_first(tmp_path):
    write_pair(tmp_path, "any", GET_HIT, "any")
    write_pair(tmp_path, "newest", {**GET_HIT, "Version": "2014-08-15"}, "newest")

    player = player_of(tmp_path)
    assert [asked(player, **GET_HIT, Version=version) for version in ("2014-08-15", "2012-03-25")] == ["newest", "any"]
    assert asked(player, **GET_HIT) == "any"

    alone = player_of(tmp_path, "newest")
    assert "Version: asked nothing, recorded '2014-08-15'" in refusal(alone, **GET_HIT)
    assert "Version: asked '2012-03-25', recorded '2014-08-15'" in refusal(alone, **GET_HIT, Version="2012-03-25")


def test_with_patterns_too_the_recording_of_the_version_comes_first(tmp_path):
    write_pair(tmp_path, "any", {"Operation": "GetHIT"}, "any", match={"HITId": "*"})
    write_pair(tmp_path, "newest", {"Operation": "GetHIT", "Version": "2014-08-15"}, "newest", match={"HITId": "*"})
    player = player_of(tmp_path)

    assert asked(player, **GET_HIT, Version="2014-08-15") == "newest"
    assert asked(player, **GET_HIT, Version="2012-03-25") == "any"


@pytest.mark.parametrize(
    "ignored", [["RequesterAnnotation", "Lifetime*"], ["R*", "LifetimeInS?conds"], ["*"], ["R*", "L*", "Unused"]]
)
def test_ignored_parameters_may_differ_be_missing_or_be_new(tmp_path, ignored):
    recorded = {"Operation": "CreateHIT", "Title": "t", "RequesterAnnotation": "batch 1", "LifetimeInSeconds": "5"}
    write_pair(tmp_path, "it", recorded, "it")
    player = player_of(tmp_path, ignored=ignored)

    assert asked(player, Operation="CreateHIT", Title="t") == "it"
    assert asked(player, **{**recorded, "RequesterAnnotation": "batch 2", "LifetimeInSeconds": ""}) == "it"
    assert "There is no recording of ExtendHIT" in refusal(player, Operation="ExtendHIT")


def test_a_pattern_for_names_describes_whole_names(tmp_path):
    write_pair(tmp_path, "it", GET_HIT)

    for pattern in ("ITId", "HIT", "?", "hitid", "[H]ITId"):
        assert "HITId: asked '2'" in refusal(player_of(tmp_path, ignored=[pattern]), **OTHER)


def test_what_is_ignored_is_not_matched_either(tmp_path):
    write_pair(tmp_path, "it", {"Operation": "GetHIT"}, "it", match={"HITId": "3*", "Timestamp": "2012-*"})
    player = player_of(tmp_path, ignored=["HITId"])

    assert asked(player, **GET_HIT) == asked(player, Operation="GetHIT", Timestamp="2026") == "it"


@pytest.mark.parametrize(
    ("pattern", "matches", "does_not"),
    [
        ("3*", ["3", "3ABC", "3\n\n"], ["", "A3"]),
        ("batch ??", ["batch 12", "batch é\n"], ["batch 1", "batch 123"]),
        ("<a>*[1]*</a>", ["<a>[1]</a>", "<a>\n\n[1]\n</a>"], ["<a>1</a>", "<a>[1]</a>\n"]),
        ("*", ["", "x" * 100_000], []),
        ("a.c+", ["a.c+"], ["abc", "a.cc"]),
    ],
)
def test_values_may_have_to_look_like_something_only(tmp_path, pattern, matches, does_not):
    write_pair(tmp_path, "it", GET_HIT, "it", match={"Question": pattern})
    player = player_of(tmp_path)

    for value in matches:
        assert asked(player, **GET_HIT, Question=value) == "it"
    for value in does_not:
        assert f"recorded is what looks like {pattern!r}" in refusal(player, **GET_HIT, Question=value)
    assert "Question: asked nothing" in refusal(player, **GET_HIT)
    assert "Question: asked '3' and '3'" in refusal(player, Pair("Question", "3"), **GET_HIT, Question="3")


def test_what_is_recorded_exactly_comes_before_what_it_looks_like_and_that_before_an_answer_alone(tmp_path):
    write_pair(tmp_path, "exact", GET_HIT, "exact")
    write_pair(tmp_path, "alike", {"Operation": "GetHIT"}, "alike", match={"HITId": "*"})
    (tmp_path / "get_hit.xml").write_text("alone")
    (tmp_path / "odd.xml").write_text("anything")
    player = player_of(tmp_path, "*", "odd")

    assert asked(player, **GET_HIT) == "exact"
    assert asked(player, **OTHER) == "alike"
    assert asked(player, Operation="GetHIT") == "alone"
    assert asked(player, Operation="SearchHITs") == asked(player) == "anything"


def test_a_pattern_with_many_stars_takes_no_time(tmp_path):
    write_pair(tmp_path, "it", GET_HIT, match={"Question": "*a*a*a*a*b"})
    start = time.monotonic()

    refusal(player_of(tmp_path), **GET_HIT, Question="a" * 250)

    assert time.monotonic() - start < 5


def test_repeated_parameters_match_in_any_order_and_empty_ones_are_parameters(tmp_path):
    groups = [Pair("ResponseGroup", "Minimal"), Pair("ResponseGroup", "HITDetail")]
    write_pair(tmp_path, "two", [*groups, *GET_HIT.items()], "two")
    write_pair(tmp_path, "empty", {**GET_HIT, "ResponseGroup": ""}, "empty")
    player = player_of(tmp_path)

    assert asked(player, *groups[::-1], **GET_HIT) == "two"
    assert asked(player, **GET_HIT, ResponseGroup="") == "empty"

    write_pair(tmp_path, "alike", [*groups, ("Operation", "GetHIT")], "alike", match={"HITId": "2*"})
    assert asked(player_of(tmp_path), *groups[::-1], **OTHER) == "alike"


def test_a_batch_is_matched_as_a_whole(tmp_path):
    batch = {"Operation": "GetHIT", "GetHIT.1.HITId": "1", "GetHIT.2.HITId": "2", "GetHIT.Shared.Version": "x"}
    write_pair(tmp_path, "batch", batch, "batch")
    player = player_of(tmp_path)

    assert asked(player, *(Pair(*pair) for pair in reversed(batch.items()))) == "batch"
    told = refusal(player, *(Pair(*pair) for pair in {**batch, "GetHIT.2.HITId": "3"}.items()))
    assert told.splitlines()[1:] == ["  GetHIT.2.HITId: asked '3', recorded '2'"]


def test_an_exact_request_is_found_without_looking_at_all_recordings():
    recordings = [
        Recording(str(number), Path(), b"%d" % number, "GetHIT", (Pair("Operation", "GetHIT"), Pair("N", str(number))))
        for number in range(5000)
    ]
    player = Player(recordings)
    start = time.monotonic()

    for number in range(5000):
        assert asked(player, Operation="GetHIT", N=str(number)) == str(number)

    assert time.monotonic() - start < 10


def test_turns_answer_one_after_the_other_and_the_last_one_stays(tmp_path):
    for turn in (2, 1, 10):
        write_pair(tmp_path, f"turn {turn}", GET_HIT, f"turn {turn}", turn=turn)
    player = player_of(tmp_path)

    assert [asked(player, **GET_HIT) for _ in range(5)] == ["turn 1", "turn 2", "turn 10", "turn 10", "turn 10"]


def test_what_was_recorded_later_answers_later(tmp_path):
    for name, second in (("a", 3), ("b", 1), ("c", 2)):
        write_pair(tmp_path, name, GET_HIT, name, recorded_at=f"2026-01-01T00:00:00.{second:06}Z")
    write_pair(tmp_path, "other", OTHER, "other", recorded_at="2026-01-01T00:00:00.000002Z")
    player = player_of(tmp_path)

    assert [asked(player, **request) for request in (GET_HIT, OTHER, GET_HIT, OTHER, GET_HIT)] == [
        *("b", "other", "c", "other", "a")
    ]


def test_the_number_of_a_turn_comes_before_the_time_of_a_recording(tmp_path):
    write_pair(tmp_path, "a", GET_HIT, "a", turn=2, recorded_at="2026-01-01T00:00:00.000001Z")
    write_pair(tmp_path, "b", GET_HIT, "b", turn=1, recorded_at="2026-01-01T00:00:00.000002Z")
    player = player_of(tmp_path)

    assert [asked(player, **GET_HIT) for _ in range(2)] == ["b", "a"]


def test_turns_go_on_whatever_version_or_order_the_same_request_has(tmp_path):
    for turn in (1, 2, 3):
        write_pair(tmp_path, f"turn {turn}", GET_HIT, f"turn {turn}", turn=turn)
    player = player_of(tmp_path)

    assert asked(player, **GET_HIT) == "turn 1"
    assert asked(player, **GET_HIT, Version="2012-03-25", Timestamp="later") == "turn 2"
    assert asked(player, HITId="1", Operation="GetHIT") == "turn 3"


def test_recordings_that_differ_in_something_ignored_become_turns(tmp_path):
    for number in (1, 2, 3):
        write_pair(
            tmp_path,
            f"hit {number}",
            {"Operation": "CreateHIT", "Title": f"t{number}"},
            f"hit {number}",
            recorded_at=f"2026-01-01T00:00:00.00000{number}Z",
        )
    player = player_of(tmp_path, ignored=["Title"])

    assert [asked(player, Operation="CreateHIT", Title="new") for _ in range(4)] == ["hit 1", "hit 2", "hit 3", "hit 3"]


def test_of_programs_that_ask_at_the_same_time_each_gets_a_turn_of_its_own(often_interrupted):
    pairs = tuple(Pair(*pair) for pair in GET_HIT.items())
    player = Player(Recording(str(turn), Path(), b"%d" % turn, "GetHIT", pairs, turn=turn) for turn in range(1, 301))

    with ThreadPoolExecutor(8) as executor:
        answers = Counter(executor.map(lambda _: asked(player, **GET_HIT), range(310)))

    assert answers == {**{str(turn): 1 for turn in range(1, 300)}, "300": 11}


def test_recordings_that_contradict_one_another_are_told_with_their_files_until_one_is_chosen(tmp_path):
    for name in ("open", "disposed", "gone"):
        write_pair(tmp_path, f"GetHIT/{name}", GET_HIT, name)
    write_pair(tmp_path, "GetHIT/other", OTHER, "other")

    told = refusal(player_of(tmp_path), **GET_HIT)
    assert told.splitlines()[1:] == [f"  {tmp_path}/GetHIT/{name}.xml" for name in ("disposed", "gone", "open")]
    assert "contradict" in told
    assert asked(player_of(tmp_path), **OTHER) == "other"
    assert asked(player_of(tmp_path, "GetHIT/gone"), **GET_HIT) == "gone"


def test_of_recordings_that_contradict_one_another_the_usual_one_answers(tmp_path):
    write_pair(tmp_path, "a", GET_HIT, "a")
    write_pair(tmp_path, "b", GET_HIT, "b", usual=True)
    assert asked(player_of(tmp_path), **GET_HIT) == "b"

    write_pair(tmp_path, "c", GET_HIT, "b", usual=True)
    assert asked(player_of(tmp_path), **GET_HIT) == "b"

    write_pair(tmp_path, "d", GET_HIT, "d", usual=True)
    assert refusal(player_of(tmp_path), **GET_HIT).splitlines()[1:] == [f"  {tmp_path}/{name}.xml" for name in "bcd"]


def test_a_turn_that_is_clear_is_no_contradiction_and_one_that_is_not_waits_for_nobody(tmp_path):
    write_pair(tmp_path, "first", GET_HIT, "first")
    write_pair(tmp_path, "second", GET_HIT, "second", turn=2)
    write_pair(tmp_path, "another second", GET_HIT, "another", turn=2)

    assert "another second.xml" in refusal(player_of(tmp_path), **GET_HIT)
    assert "first.xml" not in refusal(player_of(tmp_path), **GET_HIT)


def test_what_differs_in_its_request_id_alone_contradicts_nothing(tmp_path):
    for name in "abc":
        write_pair(tmp_path, name, GET_HIT, f"<R><RequestId>{name}</RequestId>x</R>")

    assert asked(player_of(tmp_path), **GET_HIT) == "<R><RequestId>a</RequestId>x</R>"

    write_pair(tmp_path, "d", GET_HIT, "<R><RequestId>a</RequestId>x</R>", status=503)
    assert "contradict" in refusal(player_of(tmp_path), **GET_HIT)


def test_answers_alone_contradict_one_another_too(tmp_path):
    (tmp_path / "one.xml").write_text("<GetHITResponse>1</GetHITResponse>")
    (tmp_path / "two.xml").write_text("<GetHITResponse>2</GetHITResponse>")

    assert refusal(player_of(tmp_path), **GET_HIT).splitlines()[1:] == [
        f"  {tmp_path}/one.xml",
        f"  {tmp_path}/two.xml",
    ]
    assert "2" in asked(player_of(tmp_path, "two"), **GET_HIT)


def test_a_refusal_shows_the_nearest_recording_and_what_differs_and_nothing_else(tmp_path):
    create = {"Operation": "CreateHIT", "Title": "Count the dots", "Reward.1.Amount": "0.05", "Keywords": "dots"}
    write_pair(tmp_path, "CreateHIT/dots", create)
    write_pair(tmp_path, "CreateHIT/cats", {**create, "Title": "Find the cats", "Keywords": "cats"})
    write_pair(tmp_path, "CreateHIT/bare", {"Operation": "CreateHIT"})
    request = {**create, "Title": "Count the spots", "LifetimeInSeconds": "60"}
    del request["Keywords"]

    told = refusal(player_of(tmp_path), *(Pair(*pair) for pair in request.items()))

    assert told.splitlines() == [
        "No recording answers this CreateHIT. The nearest is CreateHIT/dots, which differs:",
        "  Keywords: asked nothing, recorded 'dots'",
        "  LifetimeInSeconds: asked '60', recorded nothing",
        "  Title: asked 'Count the spots', recorded 'Count the dots'",
    ]


def test_what_differs_in_fewer_parameters_is_nearer_however_much_it_differs(tmp_path):
    request = {"Operation": "CreateHIT", "Title": "Count the dots", "Keywords": "dots, count"}
    write_pair(tmp_path, "two letters", {**request, "Title": "Count the dot", "Keywords": "dot, count"})
    write_pair(tmp_path, "one text", {**request, "Title": "?!"})

    assert "The nearest is one text," in refusal(player_of(tmp_path), **request)


def test_of_recordings_that_differ_in_as_much_the_one_that_resembles_is_shown(tmp_path):
    for title in ("Find the cats", "Count the dots", "Nothing alike"):
        write_pair(tmp_path, title, {"Operation": "CreateHIT", "Title": title})

    assert "The nearest is Count the dots," in refusal(player_of(tmp_path), Operation="CreateHIT", Title="Count dots")


@pytest.mark.parametrize("place", [0, 30, 5000, 9999])
def test_of_long_values_the_place_is_shown_at_which_they_differ(tmp_path, place):
    recorded = "<Question>" * 1000
    request = f"{recorded[:place]}#{recorded[place + 1 :]}"
    write_pair(tmp_path, "it", {"Operation": "CreateHIT", "Question": recorded})

    told = refusal(player_of(tmp_path), Operation="CreateHIT", Question=request)

    assert "#" in told.partition("recorded")[0]
    assert recorded[max(0, place - 10) : place] + "#" in told
    assert len(told) < 400


def test_of_what_was_never_recorded_it_is_told_what_was(tmp_path):
    write_pair(tmp_path, "a", GET_HIT)
    write_pair(tmp_path, "b", {"Operation": "SearchHITs"})
    player = player_of(tmp_path)

    assert refusal(player, Operation="Help") == "There is no recording of Help. Recorded are: GetHIT, SearchHITs."
    assert "of a request without an operation" in refusal(player, HITId="1")


def test_no_key_and_no_signature_is_ever_shown(tmp_path):
    recorded, request = ({name: f"{name}-of-{who}" for name in _PROOF} for who in ("old", "new"))
    write_pair(tmp_path, "it", {**GET_HIT, **recorded})
    told = refusal(player_of(tmp_path), **OTHER, **request)

    assert "HITId: asked '2'" in told
    assert "-of-" not in told
    assert not any(name in told for name in _PROOF)


_PROOF = ("AWSAccessKeyId", "Credential", "SecurityToken", "Signature", "SignatureVersion", "Timestamp")


def test_strange_names_and_values_are_shown_so_that_they_can_be_read(tmp_path):
    write_pair(tmp_path, "it", GET_HIT)
    player = player_of(tmp_path)

    told = refusal(player, Pair("a\x1b[2J\n", "\r\x00"), Pair("x" * 5000, "1"), **GET_HIT)

    assert told.splitlines()[1] == r"  'a\x1b[2J\n': asked '\r\x00', recorded nothing"
    assert len(told) < 400
    assert r"There is no recording of '\x1b[2J'." in refusal(player, Operation="\x1b[2J")


def test_every_refusal_is_told_beside_the_error(tmp_path):
    write_pair(tmp_path, "a", GET_HIT, "a")
    write_pair(tmp_path, "b", GET_HIT, "b")
    told = []
    player = Player(load_recordings(tmp_path), refused=told.append)

    reasons = [refusal(player, **OTHER), refusal(player, **GET_HIT)]

    assert told == reasons
