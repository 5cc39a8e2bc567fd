"""What the demonstration requester has: six weeks of mixed work, all kinds of question, every status of a HIT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"

EXTERNAL = f"""<ExternalQuestion xmlns="{_SCHEMAS}/2006-07-14/ExternalQuestion.xsd">
  <ExternalURL>https://survey.example.org/start?wave={{number}}&amp;lang=en</ExternalURL>
  <FrameHeight>600</FrameHeight>
</ExternalQuestion>"""

HTML = f"""<HTMLQuestion xmlns="{_SCHEMAS}/2011-11-11/HTMLQuestion.xsd">
  <HTMLContent><![CDATA[<!DOCTYPE html>
<html><body>
<form name="mturk_form" method="post" action="https://www.mturk.com/mturk/externalSubmit">
<input type="hidden" name="assignmentId" value="">
<p>Is there a bicycle in image {{number}}?</p>
<label><input type="radio" name="bicycle" value="yes"> yes</label>
<label><input type="radio" name="bicycle" value="no"> no</label>
<input type="submit">
</form>
</body></html>]]></HTMLContent>
  <FrameHeight>450</FrameHeight>
</HTMLQuestion>"""

FORM = f"""<?xml version="1.0" encoding="UTF-8"?>
<QuestionForm xmlns="{_SCHEMAS}/2005-10-01/QuestionForm.xsd">
  <Overview><Title>Receipt {{number}}</Title></Overview>
  <Question>
    <QuestionIdentifier>total</QuestionIdentifier>
    <IsRequired>true</IsRequired>
    <QuestionContent><Text>What is the total on the receipt, in €?</Text></QuestionContent>
    <AnswerSpecification><FreeTextAnswer/></AnswerSpecification>
  </Question>
</QuestionForm>"""

NEWER_FORM = FORM.replace("2005-10-01", "2017-11-06").replace("Receipt", "Beleg")

OWN_TYPE: Mapping[str, Any] = {
    "Name": "Careful transcriber",
    "Description": "Has transcribed a page of handwriting with fewer than five mistakes.",
    "Keywords": "transcription, handwriting",
    "QualificationTypeStatus": "Active",
}
"""The requester's own qualification type."""

OWN_TYPE_ID = "own"
"""Stands in a requirement for the id of `OWN_TYPE`, which is known only once it exists."""

_MINUTE = 60
_HOUR = 3600
_DAY = 86_400

HIT_TYPES: Mapping[str, Mapping[str, Any]] = {
    "survey": {
        "Title": "Take a ten-minute survey about commuting",
        "Description": "A survey by a university. No personal data is collected.",
        "Keywords": "survey, research, commuting",
        "Reward": "1.50",
        "AssignmentDurationInSeconds": _HOUR,
        "QualificationRequirements": [
            {
                "QualificationTypeId": "000000000000000000L0",
                "Comparator": "GreaterThanOrEqualTo",
                "IntegerValues": [95],
                "ActionsGuarded": "DiscoverPreviewAndAccept",
            },
            {
                "QualificationTypeId": "00000000000000000071",
                "Comparator": "In",
                "LocaleValues": [{"Country": "US", "Subdivision": "PA"}, {"Country": "CA"}],
                "ActionsGuarded": "PreviewAndAccept",
            },
        ],
    },
    "images": {
        "Title": "Is there a bicycle in this image?",
        "Description": "Look at one image and answer one question.",
        "Keywords": "image, labeling, quick",
        "Reward": "0.05",
        "AssignmentDurationInSeconds": 10 * _MINUTE,
        "AutoApprovalDelayInSeconds": 3 * _DAY,
    },
    "receipts": {
        "Title": "Type the total of a receipt",
        "Description": "Read a photograph of a receipt & type its total.",
        "Reward": "0.12",
        "AssignmentDurationInSeconds": 20 * _MINUTE,
        "QualificationRequirements": [
            {"QualificationTypeId": "00000000000000000040", "Comparator": "GreaterThan", "IntegerValues": [100]},
        ],
    },
    "translation": {
        "Title": "Übersetze drei Sätze ins Deutsche, möglichst wörtlich",
        "Description": "Drei kurze Sätze aus Zeitungen, dazu ein Feld für Anmerkungen.",
        "Keywords": "Übersetzung, Deutsch, français",
        "Reward": "0.80",
        "AssignmentDurationInSeconds": 2 * _HOUR,
        "QualificationRequirements": [
            {
                "QualificationTypeId": "00000000000000000071",
                "Comparator": "EqualTo",
                "LocaleValues": [{"Country": "DE"}],
            },
        ],
    },
    "photographs": {
        "Title": "写真に写っているものを答えてください 📷",
        "Description": "一枚の写真を見て、写っているものをすべて書いてください。",
        "Reward": "0.30",
        "AssignmentDurationInSeconds": 30 * _DAY,
    },
    "transcription": {
        "Title": "Transcribe a page of handwriting",
        "Description": "One page of a letter from 1911; every word counts.",
        "Keywords": "transcription, handwriting, history",
        "Reward": "4.00",
        "AssignmentDurationInSeconds": 6 * _HOUR,
        "QualificationRequirements": [
            {"QualificationTypeId": OWN_TYPE_ID, "Comparator": "Exists"},
            {"QualificationTypeId": "00000000000000000060", "Comparator": "EqualTo", "IntegerValues": [1]},
            {"QualificationTypeId": "000000000000000000S0", "Comparator": "NotIn", "IntegerValues": [0, 1, 2]},
        ],
    },
    "unpaid": {
        "Title": "Test HIT, please ignore",
        "Description": "Used while developing.",
        "Keywords": "",
        "Reward": "0.00",
        "AssignmentDurationInSeconds": _HOUR,
    },
}


