"""What clients can read of the answers: every golden document as each of them takes it apart."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections import Counter
from urllib.parse import unquote_plus

from lxml import etree

from golden import CASES
from mturk_translators.operations import OPERATIONS
from mturk_translators.versions import resolve_version

REPLIES = [case for case in CASES if case.root.tag != "Response" or case.root.find("OperationRequest") is not None]
"""The answers of the service; what is left are those of its front."""

SINGLE = [case for case in REPLIES if len(case.root) <= 2]
"""Without batches, which only one client sends."""

RESULTS = [case for case in SINGLE if len(case.root) == 2]
SUCCESSES = [case for case in RESULTS if case.root.find("*/Request/IsValid").text == "True"]
META = {"Request", "NumResults", "TotalNumResults", "PageNumber"}
PAGED = {name for name, entry in OPERATIONS.items() if entry.pages}


def each(cases):
    """Make a test of a rule, which is about one of these cases: there are too many for a test each."""

    def decorate(rule):
        def run():
            assert cases
            for case in cases:
                try:
                    rule(case)
                except Exception as error:
                    error.add_note(f"in {case.name}")
                    raise

        run.__name__, run.__doc__ = rule.__name__, rule.__doc__
        return run

    return decorate


def of(operation, cases=SUCCESSES):
    return [case for case in cases if case.operation == operation]


def result_of(case):
    return case.root[1]


def values_of(case):
    """All elements of a result but the echo of the request."""
    return [element for child in result_of(case) if child.tag != "Request" for element in child.iter()]


def test_every_operation_has_an_answer_that_is_read_here():
    answered = OPERATIONS.keys()

    assert answered - {case.operation for case in SUCCESSES} == set()


# Errors


@each(REPLIES)
def test_answers_of_the_service_come_with_http_200(case):
    """For rturk, the Perl SDK and goamz anything else is a broken connection, and two PHP clients get no body then."""
    assert case.facts.get("status", 200) == 200


@each([case for case in CASES if case.facts.get("status", 200) == 503])
def test_only_being_unavailable_is_told_by_the_status(case):
    """Then boto tries again, and ruby-aws does by this code right under the root; Perl looks into the body."""
    assert re.search(rb"<\s*Errors\s*>", case.document)
    assert case.root.findtext("Errors/Error/Code") == "ServiceUnavailable"


def errors_as_java_looks_for_them(root):
    """Those of the whole request, then those of each result."""
    found = root.findall("OperationRequest/Errors/Error")
    for result in root[1:]:
        found += result.findall("Request/Errors/Error")
    return found


@each(REPLIES)
def test_errors_stand_in_one_of_the_two_places_where_they_are_looked_for(case):
    found = errors_as_java_looks_for_them(case.root)

    assert found == list(case.root.iter("Error"))
    assert all(re.fullmatch(r"AWS\.(MechanicalTurk\.)?[A-Za-z]+", error.findtext("Code")) for error in found)
    assert all(error.findtext("Message") for error in found)


HANDLED = {
    "AWS.NotAuthorized", "AWS.BadClaimsSupplied", "HITDoesNotExist", "AssignmentDoesNotExist",
    "QualificationTypeDoesNotExist", "QualificationDoesNotExist", "QualificationRequestDoesNotExist",
    "InvalidHITState", "InvalidAssignmentState", "InvalidQualificationTypeState", "QualificationTypeAlreadyExists",
    "XMLParseError", "InvalidParameterValue", "InsufficientFunds", "InvalidTransportEndpoint",
}  # fmt: skip
"""What programs have exceptions or branches for, apart from what only workers or another upstream can bring about."""


def test_programs_meet_the_codes_that_they_handle():
    told = {code.text.removeprefix("AWS.MechanicalTurk.") for case in CASES for code in case.root.iter("Code")}

    assert told >= HANDLED


# Success


def rturk_is_valid(document):
    """The texts of all IsValid together are True."""
    return "".join(etree.fromstring(document).xpath("//Request/IsValid/text()")) == "True"


def mturkr_is_valid(document):
    """The literal text, cut out with two splits."""
    _, found, rest = document.decode().partition("<Request><IsValid>")
    return found != "" and rest.split("</IsValid>")[0].lower() == "true"


def mturk_api_php_is_valid(document):
    """Nothing says that it is not."""
    return all(element.text == "True" for element in etree.fromstring(document).iter("IsValid"))


def boto_is_valid(document):
    return b"<Errors>" not in document


@each(SINGLE)
def test_all_clients_agree_whether_it_worked(case):
    worked = not list(case.root.iter("Error"))

    assert boto_is_valid(case.document) == worked
    assert rturk_is_valid(case.document) == worked
    assert mturkr_is_valid(case.document) == worked
    # One takes a refused key for success: there is no result that could say otherwise.
    assert mturk_api_php_is_valid(case.document) == (worked or len(case.root) == 1)


CUT_BY_MTURKR = (
    "RequestId",
    "HITId",
    "HITTypeId",
    "QualificationTypeId",
    "TotalNumResults",
    "Amount",
    "FormattedPrice",
    "Date",
    "LongValue",
)


@each(REPLIES)
def test_mturkr_cuts_values_out_of_the_text(case):
    """It does not parse: it splits at literal tags, which must be without prefix and attributes."""
    text = case.document.decode()
    # The echo of a request has attributes, as recorded.
    echoed = {element for request in case.root.iter("Request") for element in request.iter() if element.attrib}
    for name in CUT_BY_MTURKR:
        cut = [part.split(f"</{name}>")[0] for part in text.split(f"<{name}>")[1:]]
        assert cut == [element.text for element in case.root.iter(name) if element not in echoed]


# Results and pages


def perl_result(root):
    """The first child that is not OperationRequest."""
    return next(child for child in root if child.tag != "OperationRequest")


def script_result(root):
    """The second of all children by name, as a JavaScript client takes it."""
    return root.find(list(dict.fromkeys(child.tag for child in root))[1])


IRREGULAR = {
    "CreateHIT": "HIT",
    "GetHIT": "HIT",
    "CreateQualificationType": "QualificationType",
    "GetQualificationType": "QualificationType",
    "UpdateQualificationType": "QualificationType",
    "GetQualificationScore": "Qualification",
    "GetRequesterStatistic": "GetStatisticResult",
    "GetRequesterWorkerStatistic": "GetStatisticResult",
    "Help": "Information",
}


@each(RESULTS)
def test_everybody_finds_the_same_result(case):
    result = result_of(case)

    assert perl_result(case.root) is result
    assert script_result(case.root) is result
    operation = case.root.tag.removesuffix("Response")
    assert result.tag == IRREGULAR.get(operation, f"{operation}Result")


@each([case for case in SUCCESSES if case.operation in PAGED and result_of(case).find("NumResults") is not None])
def test_perl_finds_the_list_in_a_page_and_goamz_its_counts(case):
    """What is none of the four others is the list; the counts are unsigned numbers."""
    result = result_of(case)
    lists = {child.tag for child in result} - META
    assert len(lists) <= 1
    assert sorted(child.tag for child in result if child.tag in META) == sorted(META)
    shown, total, number = (result.findtext(name) for name in ("NumResults", "TotalNumResults", "PageNumber"))
    assert all(re.fullmatch("[0-9]+", count) for count in (shown, total, number))
    assert int(shown) == len([child for child in result if child.tag in lists]) <= int(total)


@each(SUCCESSES)
def test_counts_and_durations_are_unsigned_numbers(case):
    for element in values_of(case):
        if re.fullmatch("MaxAssignments|NumberOf.*|.*InSeconds|.*NumResults|PageNumber", element.tag):
            assert re.fullmatch("[0-9]+", element.text)


@each(of("GetReviewableHITs"))
def test_rturk_takes_the_whole_text_of_a_reviewable_hit_as_its_id(case):
    for hit in result_of(case).iter("HIT"):
        assert "".join(hit.itertext()) == hit.findtext("HITId")


# Values


@each(SUCCESSES)
def test_times_are_read_with_one_format_without_a_fraction(case):
    """No other is known to boto's HIT.expired, to Dallinger and to MTurkR."""
    for element in values_of(case):
        if element.text and re.match(r"\d{4}-\d\d-\d\dT", element.text) and element.tag not in ("Answer", "Reason"):
            dt.datetime.strptime(element.text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)


