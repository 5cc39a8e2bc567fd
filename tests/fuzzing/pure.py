"""What reads without asking anybody: the grammar of queries, XML, and the JSON of the modern API."""

from __future__ import annotations

from fractions import Fraction

from fuzzing import bodies, markup, queries
from fuzzing.oracles import check_no_leak, check_xml, require
from mturk_gateway.marketplace.documents import answer_keys, answers, questions
from mturk_gateway.marketplace.documents.answering import answers_for, check_answers
from mturk_gateway.marketplace.documents.answers import Answer, Chosen
from mturk_gateway.marketplace.documents.forms import QuestionForm
from mturk_gateway.marketplace.documents.layouts import merge_layout
from mturk_gateway.marketplace.documents.markup import DocumentError
from mturk_gateway.marketplace.protocol import errors, wire
from mturk_gateway.marketplace.protocol.validation import validate
from mturk_gateway.question import Question
from mturk_translators.document import answer, front_refusal, whole_refusal
from mturk_translators.faults import Fault, Place
from mturk_translators.operation import Context
from mturk_translators.query import merge, parse_pairs
from mturk_translators.response import give_refusal, give_validity
from mturk_translators.xml import Element, MarkupError, Node, oddities, parse, read, render_document

_ID = "01234567-89ab-4cde-8f01-23456789abcd"
_CONTEXT = Context("token", 604_800, 1_767_225_600, _ID)


def check_query(data):
    """A query is read, and what it asks is translated, or it is refused in the form of the legacy API."""
    try:
        question = Question(merge(parse_pairs(data)))
    except Fault as fault:
        require(fault.place is Place.FRONT, "unreadable at another place:", fault)
        check_xml(fault.status, front_refusal(_ID, fault))
        return
    require(question.pairs == Question(merge(question.pairs)).pairs, "read otherwise the second time")
    question.walker("127.0.0.1", "program")
    try:
        asks = question.asks
    except Fault as fault:
        check_xml(fault.status, whole_refusal(question.operation, _ID, fault))
        return
    results = []
    for ask in asks:
        try:
            ask.translated(lambda: _CONTEXT, "account")
            results.append(give_validity(ask.asked))
        except Fault as fault:
            require(fault.place is Place.REQUEST, "refused at another place:", fault)
            results.append(give_refusal(ask.asked, fault))
    document = answer(asks[0].asked.name, _ID, results)
    check_no_leak(document, given=data)
    check_xml(200, document, asks[0].asked.name)


def check_xml_document(data):
    """A document is read or refused, by each of its readers; what is written of it reads the same."""
    try:
        root = parse(data)
    except MarkupError as error:
        check_no_leak(str(error).encode(errors="replace"), given=data)
    else:
        oddities(root)
        node = read(root)
        again = read(parse(render_document(_written(node))))
        require(again == _seen(node), "read otherwise when written:", node, again)
    text = data.decode("utf-8", "replace")
    for reader in (questions.read_question, questions.read_test, answer_keys.read_answer_key, answers.read_answers):
        try:
            made = reader(text)
        except DocumentError as error:
            check_no_leak(str(error).encode(errors="replace"), given=data)
        else:
            if isinstance(made, QuestionForm):
                _fill_in(made, text)
            elif isinstance(made, answer_keys.AnswerKey):
                _score(made, text)
    try:
        merge_layout(text, 450, {"title": text[:100], "0": "]]>"})
    except DocumentError as error:
        check_no_leak(str(error).encode(errors="replace"), given=data)
    written = answers.render_answers([("q1", text), (text[:40], "a|b"), ("q2", Chosen((text[40:60],), text[:9]))])
    require("q1" in answers.read_answers(written), "an answer is lost:", written[:300])


def _fill_in(form, text):
    given = [(question.identifier, text[:50]) for question in form.questions]
    check_answers(form, answers_for(form, given))


def _score(key, text):
    require(isinstance(key.mapping, Fraction | answer_keys.Ranges), "no mapping:", key)
    taken = [Answer(name, Chosen(tuple(next(iter(keyed.scores), ())))) for name, keyed in key.questions.items()]
    require(-(2**31) <= answer_keys.score(text, taken) < 2**31, "a score beyond all measure:", text)


def _written(node):
    children = tuple(map(_written, node.children))
    return Element(
        "_", children or node.text, tuple((f"a{place}", text) for place, text in enumerate(node.attributes.values()))
    )


def _seen(node):
    attributes = {f"a{place}": text for place, text in enumerate(node.attributes.values())}
    return Node("_", node.text, attributes, tuple(map(_seen, node.children)))


def check_body(data):
    """The body of a modern request, behind the name of its operation and a line break, is read or refused."""
    name, _, body = data.partition(b"\n")
    operation = name.decode("latin-1")
    if operation not in bodies.NAMES:
        operation = bodies.NAMES[sum(name) % len(bodies.NAMES)]
    try:
        checked = validate(operation, wire.parse_body(body))
    except errors.Fault as fault:
        require(fault.type in ("SerializationException", "ValidationException"), "refused with", fault.type)
        require(fault.status == 400, "refused with", fault.status)
        check_no_leak(fault.body(0, sandbox=False), given=data)
    else:
        require(validate(operation, checked) == checked, "read otherwise the second time:", checked)


def make_body(chance):
    """An input for `check_body`."""
    operation = chance.choice(bodies.NAMES)
    return operation.encode() + b"\n" + bodies.document(chance, operation)


make_query = queries.query
make_xml = markup.encoded
