"""`mturk-gateway sign`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import click

from mturk_gateway.auth import signed
from mturk_gateway.commands.from_settings import from_table, settings_of
from mturk_gateway.credentials import CredentialsError, Requester, read_profiles
from mturk_translators.faults import Fault
from mturk_translators.query import parse_pairs


@click.command("sign")
@click.argument("query")
@click.option("--profile", help="whose keys; default: the only profile, or `default`, or `demo`")
@click.option("--endpoint", help="URL of the gateway; default: the address in the settings")
@from_table("data", "credentials", "upstream", "host", "port", "public_url")
def command(query: str, profile: str | None, endpoint: str | None, config: Path | None, **options: Any) -> None:
    """Print a signed legacy URL for QUERY, such as 'Operation=SearchHITs&PageSize=5'."""
    settings = settings_of(config, options)
    requester = chosen_profile(settings.credentials or settings.keys, profile)
    try:
        click.echo(signed_url(requester, query, endpoint or settings.address))
    except Fault as fault:
        raise click.ClickException(fault.message) from None


def signed_url(requester: Requester, query: str, endpoint: str) -> str:
    """A legacy URL with the standard signature, good for as long as clocks may differ."""
    pairs = signed(requester, parse_pairs(query.encode()), time.time())
    return f"{endpoint.rstrip('/')}/?{urlencode(pairs, quote_via=quote)}"


def chosen_profile(path: Path, name: str | None) -> Requester:
    """The requester of that profile of a credentials file, or of the one that needs no name.

    Raises ClickException, which says what there is.
    """
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
