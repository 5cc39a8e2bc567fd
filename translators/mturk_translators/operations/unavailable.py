"""Documented operations that are not answered yet, and the two that Amazon withdrew: entries only."""

from mturk_translators.operation import Entry, Unavailable, Withdrawn

_NOT_YET = "is not available in this gateway yet"
_WITHDRAWN = "was withdrawn from the API in November 2008"

ENTRIES: dict[str, Entry] = {
    "ApproveRejectedAssignment": Unavailable(_NOT_YET),
    "AssignQualification": Unavailable(_NOT_YET),
    "BlockWorker": Unavailable(_NOT_YET),
    "ChangeHITTypeOfHIT": Unavailable(_NOT_YET),
    "DisableHIT": Unavailable(_NOT_YET),
    "DisposeHIT": Unavailable(_NOT_YET),
    "DisposeQualificationType": Unavailable(_NOT_YET),
    "ExtendHIT": Unavailable(_NOT_YET),
    "ForceExpireHIT": Unavailable(_NOT_YET),
    "GetBlockedWorkers": Unavailable(_NOT_YET),
    "GetBonusPayments": Unavailable(_NOT_YET),
    "GetFileUploadURL": Unavailable(_NOT_YET),
    "GetQualificationRequests": Unavailable(_NOT_YET),
    "GetQualificationScore": Unavailable(_NOT_YET, result="Qualification"),
    "GetQualificationType": Unavailable(_NOT_YET, result="QualificationType"),
    "GetQualificationsForQualificationType": Unavailable(_NOT_YET),
    "GetRequesterStatistic": Unavailable(_NOT_YET, result="GetStatisticResult"),
    "GetRequesterWorkerStatistic": Unavailable(_NOT_YET, result="GetStatisticResult"),
    "GetReviewResultsForHIT": Unavailable(_NOT_YET),
    "GrantBonus": Unavailable(_NOT_YET),
    "GrantQualification": Unavailable(_NOT_YET),
    "Help": Unavailable(_NOT_YET, result="Information"),
    "NotifyWorkers": Unavailable(_NOT_YET),
    "RejectQualificationRequest": Unavailable(_NOT_YET),
    "RevokeQualification": Unavailable(_NOT_YET),
    "SearchQualificationTypes": Unavailable(_NOT_YET),
    "SendTestEventNotification": Unavailable(_NOT_YET),
    "SetHITAsReviewing": Unavailable(_NOT_YET),
    "SetHITTypeNotification": Unavailable(_NOT_YET),
    "UnblockWorker": Unavailable(_NOT_YET),
    "UpdateQualificationScore": Unavailable(_NOT_YET),
    "UpdateQualificationType": Unavailable(_NOT_YET, result="QualificationType"),
    "GetWorkerAcceptLimit": Withdrawn(_WITHDRAWN),
    "SetWorkerAcceptLimit": Withdrawn(_WITHDRAWN),
}
