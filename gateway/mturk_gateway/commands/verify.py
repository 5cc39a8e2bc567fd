"""`mturk-gateway verify`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from mturk_gateway.commands.from_settings import from_table, settings_of
from mturk_gateway.commands.sign import chosen_profile
from mturk_gateway.replay.recordings import Recording, RecordingError, load_recordings
from mturk_gateway.replay.reports import Kind, Line, Report
from mturk_gateway.replay.verifying import EndpointError, Outcome, Verdict, Verifier

_COLOURS: dict[Kind, dict[str, Any]] = {
    Kind.NAME: {"bold": True},
    Kind.PATH: {"fg": "cyan"},
    Kind.RECORDED: {"fg": "red"},
    Kind.FOUND: {"fg": "green"},
}
_ENOUGH = 3
"""Recordings in a row that cannot be compared, after which no others are tried: they would take a minute each."""
_START_OF_LINE = "\r\x1b[K"


@click.command("verify")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--endpoint", metavar="URL", required=True, help="legacy endpoint to ask")
@click.option("--profile", help="whose keys; default: the only profile, or `default`, or `demo`")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="file to write as JUnit XML, for CI")
@from_table("data", "credentials", "upstream")
def command(
    folder: Path, endpoint: str, profile: str | None, junit: Path | None, config: Path | None, **options: Any
) -> None:
    """Send the recorded requests in DIR again, and show in what the answers differ from the recorded ones.

    IDs and times may be others, as long as they are so throughout; request IDs never matter. The profile should be of a
    requester who owns nothing yet. The exit status is 0 when all is alike, 1 when something differs, and 2 when
    something could not be done.
    """
    try:
        settings = settings_of(config, options)
        requester = chosen_profile(settings.credentials or settings.keys, profile)
        recordings = load_recordings(folder)
        verifier = Verifier(endpoint, requester)
        if junit:
            # Whether it can be written is found out before anything is sent.
            junit.open("ab").close()
    except (click.ClickException, RecordingError, EndpointError, OSError) as error:
        raise _cannot(error) from None
    report = Report()
    with verifier:
        _show(report, recordings, verifier)
    if junit:
        try:
            junit.write_bytes(report.junit())
        except OSError as error:
            raise _cannot(error) from None
    click.echo(report.summary())
    sys.exit(report.exit_status)


def _show(report: Report, recordings: Sequence[Recording], verifier: Verifier) -> None:
    """Check the recordings, and show what differs as it is found."""
    watched = sys.stderr.isatty()
    failed = 0
    with click.progressbar(recordings, label="Verifying", file=sys.stderr, hidden=not watched, color=_colour()) as bar:
        for recording in bar:
            if failed == _ENOUGH:
                report.add(Verdict(recording, Outcome.SKIPPED, reason="not tried after failures"))
                continue
            verdict = verifier.check(recording)
            if verdict.outcome is not Outcome.SKIPPED:
                failed = failed + 1 if verdict.outcome is Outcome.FAILED else 0
            said = report.add(verdict)
            if said and watched:
                click.echo(_START_OF_LINE, err=True, nl=False)
            _print(said)


def _print(said: Iterable[Line]) -> None:
    for line in said:
        click.echo(click.style(line.text, **_COLOURS[line.kind]), color=_colour())


def _colour() -> bool | None:
    """Whether there are colours: never where the environment says so, else on terminals."""
    return False if os.environ.get("NO_COLOR") else None


class _CannotVerifyError(click.ClickException):
    exit_code = 2


def _cannot(error: Exception) -> click.ClickException:
    return _CannotVerifyError(error.message if isinstance(error, click.ClickException) else str(error))
