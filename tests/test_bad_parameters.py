"""Every parameter of every operation, wrong in every way: the documented code in its place, and nothing is written.

What is wrong with a value comes from `documented`. What is wrong with an object, somebody else's or in another state,
comes from the catalogue of the marketplace's errors: each refused modern call is made through the legacy API too.
"""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar, NamedTuple
from urllib.parse import urlencode

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
from golden import NOW, REQUEST_ID, stage
from marketplace.conftest import House, TurnableClock
from marketplace.test_error_catalogue import ADULT, BOBS_LAYOUT, LAYOUT, NOBODY, SITUATIONS, Player, World, filled
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.question import Questions
from mturk_gateway.settings import Settings
from mturk_translators.faults import Fault, Place
from mturk_translators.operation import Context, When
from mturk_translators.request import StepsRequest, UndertakingRequest
from mturk_translators.structures import Each, Price, Structure
from mturk_translators.xml import parse
from support import one, post, signed_query

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
    assert (result.tag, result[0].tag) == (result_of(operation), "Request")
    if one(result, "IsValid") == "True":
        return "accepted", ""
    assert [[child.tag for child in part] for part in (result, result[0])] == [["Request"], ["IsValid", "Errors"]]
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
        name = parameter.sent
        if parameter.needed or parameter.inside:
            absent = Wrong(
                "", MISSING, name.split(".")[0] if parameter.needed else name.removesuffix(".1").rpartition(".")[2]
            )
            request = good_request(form, having=parameter)
            yield Case(f"{name} empty", {**request, name: ""}, absent)
            request.pop(name)
            yield Case(f"{name} missing", request, absent)
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


def first_step(form, pairs):
    """What is done first for a request: the code and message of its refusal, or the question that is asked."""
    body = urlencode([("Operation", operation_of(form)), *filled(pairs, IDS).items()]).encode()
    (ask,) = Questions().read(b"", body)[0].asks
    context = Context("token", 604_800, 1_328_054_399, REQUEST_ID)
    try:
        request = ask.translated(lambda: context, "lab")
        if isinstance(request, UndertakingRequest):
            return "asked", str(next(request.undertaking.plan(request.params, context)))
        return "asked", str(next(request.steps)) if isinstance(request, StepsRequest) else "page"
    except Fault as fault:
        return fault.code, fault.message if fault.place is Place.REQUEST else fault.place.name


IDS = {
    "hit": "3HIT",
    "hit_type": "3TYPE",
    "submitted": "3WORK",
    "kind": "3KIND",
    "accepted": "3REQUEST",
    "layout": LAYOUT,
}


@pytest.mark.parametrize("form", FORMS)
def test_what_is_wrong_is_refused_before_anything_is_asked_of_the_upstream(form):
    found = {case.what: judged(first_step(form, case.pairs), case.wrong) for case in cases(form) if case.wrong.early}

    assert {what: how for what, how in found.items() if how} == {}


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    with stage(tmp_path_factory.mktemp("stage")) as opened:
        yield opened


@dataclass
class Played:
    """A request that is only checked, as a stage plays it."""

    operation: str
    pairs: dict[str, str]
    now: float = NOW
    facts: ClassVar = {"replies": []}

    def body(self, requester):
        pairs = {**filled(self.pairs, IDS), "Validate": "true"}
        return signed_query(requester, self.operation, *pairs.items(), now=self.now).encode()


@pytest.mark.parametrize("form", [form for form in FORMS if PARAMETERS[form] and form != "Help"])
def test_what_is_wrong_is_found_by_who_only_wants_it_checked(opened, form):
    case = next(case for case in cases(form) if case.wrong.early)
    answer, calls = opened.play(Played(operation_of(form), case.pairs))

    assert (judged(refusal_in(answer.document, operation_of(form)), case.wrong), calls) == ("", [])


@pytest.mark.parametrize("form", FORMS)
def test_what_is_right_is_not_refused_and_empty_is_as_good_as_absent(opened, form):
    requests = {"as it is": good_request(form)}
    for parameter in PARAMETERS[form]:
        requests[f"with {parameter.sent}"] = good_request(form, having=parameter)
        if not (parameter.needed or parameter.inside or parameter.sent in ALWAYS.get(form, {})):
            having = parameter if "." in parameter.name else None
            requests[f"with an empty {parameter.sent}"] = {**good_request(form, having=having), parameter.sent: ""}
    found = {}
    for what, pairs in requests.items():
        answer, calls = opened.play(Played(operation_of(form), pairs))
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


# What modern calls are refused for.

