"""Whom notifications are to be sent to that the modern API does not send: programs called at a URL, by REST or SOAP."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import ColumnElement, bindparam, literal_column, select

from mturk_gateway.credentials import Requester
from mturk_gateway.database import Database
from mturk_gateway.ledger.tables import receptors
from mturk_translators.call import Reply

_KEY = ["requester", "hit_type"]
_FIND = select(receptors.c.specification, receptors.c.active).where(
    *(receptors.c[name] == bindparam(name) for name in _KEY)
)


class Receptors:
    """What legacy clients have said of their HIT types' notifications. Every method is one transaction, and blocks.

    Parameters and replies are those of a modern call, with the specification as the client gave it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        replaced: dict[str, ColumnElement[Any]] = {
            name: literal_column(f"excluded.{name}") for name in ("specification", "active")
        }
        self._put = database.insert_or_update(receptors, _KEY, replaced)

    def get(self, requester: Requester, params: dict[str, Any]) -> Reply:
        """What is known of the notifications of a HIT type: `Active`, and `Notification` where the gateway keeps it.

        Nothing where no legacy client has said anything of them.
        """
        with self._database.reading() as connection:
            found = connection.execute(_FIND, _named(requester, params)).one_or_none()
        if found is None:
            return {}
        kept = {} if found.specification is None else {"Notification": json.loads(found.specification)}
        return {**kept, "Active": found.active}

    def put(self, requester: Requester, params: dict[str, Any]) -> Reply:
        """Keep whether notifications are `Active`, and the `Notification` that the gateway has to see to.

        Without that, the one that was kept is dropped: the upstream has the HIT type's specification.
        """
        specification = params.get("Notification")
        row = {
            **_named(requester, params),
            "specification": None if specification is None else json.dumps(specification),
            "active": params["Active"],
        }
        with self._database.writing() as connection:
            connection.execute(self._put, row)
        return {}


def _named(requester: Requester, params: dict[str, Any]) -> dict[str, str]:
    return {"requester": requester.account, "hit_type": params["HITTypeId"]}
