"""The plugin for pytest: the fixtures `mturk_gateway`, `mturk_gateway_session` and `mturk_replay`, and their markers.

It is loaded in every run of pytest, so what a fixture needs is imported when somebody asks for the fixture.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from inspect import signature
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from mturk_gateway.testing import LocalGateway, Replay

_T = TypeVar("_T")

_GATEWAY_MARKER = (
    "mturk_gateway(record=None, scrub=False): the gateway of the fixture `mturk_gateway` writes each exchange in the "
    "legacy API to the folder `record`, relative to the test's file, which must have no recordings of an earlier run; "
    "with `scrub`, other text of the same shape in place of workers' IDs and answers."
)
_REPLAY_MARKER = (
    "mturk_replay(folder=None, *chosen, ignore=()): the fixture `mturk_replay` answers from the recordings of a folder "
    "beside the test's file, or from the samples of mturk-gateway. `chosen` are names or patterns of recordings, "
    "`ignore` those of parameters that do not matter."
)
_WRONG_GATEWAY = (
    "@pytest.mark.mturk_gateway: this is for the fixture mturk_gateway, and the test asks for mturk_gateway_session "
    "alone, which does not record"
)

_REPLAY = pytest.StashKey["Replay"]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known."""
    for marker in (_GATEWAY_MARKER, _REPLAY_MARKER):
        config.addinivalue_line("markers", marker)


@pytest.fixture
def mturk_gateway(request: pytest.FixtureRequest) -> Iterator[LocalGateway]:
    """The whole gateway with an empty marketplace, for one test; the same as `mturk_gateway.testing.LocalGateway`.

    It listens at `url` (`host`, `port`) for both APIs. `access_key` and `secret_key` are those of its requester,
    `boto3_client()` signs with them. `worker("A1EXAMPLE")` accepts and submits, and `clock.advance(days=3)` lets time
    pass. The marker `mturk_gateway` makes it record.
    """
    from mturk_gateway.testing import LocalGateway  # noqa: PLC0415
    from mturk_gateway.testing.claims import claim  # noqa: PLC0415

    def marked(record: str | PathLike[str] | None = None, *, scrub: bool = False) -> LocalGateway:
        folder = _beside(request, record)
        gateway = LocalGateway(record=folder, scrub=scrub)
        if folder:
            claim(folder, _file_of_the_run(request))
        return gateway

    with _as_marked(request, "mturk_gateway", marked) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def mturk_gateway_session() -> Iterator[LocalGateway]:
    """The same as `mturk_gateway`, but one for all tests: each had better take a requester with `add_requester`."""
    from mturk_gateway.testing import LocalGateway  # noqa: PLC0415

    with LocalGateway() as gateway:
        yield gateway


@pytest.fixture
def mturk_replay(request: pytest.FixtureRequest) -> Iterator[Replay]:
    """Recordings instead of a gateway, for one test: by default the samples that come with mturk-gateway.

    The marker `mturk_replay` names other ones, or some of them, and so does `play("GetHIT/disposed")`. `url` (`host`,
    `port`) is that of a server, which is there when it is first asked for; `mount(respx_mock)` makes routes of respx
    instead. A test fails if there was a request that no recording answers, unless it clears `refused`.
    """
    from mturk_gateway.testing import Replay  # noqa: PLC0415

    def marked(folder: str | PathLike[str] | None = None, *chosen: str, ignore: Sequence[str] = ()) -> Replay:
        if isinstance(ignore, str):
            raise pytest.UsageError(f"ignore takes several names, such as ({ignore!r},)")
        return Replay(_beside(request, folder), chosen, ignore)

    with _as_marked(request, "mturk_replay", marked) as replay:
        request.node.stash[_REPLAY] = replay
        yield replay
    if replay.refused:
        # By what was torn down before, or in a test that never began.
        pytest.fail(_told(replay), pytrace=False)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let a test fail whose marker would do nothing: the gateway of a session does not record a test of it."""
    asked = {"mturk_gateway", "mturk_gateway_session"}.intersection(getattr(item, "fixturenames", ()))
    if asked == {"mturk_gateway_session"} and item.get_closest_marker("mturk_gateway"):
        pytest.fail(_WRONG_GATEWAY, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test fail that made a request which was not answered, even if the code under test says nothing of it."""
    try:
        result = yield
    except BaseException as error:
        replay = item.stash.get(_REPLAY, None)
        if replay and replay.refused:
            told = _told(replay)
            if str(error) not in told:
                item.add_report_section("call", "mturk_replay", told)
        raise
    replay = item.stash.get(_REPLAY, None)
    if replay and replay.refused:
        pytest.fail(_told(replay), pytrace=False)
    return result


def _as_marked(request: pytest.FixtureRequest, name: str, make: Callable[..., _T]) -> _T:
    """What is made of the arguments of a test's marker; one that is wrong fails the test in a sentence."""
    from mturk_gateway.settings import SettingsError  # noqa: PLC0415
    from mturk_gateway.testing import RecordingError  # noqa: PLC0415

    marker = request.node.get_closest_marker(name)
    arguments, options = (marker.args, marker.kwargs) if marker else ((), {})
    try:
        signature(make).bind(*arguments, **options)
        return make(*arguments, **options)
    except (TypeError, RecordingError, SettingsError, pytest.UsageError) as error:
        reason = str(error)
    pytest.fail(f"@pytest.mark.{name}: {reason}" if marker else reason, pytrace=False)


def _beside(request: pytest.FixtureRequest, folder: str | PathLike[str] | None) -> Path | None:
    return None if folder is None else request.path.parent / folder


def _file_of_the_run(request: pytest.FixtureRequest) -> Path:
    """Where this run notes its folders: a temporary file, the same one in all workers of pytest-xdist."""
    folder: Path = request.getfixturevalue("tmp_path_factory").getbasetemp()
    worker = getattr(request.config, "workerinput", None)
    return folder.parent / f"recorded-{worker['testrunuid']}" if worker else folder / "recorded"


def _told(replay: Replay) -> str:
    """Why requests were not answered, which is told once."""
    reasons = "\n\n".join(replay.refused)
    replay.refused.clear()
    return reasons
