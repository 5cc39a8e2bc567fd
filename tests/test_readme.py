"""The README says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import readme
from mturk_translators.operations import OPERATIONS


def differences():
    """The section about known differences."""
    return readme.README.read_text().partition("## Known differences\n")[2].partition("\n## ")[0]


def numbers():
    """The numbers of the known differences, in their order."""
    return [int(number) for number in re.findall(r"^(\d+)\. ", differences(), re.MULTILINE)]


def test_the_generated_tables_are_current():
    """`make readme` writes them."""
    assert readme.written(readme.README.read_text()) == readme.README.read_text()


def test_every_numbered_difference_has_a_test_of_its_number():
    tests = "".join(path.read_text() for path in Path(__file__).parent.rglob("test_*.py"))
    tested = [int(number) for number in re.findall(r"^def test_difference_(\d+)_", tests, re.MULTILINE)]

    assert numbers() == list(range(1, len(numbers()) + 1))
    assert sorted(tested) == numbers()


def test_every_difference_is_named_by_the_operations_that_it_concerns_or_concerns_all():
    (listed,) = re.findall(r"of all operations are ([\d,\s]+)\.", differences())
    of_all = {int(number) for number in listed.split(",")}
    of_some = {number for entry in OPERATIONS.values() for number in entry.differences}

    assert of_all | of_some == set(numbers())
    assert not of_all & of_some


def test_differences_of_listings_are_named_by_every_listing():
    paged = {name for name, entry in OPERATIONS.items() if entry.paged}
    sorted_ = {name for name in paged if OPERATIONS[name].paged.sorts}
    for number, concerned in ((12, paged), (13, sorted_), (49, sorted_)):
        assert {name for name, entry in OPERATIONS.items() if number in entry.differences} == concerned


def test_the_make_targets_that_it_names_exist():
    makefile = (readme.README.parent / "Makefile").read_text()
    for target in re.findall(r"`make (\w+)`", readme.README.read_text()):
        assert f"\n{target}:" in makefile
