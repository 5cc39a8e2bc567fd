"""Readers that are not ours, on every golden answer: boto 2's handlers, Python's own parser, and what clients match."""

from __future__ import annotations

import datetime as dt
import re
import warnings
import xml.sax

import pytest

from golden import CASES

META = {"Request", "NumResults", "TotalNumResults", "PageNumber"}
"""What a paged result holds beside its items (legacy-common 13, item 4)."""

PAGED = {"SearchHITs", "GetReviewableHITs", "GetHITsForQualificationType", "GetAssignmentsForHIT"}

ANSWERED = [case for case in CASES if case.facts.get("status", 200) == 200]
"""Those with an envelope of the service itself."""

REACHED = [case for case in ANSWERED if len(case.root) > 1]
"""Those with a result."""

SUCCESSES = [case for case in REACHED if b"<Errors>" not in case.document]
FAILURES = [case for case in CASES if b"<Errors>" in case.document]


def each(cases):
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


def results(case):
    """The result elements, as Perl finds them: what is not OperationRequest."""
    return [child for child in case.root if child.tag != "OperationRequest"]


def content(case):
    """Every element of the results, without those of Request: values, not the echo of parameters."""
    parts = [child for result in results(case) for child in result if child.tag != "Request"]
    return [element for part in parts for element in part.iter()]


@each(CASES)
def test_one_line_without_white_space_or_namespace(case):
    declaration, _, line = case.document.partition(b"\n")
    assert declaration == b'<?xml version="1.0"?>'
    assert line.endswith(b">\n")
    for element in case.root.iter():
        assert "}" not in element.tag
        assert set(element.attrib) <= {"tag"}
        assert element.tail is None
        assert len(element) == 0 or element.text is None


@each(CASES)
def test_an_error_is_there_exactly_when_the_bytes_say_so(case):
    """The literal `<Errors>` in the body is how boto tells a failure, whatever else the body says (13, item 2)."""
    errors = list(case.root.iter("Errors"))
    assert bool(errors) == (b"<Errors>" in case.document)
    for found in errors:
        assert [child.tag for child in found] == ["Error"]
        assert [child.tag for child in found[0]][:2] == ["Code", "Message"]
        assert {child.tag for child in found[0][2:]} <= {"Data"}
        assert all([part.tag for part in data] == ["Key", "Value"] for data in found.iter("Data"))


@each(ANSWERED)
def test_the_envelope(case):
    """A JavaScript client takes the second child as the result, so OperationRequest is the first (13, item 5)."""
    root = case.root
    assert root[0].tag == "OperationRequest"
    assert re.fullmatch("[0-9a-f-]{36}", root[0].findtext("RequestId"))
    assert [child.tag for child in root[0]] in (["RequestId"], ["RequestId", "Errors"])
    assert (len(root) == 1) == (root[0].find("Errors") is not None)


@each(REACHED)
def test_validity(case):
    """Each result has one Request, first and with IsValid first; none is nested anywhere else (13, items 1 and 3)."""
    found = results(case)
    assert len(list(case.root.iter("IsValid"))) == len(found)
    assert case.document.count(b"<Request><IsValid>") == len(found)
    for result in found:
        assert result[0].tag == "Request"
        assert result[0][0].tag == "IsValid"
        assert result[0][0].text == ("False" if result.find("Request/Errors") is not None else "True")
        assert len(list(result.iter("Request"))) == 1
        if result[0][0].text == "False":
            assert len(result) == 1


@each([case for case in SUCCESSES if case.operation in PAGED])
def test_counters_agree_with_the_items(case):
    (result,) = results(case)
    items = [child for child in result if child.tag not in META]
    if len(result) == 1:
        return
    assert [child.tag for child in result][:4] == ["Request", "NumResults", "TotalNumResults", "PageNumber"]
    assert len({item.tag for item in items}) <= 1
    shown, total, number = (int(result.findtext(name)) for name in ("NumResults", "TotalNumResults", "PageNumber"))
    assert shown == len(items) <= total
    assert number >= 1


@each(SUCCESSES)
def test_values_have_the_forms_that_clients_parse(case):
    for element in content(case):
        text = element.text or ""
        if element.tag.endswith("Time") or element.tag == "Expiration":
            dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
        elif element.tag == "Amount":
            assert re.fullmatch(r"\d+\.\d{2,3}", text)
        elif element.tag == "FormattedPrice":
            assert re.fullmatch(r"\$\d{1,3}(,\d{3})*\.\d\d", text)
        elif element.tag in {"RequiredToPreview", "AutoGranted"}:
            assert text in {"0", "1"}


