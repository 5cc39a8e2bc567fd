"""Review policies."""

from __future__ import annotations

from mturk_translators.fields import Text
from mturk_translators.structures import Each, Structure

REVIEW_POLICY = (
    Text("PolicyName", required=True),
    Each(
        "Parameter",
        Structure(
            "Parameter",
            (
                Text("Key"),
                Each("Value", Text("Value"), modern="Values"),
                Each(
                    "MapEntry",
                    Structure("MapEntry", (Text("Key"), Each("Value", Text("Value"), modern="Values"))),
                    modern="MapEntries",
                ),
            ),
        ),
        modern="Parameters",
    ),
)
