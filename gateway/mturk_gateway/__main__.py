"""The command line, `mturk-gateway`."""

from __future__ import annotations

from importlib import import_module

import click

_COMMANDS = ("serve", "doctor", "backup", "restore", "replay", "verify", "sign", "requester", "worker", "tls")
"""Each is the `command` of a module in the package `commands`."""


class _Commands(click.Group):
    """Loads a command when it is asked for: signing a URL must not wait until the whole gateway is there."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        found: click.Command = import_module(f"mturk_gateway.commands.{cmd_name}").command
        return found


@click.group(cls=_Commands)
@click.version_option(package_name="mturk-gateway")
def main() -> None:
    """Answer the legacy Amazon Mechanical Turk Requester API, on a marketplace of your own."""


if __name__ == "__main__":
    main()
