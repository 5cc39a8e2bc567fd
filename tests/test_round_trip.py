"""What was recorded replays as it was, and has changed in nothing when it is asked for again: of every operation."""

from __future__ import annotations

import json
import re
from functools import cached_property

import pytest
from click.testing import CliRunner

from clients.scenario import Step
from golden import Case, stage
from mturk_gateway.__main__ import main
from mturk_gateway.credentials import write_profile
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.replay.player import Player
from mturk_gateway.replay.recordings import load_recordings
from mturk_gateway.replay.server import ReplayServer
from mturk_gateway.replay.verifying import Outcome, Verifier
from mturk_gateway.settings import Settings
from mturk_translators.operations import OPERATIONS
from rounds import STEPS, Round
from support import post

FROM_HISTORY = {"GetRequesterStatistic", "GetRequesterWorkerStatistic"}
"""What these answer also comes from what the gateway itself remembers."""


_SIGNATURE = re.compile(b"(?<=signature=)[^&<]+")
"""That of an URL for a file, which is not recorded."""


class WithCallsOf(Case):
    """A pair that may name another one, whose calls are behind both."""

    @cached_property
    def facts(self):
        told = super().facts
        if "calls_of" not in told:
            return told
        other = json.loads((self.path.parent.parent / f"{told['calls_of']}.json").read_bytes())
        return {**told, "calls": other["calls"], "replies": other["replies"]}


class Recorded:
    """A life that was recorded: where, what was asked and answered, and what everything was called."""

    def __init__(self, folder, asked, life):
        self.folder, self.asked, self.requester, self.ids = folder, asked, life.requester, life.ids
        self.recordings = load_recordings(folder)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    with EmbeddedGateway(Settings(data=folder / "data", record=folder / "recordings", freshness=0)) as gateway:
        life = Round(gateway, gateway.add_requester("recorded"), folder)
        asked = [(query, _SIGNATURE.sub(b"REMOVED", answer)) for query, answer in life.play()]
    return Recorded(folder / "recordings", asked, life)


def test_every_operation_is_recorded(recorded):
    assert {one.operation for one in recorded.recordings} == set(OPERATIONS)
    assert [one.document for one in recorded.recordings] == [answer for _, answer in recorded.asked]


def test_what_was_recorded_replays_byte_for_byte(recorded):
    with ReplayServer(Player(recorded.recordings)) as server:
        for query, answer in recorded.asked:
            assert post(f"{server.url}/", f"{query}&AWSAccessKeyId=OTHER&Signature=none").content == answer


def test_a_recording_is_a_golden_pair(recorded, tmp_path):
    """The recorded replies of the modern API make the recorded answer, through the recorded calls."""
    with stage(tmp_path) as opened:
        for recording in recorded.recordings:
            if recording.operation in FROM_HISTORY:
                continue
            case = WithCallsOf(recording.path)
            answer, calls = opened.play(case)
            assert answer.document == recording.document, recording.name
            assert calls == case.calls, recording.name


def test_nothing_has_changed_for_who_asks_again_in_an_empty_marketplace(recorded, tmp_path):
    """The workers do what they did, at the same places."""
    recordings = iter(recorded.recordings)
    settings = Settings(data=tmp_path / "data", freshness=0)
    with EmbeddedGateway(settings) as gateway:
        again = Round(gateway, gateway.add_requester("verified"), tmp_path)
        with Verifier(gateway.url, again.requester) as verifier:
            for step in STEPS:
                if isinstance(step, Step):
                    verdict = verifier.check(next(recordings))
                    assert verdict.outcome is Outcome.ALIKE, (verdict.recording.name, verdict.differences)
                else:
                    name = recorded.ids[step.name]
                    again.ids |= {called: verifier.known(identifier) for called, identifier in recorded.ids.items()}
                    verifier.learn(name, again.work(step))
    assert next(recordings, None) is None


def test_the_command_finds_a_replay_of_all_operations_alike(recorded, tmp_path):
    write_profile(tmp_path / "credentials", recorded.requester)
    with ReplayServer(Player(recorded.recordings)) as server:
        words = [
            "verify",
            str(recorded.folder),
            "--endpoint",
            server.url,
            "--credentials",
            str(tmp_path / "credentials"),
        ]
        result = CliRunner().invoke(main, words)

    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == f"{len(recorded.recordings)} recordings: {len(recorded.recordings)} alike"
