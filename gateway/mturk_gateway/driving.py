"""Drives the steps of flows: makes the calls that they yield, and sends them what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from mturk_translators.call import Reply
from mturk_translators.faults import ModernError

Asked = TypeVar("Asked")
Outcome = TypeVar("Outcome")


def drive(steps: Generator[Asked, Reply, Outcome], answer: Callable[[Asked], Reply]) -> Outcome:
    """What the steps return, with `answer` making each call. Blocks as long as the calls do.

    A failed call is thrown into the steps; raises ModernError if they do not handle it, and what they raise themselves.
    """
    try:
        call = next(steps)
        while True:
            try:
                reply = answer(call)
            except ModernError as error:
                call = steps.throw(error)
            else:
                call = steps.send(reply)
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome
