"""`mturk-gateway restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mturk_gateway.backups.backup import BackupError, restore
from mturk_gateway.commands.from_settings import from_table, settings_of


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@from_table("data")
def command(file: Path, config: Path | None, **options: Any) -> None:
    """Make the data folder, which must be empty or not be there, from the file of a backup."""
    settings = settings_of(config, options)
    try:
        manifest = restore(file, settings.data)
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{settings.data}: {', '.join(manifest.files)} as of {manifest.moment}")
