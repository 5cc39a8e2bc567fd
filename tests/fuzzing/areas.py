"""The areas that are fuzzed: of each how inputs are made, and what must be true of any of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from fuzzing import pure, served, signatures
from fuzzing.logged import check_quiet, listening
from fuzzing.world import World


class Area(NamedTuple):
    """`make` gives the bytes of an input from a source of chance.

    `check` gets a world, if the area is `served` by one, and the bytes; it raises WrongError, or whatever else was not
    to be. `share` is its part of a run; `guided` are the modules whose coverage guides a fuzzer of this area.
    """

    about: str
    make: Callable[[random.Random], bytes]
    check: Callable[..., None]
    share: int
    served: bool = False
    guided: tuple[str, ...] = ()

    def opened(self) -> Any:
        """What the area is checked in, as a context."""
        return World() if self.served else listening()

    def checked(self, place: Any, data: bytes) -> None:
        """Check an input."""
        if self.served:
            self.check(place, data)
        else:
            self.check(data)
            check_quiet(place)

    def input(self, name: str, seed: int, number: int) -> bytes:
        """The input of a number, the same each time."""
        return self.make(random.Random(f"{name} {seed} {number}"))


AREAS = {
    "connections": Area(
        "bytes on a connection, through HTTP and the whole front",
        served.make_connection,
        served.check_connection,
        share=20,
        served=True,
        guided=("mturk_gateway.failsafe", "mturk_gateway.front", "mturk_gateway.pipeline", "mturk_gateway.question"),
    ),
    "signatures": Area(
        "signatures of all schemes, and what is a bit different",
        signatures.make,
        signatures.check,
        share=20,
        guided=("mturk_gateway.auth", "mturk_gateway.sigv4"),
    ),
    "queries": Area(
        "the grammar of queries, and their translation",
        pure.make_query,
        pure.check_query,
        share=20,
        guided=("mturk_translators", "mturk_gateway.question"),
    ),
    "operations": Area(
        "the 44 legacy operations, carried out",
        served.make_operation,
        served.check_operation,
        share=5,
        served=True,
    ),
    "documents": Area(
        "XML: questions, tests, keys, answers",
        pure.make_xml,
        pure.check_xml_document,
        share=20,
        guided=("mturk_translators.xml", "mturk_gateway.marketplace.documents"),
    ),
    "bodies": Area(
        "JSON of the modern API, and the model",
        pure.make_body,
        pure.check_body,
        share=20,
        guided=("mturk_gateway.marketplace.protocol",),
    ),
    "marketplace": Area(
        "the 39 modern operations, carried out",
        served.make_modern,
        served.check_marketplace,
        share=8,
        served=True,
    ),
    "modern front": Area(
        "modern requests through the front",
        served.make_modern,
        served.check_front,
        share=2,
        served=True,
    ),
}
