"""The grammar of parameters (legacy-common 6), and values in both directions, for the entry of every operation.

A request is drawn as a tree of what it says. However the tree is written down, it means the same modern parameters; and
what a modern reply holds is what Python's own parser reads out of the legacy answer.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import mturk_translators.operations
from documented import ALWAYS, AVAILABLE, FORMS, operation_of
from mturk_gateway.question import Questions
from mturk_translators import field as field_module
from mturk_translators.faults import Fault
from mturk_translators.fields import (
    Boolean,
    Choice,
    Choices,
    Constant,
    Double,
    Identifier,
    Integer,
    RetiringChoice,
    Text,
    TextOrNone,
    Time,
)
from mturk_translators.operation import Context, When
from mturk_translators.query import Node, Pair, nest
from mturk_translators.request import PageRequest, ReportsRequest, translate
from mturk_translators.response import Asked, give_result
from mturk_translators.rows import join, keep
from mturk_translators.shapes.notifications import Active, Specification
from mturk_translators.statistics import DayCount
from mturk_translators.structures import AutoGrantedValue, Each, Price, RequiredToPreview, Structure
from mturk_translators.values import WORKER_ID
from mturk_translators.versions import NEWEST
from mturk_translators.xml import finish, render_document

PROPERTY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
AS_DRAWN = settings(PROPERTY, phases=(Phase.explicit, Phase.reuse, Phase.generate))
"""Where it takes minutes to find the smallest request that fails."""
CONTEXT = Context("token", 604_800, 1_328_054_399, "d33692e5-8499-49e5-bbe9-078fdc5e2e1c")

# Trees: what a request says.


class Leaf(NamedTuple):
    """One text, and the modern value that it stands for."""

    text: str
    means: Any


class Words(NamedTuple):
    """Several words of a few."""

    words: list[str]


class Branch(NamedTuple):
    """Named members."""

    members: dict[str, Any]


IDENTIFIERS = st.text(alphabet="ABZ019", min_size=1, max_size=12)
TRUTHS = st.sampled_from(
    [(word, True) for word in ("true", "True", "TRUE", "1", "T", "t")]
    + [(word, False) for word in ("false", "False", "FALSE", "0", "F", "f")]
)
SENT = st.characters(codec="utf-8")
CLEAN = st.characters(codec="utf-8", exclude_characters=[chr(code) for code in range(0x20)])
PLACES = st.sampled_from(["https://example.com/a?b=c&d=%20+", "http://example.com:8080/"])
CENTS = st.integers(0, 10**10) | st.integers(1, 300)


def amounts():
    """Amounts as clients write them, and as the modern API wants them."""

    @st.composite
    def draw_one(draw):
        cents = draw(CENTS)
        exact = f"{cents // 100}.{cents % 100:02}"
        ways = [exact, exact + "000", f" {exact}", f"00{exact}"]
        ways += [exact.removesuffix("0")] * (cents % 10 == 0) + [str(cents // 100)] * (cents % 100 == 0)
        ways += [exact.removeprefix("0")] * (0 < cents < 100)
        return Leaf(draw(st.sampled_from(ways)), exact)

    return draw_one()


def numbers(field):
    """Whole numbers, with the extremes of their range among them."""
    high = 10**18 if field.high is None else field.high
    chosen = st.integers(field.low, high) | st.sampled_from([field.low, high])
    return st.builds(
        lambda number, how: Leaf(how.format("-" * (number < 0), abs(number)), number),
        chosen,
        st.sampled_from(["{}{}", " {}{}\t", "{}00{}"]),
    )


OF_THE_PRESENT = ("Estimated", "NumberHITsAssignable", "NumberHITsReviewable", "NumberAssignmentsPending")
"""Statistics that are not told for every period and number of days (hits 21)."""


def sayings(field) -> st.SearchStrategy[Any]:  # noqa: C901, PLR0911  # one case for each kind
    """What a request may say of a parameter."""
    match field:
        case Choices():
            return st.lists(st.sampled_from(field.values), min_size=1, unique=True).map(Words)
        case Choice():
            words = [word for word in field.values if not word.startswith(OF_THE_PRESENT)]
            return st.sampled_from(words).map(lambda word: Leaf(word, word))
        case RequiredToPreview():
            return TRUTHS.map(lambda truth: Leaf(truth[0], "PreviewAndAccept" if truth[1] else None))
        case Boolean():
            return TRUTHS.map(lambda truth: Leaf(*truth))
        case Integer():
            return numbers(field)
        case Price():
            positive = amounts().filter(lambda leaf: leaf.means != "0.00")
            currency = st.sampled_from([{}, {"CurrencyCode": Leaf("USD", None)}])
            return st.builds(lambda amount, rest: Branch({"Amount": amount, **rest}), positive, currency)
        case Structure():
            return members(field.fields).filter(bool).map(Branch)
        case Each():
            plain = not isinstance(field.of, Structure)
            unique = (lambda leaf: leaf.means) if plain else None
            return st.lists(sayings(field.of), min_size=1, max_size=3, unique_by=unique)
        case Identifier():
            prefix = "A" if field.form == WORKER_ID else ""
            return IDENTIFIERS.map(lambda text: Leaf(prefix + text, prefix + text))
        case Text(name="Destination"):
            return PLACES.map(lambda text: Leaf(text, text))
        case Text():
            longest = min(field.longest or 12, 12)
            texts = st.text(CLEAN if field.clean else SENT, min_size=field.shortest, max_size=longest)
            return texts.map(lambda text: Leaf(text, text))
    raise NotImplementedError(type(field).__name__)


def members(fields, chosen=None):
    """What a request may say of several parameters: all that is needed, and some of the rest."""
    needed = {field.name: sayings(field) for field in fields if field.required or field.name in (chosen or ())}
    others = {field.name: sayings(field) for field in fields if field.name not in needed}
    return st.fixed_dictionaries(needed, optional=others)


EXCLUDED = {"CreateHIT": "HITLayoutId", "CreateHIT of a type": "HITLayoutId"}


def fields_of(form):
    """The parameters of a form of request, by name."""
    entry = AVAILABLE[operation_of(form)]
    taken = []
    for part in entry.takes:
        if isinstance(part, When):
            taken += part.then if part.given == "Test" or part.given in ALWAYS.get(form, {}) else part.otherwise
        else:
            taken.append(part)
    fields = {field.name: field for field in (*taken, *entry.paging)}
    fields.pop(EXCLUDED.get(form), None)
    return fields


def requests(form):
    """What a request of an operation may say."""
    always = {name.split(".")[0] for name in ALWAYS.get(form, {})}
    tested = {"Test", "TestDurationInSeconds"} & fields_of(form).keys()
    return members(fields_of(form).values(), always | tested)


# Writing it down.


def spell(draw, name, tree):
    """Names and values of one way to say it."""
    match tree:
        case Leaf():
            return [(name + draw(st.sampled_from(["", "", ".1", ".0", ".4"])), tree.text)]
        case Branch():
            path = name + draw(st.sampled_from(["", ".1", ".0", ".7"]))
            return [pair for member, inner in tree.members.items() for pair in spell(draw, f"{path}.{member}", inner)]
        case Words():
            return spell_words(draw, name, tree.words)
    if all(isinstance(item, Leaf) for item in tree) and draw(st.booleans()):
        return [(name, item.text) for item in tree]
    if len(tree) == 1 and draw(st.booleans()):
        return spell(draw, name, tree[0])
    numbers = indexes(draw, len(tree))
    return [
        pair for number, item in zip(numbers, tree, strict=True) for pair in written_at(draw, f"{name}.{number}", item)
    ]


def written_at(draw, path, tree):
    """The same of an element that has its index already."""
    if isinstance(tree, Leaf):
        return [(path, tree.text)]
    return [pair for member, inner in tree.members.items() for pair in spell(draw, f"{path}.{member}", inner)]


def indexes(draw, number):
    """So many indexes in order, from 0 or 1 or anything, with gaps or without."""
    steps = draw(st.lists(st.sampled_from([1, 1, 1, 2, 9]), min_size=number, max_size=number))
    first = draw(st.integers(0, 2))
    return [first + sum(steps[:position]) for position in range(number)]


def spell_words(draw, name, words):
    """Joined by commas, repeated and indexed, in any mixture."""
    cuts = draw(st.sets(st.integers(1, len(words) - 1))) if len(words) > 1 else set()
    edges = [0, *sorted(cuts), len(words)]
    blank = draw(st.sampled_from(["", " "]))
    texts = [f",{blank}".join(words[start:end]) for start, end in pairwise(edges)]
    bare = draw(st.integers(0, len(texts)))
    numbers = indexes(draw, len(texts) - bare)
    if name == "ResponseGroup" and draw(st.booleans()):
        paths = [f"ResponseGroup{number}" for number in numbers]
    else:
        paths = [f"{name}.{number}" for number in numbers]
    return list(zip([name] * bare + paths, texts, strict=True))


def shuffled(draw, pairs):
    """The pairs in another order, in which those of one name keep theirs: only that order means anything."""
    values = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return [(name, values[name].pop(0)) for name, _ in draw(st.permutations(pairs))]


def encoded(draw, pairs):
    """Parameters as bytes: blanks as `+` or `%20`, with empty pairs between and around them."""
    encode = st.sampled_from([quote, quote_plus, lambda text, safe: quote(text, safe=safe + "/:?,;@!$'()*")])
    parts = [f"{draw(encode)(name, safe='.')}={draw(encode)(value, safe='')}" for name, value in pairs]
    return (draw(st.sampled_from(["", "&", "&&"])) + draw(st.sampled_from(["&", "&&"])).join(parts)).encode()


def sent(draw, pairs):
    """Query and body of a request: those of one name stand in one of the two."""
    names = sorted({name for name, _ in pairs})
    in_url = draw(st.sets(st.sampled_from(names))) if draw(st.booleans()) else set()
    return tuple(encoded(draw, [pair for pair in pairs if (pair[0] in in_url) == url]) for url in (True, False))


def plainly(name, tree):
    """Names and values in the documented way."""
    match tree:
        case Leaf():
            return [(name, tree.text)]
        case Branch():
            return [pair for member, inner in tree.members.items() for pair in plainly(f"{name}.1.{member}", inner)]
        case Words():
            return [(f"{name}.{number}", word) for number, word in enumerate(tree.words, 1)]
    return [
        (f"{name}.{number}{path.removeprefix(name + '.1')}", value)
        for number, item in enumerate(tree, 1)
        for path, value in (plainly(name, item) if isinstance(item, Branch) else [(f"{name}.1", item.text)])
    ]


# Reading it.


def meanings(query, body):
    """What each request of a batch comes to: its modern parameters and pages, or the code of its refusal."""
    question, _ = Questions().read(query, body)
    found = []
    for ask in question.asks:
        try:
            request = translate(ask.entry, ask.asked.given, CONTEXT)
        except Fault as fault:
            found.append((ask.asked.groups, fault.code))
        else:
            page = {
                PageRequest: lambda request: request,
                ReportsRequest: lambda request: [page for _, page in request.pages],
            }.get(type(request), lambda _: None)
            found.append((ask.asked.groups, request.params, page(request)))
    return found


def meant(fields, tree):
    """The modern members that a tree stands for."""
    found = {}
    for field in fields:
        value = meaning(field, tree[field.name]) if field.name in tree and counts(field, tree) else None
        value = field.default if value is None else value
        if value is not None:
            found[field.member] = list(value) if isinstance(value, tuple) else value
    return found


def counts(field, tree):
    """Whether what is said counts; a number of days does not where the period is another (hits 21)."""
    return not isinstance(field, DayCount) or tree["TimePeriod"].text == "OneDay"


def meaning(field, tree):
    match tree:
        case Leaf():
            return tree.means
        case Words():
            return tree.words
        case Branch() if isinstance(field, Price):
            return tree.members["Amount"].means
        case Branch():
            return meant(field.fields, tree.members)
    return [meaning(field.of, item) for item in tree]


GROUPS = st.lists(st.sampled_from(["Minimal", "Request", "HITDetail", "HITQuestion"]), max_size=3, unique=True)


def grouped(pairs_of, groups):
    """The parameters of a tree, and of the response groups beside it."""
    return pairs_of("ResponseGroup", Words(groups)) if groups else []


@pytest.mark.parametrize("form", FORMS)
@settings(AS_DRAWN, max_examples=12)
@given(data=st.data())
def test_a_request_means_the_same_however_it_is_written(form, data):
    operation, tree, groups = operation_of(form), data.draw(requests(form)), data.draw(GROUPS)
    plain = [("Operation", operation), *grouped(plainly, groups)]
    other = [("Operation", operation), *grouped(lambda *named: spell(data.draw, *named), groups)]
    for name, saying in tree.items():
        plain += plainly(name, saying)
        other += spell(data.draw, name, saying)
    (expected,) = meanings(b"", "&".join(f"{name}={quote(value, safe='')}" for name, value in plain).encode())

    own = [field for field in fields_of(form).values() if field not in AVAILABLE[operation].paging]
    assert (len(expected), expected[0]) == (3, AVAILABLE[operation].groups.chosen(tuple(groups)))
    assert {name: list(v) if isinstance(v, tuple) else v for name, v in expected[1].items()} == meant(own, tree)
    assert meanings(*sent(data.draw, shuffled(data.draw, other))) == [expected]


@pytest.mark.parametrize("form", FORMS)
@settings(AS_DRAWN, max_examples=5)
@given(data=st.data())
def test_a_batch_means_its_requests_with_what_they_share_and_what_they_override(form, data):
    """Parameters without the prefix are everybody's, unless a block says something else (legacy-common 6.3)."""
    operation = operation_of(form)
    trees = data.draw(st.lists(requests(form), min_size=1, max_size=3))
    everywhere = set.intersection(*(set(tree) for tree in trees))
    shared = data.draw(st.sets(st.sampled_from(sorted(everywhere)))) if everywhere else set()
    trees = [{**tree, **{name: trees[0][name] for name in shared}} for tree in trees]
    overridden = data.draw(st.sets(st.sampled_from(sorted(everywhere - shared)))) if everywhere - shared else set()
    pairs = [("Operation", operation)]
    for name in shared:
        pairs += spell(data.draw, name, trees[0][name])
    for name in overridden:
        pairs += spell(data.draw, name, data.draw(sayings(fields_of(form)[name])))
    expected = []
    for number, tree in zip(indexes(data.draw, len(trees)), trees, strict=True):
        alone = [("Operation", operation), *(pair for name, saying in tree.items() for pair in plainly(name, saying))]
        expected += meanings(b"", "&".join(f"{name}={quote(value, safe='')}" for name, value in alone).encode())
        for name in tree.keys() - shared:
            pairs += spell(data.draw, f"{operation}.{number}.{name}", tree[name])
        # A block that says nothing of its own is none.
        pairs.append((f"{operation}.{number}.Note", "1"))

    assert meanings(*sent(data.draw, shuffled(data.draw, pairs))) == expected


