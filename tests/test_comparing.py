"""In what recorded documents and those of now differ: what is shown of it, and what makes no difference."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mturk_gateway.replay.comparing import Difference, compare
from mturk_gateway.replay.identities import Identities
from mturk_gateway.replay.meanings import Meanings
from mturk_gateway.replay.moments import Moments
from mturk_translators.xml import Element, escape, render_document

PROPERTY = settings(max_examples=100, deadline=None)
RECORDED, NOW = 1_327_000_000, 1_795_000_000
"""2012-01-19T19:06:40Z and 2026-11-18T11:06:40Z: when the request was recorded, and when it was sent now."""


class Knowledge(Meanings):
    """What a verifier knows after one request."""

    def __init__(self):
        self.identities, self.moments = Identities(), Moments()
        self.moments.request(RECORDED, NOW)
        super().__init__(self.identities, self.moments)


def differences(recorded, found, knowledge=None, **options):
    return list(compare(recorded.encode(), found.encode(), knowledge or Knowledge(), **options))


def hit(identifier, **members):
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in members.items())
    return f"<HIT><HITId>{identifier}</HITId>{inner}</HIT>"


def page(*hits):
    return f"<R><N>{len(hits)}</N>{''.join(hits)}</R>"


# IDs

IDS = st.text(string.ascii_uppercase + "123456789", min_size=12, max_size=30)
TEXTS = st.text("abc XYZ<&>é", max_size=12)


def leaf(names, texts):
    return st.tuples(st.sampled_from(names), texts).map(lambda given: Element(*given))


@st.composite
def documents(draw):
    """IDs, and a document in which they are in elements and in texts, some more than once."""
    ids = draw(st.lists(IDS, min_size=1, max_size=4, unique=True))
    mentions = st.tuples(TEXTS, st.sampled_from(ids)).map(" ".join)
    leaves = (
        leaf(["HITId", "AssignmentId", "WorkerId"], st.sampled_from(ids))
        | leaf(["Title", "Reward", "Message"], TEXTS)
        | leaf(["Value"], mentions)
    )
    trees = st.recursive(
        leaves, lambda inner: leaf(["HIT", "Result"], st.lists(inner, min_size=1, max_size=4).map(tuple)), max_leaves=12
    )
    # Every ID also stands in an element of its own, for only there can it be learnt.
    named = [Element("HITId", one) for one in ids]
    return ids, Element("Response", (*draw(st.lists(trees, max_size=4)), *named))


def renamed(element, names):
    """The same element with other IDs."""
    if isinstance(element.content, tuple):
        return element._replace(content=tuple(renamed(child, names) for child in element.content))
    return element._replace(content=" ".join(names.get(word, word) for word in element.content.split(" ")))


@PROPERTY
@given(documents(), st.data())
def test_a_document_is_alike_to_itself_with_other_ids(document, data):
    ids, tree = document
    fresh = st.lists(IDS, min_size=len(ids), max_size=len(ids), unique=True)
    names = dict(zip(ids, data.draw(fresh.filter(lambda new: not {*new} & {*ids})), strict=True))
    knowledge = Knowledge()

    assert compare(render_document(tree), render_document(renamed(tree, names)), knowledge) == ()
    assert {one: knowledge.identities.now(one) for one in ids} == names


def texts(element, path=()):
    """Where in a document there are texts, IDs left out."""
    if isinstance(element.content, tuple):
        for place, child in enumerate(element.content):
            yield from texts(child, (*path, place))
    elif not element.name.endswith("Id"):
        yield path


def changed(element, path, text):
    if not path:
        return element._replace(content=text)
    content = list(element.content)
    content[path[0]] = changed(content[path[0]], path[1:], text)
    return element._replace(content=tuple(content))


@PROPERTY
@given(documents(), st.data())
def test_any_changed_text_is_found(document, data):
    _, tree = document
    tree = tree._replace(content=(*tree.content, Element("Title", "title")))
    path = data.draw(st.sampled_from(list(texts(tree))))
    found = compare(render_document(tree), render_document(changed(tree, path, "new")), Knowledge())

    assert [one.found for one in found] == ["new"]


@PROPERTY
@given(st.lists(st.tuples(st.sampled_from("ABCD"), st.sampled_from("VWXYZ")), max_size=12))
def test_ids_are_paired_one_for_one(met):
    identities = Identities()
    for recorded, found in met:
        identities.learn(recorded * 10, found * 10)
    pairs = {one: identities.now(one * 10) for one in "ABCD" if identities.now(one * 10)}

    assert len(set(pairs.values())) == len(pairs)
    assert all(identities.recorded(found) == one * 10 for one, found in pairs.items())
    assert all(identities.agree(one * 10, found) for one, found in pairs.items())
    assert {one for one, _ in met} >= pairs.keys()


def test_one_id_that_became_two_is_a_difference():
    knowledge = Knowledge()
    assert differences("<R><HITId>3OLD</HITId></R>", "<R><HITId>3NEW</HITId></R>", knowledge) == []

    assert differences("<R><HITId>3OLD</HITId></R>", "<R><HITId>3OTHER</HITId></R>", knowledge) == [
        Difference("R/HITId", "3OLD (3NEW now)", "3OTHER")
    ]


def test_two_ids_that_became_one_are_a_difference():
    recorded = "<R><HITTypeId>3ONE</HITTypeId><HITGroupId>3TWO</HITGroupId></R>"
    found = "<R><HITTypeId>3NEW</HITTypeId><HITGroupId>3NEW</HITGroupId></R>"

    assert differences(recorded, found) == [Difference("R/HITGroupId", "3TWO", "3NEW (recorded as 3ONE)")]


@pytest.mark.parametrize(
    ("recorded", "found"),
    [
        ("Hit 3OLDHIT does not exist.", "Hit 3NEWHIT does not exist."),
        ("https://example.com/?hit=3OLDHIT&amp;x=1", "https://example.com/?hit=3NEWHIT&amp;x=1"),
        ("https://example.com/?next=%2Fhit%3D3OLDHIT", "https://example.com/?next=%2Fhit%3D3NEWHIT"),
        (
            "&lt;Q&gt;&lt;Text&gt;about 3OLDHIT&lt;/Text&gt;&lt;/Q&gt;",
            "&lt;Q&gt;&lt;Text&gt;about 3NEWHIT&lt;/Text&gt;&lt;/Q&gt;",
        ),
    ],
)
def test_known_ids_may_stand_in_texts(recorded, found):
    """Also before the element that they are of."""

    def document(text, identifier):
        return f"<R><Text>{text}</Text><HITId>{identifier}</HITId></R>"

    assert differences(document(recorded, "3OLDHIT"), document(found, "3NEWHIT")) == []
    assert differences(document(recorded, "3OLDHIT"), document(recorded, "3NEWHIT")) != []


def test_what_requesters_named_and_what_every_marketplace_has_must_stay():
    def document(question, system):
        return f"<R><QuestionId>{question}</QuestionId><QualificationTypeId>{system}</QualificationTypeId></R>"

    recorded = document("q1", "000000000000000000L0")

    assert differences(recorded, recorded) == []
    assert [one.path for one in differences(recorded, document("q2", "00000000000000000071"))] == [
        "R/QuestionId",
        "R/QualificationTypeId",
    ]


def test_workers_who_are_the_same_now_are_known_by_that():
    """However their rows stand: the first row of now is not that of the first worker."""

    def row(worker, score):
        return f"<Row><WorkerId>{worker}</WorkerId><Score>{score}</Score></Row>"

    recorded = f"<R>{row('A1FIRST', 5)}{row('A2SECOND', 5)}</R>"
    found = f"<R>{row('A2SECOND', 5)}{row('A1FIRST', 5)}</R>"

    assert [one.found for one in differences(recorded, found)] == ["stands at Row[1]"]


def test_the_ids_of_requests_never_matter():
    recorded = "<R><RequestId>a</RequestId><T>x</T></R>"

    assert differences(recorded, "<R><RequestId>b</RequestId><T>x</T></R>") == []
    assert differences(recorded, "<R><T>x</T></R>") == []
    assert differences("<R><RequestID>a</RequestID><oops></R>", "<R><RequestID>b</RequestID><oops></R>") == []


# Times


def moment(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


@pytest.mark.parametrize(
    ("recorded", "found", "alike"),
    [
        (RECORDED, NOW, True),
        (RECORDED, NOW + 2, True),
        (RECORDED, NOW + 4, False),
        (RECORDED + 86_400, NOW + 86_400, True),
        (RECORDED + 86_400, NOW + 86_300, False),
        (RECORDED - 999, RECORDED - 999, True),
        (RECORDED - 999, RECORDED - 998, False),
    ],
)
def test_times_are_as_far_from_the_request_as_they_were(recorded, found, alike):
    shown = differences(*(f"<R><Expiration>{moment(one)}</Expiration></R>" for one in (recorded, found)))

    assert (shown == []) == alike
    if not alike:
        assert shown[0].found == moment(found)
        assert f"({moment(recorded + NOW - RECORDED)} now)" in shown[0].recorded


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%S.000Z", "%Y-%m-%dT%H:%M:%S+00:00"])
def test_a_time_that_is_written_in_another_form_is_a_difference(form):
    """Old programs read one form only."""
    recorded, found = moment(RECORDED), time.strftime(form, time.gmtime(NOW))

    assert differences(f"<R><Time>{recorded}</Time></R>", f"<R><Time>{found}</Time></R>")


def test_what_an_earlier_request_made_keeps_its_distance_from_that():
    """Verifying goes faster: an hour passed between the requests when they were recorded, and a second now."""
    knowledge = Knowledge()
    knowledge.moments.request(RECORDED + 3600, NOW + 1)

    for recorded, found in [(RECORDED, NOW), (RECORDED + 3600, NOW + 1), (RECORDED + 7200, NOW + 3601)]:
        assert knowledge.moments.agree(recorded, found)
    assert not knowledge.moments.agree(RECORDED + 7200, NOW + 5000)


def test_a_moment_that_was_past_goes_by_the_request_at_which_it_was():
    """With two requests an hour apart, one that is an hour too early is not taken for the other's."""
    moments = Moments()
    moments.request(RECORDED, NOW)
    moments.request(RECORDED + 3600, NOW + 1)

    assert moments.agree(RECORDED + 3600, NOW + 1)
    assert not moments.agree(RECORDED + 3600, NOW + 3600)
    assert not moments.agree(RECORDED, NOW - 3599)


