"""For tests, and notebooks: a gateway with stand-in workers and a clock to move, and recordings of what it answered.

With pytest, ask for the fixtures `mturk_gateway`, `mturk_gateway_session` and `mturk_replay`.
"""

from mturk_gateway.marketplace.services.working.refusals import WorkerRefused
from mturk_gateway.replay.comparing import Difference
from mturk_gateway.replay.player import NoRecordingError
from mturk_gateway.replay.recordings import RecordingError, load_recordings
from mturk_gateway.replay.verifying import EndpointError, Outcome, Verdict, Verifier
from mturk_gateway.testing.clock import MovableClock
from mturk_gateway.testing.local import LocalGateway
from mturk_gateway.testing.replay import Replay
from mturk_gateway.testing.workers import Upload, Worker

__all__ = [
    "Difference",
    "EndpointError",
    "LocalGateway",
    "MovableClock",
    "NoRecordingError",
    "Outcome",
    "RecordingError",
    "Replay",
    "Upload",
    "Verdict",
    "Verifier",
    "Worker",
    "WorkerRefused",
    "load_recordings",
]
