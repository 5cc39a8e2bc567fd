"""What was recorded replays as it was, and has changed in nothing when it is asked for again: of every operation."""

from __future__ import annotations

import pytest

from golden import Case, stage
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.replay.player import Player
from mturk_gateway.replay.recordings import load_recordings
from mturk_gateway.replay.server import ReplayServer
from mturk_gateway.settings import Settings
from mturk_translators.operations import OPERATIONS
from rounds import Round
from support import post

FROM_HISTORY = {"GetRequesterStatistic", "GetRequesterWorkerStatistic"}
"""What these answer also comes from what the gateway itself remembers."""


class Recorded:
    """A life that was recorded: where, and what was asked and answered."""

    def __init__(self, folder, asked, requester):
        self.folder, self.asked, self.requester = folder, asked, requester
        self.recordings = load_recordings(folder)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    with EmbeddedGateway(Settings(data=folder / "data", record=folder / "recordings", freshness=0)) as gateway:
        requester = gateway.add_requester("recorded")
        asked = Round(gateway, requester, folder).play()
    return Recorded(folder / "recordings", asked, requester)


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
            case = Case(recording.path)
            answer, calls = opened.play(case)
            assert answer.document == recording.document, recording.name
            assert calls == case.calls, recording.name
