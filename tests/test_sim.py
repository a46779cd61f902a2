"""The engine: the order of calls, tickets, private random streams."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.sim import Engine, Stuck, shuffled


def test_calls_come_in_the_order_of_time_rank_and_planning():
    engine = Engine()
    seen: list[Any] = []
    for when, rank, name in ((20, 0, "e"), (10, 5, "c"), (10, 0, "a"), (10, 5, "d"), (10, 0, "b")):
        engine.at(when, seen.append, name, rank)
    engine.run(30)
    assert seen == ["a", "b", "c", "d", "e"]
    assert engine.now == 30


def test_a_call_in_the_past_is_refused():
    engine = Engine()
    engine.run(10)
    with pytest.raises(ValueError, match="cannot plan a call at 9 ns: it is already 10 ns"):
        engine.at(9, print)


def test_a_cancelled_call_is_not_made():
    engine = Engine()
    seen: list[Any] = []
    ticket = engine.at(5, seen.append, "no")
    engine.at(5, seen.append, "yes")
    engine.cancel(ticket)
    assert engine.next_due() == 5
    engine.run(9)
    assert seen == ["yes"]
    assert engine.next_due() is None


def test_a_run_can_go_on_later():
    engine = Engine()
    seen: list[Any] = []
    engine.at(5, seen.append, 5)
    engine.at(15, seen.append, 15)
    engine.run(10)
    assert seen == [5]
    engine.run(20)
    assert seen == [5, 15]


def test_settle_is_called_once_at_the_end_of_an_instant():
    engine = Engine()
    seen: list[Any] = []
    engine.settle = lambda: seen.append(("settled", engine.now))

    def plan(_: Any) -> None:
        engine.at(5, seen.append, "planned on the spot")

    engine.at(5, plan)
    engine.at(5, seen.append, "planned before")
    engine.at(7, seen.append, "later")
    engine.run(9)
    assert seen == ["planned before", "planned on the spot", ("settled", 5), "later", ("settled", 7)]


def test_calls_that_plan_each_other_without_time_are_told():
    engine = Engine()

    def again(_):
        engine.at(engine.now, again)

    engine.at(3, again)
    with pytest.raises(Stuck, match="100000 calls at one instant: time no longer moves"):
        engine.run(10)


def test_an_exception_says_when_and_in_which_call():
    engine = Engine()

    def fails(_: Any) -> None:
        raise ZeroDivisionError

    engine.at(1_500, fails)
    with pytest.raises(ZeroDivisionError) as caught:
        engine.run(2_000)
    assert "at simulated time 1,500 ns, in " in caught.value.__notes__[0]


def test_a_stream_belongs_to_its_name_and_seed():
    first, same, other = Engine(7), Engine(7), Engine(8)
    drawn = [first.stream("a").random() for _ in range(3)]
    same.stream("b").random()  # another consumer does not disturb
    assert [same.stream("a").random() for _ in range(3)] == drawn
    assert [other.stream("a").random() for _ in range(3)] != drawn
    assert first.stream("b").random() != drawn[0]


def test_shuffling_keeps_the_items():
    stream = Engine(3).stream("order")
    assert sorted(shuffled(stream, [1, 2, 3, 4, 5])) == [1, 2, 3, 4, 5]
