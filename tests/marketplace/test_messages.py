"""What requesters write to workers (modern-mturk 4.2)."""

from __future__ import annotations

from sqlalchemy import insert, select

from mturk_gateway.marketplace.requesters import find_requester
from mturk_gateway.marketplace.tables import messages, workers

PATTERN = "failed to satisfy constraint: Member must satisfy regular expression pattern: ^A[A-Z0-9]+$"


def sent(house):
    """All messages: from and to whom, when, subject and text."""
    with house.database.reading() as connection:
        statement = select(
            messages.c.requester_id, messages.c.worker_id, messages.c.time, messages.c.subject, messages.c.text
        )
        return [tuple(row) for row in connection.execute(statement.order_by(messages.c.number))]


def identify(house, name="alice"):
    with house.database.reading() as connection:
        return find_requester(connection, name).id


def notify(client, *worker_ids):
    """The failures that are reported."""
    reply = client.notify_workers(Subject="Hello", MessageText="More work!", WorkerIds=list(worker_ids))
    assert set(reply) == {"NotifyWorkersFailureStatuses", "ResponseMetadata"}
    return reply["NotifyWorkersFailureStatuses"]


def test_each_worker_gets_one_message(house, client, clock):
    hit = house.create_hit(client, MaxAssignments=2)
    for worker in ("A1WORKER", "A2WORKER"):
        house.accept(hit, worker)
    clock.advance(5)

    assert notify(client, "A2WORKER", "A1WORKER", "A2WORKER") == []
    alice = identify(house)
    assert sent(house) == [(alice, worker, clock.now, "Hello", "More work!") for worker in ("A2WORKER", "A1WORKER")]


def test_whom_nobody_has_seen_is_reported_and_the_others_are_written_to(house, client):
    house.work(house.create_hit(house.client("bob")), "A1WORKER")
    with house.database.writing() as connection:
        connection.execute(insert(workers), {"id": "A2REGISTERED", "creation_time": 0, "adult": True})

    assert notify(client, "A3NOBODY", "A1WORKER", "A3NOBODY", "A2REGISTERED", "A4NOBODY") == [
        {
            "NotifyWorkersFailureCode": "HardFailure",
            "NotifyWorkersFailureMessage": "Cannot send a notification to a worker who has not done any work for you",
            "WorkerId": worker,
        }
        for worker in ("A3NOBODY", "A4NOBODY")
    ]
    assert [worker for _, worker, *_ in sent(house)] == ["A1WORKER", "A2REGISTERED"]


def test_what_is_too_long_is_not_sent(house, client, failure):
    house.work(house.create_hit(client))
    longest = {"Subject": "s" * 200, "MessageText": "é" * 4096, "WorkerIds": ["A1WORKER"] * 100}
    for changes, complaint in (
        ({"Subject": "s" * 201}, "Subject is too long. It has 201 characters; 200"),
        ({"MessageText": "é" * 4097}, "MessageText is too long. It has 4097 characters; 4096"),
        ({"WorkerIds": ["A1WORKER"] * 101}, "WorkerIds is too long. It has 101 values; 100"),
    ):
        assert failure(client.notify_workers, **{**longest, **changes}) == (
            400,
            "ParameterValidationError",
            "AWS.MechanicalTurk.InvalidParameterValue",
            f"The value of the parameter {complaint} are allowed. (1700000000000)",
        )
    assert sent(house) == []
    client.notify_workers(**longest)
    assert [row[3:] for row in sent(house)] == [(longest["Subject"], longest["MessageText"])]


def test_a_malformed_id_is_refused_before_anybody_is_written_to(house, client, failure):
    house.work(house.create_hit(client))
    parameters = {"Subject": "s", "MessageText": "t", "WorkerIds": ["A1WORKER", "me@example.org"]}

    assert failure(client.notify_workers, **parameters) == (
        400,
        "ValidationException",
        None,
        f"1 validation error detected: Value 'me@example.org' at 'workerIds.2.member' {PATTERN}",
    )
    assert sent(house) == []
