"""Identifiers in Amazon's forms, unguessable because an AssignmentId alone lets a page submit an assignment."""

from __future__ import annotations

import secrets
import string

_ALPHABET = string.ascii_uppercase + string.digits


def _random(length: int) -> str:
    # One large number costs a tenth of as many small ones.
    number = secrets.randbelow(len(_ALPHABET) ** length)
    characters = []
    for _ in range(length):
        number, position = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[position])
    return "".join(characters)


def new_entity_id() -> str:
    """An id of a HIT, HIT type, HIT group, assignment or qualification type.

    30 characters beginning with 3, among them a letter: two old Ruby clients read digits as a number (modern-mturk 2).
    """
    while True:
        candidate = "3" + _random(29)
        if not candidate.isdigit():
            return candidate


def new_requester_id() -> str:
    """A CustomerId, 14 characters beginning with A."""
    return "A" + _random(13)


def new_access_key() -> str:
    """An access key in the form that AWS gives to long-term keys."""
    return "AKIA" + _random(16)


def new_secret() -> str:
    """A secret access key: 40 characters, 240 random bits."""
    return secrets.token_urlsafe(30)
