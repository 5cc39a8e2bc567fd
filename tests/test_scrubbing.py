"""Scrubbing: nobody who worked, and nothing that was answered, stands in what is written; all else stays as it is."""

from __future__ import annotations

import json
import re
import time
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.people import People
from mturk_gateway.clock import wall_clock
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.replay.pairs import FilePair
from mturk_gateway.replay.player import Player
from mturk_gateway.replay.recordings import load_recordings
from mturk_gateway.replay.scrubbing import Scrubber
from mturk_gateway.settings import Settings
from mturk_translators.query import parse_pairs
from mturk_translators.xml import Element, escape, parse, render_document
from support import ask, fill, modern_client, one, texts

PROPERTY = settings(max_examples=100, deadline=None, derandomize=True)
NAMESPACE = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd"
LIFE = {"q1": "Ein Vögelchen, 17 cm", "q2": "no"}


# Recorded


@pytest.fixture
def recording(tmp_path):
    """A gateway that records scrubbed, and a requester of it."""
    made = Settings(data=tmp_path / "data", freshness=0, record=tmp_path / "recordings", scrub=True)
    with EmbeddedGateway(made) as gateway:
        yield gateway, gateway.add_requester("lab")


def facts(pair):
    return json.loads((pair.path.parent / f"{pair.path.name.removesuffix('.xml')}.json").read_bytes())


@pytest.fixture
def scrubbed(recording):
    """What was recorded of two workers who answer a HIT twice the same, asked for twice."""
    gateway, requester = recording
    people = People(gateway)
    (hit,) = fill(gateway, requester, [({"MaxAssignments": 2}, int(wall_clock()))])
    for worker in ("A1TWITCHER", "A2BIRDER"):
        people.work(hit, worker, **LIFE)
    ask(gateway.url, requester, "GetAssignmentsForHIT", HITId=hit)
    ask(gateway.url, requester, "GetAssignmentsForHIT", HITId=hit, PageSize=2)
    ask(gateway.url, requester, "BlockWorker", WorkerId="A1TWITCHER", Reason="says A1TWITCHER is no xA2BIRDER")
    ask(gateway.url, requester, "NotifyWorkers", ("WorkerId.1", "A1TWITCHER"), Subject="s", MessageText="m")
    ask(gateway.url, requester, "GetBlockedWorkers")
    gateway.stop()
    return load_recordings(gateway.settings.record)


def test_scrubbed_recordings_show_no_worker_and_no_answer(scrubbed):
    for pair in scrubbed:
        written = pair.document.decode() + json.dumps(facts(pair), ensure_ascii=False)
        for hidden in ("A1TWITCHER", "A2BIRDER", LIFE["q1"], "cm", "&gt;no&lt;", ">no<"):
            assert not re.search(rf"(?<![A-Za-z0-9]){re.escape(hidden)}(?![A-Za-z0-9])", written), (pair.name, hidden)


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
    assert facts(blocked)["query"]["Reason"] == f"says {block} is no xA2BIRDER"


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
    gateway, requester = recording
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


def test_page_tokens_of_the_marketplace_show_no_worker(recording):
    """Those for blocked workers are made of a worker's ID, in base64."""
    gateway, requester = recording
    workers = [f"A{number:03}TWITCHER" for number in range(101)]
    with modern_client(gateway.url, requester) as client:
        for worker in workers:
            client.create_worker_block(WorkerId=worker, Reason="r")
        token = client.list_worker_blocks(MaxResults=100)["NextToken"]
    ask(gateway.url, requester, "GetBlockedWorkers")
    gateway.stop()

    (pair,) = load_recordings(gateway.settings.record)
    calls, replies = facts(pair)["calls"], facts(pair)["replies"]
    assert calls[1]["params"]["NextToken"] == replies[0]["NextToken"] != token
    assert token not in json.dumps(facts(pair))


# Pairs


def scrub(query=(), document="", scrubber=None, **more):
    """A pair scrubbed: the JSON and the inner markup of the XML."""
    markup = f'<?xml version="1.0"?>\n<R>{document}</R>\n'.encode()
    pair = FilePair("GetHIT/1", {"query": query, **more}, markup)
    made = (scrubber or Scrubber(b"k" * 32)).scrub(pair)
    assert made.document.startswith(b'<?xml version="1.0"?>\n<R>')
    return made.facts, made.document.decode()[25:-5]


