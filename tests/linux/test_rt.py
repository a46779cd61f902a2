"""The rt class, one behaviour each. Numbers are worked out from kernel/sched/rt.c of 5.15 and 6.12: a tick is 4 ms."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.linux.classes import ClassStack, Linux_5_15
from schedlab.linux.eevdf import EEVDF
from schedlab.linux.rt import RealTime
from schedlab.linux.task import SCHED_FIFO, SCHED_RR, run, sleep, yield_cpu
from schedlab.sim import MS
from tests.linux.scene import machine_of, ran, task_of

FIFO: dict[str, Any] = {"policy": SCHED_FIFO, "rt_priority": 50}
RR: dict[str, Any] = {"policy": SCHED_RR, "rt_priority": 50}


class Unthrottled(ClassStack):
    """rt without throttling, above EEVDF."""

    Task = EEVDF.Task
    default_hz = 250

    def __init__(self) -> None:
        super().__init__([RealTime(runtime=None), EEVDF()])


def test_the_higher_priority_goes_first_and_keeps_the_cpu():
    tasks = {"low": {**FIFO, "rt_priority": 1}, "high": {**FIFO, "rt_priority": 99}}
    machine = machine_of(Unthrottled(), tasks)
    assert [task_of(machine, name).rt.prio for name in tasks] == [98, 0]
    assert ran(machine, 5000) == [("high", 0, 5000)]


def test_among_equals_fifo_is_first_come_first_served():
    tasks = {name: {**FIFO, "does": [run(30 * MS), sleep()]} for name in "abc"}
    assert ran(machine_of(Unthrottled(), tasks), 100) == [("a", 0, 30), ("b", 30, 60), ("c", 60, 90)]


def test_round_robin_gives_turns_of_100_ms():
    machine = machine_of(Unthrottled(), {"a": {**RR}, "b": {**RR}})
    assert ran(machine, 350) == [("a", 0, 100), ("b", 100, 200), ("a", 200, 300), ("b", 300, 350)]


@pytest.mark.parametrize("hz", [100, 250, 1000])
def test_a_turn_is_100_ms_whatever_the_tick(hz):
    machine = machine_of(Unthrottled(), {"a": {**RR}, "b": {**RR}}, hz=hz)
    assert ran(machine, 200) == [("a", 0, 100), ("b", 100, 200)]


def test_a_fifo_task_among_round_robin_ones_has_no_turn():
    machine = machine_of(Unthrottled(), {"rr": {**RR}, "fifo": {**FIFO}})
    assert ran(machine, 900) == [("rr", 0, 100), ("fifo", 100, 900)]


def test_round_robin_alone_at_its_priority_runs_on():
    machine = machine_of(Unthrottled(), {"rr": {**RR}, "low": {**RR, "rt_priority": 1}})
    assert ran(machine, 900) == [("rr", 0, 900)]


def test_a_preempted_task_keeps_its_place_and_the_rest_of_its_turn():
    high = {**FIFO, "rt_priority": 60, "does": [sleep(42 * MS), run(10 * MS), sleep()]}
    machine = machine_of(Unthrottled(), {"a": {**RR}, "b": {**RR}, "high": high})
    assert ran(machine, 120) == [("a", 0, 42), ("high", 42, 52), ("a", 52, 112), ("b", 112, 120)]


def test_an_equal_priority_does_not_preempt():
    late = {**FIFO, "does": [run(1 * MS), sleep(10 * MS), run(5 * MS), sleep()]}
    machine = machine_of(Unthrottled(), {"late": late, "a": {**FIFO, "does": [run(30 * MS), sleep()]}})
    assert ran(machine, 50) == [("late", 0, 1), ("a", 1, 31), ("late", 31, 36)]


def test_who_wakes_goes_to_the_tail():
    late = {**FIFO, "does": [run(1 * MS), sleep(1 * MS), run(5 * MS), sleep()]}
    tasks = {"late": late} | {name: {**FIFO, "does": [run(10 * MS), sleep()]} for name in "ab"}
    assert ran(machine_of(Unthrottled(), tasks), 30) == [
        ("late", 0, 1), ("a", 1, 11), ("b", 11, 21), ("late", 21, 26),
    ]  # fmt: skip


def test_who_yields_goes_to_the_tail_of_its_list():
    yields = {**FIFO, "does": [run(5 * MS), yield_cpu(), run(5 * MS), sleep()]}
    tasks = {"a": yields, "b": {**FIFO, "does": [run(10 * MS), sleep()]}, "low": {**FIFO, "rt_priority": 1}}
    assert ran(machine_of(Unthrottled(), tasks), 30) == [("a", 0, 5), ("b", 5, 15), ("a", 15, 20), ("low", 20, 30)]


def test_an_unthrottled_fifo_task_starves_all_others():
    machine = machine_of(Unthrottled(), {"fifo": {**FIFO}, "fair": {}})
    assert ran(machine, 5000) == [("fifo", 0, 5000)]


def test_throttling_leaves_the_end_of_each_second_to_others():
    """More than 950 ms are noticed at the tick of 952; the 2 ms too much are paid off in the next second."""
    machine = machine_of(Linux_5_15(), {"fifo": {**FIFO}, "fair": {}})
    assert ran(machine, 2100) == [
        ("fifo", 0, 952), ("fair", 952, 1000), ("fifo", 1000, 1952), ("fair", 1952, 2000), ("fifo", 2000, 2100),
    ]  # fmt: skip


def test_a_throttled_cpu_without_others_is_idle():
    machine = machine_of(Linux_5_15(), {"fifo": {**FIFO}})
    assert ran(machine, 1100) == [("fifo", 0, 952), ("fifo", 1000, 1100)]


def test_two_real_time_tasks_are_throttled_together():
    machine = machine_of(Linux_5_15(), {"a": {**RR}, "b": {**RR}, "fair": {}})
    turns = ran(machine, 1000)
    assert [turn for turn in turns if turn[0] == "fair"] == [("fair", 952, 1000)]


def test_who_stays_under_95_percent_is_never_throttled():
    def steps() -> Any:
        while True:
            yield run(94 * MS)
            yield sleep(6 * MS)

    machine = machine_of(Linux_5_15(), {"fifo": {**FIFO, "does": steps()}, "fair": {}})
    ran(machine, 5000)
    assert task_of(machine, "fifo").sum_exec == 50 * 94 * MS


def test_a_runtime_longer_than_its_period_is_refused():
    with pytest.raises(ValueError, match="runtime: 2 ns is more than the period of 1 ns"):
        RealTime(runtime=2, period=1)
