"""Every parameter of every operation, wrong in every way: the documented code in its place, and nothing is written.

What is wrong with a value comes from `documented`. What is wrong with an object, somebody else's or in another state,
comes from the catalogue of the marketplace's errors: each refused modern call is made through the legacy API too.
"""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing, contextmanager
from types import SimpleNamespace
from typing import NamedTuple

import httpx
import pytest

from documented import (
    ALWAYS,
    ANSWER_KEY,
    AVAILABLE,
    FORM,
    FORMS,
    INVALID,
    MISSING,
    MTURK,
    PARAMETERS,
    RANGE,
    Wrong,
    code_in,
    good_request,
    operation_of,
    parameters_of,
    result_of,
)
from golden import REQUEST_ID, stage
from marketplace.conftest import House, TurnableClock
from marketplace.test_error_catalogue import BOBS_LAYOUT, LAYOUT, SITUATIONS, Player, World, filled
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.settings import Settings
from mturk_translators.operation import When
from mturk_translators.query import Pair
from mturk_translators.structures import Each, Price, Structure
from mturk_translators.xml import parse
from support import one, post, signed_query, texts

# The answers.


def refusal(response, operation):
    """Code and message of a request that was refused in its place: the Request of the result, and nothing beside it."""
    assert response.status_code == 200
    return refusal_in(response.content, operation)


def refusal_in(document, operation):
    root = parse(document)
    head, result = root
    assert (root.tag, head.tag, [child.tag for child in head]) == (
        f"{operation}Response",
        "OperationRequest",
        ["RequestId"],
    )
    assert (result.tag, [child.tag for child in result]) == (result_of(operation), ["Request"])
    if one(result, "IsValid") == "True":
        return "accepted", ""
    assert [child.tag for child in result[0]] == ["IsValid", "Errors"]
    assert one(result, "IsValid") == "False"
    return one(root, "Code"), one(root, "Message")


def judged(found, wrong):
    """What is to be told of an answer that is not as it should be; nothing when it is."""
    code, message = found
    if code != wrong.code:
        return f"{code}: {message[:200]}"
    return "" if wrong.told in message else f"does not say {wrong.told!r}: {message[:200]}"


class Case(NamedTuple):
    """A request with one thing wrong with it."""

    what: str
    pairs: dict[str, str]
    wrong: Wrong


def cases(form):
    """All bad requests of one form."""
    for parameter in PARAMETERS[form]:
        name, told = parameter.sent, parameter.name.removesuffix(".n").rpartition(".")[2]
        if parameter.needed:
            absent = Wrong("", MISSING, told if "." not in name or parameter.company else name.split(".")[0])
            having = parameter if parameter.company else None
            yield Case(f"{name} missing", good_request(form, without=name, having=having), absent)
            yield Case(f"{name} empty", {**good_request(form, having=having), name: ""}, absent)
        for wrong in parameter.wrong:
            pairs = {**good_request(form, having=parameter), name: wrong.value}
            yield Case(f"{name} {wrong.value[:30]!r}", pairs, wrong)
    for structure in structures(form):
        pairs = {key: value for key, value in good_request(form).items() if key.partition(".")[0] != structure}
        wrong = Wrong("", INVALID, structure)
        yield Case(f"{structure} as a text", {**pairs, structure: "5"}, wrong)
    yield from OF_SEVERAL.get(form, ())


def structures(form):
    """The names of the parameters that are structures."""
    dotted = [parameter.name.split(".") for parameter in PARAMETERS[form] if "." in parameter.name]
    return sorted({parts[0] for parts in dotted if parts[1:] != ["n"]})


def together(form, what, code, told, changes, *, early=True):
    """A request that is wrong as a whole; a parameter that becomes None is left out."""
    changed = {**good_request(form), **changes}
    pairs = {name: value for name, value in changed.items() if value is not None}
    return Case(what, pairs, Wrong("", code, told, early))


TEST = {"Test": FORM, "TestDurationInSeconds": "60"}
RECEPTOR = {
    "Notification.Transport": "REST",
    "Notification.Version": "2006-05-05",
    "Notification.EventType": "HITExpired",
}
UNREACHABLE = MTURK + "InvalidTransportEndpoint"

