"""Mutexes and priority inheritance, one behaviour each, worked out from kernel/locking/rtmutex.c and kernel/futex.c."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab import goals, laws
from schedlab.linux.task import lock, run, unlock
from schedlab.scenario import Scenario, ScenarioError
from schedlab.sim import MS
from tests.linux.scene import turns

KERNELS = pytest.mark.parametrize("scheduler", ["o(n)", "o1", "linux-5.15", "linux-6.12"])


def rt(name: str, priority: int, *does: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "class": "fifo", "rt_priority": priority, "does": list(does), **more}


def critical(mutex: str, ms: int) -> list[dict[str, Any]]:
    return [{"lock": mutex}, {"run": f"{ms}ms"}, {"unlock": mutex}]


LOW = rt("low", 10, *critical("m", 10), {"run": "2ms"})
MID = rt("mid", 50, {"run": "100ms"}, start="4ms")
HIGH = rt("high", 90, {"run": "1ms"}, *critical("m", 1), start="2ms")


def told(trace: Any, *kinds: str) -> list[str]:
    """The rows of these kinds, with their time in ms."""
    return [
        f"{trace.time[i] / MS:g} {trace.sentence(i)}"
        for i in range(len(trace))
        if trace.kinds[trace.kind[i]].name in kinds
    ]


@KERNELS
def test_without_inheritance_the_urgent_task_waits_for_one_that_has_nothing_to_do_with_it(scheduler):
    trace = Scenario(scheduler, [LOW, MID, HIGH]).run()
    assert goals.completions(trace)["high"] == 112 * MS
    assert turns(trace) == [
        ("low", 0, 2), ("high", 2, 3), ("low", 3, 4), ("mid", 4, 104), ("low", 104, 111), ("high", 111, 112),
        ("low", 112, 114),
    ]  # fmt: skip


@KERNELS
def test_with_inheritance_it_waits_for_the_owner_alone(scheduler):
    trace = Scenario(scheduler, [LOW, MID, HIGH], machine={"inherit": True}).run()
    assert goals.completions(trace)["high"] == 12 * MS
    assert turns(trace) == [
        ("low", 0, 2),
        ("high", 2, 3),
        ("low", 3, 11),
        ("high", 11, 12),
        ("mid", 12, 112),
        ("low", 112, 114),
    ]
    assert told(trace, "inherits", "own_again") == [
        "3 low inherits the real-time priority 90 of high", "11 low has its own priority again",
    ]  # fmt: skip


@pytest.mark.parametrize("scheduler", ["linux-5.15", "linux-6.12"])
def test_a_fair_task_becomes_a_real_time_task_for_as_long_as_it_is_waited_for(scheduler):
    tasks = [
        {"name": "fair", "nice": 19, "does": [*critical("m", 10), {"run": "5ms"}]},
        {"name": "hog", "nice": -20, "start": "1ms"},
        rt("high", 90, {"sleep": "2ms"}, *critical("m", 1)),
    ]
    trace = Scenario(scheduler, tasks, until="40ms", machine={"inherit": True}).run()
    done = goals.completions(trace)["high"]
    assert done <= 12 * MS
    assert not [turn for turn in turns(trace) if turn[0] == "hog" and 2 <= turn[1] < done / MS]
    assert laws.check(trace) == []


def test_the_priority_goes_on_along_a_chain():
    """c waits for b, who waits for a: a runs for c."""
    tasks = [
        rt("a", 1, *critical("one", 10)),
        rt("b", 2, {"sleep": "1ms"}, {"lock": "two"}, *critical("one", 3), {"unlock": "two"}),
        rt("mid", 50, {"sleep": "5ms"}, {"run": "50ms"}),
        rt("c", 90, {"sleep": "3ms"}, *critical("two", 1)),
    ]
    trace = Scenario("linux-6.12", tasks, machine={"inherit": True}).run()
    assert told(trace, "inherits") == [
        "1 a inherits the real-time priority 2 of b",
        "3 b inherits the real-time priority 90 of c",
        "3 a inherits the real-time priority 90 of b",
    ]
    assert goals.completions(trace)["c"] == 14 * MS
    assert goals.completions(trace)["mid"] == 64 * MS


def test_the_best_of_several_who_wait_counts_and_what_is_left_when_it_is_gone():
    tasks = [
        rt("low", 1, {"lock": "m"}, {"lock": "n"}, {"run": "10ms"}, {"unlock": "n"}, {"run": "10ms"}, {"unlock": "m"}),
        rt("x", 20, {"sleep": "1ms"}, *critical("m", 1)),
        rt("y", 60, {"sleep": "2ms"}, *critical("n", 1)),
    ]
    trace = Scenario("linux-6.12", tasks, machine={"inherit": True}).run()
    assert told(trace, "inherits", "own_again") == [
        "1 low inherits the real-time priority 20 of x",
        "2 low inherits the real-time priority 60 of y",
        "10 low inherits the real-time priority 20 of x",
        "21 low has its own priority again",
    ]


@pytest.mark.parametrize("inherit", [False, True])
def test_who_waits_is_served_by_real_time_priority_and_else_in_order(inherit):
    tasks = [
        {"name": "owner", "does": critical("m", 20)},
        *({"name": f"fair{i}", "start": f"{i + 1}ms", "does": critical("m", 1)} for i in range(3)),
        rt("late", 5, *critical("m", 1), start="9ms"),
        rt("later", 7, *critical("m", 1), start="10ms"),
    ]
    trace = Scenario("linux-6.12", tasks, machine={"inherit": inherit}).run()
    assert [line.split()[1] for line in told(trace, "takes")] == ["owner", "later", "late", "fair0", "fair1", "fair2"]


def test_without_inheritance_somebody_quicker_may_take_it_first():
    """The mutex is free when it is let go: who was woken tries again, and waits again."""
    again = [{"lock": "m"}, {"run": "5ms"}, {"unlock": "m"}]
    tasks = [{"name": "greedy", "does": [*again, *again]}, {"name": "shy", "does": [{"run": "1ms"}, *again]}]
    trace = Scenario("v0.01", tasks).run()
    takes = [line.split()[1] for line in told(trace, "takes")]
    assert sorted(takes) == ["greedy", "greedy", "shy"]
    assert laws.check(trace) == []


def test_a_child_does_not_inherit_what_is_only_lent():
    forks = rt(
        "low", 10, {"lock": "m"}, {"run": "5ms"}, {"fork": {"name": "child", "does": [{"run": "1ms"}]}}, {"unlock": "m"}
    )
    trace = Scenario("linux-6.12", [forks, MID, HIGH], machine={"inherit": True}).run()
    assert goals.completions(trace)["child"] > goals.completions(trace)["mid"]


def test_who_changes_its_class_while_it_has_inherited_has_it_afterwards():
    events = [{"at": "5ms", "setscheduler": {"task": "low", "class": "fifo", "rt_priority": 60}}]
    trace = Scenario("linux-6.12", [LOW, MID, HIGH], machine={"inherit": True}, events=events).run()
    assert goals.completions(trace) == {"high": 12 * MS, "low": 14 * MS, "mid": 114 * MS}


def test_who_waits_and_becomes_more_urgent_lends_that():
    events = [{"at": "6ms", "setscheduler": {"task": "high", "class": "fifo", "rt_priority": 95}}]
    trace = Scenario("linux-6.12", [LOW, HIGH], machine={"inherit": True}, events=events).run()
    assert told(trace, "inherits")[-1] == "6 low inherits the real-time priority 95 of high"


@pytest.mark.parametrize("kill", ["low", "high"])
def test_the_dead_neither_have_nor_wait(kill):
    events = [{"at": "6ms", "kill": kill}]
    trace = Scenario("linux-6.12", [LOW, MID, HIGH], machine={"inherit": True}, events=events).run()
    assert laws.check(trace) == []
    assert len(trace.table("exit")) + len(trace.table("kill")) == 3
    if kill == "high":
        assert "6 low has its own priority again" in told(trace, "own_again")


def test_the_kernel_refuses_a_circle():
    one = [{"lock": "a"}, {"run": "2ms"}, {"lock": "b"}]
    two = [{"lock": "b"}, {"run": "2ms"}, {"lock": "a"}]
    tasks = [rt("x", 5, *one), rt("y", 6, *two, start="1ms")]
    with pytest.raises(ScenarioError, match=r"at 4 ms: x would wait for itself: .* \(EDEADLK\)"):
        Scenario("linux-6.12", tasks, machine={"inherit": True}).run()
    stuck = Scenario("linux-6.12", tasks, until="1s").run()
    assert stuck.table("exit") == []
    assert stuck.at(stuck.end).state["running"] == [-1]


def test_only_the_owner_can_let_go():
    with pytest.raises(ScenarioError, match=r"at 0 ns: a does not have the mutex 'm' \(EPERM\)"):
        Scenario("o1", [{"name": "a", "does": [{"unlock": "m"}]}]).run()


def test_deadline_tasks_have_no_mutexes_here():
    task = {"name": "d", "class": "deadline", "runtime": "2ms", "period": "10ms", "does": critical("m", 1)}
    with pytest.raises(ScenarioError, match="mutexes of deadline tasks are not modelled"):
        Scenario("linux-6.12", [task]).run()


def test_steps_of_python_are_the_same():
    given = Scenario("o1", [{"name": "a", "does": [lock("m"), run(5 * MS), unlock("m")]}]).run()
    assert given.digest() == Scenario("o1", [{"name": "a", "does": critical("m", 5)}]).run().digest()
    with pytest.raises(ScenarioError, match="the name of a mutex is a text"):
        Scenario("o1", [{"does": [lock(5)]}])  # type: ignore[arg-type]  # as a student might


def test_inherit_is_yes_or_no():
    with pytest.raises(ScenarioError, match=r"machine\.inherit: true or false, not 'yes'"):
        Scenario("o1", [LOW], machine={"inherit": "yes"})
