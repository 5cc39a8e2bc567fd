"""What other users of the machine could read or change is said before anything is served."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import pytest
from click.testing import CliRunner

from mturk_gateway.__main__ import main
from mturk_gateway.permissions import faults
from mturk_gateway.settings import Settings


@pytest.fixture
def settings(tmp_path):
    """Keys and certificates in folders of their own, with nothing wrong."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    for name in ("credentials", "key.pem", "certificate.pem"):
        (tmp_path / name).touch(mode=0o600)
    return Settings(
        data=data,
        credentials=tmp_path / "credentials",
        tls_certificate=tmp_path / "certificate.pem",
        tls_key=tmp_path / "key.pem",
    )


def test_nothing_is_wrong_with_what_is_ours_alone_or_not_there_yet(settings, tmp_path):
    assert faults(settings) == []
    assert faults(Settings(data=tmp_path / "none")) == []


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("credentials", 0o604),
        ("credentials", 0o660),
        ("key.pem", 0o644),
        ("key.pem", 0o602),
        ("data", 0o755),
        ("data", 0o777),
        ("data", 0o701),
    ],
)
def test_what_is_open_to_others_is_told_with_the_command_that_closes_it(settings, tmp_path, name, mode):
    path = tmp_path / name
    path.chmod(mode)
    told = faults(settings)

    assert told
    for fault in told:
        assert str(path) in fault.text
        subprocess.run(shlex.split(fault.remedy), check=True)
    assert faults(settings) == []


@pytest.mark.parametrize(
    ("name", "mode"), [("credentials", 0o640), ("key.pem", 0o440), ("data", 0o770), ("data", 0o750)]
)
def test_a_group_may_read_because_orchestrators_give_files_to_one(settings, tmp_path, name, mode):
    (tmp_path / name).chmod(mode)

    assert faults(settings) == []


def test_of_a_link_the_file_counts(settings, tmp_path):
    real = tmp_path / "real"
    (tmp_path / "credentials").rename(real)
    (tmp_path / "credentials").symlink_to(real)
    assert faults(settings) == []

    real.chmod(0o644)
    assert len(faults(settings)) == 1


def test_keys_of_the_data_folder_are_looked_at_too(settings):
    keys = settings.data / "credentials"
    keys.touch()
    keys.chmod(0o644)

    assert [str(keys) in fault.text for fault in faults(settings)] == [True]


def test_a_gateway_does_not_start_before_that_is_mended(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o755)
    command = [sys.executable, "-m", "mturk_gateway", "serve", "--port", "1", "--data", data]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert f"chmod o-rwx {data}" in done.stderr
    assert list(data.iterdir()) == []


def test_what_a_command_makes_is_readable_by_its_user_only(tmp_path):
    before = os.umask(0o022)
    try:
        CliRunner().invoke(main, ["requester", "add", "lab", "--data", str(tmp_path / "data")], catch_exceptions=False)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "data").iterdir()}

    assert {"credentials", "marketplace.db", "ledger.db"} <= modes.keys()
    assert set(modes.values()) == {0}
