"""The operations that this marketplace offers; a name that the model has and this table has not is not offered yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.judging import assignments, review_results, uploads
from mturk_gateway.marketplace.services.paying import account, bonuses
from mturk_gateway.marketplace.services.publishing import hit_creation, hit_states, hit_types, hits
from mturk_gateway.marketplace.services.qualifying import (
    qualification_requests,
    qualification_type_changes,
    qualification_types,
    qualifications,
)
from mturk_gateway.marketplace.services.telling import messages, notifications, worker_blocks


@dataclass(frozen=True)
class Operation:
    """What carries an operation out, and whether it needs the right to write.

    A `brief` one is a short look along an index, however much there is.
    """

    handler: Callable[[Call], Reply]
    writes: bool
    brief: bool = False


OPERATIONS: Mapping[str, Operation] = {
    "AcceptQualificationRequest": Operation(qualification_requests.accept_qualification_request, writes=True),
    "ApproveAssignment": Operation(assignments.approve_assignment, writes=True),
    "AssociateQualificationWithWorker": Operation(qualifications.associate_qualification_with_worker, writes=True),
    "CreateAdditionalAssignmentsForHIT": Operation(hit_states.create_additional_assignments_for_hit, writes=True),
    "CreateHIT": Operation(hit_creation.create_hit, writes=True),
    "CreateHITType": Operation(hit_types.create_hit_type, writes=True),
    "CreateHITWithHITType": Operation(hit_creation.create_hit_with_hit_type, writes=True),
    "CreateQualificationType": Operation(qualification_type_changes.create_qualification_type, writes=True),
    "CreateWorkerBlock": Operation(worker_blocks.create_worker_block, writes=True),
    "DeleteHIT": Operation(hit_states.delete_hit, writes=True),
    "DeleteQualificationType": Operation(qualification_type_changes.delete_qualification_type, writes=True),
    "DeleteWorkerBlock": Operation(worker_blocks.delete_worker_block, writes=True),
    "DisassociateQualificationFromWorker": Operation(
        qualifications.disassociate_qualification_from_worker, writes=True
    ),
    "GetAccountBalance": Operation(account.get_account_balance, writes=False, brief=True),
    "GetAssignment": Operation(assignments.get_assignment, writes=False, brief=True),
    "GetFileUploadURL": Operation(uploads.get_file_upload_url, writes=False, brief=True),
    "GetHIT": Operation(hits.get_hit, writes=False, brief=True),
    "GetQualificationScore": Operation(qualifications.get_qualification_score, writes=False, brief=True),
    "GetQualificationType": Operation(qualification_types.get_qualification_type, writes=False, brief=True),
    "ListAssignmentsForHIT": Operation(assignments.list_assignments_for_hit, writes=False),
    "ListBonusPayments": Operation(bonuses.list_bonus_payments, writes=False, brief=True),
    "ListHITs": Operation(hits.list_hits, writes=False, brief=True),
    "ListHITsForQualificationType": Operation(hits.list_hits_for_qualification_type, writes=False),
    "ListQualificationRequests": Operation(
        qualification_requests.list_qualification_requests, writes=False, brief=True
    ),
    "ListQualificationTypes": Operation(qualification_types.list_qualification_types, writes=False),
    "ListReviewPolicyResultsForHIT": Operation(review_results.list_review_policy_results_for_hit, writes=False),
    "ListReviewableHITs": Operation(hits.list_reviewable_hits, writes=False),
    "ListWorkerBlocks": Operation(worker_blocks.list_worker_blocks, writes=False, brief=True),
    "ListWorkersWithQualificationType": Operation(
        qualifications.list_workers_with_qualification_type, writes=False, brief=True
    ),
    "NotifyWorkers": Operation(messages.notify_workers, writes=True),
    "RejectAssignment": Operation(assignments.reject_assignment, writes=True),
    "RejectQualificationRequest": Operation(qualification_requests.reject_qualification_request, writes=True),
    "SendBonus": Operation(bonuses.send_bonus, writes=True),
    "SendTestEventNotification": Operation(notifications.send_test_event_notification, writes=False, brief=True),
    "UpdateExpirationForHIT": Operation(hit_states.update_expiration_for_hit, writes=True),
    "UpdateHITReviewStatus": Operation(hit_states.update_hit_review_status, writes=True),
    "UpdateHITTypeOfHIT": Operation(hit_states.update_hit_type_of_hit, writes=True),
    "UpdateNotificationSettings": Operation(notifications.update_notification_settings, writes=True),
    "UpdateQualificationType": Operation(qualification_type_changes.update_qualification_type, writes=True),
}
