"""Folders that are there for a while."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from mturk_gateway.temporary import temporary_folder


def test_those_who_begin_at_the_same_time_leave_each_others_folders_alone(tmp_path):
    def begin(_):
        with temporary_folder(tmp_path, "some-") as folder:
            (folder / "mine").touch()
            return (folder / "mine").exists() and (folder / "lock").exists()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(begin, range(800)))
    assert list(tmp_path.iterdir()) == []