def test_the_end_of_a_life_that_has_come_is_what_it_was_when_it_was_to_come():
    moments = Moments()
    moments.request(RECORDED, NOW)
    moments.learn(RECORDED + 600, NOW + 600)
    for minutes in range(5, 60, 5):
        moments.request(RECORDED + 60 * minutes, NOW + minutes)

    assert moments.agree(RECORDED + 600, NOW + 600)
    assert not moments.agree(RECORDED + 600, NOW + 900)


@pytest.mark.parametrize(
    ("recorded", "found"),
    [
        ("<R>a<b>1</b></R>", "<R><b>1</b></R>"),
        ("<R><b>1</b>a</R>", "<R><b>1</b>c</R>"),
        ("<R><b>1</b></R>", '<R><b xmlns="urn:x">1</b></R>'),
    ],
)
def test_what_stands_beside_elements_and_their_namespaces_matter(recorded, found):
    assert not differences(recorded, recorded)
    assert differences(recorded, found)


def test_what_workers_did_between_two_requests_was_done_between_them():
    """So does what follows from it. Without these two requests around it, it could have been anything."""

    def assignment(submitted, approved):
        follows = f"<AutoApprovalTime>{moment(approved)}</AutoApprovalTime>"
        return f"<A>{follows}<SubmitTime>{moment(submitted)}</SubmitTime></A>"

    recorded = assignment(RECORDED + 1800, RECORDED + 1800 + 86_400)
    found = assignment(NOW + 9, NOW + 9 + 86_400)
    assert len(differences(recorded, found)) == 2

    knowledge = Knowledge()
    knowledge.moments.request(RECORDED + 3600, NOW + 20)
    assert differences(recorded, found, knowledge) == []
    assert len(differences(recorded, assignment(NOW + 30, NOW + 30 + 86_400), knowledge)) == 2


