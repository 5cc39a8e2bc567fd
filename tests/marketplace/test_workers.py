"""What workers can do: find, preview, accept, submit, return (worker-side 2), and what is known of them."""

from __future__ import annotations

import threading

import pytest

from marketplace.conftest import SCHEMAS, START
from mturk_gateway.marketplace.services.working import dashboard, finding, profiles, workers
from mturk_gateway.marketplace.services.working.profiles import ProfileError
from mturk_gateway.marketplace.services.working.refusals import WorkerRefused
from mturk_gateway.marketplace.tables import assignments, events
from mturk_gateway.marketplace.tables import workers as people
from mturk_translators import xml

MASTERS = "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH"
FORM = f"""<QuestionForm xmlns="{SCHEMAS}/2005-10-01/QuestionForm.xsd">
  <Question><QuestionIdentifier>total</QuestionIdentifier><IsRequired>true</IsRequired>
    <QuestionContent><Text>How much?</Text></QuestionContent>
    <AnswerSpecification><FreeTextAnswer><Constraints><IsNumeric/></Constraints></FreeTextAnswer></AnswerSpecification>
  </Question>
  <Question><QuestionIdentifier>kinds</QuestionIdentifier>
    <QuestionContent><Text>Which?</Text></QuestionContent>
    <AnswerSpecification><SelectionAnswer><MaxSelectionCount>2</MaxSelectionCount><Selections>
      <Selection><SelectionIdentifier>a</SelectionIdentifier><Text>A</Text></Selection>
      <Selection><SelectionIdentifier>b</SelectionIdentifier><Text>B</Text></Selection>
    </Selections></SelectionAnswer></AnswerSpecification>
  </Question>
  <Question><QuestionIdentifier>scan</QuestionIdentifier>
    <QuestionContent><Text>A picture of it</Text></QuestionContent>
    <AnswerSpecification><FileUploadAnswer><MaxFileSizeInBytes>100</MaxFileSizeInBytes>
      <MinFileSizeInBytes>2</MinFileSizeInBytes></FileUploadAnswer></AnswerSpecification>
  </Question>
</QuestionForm>"""


def requiring(guarded, kind=MASTERS, comparator="Exists", **values):
    return [{"QualificationTypeId": kind, "Comparator": comparator, "ActionsGuarded": guarded, **values}]


@pytest.fixture
def act(house):
    """Carries out a function of the services at the time of the house, in a transaction of its own."""

    def run(function, *given, **named):
        with house.database.writing() as connection:
            return function(connection, *given, int(house.clock()), **named)

    return run


@pytest.fixture
def refused(act):
    """The text with which a function of the services refuses."""

    def run(function, *given, **named):
        with pytest.raises(WorkerRefused) as caught:
            act(function, *given, **named)
        return str(caught.value)

    return run


@pytest.fixture
def happened(house):
    """The events of a HIT, as (type, time since the start, worker)."""

    def read(hit):
        with house.database.reading() as connection:
            rows = connection.execute(
                events.select().where(events.c.hit_id == hit["HITId"]).order_by(events.c.number)
            ).all()
        return [(row.type, row.time - START, row.worker_id) for row in rows]

    return read


def found(act, worker="A1WORKER", *, sandbox=False):
    return {group.title: group for group in act(finding.groups, worker, sandbox=sandbox)}


def counters(client, hit):
    shown = client.get_hit(HITId=hit["HITId"])["HIT"]
    return shown["HITStatus"], shown["NumberOfAssignmentsPending"], shown["NumberOfAssignmentsAvailable"]


# Finding


def test_groups_count_the_hits_that_are_free_for_this_worker(house, client, clock, act):
    first = house.create_hit(client, Keywords="dots, quick")
    house.create_hit(client, MaxAssignments=2)
    clock.advance(10)
    done = house.create_hit(client, Title="Other")
    house.create_hit(client, Title="Expired", LifetimeInSeconds=30)
    house.accept(first, "A2")
    house.work(done, "A2")
    clock.advance(30)
    shared = house.create_hit(client, Title="Mine", MaxAssignments=2)
    house.accept(shared, "A1WORKER")

    (group,) = found(act).values()
    assert (group.title, group.requester, group.reward, group.assignment_duration, group.available) == (
        "Count the dots",
        "alice",
        "0.05",
        600,
        1,
    )
    assert (group.created, group.expires) == (START, START + 3600)
    assert set(found(act, "A3")) == {"Count the dots", "Mine"}


def test_a_returned_hit_is_offered_to_the_worker_again(house, client, act):
    assignment = house.accept(house.create_hit(client))
    assert found(act) == {}
    act(workers.give_back, assignment)

    assert found(act)["Count the dots"].available == 1


def test_realms_do_not_see_each_others_hits(house, client, act):
    house.create_hit(client)
    house.create_hit(house.client("sandy", sandbox=True), Title="Play")

    assert set(found(act)) == {"Count the dots"}
    assert set(found(act, sandbox=True)) == {"Play"}


def test_a_requirement_hides_refuses_the_preview_or_is_only_shown(house, client, act, refused):
    hidden, closed, shown = (
        house.create_hit(client, Title=guarded, QualificationRequirements=requiring(guarded))
        for guarded in ("DiscoverPreviewAndAccept", "PreviewAndAccept", "Accept")
    )
    assert set(found(act)) == {"PreviewAndAccept", "Accept"}
    assert [requirement["Comparator"] for requirement in found(act)["Accept"].unmet] == ["Exists"]
    for hit in (hidden, closed):
        assert "Masters Exists" in refused(finding.preview, hit["HITGroupId"], "A1WORKER")
    assert act(finding.preview, shown["HITGroupId"], "A1WORKER").id == shown["HITId"]

    with house.database.writing() as connection:
        profiles.grant(connection, "A1WORKER", MASTERS, 1, START)
    assert set(found(act)) == {"DiscoverPreviewAndAccept", "PreviewAndAccept", "Accept"}
    assert found(act)["Accept"].unmet == []
    assert act(finding.preview, hidden["HITGroupId"], "A1WORKER").id == hidden["HITId"]


def test_requirements_are_put_into_words(house, client, act):
    places = {"LocaleValues": [{"Country": "US", "Subdivision": "PA"}, {"Country": "CA"}]}
    rate = requiring("Accept", "000000000000000000L0", "GreaterThan", IntegerValues=[95])
    house.create_hit(
        client,
        QualificationRequirements=requiring("Accept", "00000000000000000071", "In", **places) + rate,
    )
    (group,) = found(act).values()
    with house.database.reading() as connection:
        words = finding.describe(connection, group.requirements)

    assert words == ["Worker_Locale In US-PA, CA", "Worker_PercentAssignmentsApproved GreaterThan 95"]


def test_a_preview_finds_the_group_by_either_id_and_changes_nothing(house, client, act, refused, happened):
    hit = house.create_hit(client)
    for name in ("HITGroupId", "HITTypeId"):
        previewed = act(finding.preview, hit[name], "A1WORKER")
        assert (previewed.id, previewed.question) == (hit["HITId"], hit["Question"])
    assert counters(client, hit) == ("Assignable", 0, 1)
    assert [kind for kind, *_ in happened(hit)] == ["HITCreated"]
    house.accept(hit, "A2")

    assert "no more available" in refused(finding.preview, hit["HITGroupId"], "A1WORKER")
    assert "no such group" in refused(finding.preview, hit["HITId"], "A1WORKER")


# Accepting


def test_accepting_any_of_a_group_takes_what_is_left(house, client, act, refused):
    one, two = house.create_hit(client), house.create_hit(client)
    house.accept(one, "A2")
    act(workers.accept_any, two["HITTypeId"], "A1WORKER")

    assert counters(client, two) == ("Unassignable", 1, 0)
    assert "no more available" in refused(workers.accept_any, two["HITGroupId"], "A1WORKER")


def test_accepting_registers_the_worker_and_is_an_event(house, client, clock, happened):
    hit = house.create_hit(client)
    clock.advance(5)
    house.accept(hit)
    house.accept(house.create_hit(client))

    assert happened(hit)[1:] == [("AssignmentAccepted", 5, "A1WORKER")]
    with house.database.reading() as connection:
        assert connection.execute(people.select()).all() == [("A1WORKER", START + 5, None, None, False)]


def test_all_requirements_are_looked_at_when_a_hit_is_accepted(house, client, act, refused):
    adults = requiring("Accept", "00000000000000000060", "EqualTo", IntegerValues=[1])
    hit = house.create_hit(client, MaxAssignments=2, QualificationRequirements=requiring("Accept") + adults)
    act(lambda connection, now: profiles.grant(connection, "A1WORKER", MASTERS, 1, now))
    assert "Worker_Adult EqualTo 1" in refused(workers.accept, hit["HITId"], "A1WORKER")
    act(lambda connection, now: profiles.set_profile(connection, "A1WORKER", now, adult=True))
    assert house.accept(hit)

    assert act(workers.accept, hit["HITId"], "A2", qualified=True)