def name(worker):
    """Who somebody is in recordings."""
    return scrub({"WorkerId": worker})[0]["query"]["WorkerId"]


@pytest.mark.parametrize("parameter", ["WorkerId", "workerid", "WORKERID.1", "NotifyWorkers.1.WorkerId.2", "SubjectId"])
@pytest.mark.parametrize("worker", ["A1TWITCHER", "A1", "jane.doe@example.com", "AWS", "Request", "Jürgen Müller"])
def test_whatever_stands_in_the_place_of_a_worker_is_hidden(parameter, worker):
    for query in ({parameter: worker}, [[parameter, worker], ["Operation", "x"], ["Operation", "y"]]):
        (hidden,) = [value for key, value in dict(scrub(query)[0]["query"]).items() if key == parameter]
        assert hidden != worker
        assert hidden[0] == worker[0]
        assert re.sub("[a-zü]", "x", hidden.lower()).translate(DIGITS) == (
            re.sub("[a-zü]", "x", worker.lower()).translate(DIGITS)
        )


DIGITS = str.maketrans("123456789", "000000000")


def test_a_worker_is_hidden_in_each_of_several_parameters_of_a_name():
    query = [["WorkerId", "A1TWITCHER"], ["WorkerId", "A2BIRDER"], ["Note", "A2BIRDER"], ["Note", "x"]]
    other = [
        ["WorkerId", name("A1TWITCHER")],
        ["WorkerId", name("A2BIRDER")],
        ["Note", name("A2BIRDER")],
        ["Note", "x"],
    ]
    assert scrub(query)[0]["query"] == other


@pytest.mark.parametrize(
    "text",
    [
        "{} was late",
        "https://example.com/?workerid={}&x=1",
        "https://example.com/?w%3D{}",
        "https://example.com/?next=%253Fw%253D{}%2526",
        '{{"url": "?w\\u003d{}\\n{}"}}',
        "100%{}",
        "<a href='?w={}'>",
        "late_{}_again",
    ],
)
def test_a_worker_is_found_in_texts_of_every_kind(text):
    said = text.format(*["A1TWITCHER01"] * 2)
    hidden = text.format(*[name("A1TWITCHER01")] * 2)
    reply = {"HIT": {"RequesterAnnotation": said, "Title": said}}
    members = f"<RequesterAnnotation>{escape(said)}</RequesterAnnotation><Message>{escape(said)}</Message>"

    told, document = scrub({"Reason": said}, members, replies=[reply])

    assert told["query"] == {"Reason": hidden}
    assert told["replies"] == [{"HIT": {"RequesterAnnotation": hidden, "Title": hidden}}]
    assert document == members.replace(escape(said), escape(hidden))


def test_who_does_not_look_like_a_worker_is_found_in_texts_once_met():
    scrubber = Scrubber(b"k" * 32)
    assert scrub({"Reason": "A2BIRDER"}, scrubber=scrubber)[0]["query"] == {"Reason": "A2BIRDER"}
    together = scrub({"Reason": "A2BIRDER, birder"}, "<WorkerId>A2BIRDER</WorkerId>", scrubber)
    later = scrub({"Reason": "A2BIRDER, birder"}, "<T>A2BIRDER</T>", scrubber)
    assert together[0] == later[0] == {"query": {"Reason": f"{name('A2BIRDER')}, birder"}}
    assert later[1] == f"<T>{name('A2BIRDER')}</T>"


@pytest.mark.parametrize("text", ["A1TWITCHER01", "A2BIRDER"])
def test_workers_are_found_in_refusals(text):
    error = {"__type": "RequestError", "Message": f"No worker {text}.", "TurkErrorCode": "AWS.X"}
    query, reply = {"SubjectId": text}, {"status": 400, "error": error}
    told, document = scrub(query, f"<Code>AWS.X</Code><Message>No worker {text}.</Message>", replies=[reply])
    assert told["replies"] == [{"status": 400, "error": {**error, "Message": f"No worker {name(text)}."}}]
    assert document == f"<Code>AWS.X</Code><Message>No worker {name(text)}.</Message>"