def test_the_stamp_of_a_message_is_a_time():
    def message(text, milliseconds, mark=""):
        return f"<R><Message>{text} ({milliseconds}{mark})</Message></R>"

    recorded = message("No.", RECORDED * 1000 + 250)

    assert differences(recorded, message("No.", NOW * 1000 + 900)) == []
    assert differences(recorded, message("Yes.", NOW * 1000)) != []
    assert differences(recorded, message("No.", NOW * 1000 + 60_000)) != []
    assert differences(recorded, message("No.", NOW * 1000, " s")) != []


def test_days_of_statistics_may_be_another_day_by_as_much_as_the_request_was():
    def day(seconds):
        return f"<R><Date>{moment(seconds)}</Date></R>"

    assert differences(day(RECORDED - 3600), day(NOW - 80_000)) == []
    assert differences(day(RECORDED - 3600), day(NOW - 3 * 86_400)) != []


# Other texts


def test_a_ticket_for_an_upload_is_any_url():
    def ticket(url):
        return f"<R><FileUploadURL>{url}</FileUploadURL></R>"

    recorded = ticket("http://127.0.0.1:8080/uploads/ab?expires=1328054459&amp;signature=cd")

    assert differences(recorded, ticket("https://files.example.com/x?token=1")) == []
    assert differences(recorded, ticket("nothing")) != []
    assert differences(recorded, "<R><FileUploadURL/></R>") != []


