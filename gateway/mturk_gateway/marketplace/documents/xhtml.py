"""The markup that a FormattedContent may hold (worker-side 3.3)."""

from __future__ import annotations

import re
from html.entities import name2codepoint

from mturk_gateway.marketplace.documents.markup import DocumentError
from mturk_translators import xml

_ALLOWED = frozenset(
    {"a", "area", "b", "big", "blockquote", "br", "center", "cite", "code", "col", "colgroup", "dd", "del", "dl", "dt"}
    | {"em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "li", "map", "ol", "p", "pre", "q"}
    | {"s", "small", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul"}
)
_NAMESPACES = frozenset({"", "http://www.w3.org/1999/xhtml"})
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_OF_XML = frozenset({"amp", "lt", "gt", "quot", "apos"})


class XHTMLError(DocumentError):
    """A FormattedContent that is not well-formed or uses an element that is not allowed; the text tells which."""


def check_formatted_content(markup: str) -> None:
    """Accept the text of a FormattedContent, or raise XHTMLError.

    Only elements are judged: attributes that could do harm are left out where the content is shown. The named
    entities of HTML are accepted, because Amazon's own example has an &nbsp; in it.
    """
    try:
        found = xml.fragment_names(_ENTITY.sub(_numeric, markup))
    except xml.MarkupError as error:
        raise XHTMLError(str(error)) from None
    refused = sorted(name for namespace, name in found if namespace not in _NAMESPACES or name not in _ALLOWED)
    if refused:
        raise XHTMLError(f"the element {refused[0][:100]} is not allowed in FormattedContent")


def _numeric(entity: re.Match[str]) -> str:
    name = entity[1]
    known = name in name2codepoint and name not in _OF_XML
    return f"&#{name2codepoint[name]};" if known else entity[0]
