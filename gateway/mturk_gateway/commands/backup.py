"""`mturk-gateway backup`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import click

from mturk_gateway.backups.backup import BackupError, back_up, name_of_backup
from mturk_gateway.commands.from_settings import from_table, settings_of

_NICENESS = 10
"""How far it stands back for requests, of at most 19."""


@click.command("backup")
@click.argument("target", metavar="FOLDER|FILE", type=click.Path(path_type=Path))
@from_table("data")
def command(target: Path, config: Path | None, **options: Any) -> None:
    """Put the data folder, also that of a running gateway, into one file, and print its name.

    A folder gets a file named after the moment; a file is replaced. Whoever can read it has all keys.
    """
    settings = settings_of(config, options)
    now = time.time()
    file = target / name_of_backup(now) if target.is_dir() else target
    os.nice(_NICENESS)
    try:
        manifest = back_up(settings.data, file, now)
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    size = file.stat().st_size / 1e6
    click.echo(f"{file}: {size:.1f} MB, {', '.join(manifest.files)} as of {manifest.moment}")