def test_a_document_in_a_text_is_compared_element_by_element():
    def question(height):
        return f"<R><Question>{escape(f'<Q><Url>u</Url><Height>{height}</Height></Q>')}</Question></R>"

    assert differences(question(400), question(500)) == [Difference("R/Question/Q/Height", "400", "500")]


def test_files_that_workers_uploaded_have_other_keys_now():
    def answer(key):
        text = escape(f"<QuestionFormAnswers><UploadedFileKey>{key}</UploadedFileKey></QuestionFormAnswers>")
        return f"<R><Answer>{text}</Answer></R>"

    knowledge = Knowledge()
    assert differences(answer("3OLDKEY"), answer("3NEWKEY"), knowledge) == []
    assert differences(answer("3OLDKEY"), answer("3OTHERKEY"), knowledge) != []


def test_a_document_in_a_text_must_stay_the_same_text():
    """Programs may look at its characters."""
    assert differences(
        "<R><Question>&lt;Q&gt;&lt;a/&gt;&lt;/Q&gt;</Question></R>",
        "<R><Question>&lt;Q&gt; &lt;a/&gt;&lt;/Q&gt;</Question></R>",
    ) == [Difference("R/Question", "<Q><a/></Q>", "<Q> <a/></Q>")]


@pytest.mark.parametrize(
    ("recorded", "found", "expected"),
    [
        ("<R><T>a</T></R>", "<R><T>b</T></R>", ("R/T", "a", "b")),
        ("<R><T>a</T></R>", "<R/>", ("R/T", "a", None)),
        ("<R/>", "<R><T>a</T></R>", ("R/T", None, "a")),
        ("<R><T/></R>", "<R/>", ("R/T", "", None)),
        ("<R><T/></R>", "<R><T>a</T></R>", ("R/T", "", "a")),
        ("<R><T>a</T></R>", "<R><T><U>b</U></T></R>", ("R/T", "a", "U: b")),
        ("<R><T k='1'/></R>", "<R><T k='2'/></R>", ("R/T/@k", "1", "2")),
        ("<R><T k='1'/></R>", "<R><T/></R>", ("R/T/@k", "1", None)),
        ("<R/>", "<R xmlns='urn:x'/>", ("R/@xmlns", "", "urn:x")),
        ("<R><H><T>a</T><U>b</U></H></R>", "<R/>", ("R/H", "T: a, U: b", None)),
    ],
)
def test_each_kind_of_change_is_found_where_it_is(recorded, found, expected):
    assert differences(recorded, found) == [Difference(*expected)]
    assert differences(recorded, recorded) == []


def test_white_space_between_elements_is_no_difference():
    assert differences("<R><T>a</T></R>", "<R>\n  <T>a</T>\n</R>\n") == []


def test_another_root_is_a_difference():
    assert {one.path for one in differences("<GetHITResponse/>", "<Response/>")} == {"GetHITResponse", "Response"}