LEGACY = {
    "AcceptQualificationRequest": "GrantQualification",
    "AssociateQualificationWithWorker": "AssignQualification",
    "CreateAdditionalAssignmentsForHIT": "ExtendHIT",
    "CreateHITType": "RegisterHITType",
    "CreateHITWithHITType": "CreateHIT",
    "CreateWorkerBlock": "BlockWorker",
    "DeleteHIT": "DisposeHIT",
    "DeleteQualificationType": "DisposeQualificationType",
    "DeleteWorkerBlock": "UnblockWorker",
    "DisassociateQualificationFromWorker": "RevokeQualification",
    "ListAssignmentsForHIT": "GetAssignmentsForHIT",
    "ListBonusPayments": "GetBonusPayments",
    "ListHITs": "SearchHITs",
    "ListHITsForQualificationType": "GetHITsForQualificationType",
    "ListQualificationRequests": "GetQualificationRequests",
    "ListQualificationTypes": "SearchQualificationTypes",
    "ListReviewPolicyResultsForHIT": "GetReviewResultsForHIT",
    "ListWorkerBlocks": "GetBlockedWorkers",
    "ListWorkersWithQualificationType": "GetQualificationsForQualificationType",
    "SendBonus": "GrantBonus",
    "UpdateHITReviewStatus": "SetHITAsReviewing",
    "UpdateHITTypeOfHIT": "ChangeHITTypeOfHIT",
    "UpdateNotificationSettings": "SetHITTypeNotification",
}
"""What modern operations were called before, where it was something else (operations-index 1)."""


def legacy_operation(situation):
    if situation.parameters and "OverrideRejection" in situation.parameters:
        return "ApproveRejectedAssignment"
    return LEGACY.get(situation.operation, situation.operation)


def fields_of(entry):
    for taken in entry.takes:
        yield from (*taken.then, *taken.otherwise) if isinstance(taken, When) else (taken,)


def legacy_pairs(fields, params, path=""):
    """The legacy parameters that come to these modern members, as far as there are any."""
    for field in {field.member: field for field in fields}.values():
        if field.member in params:
            yield from _spelled(field, params[field.member], f"{path}{field.name}")


def _spelled(field, value, path):
    if isinstance(field, Price):
        yield f"{path}.Amount", value
    elif isinstance(field, Structure):
        yield from legacy_pairs(field.fields, value, f"{path}.")
    elif isinstance(field, Each):
        for number, item in enumerate(value, 1):
            yield from _spelled(field.of, item, f"{path}.{number}")
    elif isinstance(value, list):
        yield path, ",".join(value)
    else:
        yield path, str(value)


UNSAID = {
    "AssignmentStatuses": "the gateway lists them all, and shows those of the statuses asked for (hits 14)",
    "UpdateExpirationForHIT": "a legacy client says by how long, not until when (hits 10)",
    "NextToken": "a legacy client counts its pages",
    "MaxResults": "a legacy client counts its pages",
}
"""What legacy requests cannot say."""


def said(situation):
    """Whether a legacy client can ask the same."""
    words = {situation.operation, *(() if situation.raw else situation.parameters)}
    return not situation.raw and not words & UNSAID.keys() and legacy_operation(situation) in AVAILABLE


SAID = {name: situation for name, situation in SITUATIONS.items() if said(situation)}

ACCEPTED = "accepted"
HIT_DOES_NOT_EXIST = MTURK + "HITDoesNotExist"
DIFFERENT = {
    # A malformed ID names nothing (legacy-common 9.1).
    "GetHIT: hITId that must satisfy regular expressi": HIT_DOES_NOT_EXIST,
    "GetHIT: hITId that must have length less than or": HIT_DOES_NOT_EXIST,
    # Of both IDs that of the assignment counts (quals 6.6).
    "ListBonusPayments: assignment of another HIT": ACCEPTED,
    "ListBonusPayments: of nothing": MISSING,
    # It can be read that it was revoked (quals 5.4).
    "GetQualificationScore: of A2WORKER": ACCEPTED,
    # Who is nobody is reported, and the others are written to (quals 6.4).
    "NotifyWorkers: workerIds.2.member that must satisfy regular expressi": ACCEPTED,
    # There was no SNS, and what is needed was missing rather than wrong (notif 3).
    "SendTestEventNotification: SNS to nowhere": INVALID,
    "UpdateNotificationSettings: nothing": MISSING,
    # Under a token that has paid this very bonus, the bonus has been paid: an answer may have been lost (quals 6.5).
    "SendBonus: used token": ACCEPTED,
    # More than 100 are out of range (quals 6.4), and what a test needs is missing rather than wrong (quals 3.1).
    "NotifyWorkers: WorkerIds too long": RANGE,
    "CreateQualificationType: Test alone": MISSING,
    "UpdateQualificationType: Test alone": MISSING,
}
"""Where legacy clients are told something else, and why."""


def expected_code(modern):
    """The legacy code of a modern error (legacy-common 9.1)."""
    _, kind, code, message = modern
    if code is None:
        assert kind == "ValidationException"
        code = MISSING if "Value null at" in message else RANGE if "Member must have value" in message else INVALID
    return code


