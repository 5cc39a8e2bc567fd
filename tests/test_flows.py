"""Flows alone, before a service of a few lines: what they come to wherever they are broken off and begun anew."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field

import pytest

from mturk_translators.call import Call
from mturk_translators.faults import Fault, ModernError
from mturk_translators.flows.disabling import disable_hit, plan_disabling
from mturk_translators.flows.extending import extend_hit, plan_extension
from mturk_translators.flows.walks import find_row
from mturk_translators.operation import Context, Unfinished
from mturk_translators.operations import OPERATIONS

NOW = 1_328_054_399
HOUR, YEAR = 3600, 31_536_000
CONTEXT = Context(token="our-own", lifetime=604_800, now=NOW, request_id="a-request")


def refusal(code, message=""):
    return ModernError("RequestError", message, f"AWS.MechanicalTurk.{code}")


class BrokenOffError(Exception):
    """The process that carried out the steps is no more."""


@dataclass
class Service:
    """One HIT as the modern API keeps it, with what was done to it.

    `strict` refuses an expiration that the HIT was given before, as Amazon did; `elapsed` are seconds since NOW.
    """

    expiration: int = NOW + HOUR
    most: int = 3
    pending: int = 0
    strict: bool = False
    elapsed: int = 0
    submitted: list[str] = field(default_factory=list)
    approved: list[str] = field(default_factory=list)
    disposed: bool = False
    tokens: set[str] = field(default_factory=set)
    moments: set[float] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)

    @property
    def status(self):
        if self.disposed:
            return "Disposed"
        free = self.most - self.pending - len(self.submitted) - len(self.approved)
        if self.expiration > NOW + self.elapsed and free:
            return "Assignable"
        return "Unassignable" if self.pending else "Reviewable"

    def answer(self, call):
        self.calls.append(call.operation)
        return getattr(self, call.operation)(**call.params)

    def GetHIT(self, HITId):  # noqa: N802, N803  # the names are Amazon's
        hit = {"HITStatus": self.status, "MaxAssignments": self.most, "Expiration": self.expiration}
        return {"HIT": {"HITId": HITId, **hit}}

    def ListAssignmentsForHIT(self, HITId, AssignmentStatuses, MaxResults, NextToken="0"):  # noqa: N802, N803
        assert AssignmentStatuses == ["Submitted"]
        start = int(NextToken)
        page = self.submitted[start : start + 2]
        token = {"NextToken": str(start + 2)} if page else {}
        return {"Assignments": [{"AssignmentId": name, "HITId": HITId} for name in page], **token}

    def ApproveAssignment(self, AssignmentId):  # noqa: N802, N803
        if AssignmentId not in self.submitted:
            raise refusal("InvalidAssignmentState")
        self.submitted.remove(AssignmentId)
        self.approved.append(AssignmentId)
        return {}

    def DeleteHIT(self, HITId):  # noqa: N802, N803
        if self.status != "Reviewable" or self.submitted:
            raise refusal("InvalidHITState")
        self.disposed = True
        return {}

    def CreateAdditionalAssignmentsForHIT(self, HITId, NumberOfAdditionalAssignments, UniqueRequestToken):  # noqa: N802, N803
        if UniqueRequestToken in self.tokens:
            raise refusal("DuplicateRequest")
        self.tokens.add(UniqueRequestToken)
        self.most += NumberOfAdditionalAssignments
        return {}

    def UpdateExpirationForHIT(self, HITId, ExpireAt):  # noqa: N802, N803
        now = NOW + self.elapsed
        if ExpireAt <= now:
            self.expiration = min(self.expiration, now)
            return {}
        if self.strict and ExpireAt in self.moments:
            raise refusal("InvalidParameterValue", "The idempotency token has already been processed.")
        if ExpireAt != self.expiration and not 60 <= ExpireAt - max(now, self.expiration) <= YEAR:
            raise refusal("ParameterOutOfRange")
        self.moments.add(ExpireAt)
        self.expiration = ExpireAt
        return {}


def run(steps, service, *, calls=None, lost=False):
    """What the steps return; broken off after so many calls, of which the last one is not made, or its answer lost."""
    reply, error, number = None, None, -1
    while True:
        number += 1
        try:
            call = steps.throw(error) if error else steps.send(reply)
        except StopIteration as end:
            return end.value
        reply, error = None, None
        if number == calls and not lost:
            raise BrokenOffError
        try:
            reply = service.answer(call)
        except ModernError as refused:
            error = refused
        if number == calls:
            raise BrokenOffError


def breaks(carry_out, plan, service):
    """Every way of breaking off: after how many calls, and whether the last one reached the service."""
    run(carry_out(plan), service)
    return [(number, lost) for number in range(len(service.calls)) for lost in (False, True)]


def kept(plan):
    """The plan as it comes out of a database."""
    return json.loads(json.dumps(plan))


DISABLED = {"HITId": "HIT"}


def test_a_hit_is_disabled_wherever_the_first_try_was_broken_off():
    for number, lost in breaks(disable_hit, DISABLED, Service(most=5, submitted=["A", "B", "C"])):
        service = Service(most=5, submitted=["A", "B", "C"])
        plan = kept(run(plan_disabling(DISABLED, CONTEXT), service))
        service.calls.clear()
        with pytest.raises(BrokenOffError):
            run(disable_hit(plan), service, calls=number, lost=lost)

        run(disable_hit(plan), service)

        assert service.status == "Disposed"
        assert sorted(service.approved) == ["A", "B", "C"]


def test_a_hit_on_which_somebody_works_is_disabled_in_the_end():
    service = Service(submitted=["A"], pending=2)
    with pytest.raises(Unfinished):
        run(disable_hit(DISABLED), service)
    assert service.status == "Unassignable"
    assert service.approved == ["A"]

    service.pending, service.submitted = 1, ["B"]
    with pytest.raises(Unfinished):
        run(disable_hit(DISABLED), service)

    service.pending, service.submitted = 0, ["C"]
    run(disable_hit(DISABLED), service)
    assert service.status == "Disposed"
    assert service.approved == ["A", "B", "C"]


def test_work_that_is_submitted_just_before_the_disposal_is_approved_by_the_next_try():
    class Hurried(Service):
        def DeleteHIT(self, HITId):  # noqa: N802, N803
            if not self.approved:
                self.submitted.append("A")
            return super().DeleteHIT(HITId)

    service = Hurried()
    with pytest.raises(Unfinished):
        run(disable_hit(DISABLED), service)

    run(disable_hit(DISABLED), service)
    assert service.approved == ["A"]
    assert service.status == "Disposed"


def test_a_listing_whose_pages_never_end_does_not_hold_up_the_disposal():
    class Circling(Service):
        def ListAssignmentsForHIT(self, **_):  # noqa: N802
            return {"Assignments": [], "NextToken": "again"}

    service = Circling()
    run(disable_hit(DISABLED), service)
    assert service.status == "Disposed"


EXTENSION = {"HITId": "HIT", "NumberOfAdditionalAssignments": 2, "ExpirationIncrementInSeconds": HOUR}


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("given", [EXTENSION, {**EXTENSION, "UniqueRequestToken": "theirs"}], ids=["own", "callers"])
@pytest.mark.parametrize("expiration", [NOW + HOUR, NOW - HOUR])
def test_a_hit_is_extended_once_wherever_the_first_try_was_broken_off(given, expiration, strict):
    planned = run(plan_extension(given, CONTEXT), Service(expiration=expiration))
    for number, lost in breaks(extend_hit, planned, Service(expiration=expiration)):
        service = Service(expiration=expiration, strict=strict)
        plan = kept(run(plan_extension(given, CONTEXT), service))
        with pytest.raises(BrokenOffError):
            run(extend_hit(plan), service, calls=number, lost=lost)

        run(extend_hit(plan), service)

        assert service.most == 5
        assert service.expiration == max(expiration, NOW) + HOUR


def test_a_token_that_was_used_before_extends_nothing():
    service = Service(tokens={"theirs"})
    given = {"HITId": "HIT", "NumberOfAdditionalAssignments": 2, "UniqueRequestToken": "theirs"}
    plan = run(plan_extension(given, CONTEXT), service)

    with pytest.raises(ModernError) as refused:
        run(extend_hit(plan), service)
    assert refused.value.code == "AWS.MechanicalTurk.DuplicateRequest"
    assert service.most == 3


def test_an_old_plan_neither_ends_nor_shortens_what_was_extended_further_since():
    service = Service()
    plan = run(plan_extension({"HITId": "HIT", "ExpirationIncrementInSeconds": HOUR}, CONTEXT), service)
    service.elapsed, service.expiration = 10 * HOUR, NOW + 20 * HOUR

    run(extend_hit(plan), service)

    assert service.expiration == NOW + 20 * HOUR
    assert service.status == "Assignable"


@pytest.mark.parametrize("elapsed", [-60, 0, 59, 60])
def test_every_legal_extension_is_one_upstream_though_time_passes_and_clocks_differ(elapsed):
    expirations = [NOW - HOUR, NOW, NOW + 1, NOW + 59, NOW + 60, NOW + 61, NOW + HOUR]
    increments = [60, 61, 119, 120, HOUR, YEAR - 60, YEAR - 1, YEAR]
    for expiration, increment in itertools.product(expirations, increments):
        service = Service(expiration=expiration)
        plan = run(plan_extension({"HITId": "HIT", "ExpirationIncrementInSeconds": increment}, CONTEXT), service)
        service.elapsed = elapsed

        run(extend_hit(plan), service)

        assert abs(service.expiration - (max(expiration, NOW) + increment)) <= 60
        if expiration > NOW + 60:
            assert service.expiration == expiration + increment


def test_a_disposed_hit_is_not_extended():
    service = Service(disposed=True)
    with pytest.raises(Fault, match="InvalidHITState"):
        run(plan_extension(EXTENSION, CONTEXT), service)
    assert service.calls == ["GetHIT"]


def test_a_listing_that_goes_in_circles_is_searched_once():
    steps = find_row(Call("ListQualificationTypes", {}), "QualificationTypes", lambda row: row["Name"] == "wanted")
    page = {"QualificationTypes": [{"Name": "other"}], "NextToken": "again"}
    next(steps)
    steps.send(page)
    with pytest.raises(StopIteration) as ended:
        steps.send(page)

    assert ended.value.value is None


@pytest.mark.parametrize("page", [{}, {"QualificationTypes": None}])
def test_nothing_is_found_where_nothing_is_listed(page):
    steps = find_row(Call("ListQualificationTypes", {}), "QualificationTypes", lambda _row: True)
    next(steps)
    with pytest.raises(StopIteration) as ended:
        steps.send(page)

    assert ended.value.value is None


def helped(about, type_):
    steps = OPERATIONS["Help"].flow({"About": [about], "HelpType": type_}, CONTEXT)
    (told,) = run(steps, Service())[f"{type_}Information"]
    return told


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_help_says_of_every_operation_what_it_is_for(name):
    told = helped(name, "Operation")

    assert told["Name"] == name
    assert told["Description"].endswith(".")
    assert told["Description"] == OPERATIONS[name].about


@pytest.mark.parametrize("group", sorted({group for entry in OPERATIONS.values() for group in entry.groups.allowed}))
def test_help_says_of_every_response_group_where_it_is_legal_and_what_it_shows(group):
    told = helped(group, "ResponseGroup")

    assert told["Name"] == group
    assert set(told["ValidOperations"]["Operation"]) == {
        name for name, entry in OPERATIONS.items() if group in entry.groups.allowed
    }
    assert told["Elements"]["Element"]
