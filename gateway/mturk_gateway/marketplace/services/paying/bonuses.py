"""Bonuses for work that was handed in."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, insert, select

from mturk_gateway.marketplace.ids import new_entity_id
from mturk_gateway.marketplace.protocol.errors import parameter_error
from mturk_gateway.marketplace.services import idempotency
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.judging.assignments import check_assignment, find_work
from mturk_gateway.marketplace.services.lists.pages import Pages
from mturk_gateway.marketplace.services.paying import money
from mturk_gateway.marketplace.services.paying.fees import bonus_fee
from mturk_gateway.marketplace.services.paying.money import Transfer
from mturk_gateway.marketplace.services.publishing.hits import find_hit
from mturk_gateway.marketplace.tables import bonuses

_GIVE = insert(bonuses)


def send_bonus(call: Call) -> Reply:
    """SendBonus, to the worker who handed in the assignment, whatever was decided about it (modern-mturk 4.2)."""
    parameters = call.parameters
    amount = money.cents(parameters["BonusAmount"])
    if not amount:
        raise parameter_error("The value of the parameter BonusAmount must be greater than 0.")
    work = find_work(call, parameters["AssignmentId"])
    if work.worker_id != parameters["WorkerId"]:
        raise parameter_error(f'The value "{parameters["WorkerId"]}" is not valid for the parameter WorkerId.')
    idempotency.refuse_repetition(call)
    about = {"hit_id": work.hit_id, "assignment_id": work.id}
    fee = bonus_fee(amount) if call.requester.charged else 0
    owner = call.requester.id
    given = Transfer(owner, call.now, "bonus", "available", "earned", amount, worker_id=work.worker_id, **about)
    charged = Transfer(owner, call.now, "bonus fee", "available", "fees", fee, **about)
    money.spend(call.connection, call.requester, [given, charged])
    call.connection.execute(
        _GIVE,
        {
            "id": new_entity_id(),
            "requester_id": owner,
            **about,
            "worker_id": work.worker_id,
            "amount": money.amount_of(amount),
            "reason": parameters["Reason"],
            "grant_time": call.now,
            "newest_first": -call.now,
        },
    )
    return {}


def list_bonus_payments(call: Call) -> Reply:
    """ListBonusPayments of an assignment or of a whole HIT, newest first."""
    if "AssignmentId" in call.parameters:
        check_assignment(call, call.parameters["AssignmentId"], call.parameters.get("HITId"))
        return _OF_ASSIGNMENT.reply(call, owner=call.parameters["AssignmentId"])
    if "HITId" in call.parameters:
        return _OF_HIT.reply(call, owner=find_hit(call, call.parameters["HITId"]).id)
    raise parameter_error("One of the parameters HITId and AssignmentId must be given.")


def _render(bonus: Row[Any], _now: int) -> dict[str, Any]:
    return {
        "WorkerId": bonus.worker_id,
        "BonusAmount": bonus.amount,
        "AssignmentId": bonus.assignment_id,
        "Reason": bonus.reason,
        "GrantTime": bonus.grant_time,
    }


_NEWEST_FIRST = (bonuses.c.newest_first, bonuses.c.id)
_OF_HIT = Pages(select(bonuses).where(bonuses.c.hit_id == bindparam("owner")), _NEWEST_FIRST, "BonusPayments", _render)
_OF_ASSIGNMENT = Pages(
    select(bonuses).where(bonuses.c.assignment_id == bindparam("owner")), _NEWEST_FIRST, "BonusPayments", _render
)
