"""`mturk-gateway tls`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mturk_gateway.clock import wall_clock
from mturk_gateway.commands.from_settings import from_table, settings_of
from mturk_gateway.settings import Settings
from mturk_gateway.tls.advice import advice, clients_called
from mturk_gateway.tls.authority import make_certificates, permitted_names
from mturk_gateway.tls.clients import CLIENTS, Client
from mturk_gateway.tls.files import TlsError
from mturk_gateway.tls.hosts import AMAZON_HOSTS
from mturk_gateway.tls.systems import SYSTEMS, this_system


@click.group("tls")
def command() -> None:
    """Answer under the host names that old programs have in them."""


def _advised(decorated: Callable[..., None]) -> Any:
    decorated = click.option("--address", help="where programs reach the gateway; default: on this machine")(decorated)
    decorated = click.option("--client", "wanted", metavar="NAME", help="only what concerns it, such as boto")(
        decorated
    )
    return click.option(
        "--system", type=click.Choice(list(SYSTEMS)), help="where the programs run, if not on a system like this one"
    )(decorated)


@command.command("init")
@click.option("--name", "further", multiple=True, metavar="HOST", help="one more name for the gateway; repeat it")
@click.option("--new-authority", is_flag=True, help="replace the authority; clients must be told to trust the new one")
@_advised
@from_table("data")
def init(
    further: tuple[str, ...],
    new_authority: bool,
    address: str | None,
    system: str | None,
    wanted: str | None,
    config: Path | None,
    **options: Any,
) -> None:
    """Make a certificate for Amazon's names, and say what to put where.

    It is signed by an authority of your own, which can vouch for these names only. The first time, that is made too;
    from then on it is kept, and the certificate is a new one every time.
    """
    settings = settings_of(config, options)
    clients = _clients(wanted)
    files = settings.tls_files
    try:
        if files.authority.exists() and not further and not new_authority:
            names = permitted_names(files.authority)
        else:
            names = tuple(dict.fromkeys((*AMAZON_HOSTS, *(name.lower() for name in further), "localhost")))
        made = make_certificates(files, names, wall_clock(), new_authority=new_authority)
    except TlsError as error:
        raise click.ClickException(str(error)) from None
    which = "A new authority" if made.new_authority else "The authority, the same as before"
    click.echo(f"{which}, good until {made.authority_end:%Y-%m-%d}: {files.authority}")
    click.echo(f"A new certificate, good until {made.certificate_end:%Y-%m-%d}: {files.certificate}")
    click.echo(f"They are for these names: {', '.join(made.names)}")
    click.echo(f"Whoever can read {files.signer_key} can vouch for them too.")
    if not made.new_authority:
        click.echo("A gateway that is running has the old certificate until it is started again.")
    click.echo()
    _echo_advice(settings, address, system, clients)


@command.command("advice")
@_advised
@from_table("data")
def show_advice(
    address: str | None, system: str | None, wanted: str | None, config: Path | None, **options: Any
) -> None:
    """Say again what to put where.

    For programs on other machines, --address and --system say how they reach the gateway and what they run on.
    """
    _echo_advice(settings_of(config, options), address, system, _clients(wanted))


def _clients(wanted: str | None) -> tuple[Client, ...]:
    found = clients_called(wanted) if wanted else CLIENTS
    if not found:
        known = ", ".join(name for client in CLIENTS for name in client.names)
        raise click.ClickException(f"nothing is known of {wanted}; known are {known}")
    return found


def _echo_advice(settings: Settings, address: str | None, system: str | None, clients: tuple[Client, ...]) -> None:
    authority = settings.tls_files.authority.absolute()
    try:
        hosts = permitted_names(authority)
    except TlsError as error:
        raise click.ClickException(str(error)) from None
    for line in advice(SYSTEMS[system or this_system()], authority, address or settings.own_host, hosts, clients):
        click.echo(line)
    host = f" --host {address}" if address else ""
    click.echo("\nTo answer there (ports below 1024 need a privilege; deploy/ has files for Caddy and nginx instead):")
    click.echo(f"  mturk-gateway serve --tls --port 443{host} --data {settings.data.absolute()}")