@pytest.mark.parametrize("worker", ["AWS", "Request", "MechanicalTurk", "RequestError", "SearchHITs", "Reason"])
def test_a_worker_named_like_part_of_the_api_changes_nothing_of_it(worker):
    document = (
        "<OperationRequest><RequestId>d33692e5-8499-49e5-bbe9-078fdc5e2e1c</RequestId></OperationRequest><Request>"
        "<IsValid>False</IsValid><Error><Code>AWS.MechanicalTurk.RequestError</Code></Error><Reason>x</Reason></Request>"
    )
    error = {"__type": "RequestError", "TurkErrorCode": "AWS.MechanicalTurk.RequestError"}
    more = {
        "source": {"kind": "gateway"},
        "calls_of": "SearchHITs/1",
        "calls": [{"operation": "SearchHITs", "params": {"Reason": "x"}}],
        "replies": [{"status": 400, "error": error}],
    }
    asked = {"Operation": "SearchHITs", "Reason": "x"}
    assert scrub({**asked, "WorkerId": worker}, document, **more) == (
        {"query": {**asked, "WorkerId": name(worker)}, **more},
        document,
    )


def test_a_worker_of_a_name_that_is_no_id_is_not_hidden_from_then_on():
    scrubber = Scrubber(b"k" * 32)
    scrub({"WorkerId": "Reviewable"}, scrubber=scrubber)
    assert scrub({"Status": "Reviewable"}, scrubber=scrubber)[0]["query"] == {"Status": "Reviewable"}


def test_subjects_of_qualifications_are_workers_and_those_of_reviews_are_not():
    subject = "3HITAAAAAAAA"
    scored = f"<Qualification><SubjectId>{subject}</SubjectId></Qualification>"
    reviewed = "<ReviewResult><SubjectId>3HIT2AAAAAAA</SubjectId><SubjectType>HIT</SubjectType></ReviewResult>"
    replies = [{"SubjectId": subject}, {"SubjectId": "3HIT2AAAAAAA", "SubjectType": "HIT"}]

    told, document = scrub({"SubjectId": subject}, scored + reviewed, replies=replies)

    assert document == scored.replace(subject, name(subject)) + reviewed
    assert told["replies"] == [{"SubjectId": name(subject)}, replies[1]]


def test_workers_are_hidden_where_a_request_is_repeated_in_the_answer():
    echo = "<GetQualificationScoreRequest><{0}>A1</{0}></GetQualificationScoreRequest>"
    for parameter in ("SubjectId", "workerid"):
        repeated = echo.format(parameter)
        assert scrub({}, repeated)[1] == repeated.replace("A1", name("A1"))


def test_what_needs_no_change_stays_byte_for_byte():
    said = '<Title>a &gt; b &amp; c&#13;\n&quot;\U0001f426</Title><Empty/><Tagged tag="1">ABCDEFGHIJKL 123456</Tagged>'
    members = {
        "Title": 'a > b & c\r\n"\U0001f426',
        "Number": 1,
        "None": None,
        "Flag": True,
        "List": [1.5, "ABCDEFGHIJKL"],
    }
    query = {"Title": members["Title"]}
    assert scrub(query, said, replies=[members], now=1.25) == (
        {"query": query, "replies": [members], "now": 1.25},
        said,
    )


# Answers


def answers(content, declaration='<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'):
    return (
        f'{declaration}<QuestionFormAnswers xmlns="{NAMESPACE}">\n<Answer>\n'
        f"<QuestionIdentifier>colour</QuestionIdentifier>\n{content}\n</Answer>\n</QuestionFormAnswers>\n"
    )


def answered(answer):
    """What becomes of an answer, in JSON and in XML alike."""
    told, document = scrub({}, f"<Answer>{escape(answer)}</Answer>", replies=[{"Assignment": {"Answer": answer}}])
    scrubbed = unescape(document.removeprefix("<Answer>").removesuffix("</Answer>"))
    assert scrubbed == told["replies"][0]["Assignment"]["Answer"]
    return scrubbed


