"""Linux 0.01, one behaviour each. Numbers are worked out from its kernel/sched.c and kernel/fork.c: a tick is 10 ms."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.linux.task import alarm, disk, exit_, fork, run, sleep, system
from schedlab.linux.v001 import V001
from schedlab.scenario import Scenario, ScenarioError
from schedlab.sim import MS
from tests.linux.scene import machine_of, ran, ran_in, rows_of, task_of, trace_of

ASLEEP = {"does": [sleep()]}


def counters(policy: V001) -> list[int]:
    return [task.counter for task in policy.slots if task is not None]


def test_a_task_runs_fifteen_ticks():
    assert ran_in("v0.01", [{"name": "a"}, {"name": "b"}], "450ms") == [("b", 0, 150), ("a", 150, 300), ("b", 300, 450)]


def test_equal_counters_go_from_the_highest_slot_down_and_over_again():
    tasks = [{"name": f"slot{slot}"} for slot in (1, 2, 3)]
    assert ran_in("v0.01", tasks, "600ms") == [
        ("slot3", 0, 150), ("slot2", 150, 300), ("slot1", 300, 450), ("slot3", 450, 600),
    ]  # fmt: skip


def test_priority_is_share():
    """Priorities 15 and 5 (nice 10): 3 to 1."""
    turns = ran_in("v0.01", [{"name": "slot1"}, {"name": "slot2", "nice": 10}], "400ms")
    assert turns == [("slot1", 0, 150), ("slot2", 150, 200), ("slot1", 200, 350), ("slot2", 350, 400)]


@pytest.mark.parametrize(("nice", "saved"), [(0, [15, 22, 26, 28, 29, 29]), (10, [5, 7, 8, 9, 9, 9])])
def test_a_sleeper_saves_up_to_twice_its_priority_less_one(nice, saved):
    policy = V001()
    machine = machine_of(policy, {"hog": {}, "sleeper": {"nice": nice, **ASLEEP}})
    got = []
    for refill in range(6):
        ran(machine, 150 * refill)
        got.append(task_of(machine, "sleeper").counter)
    assert got == saved


def test_the_dead_are_refilled_until_they_are_collected():
    policy = V001()
    shell = {"does": [fork("child", lambda: [run(1 * MS), exit_()]), run()]}
    machine = machine_of(policy, {"shell": shell})
    ran(machine, 150.5)  # the shell has used its quantum up
    assert counters(policy) == [0, 15]
    ran(machine, 151)  # the child is dead, and nobody who is runnable has ticks left
    assert counters(policy) == [15, 22]


def test_nobody_is_refilled_while_somebody_has_ticks_left():
    policy = V001()
    machine = machine_of(policy, {"a": {}, "b": {}})
    ran(machine, 290)
    assert counters(policy) == [1, 0]
    ran(machine, 300)
    assert counters(policy) == [15, 15]


def test_nobody_is_refilled_while_nobody_is_runnable():
    policy = V001()
    machine = machine_of(policy, {"a": {"does": [run(150 * MS), sleep()]}})
    ran(machine, 900)
    assert counters(policy) == [15]  # refilled once, at 150 ms, before it slept


def test_waking_up_interrupts_nobody_however_large_the_counter():
    tasks = [{"name": "hog"}, {"name": "sleeper", "does": [{"sleep": "460ms"}, {"run": "5ms"}]}]
    assert ran_in("v0.01", tasks, "700ms") == [("hog", 0, 600), ("sleeper", 600, 605), ("hog", 605, 700)]


def test_who_wakes_on_an_idle_cpu_runs_at_once():
    tasks = [{"name": "a", "does": [{"sleep": "33ms"}, {"run": "4ms"}]}]
    assert ran_in("v0.01", tasks, "50ms") == [("a", 33, 37)]


def test_a_child_has_a_whole_quantum_and_its_parent_keeps_what_it_has():
    policy = V001()
    parent = {"does": [run(35 * MS), fork("child", lambda: [run()]), run()]}
    machine = machine_of(policy, {"parent": parent})
    turns = ran(machine, 36)
    assert counters(policy) == [12, 15]
    assert turns == [("parent", 0, 36)]  # no choice at a fork
    assert ran(machine, 450) == [("parent", 0, 150), ("child", 150, 450)]


def test_a_new_task_takes_the_lowest_free_slot():
    policy = V001()
    machine = machine_of(policy, {"one": {}, "two": {"does": [run(1 * MS)]}, "three": {"does": [sleep()]}})
    ran(machine, 2)
    assert policy.slots[2] is None
    late = machine.create("late", [run()])
    assert late is not None
    assert late.slot == 2


def test_nice_takes_ticks_off_the_priority_and_leaves_the_counter():
    policy = V001()
    machine = machine_of(policy, {"a": {}})
    task = task_of(machine, "a")
    machine.renice(task, 14)
    assert (task.priority, task.counter) == (1, 15)
    machine.renice(task, -6)
    assert (task.priority, task.counter) == (21, 15)


def test_nice_is_silently_refused_when_nothing_would_be_left():
    policy = V001()
    machine = machine_of(policy, {"a": {}})
    machine.renice(task_of(machine, "a"), 15)
    assert task_of(machine, "a").priority == 15


def test_a_quantum_that_ends_inside_the_kernel_ends_with_the_call():
    does = [{"run": "140ms"}, {"system": "40ms"}, {"run": "forever"}]
    assert ran_in("v0.01", [{"name": "a"}, {"name": "b", "does": does}], "330ms") == [("b", 0, 180), ("a", 180, 330)]


def test_a_quantum_that_ends_outside_the_kernel_ends_at_the_tick():
    does = [{"system": "140ms"}, {"run": "forever"}]
    assert ran_in("v0.01", [{"name": "a"}, {"name": "b", "does": does}], "300ms") == [("b", 0, 150), ("a", 150, 300)]


def test_a_call_with_ticks_left_ends_without_a_choice():
    machine = machine_of(V001(), {"a": {}, "b": {"does": [system(50 * MS), run()]}})
    ran(machine, 100)
    assert rows_of(trace_of(machine), "keep") == []


def test_an_alarm_rings_at_the_first_choice_after_its_jiffy():
    """Asked for in 50 ms at jiffy 0, so for jiffy 5; idle chooses at each tick, and 5 < 5 is false at 50 ms."""
    machine = machine_of(V001(), {"a": {"does": [run(1 * MS), alarm(50 * MS), sleep(), run(1 * MS)]}})
    assert ran(machine, 100) == [("a", 0, 1), ("a", 60, 61)]
    assert rows_of(trace_of(machine), "signal") == [(60, "a")]


def test_an_alarm_waits_for_the_end_of_a_quantum():
    waits = {"does": [run(1 * MS), alarm(50 * MS), sleep(), run(1 * MS)]}
    machine = machine_of(V001(), {"hog": {}, "a": waits})
    assert ran(machine, 160) == [("a", 0, 1), ("hog", 1, 150), ("a", 150, 151), ("hog", 151, 160)]


def test_a_signal_does_not_end_a_wait_for_the_disk():
    machine = machine_of(V001(), {"a": {"does": [alarm(20 * MS), disk(100 * MS), run(1 * MS)]}})
    assert ran(machine, 150) == [("a", 100, 101)]


def test_who_always_sleeps_at_the_tick_is_never_charged():
    does = [{"run": "9ms"}, {"repeat": [{"sleep": "2ms"}, {"run": "8ms"}]}]
    trace = Scenario("v0.01", [{"name": "thief", "does": does}], until="500ms").run().explain()
    assert [row.a for row in trace.table("field_counter")] == [15]


@pytest.mark.parametrize("tasks", [2, 4, 7])
def test_the_last_of_many_waits_a_quantum_for_each_other(tasks):
    turns = ran_in("v0.01", [{"name": "hog", "count": tasks}], "2s")
    assert next(start for name, start, _stop in turns if name == "hog0") == 150 * (tasks - 1)


def test_there_are_63_slots_and_one_cpu():
    with pytest.raises(ScenarioError, match="has 63 slots for tasks, not 64"):
        Scenario("v0.01", [{"name": "a", "count": 64}], until="1s")
    with pytest.raises(ScenarioError, match=r"v0\.01 knows 1 CPU, not 2"):
        Scenario("v0.01", [{"name": "a"}], cpus=2, until="1s")


def test_a_walk_looks_at_every_slot():
    policy: Any = V001()
    machine = machine_of(policy, {"a": {}})
    assert policy.looks_at(machine.cpus[0]) == 63
