"""The README says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import readme


def test_the_generated_tables_are_current():
    """`make readme` writes them."""
    assert readme.written(readme.README.read_text()) == readme.README.read_text()


def test_every_numbered_difference_has_a_test_of_its_number():
    numbers = re.findall(r"^(\d+)\. ", readme.README.read_text().partition("## Known differences")[2], re.MULTILINE)
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))

    assert [int(number) for number in numbers] == list(range(1, len(numbers) + 1))
    assert {int(number) for number in re.findall(r"def test_difference_(\d+)_", tests)} == set(map(int, numbers))


def test_the_make_targets_that_it_names_exist():
    makefile = (readme.README.parent / "Makefile").read_text()
    for target in re.findall(r"`make (\w+)`", readme.README.read_text()):
        assert f"\n{target}:" in makefile
