"""The state of the marketplace. Times are epoch seconds; documents are text in the form given."""

from __future__ import annotations

from mturk_gateway.marketplace.tables.base import metadata, next_change
from mturk_gateway.marketplace.tables.money import accounts, bonuses, transfers
from mturk_gateway.marketplace.tables.people import (
    access_keys,
    messages,
    requesters,
    server_secrets,
    worker_blocks,
    workers,
)
from mturk_gateway.marketplace.tables.qualifying import qualification_requests, qualification_types, qualifications
from mturk_gateway.marketplace.tables.telling import events, notification_settings
from mturk_gateway.marketplace.tables.work import (
    assignments,
    hit_layouts,
    hit_type_qualifications,
    hit_types,
    hits,
    request_tokens,
    review_records,
    uploaded_files,
)

__all__ = [
    "access_keys",
    "accounts",
    "assignments",
    "bonuses",
    "events",
    "hit_layouts",
    "hit_type_qualifications",
    "hit_types",
    "hits",
    "messages",
    "metadata",
    "next_change",
    "notification_settings",
    "qualification_requests",
    "qualification_types",
    "qualifications",
    "request_tokens",
    "requesters",
    "review_records",
    "server_secrets",
    "transfers",
    "uploaded_files",
    "worker_blocks",
    "workers",
]
