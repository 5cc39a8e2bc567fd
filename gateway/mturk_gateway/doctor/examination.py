"""All checks, one after the other. None changes anything, or tells a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from mturk_gateway.doctor.certificates import check_certificates
from mturk_gateway.doctor.clocks import check_clocks
from mturk_gateway.doctor.dangers import check_dangers
from mturk_gateway.doctor.databases import check_databases
from mturk_gateway.doctor.findings import Finding, problem
from mturk_gateway.doctor.folder import check_folder
from mturk_gateway.doctor.keys import check_keys
from mturk_gateway.doctor.listeners import check_listeners
from mturk_gateway.doctor.program import check_program
from mturk_gateway.doctor.reach import check_upstream
from mturk_gateway.doctor.space import check_space
from mturk_gateway.settings import Settings

_CHECKS: tuple[tuple[str, Callable[[Settings], Iterable[Finding]]], ...] = (
    ("program", check_program),
    ("data folder", check_folder),
    ("disk", check_space),
    ("databases", check_databases),
    ("keys", check_keys),
    ("clocks", check_clocks),
    ("TLS", check_certificates),
    ("listeners", check_listeners),
    ("settings", check_dangers),
    ("upstream", check_upstream),
)


def examine(settings: Settings) -> Iterator[tuple[str, Finding]]:
    """What is found, each with the name of the check. A check that fails itself is a problem, and the others go on."""
    for about, check in _CHECKS:
        try:
            yield from ((about, finding) for finding in check(settings))
        except Exception as error:  # noqa: BLE001  # what is wrong with a machine is not known beforehand
            # The message might quote what is nobody's business.
            yield about, problem(f"could not be checked to its end ({type(error).__name__})", "look at what is there")
