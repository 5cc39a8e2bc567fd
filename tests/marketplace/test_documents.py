"""Question documents: what is accepted, what answers fit them, and what an answer key makes of those."""

from __future__ import annotations

import re
import threading
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mturk_gateway.marketplace import demo_data
from mturk_gateway.marketplace.documents.answer_keys import score
from mturk_gateway.marketplace.documents.answering import answers_for, check_answers
from mturk_gateway.marketplace.documents.answers import Answer, Chosen, Uploaded, read_answers, render_answers
from mturk_gateway.marketplace.documents.forms import FileUpload, FreeText, QuestionForm, Selection
from mturk_gateway.marketplace.documents.layouts import merge_layout
from mturk_gateway.marketplace.documents.markup import LONGEST, DocumentError
from mturk_gateway.marketplace.documents.questions import ExternalQuestion, HTMLQuestion, read_question, read_test
from mturk_gateway.marketplace.protocol.errors import Fault
from mturk_gateway.marketplace.services.publishing.questions import check_answer_key, check_question, check_test
from mturk_translators import xml

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
XML_ERROR, XHTML_ERROR = "AWS.MechanicalTurk.XMLParseError", "AWS.MechanicalTurk.XHTMLParseError"
SOON = 2.0
"""Seconds; each takes some ten milliseconds on a slow machine."""

STYLES = ("radiobutton", "dropdown", "checkbox", "list", "combobox", "multichooser")
TEXT = "<FreeTextAnswer/>"
UPLOAD = (
    "<FileUploadAnswer><MaxFileSizeInBytes>9</MaxFileSizeInBytes><MinFileSizeInBytes>2</MinFileSizeInBytes>"
    "</FileUploadAnswer>"
)


def form(*parts, version="2005-10-01"):
    return f'<QuestionForm xmlns="{SCHEMAS}/{version}/QuestionForm.xsd">{"".join(parts)}</QuestionForm>'


def question(answer=TEXT, identifier="q", *, between="", content="<Text>?</Text>"):
    return (
        f"<Question><QuestionIdentifier>{identifier}</QuestionIdentifier>{between}"
        f"<QuestionContent>{content}</QuestionContent><AnswerSpecification>{answer}</AnswerSpecification></Question>"
    )


def selection(*identifiers, before="", other=""):
    choices = "".join(
        f"<Selection><SelectionIdentifier>{identifier}</SelectionIdentifier><Text>{identifier}</Text></Selection>"
        for identifier in identifiers
    )
    return f"<SelectionAnswer>{before}<Selections>{choices}{other}</Selections></SelectionAnswer>"


def counts(fewest, most):
    return f"<MinSelectionCount>{fewest}</MinSelectionCount><MaxSelectionCount>{most}</MaxSelectionCount>"


def text(constraints, rest=""):
    return f"<FreeTextAnswer><Constraints>{constraints}</Constraints>{rest}</FreeTextAnswer>"


def overview(content):
    return form(f"<Overview>{content}</Overview>", question())


def formatted(markup):
    return overview(f"<FormattedContent><![CDATA[{markup}]]></FormattedContent>")


def external(url, height="600"):
    return (
        f'<ExternalQuestion xmlns="{SCHEMAS}/2006-07-14/ExternalQuestion.xsd"><ExternalURL>{url}</ExternalURL>'
        f"<FrameHeight>{height}</FrameHeight></ExternalQuestion>"
    )


def html(content, height="600"):
    return (
        f'<HTMLQuestion xmlns="{SCHEMAS}/2011-11-11/HTMLQuestion.xsd"><HTMLContent>{content}</HTMLContent>'
        f"<FrameHeight>{height}</FrameHeight></HTMLQuestion>"
    )


def key(*questions, mapping=""):
    wrapped = f"<QualificationValueMapping>{mapping}</QualificationValueMapping>" if mapping else ""
    return f'<AnswerKey xmlns="{SCHEMAS}/2005-10-01/AnswerKey.xsd">{"".join(questions)}{wrapped}</AnswerKey>'


def keyed(identifier, *options, default=""):
    written = "".join(
        "<AnswerOption>"
        + "".join(f"<SelectionIdentifier>{choice}</SelectionIdentifier>" for choice in choices)
        + f"<AnswerScore>{points}</AnswerScore></AnswerOption>"
        for choices, points in options
    )
    return f"<Question><QuestionIdentifier>{identifier}</QuestionIdentifier>{written}{default}</Question>"


def only(document):
    """The one question of a form."""
    (found,) = read_question(document).questions
    return found


