"""What is counted one by one: operations and error codes that are known. Clients and upstreams may send any text."""

from __future__ import annotations

from mturk_translators.faults import MODERN_ERRORS, MTURK, THROTTLED
from mturk_translators.operations import OPERATIONS

OTHER = "other"

_MODERN_OPERATIONS = """
    AcceptQualificationRequest ApproveAssignment AssociateQualificationWithWorker CreateAdditionalAssignmentsForHIT
    CreateHIT CreateHITType CreateHITWithHITType CreateQualificationType CreateWorkerBlock DeleteHIT
    DeleteQualificationType DeleteWorkerBlock DisassociateQualificationFromWorker GetAccountBalance GetAssignment
    GetFileUploadURL GetHIT GetQualificationScore GetQualificationType ListAssignmentsForHIT ListBonusPayments ListHITs
    ListHITsForQualificationType ListQualificationRequests ListQualificationTypes ListReviewPolicyResultsForHIT
    ListReviewableHITs ListWorkerBlocks ListWorkersWithQualificationType NotifyWorkers RejectAssignment
    RejectQualificationRequest SendBonus SendTestEventNotification UpdateExpirationForHIT UpdateHITReviewStatus
    UpdateHITTypeOfHIT UpdateNotificationSettings UpdateQualificationType
"""

_OPERATIONS = frozenset(OPERATIONS).union(_MODERN_OPERATIONS.split())

_OF_THE_SERVICE = """
    AssignmentAlreadyExists AssignmentDoesNotExist DuplicateRequest ExceedsMaxAssignmentsPerWorker HITAlreadyExists
    HITDoesNotExist HITLayoutDoesNotExist HITTooOldForExtension HitAlreadyExists InsufficientFunds
    InvalidAssignmentState InvalidHITState InvalidMaximumAssignmentsIncrease InvalidParameterValue
    InvalidQualificationRequestState InvalidQualificationState InvalidQualificationTypeState InvalidTransportEndpoint
    PermissionDenied PermissionDeniedException QualificationAlreadyExists QualificationDoesNotExist
    QualificationRequestDoesNotExist QualificationTypeAlreadyExists QualificationTypeDoesNotExist XHTMLParseError
    XMLParseError
"""

_CODES = frozenset(
    {
        "AWS.BadClaimsSupplied",
        "AWS.InternalError",
        "AWS.InvalidOperationParameter",
        "AWS.MissingOperationParameter",
        "AWS.MissingParameters",
        "AWS.NotAuthorized",
        "AWS.ParameterOutOfRange",
        "Client.InvalidRequest",
        "InvalidRequest",
        "Server.InternalError",
        "Server.ServiceUnavailable",
        "ServiceUnavailable",
    }
).union((MTURK + name for name in _OF_THE_SERVICE.split()), MODERN_ERRORS, THROTTLED)


def known_operation(name: str) -> str:
    """The name of an operation of either API, if it is one."""
    return name if name in _OPERATIONS else OTHER


def known_code(code: str) -> str:
    """The code of a legacy error or the type of a modern one, if it is known; the empty one is success."""
    return code if not code or code in _CODES else OTHER
