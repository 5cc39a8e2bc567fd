"""Data folders as earlier versions of the program left them: their schemas, and rows that they would have written."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

from alembic import command
from alembic.config import Config

from mturk_gateway.credentials import Requester, write_profile
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.schemas import PACKAGES
from support import QUESTION

LAB = Requester("lab", "AKIALAB", "lab-secret")
CREATED, FAR = 1_500_000_000, 4_000_000_000
OPEN, EXPIRED, REVIEWED, DISABLED = (f"3{name:X>29}" for name in ("OPEN", "EXPIRED", "REVIEWED", "DISABLED"))
SUBMITTED, APPROVED, REJECTED, ACCEPTED, RETURNED = (
    f"3{name:Z>29}" for name in ("SUBMITTED", "APPROVED", "REJECTED", "ACCEPTED", "RETURNED")
)
QUALIFICATION = f"3{'QUALIFICATION':X>29}"

# What the first version of the marketplace wrote.
_REQUESTERS = [
    {"id": "ALAB", "name": "lab", "sandbox": 0, "creation_time": CREATED},
    {"id": "APLAY", "name": "play", "sandbox": 1, "creation_time": CREATED},
]
_KEYS = [
    {"access_key": "AKIALAB", "requester_id": "ALAB", "secret": "lab-secret", "creation_time": CREATED},
    {"access_key": "AKIAPLAY", "requester_id": "APLAY", "secret": "play-secret", "creation_time": CREATED},
]
_TOKENS = [
    {"requester_id": "ALAB", "operation": "CreateHIT", "token": "once", "made": OPEN, "creation_time": CREATED},
]
_QUALIFICATION_TYPES = [
    {
        "id": QUALIFICATION,
        "requester_id": "ALAB",
        "name": "careful",
        "keywords": "care",
        "description": "Takes care.",
        "status": "Active",
        "auto_granted": 0,
        "creation_time": CREATED,
    }
]
_HIT_TYPES = [
    {
        "id": f"3{'TYPE':X>29}",
        "requester_id": "ALAB",
        "group_id": f"3{'GROUP':X>29}",
        "fingerprint": "f" * 64,
        "title": "Count the dots — ünïcode",
        "description": "How many?",
        "keywords": "dots, counting",
        "reward": "0.05",
        "assignment_duration": 600,
        "auto_approval_delay": 2_592_000,
        "requirements": "[]",
    }
]


def _hit(identifier, created, expiration, *, reviewing=0, **counts):
    return {
        "id": identifier,
        "requester_id": "ALAB",
        "hit_type_id": f"3{'TYPE':X>29}",
        "question": QUESTION,
        "annotation": f"batch {identifier}",
        "creation_time": created,
        "newest_first": -created,
        "expiration": expiration,
        "max_assignments": 3,
        **dict.fromkeys(("pending", "submitted", "approved", "rejected"), 0),
        "reviewing": reviewing,
        **counts,
    }


_HITS = [
    _hit(OPEN, CREATED, FAR, pending=1, submitted=1),
    _hit(EXPIRED, CREATED + 1, CREATED + 3600, approved=1, rejected=1),
    _hit(REVIEWED, CREATED + 2, CREATED + 3600, reviewing=1),
    # The first of its undertaking's writes has been carried out.
    _hit(DISABLED, CREATED + 3, CREATED + 4),
]


def _assignment(identifier, hit, worker, state, **more):
    return {
        "id": identifier,
        "hit_id": hit,
        "worker_id": worker,
        "state": state,
        "accept_time": CREATED + 10,
        "deadline": CREATED + 610,
        **more,
    }


_ANSWER = (
    '<QuestionFormAnswers xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/'
    'QuestionFormAnswers.xsd"><Answer><QuestionIdentifier>dots</QuestionIdentifier><FreeText>7</FreeText></Answer>'
    "</QuestionFormAnswers>"
)
_DONE = {"submit_time": CREATED + 20, "auto_approval_time": FAR, "answer": _ANSWER}
_ASSIGNMENTS = [
    _assignment(SUBMITTED, OPEN, "A1", "Submitted", **_DONE, due=FAR),
    _assignment(ACCEPTED, OPEN, "A2", "Accepted") | {"deadline": FAR, "due": FAR},
    _assignment(RETURNED, OPEN, "A3", "Returned", given_up_at=CREATED + 15),
    _assignment(APPROVED, EXPIRED, "A1", "Approved", **_DONE, approval_time=CREATED + 30, feedback="Thanks."),
    _assignment(REJECTED, EXPIRED, "A2", "Rejected", **_DONE, rejection_time=CREATED + 30, feedback="No."),
]
_FIRST = {
    "requesters": _REQUESTERS,
    "access_keys": _KEYS,
    "request_tokens": _TOKENS,
    "qualification_types": _QUALIFICATION_TYPES,
    "hit_types": _HIT_TYPES,
    "hits": _HITS,
    "assignments": _ASSIGNMENTS,
}
_SECOND = {
    **_FIRST,
    "hits": [{**row, "change": number} for number, row in enumerate(_HITS, 11)],
    "assignments": [{**row, "change": number} for number, row in enumerate(_ASSIGNMENTS, 21)],
}
_THIRD = {
    **_SECOND,
    "workers": [{"id": "A1", "creation_time": CREATED, "country": "US", "adult": 0}],
    "qualifications": [
        {
            "qualification_type_id": QUALIFICATION,
            "worker_id": "A1",
            "status": "Granted",
            "value": 7,
            "grant_time": CREATED,
            "newest_first": -CREATED,
        }
    ],
}

_USAGE = {"usage": [{"requester": LAB.access_key, "api": "legacy", "operation": "X", "day": "2017-07-14", "count": 12}]}
_UNDERTAKINGS = {
    **_USAGE,
    "undertakings": [
        {
            "requester": LAB.account,
            "operation": "DisableHIT",
            "name": "n",
            "kind": "k",
            "subject": DISABLED,
            "plan": json.dumps({"HITId": DISABLED}),
            "hit": DISABLED,
            "request_id": "r",
            "state": "running",
            "owed": 0,
            "tries": 0,
            "due_at": float(FAR),
            "changed_at": float(CREATED),
        }
    ],
}
_HISTORY = {
    **_UNDERTAKINGS,
    "histories": [{"requester": LAB.account, "deeds": 1}],
    "history_bonuses": [
        {
            "requester": LAB.account,
            "assignment": APPROVED,
            "hit": EXPIRED,
            "worker": "A1",
            "amount": 150,
            "granted_at": CREATED,
            "listed": 1,
        }
    ],
}
ROWS = {
    "marketplace.db": {"0001": _FIRST, "0002": _SECOND, "0003": _THIRD},
    "ledger.db": {"0001": _USAGE, "0002": _UNDERTAKINGS, "0003": _HISTORY},
}
"""By database and version the rows of each table, from which columns may be missing that have none."""


def make_database(path, version):
    """A database of an earlier version, with the rows of that version if there are any."""
    config = Config()
    config.set_main_option("script_location", f"{PACKAGES[path.name]}:migrations")
    database = Database(sqlite_url(path), durable=True)
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        connection.commit()
    database.close()
    with closing(sqlite3.connect(path)) as connection:
        for table, rows in ROWS[path.name].get(version, {}).items():
            for row in rows:
                names, places = ", ".join(row), ", ".join("?" * len(row))
                connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", list(row.values()))  # noqa: S608  # our own words
        connection.commit()


def make_folder(data, marketplace, ledger):
    """A data folder with databases of these versions, and the requester `LAB`."""
    data.mkdir(mode=0o700)
    make_database(data / "marketplace.db", marketplace)
    make_database(data / "ledger.db", ledger)
    write_profile(data / "credentials", LAB)
    write_profile(data / "credentials", Requester("play", "AKIAPLAY", "play-secret", sandbox=True))
