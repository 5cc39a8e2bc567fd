"""Ways to ask for an operation, given by the names of the legacy API: those of old programs, and boto3's.

A way is made for a gateway and a requester, and `play` gives the ID of what was made, if anything was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from botocore.exceptions import ClientError
from click.testing import CliRunner

from clients import wire
from clients.boto2 import MTurkRequestError, Price, connect, qualification, question
from clients.scenario import MADE, QUESTION
from mturk_gateway.__main__ import main
from mturk_translators.xml import parse
from support import get, modern_client, texts


class RefusedError(Exception):
    """An operation was refused; the text is the code."""


# Requests of the legacy API


@dataclass(frozen=True)
class Spelling:
    """How a client writes structures, lists and truth.

    `structure` stands behind the name of a structure; lists begin at `base`; `single` says that a list of one value is
    written like the value itself.
    """

    structure: str = ".1"
    base: int = 1
    single: bool = False
    true: str = "true"
    false: str = "false"

    def pairs(self, given, path=""):
        """Parameters as flat pairs."""
        for name, value in given.items():
            yield from self._value(path + name, value)

    def _value(self, name, value):
        if isinstance(value, dict):
            yield from self.pairs(value, f"{name}{self.structure}.")
        elif isinstance(value, list) and isinstance(value[0], dict):
            for number, item in enumerate(value, 1):
                yield from self.pairs(item, f"{name}.{number}.")
        elif isinstance(value, list):
            for number, item in enumerate(value, self.base):
                yield (name if self.single and len(value) == 1 else f"{name}.{number}"), str(item)
        else:
            yield name, {True: self.true, False: self.false}[value] if isinstance(value, bool) else str(value)


def _made_by(root, operation):
    for code in texts(root, "Code"):
        raise RefusedError(code)
    assert texts(root, "IsValid") == ["True"]
    return next(root.iter(MADE[operation])).text if operation in MADE else ""


class SignedUrls:
    """URLs that `mturk-gateway sign` has signed, as anybody can paste them."""

    def __init__(self, gateway, requester):
        self._words = ["--profile", requester.profile, "--data", str(gateway.settings.data), "--endpoint", gateway.url]

    def play(self, operation, given):
        query = wire.encoded([("Operation", operation), *Spelling().pairs(given)])
        signed = CliRunner().invoke(main, ["sign", query, *self._words], catch_exceptions=False)
        return _made_by(parse(get(signed.output.strip()).content), operation)


def written(client, spelling):
    """The way of a client program, with requests in its own form and spelling."""

    class Written:
        def __init__(self, gateway, requester):
            self._url, self._requester = gateway.url, requester

        def play(self, operation, given):
            request = client(self._requester, operation, *spelling.pairs(given))
            return _made_by(wire.Exchange(self._url, request).root, operation)

    return Written


# boto 2

_ARGUMENTS = {
    "AssignQualification": ("assign_qualification", "QualificationTypeId WorkerId IntegerValue SendNotification"),
    "UpdateQualificationType": ("update_qualification_type", "QualificationTypeId Description"),
    "DisposeQualificationType": ("dispose_qualification_type", "QualificationTypeId"),
    "UpdateQualificationScore": ("update_qualification_score", "QualificationTypeId SubjectId IntegerValue"),
    "GrantQualification": ("grant_qualification", "QualificationRequestId IntegerValue"),
    "RevokeQualification": ("revoke_qualification", "SubjectId QualificationTypeId Reason"),
    "GetHIT": ("get_hit", "HITId"),
    "ApproveAssignment": ("approve_assignment", "AssignmentId RequesterFeedback"),
    "RejectAssignment": ("reject_assignment", "AssignmentId RequesterFeedback"),
    "ApproveRejectedAssignment": ("approve_rejected_assignment", "AssignmentId RequesterFeedback"),
    "GrantBonus": ("grant_bonus", "WorkerId AssignmentId BonusAmount Reason"),
    "ExtendHIT": ("extend_hit", "HITId MaxAssignmentsIncrement ExpirationIncrementInSeconds"),
    "ForceExpireHIT": ("expire_hit", "HITId"),
    "SetHITAsReviewing": ("set_reviewing", "HITId"),
    "DisposeHIT": ("dispose_hit", "HITId"),
    "DisableHIT": ("disable_hit", "HITId"),
    "ChangeHITTypeOfHIT": ("change_hit_type_of_hit", "HITId HITTypeId"),
    "BlockWorker": ("block_worker", "WorkerId Reason"),
    "UnblockWorker": ("unblock_worker", "WorkerId Reason"),
    "NotifyWorkers": ("notify_workers", "WorkerId Subject MessageText"),
}
"""boto's methods, and the parameters that are their arguments, in their order."""

_KEYWORDS = {
    "Title": "title",
    "Description": "description",
    "Keywords": "keywords",
    "Reward": "reward",
    "AssignmentDurationInSeconds": "duration",
    "AutoApprovalDelayInSeconds": "approval_delay",
    "LifetimeInSeconds": "lifetime",
    "MaxAssignments": "max_assignments",
    "RequesterAnnotation": "annotation",
    "HITTypeId": "hit_type",
    "QualificationRequirement": "qual_req",
    "Question": "question",
    "Name": "name",
    "QualificationTypeStatus": "status",
    "AutoGranted": "auto_granted",
    "AutoGrantedValue": "auto_granted_value",
}
"""What boto calls the parameters of what is made."""

_MAKERS = {
    "CreateQualificationType": "create_qualification_type",
    "RegisterHITType": "register_hit_type",
    "CreateHIT": "create_hit",
}


