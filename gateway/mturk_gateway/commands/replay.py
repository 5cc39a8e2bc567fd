"""`mturk-gateway replay`."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from mturk_gateway.observing.logs import configure_logs
from mturk_gateway.replay.player import Player
from mturk_gateway.replay.recordings import RecordingError, load_recordings
from mturk_gateway.replay.server import ReplayServer


@click.command("replay")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65_535), help="port; 0 takes a free one"
)
@click.option("--only", multiple=True, metavar="NAME", help="only recordings so called, or like *this*; repeat it")
@click.option("--ignore", multiple=True, metavar="PARAMETER", help="a parameter that does not matter; repeat it")
def command(folder: Path, port: int, only: tuple[str, ...], ignore: tuple[str, ...]) -> None:
    """Answer legacy requests from the recordings in DIR, without any marketplace, until told to stop.

    Keys, signatures and times do not matter. What was not recorded is refused, and shown here with the nearest
    recording.
    """
    configure_logs()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        recordings = load_recordings(folder, only)
    except (RecordingError, OSError) as error:
        raise click.ClickException(str(error)) from None
    player = Player(recordings, ignore, lambda reason: click.echo(reason, err=True))
    try:
        server = ReplayServer(player, port)
    except OSError as error:
        raise click.ClickException(f"port {port}: {error.strerror}") from None
    with server:
        several = "" if len(recordings) == 1 else "s"
        click.echo(f"Answering on {server.url} from {len(recordings)} recording{several}")
        stopping.wait()
