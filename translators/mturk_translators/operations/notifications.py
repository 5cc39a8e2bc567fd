"""Being told of events: entries only."""

from mturk_translators.fields import Choice, Identifier
from mturk_translators.flows.notifications import send_test_event_notification, set_hit_type_notification
from mturk_translators.operation import NO_GROUPS, Operation, at_least_one_of
from mturk_translators.shapes.notifications import NOTIFICATION, TEST_EVENTS, TEST_NOTIFICATION, Active

ENTRIES: dict[str, Operation] = {
    "SetHITTypeNotification": Operation(
        about="Says who is told of which events of a type's HITs, and switches that on or off.",
        takes=(Identifier("HITTypeId", required=True), NOTIFICATION, Active("Active")),
        needs=(at_least_one_of("Notification", "Active"),),
        flow=set_hit_type_notification,
        calls=("UpdateNotificationSettings",),
        groups=NO_GROUPS,
        differences=(40, 58, 59, 60),
    ),
    "SendTestEventNotification": Operation(
        about="Tries a notification specification with an event that has not happened.",
        takes=(TEST_NOTIFICATION, Choice("TestEventType", values=TEST_EVENTS, default="Ping")),
        flow=send_test_event_notification,
        calls=("SendTestEventNotification",),
        groups=NO_GROUPS,
        differences=(25, 58, 59),
    ),
}
