"""Documents made to hurt who reads them, through every parameter that takes a document: refused at once, nothing read.

Each is sent through the legacy API to the embedded marketplace, which is who parses them.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import quote

import pytest

from documented import ANSWER_KEY, FORM, MTURK, NOT_MARKUP
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.settings import Settings
from mturk_translators.xml import parse
from support import QUESTION, ask, one, post, signed_query, texts

NOT_XHTML = MTURK + "XHTMLParseError"
MEGABYTE = 2**20
SECRET = "the secret of this file"

HIT_TYPE = {
    "Title": "Birds",
    "Description": "Name them",
    "Reward.1.Amount": "0.05",
    "AssignmentDurationInSeconds": "60",
}
TYPE = {"Name": "Careful people", "Description": "They look twice"}
TESTED = {"Test": FORM, "TestDurationInSeconds": "60"}


class Taker(NamedTuple):
    """A parameter that takes a document: whose it is, what goes with it, the good document, and what it is called."""

    operation: str
    pairs: dict[str, str]
    name: str
    good: str
    result: str


TAKERS = {
    "CreateHIT": Taker("CreateHIT", {**HIT_TYPE, "LifetimeInSeconds": "60"}, "Question", QUESTION, "HIT"),
    "CreateHIT, a form": Taker("CreateHIT", {**HIT_TYPE, "LifetimeInSeconds": "60"}, "Question", FORM, "HIT"),
    "CreateHIT of a type": Taker("CreateHIT", {"HITTypeId": "<type>"}, "Question", QUESTION, "HIT"),
    "CreateQualificationType, test": Taker(
        "CreateQualificationType", {**TYPE, **TESTED}, "Test", FORM, "QualificationType"
    ),
    "CreateQualificationType, key": Taker(
        "CreateQualificationType", {**TYPE, **TESTED}, "AnswerKey", ANSWER_KEY, "QualificationType"
    ),
    "UpdateQualificationType, test": Taker(
        "UpdateQualificationType", {"QualificationTypeId": "<kind>", **TESTED}, "Test", FORM, "QualificationType"
    ),
    "UpdateQualificationType, key": Taker(
        "UpdateQualificationType",
        {"QualificationTypeId": "<kind>", **TESTED},
        "AnswerKey",
        ANSWER_KEY,
        "QualificationType",
    ),
}


class Place(NamedTuple):
    """A running gateway, who asks it, and what is lying about near it."""

    gateway: EmbeddedGateway
    requester: object
    ids: dict[str, str]
    secret: str
    listener: str
    visitors: list


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A gateway that takes bodies of several megabytes, a file with a secret, and somebody who waits for visitors."""
    folder = tmp_path_factory.mktemp("hostile")
    secret = folder / "secret.txt"
    secret.write_text(SECRET)
    (folder / "secret.dtd").write_text(f'<!ENTITY leak "{SECRET}">')
    with (
        waiting() as (listener, visitors),
        EmbeddedGateway(Settings(data=folder / "data", body_limit=8 * MEGABYTE)) as made,
    ):
        requester = made.add_requester("lab")
        made_type = one(ask(made.url, requester, "RegisterHITType", *HIT_TYPE.items()), "HITTypeId")
        kind = one(
            ask(made.url, requester, "CreateQualificationType", Name="Tested", Description="D", **TESTED),
            "QualificationTypeId",
        )
        yield Place(made, requester, {"<type>": made_type, "<kind>": kind}, secret.as_uri(), listener, visitors)


