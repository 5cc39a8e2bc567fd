"""The areas that are fuzzed: of each how inputs are made, and what must be true of any of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from fuzzing import pure, served, signatures
from fuzzing.logged import check_quiet, listening
from fuzzing.values import Chance
from fuzzing.world import World


class Area(NamedTuple):
    """`make` gives the bytes of an input from a source of chance.

    `check` gets a world, if the area is `served` by one, and the bytes; it raises WrongError, or whatever else was not
    to be. `inputs` is how many a long run has.
    """

    about: str
    make: Callable[[Chance], bytes]
    check: Callable[..., None]
    inputs: int
    served: bool = False

    def opened(self) -> Any:
        """What the area is checked in, as a context."""
        return World() if self.served else listening()

    def checked(self, place: Any, data: bytes) -> None:
        """Check an input."""
        if self.served:
            self.check(place, data)
        else:
            self.check(data)
            check_quiet(place, given=data)

    def input(self, name: str, seed: int, number: int) -> bytes:
        """The input of a number, the same each time."""
        return self.make(Chance(f"{name} {seed} {number}"))


AREAS = {
    "connections": Area(
        "bytes on a connection, through HTTP and the whole front",
        served.make_connection,
        served.check_connection,
        inputs=60_000,
        served=True,
    ),
    "signatures": Area(
        "signatures of all schemes, and what is a bit different",
        signatures.make,
        signatures.check,
        inputs=160_000,
    ),
    "queries": Area(
        "the grammar of queries, and their translation",
        pure.make_query,
        pure.check_query,
        inputs=80_000,
    ),
    "operations": Area(
        "the 44 legacy operations, carried out",
        served.make_operation,
        served.check_operation,
        inputs=6_000,
        served=True,
    ),
    "documents": Area(
        "XML: questions, tests, keys, answers",
        pure.make_xml,
        pure.check_xml_document,
        inputs=50_000,
    ),
    "bodies": Area(
        "JSON of the modern API, and the model",
        pure.make_body,
        pure.check_body,
        inputs=400_000,
    ),
    "marketplace": Area(
        "the 39 modern operations, carried out",
        served.make_modern,
        served.check_marketplace,
        inputs=15_000,
        served=True,
    ),
    "modern front": Area(
        "modern requests through the front",
        served.make_modern,
        served.check_front,
        inputs=5_000,
        served=True,
    ),
}
