"""The life of a HIT from a shell, by the aws-cli as it comes, with nothing but its own variables set."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mturk_gateway.clock import wall_clock
from mturk_gateway.marketplace.services.working import workers
from support import QUESTION

AWS = Path(sys.executable).parent / "aws"


@pytest.fixture
def aws(gateway, requester, tmp_path):
    """Runs `aws mturk` with some words; gives what it prints as JSON, or its error with the exit code it must have."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ENDPOINT_URL_MTURK": gateway.url,
        "AWS_SHARED_CREDENTIALS_FILE": str(gateway.settings.data / "credentials"),
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_PROFILE": requester.profile,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }

    def run(*words, fails=0):
        done = subprocess.run(
            [AWS, "mturk", *map(str, words)], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == fails, done.stderr
        return done.stderr if fails else json.loads(done.stdout or "null")

    return run


def test_a_hit_lives_from_a_shell(aws, gateway):
    hit_type = aws(
        "create-hit-type",
        *("--title", "Count the dots", "--description", "How many?", "--reward", "0.5"),
        *("--assignment-duration-in-seconds", 600, "--keywords", "dots, count"),
    )["HITTypeId"]
    made = [
        aws(
            "create-hit-with-hit-type",
            *("--hit-type-id", hit_type, "--lifetime-in-seconds", 3600, "--question", QUESTION),
            *("--unique-request-token", f"token-{number}", "--query", "HIT.HITId"),
        )
        for number in range(3)
    ]
    first = aws("list-hits", "--page-size", 1, "--max-items", 2)
    rest = aws("list-hits", "--page-size", 1, "--starting-token", first["NextToken"])
    assert sorted(hit["HITId"] for hit in first["HITs"] + rest["HITs"]) == sorted(made)

    now = int(wall_clock())
    with gateway.house.marketplace.writing() as connection:
        assignment = workers.accept(connection, made[0], "A1WORKER", now)
        workers.submit(connection, assignment, [("dots", "7")], now)
    listed = aws("list-assignments-for-hit", "--hit-id", made[0], "--assignment-statuses", "Submitted")
    assert [work["AssignmentId"] for work in listed["Assignments"]] == [assignment]
    assert aws("approve-assignment", "--assignment-id", assignment, "--requester-feedback", "Thank you") is None
    again = aws("approve-assignment", "--assignment-id", assignment, fails=255)
    assert "(RequestError)" in again
    assert "This operation can be called with a status of: Submitted" in again
    aws("send-bonus", "--assignment-id", assignment, "--worker-id", "A1WORKER", "--bonus-amount", 1, "--reason", "r")
    paid = aws("list-bonus-payments", "--assignment-id", assignment, "--query", "BonusPayments[].BonusAmount")
    assert paid == ["1.00"]
    assert aws("delete-hit", "--hit-id", made[0]) is None
    assert aws("get-hit", "--hit-id", made[0], "--query", "HIT.HITStatus") == "Disposed"
