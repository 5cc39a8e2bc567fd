"""Legacy requests: parameters of all operations with plausible and other values, in all manners of writing them."""

from __future__ import annotations

from urllib.parse import quote, quote_from_bytes, quote_plus

from fuzzing import markup, values
from mturk_translators.operation import When
from mturk_translators.operations import OPERATIONS

NAMES = tuple(sorted(OPERATIONS))
_STATISTICS = (
    "NumberAssignmentsApproved NumberAssignmentsRejected NumberAssignmentsPending PercentAssignmentsApproved "
    "TotalRewardPayout AverageRewardAmount NumberHITsCreated NumberHITsCompleted NumberHITsAssignable "
    "EstimatedRewardLiability"
).split()
_EVENTS = (
    "AssignmentAccepted AssignmentAbandoned AssignmentReturned AssignmentSubmitted HITReviewable HITExpired Ping "
    "AssignmentApproved HITCreated HITDisposed HITExtended AssignmentRejected"
).split()
_BY_NAME = {
    **{f"{kind}Id": (lambda chance, kind=kind: values.identifier(chance, kind)) for kind in (
        "HIT", "HITType", "Assignment", "QualificationType", "QualificationRequest"
    )},
    "HITLayoutId": lambda chance: values.identifier(chance, "Layout"),
    "WorkerId": values.one_of(*values.WORKERS),
    "SubjectId": values.one_of(*values.WORKERS),
    "Amount": values.amount,
    "CurrencyCode": values.one_of("USD", "USD", "USD", "EUR", "usd"),
    **{
        name: lambda chance, good=good: markup.document(chance, good) for name, good in markup.BY_NAME.items()
    },
    "Comparator": values.one_of(
        *"LessThan LessThanOrEqualTo GreaterThan GreaterThanOrEqualTo EqualTo NotEqualTo Exists".split(),
        *"DoesNotExist In NotIn".split(),
    ),
    "Country": values.one_of("US", "CA", "us", "XX", "USA"),
    "Subdivision": values.one_of("NY", "CA", "n", ""),
    "Destination": values.one_of(
        "mailto:a@example.com", "a@example.com", "http://127.0.0.1:9/x", "https://sqs.us-east-1.amazonaws.com/1/q", "x"
    ),
    "Transport": values.one_of("Email", "REST", "SOAP", "SQS", "Carrier"),
    "EventType": values.one_of(*_EVENTS),
    "TestEventType": values.one_of(*_EVENTS),
    "Version": values.one_of("2006-05-05", "2014-08-15", "2007-06-21", "1999-01-01"),
    "PolicyName": values.one_of("SimplePlurality/2011-09-01", "ScoreMyKnownAnswers/2011-09-01", "NoSuch/2011-09-01"),
    "PolicyLevel": values.one_of("Assignment", "HIT", "Assignment,HIT"),
    "Key": values.one_of(
        *"AnswerKey ApproveIfKnownAnswerScoreIsAtLeast ApproveReason RejectIfKnownAnswerScoreIsLessThan".split(),
        *"ExtendIfKnownAnswerScoreIsLessThan ExtendMaximumAssignments QuestionIds QuestionAgreementThreshold".split(),
        *"DisregardAssignmentIfRejected ExtendIfHITAgreementScoreIsLessThan q1".split(),
        "ApproveIfWorkerAgreementScoreIsAtLeast",
    ),
    "Statistic": values.one_of(*_STATISTICS),
    "TimePeriod": values.one_of("OneDay", "SevenDays", "ThirtyDays", "LifeToDate"),
    "SortProperty": values.one_of(
        *"Title Reward Expiration CreationTime Enumeration AcceptTime SubmitTime AssignmentStatus Answer Name".split()
    ),
    "SortDirection": values.one_of("Ascending", "Descending", "Up"),
    "Status": values.one_of("Reviewable", "Reviewing", "Granted", "Revoked", "Reviewable,Reviewing"),
    "AssignmentStatus": values.one_of("Submitted", "Approved", "Rejected", "Approved,Rejected"),
    "QualificationTypeStatus": values.one_of("Active", "Inactive"),
    "HelpType": values.one_of("Operation", "ResponseGroup"),
    "About": values.one_of(*NAMES, "Minimal", "HITDetail"),
    "QuestionIdentifier": values.one_of("q1", "file"),
    "UniqueRequestToken": values.one_of("t1", "t2", "t3", "t" * 64, "t" * 65),
}  # fmt: skip
_FLAGS = frozenset(
    "RequiredToPreview AutoGranted MustBeRequestable MustBeOwnedByCaller Active Revert SendNotification "
    "RetrieveActions RetrieveResults".split()
)
_GROUPS = "Minimal Request HITDetail HITQuestion HITAssignmentSummary AssignmentFeedback Nothing".split()
_VERSIONS = "2005-10-01 2006-06-20 2007-06-21 2008-08-02 2011-09-01 2012-03-25 2013-11-15 2014-08-15 2099-01-01".split()


def _parameters(entry):
    taken = [
        field
        for taken in entry.takes
        for field in ((*taken.then, *taken.otherwise) if isinstance(taken, When) else (taken,))
    ]
    return tuple(dict.fromkeys(pair for field in (*taken, *entry.paging) for pair in field.parameters()))


_TAKEN = {name: _parameters(entry) for name, entry in OPERATIONS.items()}
_EVERY = sorted({name for parameters in _TAKEN.values() for name, _ in parameters})


