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
    MarkupError,
    Node,
    Rendered,
    Schema,
    around,
    finish,
    fragment_names,
    leaf,
    parse,
    read,
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


def test_a_text_is_read_as_the_text_it_is_and_bytes_as_they_declare():
    declared = '<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'

    assert parse(declared).text == parse(declared.encode("latin-1")).text == "é"


def test_a_parser_that_quotes_is_cut_short():
    with pytest.raises(MarkupError) as caught:
        parse(f"<{'a' * 9000}></b>")

    assert 400 < len(str(caught.value)) < 600


@given(trees)
def test_what_was_rendered_reads_as_the_same_tree(tree):
    def expected(element):
        content = element.content
        children = () if isinstance(content, str) else tuple(map(expected, content))
        text = representable(content) if isinstance(content, str) else ""
        attributes = {name: representable(value) for name, value in element.attributes}
        return Node(element.name, text, attributes, children)

    assert read(parse(render(tree))) == expected(tree)


def test_a_reader_sees_neither_comments_nor_instructions_nor_prefixes():
    node = read(parse("<x:a xmlns:x='urn:x'><!-- 1 --><b>1<!-- 2 -->2<?p 3?><![CDATA[<3]]></b><?p?><x:b/></x:a>"))

    assert node == Node("a", "", {}, (Node("b", "12<3", {}, ()), Node("b", "", {}, ())))
    assert (node.text_of("b"), node.text_of("c"), node.find("c"), len(node.all("b"))) == ("12<3", None, None, 2)


def test_a_fragment_is_known_by_its_elements():
    assert fragment_names("a<b><i/></b><!-- c --><i xmlns='urn:x'/>") == {("", "b"), ("", "i"), ("urn:x", "i")}
    assert fragment_names("") == set()
    for wrong in ("<b>", "</fragment><fragment>", "<!DOCTYPE a>", "&nbsp;"):
        with pytest.raises(MarkupError):
            fragment_names(wrong)


def test_a_schema_says_what_is_wrong_and_in_which_line_and_opens_nothing(tmp_path):
    schema = Schema(
        b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:x">'
        b'<xs:element name="a" type="xs:integer"/></xs:schema>'
    )
    other = tmp_path / "other.xsd"
    other.write_text("not read")
    hint = f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x {other.as_uri()}"'

    schema.check(parse(f"<x:a xmlns:x='urn:x' {hint}>1</x:a>"))
    with pytest.raises(MarkupError, match=r"'one' is not a valid value .* \(line 2\)"):
        schema.check(parse("\n<a xmlns='urn:x'>one</a>"))
    with pytest.raises(MarkupError, match=r"^Element '\{urn:x\}a': '9{400,500}…$"):
        schema.check(parse(f"<a xmlns='urn:x'>{'9' * 9000}x</a>"))
