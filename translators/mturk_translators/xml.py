"""The one hardened parser and serialiser of markup that everything uses."""

from __future__ import annotations

import re
from typing import NamedTuple

from lxml import etree

DECLARATION = b'<?xml version="1.0"?>\n'
"""As recorded: no encoding, one newline (legacy-common 7.1)."""


class Rendered(NamedTuple):
    """Markup that has been rendered before and goes into a document as it is."""

    markup: bytes


class Element(NamedTuple):
    """A named node of a document that is yet to be rendered: text, children, or markup rendered before.

    A name in a namespace is written `{namespace}name`; `namespaces` binds prefixes from here on down.
    """

    name: str
    content: str | tuple[Element | Rendered, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    namespaces: tuple[tuple[str, str], ...] = ()


class MarkupError(ValueError):
    """The text is not well-formed XML, or uses what no document of this API may use."""


_CONTROL = {code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A, 0x0D)}
_UNREPRESENTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def representable(text: str) -> str:
    """The text with what XML 1.0 cannot carry made visible.

    C0 controls become their control pictures (U+0001 becomes U+2401), lone surrogates and noncharacters U+FFFD, so a
    reader still sees that and where something stood.
    """
    if not _UNREPRESENTABLE.search(text):
        return text
    return _UNREPRESENTABLE.sub(lambda found: chr(_CONTROL.get(ord(found[0]), 0xFFFD)), text)


def render(element: Element) -> bytes:
    """The element as UTF-8 markup on one line, without a declaration and without white space of its own."""
    inserts: list[bytes] = []
    markup: bytes = etree.tostring(_build(element, inserts), encoding="utf-8", xml_declaration=False)
    for position, insert in enumerate(inserts):
        markup = markup.replace(b"<?rendered %d?>" % position, insert, 1)
    return markup


def render_all(elements: tuple[Element, ...]) -> str:
    """Sibling elements as markup, in order."""
    return b"".join(map(render, elements)).decode()


def _build(element: Element, inserts: list[bytes]) -> etree._Element:
    node = etree.Element(element.name, dict(element.attributes), nsmap=dict(element.namespaces))
    if isinstance(element.content, str):
        node.text = representable(element.content)
        return node
    for child in element.content:
        if isinstance(child, Rendered):
            # A processing instruction cannot be forged by text, where "<" is always escaped.
            node.append(etree.ProcessingInstruction("rendered", str(len(inserts))))
            inserts.append(child.markup)
        else:
            node.append(_build(child, inserts))
    return node


def parse(markup: str | bytes) -> etree._Element:
    """The root of a document from outside.

    No entity is expanded, no external reference read, nesting and sizes are limited by the parser, and a document type
    declaration is refused. Raises MarkupError with the parser's own words.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(markup.encode() if isinstance(markup, str) else markup, parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError, ValueError) as error:
        raise MarkupError(str(error)) from None
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # the stubs lack it
        raise MarkupError("a document type declaration is not allowed")
    return root


def root_name(markup: str) -> tuple[str, str]:
    """Namespace (empty when there is none) and local name of a document's root. Raises MarkupError."""
    name = etree.QName(parse(markup))
    return name.namespace or "", name.localname
