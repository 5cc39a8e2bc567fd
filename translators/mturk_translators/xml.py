"""The one hardened parser and serialiser of markup that everything uses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from lxml import etree

DECLARATION = b'<?xml version="1.0"?>\n'
"""As recorded: no encoding, one newline (legacy-common 7.1)."""


class Rendered(NamedTuple):
    """Markup that has been rendered before and goes into a document as it is."""

    markup: bytes


class Element(NamedTuple):
    """A named node of a document that is yet to be rendered: text, children, or markup rendered before.

    A name with a prefix is written `prefix:name`, and the prefix is bound by an attribute `xmlns:prefix`.
    """

    name: str
    content: str | tuple[Element | Rendered, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()


class MarkupError(ValueError):
    """The text is not well-formed XML, uses what no document of this API may use, or does not follow its schema.

    The parser quotes from the text; of very long words only the beginning is kept.
    """

    def __init__(self, details: str) -> None:
        super().__init__(details if len(details) <= _LONGEST_DETAILS else details[:_LONGEST_DETAILS] + "…")


_LONGEST_DETAILS = 500

_CONTROL = {code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A, 0x0D)}
_CONTROLS = bytes(_CONTROL)
_UNREPRESENTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def representable(text: str) -> str:
    """The text with what XML 1.0 cannot carry made visible; the same object where there is nothing of that.

    C0 controls become their control pictures (U+0001 becomes U+2401), lone surrogates and noncharacters U+FFFD, so a
    reader still sees that and where something stood.
    """
    if _is_representable(text):
        return text
    return _UNREPRESENTABLE.sub(lambda found: chr(_CONTROL.get(ord(found[0]), 0xFFFD)), text)


def _is_representable(text: str) -> bool:
    # Several times faster than searching, and nearly every text is.
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return False
    return len(data.translate(None, _CONTROLS)) == len(data) and "\ufffe" not in text and "\uffff" not in text


def escape(text: str) -> str:
    """The text as markup says it between two tags."""
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if "\r" in text:
        # A parser would read it as a line feed.
        text = text.replace("\r", "&#13;")
    return text


def leaf(name: str, text: str) -> str:
    """The markup of an element with a text, in which what XML cannot carry still stands.

    Escaping neither makes nor takes away any of that, so it is made visible in much markup at once. The name is taken
    as it is; fields have theirs checked when they are declared.
    """
    return f"<{name}>{escape(text)}</{name}>"


def around(name: str, markup: str) -> str:
    """The markup of an element with the markup of its children."""
    return f"<{name}>{markup}</{name}>" if markup else f"<{name}/>"


def finish(markup: str) -> Rendered:
    """Markup made of leaves, with what XML cannot carry made visible: fit for a document."""
    return Rendered(representable(markup).encode())


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*(:[A-Za-z_][A-Za-z0-9._-]*)?", re.ASCII)


@lru_cache(1024)
def checked_name(name: str) -> str:
    """The same name. Raises ValueError for what would be no name of an element or attribute."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of XML")
    return name


def render(element: Element | Rendered) -> bytes:
    """The element as UTF-8 markup on one line, without a declaration and without white space of its own."""
    if isinstance(element, Rendered):
        return element.markup
    return b"".join(_pieces(element))


def render_document(root: Element) -> bytes:
    """The whole document of a root, declaration and all."""
    # In one go: its largest part is a page of rows, and a copy of that takes longer than all the rest.
    return b"".join((DECLARATION, *_pieces(root), b"\n"))


def _pieces(node: Element | Rendered) -> Iterator[bytes]:
    if isinstance(node, Rendered):
        yield node.markup
        return
    name = checked_name(node.name)
    start = name + "".join(f' {checked_name(key)}="{_quote(value)}"' for key, value in node.attributes)
    if isinstance(node.content, str):
        yield f"<{start}>{escape(representable(node.content))}</{name}>".encode()
    elif node.content:
        yield f"<{start}>".encode()
        for child in node.content:
            yield from _pieces(child)
        yield f"</{name}>".encode()
    else:
        yield f"<{start}/>".encode()


