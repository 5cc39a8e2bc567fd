"""Composite operations come to their end: by the same request again, by the gateway itself, or after it was killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import timedelta
from unittest.mock import patch

import httpx
import pytest
from botocore.retries.standard import ExponentialBackoff
from sqlalchemy import select, update

from mturk_gateway.admin import rotate_requester
from mturk_gateway.clock import wall_clock
from mturk_gateway.credentials import Requester, write_profile
from mturk_gateway.ledger.tables import undertakings
from mturk_gateway.marketplace.services.working import workers
from relay import Relay
from support import ScriptedUpstream, ask, fill, free_port, modern_client, one, texts


@pytest.fixture(autouse=True)
def _no_pauses():
    """What botocore tries again, it tries at once."""
    with patch.object(ExponentialBackoff, "delay_amount", return_value=0):
        yield


def until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def accept(gateway):
    def accepted(hit, worker):
        with gateway.house.marketplace.writing() as connection:
            return workers.accept(connection, hit, worker, int(wall_clock()))

    return accepted


@pytest.fixture
def submit(gateway):
    def submitted(assignment):
        with gateway.house.marketplace.writing() as connection:
            workers.submit(connection, assignment, [("q1", "a")], int(wall_clock()))

    return submitted


def disable(url, requester, hit):
    return ask(url, requester, "DisableHIT", HITId=hit)


def test_a_disabled_hit_is_gone_for_its_requester_while_somebody_is_at_work(gateway, requester, accept, submit):
    hit, other = fill(gateway, requester, [({"MaxAssignments": 2}, int(wall_clock())) for _ in range(2)])
    submitted, at_work = accept(hit, "A1SUBMITTED"), accept(hit, "A1ATWORK")
    submit(submitted)
    assert sorted(texts(ask(gateway.url, requester, "SearchHITs"), "HITId")) == sorted([hit, other])

    assert one(disable(gateway.url, requester, hit), "IsValid") == "True"

    assert texts(ask(gateway.url, requester, "SearchHITs"), "HITId") == [other]
    assert one(ask(gateway.url, requester, "GetReviewableHITs"), "TotalNumResults") == "0"
    assert one(ask(gateway.url, requester, "GetHIT", HITId=hit), "HITStatus") == "Disposed"
    refusals = {
        "ChangeHITTypeOfHIT": "InvalidHITState",
        "ExtendHIT": "InvalidHITState",
        "GetAssignmentsForHIT": "HITDoesNotExist",
        "GetBonusPayments": "HITDoesNotExist",
        "DisableHIT": "InvalidHITState",
        "DisposeHIT": "InvalidHITState",
        "ForceExpireHIT": "InvalidHITState",
        "SetHITAsReviewing": "InvalidHITState",
    }
    for operation, code in refusals.items():
        needed = {"HITTypeId": "3TYPE"} if operation == "ChangeHITTypeOfHIT" else {"MaxAssignmentsIncrement": "1"}
        assert one(ask(gateway.url, requester, operation, HITId=hit, **needed), "Code") == f"AWS.MechanicalTurk.{code}"
    told = ask(gateway.url, requester, "GetAssignment", AssignmentId=submitted, ResponseGroup="HITDetail")
    assert one(told, "HITStatus") == "Disposed"
    submit(at_work)

    def paid():
        with modern_client(gateway.url, requester) as modern:
            return modern.get_hit(HITId=hit)["HIT"]["HITStatus"] == "Disposed"

    until(paid)
    with modern_client(gateway.url, requester) as modern:
        for assignment in (submitted, at_work):
            assert modern.get_assignment(AssignmentId=assignment)["Assignment"]["AssignmentStatus"] == "Approved"
    assert texts(ask(gateway.url, requester, "SearchHITs"), "HITId") == [other]


OPERATIONS = {
    "DisableHIT": {},
    "ExtendHIT": {"MaxAssignmentsIncrement": "3", "ExpirationIncrementInSeconds": "3600"},
    "ExtendHIT with a token": {
        "MaxAssignmentsIncrement": "3",
        "ExpirationIncrementInSeconds": "3600",
        "UniqueRequestToken": "mine",
    },
}


class Scene:
    """A gateway before a relay, with a HIT that two workers have submitted."""

    def __init__(self, gateway, requester, relay, front, owner, hit):
        self.gateway, self.requester, self.relay, self.front, self.owner = gateway, requester, relay, front, owner
        self.hit = hit
        self.before = self.state()

    def ask(self, name):
        return ask(self.front.url, self.owner, name.split()[0], HITId=self.hit, **OPERATIONS[name])

    def state(self):
        with modern_client(self.gateway.url, self.requester) as modern:
            hit = modern.get_hit(HITId=self.hit)["HIT"]
            listed = [] if hit["HITStatus"] == "Disposed" else modern.list_assignments_for_hit(HITId=self.hit)
        return (
            hit["HITStatus"],
            hit["MaxAssignments"],
            hit["Expiration"],
            sorted(one["AssignmentStatus"] for one in (listed or {"Assignments": ()})["Assignments"]),
        )

    def is_done(self, name):
        status, maximum, expiration, _ = self.state()
        if name == "DisableHIT":
            return status == "Disposed"
        return maximum == self.before[1] + 3 and expiration == self.before[2] + timedelta(hours=1)


@pytest.fixture
def scene(gateway, requester, foreign_gateway, accept, submit):
    (hit,) = fill(gateway, requester, [({"MaxAssignments": 3}, int(wall_clock()))])
    for worker in ("A1ONE", "A1TWO"):
        submit(accept(hit, worker))
    with Relay(gateway, requester) as relay:
        front, owner = foreign_gateway(relay.url)
        yield Scene(gateway, requester, relay, front, owner, hit)


def test_a_page_that_was_read_just_before_the_hit_was_hidden_is_not_shown_again(scene, accept):
    """Between the refusal of the disposal and the promise a listing may be walked that still has the HIT."""
    accept(scene.hit, "A1ATWORK")
    shown = []

    def walk_meanwhile(operation, number):
        if (operation, number) == ("GetHIT", 2):
            shown.append(texts(ask(scene.front.url, scene.owner, "SearchHITs"), "HITId"))

    scene.relay.trouble = walk_meanwhile
    assert one(scene.ask("DisableHIT"), "IsValid") == "True"

    assert shown == [[scene.hit]]
    assert texts(ask(scene.front.url, scene.owner, "SearchHITs"), "HITId") == []


WRITES = {
    "DisableHIT": ["UpdateExpirationForHIT", "ListAssignmentsForHIT", "ApproveAssignment", "DeleteHIT"],
    "ExtendHIT": ["CreateAdditionalAssignmentsForHIT", "UpdateExpirationForHIT"],
    "ExtendHIT with a token": ["CreateAdditionalAssignmentsForHIT", "UpdateExpirationForHIT"],
}


def failing(operation, how, tries=3):
    """The first tries of an operation fail: as many as botocore makes for one call."""
    return lambda called, number: how if called == operation and number <= tries else None


@pytest.mark.parametrize("how", ["down", "lost"])
@pytest.mark.parametrize(("name", "operation"), [(name, call) for name, calls in WRITES.items() for call in calls])
def test_a_request_that_failed_half_way_is_safe_to_repeat(scene, name, operation, how):
    scene.relay.trouble = failing(operation, how)
    refused = scene.ask(name)
    assert one(refused, "Code") == "ServiceUnavailable"
    assert "to ask again is safe" in one(refused, "Message")

    assert one(scene.ask(name), "IsValid") == "True"

    assert scene.is_done(name), scene.state()


@pytest.mark.parametrize(("name", "operation"), [("DisableHIT", "DeleteHIT"), ("ExtendHIT", "UpdateExpirationForHIT")])
def test_what_failed_half_way_is_finished_by_the_gateway_and_then_a_repetition_changes_nothing(scene, name, operation):
    scene.relay.trouble = failing(operation, "down")
    scene.ask(name)
    until(lambda: scene.is_done(name))

    assert one(scene.ask(name), "IsValid") == "True"

    assert scene.is_done(name), scene.state()


@pytest.mark.parametrize("name", ["ExtendHIT", "ExtendHIT with a token"])
def test_nothing_is_promised_before_it_is_known_what_is_to_be_done(scene, name):
    scene.relay.trouble = failing("GetHIT", "down")
    refused = scene.ask(name)
    assert one(refused, "Code") == "ServiceUnavailable"
    assert "is done as soon as possible" not in one(refused, "Message")

    assert one(scene.ask(name), "IsValid") == "True"

    assert scene.is_done(name), scene.state()


def test_the_error_says_how_far_it_came(scene):
    for operation, told in (("ApproveAssignment", "The HIT has expired."), ("DeleteHIT", "2 assignments have been")):
        scene.relay.trouble = failing(operation, "down", tries=100)
        assert told in one(scene.ask("DisableHIT"), "Message")


def test_a_lack_of_money_half_way_is_told_and_gone_on_with_once_there_is_some(scene):
    """Nothing goes on by itself: only the requester can mend it."""
    poor = (
        400,
        {
            "__type": "RequestError",
            "Message": "This Requester has insufficient funds in their account to complete this transaction. (1)",
            "TurkErrorCode": "AWS.MechanicalTurk.InsufficientFunds",
        },
    )
    handed_on = scene.relay.answer
    scene.relay.answer = lambda name, params: poor if name == "ApproveAssignment" else handed_on(name, params)
    refused = scene.ask("DisableHIT")
    assert one(refused, "Code") == "AWS.MechanicalTurk.InsufficientFunds"
    assert "The HIT has expired." in one(refused, "Message")
    assert one(refused, "Message").endswith("(1)")
    scene.relay.answer = handed_on

    assert one(scene.ask("DisableHIT"), "IsValid") == "True"
    assert scene.is_done("DisableHIT")


def test_an_extension_is_as_often_as_it_is_asked_for(scene):
    """Without a token, two requests that were both answered are two wishes."""
    scene.ask("ExtendHIT")
    scene.ask("ExtendHIT")

    assert scene.state()[1] == 9


def test_a_token_extends_once_a_day(scene):
    for named in ({"MaxAssignmentsIncrement": "1"}, {"ExpirationIncrementInSeconds": "60"}):
        given = {"HITId": scene.hit, "UniqueRequestToken": f"t{named}"[:64], **named}
        first = ask(scene.front.url, scene.owner, "ExtendHIT", **given)
        again = ask(scene.front.url, scene.owner, "ExtendHIT", **given)
        assert one(first, "IsValid") == "True"
        assert one(again, "Code") == "AWS.MechanicalTurk.DuplicateRequest"
        assert one(first, "RequestId") in one(again, "Message")
    extended = scene.state()
    # A day later it is unused in the ledger; the upstream has a memory of its own.
    with scene.front.house.ledger.writing() as connection:
        connection.execute(update(undertakings).values(changed_at=undertakings.c.changed_at - 86_401))
    assert one(ask(scene.front.url, scene.owner, "ExtendHIT", **given), "IsValid") == "True"

    assert scene.state()[2] == extended[2] + timedelta(seconds=60)


def test_a_token_that_was_used_through_the_modern_api_is_refused(scene):
    with modern_client(scene.gateway.url, scene.requester) as modern:
        modern.create_additional_assignments_for_hit(
            HITId=scene.hit, NumberOfAdditionalAssignments=3, UniqueRequestToken="mine"
        )
    before = scene.state()

    assert one(scene.ask("ExtendHIT with a token"), "Code") == "AWS.MechanicalTurk.DuplicateRequest"
    assert scene.state() == before


def test_requests_that_are_alike_and_made_at_once_are_different_wishes(scene):
    """Four programs that want one more each get four more."""
    (hit,) = fill(scene.gateway, scene.requester, [({"MaxAssignments": 20}, int(wall_clock()))])
    with modern_client(scene.gateway.url, scene.requester) as modern:
        before = modern.get_hit(HITId=hit)["HIT"]["Expiration"]
    answers = []

    def extend():
        given = {"MaxAssignmentsIncrement": 1, "ExpirationIncrementInSeconds": 3600}
        answers.append(ask(scene.front.url, scene.owner, "ExtendHIT", HITId=hit, **given))

    threads = [threading.Thread(target=extend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [one(answer, "IsValid") for answer in answers] == ["True"] * 4
    with modern_client(scene.gateway.url, scene.requester) as modern:
        extended = modern.get_hit(HITId=hit)["HIT"]
    assert extended["MaxAssignments"] == 24
    assert extended["Expiration"] - before == timedelta(hours=4)


def test_two_at_once_with_one_token_extend_once(scene):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(scene.ask("ExtendHIT with a token"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    refusals = {code for answer in answers for code in texts(answer, "Code")}
    assert refusals <= {"AWS.MechanicalTurk.DuplicateRequest", "ServiceUnavailable"}
    assert "True" in {valid for answer in answers for valid in texts(answer, "IsValid")}
    assert scene.is_done("ExtendHIT"), scene.state()


def test_what_was_under_way_when_everything_was_killed_is_finished_after_a_restart(gateway, requester, tmp_path, scene):
    (other,) = fill(gateway, requester, [({}, int(wall_clock()))])
    extended, disabled = scene, Scene(gateway, requester, scene.relay, scene.front, scene.owner, other)
    reached, released = threading.Semaphore(0), threading.Event()

    def hang(called, _number):
        if called in ("DeleteHIT", "UpdateExpirationForHIT") and not released.is_set():
            reached.release()
            released.wait(60)
            return "down"
        return None

    scene.relay.trouble = hang
    owner = Requester("other", "AKIDOTHER", "other-secret")
    write_profile(tmp_path / "others", owner)
    ports = [f"--{which}={free_port()}" for which in ("port", "content-port", "operators-port")]
    command = [sys.executable, "-m", "mturk_gateway", "serve", *ports, "--upstream", scene.relay.url]
    command += ["--credentials", str(tmp_path / "others"), "--data", str(tmp_path / "served"), "--upstream-timeout=60"]

    def start():
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        process = subprocess.Popen(command, **pipes, process_group=0)
        return process, re.search(r"http\S+", process.stdout.readline())[0]

    process, url = start()
    try:

        def request(of, name):
            with suppress(httpx.HTTPError):
                ask(url, owner, name, HITId=of.hit, **OPERATIONS[name])

        asking = [threading.Thread(target=request, args=(extended, "ExtendHIT"))]
        asking.append(threading.Thread(target=request, args=(disabled, "DisableHIT")))
        for thread in asking:
            thread.start()
            assert reached.acquire(timeout=30)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        for thread in asking:
            thread.join()
        released.set()
        process, url = start()
        until(lambda: extended.is_done("ExtendHIT") and disabled.is_done("DisableHIT"), 60)
    finally:
        released.set()
        process.terminate()
        process.wait(30)
        process.stdout.close()


def test_a_promise_outlives_the_keys_of_its_requester(gateway, requester, accept, submit):
    """Whoever gets new keys is still the same requester."""
    (hit,) = fill(gateway, requester, [({}, int(wall_clock()))])
    assignment = accept(hit, "A1ATWORK")
    disable(gateway.url, requester, hit)
    renewed = rotate_requester(
        gateway.house.marketplace, gateway.house.credentials, requester.profile, int(wall_clock())
    )
    assert one(ask(gateway.url, renewed, "GetHIT", HITId=hit), "HITStatus") == "Disposed"
    assert texts(ask(gateway.url, renewed, "SearchHITs"), "HITId") == []
    submit(assignment)

    with modern_client(gateway.url, renewed) as modern:
        until(lambda: modern.get_hit(HITId=hit)["HIT"]["HITStatus"] == "Disposed")
    created = ask(
        gateway.url, renewed, "GetRequesterStatistic", Statistic="NumberHITsCompleted", TimePeriod="LifeToDate"
    )
    assert one(created, "LongValue") == "1"


PAYMENT = [("BonusAmount.1.Amount", "0.50"), ("Reason", "good")]


@pytest.mark.parametrize("how", ["down", "lost"])
def test_a_bonus_that_is_asked_for_again_after_an_error_is_paid_once(scene, how):
    scene.relay.trouble = failing("SendBonus", how)
    with modern_client(scene.gateway.url, scene.requester) as modern:
        worked = modern.list_assignments_for_hit(HITId=scene.hit)["Assignments"][0]
        given = {name: worked[name] for name in ("AssignmentId", "WorkerId")}

        def paid():
            return modern.list_bonus_payments(HITId=scene.hit)["NumResults"]

        assert one(ask(scene.front.url, scene.owner, "GrantBonus", *PAYMENT, **given), "Code") == "ServiceUnavailable"
        assert one(ask(scene.front.url, scene.owner, "GrantBonus", *PAYMENT, **given), "IsValid") == "True"
        assert paid() == 1
        assert one(ask(scene.front.url, scene.owner, "GrantBonus", *PAYMENT, **given), "IsValid") == "True"
        assert paid() == 2


def test_a_token_pays_once_and_the_refusal_names_the_request_that_paid(scene):
    with modern_client(scene.gateway.url, scene.requester) as modern:
        worked = modern.list_assignments_for_hit(HITId=scene.hit)["Assignments"][0]
    given = {name: worked[name] for name in ("AssignmentId", "WorkerId")}
    answers = [
        ask(scene.front.url, scene.owner, "GrantBonus", *PAYMENT, UniqueRequestToken="t", **given) for _ in range(2)
    ]

    assert one(answers[1], "Code") == "AWS.MechanicalTurk.DuplicateRequest"
    assert one(answers[0], "RequestId") in one(answers[1], "Message")


@pytest.mark.parametrize(
    ("table", "operation", "given"),
    [
        ("undertakings", "GetHIT", {}),
        ("undertakings", "ExtendHIT", {"MaxAssignmentsIncrement": "1"}),
        ("receptors", "SetHITTypeNotification", {"HITTypeId": "3TYPE", "Active": "true"}),
    ],
)
def test_while_the_ledger_cannot_be_used_nothing_is_begun_and_old_clients_try_again(scene, table, operation, given):
    before = scene.state()
    with scene.front.house.ledger.writing() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO elsewhere")
    refused = ask(scene.front.url, scene.owner, operation, HITId=scene.hit, **given)

    assert one(refused, "Code") == "ServiceUnavailable"
    assert scene.state() == before
    with scene.front.house.ledger.writing() as connection:
        connection.exec_driver_sql(f"ALTER TABLE elsewhere RENAME TO {table}")


def test_what_was_promised_before_does_not_undo_what_is_asked_for_later(scene):
    """An extension is owed when its requester ends the HIT: it is given first."""
    scene.relay.trouble = failing("UpdateExpirationForHIT", "down")
    assert one(scene.ask("ExtendHIT"), "Code") == "ServiceUnavailable"

    assert one(ask(scene.front.url, scene.owner, "ForceExpireHIT", HITId=scene.hit), "IsValid") == "True"

    with scene.front.house.ledger.reading() as connection:
        unfinished = connection.execute(select(undertakings.c.state).where(undertakings.c.due_at.is_not(None))).all()
    assert unfinished == []
    assert (scene.state()[0], scene.state()[1]) == ("Reviewable", scene.before[1] + 3)


def test_extensions_add_up_whatever_fails_in_between(scene):
    def extend(seconds):
        given = {"HITId": scene.hit, "ExpirationIncrementInSeconds": seconds}
        return ask(scene.front.url, scene.owner, "ExtendHIT", **given)

    scene.relay.trouble = failing("UpdateExpirationForHIT", "down")
    assert one(extend(3600), "Code") == "ServiceUnavailable"
    assert one(extend(7200), "IsValid") == "True"
    assert one(extend(3600), "IsValid") == "True"

    assert scene.state()[2] - scene.before[2] == timedelta(hours=3)


def test_who_asks_again_while_the_gateway_is_at_it_waits_for_that(scene):
    reached, gate = threading.Event(), threading.Event()

    def trouble(called, number):
        if called != "SendBonus":
            return None
        if number > 3:
            reached.set()
            gate.wait(20)
        return "down" if number <= 3 else None

    scene.relay.trouble = trouble
    with modern_client(scene.gateway.url, scene.requester) as modern:
        worked = modern.list_assignments_for_hit(HITId=scene.hit)["Assignments"][0]
        given = {name: worked[name] for name in ("AssignmentId", "WorkerId")}
        ask(scene.front.url, scene.owner, "GrantBonus", *PAYMENT, **given)
        assert reached.wait(20)
        threading.Timer(0.5, gate.set).start()

        assert one(ask(scene.front.url, scene.owner, "GrantBonus", *PAYMENT, **given), "IsValid") == "True"
        assert modern.list_bonus_payments(HITId=scene.hit)["NumResults"] == 1


def test_a_token_cannot_be_used_for_something_else(scene):
    scene.relay.trouble = failing("UpdateExpirationForHIT", "down")
    given = {"ExpirationIncrementInSeconds": 3600, "UniqueRequestToken": "mine"}
    (other,) = fill(scene.gateway, scene.requester, [({}, int(wall_clock()))])
    ask(scene.front.url, scene.owner, "ExtendHIT", HITId=scene.hit, **given)

    refused = ask(scene.front.url, scene.owner, "ExtendHIT", HITId=other, **given)

    assert one(refused, "Code") == "AWS.MechanicalTurk.DuplicateRequest"


@pytest.mark.parametrize("tries", [1, 3])
def test_a_bonus_with_a_token_whose_answer_was_lost_is_no_duplicate(scene, tries):
    scene.relay.trouble = failing("SendBonus", "lost", tries)
    with modern_client(scene.gateway.url, scene.requester) as modern:
        worked = modern.list_assignments_for_hit(HITId=scene.hit)["Assignments"][0]
        given = {"UniqueRequestToken": "t", **{name: worked[name] for name in ("AssignmentId", "WorkerId")}}
        answers = [ask(scene.front.url, scene.owner, "GrantBonus", *PAYMENT, **given) for _ in range(tries // 2 + 1)]

        assert one(answers[-1], "IsValid") == "True"
        assert modern.list_bonus_payments(HITId=scene.hit)["NumResults"] == 1


@pytest.mark.parametrize("body", [b"<html>log in</html>", b"[]", b'"x"'])
def test_a_reply_that_is_none_is_no_success(foreign_gateway, body):
    with ScriptedUpstream(lambda *_: (200, body)) as upstream:
        front, owner = foreign_gateway(upstream.url)
        refused = ask(front.url, owner, "ApproveAssignment", AssignmentId="3ASSIGNMENT")

    assert one(refused, "Code") == "ServiceUnavailable"
