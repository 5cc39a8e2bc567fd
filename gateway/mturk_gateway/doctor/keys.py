"""Requesters' keys: those of the credentials file against those that the marketplace knows."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence

from mturk_gateway.credentials import DEMO, CredentialsError, Requester, read_profiles
from mturk_gateway.doctor.findings import Finding, ok, problem, warning
from mturk_gateway.doctor.reading import UnreadableError, reading
from mturk_gateway.settings import Settings

_KEYS = "SELECT access_key, secret, name FROM access_keys JOIN requesters ON requesters.id = requester_id"


def check_keys(settings: Settings) -> Iterator[Finding]:
    """Whether whoever has keys can use them. Secrets are compared, and never told."""
    try:
        profiles = read_profiles(settings.keys)
    except CredentialsError as error:
        yield problem(f"nobody can be told apart: {error}", "mend the file; each profile has two lines with its keys")
        return
    if not profiles:
        add = (
            f"mturk-gateway requester add NAME --data {settings.data}"
            if settings.embedded
            else f"put profiles with keys into {settings.keys}"
        )
        yield warning(f"{settings.keys} has no requester, so every request is refused", add)
        return
    for key, count in Counter(profile.access_key for profile in profiles).items():
        if count > 1:
            names = ", ".join(profile.profile for profile in profiles if profile.access_key == key)
            yield warning(
                f"the key {key} stands in several profiles ({names}); the first counts", "take it out of others"
            )
    if settings.exposed and any(profile.profile == DEMO for profile in profiles):
        yield warning(
            "the demonstration requester is in the credentials file; it is refused where other machines reach us",
            f"take the profile [{DEMO}] out of {settings.keys}",
        )
    if settings.embedded:
        yield from _against_marketplace(settings, profiles)
    sandboxed = sum(profile.sandbox for profile in profiles)
    yield ok(f"{len(profiles)} with keys in {settings.keys}, {sandboxed} of them in the sandbox only")


def _against_marketplace(settings: Settings, profiles: Sequence[Requester]) -> Iterator[Finding]:
    path = settings.data / "marketplace.db"
    if not path.exists():
        return
    try:
        with reading(path) as connection:
            rows = connection.execute(_KEYS).fetchall()
    except (UnreadableError, sqlite3.Error):
        # The check of the databases says so.
        return
    known = {key: secret for key, secret, _ in rows}
    owners = {key: owner for key, _, owner in rows}
    for profile in profiles:
        if profile.access_key not in known:
            yield problem(
                f"the marketplace does not know the key {profile.access_key} of [{profile.profile}]: its requests fail",
                f"mturk-gateway requester import {settings.keys} --profile '{profile.profile}' --data {settings.data}",
            )
        elif known[profile.access_key] != profile.secret:
            yield problem(
                f"the secret of [{profile.profile}] is another one in the marketplace: its requests fail",
                f"mturk-gateway requester import {settings.keys} --profile '{profile.profile}' --data {settings.data}",
            )
    for key in sorted(known.keys() - {profile.access_key for profile in profiles}):
        yield warning(
            f"the key {key} of {owners[key]!r} is in the marketplace and not in {settings.keys}: it is refused",
            f"mturk-gateway requester rotate '{owners[key]}' --data {settings.data}",
        )
