"""Who meets which requirements (modern-mturk 2.3), against a second opinion."""

from __future__ import annotations

import itertools
from collections import Counter
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert, select

from mturk_gateway.marketplace.services.qualifying.eligibility import Standing
from mturk_gateway.marketplace.tables import assignments, hits, qualifications, workers

NUMBER, PERCENT = "00000000000000000040", "000000000000000000L0"
LOCALE, ADULT = "00000000000000000071", "00000000000000000060"
MASTERS, WITHDRAWN = "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "000000000000000000S0"
GRANTED = ("own", "other", MASTERS, WITHDRAWN)
MOST_WORK = 130
LEVELS = ("Accept", "PreviewAndAccept", "DiscoverPreviewAndAccept")


def place(text):
    """A locale of a country, or of a country and a subdivision with a hyphen between."""
    return dict(zip(("Country", "Subdivision"), text.split("-"), strict=False)) if text else None


places = st.sampled_from(["US", "US-CA", "US-NY", "IN", "DE-NY"]).map(place)
numbers = st.sampled_from([0, 1, 5, 93, 94, 99, 100])


@st.composite
def requirements(draw):
    kind = draw(st.sampled_from([*GRANTED, NUMBER, PERCENT, LOCALE, ADULT]))
    single = ["EqualTo", "NotEqualTo"]
    if kind != LOCALE:
        single += ["LessThan", "LessThanOrEqualTo", "GreaterThan", "GreaterThanOrEqualTo"]
    comparator = draw(st.sampled_from([*single, "In", "NotIn", "Exists", "DoesNotExist"]))
    level = draw(st.sampled_from(LEVELS))
    made = {"QualificationTypeId": kind, "Comparator": comparator, "ActionsGuarded": level}
    if not comparator.endswith(("Exists", "Exist")):
        name, values = ("LocaleValues", places) if kind == LOCALE else ("IntegerValues", numbers)
        made[name] = draw(st.lists(values, min_size=1, max_size=3 if comparator.endswith("In") else 1))
    return made


people = st.fixed_dictionaries(
    {
        "place": st.none() | places,
        "adult": st.booleans(),
        # For each type the status and the value of a grant, or nothing.
        "grants": st.dictionaries(
            st.sampled_from(GRANTED), st.tuples(st.sampled_from(["Granted", "Granted", "Revoked"]), numbers)
        ),
        "work": st.fixed_dictionaries(
            {
                "Approved": st.sampled_from([0, 1, 5, 93, 94]),
                "Rejected": st.sampled_from([0, 1, 5, 6]),
                "Submitted": st.sampled_from([0, 1, 7]),
            }
        ),
    }
)


def value_of(person, kind):
    """The second opinion on what a worker has: a number, a place or nothing."""
    work = person["work"]
    if kind == LOCALE:
        return person["place"]
    if kind == ADULT:
        return 1 if person["adult"] else 0
    if kind == NUMBER:
        return work["Approved"]
    if kind == PERCENT:
        few = work["Approved"] + work["Rejected"] + work["Submitted"] < 100
        return 100 if few else work["Approved"] * 100 // (work["Approved"] + work["Rejected"])
    status, value = person["grants"].get(kind, ("Revoked", None))
    return value if status == "Granted" else None


def meets(person, requirement):
    """The second opinion on a requirement."""
    value = value_of(person, requirement["QualificationTypeId"])
    wanted = requirement.get("IntegerValues", [])
    # A place is among those wanted if it says all that one of them says.
    inside = value in wanted or any(
        place.items() <= (value or {}).items() for place in requirement.get("LocaleValues", [])
    )
    return {
        "Exists": lambda: value is not None,
        "DoesNotExist": lambda: value is None,
        "EqualTo": lambda: value is not None and inside,
        "In": lambda: value is not None and inside,
        "NotEqualTo": lambda: value is not None and not inside,
        "NotIn": lambda: value is not None and not inside,
        "LessThan": lambda: value is not None and value <= wanted[0] - 1,
        "LessThanOrEqualTo": lambda: value is not None and value <= wanted[0],
        "GreaterThan": lambda: value is not None and value >= wanted[0] + 1,
        "GreaterThanOrEqualTo": lambda: value is not None and value >= wanted[0],
    }[requirement["Comparator"]]()


