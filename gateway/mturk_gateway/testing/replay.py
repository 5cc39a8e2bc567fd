"""Recordings in the place of a gateway, for one test."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Self

import mturk_gateway
from mturk_gateway.replay.player import Player
from mturk_gateway.replay.recordings import Recording, load_recordings
from mturk_gateway.replay.server import ReplayServer

if TYPE_CHECKING:
    import respx


def bundled_samples() -> Path:
    """The folder of the recordings that come with this package."""
    package = Path(mturk_gateway.__file__).parent
    packed = package / "fixtures"
    return packed if packed.is_dir() else package.parents[1] / "fixtures"


@cache
def _bundled(chosen: tuple[str, ...]) -> tuple[Recording, ...]:
    # They never change, and there are hundreds.
    return load_recordings(bundled_samples(), chosen)


class Replay:
    """Answers legacy requests from the recordings of a folder, until `stop` or the end of a `with` block.

    No folder means the samples that come with this package. `chosen` are names of recordings below it, such as
    `GetHIT/disposed` or `GetHIT/*`; none means all. `ignore` are names or patterns of parameters that do not matter.
    Raises RecordingError for recordings that cannot be used.
    """

    def __init__(
        self, folder: str | PathLike[str] | None = None, chosen: Sequence[str] = (), ignore: Sequence[str] = ()
    ) -> None:
        self.refused: list[str] = []
        """Why requests were not answered, in their order: what makes a test fail, unless it takes them from here."""
        self._folder = Path(folder) if folder else None
        self._player = Player(self._load(chosen), ignore, self.refused.append)
        self._server: ReplayServer | None = None

    def play(self, *chosen: str) -> None:
        """From now on answer from these recordings alone, with none given from all, each from its first turn again."""
        self._player.play(self._load(chosen))

    def mount(self, router: respx.Router, url: str | None = None) -> respx.Route:
        """Let a router of respx answer what goes to a URL, or to Amazon's old hosts; gives the route.

        No socket is opened for that. The error of a request that is not answered is NoRecordingError.
        """
        # respx is needed by nobody else.
        from mturk_gateway.replay.routes import mount  # noqa: PLC0415

        return mount(self._player, router, url)

    @property
    def url(self) -> str:
        """Where a server answers, which begins to when it is first asked for; without a slash at the end."""
        return self._listening.url

    @property
    def host(self) -> str:
        """The host of `url`, for clients that take it in parts."""
        return self._listening.host

    @property
    def port(self) -> int:
        """The port of `url`."""
        return self._listening.port

    def stop(self) -> None:
        """End the server, if there is one."""
        if self._server:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def _load(self, chosen: Sequence[str]) -> tuple[Recording, ...]:
        return load_recordings(self._folder, chosen) if self._folder else _bundled(tuple(chosen))

    @property
    def _listening(self) -> ReplayServer:
        if self._server is None:
            self._server = ReplayServer(self._player).start()
        return self._server