# Values in answers.

ANY = st.characters() | st.sampled_from("<>&\"'\r\n\t \0\x08\x1f\x7f\x85\ud800\udfff\ufffe\uffff\U0010ffff]")
TEXTS = st.text(ANY, max_size=8) | st.sampled_from(["]]>", "<!--", "<![CDATA[", "&amp;", "<Errors>", " a ", "\r\n"])
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
LARGE = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, -1, 2**31 - 1, -(2**31), 2**63 - 1])
MONEY = (
    st.decimals(0, 10**12, places=2) | st.decimals(0, 10**6, places=3) | st.sampled_from([Decimal(0), Decimal("0.1")])
)


def values(field):  # noqa: C901, PLR0911  # one case for each kind
    """What a modern reply may hold for an element."""
    match field:
        case Constant():
            return st.none()
        case RequiredToPreview():
            return st.sampled_from(["Accept", "PreviewAndAccept", "DiscoverPreviewAndAccept"])
        case Boolean():
            return st.booleans()
        case Integer():
            return LARGE
        case Double():
            return st.floats(allow_nan=False, allow_infinity=False)
        case Time():
            return MOMENTS | MOMENTS.map(datetime.timestamp)
        case Price():
            return MONEY.map(lambda amount: f"{amount:f}")
        case Structure():
            return reply_of(field.fields)
        case Each():
            return st.lists(values(field.of), max_size=3)
        case Identifier():
            return IDENTIFIERS
        case Text():
            return TEXTS.filter(bool) if field.required else TEXTS
    raise NotImplementedError(type(field).__name__)


