"""Markup: what is rendered is what lxml would render, and reads back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from mturk_translators.document import soap_fault
from mturk_translators.fields import Text
from mturk_translators.xml import (
    DECLARATION,
    Element,
    Rendered,
    around,
    finish,
    leaf,
    parse,
    render,
    render_document,
    representable,
)

HOSTILE = [
    *("&", "<", ">", '"', "'", "]]>", "&amp;", "<!--", "<?x 1?>"),
    *("\r", "\n", "\t", "\r\n", "\x00", "\x1e", "\x7f", "\x85", "\u2028"),
    *("\ud800", "\udfff", "\ufffe", "\uffff", "\ufffd", "é", "🐦"),
]

texts = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=5)), max_size=8).map("".join)
names = st.sampled_from(["a", "HITId", "_b", "c-d", "e.f", "G9", "XML"])
attributes = st.dictionaries(names, texts, max_size=3).map(lambda named: tuple(named.items()))


def elements(content):
    return st.builds(Element, names, content, attributes)


trees = st.recursive(elements(texts), lambda inner: elements(st.lists(inner, max_size=4).map(tuple)), max_leaves=12)


def by_lxml(element):
    node = etree.Element(element.name, {name: representable(value) for name, value in element.attributes})
    if isinstance(element.content, str):
        node.text = representable(element.content)
    else:
        node.extend(map(by_lxml, element.content))
    return node


@given(trees)
def test_any_tree_is_rendered_as_lxml_renders_it(tree):
    assert render(tree) == etree.tostring(by_lxml(tree), encoding="utf-8")


@given(trees)
def test_what_was_rendered_before_goes_in_as_it_is(tree):
    rendered = Rendered(render(tree))

    assert render(rendered) == rendered.markup
    assert render(Element("a", (Element("b", ""), rendered))) == render(Element("a", (Element("b", ""), tree)))
    assert render_document(Element("a", (rendered,))) == DECLARATION + render(Element("a", (tree,))) + b"\n"


@given(names, texts)
def test_leaves_are_elements(name, text):
    element = Element(name, text)

    assert finish(leaf(name, text)).markup == render(element)
    assert finish(around("a", leaf(name, text))).markup == render(Element("a", (element,)))


def test_an_element_is_only_one_tag_when_it_has_neither_text_nor_children():
    assert around("a", "").encode() == render(Element("a")) == b"<a/>"
    assert leaf("a", "").encode() == render(Element("a", "")) == b"<a></a>"


@given(texts)
def test_text_reads_back_as_it_was_made_visible(text):
    root = parse(render(Element("a", (Element("b", text),), (("c", text),))))

    assert (root[0].text or "") == root.get("c") == representable(text)


@given(texts)
def test_what_is_made_visible_is_one_character_for_one(text):
    shown = representable(text)

    assert len(shown) == len(text)
    changed = [new for old, new in zip(text, shown, strict=True) if new != old]
    assert all(new == "\ufffd" or 0x2400 <= ord(new) < 0x2420 for new in changed)
    assert representable(shown) is shown


@pytest.mark.parametrize("name", ["", "1a", "a b", "a>", "a/", "é", "a:b:c", ":a", "-a", "a\n", "<a", 'a="'])
def test_what_is_no_name_is_never_rendered(name):
    for element in (Element(name, "x"), Element("a", "x", ((name, "x"),)), Element("a", (Element(name),))):
        with pytest.raises(ValueError, match="no name"):
            render(element)
    with pytest.raises(ValueError, match="no name"):
        Text(name)


@given(texts)
def test_a_soap_fault_binds_its_prefixes(message):
    root = parse(soap_fault("id", "Client.X", message))

    assert etree.QName(root).namespace == root.nsmap["soapenv"] == "http://schemas.xmlsoap.org/soap/envelope/"
    assert root.nsmap["aws"] == "http://webservices.amazon.com/AWSFault/2005-15-09"
    assert root.findtext("{*}Body/{*}Fault/detail/{http://webservices.amazon.com/AWSFault/2005-15-09}RequestId") == "id"
    assert root.findtext("{*}Body/{*}Fault/faultstring") == representable(message)