@each(SUCCESSES)
def test_money_is_an_amount_a_currency_and_a_formatted_price(case):
    for element in case.root.iter():
        if element.find("FormattedPrice") is not None:
            assert [child.tag for child in element] == ["Amount", "CurrencyCode", "FormattedPrice"]
            amount = element.findtext("Amount")
            assert re.fullmatch(r"\d+\.\d{2,3}", amount)
            assert element.findtext("CurrencyCode") == "USD"
            assert element.findtext("FormattedPrice") == f"${float(amount):,.2f}"


ANSWERS = [case for case in SUCCESSES if any(element.text for element in case.root.iterfind(".//Assignment/Answer"))]


@each(ANSWERS)
def test_an_answer_is_a_document_of_its_own_with_a_default_namespace(case):
    """A declaration has nothing before it, or it is no declaration; and one PHP client decodes it as part of a URL."""
    for answer in filter(lambda answer: answer.text, case.root.iterfind(".//Assignment/Answer")):
        assert answer.text.startswith("<")
        for text in (answer.text, unquote_plus(answer.text)):
            document = etree.fromstring(text.encode())
            assert document.nsmap[None].endswith("/QuestionFormAnswers.xsd")
            assert document.tag == f"{{{document.nsmap[None]}}}QuestionFormAnswers"


