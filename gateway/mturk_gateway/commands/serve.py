"""`mturk-gateway serve`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from structlog import get_logger

from mturk_gateway.admin import RequesterError
from mturk_gateway.clock import wall_clock
from mturk_gateway.commands.from_settings import from_table, settings_of
from mturk_gateway.commands.sign import signed_url
from mturk_gateway.credentials import CredentialsError, Requester
from mturk_gateway.observing.logs import configure_logs
from mturk_gateway.schemas import SchemaError
from mturk_gateway.serve import serve
from mturk_gateway.settings import SettingsError
from mturk_gateway.tls.checking import check_certificate
from mturk_gateway.tls.files import TlsError

log = get_logger()


@click.command("serve")
@from_table()
def command(config: Path | None, **options: Any) -> None:
    """Answer both APIs until told to stop."""
    settings = settings_of(config, options)
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
        warning = check_certificate(*settings.certificate, wall_clock()) if settings.certificate else None
        if warning:
            log.warning("certificate", reason=warning)
        serve(settings, announce)
    except (SettingsError, CredentialsError, RequesterError, SchemaError, TlsError, OSError) as error:
        raise click.ClickException(str(error)) from None
