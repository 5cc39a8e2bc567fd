"""`mturk-gateway worker run`."""

from __future__ import annotations

from pathlib import Path
from time import sleep
from typing import Any

import click

from mturk_gateway.clock import wall_clock
from mturk_gateway.commands.from_settings import from_table
from mturk_gateway.commands.houses import marketplace_of, open_house
from mturk_gateway.marketplace.crew import script as scripts
from mturk_gateway.marketplace.crew.play import Play
from mturk_gateway.marketplace.crew.script import ScriptError, read_script

_PAUSE = 1
"""Seconds from one look for work to the next."""

_LONGEST = 1_000_000
"""Characters of a script."""

# Click breaks lines again, but for paragraphs that begin so.
_FORMAT = (scripts.__doc__ or "").partition("\n\n")[2].replace("\n\n", "\n\n\b\n")


@click.command(
    "run",
    help=f"""Play the many workers of a script, until nothing is left for them to do; then say what was done.

\b
{_FORMAT}""",
)
@click.option("--script", "file", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--watch", is_flag=True, help="look for more work every second, until interrupted")
@from_table("data")
def run(file: Path, watch: bool, config: Path | None, **options: Any) -> None:
    """Read the script, play it, and report."""
    try:
        with file.open(encoding="utf-8") as stream:
            text = stream.read(_LONGEST + 1)
        if len(text) > _LONGEST:
            raise ScriptError(f"a script has at most {_LONGEST} characters")
        script = read_script(text)
        with open_house(config, options) as house:
            play = Play(marketplace_of(house), script, wall_clock)
            play.prepare()
            try:
                play.run()
                while watch:
                    sleep(_PAUSE)
                    play.run()
            except KeyboardInterrupt:
                pass
            for line in play.report.lines():
                click.echo(line)
    except (ScriptError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file}: {error}") from None