def rturk_external_url(document):
    """It unescapes the whole answer before it parses it, and forgives what is then no XML any more."""
    root = etree.fromstring(html.unescape(document.decode()).encode(), etree.XMLParser(recover=True))
    return [element.text for element in root.xpath("//*[local-name()='Question']/*/*[1]")]


@each([case for case in of("GetHIT") if "<ExternalURL>" in (result_of(case).findtext("Question") or "")])
def test_rturk_reads_the_url_of_an_external_question(case):
    question = etree.fromstring(result_of(case).findtext("Question").encode())

    (url,) = rturk_external_url(case.document)
    assert url.split("?")[0] == question.findtext("{*}ExternalURL").split("?")[0]


ONCE_IN_A_HIT = {"Amount", "FormattedPrice", "HITId", "HITTypeId", "Title", "Question", "Expiration", "CreationTime"}


@each([case for case in SUCCESSES if any(True for _ in case.root.iter("HIT"))])
def test_what_boto_flattens_into_a_hit_is_unambiguous(case):
    """Every leaf becomes an attribute of the HIT, so none that programs read may come twice."""
    for hit in case.root.iter("HIT"):
        leaves = Counter(element.tag for element in hit.iter() if not len(element) and element is not hit)
        assert {name for name in ONCE_IN_A_HIT if leaves[name] > 1} == set()


@each([case for case in SUCCESSES if not OPERATIONS[case.operation].gives and case.operation not in PAGED])
def test_what_gives_nothing_leaves_botos_list_empty(case):
    """Dallinger compares it with an empty list."""
    assert [child.tag for child in result_of(case)] == ["Request"]


DETAILS = {"Keywords", "HITReviewStatus", "CreationTime", "Expiration", "MaxAssignments", "Description"}
COUNTS = {"NumberOfAssignmentsPending", "NumberOfAssignmentsAvailable", "NumberOfAssignmentsCompleted"}


def test_dallinger_and_psiturk_find_what_they_need_in_whole_hits():
    """Dallinger in answers to CreateHIT with all groups and to GetHIT, psiTurk in those to SearchHITs."""
    shown = {
        case.name: {child.tag for child in case.root.find(".//HIT")}
        for case in SUCCESSES
        if case.name in ("CreateHIT/all_groups", "GetHIT/all_groups", "SearchHITs/default_groups")
    }

    assert shown["CreateHIT/all_groups"] >= DETAILS
    assert shown["GetHIT/all_groups"] >= DETAILS
    assert shown["SearchHITs/default_groups"] >= COUNTS


# Versions

SINCE = {
    "HIT/HITGroupId": "2012-03-25",
    "HIT/HITLayoutId": "2012-03-25",
    "LocaleValue/Subdivision": "2014-08-15",
    "NotifyWorkersResult/NotifyWorkersFailureStatus": "2012-03-25",
    "GetStatisticResult/Statistic": "2011-09-01",
    "GetStatisticResult/TimePeriod": "2011-09-01",
    "GetStatisticResult/WorkerId": "2011-09-01",
}
UNTIL = {"HIT/NumberOfSimilarHITs": "2008-08-02"}
SEVERAL_SINCE = {"IntegerValue": "2013-11-15", "LocaleValue": "2013-11-15"}


def path_of(parent, child):
    return f"{parent.tag}/{child.tag}"


@each(SUCCESSES)
def test_no_client_sees_an_element_that_its_version_does_not_have(case):
    version = resolve_version(dict(case.pairs or ()).get("Version"))
    for parent in [result_of(case), *values_of(case)]:
        counted = Counter(child.tag for child in parent)
        for child in parent:
            path = path_of(parent, child)
            assert version >= SINCE.get(path, ""), path
            assert version <= UNTIL.get(path, "9999"), path
            assert counted[child.tag] == 1 or version >= SEVERAL_SINCE.get(child.tag, ""), path


def test_old_versions_are_among_what_is_read():
    """So that the test before this one says something."""
    newer = {path for path in SINCE if any(case.root.find(f".//{path}") is not None for case in SUCCESSES)}
    versions = {dict(case.pairs or ()).get("Version") for case in SUCCESSES}

    assert newer == set(SINCE)
    assert versions >= {"2005-10-01", "2007-06-21", "2008-08-02", "2012-03-25"}
