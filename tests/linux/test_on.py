"""Linux 2.4, one behaviour each. Numbers are worked out from kernel/sched.c of 2.4.16: a tick is 10 ms."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.linux.on import ON, nice_to_ticks
from schedlab.linux.task import SCHED_FIFO, SCHED_RR, exit_, fork, reap, run, sleep, yield_cpu
from schedlab.sim import MS
from tests.linux.scene import machine_of, ran, ran_in, rows_of, task_of, trace_of

FIFO: dict[str, Any] = {"policy": SCHED_FIFO, "rt_priority": 50}
RR: dict[str, Any] = {"policy": SCHED_RR, "rt_priority": 50}


def hogs(*names: str) -> list[dict[str, Any]]:
    return [{"name": name} for name in names]


@pytest.mark.parametrize(
    ("nice", "ticks"),
    [
        (-20, 11), (-15, 9), (-10, 8), (-5, 7), (-4, 7), (-1, 6), (0, 6), (1, 5), (4, 5), (5, 4), (8, 4), (10, 3),
        (12, 3), (15, 2), (16, 2), (17, 1), (19, 1),
    ],
)  # fmt: skip
def test_ticks_of_a_nice_value_at_100_hz(nice, ticks):
    assert nice_to_ticks(nice, 100) == ticks


@pytest.mark.parametrize(
    ("hz", "ticks"), [(100, 6), (200, 11), (250, 11), (500, 21), (800, 41), (1000, 41), (1600, 81)]
)
def test_the_scale_of_ticks_depends_on_their_length(hz, ticks):
    assert nice_to_ticks(0, hz) == ticks


def test_the_newest_of_equals_goes_first():
    assert ran_in("o(n)", hogs("a", "b"), "120ms") == [("b", 0, 60), ("a", 60, 120)]


def test_who_ran_last_in_an_epoch_begins_the_next():
    """The point for the address space: 3 2 1 | 1 3 2 | 2 3 1."""
    assert ran_in("o(n)", hogs("1", "2", "3"), "540ms") == [
        ("3", 0, 60), ("2", 60, 120), ("1", 120, 240), ("3", 240, 300), ("2", 300, 420), ("3", 420, 480),
        ("1", 480, 540),
    ]  # fmt: skip


def test_two_at_nice_0_and_one_at_19_share_13_ticks():
    tasks = [{"name": "C", "nice": 19}, *hogs("B", "A")]
    assert ran_in("o(n)", tasks, "260ms") == [
        ("A", 0, 60), ("B", 60, 120), ("C", 120, 130), ("A", 130, 190), ("B", 190, 250), ("C", 250, 260),
    ]  # fmt: skip


def test_a_sleeper_keeps_half_at_each_epoch():
    machine = machine_of(ON(), {"hog": {}, "sleeper": {"does": [sleep()]}})
    got = []
    for epoch in range(5):
        ran(machine, 60 * epoch)
        got.append(task_of(machine, "sleeper").counter)
    assert got == [6, 9, 10, 11, 11]


def test_a_long_sleeper_preempts_and_runs_eleven_ticks():
    """11 + 20 against 6 + 1 + 20 of a hog with a fresh slice."""
    tasks = [{"name": "hog"}, {"name": "sleeper", "does": [{"sleep": "245ms"}, {"run": "forever"}]}]
    assert ran_in("o(n)", tasks, "360ms") == [("hog", 0, 245), ("sleeper", 245, 350), ("hog", 350, 360)]


@pytest.mark.parametrize(
    ("wakes_ms", "first_turn"),
    [(15, ("hog", 0, 60)), (25, ("hog", 0, 25))],  # the hog has 5 + 1, then 4 + 1, against 6
)
def test_an_equal_goodness_does_not_preempt_and_one_point_more_does(wakes_ms, first_turn):
    tasks = [{"name": "hog"}, {"name": "sleeper", "does": [{"sleep": f"{wakes_ms}ms"}, {"run": "forever"}]}]
    assert ran_in("o(n)", tasks, "70ms")[0] == first_turn


def test_nice_counts_in_goodness_too():
    machine = machine_of(ON(), {"kind": {"nice": 19}, "mean": {"nice": -20}})
    cpu, policy = machine.cpus[0], machine.policy
    assert isinstance(policy, ON)
    assert policy.goodness(task_of(machine, "kind"), cpu, None) == 1 + 1
    assert policy.goodness(task_of(machine, "mean"), cpu, None) == 11 + 40


def test_a_used_up_slice_is_worth_nothing_at_all():
    machine = machine_of(ON(), {"a": {}, "b": {}})
    ran(machine, 60)
    policy, task = machine.policy, task_of(machine, "b")
    assert isinstance(policy, ON)
    assert (task.counter, policy.goodness(task, machine.cpus[0], task.mm)) == (0, 0)


def test_a_real_time_task_is_worth_a_thousand_and_its_priority():
    machine = machine_of(ON(), {"fifo": {**FIFO, "counter": 0}})
    policy = machine.policy
    assert isinstance(policy, ON)
    assert policy.goodness(task_of(machine, "fifo"), machine.cpus[0], None) == 1050


def test_a_woken_task_stands_at_the_head_of_the_list():
    machine = machine_of(ON(), {"a": {}, "b": {}, "s": {"does": [sleep(5 * MS), run()]}})
    ran(machine, 6)
    policy = machine.policy
    assert isinstance(policy, ON)
    assert [task.name for task in policy.runqueue] == ["s", "b", "a"]


@pytest.mark.parametrize(("had", "child", "parent"), [(7, 4, 3), (6, 3, 3), (2, 1, 1)])
def test_a_fork_splits_the_ticks(had, child, parent):
    machine = machine_of(ON(), {"parent": {"counter": had}})
    machine.fork(task_of(machine, "parent"), "child", [run()])
    assert (task_of(machine, "child").counter, task_of(machine, "parent").counter) == (child, parent)


def test_a_parent_that_forks_its_last_tick_away_gives_the_cpu_up():
    forks = [fork("child", lambda: [run()]), run()]
    machine = machine_of(ON(), {"parent": {"counter": 1, "does": forks}})
    assert machine.cpus[0].curr.name == "child"
    assert (task_of(machine, "child").counter, task_of(machine, "parent").counter) == (1, 0)


def test_the_ticks_of_a_collected_child_come_back():
    does = [run(1 * MS), fork("child", lambda: [run(1 * MS), exit_()]), sleep(5 * MS), reap(), run()]
    machine = machine_of(ON(), {"parent": {"does": does}})
    ran(machine, 5)
    assert task_of(machine, "parent").counter == 3
    ran(machine, 7)
    assert task_of(machine, "parent").counter == 6


def test_no_more_than_twenty_ticks_come_back():
    machine = machine_of(ON(), {"parent": {}})
    parent = task_of(machine, "parent")
    child = machine.fork(parent, "child", [run(1 * MS)])
    assert child is not None
    child.counter = 19
    machine.policy.release(child)
    assert parent.counter == 20


def test_who_yields_is_passed_over_once():
    tasks = [{"name": "other"}, {"name": "polite", "does": [{"run": "3ms"}, "yield", {"run": "forever"}]}]
    assert ran_in("o(n)", tasks, "130ms")[:3] == [("polite", 0, 3), ("other", 3, 60), ("polite", 60, 130)]


def test_yielding_alone_does_nothing():
    machine = machine_of(ON(), {"a": {"does": [run(1 * MS), yield_cpu(), run()]}})
    assert ran(machine, 50) == [("a", 0, 50)]
    assert rows_of(trace_of(machine), "keep") == []
    assert not task_of(machine, "a").yielded


def test_a_fifo_task_has_no_slice():
    machine = machine_of(ON(), {"normal": {}, "other fifo": {**FIFO}, "fifo": {**FIFO}})
    assert ran(machine, 300) == [("fifo", 0, 300)]


def test_round_robin_tasks_take_turns_of_their_ticks():
    machine = machine_of(ON(), {"normal": {}, "a": {**RR}, "b": {**RR}})
    assert ran(machine, 240) == [("b", 0, 60), ("a", 60, 120), ("b", 120, 180), ("a", 180, 240)]


def test_a_fifo_task_that_yields_goes_behind_its_equals():
    machine = machine_of(ON(), {"a": {**FIFO}, "b": {**FIFO, "does": [run(7 * MS), yield_cpu(), run()]}})
    assert ran(machine, 90) == [("b", 0, 7), ("a", 7, 90)]


def test_a_real_time_task_that_wakes_preempts_at_once():
    machine = machine_of(ON(), {"hog": {}, "fifo": {**FIFO, "does": [sleep(13 * MS), run(2 * MS), sleep()]}})
    assert ran(machine, 20) == [("hog", 0, 13), ("fifo", 13, 15), ("hog", 15, 20)]


def test_a_runnable_real_time_task_holds_the_epoch_back():
    machine = machine_of(ON(), {"normal": {}, "fifo": {**FIFO}})
    ran(machine, 500)
    assert task_of(machine, "fifo").counter == 0
    assert task_of(machine, "normal").counter == 6


def test_the_scheduler_is_asked_only_when_a_slice_ends():
    machine = machine_of(ON(), {"a": {}, "b": {}})
    ran(machine, 115)
    trace = trace_of(machine)
    assert rows_of(trace, "switch") == [(60, "a")]
    assert rows_of(trace, "keep") == []


@pytest.mark.parametrize("tasks", [1, 5, 40])
def test_a_walk_looks_at_every_runnable_task(tasks):
    machine = machine_of(ON(), {f"t{i}": {} for i in range(tasks)} | {"sleeper": {"does": [sleep()]}})
    assert machine.policy.looks_at(machine.cpus[0]) == tasks