def reply_of(fields):
    """A modern structure with these members."""
    needed = {field.member: values(field) for field in fields if field.required or is_looked_into(field)}
    others = {field.member: values(field) for field in fields if field.member not in needed}
    if any(isinstance(field, AutoGrantedValue) for field in fields):
        others["AutoGranted"] = st.booleans()
    return st.fixed_dictionaries(needed, optional=others)


def is_looked_into(field):
    """Whether a part of a result has members that it must have."""
    return isinstance(field, Structure) and field.group is None and any(inner.required for inner in field.fields)


def shown(text):
    """The text as XML can carry it: controls as pictures of them, what is no character as its replacement."""
    pictures = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n\r"}
    return "".join(
        "\ufffd" if "\ud800" <= sign <= "\udfff" or sign in "\ufffe\uffff" else sign
        for sign in text.translate(pictures)
    )


Tree = list[tuple[str, Any]]


def elements(fields, reply) -> Tree:
    """The elements that must be read out of an answer, with their texts or their children."""
    return [element for field in fields for element in element_of(field, reply.get(field.member), reply)]


def element_of(field, value, reply=None) -> Tree:  # noqa: C901  # one case for each kind
    name, text = field.name, None
    match field:
        case Constant():
            text = field.text
        case RequiredToPreview():
            text = "1" if "Preview" in (value or "") else "0"
        case Boolean():
            known = field.absent if value is None else value
            text = None if known is None else str(known).lower() if field.words else str(int(known))
        case AutoGrantedValue():
            text = str(value) if value is not None and reply.get("AutoGranted") else None
        case Integer():
            text = None if value is None else str(value)
        case Double():
            text = None if value is None else str(value)
        case Time():
            text = None if value is None else whole_second(value)
        case Price():
            amount = field.absent if value is None else value
            return [] if amount is None else [(name, price(Decimal(amount)))]
        case Structure():
            return [] if value is None else [(name, elements(field.fields, value) or "")]
        case Each():
            return [element for item in value or () for element in element_of(field.of, item)]
        case Text():
            text = shown(value) if value or (value == "" and field.empty) else None
        case Identifier():
            text = value or None
    return [] if text is None else [(name, text)]


