"""The areas that are also fuzzed with coverage as the guide."""

from __future__ import annotations

from typing import NamedTuple


class Guide(NamedTuple):
    """The modules whose coverage guides a fuzzer of an area, and how many inputs a long run has."""

    inputs: int
    modules: tuple[str, ...]


GUIDES = {
    "connections": Guide(
        8_000,
        (
            "mturk_gateway.edge.connection",
            "mturk_gateway.edge.failsafe",
            "mturk_gateway.front",
            "mturk_gateway.pipeline",
            "mturk_gateway.question",
            "mturk_translators.query",
        ),
    ),
    "signatures": Guide(100_000, ("mturk_gateway.auth", "mturk_gateway.sigv4")),
    "queries": Guide(40_000, ("mturk_translators", "mturk_gateway.question")),
    "documents": Guide(25_000, ("mturk_translators.xml", "mturk_gateway.marketplace.documents")),
    "bodies": Guide(120_000, ("mturk_gateway.marketplace.protocol",)),
}
