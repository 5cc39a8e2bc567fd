"""Files that workers upload as answers, and the links by which requesters get them (modern-mturk 4.1)."""

from __future__ import annotations

import hmac
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select

from mturk_gateway.marketplace.ids import new_entity_id
from mturk_gateway.marketplace.protocol.errors import parameter_error
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.judging.assignments import get_assignment
from mturk_gateway.marketplace.services.lists.tokens import PageTokens
from mturk_gateway.marketplace.tables import uploaded_files

LARGEST_FILE = 25 * 1024 * 1024
"""Bytes. A QuestionForm may ask for more, but files stand in the database and pass through memory in one piece."""

PATH = "/files/"
"""Where files are had; the key follows."""

_VALIDITY = 60
"""Seconds for which a link is good (modern-mturk 2)."""

_ANSWERING = (
    uploaded_files.c.assignment_id == bindparam("assignment"),
    uploaded_files.c.question == bindparam("identifier"),
)
_FIND = select(uploaded_files.c.key).where(*_ANSWERING)
_READ = select(uploaded_files.c.name, uploaded_files.c.content).where(uploaded_files.c.key == bindparam("key"))
_ADD = insert(uploaded_files)
_REMOVE = delete(uploaded_files).where(*_ANSWERING)


class File(NamedTuple):
    """An uploaded file, under the name that it had with the worker."""

    name: str
    content: bytes


def store_file(connection: Connection, assignment_id: str, question: str, name: str, content: bytes) -> str:
    """Keep a file as the answer to a question of an assignment, instead of an earlier one; its key in the answer.

    Raises ValueError for more than LARGEST_FILE bytes.
    """
    if len(content) > LARGEST_FILE:
        raise ValueError(f"a file may have at most {LARGEST_FILE} bytes")
    connection.execute(_REMOVE, {"assignment": assignment_id, "identifier": question})
    file = {"assignment_id": assignment_id, "question": question, "name": name, "content": content}
    key = new_entity_id()
    connection.execute(_ADD, {**file, "key": key})
    return key


def get_file_upload_url(call: Call) -> Reply:
    """GetFileUploadURL: a link to the file that answers a question, which anybody can follow for a minute.

    Raises Fault as GetAssignment does, and ParameterValidationError for a question without a file.
    """
    # For its refusals.
    get_assignment(call)
    identifier = call.parameters["QuestionIdentifier"]
    key: str | None = call.connection.execute(
        _FIND, {"assignment": call.parameters["AssignmentId"], "identifier": identifier}
    ).scalar_one_or_none()
    if key is None:
        raise parameter_error(f'The value "{identifier}" is not valid for the parameter QuestionIdentifier.')
    expires = str(call.now + _VALIDITY)
    signature = call.tokens.sign_link(key, expires)
    return {"FileUploadURL": f"{call.terms.url}{PATH}{key}?expires={expires}&signature={signature}"}


def follow_link(
    connection: Connection, tokens: PageTokens, key: str, expires: str, signature: str, now: int
) -> File | None:
    """The file behind a link, taken apart as it came; None for one that is expired or was not issued by us."""
    if not hmac.compare_digest(tokens.sign_link(key, expires).encode(), signature.encode()):
        return None
    # A number, because it was we who wrote it.
    if now >= int(expires):
        return None
    row = connection.execute(_READ, {"key": key}).one_or_none()
    return File._make(row) if row else None