def hidden(text):
    """What becomes of a text that was answered."""
    return answered(text)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("<FreeText>secret</FreeText>", "<FreeText>{}</FreeText>"),
        ("<FreeText >secret</FreeText >", "<FreeText >{}</FreeText >"),
        ('<FreeText xml:space="preserve">secret</FreeText>', '<FreeText xml:space="preserve">{}</FreeText>'),
        ("<FreeText><![CDATA[secret]]></FreeText>", "<FreeText>{}</FreeText>"),
        ("<FreeText>&#115;ecret</FreeText>", "<FreeText>{}</FreeText>"),
        ("<!-- secret --><FreeText>secret<?secret secret?></FreeText>", "<FreeText>{}</FreeText>"),
        ("<SelectionIdentifier>secret</SelectionIdentifier>", "<SelectionIdentifier>{}</SelectionIdentifier>"),
        ("<OtherSelectionText>secret</OtherSelectionText>", "<OtherSelectionText>{}</OtherSelectionText>"),
        ("<NewSort>secret</NewSort>", "<NewSort>{}</NewSort>"),
        ("<QuestionIdentifier />secret", "<QuestionIdentifier />{}"),
        ("<FreeText/>", "<FreeText/>"),
    ],
)
@pytest.mark.parametrize("declaration", ['<?xml version="1.0" encoding="UTF-8"?>\n', ""])
def test_of_an_answer_its_tags_and_its_question_stay(given, shown, declaration):
    shown = shown.format(hidden("secret"))
    if shown.endswith("/>" + hidden("secret")):
        # The line end behind it is in the same text.
        shown = shown.removesuffix(hidden("secret")) + hidden("secret\n").removesuffix("\n")
    assert answered(answers(given, declaration)) == answers(shown, declaration)


@pytest.mark.parametrize(
    "answer",
    [
        "secret",
        "<FreeText>secret</FreeText>",
        answers("<FreeText>secret"),
        answers("<FreeText>secret & more</FreeText><FreeText"),
        answers('<FreeText note="secret">x</FreeText>'),
        answers("<FreeText><![CDATA[secret</FreeText>"),
        "<!DOCTYPE secret>" + answers("<FreeText>secret</FreeText>", ""),
        "secret" + answers("<FreeText>secret</FreeText>"),
        answers("<FreeText>secret</FreeText>").replace("QuestionFormAnswers", "QuestionFormAnswers2", 1),
    ],
)
def test_an_answer_that_is_no_document_is_hidden_as_a_whole(answer):
    scrubbed = answered(answer)
    assert "secret" not in scrubbed
    assert "colour" not in scrubbed
    assert re.sub("[a-z]", "x", scrubbed.lower()).translate(DIGITS) == (
        re.sub("[a-z]", "x", answer.lower()).translate(DIGITS)
    )


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("Ein Vögelchen,\r\n17.50 €", "[A-Z][a-z]{2} [A-Z][a-z]{8},\r\n[0-9]{2}[.][0-9]{2} [a-z]"),
        ("\U0001f44d", "[a-z]"),
        ("<b>&amp;", "<[a-z]>&[a-z]{3};"),
        ("a]]>b\tc", "[a-z]]]>[a-z]\t[a-z]"),
    ],
)
def test_an_answer_keeps_its_shape(text, shape):
    document = parse(answered(answers(f"<FreeText>{escape(text)}</FreeText>")))
    (found,) = [element.text for element in document.iter("{*}FreeText")]
    assert re.fullmatch(shape, found)
    assert found != text
    assert found == hidden(text)


def test_answers_are_alike_in_both_files_even_where_xml_has_to_show_them_otherwise():
    markup = "<Answer>{0}</Answer><Key>AgreedAnswer</Key><Value>{0}</Value>"
    reply = {"Answer": "a\x01b", "Key": "AgreedAnswer", "Value": "a\x01b"}
    told, document = scrub({}, markup.format("a\u2401b"), replies=[reply])
    assert document == markup.format(told["replies"][0]["Answer"])
    assert told["replies"][0]["Value"] == told["replies"][0]["Answer"]