# Documents that are none


def test_what_was_not_well_formed_is_compared_letter_by_letter():
    recorded = "<R>\n <T>a</T>\n <T>b</U>\n</R>"

    assert differences(recorded, recorded) == []
    (difference,) = differences(recorded, recorded.replace("b", "c"))
    assert difference.path == "line 3, column 5"
    assert (difference.recorded[:2], difference.found[:2]) == ("b<", "c<")
    assert differences(recorded, recorded[:-1]) == [Difference("line 4, column 4", ">", None)]


def test_what_is_no_longer_well_formed_is_said_with_the_place():
    (difference,) = differences("<GetHITResponse><T>a</T></GetHITResponse>", "<GetHITResponse><T>a</GetHITResponse>")

    assert difference.path == "GetHITResponse"
    assert "line 1" in difference.found


# Lists


def test_one_missing_row_among_a_hundred_is_one_missing_row():
    """Though nothing tells the others from one another but their IDs."""
    recorded = [hit(f"3OLDER{number}", Title="dots") for number in range(100)]
    found = [hit(f"3NEWER{number}", Title="dots") for number in range(100)]
    knowledge = Knowledge()
    assert differences(page(*recorded), page(*found), knowledge) == []

    assert differences(page(*recorded), page(*found[:41], *found[42:]), knowledge) == [
        Difference("R/N", "100", "99"),
        Difference("R/HIT[42]", "HITId: 3NEWER41, Title: dots", None),
    ]


def test_a_changed_row_beside_a_missing_one_is_still_told_from_it():
    recorded = page(*(hit(f"3OLDER{n}", Title=f"title {n}", Reward=str(n), Keywords=f"k{n}") for n in range(6)))
    kept = [hit(f"3NEWER{n}", Title=f"title {n}", Reward=str(n), Keywords=f"k{n}") for n in (0, 1, 4, 5)]
    found = page(*kept[:2], hit("3NEWER3", Title="title 3", Reward="7", Keywords="k3"), *kept[2:])

    assert [one.path for one in differences(recorded, found)] == ["R/N", "R/HIT[3]", "R/HIT[4]/Reward"]


def test_a_changed_order_is_shown_as_such():
    one, two, three = (hit(f"3HIT{name}", Title=name, Created=moment(RECORDED)) for name in "ABC")
    recorded, found = page(one, two, three), page(three, one, two)

    assert differences(recorded, found) == [Difference("R/HIT[3]", "stands here", "stands at HIT[1]")]


@pytest.mark.parametrize(
    ("rewards", "sorted_by", "alike"),
    [
        ("22", "Reward", True),
        ("23", "Reward", False),
        ("22", None, False),
        ("22", "Title", False),
        ("22", "SubmitTime", True),
        ("22", "HITId", True),
        ("22", "Enumeration", True),
    ],
)
def test_rows_that_are_equal_in_what_they_are_sorted_by_have_no_order(rewards, sorted_by, alike):
    """Ties are broken by IDs, and these are others each time."""
    rows = [hit(f"3HIT{name}", Title=name, Reward=reward) for name, reward in zip("AB", rewards, strict=True)]

    assert (differences(page(*rows), page(*reversed(rows)), sorted_by=sorted_by) == []) == alike


def test_rows_that_came_to_be_at_different_times_have_an_order():
    rows = [hit(f"3HIT{second}", Title="t", CreationTime=moment(RECORDED + second)) for second in (0, 5)]

    assert differences(page(*rows), page(*reversed(rows)), sorted_by="Enumeration") != []


def test_long_lists_take_no_longer_than_their_length_says():
    """Nothing tells the rows from one another, and nothing at the ends is alike."""
    recorded = [hit(f"3OLDER{number}", Title="dots") for number in range(5000)]
    found = [hit(f"3NEWER{number}", Title="lines" if number in (0, 4999) else "dots") for number in range(5000)]
    start = time.process_time()

    assert [one.path for one in differences(page(*recorded), page(*found))] == [
        "R/HIT[1]/Title",
        "R/HIT[5000]/Title",
    ]
    assert time.process_time() - start < 20