def pairs(chance, operation=None):
    """The parameters of a request for an operation, without the proof of who asks."""
    operation = operation or chance.choice(NAMES)
    chance.careful = chance.random() < 0.6
    prefix = ""
    made = [("Operation", operation)]
    blocks = chance.choice((2, 3, 100, 101)) if chance.random() < 0.02 else 1
    for block in range(blocks):
        prefix = f"{operation}.{block + 1}." if blocks > 1 else ""
        made += [(prefix + name, value) for name, value in _block(chance, operation)]
    made += _plumbing(chance)
    if chance.random() < (0.03 if chance.careful else 0.4):
        made = _disturbed(chance, made)
    return made


_WHOLES = ("Notification", "QualificationRequirement", "HITLayout", "AssignmentReviewPolicy", "HITReviewPolicy")
"""Structures that come as a whole or not at all."""


def _block(chance, operation):
    optional = chance.choice((0.0, 0.1, 0.2) if chance.careful else (0.1, 0.3, 0.6))
    made = []
    whole = "Notification" if chance.random() < 0.7 else chance.choice(_WHOLES)
    for name, required in _TAKEN[operation]:
        if chance.careful and name.startswith(_WHOLES) and not name.startswith(whole):
            continue
        needed = required or (chance.careful and name.startswith(("Question", "Reward", "BonusAmount", whole)))
        if chance.random() < (0.97 + 0.03 * chance.careful if needed else optional):
            number = chance.choice((1, 1, 1, 2, 3)) if ".n" in name else 1
            made += [(_written(chance, name, place + 1), _value(chance, name)) for place in range(number)]
    return made


def _written(chance, name, index):
    """A name as one client or another writes it."""
    parts = [str(index if part == "n" else part) for part in name.split(".")]
    if chance.random() < 0.1 and not chance.careful:
        parts.insert(1, str(chance.choice((0, 1, 1, 7, 999_999_999, 1_000_000_000))))
    if chance.random() < 0.05 and not chance.careful:
        parts = [part for part in parts if not part.isdigit()]
    return ".".join(parts)


def _value(chance, name):
    drawn = chance.random()
    if drawn < 0.06 and not chance.careful:
        return values.hostile(chance)
    leaf = next(part for part in reversed(name.split(".")) if part != "n")
    if leaf in _FLAGS:
        return values.boolean(chance)
    known = _BY_NAME.get(leaf)
    if known:
        return known(chance)
    if leaf.endswith(("Seconds", "Value", "Assignments", "Increment", "Page", "Count", "PageSize", "PageNumber")):
        return values.small(chance) if drawn < 0.7 else values.number(chance)
    return values.words(chance)


def _plumbing(chance):
    made = []
    if chance.random() < 0.7:
        made.append(("Version", chance.choice(_VERSIONS) if chance.random() < 0.9 else values.hostile(chance)))
    if chance.random() < 0.4:
        groups = chance.sample(_GROUPS, chance.randrange(1, 4))
        match chance.randrange(4):
            case 0:
                made += [(f"ResponseGroup.{place}", group) for place, group in enumerate(groups)]
            case 1:
                made += [(f"ResponseGroup{place}", group) for place, group in enumerate(groups)]
            case 2:
                made.append(("ResponseGroup", ",".join(groups)))
            case _:
                made += [("ResponseGroup", group) for group in groups]
    if chance.random() < 0.05:
        made.append(("Validate", values.boolean(chance)))
    if chance.random() < 0.05:
        made.append(("SignatureVersion", chance.choice(("0", "1", "2", ""))))
    return made


def _disturbed(chance, made):
    """The parameters with something done to them that no client does."""
    place = chance.randrange(len(made))
    name, value = made[place]
    match chance.randrange(8):
        case 0:
            return made + made[place : place + 1]
        case 1:
            return [*made, (name, values.hostile(chance))]
        case 2:
            return made[:place] + made[place + 1 :]
        case 3:
            return [
                *made,
                (f"{name}.{'.'.join(chance.choices(('1', 'x', '', '0'), k=chance.choice((1, 3, 12, 200))))}", value),
            ]
        case 4:
            return [*made, (chance.choice(_EVERY).replace(".n", ".1"), values.hostile(chance))]
        case 5:
            return [*made, *((f"{name}.{number}", value[:20]) for number in range(chance.choice((5, 50, 300))))]
        case 6:
            return [*made, (values.hostile(chance), value[:100])]
        case _:
            chance.shuffle(made)
            return made


def encoded(chance, given):
    """The parameters as the bytes of a query string, once in a while broken."""
    manner = chance.choice((quote, quote_plus, quote_plus, _everything))
    data = "&".join(f"{manner(name)}={manner(value)}" for name, value in given).encode()
    if chance.random() < 0.06 and not chance.careful:
        place = chance.randrange(len(data) + 1)
        piece = chance.choice((b"%", b"%zz", b"%ff", b"%c3%28", b"%ed%a0%80", b"&", b"=", b"\xff", b"\0", b"+", b"%00"))
        data = data[:place] + piece + data[place + chance.randrange(2) :]
    return data


def _everything(text):
    return quote_from_bytes(text.encode(errors="surrogatepass"), safe="").replace(".", "%2E")


def query(chance):
    """A request without the proof of who asks, as bytes."""
    return encoded(chance, pairs(chance))