def _quote(value: str) -> str:
    escaped = escape(representable(value))
    return escaped.replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


def parse(markup: str | bytes, *, huge: bool = False) -> etree._Element:
    """The root of a document from outside.

    No entity is expanded, no external reference read, nesting and sizes are limited by the parser, and a document type
    declaration is refused. `huge` lifts the limits (10 MB of text in one place) for what we have written ourselves.
    Raises MarkupError with the parser's own words.
    """
    # A text has been decoded already, whatever encoding it declares.
    encoding, data = ("utf-8", markup) if isinstance(markup, str) else (None, markup)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=huge, encoding=encoding)
    try:
        root = etree.fromstring(data.encode() if isinstance(data, str) else data, parser)
    except etree.XMLSyntaxError as error:
        # Its text also names a file, which there is none of.
        raise MarkupError(error.msg or "the document is empty") from None
    except ValueError as error:
        raise MarkupError(str(error)) from None
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # the stubs lack it
        raise MarkupError("a document type declaration is not allowed")
    return root


def full_name(element: etree._Element) -> tuple[str, str]:
    """Namespace (empty when there is none) and local name of an element."""
    name = etree.QName(element)
    return name.namespace or "", name.localname


class Node(NamedTuple):
    """An element of a document that was parsed: what a reader needs, without comments and processing instructions.

    The text is that of an element without children and empty for any other; it is as it stands, white space and all.
    Namespaces are left out: who reads knows them from the root or from a schema.
    """

    name: str
    text: str
    attributes: Mapping[str, str]
    children: tuple[Node, ...]

    def all(self, name: str) -> list[Node]:
        """The children of a name, in order."""
        return [child for child in self.children if child.name == name]

    def find(self, name: str) -> Node | None:
        """The first child of a name."""
        return next((child for child in self.children if child.name == name), None)

    def text_of(self, name: str) -> str | None:
        """The text of the first child of a name, None where there is no such child."""
        child = self.find(name)
        return None if child is None else child.text


def read(element: etree._Element) -> Node:
    """What an element and all in it say."""
    children = tuple(read(child) for child in element if isinstance(child.tag, str))
    return Node(
        etree.QName(element).localname,
        # Not element.text, which ends at the first comment.
        "" if children else "".join(map(str, element.itertext())),
        {str(name): str(value) for name, value in element.attrib.items()},
        children,
    )


def oddities(root: etree._Element) -> str:
    """What `read` leaves out of a document: texts beside elements, and elements of another namespace than the root."""
    space = full_name(root)[0]
    told = []
    for element in root.iter("*"):
        other, name = full_name(element)
        if other != space:
            told.append(f"{{{other}}}{name}")
        if len(element):
            texts = (element.text, *(child.tail for child in element))
            told += [text.strip() for text in texts if text and text.strip()]
    return " ".join(told)


def fragment_names(markup: str) -> set[tuple[str, str]]:
    """Namespaces (empty when there is none) and local names of the elements in markup that has no root of its own.

    Raises MarkupError.
    """
    return {full_name(element) for element in parse(f"<fragment>{markup}</fragment>").iterdescendants("*")}


class Schema:
    """An XML schema that is complete in itself, compiled once.

    What a check finds is kept in the compiled schema until it is read, so only one thread may check at a time.
    """

    def __init__(self, markup: bytes) -> None:
        self._compiled = etree.XMLSchema(parse(markup))

    def check(self, root: etree._Element) -> None:
        """Accept a document, or raise MarkupError with what the schema's checker says first.

        Nothing that the document refers to is read, xsi:schemaLocation included.
        """
        if not self._compiled.validate(root):
            first = self._compiled.error_log[0]  # type: ignore[index]  # the stubs lack it
            raise MarkupError(f"{first.message} (line {first.line})")
