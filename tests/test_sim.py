"""The engine: order, time, cancelling, the end of an instant, random streams."""

from __future__ import annotations

import pytest

from schedlab.sim import Engine, Stuck, pick_index, shuffled


def told() -> tuple[Engine, list[str]]:
    """An engine, and a list that its calls write into."""
    engine, said = Engine(), []
    engine.settle = lambda: said.append(f"settle {engine.now}")
    return engine, said


def test_calls_go_by_time_then_rank_then_order_of_planning():
    engine, said = told()
    for word, when, rank in (("d", 2, 0), ("b", 1, 1), ("a", 1, 0), ("c", 1, 1)):
        engine.at(when, said.append, word, rank)
    engine.run(5)
    assert said == ["a", "b", "c", "settle 1", "d", "settle 2"]
    assert (engine.now, engine.fired) == (5, 4)


def test_an_instant_is_settled_also_when_its_last_call_was_cancelled():
    engine, said = told()
    engine.at(1, said.append, "a")
    engine.cancel(engine.at(1, said.append, "cancelled", 9))
    engine.at(2, said.append, "b")
    engine.run(2)
    assert said == ["a", "settle 1", "b", "settle 2"]


def test_an_instant_of_cancelled_calls_alone_does_not_happen():
    engine, said = told()
    engine.cancel(engine.at(1, said.append, "cancelled"))
    engine.at(3, said.append, "a")
    assert engine.next_due() == 3
    engine.run(2)
    assert (said, engine.now) == ([], 2)


def test_what_settle_plans_for_the_same_instant_is_settled_again():
    engine, said = told()

    def settle() -> None:
        said.append("settle")
        if len(said) < 4:
            engine.at(engine.now, said.append, "again")

    engine.settle = settle
    engine.at(1, said.append, "a")
    engine.run(1)
    assert said == ["a", "settle", "again", "settle"]


def test_run_until_stops_behind_the_instant_at_which_all_has_ended():
    engine, said = told()
    for when in (1, 2, 2, 3):
        engine.at(when, said.append, str(when))
    engine.run_until(lambda: said.count("2") > 0, limit=9)
    assert said == ["1", "settle 1", "2", "2", "settle 2"]
    assert engine.now == 2
    engine.run_until(lambda: True, limit=9)
    assert engine.now == 2, "nothing is called when all has ended before"
    engine.run_until(lambda: False, limit=9)
    assert engine.now == 3, "with nothing left to call, time stands still"


def test_nothing_is_planned_in_the_past():
    engine, _said = told()
    engine.run(10)
    with pytest.raises(ValueError, match="cannot plan a call at 9 ns: it is already 10 ns"):
        engine.at(9, print)


def test_time_that_does_not_move_is_noticed():
    engine, _said = told()

    def again(_arg: object) -> None:
        engine.at(engine.now, again)

    engine.at(1, again)
    with pytest.raises(Stuck, match="time no longer moves"):
        engine.run(2)


def test_an_exception_says_when_it_was_raised():
    engine, _said = told()

    def fails(_arg: object) -> None:
        raise ZeroDivisionError

    engine.at(1_500, fails)
    with pytest.raises(ZeroDivisionError) as caught:
        engine.run(2_000)
    assert "at simulated time 1,500 ns" in caught.value.__notes__[0]


def test_a_stream_depends_on_the_seed_and_its_name_alone():
    one, two = Engine(1), Engine(1)
    two.stream("another").random()
    first = [one.stream("a").random() for _ in range(3)]
    assert first == [two.stream("a").random() for _ in range(3)]
    assert first != [Engine(2).stream("a").random() for _ in range(3)]
    assert first[0] == 0.6881244510893788, "the same in every Python"


def test_order_and_choice_are_drawn_alike_in_every_python():
    assert shuffled(Engine(1).stream("b"), list("abcdef")) == ["b", "f", "e", "d", "a", "c"]
    stream = Engine(1).stream("c")
    assert [pick_index(stream, 3) for _ in range(5)] == [0, 0, 1, 2, 1]
