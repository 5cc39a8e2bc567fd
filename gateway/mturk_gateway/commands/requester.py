"""`mturk-gateway requester`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from mturk_gateway import admin
from mturk_gateway.commands.from_settings import from_table
from mturk_gateway.commands.houses import marketplace_of, open_house
from mturk_gateway.credentials import Requester, read_profiles
from mturk_gateway.ledger.usage import Usage


@click.group("requester")
def command() -> None:
    """The requesters of the embedded marketplace."""


@command.command("add")
@click.argument("name")
@click.option("--sandbox", is_flag=True, help="error messages end as those of the sandbox did")
@from_table("data")
def add(name: str, sandbox: bool, config: Path | None, **options: Any) -> None:
    """Make a requester with new keys, and print them."""
    with open_house(config, options) as house:
        added = admin.add_requester(marketplace_of(house), house.credentials, name, time.time(), sandbox=sandbox)
        _echo_keys(added)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@click.option("--profile", help="only this profile")
@from_table("data")
def import_file(file: Path, profile: str | None, config: Path | None, **options: Any) -> None:
    """Take over the profiles of an AWS shared credentials file, so that programs keep their keys."""
    with open_house(config, options) as house:
        profiles = [found for found in read_profiles(file) if profile in (None, found.profile)]
        if not profiles:
            raise click.ClickException(f"{file}: no profile with static keys")
        for imported in admin.import_requesters(marketplace_of(house), house.credentials, profiles, time.time()):
            click.echo(imported.profile)


@command.command("rotate")
@click.argument("name")
@from_table("data")
def rotate(name: str, config: Path | None, **options: Any) -> None:
    """Give a requester new keys, and print them; the old ones stop working."""
    with open_house(config, options) as house:
        _echo_keys(admin.rotate_requester(marketplace_of(house), house.credentials, name, time.time()))


@command.command("list")
@from_table("data")
def list_all(config: Path | None, **options: Any) -> None:
    """List the requesters with their keys, and how much each still calls the legacy and the modern API."""
    with open_house(config, options) as house:
        totals = Usage(house.ledger).totals()
        for found in read_profiles(house.credentials):
            legacy, modern = (totals.get((found.access_key, api), 0) for api in ("legacy", "modern"))
            realm = "sandbox" if found.sandbox else "production"
            click.echo(f"{found.profile}\t{found.access_key}\t{realm}\tlegacy {legacy}\tmodern {modern}")


def _echo_keys(requester: Requester) -> None:
    click.echo(f"[{requester.profile}]")
    click.echo(f"aws_access_key_id = {requester.access_key}")
    click.echo(f"aws_secret_access_key = {requester.secret}")
