"""A legacy program with workers and things of its own, and the golden stage."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest

from golden import case, stage
from mturk_gateway.clock import wall_clock
from mturk_gateway.credentials import Requester
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.marketplace.services.working import workers
from mturk_translators.xml import parse
from support import ask, fill, modern_client, one


@dataclass(frozen=True)
class Program:
    """What a requester does through the legacy API of a gateway."""

    gateway: EmbeddedGateway
    requester: Requester

    def ask(self, operation, *pairs, **named):
        """The root of an answer."""
        return ask(self.gateway.url, self.requester, operation, *pairs, **named)

    def result(self, operation, *pairs, **named):
        """The result element of an answer that is no error."""
        root = self.ask(operation, *pairs, **named)
        assert one(root, "IsValid") == "True"
        return root[1]

    def code(self, operation, *pairs, **named):
        """The code of an error."""
        return one(self.ask(operation, *pairs, **named), "Code")

    def hit(self, **properties):
        """A new HIT."""
        (hit,) = fill(self.gateway, self.requester, [(properties, int(wall_clock()))])
        return hit

    def hit_type(self):
        """A HIT type."""
        given = {"Title": "t", "Description": "d", "AssignmentDurationInSeconds": 60}
        return self.result("RegisterHITType", ("Reward.Amount", "0.05"), **given).findtext("HITTypeId")

    def qualification_type(self, name="dots"):
        """A new qualification type."""
        made = self.result("CreateQualificationType", Name=name, Description="d")
        return made.findtext("QualificationTypeId")

    def accept(self, hit, worker="A1WORKER"):
        """A worker takes a HIT; the AssignmentId."""
        with self.gateway.house.marketplace.writing() as connection:
            return workers.accept(connection, hit, worker, int(wall_clock()))

    def submit(self, assignment):
        """The worker hands it in."""
        with self.gateway.house.marketplace.writing() as connection:
            workers.submit(connection, assignment, [("q1", "a")], int(wall_clock()))

    def work(self, hit, worker="A1WORKER"):
        """Both; the AssignmentId."""
        assignment = self.accept(hit, worker)
        self.submit(assignment)
        return assignment

    def modern(self) -> AbstractContextManager[Any]:
        """A client of the modern API for the same requester."""
        return modern_client(self.gateway.url, self.requester)


@pytest.fixture
def program(gateway, requester):
    return Program(gateway, requester)


@pytest.fixture(scope="session")
def golden(tmp_path_factory):
    with stage(tmp_path_factory.mktemp("golden")) as opened:
        yield opened


@pytest.fixture
def play(golden):
    """What a golden pair comes to: the root of the answer, and the parameters of the modern calls by operation."""

    def played(name):
        answer, calls = golden.play(case(name))
        return parse(answer.document), dict(calls)

    return played


def names(element):
    """The names of an element's children."""
    return [child.tag for child in element]
