"""Statistics: entries only."""

from mturk_translators.fields import Choice, Double, Integer, RetiringChoice, Text, Time, worker_id
from mturk_translators.flows.statistics import statistic
from mturk_translators.operation import Operation, groups
from mturk_translators.statistics import (
    PERIODS,
    REQUESTER_STATISTICS,
    RETIRED,
    RETIRED_STATISTICS,
    WORKER_STATISTICS,
    DayCount,
    told_for_days,
    told_for_period,
)
from mturk_translators.structures import Each, Structure

_DATA_POINTS = Each(
    "DataPoint",
    Structure("DataPoint", (Time("Date"), Integer("LongValue"), Double("DoubleValue"))),
    group="Minimal",
)
_PERIOD = (
    Choice("TimePeriod", values=PERIODS, required=True),
    # More days than the service has existed.
    DayCount("Count", low=1, high=10_000, default=1),
)
_ECHO = (
    Text("Statistic", group="Parameters", since="2011-09-01"),
    Text("TimePeriod", group="Parameters", since="2011-09-01"),
)
_GROUPS = groups("Parameters", "Minimal Parameters")

ENTRIES: dict[str, Operation] = {
    "GetRequesterStatistic": Operation(
        about="Tells how many HITs and assignments a requester has had, and what was paid for them.",
        takes=(
            RetiringChoice(
                "Statistic",
                values=tuple(REQUESTER_STATISTICS),
                retired=RETIRED_STATISTICS,
                reason=RETIRED,
                required=True,
            ),
            *_PERIOD,
        ),
        needs=(told_for_period, told_for_days),
        flow=statistic,
        calls=("ListHITs", "GetHIT", "ListAssignmentsForHIT", "GetAssignment", "ListBonusPayments"),
        gives=(_DATA_POINTS, *_ECHO),
        result="GetStatisticResult",
        groups=_GROUPS,
        differences=(31, 55, 56, 57, 62),
    ),
    "GetRequesterWorkerStatistic": Operation(
        about="Tells how well a worker has done in a requester's assignments.",
        takes=(Choice("Statistic", values=tuple(WORKER_STATISTICS), required=True), *_PERIOD, worker_id(required=True)),
        flow=statistic,
        calls=("ListHITs", "GetHIT", "ListAssignmentsForHIT", "GetAssignment", "ListReviewPolicyResultsForHIT"),
        gives=(_DATA_POINTS, *_ECHO, Text("WorkerId", group="Parameters", since="2011-09-01")),
        result="GetStatisticResult",
        groups=_GROUPS,
        differences=(31, 56),
    ),
}