def whole_second(moment):
    found = moment if isinstance(moment, datetime) else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment)
    return found.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def price(amount) -> Tree:
    cents = amount.quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    decimals = max(2, -amount.normalize().as_tuple().exponent)
    return [("Amount", f"{amount:.{decimals}f}"), ("CurrencyCode", "USD"), ("FormattedPrice", f"${cents:,}")]


def read(element) -> Any:
    """What Python's own parser finds in an element."""
    return [(child.tag, read(child)) for child in element] if len(element) else element.text or ""


def same(found, expected):
    """Whether two trees say the same; of money, zeros at the end say nothing."""
    if isinstance(expected, str) or isinstance(found, str):
        return found == expected
    return len(found) == len(expected) and all(
        one[0] == other[0] and (Decimal(one[1]) == Decimal(other[1]) if one[0] == "Amount" else same(one[1], other[1]))
        for one, other in zip(found, expected, strict=True)
    )


SHOWN = {name: entry for name, entry in AVAILABLE.items() if entry.gives}


def asked_for(name):
    entry = AVAILABLE[name]
    return Asked(name, entry, entry.groups.allowed - {"Request"} or entry.groups.default, NEWEST, Node())


def in_result(fields, reply, groups) -> Tree:
    """The same of a result: of its parts what the groups show, and no structure that would be empty."""
    found = []
    for field in fields:
        value = reply.get(field.member)
        if isinstance(field, Structure) and field.group is None:
            inner = elements([part for part in field.fields if part.group in (None, *groups)], value or {})
            found += [(field.name, inner)] if inner else []
        else:
            found += element_of(field, value, reply)
    return found


