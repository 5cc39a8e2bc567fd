"""The old script does what it did when it was recorded. There is no marketplace here, and no network."""

import pytest
from boto.mturk.connection import MTurkConnection
from label_birds import collect, publish

pytestmark = pytest.mark.mturk_replay("recordings")


@pytest.fixture
def connection(mturk_replay):
    return MTurkConnection("any", "key", host=mturk_replay.host, port=mturk_replay.port, is_secure=False)


def test_each_picture_becomes_a_hit(connection):
    assert len(set(publish(connection, ["robin.jpg", "wren.jpg"]))) == 2


def test_nothing_is_collected_before_anybody_has_worked_and_everything_after(connection):
    assert collect(connection) == []

    rows = collect(connection)

    assert [picture for picture, _, _ in rows] == ["robin.jpg", "robin.jpg", "wren.jpg", "wren.jpg"]
    assert len({worker for _, worker, _ in rows}) == 2
