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
@click.option("--sandbox", is_flag=True, help="the keys open the sandbox only, whatever host a request names")
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


_SANDBOX = click.option("--sandbox", is_flag=True, help="what the same keys open in the sandbox")


@command.command("terms")
@click.argument("name")
@click.option("--prepaid/--owing", default=None, help="whether only money that was paid in can be spent")
@click.option("--fees/--no-fees", "charged", default=None, help="whether Amazon's fees are charged")
@from_table("data")
def terms(name: str, prepaid: bool | None, charged: bool | None, config: Path | None, **options: Any) -> None:
    """Say how a requester pays; by default nothing is checked and there are no fees."""
    with open_house(config, options) as house:
        admin.change_terms(marketplace_of(house), name, prepaid=prepaid, charged=charged)


@command.command("pay-in")
@click.argument("name")
@click.argument("amount")
@from_table("data")
def pay_in(name: str, amount: str, config: Path | None, **options: Any) -> None:
    """Add AMOUNT, such as 12.50, to what a requester may spend, and print what there is now."""
    with open_house(config, options) as house:
        click.echo(admin.pay_in(marketplace_of(house), name, amount, time.time()))


@command.command("earnings")
@click.argument("name")
@_SANDBOX
@from_table("data")
def earnings(name: str, sandbox: bool, config: Path | None, **options: Any) -> None:
    """Print who earned how much of a requester, in rewards and bonuses: a line of CSV for each worker."""
    with open_house(config, options) as house:
        for worker, amount in admin.earnings(marketplace_of(house), name, sandbox=sandbox):
            click.echo(f"{worker},{amount}")


@command.command("layout")
@click.argument("name")
@click.argument("layout_id", metavar="LAYOUTID")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--frame-height", default=0, show_default=True, type=click.IntRange(0), help="pixels; 0 fills the window")
@_SANDBOX
@from_table("data")
def layout(
    name: str, layout_id: str, file: Path, frame_height: int, sandbox: bool, config: Path | None, **options: Any
) -> None:
    """Keep an HTML file with places like ${name} as a HIT layout, under the id that programs have for it."""
    content = file.read_text(encoding="utf-8")
    with open_house(config, options) as house:
        market = marketplace_of(house)
        admin.keep_layout(market, name, layout_id, content, frame_height, time.time(), sandbox=sandbox)


def _echo_keys(requester: Requester) -> None:
    click.echo(f"[{requester.profile}]")
    click.echo(f"aws_access_key_id = {requester.access_key}")
    click.echo(f"aws_secret_access_key = {requester.secret}")
