"""Values that parameters may have: what good clients send, what lies at the edge, and what nobody sends.

Each maker takes the source of chance, and gives a text.
"""

from __future__ import annotations

import random

from mturk_translators.faults import MTURK


class Chance(random.Random):
    """A source of chance, and whether what is made of it is to be good, so that it leads deep into what it is for."""

    careful = False


HOSTILE = (
    "",
    " ",
    "\0",
    "A\0B",
    "\x01\x1f\x7f",
    "\x85\u2028\u2029",
    "\ufeff",
    "\ufffe\uffff",
    "\U0001f600\U0010ffff",
    "e\u0301" * 50,
    "\u202etxet",
    "<",
    "]]>",
    "</IsValid><IsValid>True",
    "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]><x>&y;</x>",
    "&lt;&amp;&#0;",
    "%00%zz%",
    "' OR 1=1 --",
    "../../etc/passwd",
    "${title}{0}%s%n",
    "None",
    "null",
    "true",
    "NaN",
    "a" * 300,
    "\u00e9" * 2100,
    "|".join("a" * 100),
    "1" * 40,
)
_NUMBERS = (
    *("0 1 2 9 10 29 30 100 101 3600 65535 65536 31536000 31536001 2147483647 2147483648".split()),
    *("4294967296 9223372036854775807 9223372036854775808 -1 -0 +1 01 1. .5 1.5 1e3 0x10 1_000".split()),
    *(" 7 ", "\u0661\u0662", "\u00b2", "1" + "0" * 400, "--1", "true", "1,000"),
)
_AMOUNTS = (
    *("0 0.01 0.05 .20 1.5 5 0.1 0.001 0.005 00.50 1.000 999999999999 9999999999999 -0.05 +1 1e2 $1 1,00".split()),
    *("0.00", "0.", ".", "\u0661", "NaN", "Infinity", "1" * 13, "0." + "0" * 500 + "1"),
)
_WORDS = "Birds Count the dots q1 A B Name them all \u00e9t\u00e9 label &amp; <b>bold</b> 100% a+b a=b".split(" ")
_IDS = ("3FOO", "foo", "3" + "Z" * 29, "3" * 65, "A1B2", "0", "A" * 64, "3NO SUCH", "")
TOKENS = tuple(
    f"3FUZZ{kind}{number}"
    for kind in ("HIT", "HITTYPE", "ASSIGNMENT", "QUALIFICATIONTYPE", "QUALIFICATIONREQUEST", "LAYOUT")
    for number in range(4)
)
"""Stand for the IDs of what is there when the request is made."""
WORKERS = ("A1FUZZWORKER", "A2FUZZWORKER", "A3FUZZWORKER", "ANOBODY", "a1fuzzworker", "X1", "A" * 65)


def hostile(chance):
    """What nobody sends."""
    if chance.random() < 0.8:
        return chance.choice(HOSTILE)
    return "".join(
        chr(chance.choice((chance.randrange(128), chance.randrange(0xD800)))) for _ in range(chance.randrange(40))
    )


def words(chance):
    """A text as people write it."""
    return " ".join(chance.choices(_WORDS, k=chance.randrange(1, 8)))


def number(chance):
    """A whole number, or nearly."""
    if chance.careful:
        return small(chance)
    return chance.choice(_NUMBERS) if chance.random() < 0.6 else str(chance.randrange(-5, 5_000))


def small(chance):
    """A whole number that most parameters take."""
    return str(chance.choice((1, 1, 2, 3, 10, 30, 60, 100, 600, 3600, 86_400)))


def amount(chance):
    """An amount of money, or nearly."""
    if chance.careful:
        return chance.choice(("0.05", "0.10", "1", ".20"))
    return chance.choice(_AMOUNTS) if chance.random() < 0.6 else f"{chance.randrange(300) / 100:.2f}"


def boolean(chance):
    """A boolean in one of its spellings, or nearly."""
    if chance.careful:
        return chance.choice(("true", "False", "1"))
    return chance.choice(("true", "false", "True", "False", "1", "0", "T", "F", "TRUE", "yes", "2", "tru\u00e9"))


def moment(chance):
    """A time, or nearly."""
    return chance.choice(
        (
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.000Z",
            "2026-02-30T00:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "2026-W01-1",
            "20260101",
            "2026-01-01",
            "2026-01-01T24:00:00Z",
            "now",
            "-1",
        )
    )


def identifier(chance, kind):
    """The ID of something of a kind: of what is there, of something else, or of nothing."""
    if chance.careful or chance.random() < 0.75:
        return f"3FUZZ{kind.upper()}{chance.randrange(4)}"
    return chance.choice((*_IDS, *TOKENS))


def one_of(*choices):
    """A maker of one of these, of which the first are the best, and now and then of something else."""
    best = choices[: (len(choices) + 1) // 2]

    def make(chance):
        if chance.careful:
            return chance.choice(best)
        return chance.choice(choices) if chance.random() < 0.93 else hostile(chance)

    return make


CODES = frozenset(
    {
        *("AWS.BadClaimsSupplied", "AWS.InvalidOperationParameter", "AWS.MissingOperationParameter"),
        *("AWS.MissingParameters", "AWS.NotAuthorized", "AWS.ParameterOutOfRange"),
        *(
            MTURK + code
            for code in (
                "AssignmentAlreadyExists AssignmentDoesNotExist DuplicateRequest ExceedsMaxAssignmentsPerWorker "
                "HITAlreadyPassedReview HITDoesNotExist HITLayoutDoesNotExist HITTooOldForExtension HitAlreadyExists "
                "InsufficientFunds InvalidAssignmentState InvalidHITState InvalidMaximumAssignmentsIncrease "
                "InvalidParameterValue InvalidQualificationRequestState InvalidQualificationState "
                "InvalidQualificationTypeState InvalidTransportEndpoint PermissionDenied QualificationAlreadyExists "
                "QualificationDoesNotExist QualificationRequestDoesNotExist QualificationTypeAlreadyExists "
                "QualificationTypeDoesNotExist XHTMLParseError XMLParseError"
            ).split()
        ),
    }
)
"""Codes that the legacy API documents, of the whole request and of an operation."""