def test_a_blocked_worker_is_told_nothing_of_the_block(house, client, refused):
    hit = house.create_hit(client)
    client.create_worker_block(WorkerId="A1WORKER", Reason="no attention")
    assert refused(workers.accept, hit["HITId"], "A1WORKER") == "This HIT is not available to you."
    assert house.accept(house.create_hit(house.client("bob")))
    client.delete_worker_block(WorkerId="A1WORKER")

    assert house.accept(hit)


def test_a_worker_holds_at_most_25_assignments(house, client, act, refused):
    held = [house.accept(house.create_hit(client)) for _ in range(25)]
    more = house.create_hit(client)
    assert "25" in refused(workers.accept, more["HITId"], "A1WORKER")
    house.accept(house.create_hit(house.client(host="sandbox.example.org")))
    house.submit(held.pop())
    house.accept(more)
    act(workers.give_back, held.pop())

    assert house.accept(house.create_hit(client))


def test_of_two_workers_racing_for_the_last_slot_one_is_given_another_hit(house, client):
    """Each looks for any HIT of the group and takes it, in a transaction of its own."""
    hit = house.create_hit(client)
    barrier = threading.Barrier(2)
    ends = []

    def race(worker):
        barrier.wait()
        try:
            with house.database.writing() as connection:
                ends.append(workers.accept_any(connection, hit["HITGroupId"], worker, START))
        except WorkerRefused as refusal:
            ends.append(str(refusal))

    def both():
        ends.clear()
        racers = [threading.Thread(target=race, args=(worker,)) for worker in ("A1", "A2")]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        return sorted(end.startswith("There are no more") for end in ends)

    assert both() == [False, True]
    assert counters(client, hit) == ("Unassignable", 1, 0)
    for _ in range(2):
        house.create_hit(client, MaxAssignments=1)
    assert both() == [False, False]


# Submitting


def test_a_submission_is_an_event_and_makes_the_hit_reviewable_after_its_approval(house, client, clock, happened):
    hit = house.create_hit(client, AutoApprovalDelayInSeconds=0)
    assignment = house.accept(hit)
    clock.advance(20)
    house.submit(assignment)

    assert happened(hit)[2:] == [
        ("AssignmentSubmitted", 20, "A1WORKER"),
        ("AssignmentApproved", 20, "A1WORKER"),
        ("HITReviewable", 20, None),
    ]
    assert counters(client, hit) == ("Reviewable", 0, 0)


def test_work_is_taken_for_ten_seconds_after_the_deadline(house, client, clock, act, refused, happened):
    hit = house.create_hit(client, MaxAssignments=3, LifetimeInSeconds=605)
    on_its_way, late, given_back = (house.accept(hit, worker) for worker in ("A1", "A2", "A3"))
    clock.advance(600)
    assert "is over" in refused(workers.give_back, given_back)
    clock.advance(9)
    house.submit(on_its_way)
    clock.advance(1)
    assert "is over" in refused(workers.submit, late, [])
    with house.database.writing() as connection:
        workers.settle(connection, int(clock()))
        (given_up,) = connection.execute(
            assignments.select().with_only_columns(assignments.c.given_up_at).where(assignments.c.id == late)
        ).one()

    assert given_up == START + 600
    # Whoever gives up after the HIT has expired still makes it reviewable.
    assert sorted(happened(hit)[4:], key=str) == [
        ("AssignmentAbandoned", 600, "A2"),
        ("AssignmentAbandoned", 600, "A3"),
        ("AssignmentSubmitted", 609, "A1"),
        ("HITExpired", 605, None),
        ("HITReviewable", 610, None),
    ]


def test_the_first_answer_stays_when_a_page_is_submitted_twice(house, client, refused):
    assignment = house.work(house.create_hit(client), answers=[("dots", "first")])

    assert "already been submitted" in refused(workers.submit, assignment, [("dots", "second")])
    assert "first" in client.get_assignment(AssignmentId=assignment)["Assignment"]["Answer"]


def answers_of(client, assignment):
    document = xml.parse(client.get_assignment(AssignmentId=assignment)["Assignment"]["Answer"])
    return [[element.text for element in answer] for answer in document]


def test_what_a_form_asks_is_checked_and_can_be_tried_again(house, client, act, refused):
    assignment = house.accept(house.create_hit(client, Question=FORM))
    wrong = refused(workers.submit, assignment, [("total", "many"), ("kinds", "c"), ("other", "x")])
    assert all(f"'{name}'" in wrong for name in ("total", "kinds", "other"))
    assert "'total' must be answered" in refused(workers.submit, assignment, [("kinds", "a")])
    act(workers.attach, assignment, "scan", "big.png", b"x" * 101)
    assert "'scan'" in refused(workers.submit, assignment, [("total", "1")])
    act(workers.attach, assignment, "scan", "scan.png", b"picture")
    house.submit(assignment, [("kinds", "b"), ("kinds", "a"), ("total", "12.5")])

    total, kinds, scan = answers_of(client, assignment)
    assert (total, sorted(kinds)) == (["total", "12.5"], ["a", "b", "kinds"])
    assert scan[:2] == ["scan", "7"]
    assert "already been submitted" in refused(workers.attach, assignment, "scan", "late.png", b"late")