def refused(check, document):
    """The code and the message of a refusal."""
    with pytest.raises(Fault) as caught:
        check(document)
    assert (caught.value.type, caught.value.status) == ("ParameterValidationError", 400)
    return caught.value.code, caught.value.message


# What is accepted


@pytest.mark.parametrize("name", ["EXTERNAL", "HTML", "FORM", "NEWER_FORM"])
def test_the_questions_of_the_demonstration_are_accepted(name):
    check_question(getattr(demo_data, name).replace("{number}", "7"))


def test_everything_that_a_form_may_show_and_ask_is_accepted():
    binary = "<MimeType><Type>image</Type><SubType>gif</SubType></MimeType><DataURL> https://x/é a.gif </DataURL>"
    embedded = (
        "<EmbeddedMimeType><Type>video</Type><SubType>mp4</SubType></EmbeddedMimeType><DataURL>http://x</DataURL>"
    )
    size = (
        "<Width>1</Width><Height>2</Height><ApplicationParameter><Name>n</Name><Value>v</Value></ApplicationParameter>"
    )
    shown = (
        "<Title>t</Title><List><ListItem>1</ListItem><ListItem/></List><Text/>"
        "<FormattedContent><![CDATA[plain, <p align='left'>a&nbsp;&amp;&eacute;<br/></p>]]></FormattedContent>"
        f"<Binary>{binary}<AltText/></Binary><EmbeddedBinary>{embedded}<AltText>a</AltText>{size}</EmbeddedBinary>"
    )
    flash = f"<Application><Flash><FlashMovieURL>http://x</FlashMovieURL>{size}</Flash></Application>"
    applet = f"<AppletPath>p</AppletPath><AppletFilename>f</AppletFilename>{size}"
    choice = f"<Selection><SelectionIdentifier>b</SelectionIdentifier><Binary>{binary}<AltText/></Binary></Selection>"
    asked = question(selection("a", other=choice + "<OtherSelection/>"), "s", content=shown)
    old = f"<Overview>{flash}<Application><JavaApplet>{applet}</JavaApplet></Application></Overview>"

    check_question(form(f"<Overview>{shown}</Overview>", asked, f"<Overview>{shown}</Overview>", version="2017-11-06"))
    check_question(form(old, asked, question(UPLOAD, "f")))
    for withdrawn in (form(old, asked, version="2017-11-06"), form(question(UPLOAD), version="2017-11-06")):
        assert refused(check_question, withdrawn)[0] == XML_ERROR


@pytest.mark.parametrize(
    "document",
    [
        '<?xml version="1.0" encoding="UTF-16"?>\r\n' + external("https://example.org/é"),
        "\ufeff" + external("\n  http://localhost:8000/a?b=1&amp;c=2#d\n", " 600\n"),
        "<!-- © --><?php ?>" + external("HTTPS://example.org<!-- x -->/<?y?>a") + "<!-- end -->\n",
        external("https://example.org").replace(
            "<ExternalQuestion ",
            '<ExternalQuestion xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            'xsi:schemaLocation="ExternalQuestion.xsd http://127.0.0.1:9/ExternalQuestion.xsd" ',
        ),
        external("https://example.org").replace("</", "</e:").replace("<E", "<e:E").replace("<F", "<e:F")
        .replace("xmlns=", "xmlns:e="),
        form(question(text('<IsNumeric minValue="1">\n<!-- x --></IsNumeric><Length />', "\n"))),
    ],
)  # fmt: skip
def test_the_ways_in_which_programs_write_xml_are_all_accepted(document):
    check_question(document)


