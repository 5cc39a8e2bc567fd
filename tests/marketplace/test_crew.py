"""Scripts that play many workers."""

from __future__ import annotations

import shutil
from collections import Counter

import pytest

from marketplace.conftest import START
from marketplace.test_workers import FORM, MASTERS, requiring
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.marketplace.crew import script as scripts
from mturk_gateway.marketplace.crew.play import Play
from mturk_gateway.marketplace.crew.script import ScriptError, read_script
from mturk_gateway.marketplace.requesters import add_requester
from mturk_gateway.marketplace.tables import assignments, events
from support import fill_database

TWENTY = """
seed = {seed}

[[workers]]
count = 15
country = "US"
returned = 0.1
abandoned = 0.1
[workers.answers]
dots = ["1", "2", "3"]

[[workers]]
count = 5
title = "even"
most = 4
[workers.answers]
dots = 9
"""


def play(database, text, now=START):
    show = Play(database, read_script(text), lambda: float(now))
    show.prepare()
    show.run()
    return show.report


def work_of(database):
    """Who did what on which HIT, the HITs in their order, without ids that chance gave."""
    created = events.c.type == "HITCreated"
    statement = (
        assignments.select()
        .with_only_columns(assignments.c.hit_id, assignments.c.worker_id, assignments.c.state, assignments.c.answer)
        .join_from(assignments, events, events.c.hit_id == assignments.c.hit_id)
        .where(created)
    )
    with database.reading() as connection:
        order = connection.execute(events.select().with_only_columns(events.c.hit_id).where(created)).scalars().all()
        return sorted((order.index(row.hit_id), *row[1:]) for row in connection.execute(statement))


def test_twenty_workers_on_fifty_hits_do_the_same_with_the_same_seed(tmp_path, migrated):
    kinds = [{"Title": "Count an even number", "MaxAssignments": 3}, {"MaxAssignments": 3}]
    outcomes = []
    for seed in (1, 1, 2):
        path = tmp_path / f"{len(outcomes)}.db"
        shutil.copy(migrated, path)
        database = Database(sqlite_url(path), durable=False)
        with database.writing() as connection:
            requester = add_requester(connection, "alice", START)
        fill_database(database, requester, [(kinds[number % 2], START) for number in range(50)])
        outcomes.append((play(database, TWENTY.format(seed=seed)).lines(), work_of(database)))
        database.close()
    same, again, other = outcomes

    assert same == again
    assert same[1] != other[1]
    # Nothing is left to do: every slot is taken.
    assert Counter(number for number, _, state, _ in same[1] if state != "Returned") == dict.fromkeys(range(50), 3)
    (line,) = same[0]
    assert line.startswith("20 workers: ")
    assert "0 returned" not in line
    assert ", 0 abandoned" not in line


def test_workers_take_what_they_want_and_at_most_so_much(house, client):
    for title, keywords in (("Count dots", "image"), ("Count cats", "image, cats"), ("Write", "text")):
        house.create_hit(client, Title=title, Keywords=keywords)
    house.create_hit(house.client("bob"), Title="Count birds", Keywords="image")
    house.create_hit(house.client("sandy", sandbox=True), Title="Count sand")

    def titles(keys):
        report = play(house.database, f'[[workers]]\nid = "A{len(keys)}"\nreturned = 1\n{keys}')
        (line,) = report.lines()
        return line.partition(": ")[2]

    assert titles('title = "count"') == "0 submitted, 3 returned, 0 abandoned"
    assert titles('keyword = "CATS"') == "0 submitted, 1 returned, 0 abandoned"
    assert titles('requester = "bob"') == "0 submitted, 1 returned, 0 abandoned"
    assert titles("most = 2") == "0 submitted, 2 returned, 0 abandoned"
    assert titles("sandbox = true") == "0 submitted, 1 returned, 0 abandoned"


def test_a_worker_answers_what_a_form_asks_and_a_page_gets_all(house, client):
    form, page = house.create_hit(client, Question=FORM), house.create_hit(client)
    play(
        house.database,
        '[[workers]]\nid = "A1"\nanswers = { total = 12.5, kinds = [["b", "a"]], dots = ["7"] }',
    )
    answers = [client.list_assignments_for_hit(HITId=hit["HITId"])["Assignments"][0]["Answer"] for hit in (form, page)]

    assert [answer.count("<SelectionIdentifier>") for answer in answers] == [2, 0]
    assert ["<FreeText>12.5</FreeText>" in answer for answer in answers] == [True, True]
    assert ["dots" in answer for answer in answers] == [False, True]


def test_answers_that_do_not_fit_leave_the_hit_alone_and_are_reported(house, client):
    hit = house.create_hit(client, Question=FORM)
    report = play(house.database, '[[workers]]\ncount = 2\nanswers = { total = "many" }')

    first, refusal = report.lines()
    assert first == "0 workers: 0 submitted, 0 returned, 0 abandoned"
    assert refusal.startswith("refused to 2: ")
    assert "'total'" in refusal
    assert client.get_hit(HITId=hit["HITId"])["HIT"]["NumberOfAssignmentsAvailable"] == 1


