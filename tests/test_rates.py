"""How often somebody may ask, and how long who fails waits."""

from __future__ import annotations

import asyncio
import multiprocessing
import operator

import pytest

from mturk_gateway.edge.failures import Failures
from mturk_gateway.edge.rates import Memory, Rate


class Time:
    """A clock that stands still until somebody sleeps."""

    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def rate(time):
    memory = Memory.own()
    return Rate(memory.keys, memory.salt, 2.0, time)


def admitted(rate, who, number):
    return sum(rate.admit(who) == 0 for _ in range(number))


def test_ten_seconds_worth_come_at_once_and_then_so_many_a_second(rate, time):
    assert admitted(rate, "lab", 100) == 20
    time.now += 3
    assert admitted(rate, "lab", 100) == 6
    time.now += 1000
    assert admitted(rate, "lab", 100) == 20


def test_after_the_wait_that_was_told_a_request_is_let_through(rate, time):
    admitted(rate, "lab", 20)
    wait = rate.admit("lab")

    assert 0 < wait <= 0.5
    time.now += wait
    assert rate.admit("lab") == 0
    assert rate.admit("lab") > 0


def test_one_who_asks_too_much_is_in_nobody_elses_way(rate):
    admitted(rate, "lab", 1000)

    assert admitted(rate, "others", 10) == 10


def test_a_rate_below_one_in_ten_seconds_still_lets_one_through(time):
    memory = Memory.own()
    rate = Rate(memory.keys, memory.salt, 0.01, time)

    assert admitted(rate, "lab", 5) == 1
    time.now += 100
    assert admitted(rate, "lab", 5) == 1


def test_a_batch_counts_as_what_it_carries_and_is_never_too_large_to_begin(rate, time):
    assert rate.admit("lab", 100) == 0
    time.now += 40
    assert rate.admit("lab") > 0
    time.now += 1
    assert rate.admit("lab") == 0


def test_thousands_of_strangers_hold_back_few_others(rate):
    for stranger in range(1000):
        rate.charge(f"stranger-{stranger}", 20)
    held_back = sum(rate.wait(f"honest-{number}") > 0 for number in range(1000))

    assert held_back < 60


def test_processes_count_together(time):
    """What one of them writes, of whomever, the others see."""
    memory = Memory.shared()
    rate = Rate(memory.keys, memory.salt, 2.0, time)
    admitted(rate, "lab", 20)
    assert rate.wait("lab") > 0
    nothing = (memory.keys, slice(None), [0.0] * len(memory.keys))
    process = multiprocessing.get_context("spawn").Process(target=operator.setitem, args=nothing)
    process.start()
    process.join()

    assert rate.wait("lab") == 0


@pytest.fixture
def failures(time):
    memory = Memory.own()
    return Failures(memory.failures, memory.salt, time, time.sleep)


def waits(failures, time, who, number):
    """How long each of so many failures took, one after the other."""

    async def one():
        before = time.now
        assert await failures.wait(who)
        return time.now - before

    return [asyncio.run(one()) for _ in range(number)]


def test_the_first_failures_are_told_at_once_and_later_ones_ever_later(failures, time):
    taken = waits(failures, time, "192.0.2.1", 14)

    assert taken[:10] == [0] * 10
    assert taken[10:] == sorted(taken[10:])
    assert 0 < taken[10] < taken[13] < 2


def test_one_who_fails_again_and_again_comes_to_wait_some_seconds_and_no_longer(failures, time):
    taken = waits(failures, time, "192.0.2.1", 300)

    assert 3 <= taken[-1] <= 5
    assert max(taken) <= 5


def test_failures_of_one_address_do_not_delay_those_of_another(failures, time):
    waits(failures, time, "192.0.2.1", 50)

    assert waits(failures, time, "192.0.2.2", 5) == [0] * 5


def test_failures_are_forgiven(failures, time):
    waits(failures, time, "192.0.2.1", 50)
    time.now += 300

    assert waits(failures, time, "192.0.2.1", 5) == [0] * 5


def test_of_one_address_few_wait_at_a_time_however_many_it_sends(time):
    """What waits costs memory, and a connection."""
    memory, never = Memory.own(), asyncio.Event()
    failures = Failures(memory.failures, memory.salt, time, lambda _: never.wait())

    async def flood():
        tries = [asyncio.create_task(failures.wait("192.0.2.1")) for _ in range(1000)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        answered = [task.result() for task in tries if task.done()]
        for task in tries:
            task.cancel()
        return len(tries) - len(answered), answered.count(False)

    waiting, refused = asyncio.run(flood())

    assert waiting <= 40
    assert refused >= 950


def test_of_all_addresses_together_a_bounded_number_waits(time):
    memory, never = Memory.own(), asyncio.Event()
    failures = Failures(memory.failures, memory.salt, time, lambda _: never.wait())

    async def flood():
        tries = [asyncio.create_task(failures.wait(f"192.0.2.{number % 250}")) for number in range(10_000)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting = sum(not task.done() for task in tries)
        for task in tries:
            task.cancel()
        await asyncio.gather(*tries, return_exceptions=True)
        # Those who have gone make room.
        again = asyncio.create_task(failures.wait("192.0.2.251"))
        await asyncio.sleep(0)
        return waiting, again.done() and again.result()

    assert asyncio.run(flood()) == (500, True)
