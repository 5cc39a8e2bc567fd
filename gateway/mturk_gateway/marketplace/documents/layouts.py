"""HIT layouts: HTML with places for the values of each HIT (modern-mturk 6)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mturk_gateway.marketplace.documents.markup import HTML, LONGEST, DocumentError

_PLACE = re.compile(r"\$\{([^{}]*)\}")


def merge_layout(template: str, frame_height: int, parameters: Mapping[str, str]) -> str:
    """The HTMLQuestion that a template with `${name}` in it makes of the values of names; the height is in pixels.

    Values go in as they are: what they do to the HTML is their author's business, and nothing in them is replaced
    again. Places that have no value stay. The result is yet to be checked like any question. Raises DocumentError for
    one that would be far too long.
    """
    size = len(template)
    for place in _PLACE.finditer(template):
        size += len(parameters.get(place[1], place[0])) - len(place[0])
    if size > LONGEST:
        raise DocumentError(f"the layout has {size} characters with its values; {LONGEST} bytes are allowed")
    html = _PLACE.sub(lambda place: parameters.get(place[1], place[0]), template)
    # A section ends at the first "]]>", so one is divided between two sections.
    sections = html.replace("]]>", "]]]]><![CDATA[>")
    return (
        f'<{HTML.name} xmlns="{HTML.namespace}"><HTMLContent><![CDATA[{sections}]]></HTMLContent>'
        f"<FrameHeight>{frame_height}</FrameHeight></{HTML.name}>"
    )
