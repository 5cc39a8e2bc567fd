"""Asks whether a locked version has a known vulnerability, or was withdrawn by its authors. `make audit` runs it.

Exit status: 0 when nothing is known, or when nobody could be asked, which is said; 1 when something is known; 2 when
the question itself failed.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

LOCK = Path(__file__).parent / "locks/develop.txt"
"""It has everything that the other locks have."""
ADVISORIES = "https://api.osv.dev/v1/query"


class OutOfReachError(Exception):
    """Whoever would have to be asked does not answer; the text says how."""


class AuditError(Exception):
    """A tool failed for another reason; the text is what it said."""


def vulnerable(lock: Path, advisories: str) -> list[str]:
    """A line for each known vulnerability of a locked version. Raises OutOfReachError and AuditError."""
    # With OSV a lost connection is an error; with PyPI's own service it looks like a package that nobody knows.
    service = ["--vulnerability-service", "osv", "--osv-url", advisories]
    quiet = ["--progress-spinner", "off", "--desc", "off", "--format", "json"]
    command = ["-m", "pip_audit", *service, *quiet, "--require-hashes", "--disable-pip", "--requirement", str(lock)]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    try:
        dependencies = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        said = done.stderr.strip()
        raise (OutOfReachError if "requests.exceptions." in said else AuditError)(
            said.splitlines()[-1] if said else ""
        ) from None
    if skipped := [asked["name"] for asked in dependencies if "skip_reason" in asked]:
        raise OutOfReachError(f"nothing is known of {', '.join(skipped)}")
    return [
        f"{asked['name']} {asked['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'none'}"
        for asked in dependencies
        for found in asked["vulns"]
    ]


def withdrawn(lock: Path) -> list[str]:
    """A line for each locked version that the index calls yanked. Raises OutOfReachError and AuditError."""
    with tempfile.TemporaryDirectory() as nothing_installed:
        given = ["--require-hashes", "--requirement", str(lock)]
        command = ["pip", "install", "--dry-run", "--no-deps", "--refresh", "--target", nothing_installed, *given]
        done = subprocess.run([sys.executable, "-m", "uv", *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise (OutOfReachError if "Failed to fetch" in done.stderr else AuditError)(done.stderr.strip())
    return re.findall(r"^warning: `(.+ is yanked.*)", done.stderr.replace("` is yanked", " is yanked"), re.MULTILINE)


def main() -> int:
    """Ask both questions, print the answers; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lock", nargs="?", type=Path, default=LOCK)
    parser.add_argument("--advisories", default=ADVISORIES, metavar="URL", help="an OSV service; default: %(default)s")
    given = parser.parse_args()
    status = 0
    questions = (
        ("advisories", "known vulnerabilities", partial(vulnerable, given.lock, given.advisories)),
        ("the package index", "withdrawn versions", partial(withdrawn, given.lock)),
    )
    for who, what, ask in questions:
        try:
            found = ask()
        except OutOfReachError as error:
            print(f"NOT AUDITED for {what}: {who} out of reach ({error})")
            continue
        except AuditError as error:
            print(f"The audit for {what} failed: {error}")
            status = 2
            continue
        print(f"{what}: {len(found) or 'none'}", *found, sep="\n  ")
        status = max(status, 1 if found else 0)
    return status


if __name__ == "__main__":
    sys.exit(main())
