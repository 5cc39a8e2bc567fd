"""`mturk-gateway worker`: what workers do, without a page to do it on."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from mturk_gateway.commands.from_settings import from_table
from mturk_gateway.commands.houses import marketplace_of, open_house
from mturk_gateway.commands.worker_run import run
from mturk_gateway.marketplace.services.qualifying import requesting
from mturk_gateway.marketplace.services.qualifying.system_types import masters_elsewhere
from mturk_gateway.marketplace.services.timers import settle
from mturk_gateway.marketplace.services.working import dashboard, finding, profiles, worker_qualifications, workers

_worker = click.option("--worker", "worker_id", required=True, help="the worker's ID, such as A1EXAMPLE")
_sandbox = click.option("--sandbox", is_flag=True, help="in the sandbox, and not in production")
_answers = click.option(
    "--answer", "answers", multiple=True, metavar="NAME=VALUE", help="one field of the answer; repeat it"
)
_data = from_table("data")


@contextmanager
def _working(config: Path | None, options: dict[str, Any]) -> Iterator[tuple[Connection, int]]:
    """The marketplace as it is now, and the time, for one transaction."""
    with open_house(config, options) as house, marketplace_of(house).writing() as connection:
        now = int(time.time())
        settle(connection, now)
        yield connection, now


@click.group("worker")
def command() -> None:
    """Workers of the embedded marketplace: do what they can do, for trying things out."""


command.add_command(run)


@command.command("find")
@_worker
@_sandbox
@_data
def find(worker_id: str, sandbox: bool, config: Path | None, **options: Any) -> None:
    """List the groups of HITs that a worker sees, and which of their requirements are met."""
    with _working(config, options) as (connection, now):
        profiles.register(connection, worker_id, now)
        for group in finding.groups(connection, worker_id, now, sandbox=sandbox):
            click.echo(
                f"{group.group_id}\t{group.available} available\t${group.reward}\t{group.assignment_duration} s\t"
                f"{group.requester}\t{group.title}"
            )
            words = finding.describe(connection, group.requirements)
            for requirement, described in zip(group.requirements, words, strict=True):
                click.echo(f"  {'not met' if requirement in group.unmet else 'met'}: {described}")


@command.command("preview")
@click.argument("group", metavar="GROUPID")
@_worker
@_data
def preview(group: str, worker_id: str, config: Path | None, **options: Any) -> None:
    """Show any HIT of a group, given by its HITGroupId or HITTypeId: its id and its question."""
    with _working(config, options) as (connection, now):
        hit = finding.preview(connection, group, worker_id, now)
        click.echo(f"{hit.id}\n{hit.question}")


@command.command("accept")
@click.argument("hit_id", metavar="HITID")
@click.option("--any", "any_of_group", is_flag=True, help="HITID is a HITGroupId or HITTypeId; accept any of its HITs")
@click.option("--qualified", is_flag=True, help="whatever qualifications the HIT requires")
@_worker
@_data
def accept(
    hit_id: str, any_of_group: bool, qualified: bool, worker_id: str, config: Path | None, **options: Any
) -> None:
    """Accept a HIT, and print the AssignmentId."""
    if any_of_group and qualified:
        raise click.UsageError("--qualified is about one HIT, and not about --any of a group.")
    with _working(config, options) as (connection, now):
        if any_of_group:
            click.echo(workers.accept_any(connection, hit_id, worker_id, now))
        else:
            click.echo(workers.accept(connection, hit_id, worker_id, now, qualified=qualified))


@command.command("submit")
@click.argument("assignment_id", metavar="ASSIGNMENTID")
@_answers
@click.option("--file", "files", multiple=True, metavar="NAME=PATH", help="a file as an answer; repeat it")
@_data
def submit(
    assignment_id: str, answers: tuple[str, ...], files: tuple[str, ...], config: Path | None, **options: Any
) -> None:
    """Submit an accepted assignment."""
    pairs = _pairs(answers, "--answer")
    uploads = [(name, Path(path).name, _content(path)) for name, path in _pairs(files, "--file")]
    with _working(config, options) as (connection, now):
        for question, name, content in uploads:
            workers.attach(connection, assignment_id, question, name, content, now)
        workers.submit(connection, assignment_id, pairs, now)


@command.command("return")
@click.argument("assignment_id", metavar="ASSIGNMENTID")
@_data
def give_back(assignment_id: str, config: Path | None, **options: Any) -> None:
    """Return an accepted assignment unfinished."""
    with _working(config, options) as (connection, now):
        workers.give_back(connection, assignment_id, now)


@command.command("request")
@click.argument("type_id", metavar="[QUALIFICATIONTYPEID]", required=False)
@_worker
@_sandbox
@_data
def request(type_id: str | None, worker_id: str, sandbox: bool, config: Path | None, **options: Any) -> None:
    """Request a qualification, and print the request's id and status; with no type, list what can be requested."""
    with _working(config, options) as (connection, now):
        if type_id is None:
            for offer in worker_qualifications.offers(connection, worker_id, now, sandbox=sandbox):
                way = "with a test" if offer.tested else "without a test"
                click.echo(f"{offer.type_id}\t{way}\t{offer.requester}\t{offer.name}")
        else:
            profiles.register(connection, worker_id, now)
            _echo_outcome(requesting.request_qualification(connection, type_id, worker_id, now))


