"""The marketplace is killed while many write to it. `make bench` does it a hundred times."""

from __future__ import annotations

from marketplace.killing import Killing


def test_nothing_acknowledged_is_lost_and_no_token_is_carried_out_twice(tmp_path):
    outcome = Killing(tmp_path).run(rounds=2, seconds=0.7)

    assert (outcome.lost, outcome.twice) == ([], [])
    assert outcome.kills == 2
    assert outcome.writes > 20