def test_a_page_may_send_anything(house, client):
    answers = [("b", "<&>"), ("a", ""), ("workerId", "A1WORKER")]

    assert answers_of(client, house.work(house.create_hit(client), answers=answers)) == [
        ["b", "<&>"],
        ["a", None],
        ["workerId", "A1WORKER"],
    ]


# Returning


def test_a_returned_slot_is_free_at_once_also_for_the_same_worker(house, client, clock, act, refused, happened):
    hit = house.create_hit(client)
    assignment = house.accept(hit)
    clock.advance(7)
    act(workers.give_back, assignment)
    assert counters(client, hit) == ("Assignable", 0, 1)
    assert happened(hit)[-1] == ("AssignmentReturned", 7, "A1WORKER")
    assert "returned" in refused(workers.submit, assignment, [])
    assert "returned" in refused(workers.give_back, assignment)

    assert house.accept(hit) != assignment


def test_the_last_who_returns_an_expired_hit_makes_it_reviewable(house, client, clock, act, happened):
    hit = house.create_hit(client, LifetimeInSeconds=30)
    assignment = house.accept(hit)
    clock.advance(100)
    act(workers.give_back, assignment)

    assert [event[:2] for event in happened(hit)[2:]] == [
        ("HITExpired", 30),
        ("AssignmentReturned", 100),
        ("HITReviewable", 100),
    ]


# What is known of a worker


def test_a_profile_changes_only_in_what_is_given(house):
    with house.database.writing() as connection:

        def change(**values):
            profiles.set_profile(connection, "A1WORKER", START, **values)
            return tuple(profiles.profile_of(connection, "A1WORKER"))

        assert tuple(profiles.profile_of(connection, "A1WORKER")) == (None, None, False)
        assert change(country="US", subdivision="PA") == ("US", "PA", False)
        assert change(adult=True) == ("US", "PA", True)
        assert change(subdivision="CA") == ("US", "CA", True)
        assert change(country="IN") == ("IN", None, True)
        for wrong in ({"country": "usa"}, {"subdivision": "?"}):
            with pytest.raises(ProfileError):
                change(**wrong)
        with pytest.raises(ProfileError, match="needs a country"):
            profiles.set_profile(connection, "A2", START, subdivision="PA")
        with pytest.raises(WorkerRefused):
            profiles.set_profile(connection, "B1", START)


def test_only_amazons_qualifications_that_nothing_computes_are_granted_so(house, client):
    own = client.create_qualification_type(Name="own", Description="d", QualificationTypeStatus="Active")
    with house.database.writing() as connection:
        for kind in ("00000000000000000040", own["QualificationType"]["QualificationTypeId"], "3NOSUCH"):
            with pytest.raises(ProfileError, match=kind):
                profiles.grant(connection, "A1WORKER", kind, 1, START)


def test_a_worker_sees_what_became_of_all_work_and_what_requesters_wrote(house, client, clock, act):
    paid, refused_work, held = (house.create_hit(client, Title=title) for title in ("paid", "rejected", "held"))
    approved = house.work(paid)
    clock.advance(1)
    rejected = house.work(refused_work)
    clock.advance(1)
    house.accept(held)
    client.approve_assignment(AssignmentId=approved)
    client.reject_assignment(AssignmentId=rejected, RequesterFeedback="blurred")
    client.send_bonus(WorkerId="A1WORKER", AssignmentId=approved, BonusAmount="0.50", Reason="quick")
    client.notify_workers(Subject="Hello", MessageText="More to come", WorkerIds=["A1WORKER"])
    with house.database.reading() as connection:
        tasks = dashboard.tasks_of(connection, "A1WORKER")
        (message,) = dashboard.messages_of(connection, "A1WORKER")
        assert dashboard.tasks_of(connection, "A2") == []

    assert [(task.title, task.state, task.feedback, [bonus.amount for bonus in task.bonuses]) for task in tasks] == [
        ("held", "Accepted", None, []),
        ("rejected", "Rejected", "blurred", []),
        ("paid", "Approved", None, ["0.50"]),
    ]
    assert (message.requester, message.subject, message.text) == ("alice", "Hello", "More to come")
