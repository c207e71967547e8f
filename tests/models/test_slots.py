"""How many calls a server gets at once, against servers that are simulated: time goes on where a reply comes."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from functools import partial

import pytest

from lvqa.models.served.slots import Fate, Slots, side_by_side


class World:
    """Callers who ask without end, and a server that works on `at_once` of their calls, `each_s` seconds each."""

    def __init__(self, most: int, each_s: float, at_once: int, timeout_s: float = 120.0) -> None:
        self.now_s = 0.0
        self.slots = Slots(most, timeout_s, lambda: self.now_s)
        self.each_s, self.timeout_s = each_s, timeout_s
        self.refuses: Callable[[int], bool] = lambda under_way: False
        self.fates: list[Fate] = []
        self.limits: list[int] = []
        self._free_s = [0.0] * at_once
        self._under_way: list[tuple[float, float, Fate]] = []

    def run(self, until_s: float) -> None:
        while self.now_s < until_s:
            while len(self._under_way) < self.slots.limit:
                heapq.heappush(self._under_way, self._sent(self.slots.take()))
            self.now_s, taken_s, fate = heapq.heappop(self._under_way)
            self.slots.give(taken_s, fate)
            self.fates.append(fate)
            self.limits.append(self.slots.limit)

    def _sent(self, taken_s: float) -> tuple[float, float, Fate]:
        if self.refuses(len(self._under_way)):
            return self.now_s + 0.05, taken_s, "refused"
        done_s = max(self.now_s, heapq.heappop(self._free_s)) + self.each_s
        heapq.heappush(self._free_s, done_s)
        if done_s > self.now_s + self.timeout_s:
            return self.now_s + self.timeout_s, taken_s, "late"
        return done_s, taken_s, "answered"


@pytest.mark.parametrize("each_s", [0.05, 0.2, 3.0])
def test_a_server_that_batches_is_filled(each_s: float) -> None:
    world = World(64, each_s, 256)
    world.run(20 * each_s)
    assert world.slots.limit == 64
    assert set(world.fates) == {"answered"}


@pytest.mark.parametrize(("each_s", "at_once"), [(0.2, 1), (5, 1), (20, 1), (5, 4)])
def test_a_server_that_answers_one_after_the_other_is_not_flooded(each_s: float, at_once: int) -> None:
    world = World(64, each_s, at_once)
    world.run(1000 * each_s)
    assert set(world.fates) == {"answered"}
    assert max(world.limits) <= 8 * at_once
    assert sum(world.limits) / len(world.limits) < 6 * at_once


def test_it_gives_less_where_replies_are_late() -> None:
    world = World(64, 50.0, 1)
    world.run(20_000)
    assert world.fates.count("late") <= 8
    assert set(world.fates[20:]) == {"answered"}


def test_a_server_that_takes_so_many_gets_about_so_many() -> None:
    world = World(64, 0.2, 256)
    world.refuses = lambda under_way: under_way >= 20
    world.run(60)
    late = world.limits[len(world.limits) // 2 :]
    assert 8 <= sum(late) / len(late) <= 28
    assert world.fates.count("answered") / 60 > 0.4 * 20 / 0.2


def test_it_comes_back_after_an_outage() -> None:
    world = World(64, 0.2, 256)
    world.refuses = lambda under_way: 5 <= world.now_s < 35
    world.run(5)
    assert world.slots.limit == 64
    world.run(35)
    assert world.slots.limit <= 2
    world.run(60)
    assert world.slots.limit == 64


def test_a_few_refusals_are_no_reason() -> None:
    world = World(64, 0.2, 256)
    sent = iter(range(10**9))
    world.refuses = lambda under_way: next(sent) % 20 == 0
    world.run(30)
    late = world.limits[len(world.limits) // 2 :]
    assert sum(late) / len(late) > 0.8 * 64


def test_where_callers_are_few_the_limit_stays() -> None:
    now_s = 0.0
    slots = Slots(64, clock=lambda: now_s)
    for _ in range(1000):
        taken_s = slots.take()
        now_s += 1
        assert slots.give(taken_s, "answered") is False
    assert slots.limit == 4


@pytest.mark.parametrize("at_once", [1, 3, 50])
def test_side_by_side_keeps_order_and_errors_keep_their_place(at_once: int) -> None:
    def half(number: int) -> float:
        return 12 / (6 - number)

    assert list(side_by_side([partial(half, n) for n in range(6)], at_once)) == [2, 2.4, 3, 4, 6, 12]
    results = side_by_side([partial(half, n) for n in range(9)], at_once)
    assert [next(results) for _ in range(6)] == [2, 2.4, 3, 4, 6, 12]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert list(side_by_side([], at_once)) == []


def test_so_many_calls_are_under_way_and_those_that_were_begun_end() -> None:
    met, begun, stopped = threading.Barrier(3), [], threading.Event()

    def call(number: int) -> int:
        begun.append(number)
        met.wait(60)
        return number

    results = side_by_side([partial(call, n) for n in range(9)], 3, stopped.is_set)
    assert next(results) == 0
    stopped.set()
    assert list(results) == [1, 2]
    assert sorted(begun) == [0, 1, 2]