@pytest.mark.parametrize("name", SHOWN)
@settings(PROPERTY, max_examples=10)
@given(data=st.data())
def test_what_a_reply_holds_is_what_the_answer_says(name, data):
    entry = SHOWN[name]
    reply = data.draw(reply_of(entry.gives))
    document = render_document(give_result(asked_for(name), entry, {entry.reply: reply} if entry.reply else reply))
    request, *found = read(ET.fromstring(document))  # noqa: S314  # made here

    expected = in_result([part for part in entry.gives if part.known_to(NEWEST)], reply, asked_for(name).groups)
    assert request == ("Request", [("IsValid", "True")])
    assert same(found, expected), (found, expected)


PAGED = {name: entry.paged.listing for name, entry in AVAILABLE.items() if entry.paged and not entry.paged.only}


@pytest.mark.parametrize("name", PAGED)
@settings(PROPERTY, max_examples=10)
@given(data=st.data())
def test_what_rows_hold_is_what_a_page_says(name, data):
    listing, entry = PAGED[name], AVAILABLE[name]
    items = data.draw(st.lists(reply_of(listing.fields), max_size=3))
    kept = [(row.sections, row.source) for row in (keep(listing, item) for item in items)]
    markup = join(entry.paged, kept, entry.groups.allowed, NEWEST)
    found = read(ET.fromstring(b"<Rows>" + markup + b"</Rows>"))  # noqa: S314  # made here

    rows = [elements([field for field in listing.fields if field.known_to(NEWEST)], item) for item in items]
    expected = (
        [(listing.element, row or "") for row in rows] if listing.element else [pair for row in rows for pair in row]
    )
    assert same(found or [], expected), (found, expected)