class Panel:
    """Workers with a past, in a house with HITs of one requester in each realm."""

    def __init__(self, house):
        self.database = house.database
        self.count = itertools.count(1)
        self.own = {}
        clients = {sandbox: house.client(f"s{sandbox}", sandbox=sandbox) for sandbox in (False, True)}
        for name in ("own", "other"):
            made = clients[False].create_qualification_type(
                Name=name, Description="D", QualificationTypeStatus="Active"
            )
            self.own[name] = made["QualificationType"]["QualificationTypeId"]
        self.hits = {}
        for sandbox, client in clients.items():
            first = house.create_hit(client)["HITId"]
            with self.database.writing() as connection:
                row = connection.execute(select(hits).where(hits.c.id == first)).mappings().one()
                copies = [{**row, "id": f"{first[:-4]}{number:04}"} for number in range(MOST_WORK)]
                numbered = [{**copy, "change": number} for number, copy in enumerate(copies, start=2)]
                connection.execute(insert(hits), numbered)
            self.hits[sandbox] = [copy["id"] for copy in copies]

    def hire(self, connection, *, place=None, adult=False, grants=(), work=(), sandbox=False, registered=True):
        """The id of a new worker like that, whose work was in a realm."""
        identifier = f"A{next(self.count)}"
        if registered:
            known = {"country": (place or {}).get("Country"), "subdivision": (place or {}).get("Subdivision")}
            connection.execute(insert(workers).values(id=identifier, creation_time=0, adult=adult, **known))
        for kind, (status, value) in dict(grants).items():
            named = {"qualification_type_id": self.own.get(kind, kind), "worker_id": identifier}
            connection.execute(
                insert(qualifications).values(**named, status=status, value=value, grant_time=0, newest_first=0)
            )
        states = list(Counter(dict(work)).elements())
        done = [
            {"id": f"3{next(self.count)}", "hit_id": hit_id, "worker_id": identifier, "state": state}
            | {"accept_time": 0, "deadline": 0, "change": next(self.count), "given_up_at": None}
            for hit_id, state in zip(self.hits[sandbox], states, strict=False)
        ]
        if done:
            connection.execute(insert(assignments), done)
        return identifier

    def name(self, requirement):
        kind = requirement["QualificationTypeId"]
        return {**requirement, "QualificationTypeId": self.own.get(kind, kind)}

    def value(self, *kinds, sandbox=False, **person):
        """What requirements see of a new worker for each type, found by trying all values up to 200."""
        with self.database.writing() as connection:
            standing = Standing(connection, self.hire(connection, **person), sandbox=sandbox)
            return [
                next(
                    number
                    for number in range(200)
                    if not standing.unmet(
                        [{"QualificationTypeId": kind, "Comparator": "EqualTo", "IntegerValues": [number]}]
                    )
                )
                for kind in kinds
            ]


@pytest.fixture
def panel(house):
    return Panel(house)


def test_whatever_is_required_of_whomever(panel):
    with panel.database.writing() as connection:

        @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(person=people, wanted=st.lists(requirements(), max_size=6))
        def check(person, wanted):
            grants = {panel.own.get(kind, kind): grant for kind, grant in person["grants"].items()}
            wanted = [panel.name(requirement) for requirement in wanted]
            failing = [requirement for requirement in wanted if not meets({**person, "grants": grants}, requirement)]
            standing = Standing(connection, panel.hire(connection, **person), sandbox=False)
            assert standing.unmet(wanted) == failing
            # A worker who fails at one level is kept from that and from all that takes more.
            lost = {requirement["ActionsGuarded"] for requirement in failing}
            assert standing.permits(wanted, "Accept") == (not lost)
            assert standing.permits(wanted, "Preview") == (not lost - {"Accept"})
            assert standing.permits(wanted, "Discover") == ("DiscoverPreviewAndAccept" not in lost)

        check()


ADMITTED = [
    ("EqualTo", ["US"], ["US", "US-CA", "US-NY"]),
    ("EqualTo", ["US-CA"], ["US-CA"]),
    ("NotEqualTo", ["US-CA"], ["US", "US-NY", "IN", "DE-NY"]),
    ("NotEqualTo", ["US"], ["IN", "DE-NY"]),
    ("In", ["US-NY", "IN"], ["US-NY", "IN"]),
    ("NotIn", ["US-NY", "IN"], ["US", "US-CA", "DE-NY"]),
    ("Exists", [], ["US", "US-CA", "US-NY", "IN", "DE-NY"]),
    ("DoesNotExist", [], [None]),
]