def test_what_boto_generates_is_accepted():
    boto = pytest.importorskip("boto.mturk.question")
    constraints = [
        boto.NumericConstraint(1, 10),
        boto.LengthConstraint(1, 2),
        boto.RegExConstraint("^[0-9]+$", error_text="digits", flags="i"),
    ]
    free = boto.FreeTextAnswer("7", constraints, 3)
    choices = [("Red", "r"), ("Blue", "b")]
    picture = "<MimeType><Type>image</Type></MimeType><DataURL>http://x/a.png</DataURL><AltText>a</AltText>"
    specifications = [
        free,
        boto.FreeTextAnswer(),
        boto.FileUploadAnswer(1, 2_000_000_000),
        *(boto.SelectionAnswer(style=style, selections=choices) for style in (None, *STYLES)),
        boto.SelectionAnswer(0, 2, "checkbox", choices, other=True),
        boto.SelectionAnswer(1, 2, "list", choices, other=free),
        boto.SelectionAnswer(selections=[(picture, "p")], type="binary"),
    ]  # fmt: skip
    made = boto.QuestionForm()
    shown = boto.Overview([boto.List(["a", "b"]), boto.FormattedContent("<b>x</b>")])
    shown.append_field("Title", "t")
    made.append(shown)
    for number, specification in enumerate(specifications):
        content = boto.QuestionContent([boto.SimpleField("Text", "?"), boto.Binary("image", "gif", "http://x", "a")])
        answer = boto.AnswerSpecification(specification)
        made.append(boto.Question(f"q{number}", content, answer, is_required=True, display_name="d"))

    read = read_question(made.get_as_xml())

    assert len(read.questions) == len(specifications)
    first, *_, binary = read.questions
    assert (first.identifier, first.display_name, first.required) == ("q0", "d", True)
    assert first.answer == FreeText(
        numeric=True, lowest=1, highest=10, shortest=1, longest=2, patterns=(("^[0-9]+$", "digits", "i"),),
        default="7", lines=3,
    )  # fmt: skip
    assert read.questions[2].answer == FileUpload(1, 2_000_000_000)
    assert read.questions[-2].answer == Selection(1, 2, "list", ("r", "b"), first.answer)
    assert binary.answer == Selection(1, 1, "radiobutton", ("p",), None)
    asked = boto.ExternalQuestion("https://example.org/?a=1&b=2", 400).get_as_xml()
    assert read_question(asked) == ExternalQuestion("https://example.org/?a=1&b=2", 400)
    assert read_question(boto.HTMLQuestion("<p>", 0).get_as_xml()) == HTMLQuestion("<!DOCTYPE html><p>", 0)


# What is refused


@pytest.mark.parametrize(
    ("document", "named"),
    [
        (form(), "Missing child"),
        (form("text"), "not allowed"),
        (form(question(), question()), "QuestionIdentifier 'q' is not unique"),
        (form(question(selection("a", "a"))), "SelectionIdentifier 'a' is not unique"),
        (form(question(selection("a", "b", before=counts(2, 1)))), "2 is greater than 1"),
        (form(question(selection("a", "b", before="<MinSelectionCount>2</MinSelectionCount>"))), "2 is greater than 1"),
        (form(question(selection("a", before="<StyleSuggestion>radio</StyleSuggestion>"))), "StyleSuggestion"),
        (form(question(selection())), "Selections"),
        (form(question(text('<Length minLength="3" maxLength="2"/>'))), "3 is greater than 2"),
        (form(question(text('<IsNumeric minValue="3" maxValue="-2"/>'))), "3 is greater than -2"),
        (form(question(text(f'<IsNumeric minValue="{"9" * 5000}"/>'))), "minValue"),
        (form(question(text("<AnswerFormatRegex/>"))), "'regex' is required"),
        (form(question(text("<IsNumeric>1</IsNumeric>"))), "IsNumeric"),
        (form(question(selection("a", other='<OtherSelection><Constraints><Length minLength="2" maxLength="1"/>'
                                 "</Constraints></OtherSelection>"))), "2 is greater than 1"),
        (form(question("")), "AnswerSpecification"),
        (form(question(TEXT + TEXT)), "not expected"),
        (form(question(UPLOAD.replace("9", "1"))), "2 is greater than 1"),
        (form(question(between="<IsRequired>yes</IsRequired>")), "IsRequired"),
        (form(question(between="<IsRequired>1</IsRequired><DisplayName/>")), "not expected"),
        (form(question(content="")), "QuestionContent"),
        (overview("<Binary><MimeType><Type>image</Type></MimeType><DataURL>javascript:1</DataURL><AltText/></Binary>"),
         "DataURL"),
        (external("ftp://example.org"), "'ftp://example.org' is not an absolute http or https address"),
        *((external(url), "address") for url in ("", "/a", "example.org", "http://", "http://[", "http://x:y", "//x")),
        (external("http://x", "tall"), "FrameHeight"),
        (external("http://x", "9" * 5000), "FrameHeight"),
        (external("http://x").replace("<FrameHeight>600</FrameHeight>", ""), "Missing child"),
        (html("<b>not escaped</b>"), "HTMLContent"),
        (f'<!DOCTYPE a [<!ENTITY e "x">]>{external("http://x")}', "document type declaration"),
        (external("http://\ud800"), "surrogate"),
    ],
)  # fmt: skip
def test_a_question_that_breaks_a_rule_is_refused_and_the_rule_named(document, named):
    code, message = refused(check_question, document)

    assert code == XML_ERROR
    assert named in message.partition(" Details: ")[2]


