"""Bonuses: entries only."""

from mturk_translators.fields import Text, TextOrNone, assignment_id, hit_id, worker_id
from mturk_translators.flows.bonuses import pay_bonus, plan_bonus
from mturk_translators.listing import Pages
from mturk_translators.operation import Operation, Undertaking, When, at_least_one_of
from mturk_translators.shapes.bonuses import BONUS_PAYMENTS
from mturk_translators.structures import Price

ENTRIES: dict[str, Operation] = {
    "GrantBonus": Operation(
        about="Pays a worker more than the reward for an assignment.",
        takes=(
            worker_id(required=True),
            Price("BonusAmount", positive=True, required=True),
            assignment_id(required=True),
            TextOrNone("Reason", required=True),
            Text("UniqueRequestToken", longest=64),
        ),
        undertaking=Undertaking(plan_bonus, pay_bonus, "UniqueRequestToken"),
        calls=("SendBonus", "ListBonusPayments"),
        differences=(25, 40, 44),
    ),
    "GetBonusPayments": Operation(
        about="Lists the bonuses that were paid for a HIT or for one of its assignments.",
        takes=(When("AssignmentId", then=(assignment_id(),), otherwise=(hit_id(),)),),
        needs=(at_least_one_of("HITId", "AssignmentId"),),
        pages=Pages(listing=BONUS_PAYMENTS),
        differences=(12, 16),
    ),
}