class Boto2:
    """The methods of boto 2."""

    def __init__(self, gateway, requester):
        self._conn = connect(gateway, requester)

    def play(self, operation, given):
        try:
            answer = self._call(operation, {name: self._argument(value) for name, value in given.items()})
        except MTurkRequestError as error:
            raise RefusedError(error.error_code) from None
        return getattr(answer[0], MADE[operation]) if operation in MADE else ""

    def _call(self, operation, given):
        if operation in _MAKERS:
            named = {_KEYWORDS[name]: value for name, value in given.items()}
            return getattr(self._conn, _MAKERS[operation])(**named)
        if operation == "SetHITTypeNotification":
            told = given["Notification"]
            return self._conn.set_email_notification(given["HITTypeId"], told["Destination"], told["EventType"])
        method, names = _ARGUMENTS[operation]
        return getattr(self._conn, method)(*(given.get(name) for name in names.split()))

    def _argument(self, value):
        """A value as boto wants it: with objects of its own."""
        if value == QUESTION:
            page = question.ExternalQuestion("https://example.com/birds?a=1&b=2", 600)
            assert page.get_as_xml() == QUESTION
            return page
        if isinstance(value, dict) and "Amount" in value:
            return Price(float(value["Amount"]))
        if isinstance(value, list) and isinstance(value[0], dict):
            made = qualification.Qualifications()
            for requirement in value:
                made.add(_boto_requirement(requirement))
            return made
        return value


def _boto_requirement(requirement):
    comparator = requirement["Comparator"]
    if "LocaleValue" in requirement:
        (locale,) = requirement["LocaleValue"]
        return qualification.LocaleRequirement(comparator, locale["Country"])
    return qualification.Requirement(requirement["QualificationTypeId"], comparator, requirement["IntegerValue"])


# boto3

_MODERN = {
    "CreateQualificationType": ("create_qualification_type", {}),
    "UpdateQualificationType": ("update_qualification_type", {}),
    "DisposeQualificationType": ("delete_qualification_type", {}),
    "AssignQualification": ("associate_qualification_with_worker", {}),
    "UpdateQualificationScore": ("associate_qualification_with_worker", {"SendNotification": False}),
    "GrantQualification": ("accept_qualification_request", {}),
    "RevokeQualification": ("disassociate_qualification_from_worker", {}),
    "RegisterHITType": ("create_hit_type", {}),
    "SetHITTypeNotification": ("update_notification_settings", {}),
    "CreateHIT": ("create_hit", {}),
    "GetHIT": ("get_hit", {}),
    "ApproveAssignment": ("approve_assignment", {}),
    "RejectAssignment": ("reject_assignment", {}),
    "ApproveRejectedAssignment": ("approve_assignment", {"OverrideRejection": True}),
    "GrantBonus": ("send_bonus", {}),
    "ForceExpireHIT": ("update_expiration_for_hit", {"ExpireAt": 0}),
    "SetHITAsReviewing": ("update_hit_review_status", {"Revert": False}),
    "DisposeHIT": ("delete_hit", {}),
    "ChangeHITTypeOfHIT": ("update_hit_type_of_hit", {}),
    "BlockWorker": ("create_worker_block", {}),
    "UnblockWorker": ("delete_worker_block", {}),
    "NotifyWorkers": ("notify_workers", {}),
}
"""boto3's methods where one is enough, and what they are told besides."""


class Boto3:
    """The modern API, as a program written today asks for the same."""

    def __init__(self, gateway, requester):
        self._url, self._requester = gateway.url, requester

    def play(self, operation, given):
        with modern_client(self._url, self._requester) as client:
            try:
                reply = self._call(client, operation, given)
            except ClientError as error:
                raise RefusedError(error.response["TurkErrorCode"]) from None
        # What was made stands there itself, or in the only member.
        return next((part[MADE[operation]] for part in (reply, *reply.values()) if MADE.get(operation) in part), "")

    def _call(self, client, operation, given):
        if operation == "ExtendHIT":
            return _extend(client, **given)
        if operation == "DisableHIT":
            return _disable(client, **given)
        method, more = _MODERN[operation]
        if operation == "CreateHIT" and "HITTypeId" in given:
            method = "create_hit_with_hit_type"
        return getattr(client, method)(**self._argument(given), **more)

    def _argument(self, value):
        if isinstance(value, list):
            return [self._argument(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "Amount" in value:
            return value["Amount"]
        newer = {"Version": "2014-08-15"} if "Version" in value else {}
        return {_name(name, item): self._argument(item) for name, item in value.items()} | newer


def _name(name, value):
    if name == "SubjectId":
        return "WorkerId"
    return f"{name}s" if isinstance(value, list) else name


def _extend(client, **given):
    hit = {"HITId": given["HITId"]}
    if "MaxAssignmentsIncrement" in given:
        more = given["MaxAssignmentsIncrement"]
        return client.create_additional_assignments_for_hit(**hit, NumberOfAdditionalAssignments=more)
    ends = client.get_hit(**hit)["HIT"]["Expiration"] + timedelta(seconds=given["ExpirationIncrementInSeconds"])
    return client.update_expiration_for_hit(**hit, ExpireAt=ends)


def _disable(client, **hit):
    client.update_expiration_for_hit(**hit, ExpireAt=0)
    for assignment in client.list_assignments_for_hit(**hit, AssignmentStatuses=["Submitted"])["Assignments"]:
        client.approve_assignment(AssignmentId=assignment["AssignmentId"])
    return client.delete_hit(**hit)