OF_SEVERAL = {
    "CreateHIT": [
        together("CreateHIT", what, code, told, changes)
        for what, code, told, changes in (
            # hits 5, note 1
            ("neither question nor layout", INVALID, "Question", {"Question": None}),
            ("question and layout", INVALID, "HITLayoutId", {"HITLayoutId": "<layout>"}),
            # structures 4 to 7
            ("no type", MISSING, "QualificationTypeId", {"QualificationRequirement.1.Comparator": "Exists"}),
            ("no comparator", MISSING, "Comparator", {"QualificationRequirement.1.QualificationTypeId": "<kind>"}),
            ("no name of a value", MISSING, "Name", {"HITLayoutParameter.1.Value": "you"}),
            ("no value of a name", MISSING, "Value", {"HITLayoutParameter.1.Name": "who"}),
            ("no policy", MISSING, "PolicyName", {"HITReviewPolicy.Parameter.1.Key": "QuestionIds"}),
        )
    ],
    "CreateHIT of a type": [
        together("CreateHIT of a type", "neither question nor layout", INVALID, "Question", {"Question": None}),
    ],
    # hits 10
    "ExtendHIT": [together("ExtendHIT", "by nothing", MISSING, "Increment", {"MaxAssignmentsIncrement": None})],
    # quals 6.6
    "GetBonusPayments": [together("GetBonusPayments", "of nothing", MISSING, "AssignmentId", {"HITId": None})],
    # quals 6.5: a Reward is no bonus.
    "GrantBonus": [
        together(
            "GrantBonus",
            "a reward",
            MISSING,
            "BonusAmount",
            {"BonusAmount.Amount": None, "Reward.1.Amount": "0.05"},
        )
    ],
    # quals 6.4
    "NotifyWorkers": [
        together("NotifyWorkers", "101 workers", RANGE, "WorkerId", {f"WorkerId.{n}": f"A{n}" for n in range(1, 102)})
    ],
    # quals 3.1 and 3.2: what a test needs, and what excludes one
    **{
        form: [
            together(form, "a test without an end", MISSING, "TestDurationInSeconds", {"Test": FORM}),
            together(form, "a key alone", INVALID, "AnswerKey", {"AnswerKey": ANSWER_KEY}, early=False),
            together(form, "granted with a test", INVALID, "AutoGranted", {**TEST, "AutoGranted": "1"}, early=False),
        ]
        for form in ("CreateQualificationType", "UpdateQualificationType")
    },
    # notif 2 to 4
    "SetHITTypeNotification": [
        together("SetHITTypeNotification", what, code, told, changes)
        for what, code, told, changes in (
            ("nothing", MISSING, "Notification", {"Active": None}),
            ("nobody", MISSING, "Destination", RECEPTOR),
            *(
                (place, UNREACHABLE, place, {**RECEPTOR, "Notification.Destination": place})
                for place in ("nowhere", "file:///etc/passwd", "https://")
            ),
        )
    ],
    "SendTestEventNotification": [
        together(
            "SendTestEventNotification", "to nowhere", UNREACHABLE, "nowhere", {"Notification.Destination": "nowhere"}
        )
    ],
}
"""Requests in which no single parameter is wrong."""


def test_the_entries_take_what_is_documented_and_nothing_else():
    taken = {name: parameters_of(entry) for name, entry in AVAILABLE.items()}
    known = {
        name: {parameter.name for form in FORMS if operation_of(form) == name for parameter in PARAMETERS[form]}
        for name in AVAILABLE
    }

    assert taken == known
    assert AVAILABLE.keys() == {operation_of(form) for form in FORMS}


# What can be refused without asking anybody.

