"""What the gateway itself must remember durably."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text, text

metadata = MetaData()

usage = Table(
    "usage",
    metadata,
    Column("requester", String, primary_key=True),
    Column("api", String, primary_key=True),
    Column("operation", String, primary_key=True),
    Column("day", String, primary_key=True),
    Column("count", Integer, nullable=False),
)
"""How often a requester (the access key) used an operation of either API on a day (UTC)."""

undertakings = Table(
    "undertakings",
    metadata,
    Column("requester", String, primary_key=True),
    Column("operation", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("plan", Text),
    Column("hit", String),
    Column("request_id", String, nullable=False),
    Column("state", String, nullable=False),
    Column("owed", Boolean, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_at", Float),
    Column("changed_at", Float, nullable=False),
    Index("undertakings_due", "due_at"),
    Index("undertakings_by_subject", "requester", "subject"),
    Index("undertakings_by_state", "state", "requester"),
)
"""What requesters (the account) were promised: composite operations that have been planned (JSON).

`name` tells the undertakings of an operation apart, `kind` is the same of requests that are alike, `subject` is the HIT
or assignment that it is about, and `hit` the HIT that is to be disposed of; `request_id` is that of the request which
began it. `state` is *running* while somebody carries it out, *open* when it has to be gone on with, *waiting* for
others, *stuck* at an error that only the requester can mend, *ended*, or *told* when whoever asked has had the answer.
`owed` says that whoever asked has not, and may ask again. `due_at` is when to go on, by the database's clock.
"""

receptors = Table(
    "receptors",
    metadata,
    Column("requester", String, primary_key=True),
    Column("hit_type", String, primary_key=True),
    Column("specification", Text),
    Column("active", Boolean, nullable=False),
)
"""What a requester (the account) has said by the legacy API of the notifications of a HIT type.

`specification` is one (JSON, as the client gave it) that the modern API cannot have, because it is of a receptor; null
where the upstream has the HIT type's. `active` is whether notifications were last switched on or off.
"""

histories = Table(
    "histories",
    metadata,
    Column("requester", String, primary_key=True),
    Column("deeds", BigInteger, nullable=False),
    Column("cursor", Text),
)
"""Of whom (the account) there is a history. `deeds` counts the writes that went into it; `cursor` is what the upstream
wants to be asked with for HITs that have changed since, null where it cannot say.
"""

history_hits = Table(
    "history_hits",
    metadata,
    Column("requester", String, primary_key=True),
    Column("hit", String, primary_key=True),
    Column("created_at", BigInteger),
    Column("reward", BigInteger),
    Column("status", String),
    Column("most", Integer, nullable=False),
    Column("submitted", Integer, nullable=False),
    Column("completed", Integer, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("disposed_at", BigInteger),
    Column("has_policies", Boolean),
    Column("version", Integer, nullable=False),
    Column("assignments_read", Integer, nullable=False),
    Column("bonuses_read", Integer, nullable=False),
    Column("bonuses_read_at", BigInteger),
    Column("reviews_read", Integer, nullable=False),
    Index("history_hits_by_creation", "requester", "created_at"),
    Index("history_hits_by_disposal", "requester", "disposed_at"),
    Index("history_hits_with_bonuses", "requester", "bonuses_read_at"),
    *(
        Index(name, "requester", "hit", sqlite_where=text(which), postgresql_where=text(which))
        for name, which in (
            ("history_hits_unseen", "status IS NULL"),
            ("history_hits_assignments", "assignments_read < version"),
            ("history_hits_bonuses", "bonuses_read < version"),
            ("history_hits_reviews", "reviews_read < version"),
        )
    ),
)
"""HITs as they were last seen, and for ever: what is disposed of stays.

`status` is null while only writes tell of a HIT. `most` assignments were asked for, of which so many were `submitted`
and undecided, and so many `completed`, which is decided; it is so since `seen_at`. `version` counts up whenever there
may be something new to read about the HIT; `…_read` is the version that has been read, of assignments, of bonuses and
of what review policies found. `has_policies` is null while nobody knows.
"""

history_assignments = Table(
    "history_assignments",
    metadata,
    Column("requester", String, primary_key=True),
    Column("assignment", String, primary_key=True),
    Column("hit", String),
    Column("worker", String),
    Column("status", String),
    Column("decided_at", BigInteger),
    Column("reward", BigInteger),
    Column("sought", Boolean, nullable=False),
    Index("history_assignments_by_decision", "requester", "decided_at"),
    Index("history_assignments_by_worker", "requester", "worker", "decided_at"),
    Index("history_assignments_by_hit", "requester", "hit"),
)
"""Assignments that were handed in. One of which only writes tell has no HIT, and was `sought` if that cannot be found;
its worker, status or reward may be null.
"""

history_bonuses = Table(
    "history_bonuses",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("requester", String, nullable=False),
    Column("assignment", String, nullable=False),
    Column("hit", String),
    Column("worker", String),
    Column("amount", BigInteger, nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    Column("listed", Boolean, nullable=False),
    Index("history_bonuses_by_time", "requester", "granted_at"),
    Index("history_bonuses_by_assignment", "requester", "assignment"),
    Index("history_bonuses_by_hit", "requester", "hit"),
)
"""Bonus payments. Those that are not `listed` were seen to be made, and not yet in any listing."""

history_reviews = Table(
    "history_reviews",
    metadata,
    Column("requester", String, primary_key=True),
    Column("assignment", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("hit", String, nullable=False),
    Column("correct", Integer, nullable=False),
    Column("incorrect", Integer, nullable=False),
    Column("reviewed_at", BigInteger),
    Index("history_reviews_by_hit", "requester", "hit"),
)
"""How many answers of an assignment a review policy last found correct; `kind` is known or plurality."""
