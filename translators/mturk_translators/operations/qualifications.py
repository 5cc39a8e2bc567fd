"""Qualification types, requests for qualifications and qualifications of workers: entries only."""

from mturk_translators.fields import (
    Boolean,
    Choice,
    Text,
    TextOrNone,
    qualification_request_id,
    qualification_type_id,
    score,
    seconds,
    subject_id,
    worker_id,
)
from mturk_translators.flows.qualifications import get_qualification_score, update_qualification_score
from mturk_translators.listing import Pages
from mturk_translators.operation import NO_GROUPS, Operation, When
from mturk_translators.shapes.qualifications import (
    NEW_QUALIFICATION_TYPE,
    QUALIFICATION,
    QUALIFICATION_REQUESTS,
    QUALIFICATION_TYPE,
    QUALIFICATION_TYPES,
    QUALIFICATIONS,
)

_STATUSES = ("Active", "Inactive")

_TEST = When(
    "Test",
    then=(Text("Test"), seconds("TestDurationInSeconds", low=1, required=True)),
    otherwise=(seconds("TestDurationInSeconds", low=1),),
)
_WHEN_GRANTED = (Boolean("AutoGranted"), score("AutoGrantedValue"))

ENTRIES: dict[str, Operation] = {
    "CreateQualificationType": Operation(
        about="Makes a qualification type, by a test, by hand or for everybody who asks.",
        takes=(
            Text("Name", required=True),
            Text("Description", longest=2000, required=True),
            Text("Keywords", longest=1000),
            Choice("QualificationTypeStatus", values=_STATUSES, default="Active"),
            seconds("RetryDelayInSeconds"),
            _TEST,
            Text("AnswerKey"),
            *_WHEN_GRANTED,
        ),
        modern="CreateQualificationType",
        reply="QualificationType",
        gives=NEW_QUALIFICATION_TYPE,
        result="QualificationType",
        differences=(25,),
    ),
    "UpdateQualificationType": Operation(
        about="Changes a qualification type, apart from its name and keywords.",
        takes=(
            qualification_type_id(required=True),
            Text("Description", longest=2000),
            Choice("QualificationTypeStatus", values=_STATUSES),
            seconds("RetryDelayInSeconds"),
            _TEST,
            Text("AnswerKey"),
            *_WHEN_GRANTED,
        ),
        modern="UpdateQualificationType",
        reply="QualificationType",
        gives=QUALIFICATION_TYPE,
        result="QualificationType",
        differences=(43,),
    ),
    "DisposeQualificationType": Operation(
        about="Deletes a qualification type; who holds the qualification keeps it.",
        takes=(qualification_type_id(required=True),),
        modern="DeleteQualificationType",
        groups=NO_GROUPS,
    ),
    "GetQualificationType": Operation(
        about="Reads a qualification type.",
        takes=(qualification_type_id(required=True),),
        modern="GetQualificationType",
        reply="QualificationType",
        gives=QUALIFICATION_TYPE,
        result="QualificationType",
        differences=(43,),
    ),
    "SearchQualificationTypes": Operation(
        about="Lists qualification types, everybody's or the caller's own, by words in their texts.",
        takes=(
            TextOrNone("Query"),
            Boolean("MustBeRequestable", default=False),
            Boolean("MustBeOwnedByCaller"),
        ),
        pages=Pages(listing=QUALIFICATION_TYPES, sorts=("Name",), sort="Name", descending=True),
        differences=(12, 13, 25, 33, 40, 49, 54),
    ),
    "GetQualificationRequests": Operation(
        about="Lists the requests for qualifications that wait for a decision.",
        takes=(qualification_type_id(),),
        pages=Pages(
            listing=QUALIFICATION_REQUESTS,
            sorts=("QualificationTypeId", "SubmitTime"),
            sort="SubmitTime",
            any_sort=True,
        ),
        differences=(12, 13, 34, 35, 49),
    ),
    "GrantQualification": Operation(
        about="Grants a qualification that a worker has asked for.",
        takes=(qualification_request_id(required=True), score(default=1)),
        modern="AcceptQualificationRequest",
        differences=(61,),
    ),
    "RejectQualificationRequest": Operation(
        about="Refuses a qualification that a worker has asked for.",
        takes=(qualification_request_id(required=True), TextOrNone("Reason")),
        modern="RejectQualificationRequest",
        differences=(40, 61),
    ),
    "AssignQualification": Operation(
        about="Gives a qualification to a worker who need not have asked for it.",
        takes=(
            qualification_type_id(required=True),
            worker_id(required=True),
            score(default=1),
            Boolean("SendNotification"),
        ),
        modern="AssociateQualificationWithWorker",
        differences=(39, 42),
    ),
    "RevokeQualification": Operation(
        about="Takes a qualification away from a worker.",
        takes=(subject_id(required=True), qualification_type_id(required=True), TextOrNone("Reason")),
        modern="DisassociateQualificationFromWorker",
        differences=(40,),
    ),
    "UpdateQualificationScore": Operation(
        about="Changes the score of a worker who holds a qualification.",
        takes=(qualification_type_id(required=True), subject_id(required=True), score(required=True)),
        flow=update_qualification_score,
        calls=("GetQualificationScore", "AssociateQualificationWithWorker"),
        differences=(14,),
    ),
    "GetQualificationScore": Operation(
        about="Reads the qualification of a worker, also one that was revoked.",
        takes=(qualification_type_id(required=True), subject_id(required=True)),
        flow=get_qualification_score,
        calls=("GetQualificationScore", "ListWorkersWithQualificationType"),
        reply="Qualification",
        gives=QUALIFICATION,
        result="Qualification",
        differences=(22, 43),
    ),
    "GetQualificationsForQualificationType": Operation(
        about="Lists the workers who hold a qualification, or held it until it was revoked.",
        takes=(
            qualification_type_id(required=True),
            Choice("Status", values=("Granted", "Revoked"), default="Granted"),
        ),
        pages=Pages(listing=QUALIFICATIONS),
        differences=(12, 16, 22, 42),
    ),
}
