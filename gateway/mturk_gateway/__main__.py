"""The command line, `mturk-gateway`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import click

from mturk_gateway.auth import SERVICE, sign, standard_string
from mturk_gateway.credentials import CredentialsError, Requester, read_profiles
from mturk_gateway.settings import Settings, SettingsError, load_settings, option_name, variable_name
from mturk_translators.faults import Fault
from mturk_translators.query import first, parse_pairs

if TYPE_CHECKING:
    from mturk_gateway.database import Database
    from mturk_gateway.house import House


@click.group()
@click.version_option(package_name="mturk-gateway")
def main() -> None:
    """Answer the legacy Amazon Mechanical Turk Requester API, on a marketplace of your own."""


def _from_table(*names: str) -> Callable[[Any], Any]:
    """Options for settings, made from the table; with no names for all of them."""

    def decorate(command: Any) -> Any:
        for setting in reversed(fields(Settings)):
            if names and setting.name not in names:
                continue
            meaning = f"{setting.metadata['meaning']}  [{variable_name(setting.name)}]"
            kind = {"is_flag": True, "default": None} if setting.type == "bool" else {"metavar": "VALUE"}
            command = click.option(option_name(setting.name), setting.name, help=meaning, **kind)(command)
        return click.option(
            "--config", envvar="MTURK_GATEWAY_CONFIG", type=click.Path(path_type=Path), help="TOML file of settings"
        )(command)

    return decorate


def _settings(config: Path | None, options: dict[str, Any]) -> Settings:
    try:
        return load_settings(options, os.environ, config)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None


@main.command()
@_from_table()
def serve(config: Path | None, **options: Any) -> None:
    """Answer both APIs until told to stop."""
    from mturk_gateway.admin import RequesterError
    from mturk_gateway.logs import configure_logs
    from mturk_gateway.serve import serve as serve_gateway

    settings = _settings(config, options)
    configure_logs()

    def announce(demo: Requester | None) -> None:
        click.echo(f"Answering on {settings.address}")
        if demo:
            query = "Operation=SearchHITs&PageSize=5"
            again = f"{sys.argv[0]} sign --data {settings.data} --endpoint {settings.address} '{query}'"
            click.echo(
                f"  demo requester: aws_access_key_id = {demo.access_key}\n"
                f"                  aws_secret_access_key = {demo.secret}\n"
                f"  try, in the next 15 minutes:  curl '{signed_url(demo, query, settings.address)}'\n"
                f'  or later:  curl "$({again})"'
            )

    try:
        serve_gateway(settings, announce)
    except (SettingsError, CredentialsError, RequesterError, OSError) as error:
        raise click.ClickException(str(error)) from None


@main.command("sign")
@click.argument("query")
@click.option("--profile", help="whose keys; default: the only profile, or `default`, or `demo`")
@click.option("--endpoint", help="URL of the gateway; default: the address in the settings")
@_from_table("data", "credentials", "upstream", "host", "port", "public_url")
def sign_query(query: str, profile: str | None, endpoint: str | None, config: Path | None, **options: Any) -> None:
    """Print a signed legacy URL for QUERY, such as 'Operation=SearchHITs&PageSize=5'."""
    settings = _settings(config, options)
    requester = _profile(settings.credentials or settings.keys, profile)
    try:
        click.echo(signed_url(requester, query, endpoint or settings.address))
    except Fault as fault:
        raise click.ClickException(fault.message) from None


def signed_url(requester: Requester, query: str, endpoint: str) -> str:
    """A legacy URL with the standard signature, good for as long as clocks may differ."""
    pairs = parse_pairs(query.encode())
    timestamp = datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    signature = sign(requester.secret, standard_string(first(pairs, "Operation") or "", timestamp))
    common = [
        ("Service", SERVICE),
        ("AWSAccessKeyId", requester.access_key),
        *pairs,
        ("Timestamp", timestamp),
        ("Signature", signature),
    ]
    return f"{endpoint.rstrip('/')}/?{urlencode(common, quote_via=quote)}"


def _profile(path: Path, name: str | None) -> Requester:
    try:
        profiles = {profile.profile: profile for profile in read_profiles(path)}
    except CredentialsError as error:
        raise click.ClickException(str(error)) from None
    if name is None and len(profiles) == 1:
        return next(iter(profiles.values()))
    for wanted in [name] if name else ["default", "demo"]:
        if wanted in profiles:
            return profiles[wanted]
    known = ", ".join(sorted(profiles)) or "none"
    raise click.ClickException(f"{path}: no profile {name or 'by default'}; there are: {known}")


@contextmanager
def _house(config: Path | None, options: dict[str, Any]) -> Iterator[House]:
    from mturk_gateway.admin import RequesterError
    from mturk_gateway.house import House
    from mturk_gateway.marketplace.services.workers import WorkerRefused

    house = House.open(_settings(config, options))
    try:
        house.prepare()
        yield house
    except (CredentialsError, RequesterError, WorkerRefused) as error:
        raise click.ClickException(str(error)) from None
    finally:
        house.close()


def _marketplace(house: House) -> Database:
    if house.marketplace is None:
        raise click.ClickException("this works on the embedded marketplace only")
    return house.marketplace


@main.group()
def requester() -> None:
    """The requesters of the embedded marketplace."""


def _echo_keys(requester: Requester) -> None:
    click.echo(f"[{requester.profile}]")
    click.echo(f"aws_access_key_id = {requester.access_key}")
    click.echo(f"aws_secret_access_key = {requester.secret}")


@requester.command("add")
@click.argument("name")
@click.option("--sandbox", is_flag=True, help="error messages end as those of the sandbox did")
@_from_table("data")
def requester_add(name: str, sandbox: bool, config: Path | None, **options: Any) -> None:
    """Make a requester with new keys, and print them."""
    from mturk_gateway import admin

    with _house(config, options) as house:
        added = admin.add_requester(_marketplace(house), house.credentials, name, time.time(), sandbox=sandbox)
        _echo_keys(added)


@requester.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@click.option("--profile", help="only this profile")
@_from_table("data")
def requester_import(file: Path, profile: str | None, config: Path | None, **options: Any) -> None:
    """Take over the profiles of an AWS shared credentials file, so that programs keep their keys."""
    from mturk_gateway import admin

    with _house(config, options) as house:
        profiles = [found for found in read_profiles(file) if profile in (None, found.profile)]
        if not profiles:
            raise click.ClickException(f"{file}: no profile with static keys")
        for imported in admin.import_requesters(_marketplace(house), house.credentials, profiles, time.time()):
            click.echo(imported.profile)


@requester.command("rotate")
@click.argument("name")
@_from_table("data")
def requester_rotate(name: str, config: Path | None, **options: Any) -> None:
    """Give a requester new keys, and print them; the old ones stop working."""
    from mturk_gateway import admin

    with _house(config, options) as house:
        _echo_keys(admin.rotate_requester(_marketplace(house), house.credentials, name, time.time()))


@requester.command("list")
@_from_table("data")
def requester_list(config: Path | None, **options: Any) -> None:
    """List the requesters with their keys, and how much each still calls the legacy and the modern API."""
    from mturk_gateway.ledger.usage import Usage

    with _house(config, options) as house:
        totals = Usage(house.ledger).totals()
        for found in read_profiles(house.credentials):
            legacy, modern = (totals.get((found.access_key, api), 0) for api in ("legacy", "modern"))
            realm = "sandbox" if found.sandbox else "production"
            click.echo(f"{found.profile}\t{found.access_key}\t{realm}\tlegacy {legacy}\tmodern {modern}")


@main.group()
def worker() -> None:
    """Stand-in workers, for trying things out."""


@worker.command("accept")
@click.argument("hit_id", metavar="HITID")
@click.option("--worker", "worker_id", required=True, help="the worker's ID, such as A1EXAMPLE")
@_from_table("data")
def worker_accept(hit_id: str, worker_id: str, config: Path | None, **options: Any) -> None:
    """Accept a HIT, and print the AssignmentId."""
    from mturk_gateway.marketplace.services import workers

    with _house(config, options) as house, _marketplace(house).writing() as connection:
        click.echo(workers.accept(connection, hit_id, worker_id, int(time.time())))


@worker.command("submit")
@click.argument("assignment_id", metavar="ASSIGNMENTID")
@click.option("--answer", "answers", multiple=True, metavar="NAME=VALUE", help="one field of the answer; repeat it")
@_from_table("data")
def worker_submit(assignment_id: str, answers: tuple[str, ...], config: Path | None, **options: Any) -> None:
    """Submit an accepted assignment."""
    from mturk_gateway.marketplace.services import workers

    pairs = []
    for answer in answers:
        name, equals, value = answer.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{answer!r} is not NAME=VALUE", param_hint="--answer")
        pairs.append((name, value))
    with _house(config, options) as house, _marketplace(house).writing() as connection:
        workers.submit(connection, assignment_id, pairs, int(time.time()))


if __name__ == "__main__":
    main()
