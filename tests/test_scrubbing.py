"""Scrubbing: nobody can tell from a recording who worked, or what was answered; everything else stays as it was."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mturk_gateway.replay.pairs import FilePair
from mturk_gateway.replay.scrubbing import Scrubber
from mturk_translators.xml import escape, parse

KEY = b"k" * 32
WORKER = "A1TWITCHER"


def scrubbed(document="<R/>", scrubber=None, **facts):
    return (scrubber or Scrubber(KEY)).scrub(FilePair("GetHIT/it", facts, document.encode()))


def written(pair):
    return pair.document.decode() + json.dumps(pair.facts, ensure_ascii=False)


def name_of(worker):
    return scrubbed(query={"WorkerId": worker}).facts["query"]["WorkerId"]


def answers(*markup):
    return f'<?xml version="1.0"?><QuestionFormAnswers xmlns="urn:x">{"".join(markup)}</QuestionFormAnswers>'


def answer(markup, question="q1"):
    return f"<Answer><QuestionIdentifier>{question}</QuestionIdentifier>{markup}</Answer>"


@pytest.mark.parametrize(
    "facts",
    [
        {"query": {"WorkerId": WORKER}},
        {"query": {"workerid": WORKER}},
        {"query": {"NotifyWorkers.1.WorkerId.2": WORKER}},
        {"query": {"SubjectId": WORKER}},
        {"query": [["WorkerId", "A2BIRDER99"], ["WorkerId", WORKER]]},
        {"query": {"RequesterAnnotation": f'{{"worker":"{WORKER}"}}'}},
        {"query": {"Question": f"https://example.com/?w%3D{WORKER}&amp;x"}},
        {"calls": [{"operation": "NotifyWorkers", "params": {"WorkerIds": [WORKER]}}]},
        {"replies": [{"Qualifications": [{"WorkerId": WORKER}]}]},
        {"replies": [{"status": 400, "error": {"Message": f"Worker {WORKER} is unknown. (1)"}}]},
    ],
    ids=str,
)
def test_a_worker_is_the_same_other_one_wherever_it_stands(facts):
    pair = scrubbed(**facts)

    assert WORKER not in written(pair)
    assert name_of(WORKER) in written(pair)
    assert re.fullmatch("A[0-9][A-Z]{8}", name_of(WORKER))


@pytest.mark.parametrize("parent", ["Assignment", "Qualification", "QualificationRequest"])
def test_a_worker_in_the_answer_is_the_one_in_the_request(parent):
    element = "WorkerId" if parent == "Assignment" else "SubjectId"
    pair = scrubbed(f"<R><{parent}><{element}>{WORKER}</{element}></{parent}></R>", query={})

    assert pair.document.decode() == f"<R><{parent}><{element}>{name_of(WORKER)}</{element}></{parent}></R>"


def test_what_a_review_is_about_is_no_worker():
    document = "<R><ReviewResult><SubjectId>3HIT</SubjectId><SubjectType>HIT</SubjectType></ReviewResult></R>"

    assert scrubbed(document).document.decode() == document


def test_who_was_met_before_is_known_in_free_text():
    """Also a worker whose ID looks like none."""
    scrubber = Scrubber(KEY)
    scrubbed(scrubber=scrubber, query={"WorkerId": "TWITCHER"})

    assert "TWITCHER" not in written(scrubbed(scrubber=scrubber, query={"Reason": "sorry, TWITCHER!"}))


@pytest.mark.parametrize("worker", ["xml", "Request", "IsValid", "AWS", "BlockWorker", "11", "22T19", "a b%c_d-é"])
def test_workers_of_odd_names_change_nothing_but_themselves(worker):
    document = (
        '<?xml version="1.0"?>\n<R><Request><IsValid>False</IsValid></Request><Code>AWS.MechanicalTurk.X</Code>'
        f"<WorkerId>{escape(worker)}</WorkerId></R>\n"
    )
    own = {"recorded_at": "2026-11-22T19:06:40.000000Z", "request_id": "11-22T19"}
    pair = scrubbed(document, query={"Operation": "BlockWorker", "WorkerId": worker}, **own)

    shown = parse(pair.document).findtext("WorkerId")
    assert shown != worker
    assert pair.facts == {**own, "query": {"Operation": "BlockWorker", "WorkerId": shown}}
    assert pair.document.decode() == document.replace(f">{escape(worker)}<", f">{escape(shown)}<")


def test_tokens_that_may_hold_a_worker_are_hidden_and_still_agree():
    token = "p1:WyIxNzk1Mzc1MzMyIiwiQTNMQVJLIl0="
    calls = [{"operation": "ListWorkerBlocks", "params": params} for params in ({}, {"NextToken": token})]
    pair = scrubbed(calls=calls, replies=[{"NextToken": token}, {}])

    assert token not in written(pair)
    assert pair.facts["replies"][0]["NextToken"] == pair.facts["calls"][1]["params"]["NextToken"]


@pytest.mark.parametrize(
    "markup",
    [
        "<FreeText>secret</FreeText>",
        "<FreeText><![CDATA[secret]]></FreeText>",
        '<FreeText xml:space="preserve">secret</FreeText>',
        "<FreeText >secret</FreeText>",
        "<FreeText>a<!-- secret --></FreeText>",
        "<FreeText>a<b>secret</b></FreeText>",
        '<FreeText note="secret">a</FreeText>',
        "<SelectionIdentifier>secret</SelectionIdentifier>",
        "<OtherSelectionText>secret</OtherSelectionText>",
        "<Unknown>secret</Unknown>",
        "secret",
        "<FreeText>secret",
    ],
)
def test_nothing_that_was_answered_is_left(markup):
    given = answers(answer(markup))
    pair = scrubbed(f"<R><Answer>{escape(given)}</Answer></R>", replies=[{"Assignments": [{"Answer": given}]}])

    assert "secret" not in written(pair)
    assert parse(pair.document).findtext("Answer") == pair.facts["replies"][0]["Assignments"][0]["Answer"]


def test_an_answer_keeps_its_shape_and_its_question():
    given = answers(answer("<FreeText>Ein Vögelchen, 17 cm 🐦</FreeText>"), answer("<FreeText>17</FreeText>", "q2"))
    shown = parse(scrubbed(replies=[{"Answer": given}]).facts["replies"][0]["Answer"])

    assert [name.text for name in shown.iter("{*}QuestionIdentifier")] == ["q1", "q2"]
    first, second = (text.text for text in shown.iter("{*}FreeText"))
    assert re.fullmatch("[A-Z][a-z]{2} [A-Z][a-z]{8}, [0-9]{2} [a-z]{2} [a-z]", first)
    assert re.fullmatch("[0-9]{2}", second)


def test_what_is_written_literally_keeps_its_shape_too():
    given = answers(answer("<FreeText><![CDATA[Big <17>]]></FreeText>"))
    shown = parse(scrubbed(replies=[{"Answer": given}]).facts["replies"][0]["Answer"])

    assert re.fullmatch("[A-Z][a-z]{2} <[0-9]{2}>", shown.findtext(".//{*}FreeText"))


def test_an_answer_that_is_no_document_is_hidden_as_a_whole():
    (shown,) = scrubbed(replies=[{"Answer": answers("<Answer><FreeText>secret")}]).facts["replies"]

    assert "QuestionFormAnswers" not in shown["Answer"]


def test_what_workers_agreed_on_is_an_answer():
    result = "<ReviewResult><Key>AgreedAnswer</Key><Value>secret</Value></ReviewResult>"
    pair = scrubbed(f"<R>{result}</R>", replies=[{"ReviewResults": [{"Key": "AgreedAnswer", "Value": "secret"}]}])

    assert "secret" not in written(pair)
    assert parse(pair.document).findtext(".//Value") == pair.facts["replies"][0]["ReviewResults"][0]["Value"]


def test_another_key_gives_other_names():
    assert Scrubber(b"x" * 32).scrub(FilePair("a", {"query": {"WorkerId": WORKER}}, b"<R/>")).facts["query"] != {
        "WorkerId": name_of(WORKER)
    }


WORKERS = st.from_regex(r"A[0-9][A-Z0-9]{9,11}", fullmatch=True)
WORDS = st.text("abcdefghij<&> é", min_size=4, max_size=30).filter(lambda word: len(word.strip()) > 5)


@settings(max_examples=100, deadline=None)
@given(WORKERS, WORDS, WORDS)
def test_no_worker_and_no_answer_is_ever_written(worker, said, feedback):
    given = answers(answer(f"<FreeText>{escape(said)}</FreeText>"))
    document = f"<R><WorkerId>{worker}</WorkerId><Answer>{escape(given)}</Answer></R>"
    facts = {"query": {"RequesterFeedback": f"{feedback} {worker}"}, "replies": [{"Answer": given, "WorkerId": worker}]}
    pair = scrubbed(document, **facts)

    parse(pair.document)
    assert worker not in written(pair)
    assert said not in parse(parse(pair.document).findtext("Answer")).findtext(".//{*}FreeText")
    assert pair == scrubbed(document, **facts)
    assert pair.facts["query"]["RequesterFeedback"].startswith(feedback)