# One kind of field after the other, there and back.

BOTH = {
    "text": Text("X"),
    "text or none": TextOrNone("X"),
    "identifier": Identifier("X"),
    "worker": Identifier("X", form=WORKER_ID),
    "whole number": Integer("X", low=-(2**31), high=2**31 - 1),
    "large number": Integer("X", low=0, high=2**63 - 1),
    "truth": Boolean("X"),
    "truth in words": Boolean("X", words=True),
    "word": Choice("X", values=("Ascending", "Descending")),
    "word that may retire": RetiringChoice("X", values=("A", "B"), retired=("C",)),
    "price": Price("X"),
    "preview": RequiredToPreview("X", modern="ActionsGuarded"),
    "value of a granted one": AutoGrantedValue("X", low=-5, high=5),
    "list": Each("X", Text("X")),
    "structure": Structure("X", (Text("A", required=True), Integer("B"), Price("C"), Each("D", Text("D")))),
    "list of structures": Each("X", Structure("X", (Text("A", required=True), Boolean("B")))),
}
ONE_WAY = {Time, Constant, Double, Choices, Active, Specification, DayCount}
"""Kinds that are only answered or only asked; the entries have them all, and so had the properties above."""


def _kinds(kind):
    found = {kind}
    for below in kind.__subclasses__():
        found |= _kinds(below)
    return found


def test_each_kind_of_field_goes_there_and_back_or_only_one_way():
    assert mturk_translators.operations.OPERATIONS
    assert _kinds(field_module.Field) - {field_module.Field} == {type(field) for field in BOTH.values()} | ONE_WAY


@pytest.mark.parametrize("field", BOTH.values(), ids=BOTH.keys())
@settings(PROPERTY, max_examples=40)
@given(data=st.data())
def test_what_a_client_says_is_what_it_gets_back_and_says_again(field, data):
    """Legacy text, modern value, legacy text, and the same modern value again."""
    saying = data.draw(sayings(field))
    taken = take(field, plainly("X", saying))
    reply = {"AutoGranted": True, **({} if taken is None else {field.member: taken})}
    markup = finish(field.give(field.find(reply), NEWEST)).markup
    found = read(ET.fromstring(b"<R>" + markup + b"</R>"))  # noqa: S314  # made here

    assert taken == meaning(field, saying)
    assert same(found or [], element_of(field, taken, reply)), found
    if not unsayable(saying):
        assert take(field, said_again(found)) == taken


def take(field, pairs):
    return field.take(nest(Pair(*pair) for pair in pairs))


def unsayable(saying):
    """Whether it holds what XML cannot carry, so that something else is read back, or nothing at all."""
    match saying:
        case Leaf():
            return saying.means is None or shown(saying.text) != saying.text
        case Branch():
            return any(map(unsayable, saying.members.values()))
    return any(map(unsayable, saying))


def said_again(found, path=""):
    """The parameters that elements would be."""
    numbers = Counter()
    for name, value in found:
        numbers[name] += 1
        if isinstance(value, str):
            yield f"{path}{name}.{numbers[name]}", value
        else:
            yield from said_again(value, f"{path}{name}.{numbers[name]}.")
