"""The tutorial in the README works as it is written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from clients import boto2  # noqa: F401  # it is about boto 2, and is left out where that does not run
from support import free_port

ROOT = Path(__file__).parent.parent
PORT = "8090"
"""That of the tutorial; here it is a free one."""


@pytest.fixture
def clone(tmp_path):
    """A copy of what the tutorial uses, as a stranger has it."""
    for name in ("tests", "fixtures"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    git = ["git", "-c", "user.name=reader", "-c", "user.email=reader@example.org"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "clone"]):
        subprocess.run([*git, *words], cwd=tmp_path, check=True)
    return tmp_path


def commands():
    """The lines of the tutorial that are typed, in their order, but for the first, which is about a shell."""
    told = (ROOT / "README.md").read_text().partition("<!-- tutorial:")[2].partition("<!-- tutorial: end -->")[0]
    blocks = re.findall(r"^```\n(.*?)^```", told, re.DOTALL | re.MULTILINE)
    activate, *lines = [line for block in blocks for line in block.splitlines()]
    assert activate == ". .venv/bin/activate"
    return lines


def test_the_tutorial_works_as_it_is_written(clone):
    """A comment `fails: …` says what a command says before it fails; all others succeed."""
    script = ["set -m", "trap 'kill $(jobs -p) 2> /dev/null' EXIT"]
    for line in commands():
        command, _, comment = line.partition("  # ")
        said = comment.removeprefix("fails: ").rstrip("…").strip()
        if said:
            script += [f"{command} > said 2>&1 && exit 91", f"grep -qF -e {said!r} said || {{ cat said; exit 92; }}"]
        elif command.endswith("&"):
            script += [command]
        else:
            script += [f"{command} || exit 93"]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTEST_ADDOPTS": ""}
    ran = subprocess.run(
        ["bash", "-c", "\n".join(script).replace(PORT, str(free_port()))],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "16 recordings: 16 alike" in ran.stdout