@pytest.mark.parametrize(
    ("markup", "named"),
    [
        ("<p>a<br>b</p>", "mismatch"),
        ("</fragment><fragment>", "Extra content"),
        ("<script>x</script>", "the element script is not allowed"),
        ("<B>x</B>", "the element B is not allowed"),
        ("<x:b xmlns:x='urn:x'/>", "the element b is not allowed"),
        ("&unknown;", "unknown"),
        ("<b>" * 300 + "</b>" * 300, "depth"),
    ],
)
def test_formatted_content_is_refused_by_a_code_of_its_own(markup, named):
    content = f"<FormattedContent><![CDATA[{markup}]]></FormattedContent>"
    choice = f"<Selection><SelectionIdentifier>c</SelectionIdentifier>{content}</Selection>"
    for document in (overview(content), form(question(selection("a", other=choice)))):
        code, message = refused(check_question, document)
        assert (code, named in message.partition(" Details: ")[2]) == (XHTML_ERROR, True)


def test_a_test_is_a_form_that_asks_for_no_file():
    check_test(form(question(), version="2017-11-06"))

    for document in (form(question(UPLOAD)), external("https://example.org"), html("x")):
        assert refused(check_test, document)[0] == XML_ERROR


def test_65535_bytes_are_accepted_and_no_more():
    empty = len(html("").encode())
    check_question(html("é" * ((65_535 - empty) // 2) + "x" * ((65_535 - empty) % 2)))

    assert "65536 bytes" in refused(check_question, html("x" * (65_536 - empty)))[1]


HOSTILE = {
    "depth": form() + "<a>" * 9000,
    "attributes": form().replace(">", " " + " ".join(f'a{number}=""' for number in range(6000)) + ">", 1),
    "prefixes": form().replace(
        ">", "".join(f' xmlns:a{n}="{n}" a{n}:a=""' for n in range(1500)) + ">", 1
    ),
    "children": form("<a/>" * 16_000),
    "entities": "<!DOCTYPE a [" + "".join(f'<!ENTITY a{n + 1} "&a{n};&a{n};">' for n in range(60)) + "]><a>&a60;</a>",
    "attribute defaults": "<!DOCTYPE a [<!ATTLIST a "
    + " ".join(f'b{n} CDATA "x"' for n in range(1500)) + ">]><a>" + "<a/>" * 8000 + "</a>",
    "long names": "<" + "a" * 65_000,
    "markup in markup": formatted("<b>" * 20_000),
    "attributes in markup": formatted("<b " + " ".join(f'a{n}=""' for n in range(6000)) + "></i>"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_documents_are_refused_soon_and_briefly(kind):
    assert len(HOSTILE[kind]) <= LONGEST
    started = time.perf_counter()
    _, message = refused(check_question, HOSTILE[kind])

    assert time.perf_counter() - started < SOON
    assert len(message) < 1000


@pytest.mark.parametrize(
    "document",
    [
        form(*(question(identifier=str(number)) for number in range(350))),
        form(question(selection(*map(str, range(600)), before=counts(0, 600)))),
        overview("<FormattedContent>&lt;b/&gt;</FormattedContent>" * 1300),
    ],
)
def test_the_largest_honest_documents_are_accepted_soon(document):
    started = time.perf_counter()
    check_question(document)

    assert time.perf_counter() - started < SOON


markup_pieces = st.lists(
    st.one_of(
        st.sampled_from(["<", ">", "</", "/>", "<![CDATA[", "]]>", "&", ";", "\x00", "\ud800", "<!DOCTYPE a>", "<b>"]),
        st.sampled_from([form(question()), external("http://x"), html("x"), question(), TEXT, UPLOAD, key()]),
        st.text(max_size=4),
    ),
    max_size=6,
).map("".join)


@given(st.one_of(markup_pieces, markup_pieces.map(form), markup_pieces.map(formatted), markup_pieces.map(external)))
def test_whatever_is_sent_the_answer_is_yes_or_a_refusal(document):
    for check in (check_question, check_test, check_answer_key):
        try:
            check(document)
        except Fault as fault:
            assert fault.code in {XML_ERROR, XHTML_ERROR}  # noqa: PT017  # either outcome is fine


def test_threads_that_check_at_the_same_time_get_each_its_own_refusal():
    mixed = []

    def check(number):
        for _ in range(30):
            code, message = refused(check_question, form(question(f"<Wrong{number}/>")))
            if code != XML_ERROR or f"Wrong{number}" not in message:
                mixed.append(message)

    threads = [threading.Thread(target=check, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert mixed == []


# What a form asks


@pytest.mark.parametrize(
    ("before", "style"),
    [
        ("", "radiobutton"),
        (counts(1, 2), "checkbox"),
        (counts(1, 2) + "<StyleSuggestion>dropdown</StyleSuggestion>", "checkbox"),
        (counts(1, 1) + "<StyleSuggestion>dropdown</StyleSuggestion>", "dropdown"),
        (counts(1, 2) + "<StyleSuggestion>\n multichooser </StyleSuggestion>", "multichooser"),
    ],
)
def test_a_style_that_contradicts_the_number_of_choices_is_ignored(before, style):
    assert only(form(question(selection("a", "b", before=before)))).answer.style == style


@pytest.mark.parametrize("written", ["true", " 1 "])
def test_a_question_is_required_by_its_flag_or_by_a_least_length(written):
    assert only(form(question(between=f"<IsRequired>{written}</IsRequired>"))).required
    assert only(form(question(text('<Length minLength="1"/>')))).required
    assert not only(form(question(text('<Length minLength="0"/>'), between="<IsRequired>0</IsRequired>"))).required


def test_an_address_is_read_whole_and_without_the_white_space_around_it():
    asked = external("\n http://x/<!-- a -->b<?c?><![CDATA[&]]>d ", " 600\n")

    assert read_question(asked) == ExternalQuestion("http://x/b&d", 600)


def problems(answer, *values):
    """Of a required question with an answer of that kind."""
    asked = read_question(form(question(answer, between="<IsRequired>true</IsRequired>")))
    return check_answers(asked, [Answer("q", value) for value in values])


@pytest.mark.parametrize("value", ["10", " 2.5 ", "+3", "9."])
def test_numbers_within_bounds_fit(value):
    assert problems(text('<IsNumeric minValue="2" maxValue="10"/>'), value) == []


@pytest.mark.parametrize("value", ["1", "1.999", "10.01", "ten", "1e1", "٣", "--3", "."])
def test_other_numbers_do_not(value):
    assert len(problems(text('<IsNumeric minValue="2" maxValue="10"/>'), value)) == 1


def test_lengths_and_patterns_are_checked_and_a_pattern_says_why():
    asked = text(
        '<Length minLength="2" maxLength="4"/><AnswerFormatRegex regex="B" flags="i"/>'
        '<AnswerFormatRegex regex="^[a-z]" errorText="small first"/><AnswerFormatRegex regex="(?&lt;js&gt;["/>'
    )

    assert problems(asked, "abc") == []
    assert problems(asked, "b") == ["The answer to 'q' must have at least 2 characters."]
    assert problems(asked, "abcde") == ["The answer to 'q' may have at most 4 characters."]
    assert problems(asked, "Xc") == [
        "The answer to 'q' is refused: Invalid input supplied.",
        "The answer to 'q' is refused: small first.",
    ]


def test_choices_are_known_and_neither_too_few_nor_too_many():
    asked = selection("a", "b", "c", before=counts(2, 2), other="<OtherSelection/>")

    assert problems(asked, Chosen(("a", "c"))) == problems(asked, Chosen(("a",), "mine")) == []
    assert problems(asked, Chosen(("a",))) == ["The answer to 'q' must have 2 to 2 choices, not 1."]
    assert problems(asked, Chosen(("a", "b"), "mine")) == ["The answer to 'q' must have 2 to 2 choices, not 3."]
    assert problems(asked, Chosen(("a", "x"))) == ["The answer to 'q' has no choice 'x'."]
    assert problems(selection("a"), Chosen((), "mine")) == ["The answer to 'q' may not be a text of one's own."]
    own = selection("a", other="<OtherSelection><Constraints><IsNumeric/></Constraints></OtherSelection>")
    assert problems(own, Chosen((), "mine")) == ["The answer to 'q' must be a number."]


def test_files_are_of_the_size_asked_for():
    assert problems(UPLOAD, Uploaded(2, "k")) == problems(UPLOAD, Uploaded(9, "k")) == []
    assert problems(UPLOAD, Uploaded(10, "k")) == ["The answer to 'q' must be a file of 2 to 9 bytes."]


@pytest.mark.parametrize("answer", [TEXT, selection("a", before=counts(0, 1)), UPLOAD])
def test_only_what_is_required_must_be_answered(answer):
    assert problems(answer) == problems(answer, "") == ["The question 'q' must be answered."]
    assert check_answers(read_question(form(question(answer))), []) == []
    assert check_answers(read_question(form(question(answer))), [Answer("q", Chosen(()))]) == []


def test_an_answer_of_another_kind_or_to_no_question_does_not_fit():
    values = ["text", Chosen(("a",)), Uploaded(3, "k")]
    for number, answer in enumerate([TEXT, selection("a"), UPLOAD]):
        assert [problems(answer, value) == [] for value in values] == [place == number for place in range(3)]
    assert problems(TEXT, "a", "b") == ["A question is answered twice."]
    assert check_answers(QuestionForm(()), [Answer("x", "1")]) == ["There is no question 'x'."]


# What is answered


names = st.text(max_size=6)
legal = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=[*map(chr, range(32)), "\ufffe", "\uffff"]))
values = st.one_of(
    st.text(max_size=12),
    st.builds(Chosen, st.lists(names, max_size=3).map(tuple), st.one_of(st.none(), names)),
    st.builds(Uploaded, st.integers(0, 2_000_000_000), names),
)


def as_read(text):
    """What XML keeps of a text."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


@given(st.dictionaries(names.map(as_read), values, max_size=4))
def test_any_answers_read_back_as_what_they_were(given_answers):
    document = render_answers([Answer(name, value) for name, value in given_answers.items()])

    expected = {}
    for name, value in given_answers.items():
        match value:
            case str():
                expected[name] = tuple(as_read(value).split("|"))
            case Chosen(selections, other):
                expected[name] = tuple(map(as_read, selections if other is None else (*selections, other)))
            case Uploaded(_, kept):
                expected[name] = (as_read(kept),)
    assert read_answers(document) == expected


@given(st.lists(st.tuples(names, st.text(max_size=12))))
def test_texts_of_one_name_are_joined_where_the_first_stood(pairs):
    expected = {}
    for name, value in pairs:
        expected.setdefault(as_read(name), []).extend(as_read(value).split("|"))

    read = read_answers(render_answers(pairs))

    assert list(read.items()) == [(name, tuple(texts)) for name, texts in expected.items()]


def test_the_document_is_the_one_that_clients_know():
    answers = [("b", "<&>\r\n€"), ("a", "1"), ("b", "bell\x07"), ("c", "")]
    answers += [Answer("s", Chosen(("x", "y"), "mine")), Answer("n", Chosen(())), Answer("f", Uploaded(12, "k"))]

    assert render_answers(answers) == (
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
        f'<QuestionFormAnswers xmlns="{SCHEMAS}/2005-10-01/QuestionFormAnswers.xsd">\n'
        "<Answer>\n<QuestionIdentifier>b</QuestionIdentifier>\n<FreeText>&lt;&amp;&gt;&#13;\n€|bell</FreeText>\n</Answer>\n"
        "<Answer>\n<QuestionIdentifier>a</QuestionIdentifier>\n<FreeText>1</FreeText>\n</Answer>\n"
        "<Answer>\n<QuestionIdentifier>c</QuestionIdentifier>\n<FreeText></FreeText>\n</Answer>\n"
        "<Answer>\n<QuestionIdentifier>s</QuestionIdentifier>\n<SelectionIdentifier>x</SelectionIdentifier>\n"
        "<SelectionIdentifier>y</SelectionIdentifier>\n<OtherSelectionText>mine</OtherSelectionText>\n</Answer>\n"
        "<Answer>\n<QuestionIdentifier>n</QuestionIdentifier>\n</Answer>\n"
        "<Answer>\n<QuestionIdentifier>f</QuestionIdentifier>\n<UploadedFileSizeInBytes>12</UploadedFileSizeInBytes>\n"
        "<UploadedFileKey>k</UploadedFileKey>\n</Answer>\n"
        "</QuestionFormAnswers>\n"
    )
    assert render_answers([]).endswith(f'<QuestionFormAnswers xmlns="{SCHEMAS}/2005-10-01/QuestionFormAnswers.xsd"/>\n')
    assert read_answers(render_answers([])) == {}


def test_answers_longer_than_a_parser_likes_are_read():
    """Workers of machine-learning tasks send megabytes (worker-side 4)."""
    read = read_answers(render_answers([("a", "x" * 11_000_000)]))

    assert [len(value) for value in read["a"]] == [11_000_000]


def test_of_several_answers_that_cannot_be_joined_the_last_counts():
    answers = [Answer("q", "text"), Answer("q", Chosen(("a",))), Answer("q", Chosen(("b",)))]

    assert read_answers(render_answers(answers)) == {"q": ("b",)}


@pytest.mark.parametrize("document", ["", "<a/>", html("x")])
def test_what_is_no_document_of_answers_is_refused(document):
    with pytest.raises(DocumentError):
        read_answers(document)


def test_pairs_answer_a_page_as_they_are():
    pairs = [("b", "1"), ("a", ""), ("b", "2")]

    for document in (external("http://x"), html("x")):
        assert answers_for(read_question(document), pairs) == [("b", "1|2"), ("a", "")]


def test_pairs_answer_a_form_in_its_order_and_by_the_kind_of_each_question():
    asked = read_question(
        form(
            question(TEXT, "free"),
            question(selection("a", "b"), "closed"),
            question(selection("a", "b", before=counts(1, 4), other="<OtherSelection/>"), "open"),
            question(TEXT, "left out"),
        )
    )
    pairs = [
        ("open", "b"),
        ("open", "mine"),
        ("open", "a"),
        ("open", "b"),
        ("closed", "x"),
        ("free", "1"),
        ("free", "2"),
    ]

    answers = answers_for(asked, [*pairs, ("left out", ""), ("typo", "7")])

    assert answers == [
        ("free", "1|2"),
        ("closed", Chosen(("x",))),
        ("open", Chosen(("b", "a"), "mine")),
        ("typo", "7"),
    ]
    assert check_answers(asked, answers) == [
        "There is no question 'typo'.",
        "The answer to 'closed' has no choice 'x'.",
    ]


# What answers score


ONE = keyed("one", ("a", 5), ("b", -2), default="<DefaultScore>1</DefaultScore>")
MANY = keyed("many", ("ab", 3), ("a", 1), ("ba", 100))


@pytest.mark.parametrize(
    ("one", "many", "points"),
    [
        (Chosen(("a",)), Chosen(("b", "a")), 8),
        (Chosen(("b",)), Chosen(("a",)), -1),
        (Chosen(("c",)), Chosen(("a", "b", "c")), 1),
        (Chosen(("a",), "mine"), Chosen(("b",)), 1),
        ("a", Chosen(()), 1),
        (None, None, 1),
    ],
)
def test_only_exactly_the_choices_of_an_option_score(one, many, points):
    answers = [Answer(name, value) for name, value in (("one", one), ("many", many)) if value is not None]

    assert score(key(ONE, MANY), [*answers, Answer("other", Chosen(("a",)))]) == points


def scored(points, mapping):
    return score(key(keyed("q", ("a", points)), mapping=mapping), [Answer("q", Chosen(("a",)))])


@pytest.mark.parametrize(
    ("points", "maximum", "value"), [(1, 3, 33), (2, 3, 67), (1, 200, 1), (-1, 200, 0), (-1, 3, -33), (5, 4, 125)]
)
def test_a_percentage_is_rounded_with_halves_up(points, maximum, value):
    mapping = f"<PercentageMapping><MaximumSummedScore>{maximum}</MaximumSummedScore></PercentageMapping>"

    assert scored(points, mapping) == value


@pytest.mark.parametrize(
    ("points", "multiplier", "value"),
    [
        (5, "0.1", 1),
        (45, "0.7", 32),
        (15, "1.1", 17),
        (-5, "0.1", 0),
        (3, " 2e0 ", 6),
        (3, "-1.5", -4),
        (1, "1E300", 2**31 - 1),
        (-1, "1E300", -(2**31)),
        (7, "1E-999999999", 0),
    ],
)
def test_a_scaled_score_is_exact_rounded_with_halves_up_and_of_32_bits(points, multiplier, value):
    mapping = f"<ScaleMapping><SummedScoreMultiplier>{multiplier}</SummedScoreMultiplier></ScaleMapping>"

    assert scored(points, mapping) == value


RANGE = (
    "<SummedScoreRange><InclusiveLowerBound>{}</InclusiveLowerBound><InclusiveUpperBound>{}</InclusiveUpperBound>"
    "<QualificationValue>{}</QualificationValue></SummedScoreRange>"
)
OUTSIDE = "<OutOfRangeQualificationValue>-9</OutOfRangeQualificationValue>"


@pytest.mark.parametrize(("points", "value"), [(0, -9), (1, 10), (5, 10), (6, 20), (9, 20), (10, -9)])
def test_the_first_range_counts_both_bounds_included(points, value):
    mapping = f"<RangeMapping>{RANGE.format(1, 5, 10)}{RANGE.format(5, 9, 20)}{OUTSIDE}</RangeMapping>"

    assert scored(points, mapping) == value


@pytest.mark.parametrize(
    ("document", "named"),
    [
        (key(), "Missing child"),
        (key(ONE, ONE), "QuestionIdentifier 'one' is not unique"),
        (key(keyed("q", ("", 1))), "AnswerScore"),
        (key(keyed("q")), "Missing child"),
        (key(keyed("q", ("a", "1.5"))), "AnswerScore"),
        (key(keyed("q", ("a", "9" * 5000))), "AnswerScore"),
        (key(ONE, mapping=f"<RangeMapping>{RANGE.format(2, 1, 0)}{OUTSIDE}</RangeMapping>"), "2 is greater than 1"),
        (key(ONE, mapping=f"<RangeMapping>{RANGE.format(1, 2, 0)}</RangeMapping>"), "Missing child"),
        *(
            (key(ONE, mapping=f"<ScaleMapping><SummedScoreMultiplier>{number}</SummedScoreMultiplier></ScaleMapping>"),
             "SummedScoreMultiplier")
            for number in ("NaN", "INF", "1e999", "many")
        ),
        (key(ONE, mapping="<PercentageMapping><MaximumSummedScore>0</MaximumSummedScore></PercentageMapping>"),
         "MaximumSummedScore"),
    ],
)  # fmt: skip
def test_an_answer_key_that_could_not_score_is_refused(document, named):
    code, message = refused(check_answer_key, document)

    assert code == XML_ERROR
    assert named in message.partition(" Details: ")[2]


def test_an_answer_key_need_not_fit_its_test():
    check_answer_key(key(ONE, MANY))
    test = read_test(form(question(selection("a"), "one")))

    assert score(key(ONE, MANY), answers_for(test, [("one", "a")])) == 5


# Layouts


def test_a_layout_takes_values_as_they_are_and_once():
    template = "<p title='${a}'>${a} ${b}${c d}</p> ${missing} $a {a} ${}"
    values = {"a": "<i>&amp;</i>", "b": "${a}", "c d": "\\1 $0"}

    merged = merge_layout(template, 450, values)

    check_question(merged)
    expected = r"<p title='<i>&amp;</i>'><i>&amp;</i> ${a}\1 $0</p> ${missing} $a {a} ${}"
    assert read_question(merged) == HTMLQuestion(expected, 450)


@given(st.lists(st.sampled_from(["]", "]]", "]]>", ">", "<![CDATA[", "&", "é", "${a}"])).map("".join), legal)
def test_any_html_comes_out_of_a_layout_as_it_went_in(template, value):
    assert read_question(merge_layout(template, 0, {"a": value})).html == template.replace("${a}", value)


def test_a_value_that_breaks_the_document_is_refused_like_any_question():
    assert refused(check_question, merge_layout("${a}", 0, {"a": "\x00"}))[0] == XML_ERROR
    assert refused(check_question, merge_layout("${a}", 0, {"a": "x" * 65_535}))[0] == XML_ERROR


def test_every_schema_is_complete_in_itself():
    """None includes or imports another, so that nothing but the schema's own file is ever opened."""
    from importlib import resources

    schemas = resources.files("mturk_gateway.marketplace.documents") / "schemas"
    files = sorted(schemas.iterdir(), key=lambda file: file.name)

    assert len(files) == 6
    for file in files:
        root = xml.read(xml.parse(file.read_bytes()))
        assert {"include", "import", "redefine"}.isdisjoint(child.name for child in root.children)
        assert all(first.name != "annotation" for first, _ in pairwise(root.children))


@pytest.mark.parametrize(
    "pattern",
    ["^(a|a)+$", "a{9999999}", "((((a{999}){999}){999}){999})", f"a{{{'9' * 5000}}}", "(" * 3000 + "a" + ")" * 3000],
)
def test_no_pattern_takes_long_or_fails(pattern):
    patterns = f'<AnswerFormatRegex regex="{pattern}"/>' * (60_000 // (len(pattern) + 40))
    asked = read_question(form(question(text(patterns))))
    begun = time.perf_counter()
    check_answers(asked, [Answer("q", "a" * 5000 + "b")])

    assert time.perf_counter() - begun < SOON


def test_values_that_would_swell_a_layout_are_refused_before_they_do():
    with pytest.raises(DocumentError, match="bytes are allowed"):
        merge_layout("${a}" * 100_000, 0, {"a": "x" * 1_000_000})