@each(SUCCESSES)
def test_nothing_is_empty_but_an_answer(case):
    """What has no value is left out, but for what a worker wrote, and a review policy found to be agreed on.

    A row of which no group shows anything stays, for the counters' sake.
    """
    empty = {element.tag for element in content(case) if not (element.text or len(element))}
    assert empty <= {"Answer", "Assignment", "Value"}


@each([case for case in SUCCESSES if case.operation == "GetAccountBalance"])
def test_mturkr_cuts_the_balance_out_of_the_text(case):
    """MTurkR parses no XML: it splits on literal tags (13, item 1)."""
    text = case.document.decode()
    assert text.split("<RequestId>")[1].split("</RequestId>")[0]
    if "<AvailableBalance>" in text:
        amount = text.split("<Amount>")[1].split("</Amount>")[0]
        assert text.split("<FormattedPrice>")[1].split("</FormattedPrice>")[0] == f"${float(amount):,.2f}"


MARKERS = {
    "SearchHITs": ("HIT",),
    "GetReviewableHITs": ("HIT",),
    "GetHITsForQualificationType": ("HIT",),
    "GetHIT": ("HIT",),
    "CreateHIT": ("HIT",),
    "GetAssignmentsForHIT": ("Assignment",),
    "GetAssignment": ("Assignment", "HIT"),
    "RegisterHITType": ("HITTypeId",),
    "CreateQualificationType": ("QualificationType",),
    "GetAccountBalance": ("AvailableBalance", "OnHoldBalance"),
}
"""The elements that `MTurkConnection` watches for in the answer of each operation."""


class Boto:
    """What of boto 2 reads answers; also the part of its connection that the handlers ask for."""

    def __init__(self):
        from boto import handler, resultset
        from boto.mturk import connection, price

        self.mturk, self.price = connection, price.Price
        self._result_set, self._handler = resultset.ResultSet, handler.XmlHandler

    def read(self, case):
        """The result set that `MTurkConnection._process_response` makes of an answer."""
        markers = [(name, getattr(self.mturk, name, self.price)) for name in MARKERS.get(case.operation, ())]
        found = self._result_set(markers)
        xml.sax.parseString(case.document, self._handler(found, self))  # noqa: S317  # what boto does
        return found

    def get_utf8_value(self, value):
        return value.encode()


@pytest.fixture(scope="session")
def boto():
    with warnings.catch_warnings():
        # boto 2 is older than most of what Python warns of.
        warnings.simplefilter("ignore")
        pytest.importorskip("boto", reason="boto 2.49 does not run on this Python")
        return Boto()


def echoed(case):
    """Whether the answer repeats the request: boto takes an echoed HITTypeId or Reward for part of the result."""
    return f"<{case.operation}Request>".encode() in case.document


@each([case for case in SUCCESSES if not echoed(case) and b"<Answer></Answer>" not in case.document])
def test_boto_reads_what_stands_there(boto, case):
    """Every leaf of an item is an attribute of boto's object, however deep (13, items 6 and 7)."""
    found = boto.read(case)
    if len(results(case)) == 1:
        assert found.status is True
    watched = MARKERS.get(case.operation, ())
    elements = [element for element in case.root.iter() if element.tag in watched]
    for read, element in zip(found, elements, strict=True):
        leaves = {leaf.tag: leaf.text or "" for leaf in element.iter() if not len(leaf) and leaf.tag != "Answer"}
        if isinstance(read, boto.price):
            assert read.amount == float(leaves["Amount"])
            assert read.formatted_price == leaves["FormattedPrice"]
        else:
            assert {name: getattr(read, name, None) for name in leaves} == leaves
        if "Expiration" in leaves:
            assert read.expired is True
    if case.operation in PAGED and results(case)[0].find("NumResults") is not None:
        assert int(found.NumResults) == len(found)


@each([case for case in SUCCESSES if b"QuestionFormAnswers" in case.document])
def test_boto_reads_the_answers_inside_of_assignments(boto, case):
    for assignment in boto.read(case):
        if isinstance(assignment, boto.mturk.Assignment):
            ((answer,),) = assignment.answers
            assert answer.qid == "q1"
            assert answer.fields


@each([case for case in CASES if b"<Answer></Answer>" in case.document])
def test_boto_never_could_read_an_empty_answer(boto, case):
    with pytest.raises(xml.sax.SAXParseException):
        boto.read(case)


@each(FAILURES)
def test_boto_raises_the_error_of_the_document(boto, case):
    error = boto.mturk.MTurkRequestError(case.facts.get("status", 200), "OK", case.document)
    (first, *_) = case.root.iter("Error")
    assert (error.error_code, error.error_message) == (first.findtext("Code"), first.findtext("Message"))