@contextmanager
def waiting():
    """A URL on this machine, and a list that grows with every connection to it."""
    visitors = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def welcome():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                visitors.append(connection.recv(1024))
                connection.close()

        thread = threading.Thread(target=welcome, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", visitors
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


READABLE = '<>/=" !-'
"""What is sent as it is, so that the longest documents are not the longer for it."""


def send(place, taker, document):
    """The response to a request with such a document."""
    pairs = {name: place.ids.get(value, value) for name, value in taker.pairs.items() if name != taker.name}
    query = signed_query(place.requester, taker.operation, *pairs.items())
    return post(f"{place.gateway.url}/", f"{query}&{taker.name}={quote(document, safe=READABLE)}".encode())


def refusal(response, taker):
    """The code of an error that stands in its place."""
    root = parse(response.content)
    assert response.status_code == 200
    assert [child.tag for child in root] == ["OperationRequest", taker.result]
    assert [child.tag for child in root[1]] == ["Request"]
    assert one(root, "IsValid") == "False"
    return one(root, "Code")


def declared(good, subset, leak=""):
    """The good document behind a document type declaration, with a reference in its first text."""
    root = good[1:].split(" ", 1)[0]
    start, text, end = good.partition("<Text>" if "<Text>" in good else "<QuestionIdentifier>")
    if not text:
        start, text, end = good.partition("<ExternalURL>")
    return f"<!DOCTYPE {root} {subset}>{start}{text}{leak}{end}"


def laughs(levels, width):
    """Entities of entities: text without end for who expands them."""
    entities = '<!ENTITY a0 "ha">' + "".join(
        f'<!ENTITY a{level} "{f"&a{level - 1};" * width}">' for level in range(1, levels)
    )
    return f"[{entities}]", f"&a{levels - 1};"


def many(start):
    return (f"{start}{number}='x'" for number in range(3_000))


def hostile(good, secret, listener):
    """Documents that nobody should read any further, by what they try."""
    dtd = secret.replace(".txt", ".dtd")
    return {
        "a declaration": declared(good, ""),
        "an entity": declared(good, '[<!ENTITY a "b">]', "&a;"),
        "an entity in an attribute": declared(good, '[<!ENTITY a "b"><!ATTLIST x y CDATA "&a;">]'),
        "an entity that was never declared": good.replace("><", ">&nothing;<", 1),
        "a file": declared(good, f'[<!ENTITY a SYSTEM "{secret}">]', "&a;"),
        "a page": declared(good, f'[<!ENTITY a SYSTEM "{listener}/entity">]', "&a;"),
        "a public identifier": declared(good, f'PUBLIC "-//W3C//DTD XHTML 1.0//EN" "{listener}/public"'),
        "a declaration elsewhere": declared(good, f'SYSTEM "{listener}/dtd"', "&leak;"),
        "a declaration in a file": declared(good, f'SYSTEM "{dtd}"', "&leak;"),
        "a parameter entity": declared(good, f'[<!ENTITY % e SYSTEM "{listener}/parameter"> %e;]'),
        "a parameter entity of a file": declared(good, f'[<!ENTITY % e SYSTEM "{dtd}"> %e;]', "&leak;"),
        "a notation": declared(
            good, f'[<!NOTATION n SYSTEM "{listener}/notation"><!ENTITY a SYSTEM "{secret}" NDATA n>]'
        ),
        "a billion laughs": declared(good, *laughs(10, 10)),
        "a quadratic blow-up": declared(good, f'[<!ENTITY a "{"a" * 20_000}">]', "&a;" * 5_000),
        "an entity of itself": declared(good, '[<!ENTITY a "&b;"><!ENTITY b "&a;">]', "&a;"),
        "20 000 levels": "<a>" * 20_000,
        "closed levels": "<a>" * 8_000 + "</a>" * 8_000,
        "a million levels": "<a>" * 1_000_000,
        "a million levels inside": good.replace("><", ">" + "<a>" * 1_000_000 + "<", 1),
        "300 000 closed levels": "<a>" * 300_000 + "</a>" * 300_000,
        "a huge attribute": f'<a b="{"c" * 2 * MEGABYTE}"/>',
        "an attribute of 60 000": good.replace(">", f' a="{"b" * 60_000}">', 1),
        "many attributes": f"<a {' '.join(many('b'))}/>",
        "a huge name": f"<{'a' * 2 * MEGABYTE}/>",
        "many namespaces": f"<a {' '.join(many('xmlns:n'))}/>",
        "a huge text": f"<a>{'b' * 2 * MEGABYTE}</a>",
        "a huge comment": f"<!--{'b' * 2 * MEGABYTE}-->{good}",
        "another encoding": good.replace("<", "\ufeff<", 1) + "<",
        "no end": good[:-3],
        "nothing but blanks": " \n",
        "two roots": good + good,
        "a control character": good.replace("><", ">\x01<", 1),
    }


HARMLESS = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
NAMES = hostile(QUESTION, "file:///secret.txt", "http://127.0.0.1").keys()


def seconds(place, taker, document):
    """How long an answer took, and the answer."""
    start = time.perf_counter()
    response = send(place, taker, document)
    return time.perf_counter() - start, response


@pytest.fixture(scope="module")
def usual(place):
    """How long it takes to answer a request with as many bytes that need no reading, by the number of bytes."""
    taker, known = TAKERS["CreateHIT"], {}

    def measure(size):
        rounded = max(1, size // MEGABYTE)
        if rounded not in known:
            filling = "x" * (rounded * MEGABYTE)
            known[rounded] = min(seconds(place, taker, filling)[0] for _ in range(3))
        return known[rounded]

    return measure


SLOWER = 10
"""How many times longer than such a request one may take, on a busy machine too."""
LEEWAY = 0.5


@pytest.mark.parametrize("name", TAKERS)
def test_a_hostile_document_is_refused_at_once_and_nothing_is_read(place, usual, name):
    taker, found, expected, late = TAKERS[name], {}, {}, {}
    for what, document in hostile(taker.good, place.secret, place.listener).items():
        taken, response = seconds(place, taker, document)
        found[what] = refusal(response, taker)
        expected[what] = NOT_MARKUP
        assert SECRET not in response.text, what
        allowed = SLOWER * usual(len(document)) + LEEWAY
        if taken > allowed:
            # Somebody else may have been at work on this machine.
            taken = min(taken, seconds(place, taker, document)[0])
        if taken > allowed:
            late[what] = taken, allowed

    assert found == expected
    assert late == {}
    assert place.visitors == []


def test_a_file_that_is_named_is_not_even_opened(place, tmp_path):
    """Of a pipe one can see that somebody has read from it: what was in it is gone."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    os.write(end, SECRET.encode())
    for taker in TAKERS.values():
        for subset, leak in (
            (f'[<!ENTITY a SYSTEM "{pipe.as_uri()}">]', "&a;"),
            (f'SYSTEM "{pipe.as_uri()}"', ""),
            (f'[<!ENTITY % e SYSTEM "{pipe}"> %e;]', ""),
        ):
            assert refusal(send(place, taker, declared(taker.good, subset, leak)), taker) == NOT_MARKUP
    left = os.read(end, 1024)
    os.close(end)

    assert left.decode() == SECRET


def test_what_was_refused_made_nothing(place):
    for taker in TAKERS.values():
        send(place, taker, declared(taker.good, '[<!ENTITY a "b">]', "&a;"))

    assert one(ask(place.gateway.url, place.requester, "SearchHITs"), "TotalNumResults") == "0"
    assert texts(
        ask(place.gateway.url, place.requester, "SearchQualificationTypes", MustBeOwnedByCaller=1), "Name"
    ) == ["Tested"]


@pytest.mark.parametrize(
    "name", ["CreateHIT, a form", "CreateQualificationType, test", "UpdateQualificationType, test"]
)
def test_xhtml_inside_of_a_form_is_no_way_around(place, name):
    """FormattedContent is a document of its own inside of the document."""
    taker, found = TAKERS[name], {}
    hidden = {
        "an entity": '<!DOCTYPE p [<!ENTITY a "b">]><p>&a;</p>',
        "a file": f'<!DOCTYPE p [<!ENTITY a SYSTEM "{place.secret}">]><p>&a;</p>',
        "a page": f'<!DOCTYPE p SYSTEM "{place.listener}/xhtml"><p>x</p>',
        "laughs": f"<!DOCTYPE p {laughs(10, 10)[0]}><p>&a9;</p>",
        "levels": "<b>" * 15_000,
        "closed levels": "<b>" * 7_000 + "</b>" * 7_000,
        "a script": "<script>alert(1)</script>",
        "an attribute": f'<p title="{"x" * 50_000}&lt;">',
    }
    for what, xhtml in hidden.items():
        document = taker.good.replace("<Text>?</Text>", f"<FormattedContent><![CDATA[{xhtml}]]></FormattedContent>")
        response = send(place, taker, document)
        found[what] = refusal(response, taker)
        assert SECRET not in response.text

    assert found == dict.fromkeys(hidden, NOT_XHTML)
    assert place.visitors == []


@pytest.mark.parametrize(
    "hint",
    [
        f'{HARMLESS} xsi:schemaLocation="urn:x LISTENER/schema"',
        f'{HARMLESS} xsi:noNamespaceSchemaLocation="LISTENER/schema"',
        'xmlns:xi="http://www.w3.org/2001/XInclude" xml:base="LISTENER/base"',
    ],
)
@pytest.mark.parametrize("name", TAKERS)
def test_a_reference_that_is_only_a_hint_is_not_followed(place, name, hint):
    """Whether such a document is taken or not, nothing that it names is read."""
    taker = TAKERS[name]
    hinting = taker.good.replace(" xmlns=", f" {hint.replace('LISTENER', place.listener)} xmlns=", 1)
    styled = f'<?xml-stylesheet href="{place.listener}/style" type="text/xsl"?>{taker.good}'
    including = taker.good.replace(
        "><", f'><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{place.secret}" parse="text"/><', 1
    )
    for document in (hinting, styled, including):
        # Only looked at, so that no example makes anything for the next.
        pairs = {**taker.pairs, "UniqueRequestToken": "hint"}
        response = send(place, taker._replace(pairs=pairs), document)
        assert response.status_code == 200
        assert SECRET not in response.text
    assert place.visitors == []


def test_others_are_answered_while_hostile_documents_come_in(place):
    """As soon as when nobody sends any, but for the time that the processor has to share."""
    other = place.gateway.add_requester("other")

    def wait():
        start = time.perf_counter()
        answer = post(f"{place.gateway.url}/", signed_query(other, "GetAccountBalance"))
        assert one(parse(answer.content), "IsValid") == "True"
        return time.perf_counter() - start

    alone = max(wait() for _ in range(10))
    documents = hostile(FORM, place.secret, place.listener)
    wicked = [documents[what] for what in ("a million levels", "a billion laughs", "a huge attribute", "20 000 levels")]
    with ThreadPoolExecutor(4) as crowd:
        under_way = [crowd.submit(send, place, TAKERS["CreateHIT, a form"], document) for document in wicked * 3]
        waits = [wait()]
        while not all(answered.done() for answered in under_way):
            waits.append(wait())
        codes = {refusal(answered.result(), TAKERS["CreateHIT"]) for answered in under_way}

    assert codes == {NOT_MARKUP}
    assert sorted(waits)[len(waits) // 2] < 10 * alone + LEEWAY
    assert max(waits) < 20 * alone + 4 * LEEWAY


def test_a_million_levels_do_not_even_come_in_by_default(gateway, requester):
    query = signed_query(requester, "CreateHIT", *HIT_TYPE.items(), ("LifetimeInSeconds", "60"))
    answer = post(f"{gateway.url}/", f"{query}&Question={'<a>' * 1_000_000}")

    assert (answer.status_code, one(parse(answer.content), "Code")) == (413, "InvalidRequest")
