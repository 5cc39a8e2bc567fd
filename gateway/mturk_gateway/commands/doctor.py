"""`mturk-gateway doctor`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from structlog.testing import capture_logs

from mturk_gateway.commands.from_settings import from_table, settings_of
from mturk_gateway.doctor.examination import examine
from mturk_gateway.doctor.findings import Level

_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "red"}


@click.command("doctor")
@from_table()
def command(config: Path | None, **options: Any) -> None:
    """Look for what is wrong with data, keys, clocks, TLS, disk, settings and upstream, and say what mends it.

    Give it the options that `serve` has. It changes nothing, also while a gateway runs. The exit status is 1 when there
    is a problem.
    """
    settings = settings_of(config, options)
    is_ill = False
    # What a check meets on its way is told as a finding, and not as a line of a log.
    with capture_logs():
        for about, finding in examine(settings):
            is_ill = is_ill or finding.level is Level.PROBLEM
            level = click.style(f"{finding.level:<8}", fg=_COLOURS[finding.level])
            click.echo(f"{level} {about}: {finding.text}")
            if finding.remedy:
                click.echo(f"{'':8} → {finding.remedy}")
    sys.exit(1 if is_ill else 0)
