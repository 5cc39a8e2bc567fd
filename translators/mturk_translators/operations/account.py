"""The requester's account: entries only."""

from mturk_translators.operation import Operation
from mturk_translators.structures import Price

ENTRIES: dict[str, Operation] = {
    "GetAccountBalance": Operation(
        about="Gets how much money the requester has.",
        modern="GetAccountBalance",
        gives=(
            Price("AvailableBalance", required=True),
            Price("OnHoldBalance", absent="0.00", until="2007-06-21"),
            Price("OnHoldBalance", since="2008-08-02"),
        ),
        differences=(29,),
    ),
}
