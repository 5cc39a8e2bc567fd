"""Help: its entry, without the table of operations that it tells of."""

from mturk_translators.fields import Choice, Text
from mturk_translators.operation import Operation
from mturk_translators.shapes.help import INFORMATION
from mturk_translators.structures import Each

HELP = Operation(
    about="Tells what operations and response groups are for.",
    takes=(
        Each("About", Text("About"), required=True),
        Choice("HelpType", values=("Operation", "ResponseGroup"), default="Operation"),
    ),
    gives=INFORMATION,
    result="Information",
    anonymous=True,
    differences=(25, 36),
)
