"""Writes the parts of README.md that follow from the code, between their markers: `make readme`."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from mturk_gateway.settings import Settings, option_name, variable_name
from mturk_translators.operations import OPERATIONS

README = Path(__file__).parent.parent / "README.md"

GROUP_ORDER = (
    "Minimal",
    "Request",
    "HITDetail",
    "HITQuestion",
    "HITAssignmentSummary",
    "AssignmentFeedback",
    "Parameters",
)


def operations_table():
    """A row for each documented operation."""
    yield "| operation | modern calls | response groups (default in bold) | differences |"
    yield "| --- | --- | --- | --- |"
    for name, entry in sorted(OPERATIONS.items()):
        calls = ", ".join(entry.modern_calls) + (": all pages" if entry.paged else "") or "none"
        groups = ", ".join(
            f"**{group}**" if group in entry.groups.default else group
            for group in GROUP_ORDER
            if group in entry.groups.allowed
        )
        differences = ", ".join(map(str, sorted(entry.differences)))
        yield f"| {name} | {calls} | {groups} | {differences} |"


def settings_table():
    """A row for each setting."""
    yield "| option | variable | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for setting in fields(Settings):
        default = "" if setting.default is None else f"`{setting.default}`"
        meaning = setting.metadata["meaning"]
        yield f"| `{option_name(setting.name)}` | `{variable_name(setting.name)}` | {default} | {meaning} |"


TABLES = {"operations": operations_table, "settings": settings_table}


def written(text):
    """The text of README.md with its generated parts made anew."""
    for name, table in TABLES.items():
        lines = "\n".join(table())
        begin, end = f"<!-- {name}: generated -->", f"<!-- {name}: end -->"
        text, found = re.subn(
            f"{begin}.*?{end}", lambda _, b=begin, t=lines, e=end: f"{b}\n{t}\n{e}", text, flags=re.DOTALL
        )
        assert found == 1, name
    return text


if __name__ == "__main__":
    README.write_text(written(README.read_text()))
