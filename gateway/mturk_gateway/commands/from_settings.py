"""Options of commands that are settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from mturk_gateway.settings import Settings, SettingsError, load_settings, option_name, variable_name


def from_table(*names: str) -> Callable[[Any], Any]:
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


def settings_of(config: Path | None, options: dict[str, Any]) -> Settings:
    """The settings of a command with options of `from_table`. Raises ClickException for what they cannot be."""
    try:
        return load_settings(options, os.environ, config)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
