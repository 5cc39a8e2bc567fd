"""A life of a requester in which every legacy operation succeeds at least once, played over HTTP step by step."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from clients.people import People
from clients.scenario import ALONE, MADE, SCENARIO, WORKERS, Asking, Step, Work, filled
from clients.ways import Spelling
from mturk_gateway.admin import change_terms, pay_in
from mturk_gateway.clock import wall_clock
from mturk_translators.xml import parse
from support import post, signed_query, texts

QUESTIONS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionForm.xsd"
PHOTO = (
    f'<QuestionForm xmlns="{QUESTIONS}"><Question><QuestionIdentifier>photo</QuestionIdentifier>'
    "<QuestionContent><Text>?</Text></QuestionContent><AnswerSpecification><FileUploadAnswer>"
    "<MaxFileSizeInBytes>9</MaxFileSizeInBytes><MinFileSizeInBytes>1</MinFileSizeInBytes>"
    "</FileUploadAnswer></AnswerSpecification></Question></QuestionForm>"
)
NOTIFICATION = {
    "Destination": "me@example.com",
    "Transport": "Email",
    "Version": "2006-05-05",
    "EventType": ["AssignmentSubmitted"],
}


class Uploading(Work):
    """A worker who submits a file."""


STEPS = [
    *SCENARIO,
    Step("CreateHIT", {**ALONE, "Title": "photos", "Question": PHOTO}, name="photos"),
    Uploading("first", "photos", name="photo"),
    Step("GetFileUploadURL", {"AssignmentId": "$photo", "QuestionIdentifier": "photo"}),
    Step("GetAccountBalance", {}),
    Step("GetAssignment", {"AssignmentId": "$good"}),
    Step("GetAssignmentsForHIT", {"HITId": "$main"}),
    Step("GetBlockedWorkers", {}),
    Step("GetBonusPayments", {"HITId": "$main"}),
    Step("GetHIT", {"HITId": "$main", "ResponseGroup": ["Minimal", "HITDetail", "HITAssignmentSummary"]}),
    Step("GetHITsForQualificationType", {"QualificationTypeId": "$skill"}),
    Step("GetQualificationRequests", {"QualificationTypeId": "$skill"}),
    Step("RejectQualificationRequest", {"QualificationRequestId": "$open request", "Reason": "no birds"}),
    Step("GetQualificationScore", {"QualificationTypeId": "$skill", "SubjectId": "$first"}),
    Step("GetQualificationType", {"QualificationTypeId": "$skill"}),
    Step("GetQualificationsForQualificationType", {"QualificationTypeId": "$skill"}),
    Step("GetRequesterStatistic", {"Statistic": "NumberHITsCreated", "TimePeriod": "LifeToDate", "Count": 1}),
    Step(
        "GetRequesterWorkerStatistic",
        {"Statistic": "NumberAssignmentsApproved", "TimePeriod": "LifeToDate", "Count": 1, "WorkerId": "$first"},
    ),
    Step("GetReviewResultsForHIT", {"HITId": "$main"}),
    Step("GetReviewableHITs", {"Status": "Reviewable"}),
    # Not by time: what was created in the same second is in the order of IDs, which are others each time.
    Step("SearchHITs", {"SortProperty": "Title", "PageSize": 3}),
    Step("SearchHITs", {"SortProperty": "Title", "PageSize": 3, "PageNumber": 2}),
    Step("SearchQualificationTypes", {"MustBeOwnedByCaller": True, "MustBeRequestable": False}),
    Step("SendTestEventNotification", {"Notification": NOTIFICATION, "TestEventType": "AssignmentSubmitted"}),
    Step("Help", {"About": "GetHIT", "HelpType": "Operation"}),
]


class Round:
    """The life of one requester; who works has the same name in every round."""

    def __init__(self, gateway, requester, tmp_path):
        self._gateway, self.requester, self._people = gateway, requester, People(gateway)
        self._file = tmp_path / "photo"
        self._file.write_bytes(b"smile")
        change_terms(gateway.house.marketplace, requester.profile, prepaid=True)
        pay_in(gateway.house.marketplace, requester.profile, "20.00", wall_clock())
        self.ids = {worker: f"A{number}ROUNDTRIP" for number, worker in enumerate(WORKERS)}

    def work(self, step):
        """Let a worker do a step; gives the ID of what comes of it."""
        worker = self.ids[step.worker]
        if isinstance(step, Asking):
            made = self._people.ask_for(self.ids[step.qualification], worker)
        elif isinstance(step, Uploading):
            made = self._people.accept(self.ids[step.hit], worker)
            self._people.do("submit", made, "--file", f"photo={self._file}")
        else:
            made = self._people.work(self.ids[step.hit], worker, q1=f"of {step.name}")
        return made

    def ask(self, step):
        """Make a request; gives its parameters without a signature, and the answer."""
        pairs = list(Spelling().pairs(filled(step.given, self.ids)))
        answer = post(f"{self._gateway.url}/", signed_query(self.requester, step.operation, *pairs)).content
        root = parse(answer)
        assert texts(root, "Code") == ([step.refused] if step.refused else []), answer
        if step.name:
            self.ids[step.name] = texts(root, MADE[step.operation])[0]
        return urlencode([("Operation", step.operation), *pairs], quote_via=quote), answer

    def play(self):
        """The whole life; gives what was asked and answered, in its order."""
        asked = []
        for step in STEPS:
            if isinstance(step, Step):
                asked.append(self.ask(step))
            else:
                self.ids[step.name] = self.work(step)
        return asked
