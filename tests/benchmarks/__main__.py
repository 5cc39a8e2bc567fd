"""Measures, and prints the figures that the README records: `make bench`.

Everything is a ratio within one run, because machines are noisy.
"""

from __future__ import annotations

import os
import platform
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.page import warm_page


def main() -> None:
    """Run all benchmarks."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    print(f"{datetime.now(UTC).date()}, {machine}\n")
    print("| figure | time | CPU |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for line in warm_page(Path(folder)):
            print(line)


if __name__ == "__main__":
    main()