IDS = {
    "hit": "3HIT",
    "hit_type": "3TYPE",
    "submitted": "3WORK",
    "kind": "3KIND",
    "accepted": "3REQUEST",
    "layout": LAYOUT,
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    with stage(tmp_path_factory.mktemp("stage")) as opened:
        yield opened


class Played(NamedTuple):
    """A request as a stage plays it: it has no reply to any call."""

    operation: str
    pairs: dict[str, str]
    now: float = 1_328_054_399.25

    @property
    def facts(self):
        return {"replies": [], "request_id": REQUEST_ID}

    def body(self, requester):
        return signed_query(requester, self.operation, *filled(self.pairs, IDS).items(), now=self.now).encode()


@pytest.mark.parametrize("form", FORMS)
def test_what_is_wrong_is_refused_before_anything_is_asked_of_the_upstream(opened, form):
    found = {}
    for case in cases(form):
        if case.wrong.early:
            for checked in ({}, {"Validate": "true"}):
                answer, calls = opened.play(Played(operation_of(form), {**case.pairs, **checked}))
                assert answer.status == 200
                found[case.what, bool(checked)] = judged(refusal_in(answer.document, operation_of(form)), case.wrong), calls

    assert {what: how for what, how in found.items() if how != ("", [])} == {}


@pytest.mark.parametrize("form", FORMS)
def test_what_is_right_is_not_refused_and_empty_is_as_good_as_absent(opened, form):
    requests = {"as it is": good_request(form)}
    for parameter in PARAMETERS[form]:
        requests[f"with {parameter.sent}"] = good_request(form, having=parameter)
        if not parameter.needed and parameter.sent not in ALWAYS.get(form, {}):
            requests[f"with an empty {parameter.sent}"] = {**good_request(form), parameter.sent: ""}
    found = {}
    for what, pairs in requests.items():
        answer, calls = opened.play(Played(operation_of(form), {**pairs, "Validate": "true"}))
        found[what] = refusal_in(answer.document, operation_of(form)), calls

    assert {what: how for what, how in found.items() if how != (("accepted", ""), [])} == {}


# What the embedded marketplace says.


class EmbeddedHouse(House):
    """The marketplace of a gateway, as the tests of marketplaces know theirs."""

    def credentials(self, name="alice", *, sandbox=False):
        if name not in self.keys:
            self.keys[name] = self.gateway.add_requester(name, sandbox=sandbox)
        return self.keys[name]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A gateway with something in each state, most of it alice's."""
    clock = TurnableClock()
    folder = tmp_path_factory.mktemp("world")
    with ExitStack() as stack:
        gateway = stack.enter_context(EmbeddedGateway(Settings(data=folder), clock))
        house = EmbeddedHouse(folder / "marketplace.db", clock, stack, stack.enter_context(httpx.Client()))
        house.gateway, house.url, house.database = gateway, gateway.url, gateway.house.marketplace
        player = Player(house, lambda call, **parameters: failure(house, call, parameters), sandbox=False)
        names = World(house, player).names
        names |= {"layout": LAYOUT, "bobs_layout": BOBS_LAYOUT}
        onlooker = stack.enter_context(closing(sqlite3.connect(house.path)))
        yield SimpleNamespace(gateway=gateway, house=house, player=player, names=names, onlooker=onlooker)


def failure(house, call, parameters):
    """What boto3 tells of a call that must fail, and the code that it does not tell."""
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response = caught.value.response
    code = house.body and code_in(house.body)
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], code, response["Error"]["Message"]


@contextmanager
def nothing_written(world):
    """Nobody writes anything to the marketplace meanwhile; SQLite changes the number whenever anybody else commits."""
    before = world.onlooker.execute("PRAGMA data_version").fetchone()
    yield
    assert world.onlooker.execute("PRAGMA data_version").fetchone() == before


def ask(world, operation, pairs, who="alice"):
    query = signed_query(world.house.credentials(who), operation, *filled(pairs, world.names).items())
    return post(f"{world.gateway.url}/", query)


@pytest.mark.parametrize("form", FORMS)
def test_each_bad_parameter_has_its_documented_code_and_nothing_is_written(world, form):
    operation, found = operation_of(form), {}
    with nothing_written(world):
        for case in cases(form):
            found[case.what] = judged(refusal(ask(world, operation, case.pairs), operation), case.wrong)

    assert {what: how for what, how in found.items() if how} == {}
