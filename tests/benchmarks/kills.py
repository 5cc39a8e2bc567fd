"""Figure 12: the marketplace is killed a hundred times while four programs write as fast as they can."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.figures import Bench, Figure
from marketplace.killing import Killing

_KILLS = 100
_SECONDS = 2.0
_WRITES = 200


def measure(bench: Bench) -> Iterator[Figure]:
    """Whether anything acknowledged is lost, or any token carried out twice, and how much was written meanwhile."""
    kills = max(3, round(_KILLS * bench.scale))
    outcome = Killing(bench.folder).run(kills, _SECONDS)
    rate = outcome.writes / outcome.seconds
    measured = (
        f"{outcome.kills} kills, {outcome.writes} writes acknowledged at {rate:.0f}/s, {len(outcome.lost)} lost; of "
        f"{outcome.in_doubt} under way {outcome.carried_out} had been carried out, {len(outcome.twice)} twice"
    )
    met = not (outcome.lost or outcome.twice) and rate >= _WRITES
    name = "kill -9 of the marketplace under writes with tokens: acknowledged and lost; carried out twice"
    yield Figure("12", name, measured, f"0; 0; ≥ {_WRITES}/s", met)
