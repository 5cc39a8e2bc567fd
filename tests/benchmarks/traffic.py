"""Mixed traffic, sent from a process of its own: what goes on while something is watched, or fails."""

from __future__ import annotations

import multiprocessing
import warnings
from multiprocessing.connection import Connection
from typing import Self

from benchmarks.programs import ROUNDS, Asked, Program, Site

_SPAWN = multiprocessing.get_context("spawn")


class Traffic:
    """Every program at every site, as fast as they are answered, inside a `with` block."""

    def __init__(self, sites: list[Site]) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_work, args=(theirs, sites), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.terminate()
        self._process.join()

    def news(self) -> list[Asked]:
        """What was asked since this was last called."""
        return self._said("news")

    def end(self) -> list[Asked]:
        """The last that was asked: every program ends with the round that it is in."""
        return self._said("end")

    def _said(self, word: str) -> list[Asked]:
        self._pipe.send(word)
        return self._pipe.recv()


def _work(pipe: Connection, sites: list[Site]) -> None:
    # boto leaves its connections to the garbage collector.
    warnings.simplefilter("ignore", ResourceWarning)
    programs = [Program(kind, site) for site in sites for kind in ROUNDS]
    for program in programs:
        program.start()
    while True:
        if pipe.recv() == "end":
            for program in programs:
                program.ending.set()
            for program in programs:
                program.join()
        pipe.send([asked for program in programs for asked in program.news()])