def test_abandoned_work_stops_when_a_worker_can_hold_no_more(house, client):
    house.credentials()
    for _ in range(27):
        house.create_hit(client)

    assert play(house.database, '[[workers]]\nid = "A1"\nabandoned = 1').lines() == [
        "1 workers: 0 submitted, 0 returned, 25 abandoned"
    ]


def test_workers_qualify_before_they_work(house, client):
    test = FORM.partition("<Question><QuestionIdentifier>scan")[0] + "</QuestionForm>"
    key = (
        f'<AnswerKey xmlns="{FORM.split(chr(34))[1].replace("QuestionForm", "AnswerKey")}"><Question>'
        "<QuestionIdentifier>kinds</QuestionIdentifier><AnswerOption><SelectionIdentifier>a</SelectionIdentifier>"
        "<AnswerScore>10</AnswerScore></AnswerOption></Question></AnswerKey>"
    )
    tested, asked = (
        client.create_qualification_type(Description="d", QualificationTypeStatus="Active", **more)[
            "QualificationType"
        ]["QualificationTypeId"]
        for more in (
            {"Name": "Sorter", "Test": test, "AnswerKey": key, "TestDurationInSeconds": 60},
            {"Name": "Friend", "AutoGranted": True},
        )
    )
    requirements = (
        requiring("Accept", tested, "EqualTo", IntegerValues=[10])
        + requiring("Accept", asked)
        + requiring("Accept", "00000000000000000071", "EqualTo", LocaleValues=[{"Country": "US", "Subdivision": "PA"}])
        + requiring("Accept", "00000000000000000060", "EqualTo", IntegerValues=[1])
        + requiring("Accept", MASTERS)
    )
    house.create_hit(client, MaxAssignments=10, QualificationRequirements=requirements)
    known = 'country = "US"\nsubdivision = "PA"\nadult = true\nmasters = true'
    report = play(
        house.database,
        f'[[workers]]\ncount = 2\n{known}\nrequest = ["Sorter", "{asked}"]\n'
        'test = { total = 1, kinds = "a", other = "x" }\n'
        f'[[workers]]\ncount = 2\n{known}\nrequest = ["Sorter", "Friend"]\ntest = {{ total = 1, kinds = "b" }}\n'
        '[[workers]]\nid = "A1"\nrequest = ["Nothing"]\n',
    )

    assert report.lines() == [
        "2 workers: 2 submitted, 0 returned, 0 abandoned",
        "refused to 1: There is no qualification 'Nothing'.",
    ]


def test_the_example_in_the_description_of_scripts_can_be_read():
    example = (scripts.__doc__ or "").partition("\n\n")[2].rpartition("\n\nAll but")[0]
    script = read_script(example)

    (crew,) = script.crews
    assert (script.seed, len(set(crew.ids)), crew.most) == (7, 20, 10)
    assert (crew.answers["dots"], crew.answers["animals"]) == ([["7"]], [["cat", "dog"], []])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("seed = = 1", "line 1"),
        ("seed = 'x'\n[[workers]]\ncount = 1", "seed must"),
        ("", r"\[\[workers\]\]"),
        ("sead = 1", "'sead'"),
        ("[[workers]]\ncount = 1\n[[workers]]\ncount = 1\nreturnd = 0.1", "number 2: there is no key 'returnd'"),
        ("[[workers]]", "number 1: exactly one of id and count"),
        ("[[workers]]\nid = 'A1'\ncount = 2", "exactly one of id and count"),
        ("[[workers]]\nid = 7", "id must be a text"),
        ("[[workers]]\ncount = 0", "count must be"),
        ("[[workers]]\ncount = 1\nadult = 1", "adult must be true or false"),
        ("[[workers]]\ncount = 1\ntitle = 1", "title must be a text"),
        ("[[workers]]\ncount = 1\nmost = 0", "most must be"),
        ("[[workers]]\ncount = 1\nreturned = 1.1", "returned must be a number from 0 to 1"),
        ("[[workers]]\ncount = 1\nreturned = 0.6\nabandoned = 0.6", "more than 1 together"),
        ("[[workers]]\ncount = 1\nrequest = 'x'", "request must be a list"),
        ("[[workers]]\ncount = 1\nanswers = 'x'", "answers must be a table"),
        ("[[workers]]\ncount = 1\nanswers = { q = [] }", "answers has nothing to choose from for 'q'"),
        ("[[workers]]\ncount = 1\ntest = { q = [true] }", "test must have texts or numbers for 'q'"),
    ],
)
def test_a_script_that_cannot_be_followed_is_refused_with_the_place(text, says):
    with pytest.raises(ScriptError, match=says):
        read_script(text)


@pytest.mark.parametrize(("line", "says"), [("id = 'B1'", "B1: .*worker id"), ("id = 'A1'\ncountry = 'x'", "country")])
def test_workers_that_cannot_be_are_refused_before_anybody_works(house, line, says):
    with pytest.raises(ScriptError, match=says):
        play(house.database, f"[[workers]]\n{line}")