@pytest.mark.parametrize("operation", sorted({legacy_operation(situation) for situation in SAID.values()}))
def test_what_boto3_is_refused_legacy_clients_are_refused_with_the_same_code(world, operation):
    """The very objects of the catalogue: nobody's, somebody else's, and in each state that forbids it."""
    fields, found, expected = tuple(fields_of(AVAILABLE[operation])), {}, {}
    with nothing_written(world):
        for name, situation in SAID.items():
            if legacy_operation(situation) == operation:
                pairs = dict(legacy_pairs(fields, filled(situation.parameters, world.names)))
                modern = world.player.play(situation, world.names)
                expected[name] = DIFFERENT.get(name, expected_code(modern))
                assert name not in DIFFERENT or DIFFERENT[name] != expected_code(modern)
                found[name] = refusal(ask(world, operation, pairs, situation.who), operation)

    assert {name: how for name, how in found.items() if how[0] != expected[name]} == {}


def _of_hits(operation, *states, **others):
    """A HIT that is nobody's or somebody else's, or in a state that forbids the operation."""
    yield from (({"HITId": hit, **others}, HIT_DOES_NOT_EXIST) for hit in (NOBODY, "<bobs_hit>"))
    yield from (({"HITId": f"<{state}>", **others}, MTURK + "InvalidHITState") for state in states)


def _of_scores():
    """The same of a qualification type, and a worker who does not hold it any more, or never did."""
    pairs = {"QualificationTypeId": "<kind>", "SubjectId": "A1WORKER", "IntegerValue": "1"}
    for kind in (NOBODY, "<bobs_kind>", "<masters_elsewhere>"):
        yield {**pairs, "QualificationTypeId": kind}, MTURK + "QualificationTypeDoesNotExist"
    yield {**pairs, "QualificationTypeId": "<deleted>"}, MTURK + "InvalidQualificationTypeState"
    yield {**pairs, "QualificationTypeId": ADULT}, MTURK + "QualificationDoesNotExist"
    yield {**pairs, "SubjectId": "A2WORKER"}, MTURK + "InvalidQualificationState"
    yield {**pairs, "SubjectId": "A3WORKER"}, MTURK + "QualificationDoesNotExist"


ENDED = ("Reviewable", "Reviewing", "Disposed")
COMPOSITE = {
    "ApproveRejectedAssignment": [
        *(({"AssignmentId": work}, MTURK + "AssignmentDoesNotExist") for work in (NOBODY, "<bobs_work>", "<returned>")),
        ({"AssignmentId": "<submitted>"}, MTURK + "InvalidAssignmentState"),
    ],
    "DisableHIT": [*_of_hits("DisableHIT", *ENDED)],
    "ExtendHIT": [*_of_hits("ExtendHIT", "Disposed", ExpirationIncrementInSeconds="3600")],
    "ForceExpireHIT": [*_of_hits("ForceExpireHIT", *ENDED)],
    "SetHITTypeNotification": [
        ({"HITTypeId": hit_type, **RECEPTOR, "Notification.Destination": "https://example.com/"}, INVALID)
        for hit_type in (NOBODY, "<bobs_hit_type>")
    ],
    "UpdateQualificationScore": [*_of_scores()],
}
"""Requests that no single modern call is like (hits 8, 10, 11, 17; quals 5.3; notif 3)."""


@pytest.mark.parametrize("operation", [name for name in COMPOSITE if name in AVAILABLE])
def test_what_takes_several_calls_is_refused_before_the_first_that_writes(world, operation):
    found, expected = [], []
    with nothing_written(world):
        for pairs, code in COMPOSITE[operation]:
            expected.append((pairs, code))
            found.append((pairs, refusal(ask(world, operation, pairs), operation)[0]))

    assert found == expected


OWNED = {
    "AssignmentId": "<bobs_work>",
    "HITId": "<bobs_hit>",
    "HITLayoutId": BOBS_LAYOUT,
    "HITTypeId": "<bobs_hit_type>",
    "QualificationRequestId": "<bobs_request>",
    "QualificationTypeId": "<bobs_kind>",
}
"""The IDs of what belongs to a requester; workers belong to nobody."""

ONLY_SELECT = {("GetReviewableHITs", "HITTypeId"), ("GetReviewResultsForHIT", "AssignmentId")}
"""IDs by which rows are chosen: with somebody else's there are none."""


def test_each_id_of_each_operation_is_tried_with_somebody_elses():
    tried = {(operation, *pair) for operation, rows in COMPOSITE.items() for pairs, _ in rows for pair in pairs.items()}
    for situation in SAID.values():
        operation = legacy_operation(situation)
        pairs = legacy_pairs(fields_of(AVAILABLE[operation]), situation.parameters)
        tried |= {(operation, *pair) for pair in pairs}
    needed = {
        (operation_of(form), parameter.name, OWNED[parameter.name])
        for form in FORMS
        for parameter in PARAMETERS[form]
        if parameter.name in OWNED and (operation_of(form), parameter.name) not in ONLY_SELECT
    }

    assert needed - tried == set()


@pytest.mark.parametrize(("operation", "name"), sorted(ONLY_SELECT))
def test_an_id_that_selects_selects_nothing_of_somebody_elses(world, operation, name):
    if operation in AVAILABLE:
        pairs = {**good_request(operation), name: OWNED[name]}
        assert refusal(ask(world, operation, pairs), operation)[0] == ACCEPTED
