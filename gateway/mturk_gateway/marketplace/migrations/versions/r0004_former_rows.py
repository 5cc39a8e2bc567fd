"""Give the rows that there are what a whole marketplace asks of them."""

from __future__ import annotations

import secrets
import string
import time

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NAMED = sa.text("deleted_at IS NULL")

_AMAZONS_TYPES = (
    ("00000000000000000040", "Worker_NumberHITsApproved", "How many of a worker's assignments were approved."),
    ("000000000000000000L0", "Worker_PercentAssignmentsApproved", "The share of approved assignments, in percent."),
    ("00000000000000000071", "Worker_Locale", "Where the worker lives."),
    ("00000000000000000060", "Worker_Adult", "Whether the worker agreed to see what only adults should."),
    ("00000000000000000000", "Worker_PercentAssignmentsSubmitted", "Withdrawn: the share of submitted assignments."),
    ("00000000000000000070", "Worker_PercentAssignmentsAbandoned", "Withdrawn: the share of abandoned assignments."),
    ("000000000000000000E0", "Worker_PercentAssignmentsReturned", "Withdrawn: the share of returned assignments."),
    ("000000000000000000S0", "Worker_PercentAssignmentsRejected", "Withdrawn: the share of rejected assignments."),
    ("2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "Masters", "Workers whom the operator calls masters."),
    ("2ARFPLSP75KLA8M8DH1HTEQVJT3SY6", "Masters", "Workers whom the operator calls masters, in the sandbox."),
)

_OWNERS = """
UPDATE assignments SET requester_id = (SELECT hits.requester_id FROM hits WHERE hits.id = assignments.hit_id)
"""

_CENTS = "CAST(ROUND(CAST(hit_types.reward AS NUMERIC) * 100) AS BIGINT)"

# What is set aside for work that may still be paid, and what was earned, by the one who earned it.
_OPENING = f"""
SELECT hits.requester_id AS requester_id, 'held' AS kind, '' AS worker_id,
    SUM({_CENTS} * (hits.max_assignments - hits.approved - hits.rejected)) AS amount
FROM hits JOIN hit_types ON hit_types.id = hits.hit_type_id
WHERE hits.disposed_at IS NULL
GROUP BY hits.requester_id
UNION ALL
SELECT hits.requester_id, 'earned', assignments.worker_id, SUM({_CENTS})
FROM assignments JOIN hits ON hits.id = assignments.hit_id JOIN hit_types ON hit_types.id = hits.hit_type_id
WHERE assignments.state = 'Approved'
GROUP BY hits.requester_id, assignments.worker_id
"""  # noqa: S608  # nothing in it comes from outside


def upgrade() -> None:
    """Twins, fees, deletion; open the books; and give Amazon's qualification types a row."""
    _twins()
    _work()
    _qualification_types()
    _books()


def _twins() -> None:
    for column in (
        sa.Column("twin_id", sa.String(64)),
        sa.Column("prepaid", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("charged", sa.Boolean(), server_default=sa.false(), nullable=False),
    ):
        op.add_column("requesters", column)
    connection = op.get_bind()
    requesters = sa.table("requesters", *map(sa.column, ("id", "name", "sandbox", "twin_id", "creation_time")))
    taken = set(connection.execute(sa.select(requesters.c.name)).scalars())
    for row in connection.execute(sa.select(requesters).where(requesters.c.sandbox == sa.false())).all():
        twin = "A" + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(13))
        connection.execute(
            sa.insert(requesters).values(
                id=twin,
                name=next(name for name in (f"{row.name} (sandbox)", twin) if name not in taken),
                sandbox=sa.true(),
                creation_time=row.creation_time,
            )
        )
        connection.execute(sa.update(requesters).where(requesters.c.id == row.id).values(twin_id=twin))


def _work() -> None:
    op.add_column("hit_types", sa.Column("deleted_at", sa.BigInteger()))
    op.add_column("hits", sa.Column("layout_id", sa.String(64)))
    op.add_column("hits", sa.Column("fee", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("hits", sa.Column("due", sa.BigInteger()))
    op.create_index("hits_due", "hits", ["due"])
    op.create_index("hits_due_of_one", "hits", ["requester_id", "due"])
    op.create_index("hit_types_group_id", "hit_types", ["group_id"])
    op.add_column("assignments", sa.Column("requester_id", sa.String(64), nullable=False, server_default=sa.text("''")))
    op.execute(_OWNERS)
    op.create_index("assignments_due_of_one", "assignments", ["requester_id", "due"])
    op.create_index("assignments_of_worker", "assignments", ["worker_id", "state"])
    # What expired before is over: nobody waits to be told of it, and no policy is to judge it now.
    lasting = sa.text("UPDATE hits SET due = expiration WHERE disposed_at IS NULL AND expiration > :now")
    op.get_bind().execute(lasting, {"now": int(time.time())})


def _qualification_types() -> None:
    with op.batch_alter_table("qualification_types") as table:
        table.add_column(sa.Column("newest_first", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
        table.add_column(sa.Column("deleted_at", sa.BigInteger()))
        table.alter_column("requester_id", existing_type=sa.String(64), nullable=True)
        table.drop_constraint("qualification_types_requester_id_name_uq", type_="unique")
    op.execute("UPDATE qualification_types SET newest_first = -creation_time")
    with op.batch_alter_table("qualification_types") as table:
        table.alter_column("newest_first", existing_type=sa.BigInteger(), server_default=None)
    for name, columns, unique in (
        ("qualification_types_names", ["requester_id", "name"], True),
        ("qualification_types_listed", ["requester_id", "newest_first", "id"], False),
    ):
        op.create_index(
            name, "qualification_types", columns, unique=unique, sqlite_where=_NAMED, postgresql_where=_NAMED
        )
    kinds = sa.table(
        "qualification_types",
        *map(
            sa.column,
            ("id", "name", "description", "status", "auto_granted", "creation_time", "newest_first"),
        ),
    )
    op.bulk_insert(
        kinds,
        [
            {
                "id": identifier,
                "name": name,
                "description": description,
                "status": "Active",
                "auto_granted": False,
                "creation_time": 0,
                "newest_first": 0,
            }
            for identifier, name, description in _AMAZONS_TYPES
        ],
    )


def _books() -> None:
    connection = op.get_bind()
    now = connection.execute(sa.text("SELECT COALESCE(MAX(creation_time), 0) FROM hits")).scalar_one()
    accounts = sa.table("accounts", *map(sa.column, ("requester_id", "kind", "worker_id", "balance")))
    transfers = sa.table(
        "transfers",
        *map(sa.column, ("requester_id", "time", "reason", "source", "destination", "worker_id", "amount")),
    )
    spent: dict[str, int] = {}
    for row in connection.execute(sa.text(_OPENING)).all():
        if row.amount:
            amount = int(row.amount)
            spent[row.requester_id] = spent.get(row.requester_id, 0) + amount
            names = {"requester_id": row.requester_id, "worker_id": row.worker_id}
            connection.execute(sa.insert(accounts).values(**names, kind=row.kind, balance=amount))
            moved = {"time": now, "reason": "opening", "source": "available", "destination": row.kind}
            connection.execute(sa.insert(transfers).values(**names, **moved, amount=amount))
    for requester_id, amount in spent.items():
        connection.execute(
            sa.insert(accounts).values(requester_id=requester_id, kind="available", worker_id="", balance=-amount)
        )
