"""The operations that this marketplace offers; a name that the model has and this table has not is not offered yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mturk_gateway.marketplace.services import (
    account,
    assignments,
    bonuses,
    hit_creation,
    hit_states,
    hit_types,
    hits,
    qualification_types,
)
from mturk_gateway.marketplace.services.call import Call, Reply


@dataclass(frozen=True)
class Operation:
    """What carries an operation out, and whether it needs the right to write.

    A `brief` one is a short look along an index, however much there is.
    """

    handler: Callable[[Call], Reply]
    writes: bool
    brief: bool = False


OPERATIONS: Mapping[str, Operation] = {
    "ApproveAssignment": Operation(assignments.approve_assignment, writes=True),
    "CreateAdditionalAssignmentsForHIT": Operation(hit_states.create_additional_assignments_for_hit, writes=True),
    "CreateHIT": Operation(hit_creation.create_hit, writes=True),
    "CreateHITType": Operation(hit_types.create_hit_type, writes=True),
    "CreateHITWithHITType": Operation(hit_creation.create_hit_with_hit_type, writes=True),
    "CreateQualificationType": Operation(qualification_types.create_qualification_type, writes=True),
    "DeleteHIT": Operation(hit_states.delete_hit, writes=True),
    "GetAccountBalance": Operation(account.get_account_balance, writes=False, brief=True),
    "GetAssignment": Operation(assignments.get_assignment, writes=False, brief=True),
    "GetHIT": Operation(hits.get_hit, writes=False, brief=True),
    "GetQualificationType": Operation(qualification_types.get_qualification_type, writes=False, brief=True),
    "ListAssignmentsForHIT": Operation(assignments.list_assignments_for_hit, writes=False, brief=True),
    "ListBonusPayments": Operation(bonuses.list_bonus_payments, writes=False, brief=True),
    "ListHITs": Operation(hits.list_hits, writes=False, brief=True),
    "ListHITsForQualificationType": Operation(hits.list_hits_for_qualification_type, writes=False),
    "ListReviewableHITs": Operation(hits.list_reviewable_hits, writes=False),
    "RejectAssignment": Operation(assignments.reject_assignment, writes=True),
    "SendBonus": Operation(bonuses.send_bonus, writes=True),
    "UpdateExpirationForHIT": Operation(hit_states.update_expiration_for_hit, writes=True),
    "UpdateHITReviewStatus": Operation(hit_states.update_hit_review_status, writes=True),
    "UpdateHITTypeOfHIT": Operation(hit_states.update_hit_type_of_hit, writes=True),
}
