"""What the HITs of the benchmarks are like: the same in the stub's replies and in a loaded marketplace.

A HIT is number `place` of its token page. `page` and `countdown` are five digits each, the second counting down from
page to page; they are texts, so that the stub can write one page for all and fill them in.
"""

from __future__ import annotations

import string
from random import Random

PAGE = 100
"""HITs on one page of tokens, and on a legacy page."""
DIGITS = 5
"""As many pages as these can count."""
DESCRIPTION = "Look at the picture and tell in one sentence what there is to see, as if to somebody on the telephone."
KEYWORDS = "picture, describe, sentence, English"
ANNOTATION = "batch 0001"
ASSIGNMENT_DURATION = 600
AUTO_APPROVAL_DELAY = 2_592_000

_LAST_COUNTDOWN = 69_999
_random = Random(1)
_STEMS = ["3" + "".join(_random.choices(string.ascii_uppercase, k=29 - DIGITS - 2)) for _ in range(PAGE)]


def page_digits(page: int) -> str:
    """The digits of a page."""
    return f"{page:0{DIGITS}d}"


def countdown_digits(page: int) -> str:
    """The digits that count down; with them the newest HIT stands first, like in real listings."""
    return f"{_LAST_COUNTDOWN - page:0{DIGITS}d}"


def identifier(page: str, place: int) -> str:
    """A HITId, whose order has nothing to do with that of the listing."""
    return f"{_STEMS[place]}{page}{place:02d}"


def title(page: str, place: int) -> str:
    """A title that no other HIT has; sorted by it, HITs of all pages mix."""
    return f"{place * 37 % PAGE:02d} Describe the picture {page}{place:02d}"


def reward(place: int) -> str:
    """An amount that many HITs share."""
    return f"0.{1 + place * 7 % 99:02d}"


def created(countdown: str, place: int) -> str:
    """The epoch seconds of the creation, in the past; ten seconds lie between two HITs."""
    return f"17{countdown}{PAGE - 1 - place:02d}0"


def expires(countdown: str, place: int) -> str:
    """The epoch seconds of the expiration, in the future."""
    return f"18{countdown}{PAGE - 1 - place:02d}0"
