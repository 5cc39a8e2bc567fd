"""One area, fuzzed with coverage as the guide: `python -m fuzzing.guided AREA`, with options of libFuzzer behind it.

It begins with inputs of the area's own making, and ends at the first that is wrong.
"""

from __future__ import annotations

import importlib
import sys

import atheris


def main() -> None:
    """Fuzz the area that is named; does not return."""
    name, *options = sys.argv[1:]
    # Which modules are instrumented has to be known before any of them is imported.
    from fuzzing.guides import GUIDES

    with atheris.instrument_imports(include=list(GUIDES[name].modules), enable_loader_override=False):
        for module in GUIDES[name].modules:
            importlib.import_module(module)
        from fuzzing.areas import AREAS
    area = AREAS[name]
    opened = area.opened()
    place = opened.__enter__()

    def one(data: bytes) -> None:
        area.checked(place, data)

    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