def test_agreed_answers_are_hidden_and_other_results_of_reviews_are_not():
    markup = "<ReviewResult><Key>{}</Key><Value>{}</Value></ReviewResult>"
    results = [{"Key": "AgreedAnswer", "Value": "secret & more"}, {"Key": "KnownAnswerScore", "Value": "100"}]
    document = markup.format("AgreedAnswer", "secret &amp; more") + markup.format("KnownAnswerScore", "100")
    shown = hidden("secret & more")

    told, scrubbed = scrub({}, document, replies=results)

    assert told["replies"] == [{"Key": "AgreedAnswer", "Value": shown}, results[1]]
    assert scrubbed == document.replace("secret &amp; more", escape(shown))


def test_with_another_key_everybody_is_somebody_else():
    query = {"WorkerId": "A1TWITCHER", "NextToken": "p1:x"}
    one_key, other_key = (scrub(query, scrubber=Scrubber(key * 32))[0]["query"] for key in (b"k", b"l"))
    assert one_key["WorkerId"] != other_key["WorkerId"]
    assert one_key["NextToken"] != other_key["NextToken"]


@pytest.mark.parametrize("part", ["A bird & 17 cm, ", "%253D", "\\", "<!--", "A1"])
def test_a_very_long_answer_does_not_keep_the_recorder_busy(part):
    text = part * (2**19 // len(part))
    began = time.process_time()
    answered(answers(f"<FreeText>{escape(text)}</FreeText>"))
    answered(answers(f"<FreeText>{text}</FreeText>"))
    scrub({"RequesterAnnotation": text})
    assert time.process_time() - began < 10


# Any exchange

WORKERS = st.text("ABCXYZ0123456789", min_size=7, max_size=16).map("A".__add__)
ANSWERED = st.lists(st.text("qxzjQXZJ0123456789\u00e9", min_size=8, max_size=14), min_size=1, max_size=3)
AROUND = st.sampled_from(["{}", " {} ", "<{}>", "a & {}\r\n", "\U0001f426{}", "%3D{}", "?x={}&amp;", "]]>{}", "'{}\""])
ASIDE = st.sampled_from(["", "<!-- {} -->", "<?x {}?>", "<b c='{}'/>", "<![CDATA[{}]]>", "&#65;", "<", "&"])


@st.composite
def exchanges(draw):
    """Workers, words that they answered, and a pair that tells of both in JSON and in XML."""
    workers = draw(st.lists(WORKERS, min_size=1, max_size=3, unique=True))
    words = draw(ANSWERED)
    told = " and ".join(draw(AROUND).format(worker) for worker in workers)
    given = "".join(
        f"<FreeText>{escape(draw(AROUND).format(word))}{draw(ASIDE).format(word)}</FreeText>" for word in words
    )
    answer = draw(st.sampled_from([answers(given), given, " ".join(words)]))
    rows = [{"WorkerId": worker, "Answer": answer, "RequesterFeedback": told} for worker in workers]
    elements = [Element("Assignment", tuple(Element(*member) for member in row.items())) for row in rows]
    agreed = {"Key": "AgreedAnswer", "Value": words[0]}
    review = Element("ReviewResult", tuple(Element(*member) for member in agreed.items()))
    query = [[f"WorkerId.{number}", worker] for number, worker in enumerate(workers)]
    members = {
        "query": draw(st.sampled_from([[*query, ["Note", told]], dict([*query, ["Note", told]])])),
        "replies": [{"Assignments": rows, "Results": [agreed]}],
    }
    return workers, words, FilePair("x", members, render_document(Element("R", (*elements, review))))


@PROPERTY
@given(exchanges())
def test_no_exchange_shows_who_worked_or_what_was_answered(exchange):
    workers, words, pair = exchange
    scrubber = Scrubber(b"k" * 32)
    made = scrubber.scrub(pair)
    written = made.document.decode() + json.dumps(made.facts, ensure_ascii=False)

    assert not [one for one in (*workers, *words) if one in written]
    root = parse(made.document)
    (reply,) = made.facts["replies"]
    for member in ("WorkerId", "Answer", "RequesterFeedback"):
        assert texts(root, member) == [row[member] for row in reply["Assignments"]]
    assert texts(root, "Value") == [reply["Results"][0]["Value"]]
    assert scrubber.scrub(pair) == made == Scrubber(b"k" * 32).scrub(pair)
