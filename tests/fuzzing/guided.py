"""One area, fuzzed with coverage as the guide: `python -m fuzzing.guided AREA RUNS`, and options of libFuzzer.

It begins with inputs of the area's own making, and ends at the first that is wrong.
"""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import ExitStack

import atheris


def main() -> None:
    """Fuzz the area that is named with so many inputs; does not return."""
    name, runs, *options = sys.argv[1:]
    # Which modules are instrumented has to be known before any of them is imported.
    from fuzzing.guides import GUIDES

    with atheris.instrument_imports(include=list(GUIDES[name].modules), enable_loader_override=False):
        for module in GUIDES[name].modules:
            importlib.import_module(module)
        from fuzzing.areas import AREAS
    area, stack, left = AREAS[name], ExitStack(), int(runs)
    place = stack.enter_context(area.opened())

    def one(data: bytes) -> None:
        nonlocal left
        area.checked(place, data)
        left -= 1
        if not left:
            stack.close()
            sys.stderr.flush()
            # In the ordinary end of the process, the fuzzer and threads of ours wait for each other.
            os._exit(0)

    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