@dataclass(frozen=True)
class Work:
    """What one worker does with each HIT of a batch."""

    worker: str
    answers: Sequence[tuple[str, str]] = ()
    decision: str | None = None
    """ApproveAssignment or RejectAssignment; none leaves the submission undecided."""
    feedback: str = ""
    submitted: bool = True


@dataclass(frozen=True)
class Batch:
    """HITs that were created together, `days` ago."""

    hit_type: str
    number: int
    question: str
    days: int
    lifetime: int
    """Days from creation to expiration."""
    assignments: int = 1
    annotation: str | None = None
    work: Sequence[Work] = ()
    reviewing: bool = False


_ADA, _BO, _CY = "A1DEMOWORKERADA", "A2DEMOWORKERBO", "A3DEMOWORKERCY"
_APPROVE, _REJECT = "ApproveAssignment", "RejectAssignment"

BATCHES: Sequence[Batch] = (
    Batch("survey", 4, EXTERNAL, days=2, lifetime=30, assignments=100, annotation="wave {number}"),
    Batch(
        "survey",
        3,
        EXTERNAL,
        days=41,
        lifetime=7,
        assignments=3,
        annotation="wave {number}, pilot",
        work=(
            Work(_ADA, [("minutes", "35"), ("mode", "bus|on foot")], _APPROVE, "Thank you!"),
            Work(_BO, [("minutes", "0")], _REJECT, "The attention check was not answered."),
        ),
    ),
    Batch(
        "images",
        8,
        HTML,
        days=5,
        lifetime=3,
        assignments=2,
        annotation="BatchId:1001;OriginalHitTemplateId:920937336;",
        work=(Work(_ADA, [("bicycle", "yes")]), Work(_CY, [("bicycle", "no")])),
    ),
    Batch("images", 6, HTML, days=1, lifetime=14, annotation="BatchId:1002;OriginalHitTemplateId:920937336;"),
    Batch(
        "images",
        3,
        HTML,
        days=2,
        lifetime=14,
        work=(Work(_BO, [("bicycle", "no")]),),
        reviewing=True,
    ),
    Batch("receipts", 5, FORM, days=20, lifetime=365, annotation="scan-{number}.jpg"),
    Batch(
        "receipts",
        4,
        NEWER_FORM,
        days=12,
        lifetime=365,
        annotation="Beleg {number}, 2. Prüfung",
        work=(Work(_CY, [("total", "12,90 €")], _REJECT, "Bitte mit Punkt: 12.90"),),
    ),
    Batch("translation", 3, FORM, days=28, lifetime=10),
    Batch(
        "translation",
        2,
        EXTERNAL,
        days=9,
        lifetime=60,
        assignments=2,
        work=(Work(_ADA, [("satz1", "Der Zug fährt um fünf."), ("anmerkung", "Zeile 1\r\nZeile 2 <>&")]),),
    ),
    Batch("photographs", 4, HTML, days=3, lifetime=90, work=(Work(_BO, submitted=False),)),
    Batch(
        "transcription",
        3,
        NEWER_FORM,
        days=15,
        lifetime=5,
        work=(Work(_ADA, [("total", "Dear Mother, …")], _APPROVE),),
        reviewing=True,
    ),
    Batch("unpaid", 3, HTML, days=35, lifetime=1, annotation=""),
)
"""48 HITs."""