def test_a_country_stands_for_all_its_subdivisions_and_nowhere_is_in_none(panel):
    with panel.database.writing() as connection:
        homes = {
            text: panel.hire(connection, place=place(text)) for text in ("US", "US-CA", "US-NY", "IN", "DE-NY", None)
        }
        for comparator, wanted, admitted in ADMITTED:
            requirement = {"QualificationTypeId": LOCALE, "Comparator": comparator}
            requirement |= {"LocaleValues": [place(text) for text in wanted]} if wanted else {}
            met = [
                text
                for text, worker in homes.items()
                if not Standing(connection, worker, sandbox=False).unmet([requirement])
            ]
            assert admitted == met, (comparator, wanted)


def test_the_rate_is_100_until_100_were_submitted_and_is_rounded_down(panel):
    def rate(**work):
        return panel.value(PERCENT, work=work)[0]

    assert rate() == 100
    assert rate(Rejected=99) == 100
    assert rate(Rejected=98, Submitted=1) == 100
    assert rate(Rejected=100) == 0
    assert rate(Approved=95, Rejected=6) == 94
    assert rate(Approved=95, Rejected=5) == 95
    assert rate(Approved=60, Rejected=20, Submitted=20) == 75
    assert rate(Submitted=120) == 100
    assert rate(Rejected=99, Accepted=5, Returned=5, Abandoned=5) == 100


def test_approvals_count_in_their_own_realm_whoever_gave_them(panel, house):
    assert panel.value(NUMBER, PERCENT, work={"Approved": 3, "Rejected": 120}) == [3, 2]
    elsewhere = {"work": {"Approved": 3, "Rejected": 120}}
    with panel.database.writing() as connection:
        worker = panel.hire(connection, **elsewhere, sandbox=True)
        exactly = {"Comparator": "EqualTo", "IntegerValues": [3]}
        here, there = (Standing(connection, worker, sandbox=sandbox) for sandbox in (False, True))
        assert here.unmet([{"QualificationTypeId": NUMBER, **exactly}])
        assert not there.unmet([{"QualificationTypeId": NUMBER, **exactly}])
    for name in ("bob", "carol"):
        hit = house.create_hit(house.client(name), AutoApprovalDelayInSeconds=0)
        house.work(hit, "A1BUSY")
    two = {"QualificationTypeId": NUMBER, "Comparator": "EqualTo", "IntegerValues": [2]}
    with panel.database.reading() as connection:
        assert not Standing(connection, "A1BUSY", sandbox=False).unmet([two])


def test_of_somebody_who_never_came_only_what_was_granted_is_known(panel):
    wanted = [
        {"QualificationTypeId": panel.own["own"], "Comparator": "EqualTo", "IntegerValues": [5]},
        {"QualificationTypeId": ADULT, "Comparator": "EqualTo", "IntegerValues": [0]},
        {"QualificationTypeId": NUMBER, "Comparator": "EqualTo", "IntegerValues": [0]},
        {"QualificationTypeId": PERCENT, "Comparator": "EqualTo", "IntegerValues": [100]},
        {"QualificationTypeId": LOCALE, "Comparator": "DoesNotExist"},
    ]
    with panel.database.writing() as connection:
        worker = panel.hire(connection, grants={"own": ("Granted", 5)}, registered=False)

        assert Standing(connection, worker, sandbox=False).unmet(wanted) == []


@contextmanager
def statements(database):
    """Counts what the database is asked."""
    seen = []

    def count(_connection, _cursor, statement, *_others):
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", count)
    yield seen
    event.remove(database.engine, "before_cursor_execute", count)


def test_only_what_is_required_is_read_and_only_once(panel):
    def required(*kinds):
        return [{"QualificationTypeId": kind, "Comparator": "Exists"} for kind in kinds]

    with panel.database.reading() as connection, statements(panel.database) as asked:
        standing = Standing(connection, "A1", sandbox=False)
        counts = []
        for wanted in (
            required(),
            required(ADULT),
            required(LOCALE, ADULT),
            required(*panel.own.values(), MASTERS),
            required(MASTERS),
            required(NUMBER),
            required(PERCENT, NUMBER, *panel.own.values()),
        ):
            standing.unmet(wanted)
            counts.append(len(asked))

    assert counts == [0, 1, 1, 2, 2, 3, 3]