@command.command("qualifications")
@_worker
@_data
def qualifications(worker_id: str, config: Path | None, **options: Any) -> None:
    """List what a worker holds or has lost, and what was asked for and not granted, with the requesters' reasons."""
    with _working(config, options) as (connection, _):
        for held in worker_qualifications.holdings(connection, worker_id):
            click.echo(f"{held.type_id}\t{held.status}\t{held.value}\t{_moment(held.grant_time)}\t{held.name}")
            _echo_reason(held.reason)
        for asked in worker_qualifications.asked_for(connection, worker_id):
            click.echo(
                f"{asked.type_id}\t{asked.status}\t{asked.request_id}\t{_moment(asked.request_time)}\t{asked.name}"
            )
            _echo_reason(asked.reason)


@command.command("test")
@click.argument("request_id", metavar="REQUESTID")
@_answers
@_data
def test(request_id: str, answers: tuple[str, ...], config: Path | None, **options: Any) -> None:
    """Submit the answers to a qualification test, and print the request's status; with no answers, show the test."""
    pairs = _pairs(answers, "--answer")
    with _working(config, options) as (connection, now):
        if pairs:
            _echo_outcome(requesting.submit_test(connection, request_id, pairs, now))
        else:
            click.echo(dashboard.open_test(connection, request_id))


@command.command("tasks")
@_worker
@_data
def tasks(worker_id: str, config: Path | None, **options: Any) -> None:
    """List what a worker holds and has done, last first, with what became of it."""
    with _working(config, options) as (connection, _):
        for task in dashboard.tasks_of(connection, worker_id):
            until = f"until {_moment(task.deadline)}" if task.state == "Accepted" else _moment(task.accept_time)
            click.echo(
                f"{task.assignment_id}\t{task.hit_id}\t{task.state}\t{until}\t${task.reward}\t{task.requester}\t"
                f"{task.title}"
            )
            if task.feedback:
                click.echo(f"  feedback: {task.feedback}")
            for bonus in task.bonuses:
                click.echo(f"  bonus: ${bonus.amount}, {bonus.reason}")


@command.command("messages")
@_worker
@_data
def messages(worker_id: str, config: Path | None, **options: Any) -> None:
    """Show what requesters wrote to a worker, last first."""
    with _working(config, options) as (connection, _):
        for message in dashboard.messages_of(connection, worker_id):
            click.echo(f"{_moment(message.time)}\t{message.requester}\t{message.subject}\n{message.text}\n")


@command.command("set")
@click.argument("worker_id", metavar="WORKERID")
@click.option("--country", help="where the worker lives, in two letters, such as US")
@click.option("--subdivision", help="and where in that country, such as PA")
@click.option("--adult/--no-adult", default=None, help="whether the worker agreed to adult content")
@click.option("--masters/--no-masters", default=None, help="whether the worker is one of the masters")
@click.option("--grant", "grants", multiple=True, metavar="TYPEID=VALUE", help="a withdrawn system qualification")
@_sandbox
@_data
def set_profile(
    worker_id: str,
    country: str | None,
    subdivision: str | None,
    adult: bool | None,
    masters: bool | None,
    grants: tuple[str, ...],
    sandbox: bool,
    config: Path | None,
    **options: Any,
) -> None:
    """Say what is known of a worker; masters are those of one realm."""
    values = [(type_id, _whole(value)) for type_id, value in _pairs(grants, "--grant")]
    type_of_masters = masters_elsewhere(sandbox=not sandbox)
    with _working(config, options) as (connection, now):
        profiles.set_profile(connection, worker_id, now, country=country, subdivision=subdivision, adult=adult)
        if masters is False:
            profiles.take_away(connection, worker_id, type_of_masters)
        for type_id, value in [(type_of_masters, 1)] * bool(masters) + values:
            profiles.grant(connection, worker_id, type_id, value, now)


def _echo_reason(reason: str | None) -> None:
    if reason:
        click.echo(f"  reason: {reason}")


def _pairs(given: Sequence[str], option: str) -> list[tuple[str, str]]:
    pairs = []
    for pair in given:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint=option)
        pairs.append((name, value))
    return pairs


def _whole(value: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", value):
        raise click.BadParameter(f"{value!r} is not a whole number of at most nine digits", param_hint="--grant")
    return int(value)


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise click.BadParameter(str(error), param_hint="--file") from None


def _echo_outcome(outcome: requesting.Outcome) -> None:
    click.echo(f"{outcome.request_id}\t{outcome.status}")


def _moment(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
