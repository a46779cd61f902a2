"""The deadline class, one behaviour each. Numbers are worked out from kernel/sched/deadline.c of 6.12."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.linux.classes import ClassStack, Linux_5_15
from schedlab.linux.deadline import Admission, Deadline, DLEntity, overflows, to_ratio
from schedlab.linux.task import SCHED_DEADLINE, SCHED_FIFO, Refused, exit_, run, sleep, yield_cpu
from schedlab.sim import MS
from tests.linux.scene import machine_of, ran, rows_of, task_of, trace_of


class Exact(ClassStack):
    """The deadline class alone, budgets ending on the nanosecond."""

    def __init__(self) -> None:
        super().__init__([Deadline(exact=True)])


class AtTicks(ClassStack):
    """The deadline class alone, budgets looked at every 4 ms."""

    default_hz = 250

    def __init__(self) -> None:
        super().__init__([Deadline()])


def dl(runtime_ms: float, period_ms: float, deadline_ms: float | None = None, *does: Any) -> dict[str, Any]:
    """A deadline task; it computes for ever if it is not said what it does."""
    deadline = period_ms if deadline_ms is None else deadline_ms
    entity = DLEntity(*(round(ms * MS) for ms in (runtime_ms, deadline, period_ms)))
    return {"policy": SCHED_DEADLINE, "dl": entity, "does": list(does) or [run()]}


# -- who goes first -----------------------------------------------------------------------------------


def test_the_earliest_deadline_goes_first():
    tasks = {
        name: dl(2, period, None, run(2 * MS), sleep()) for name, period in (("late", 30), ("soon", 10), ("mid", 20))
    }
    assert ran(machine_of(Exact(), tasks), 10) == [("soon", 0, 2), ("mid", 2, 4), ("late", 4, 6)]


def test_an_earlier_deadline_preempts_and_an_equal_one_does_not():
    """At 4 ms the deadline of the woken is 10 ms."""
    for period, turns in (
        (12, [("runs", 0, 4), ("woken", 4, 5), ("runs", 5, 7)]),
        (10, [("runs", 0, 6), ("woken", 6, 7)]),
    ):
        woken = dl(1, 6, None, sleep(4 * MS), run(1 * MS), sleep())
        machine = machine_of(Exact(), {"woken": woken, "runs": dl(6, period, None, run(6 * MS), sleep())})
        assert ran(machine, 9) == turns
        assert rows_of(trace_of(machine), "keep") == []  # with equal ones nobody has even been asked


def test_equal_deadlines_are_served_as_they_came():
    tasks = {name: dl(2, 20, None, run(2 * MS), sleep()) for name in "abc"}
    assert ran(machine_of(Exact(), tasks), 10) == [("a", 0, 2), ("b", 2, 4), ("c", 4, 6)]


def test_a_deadline_task_goes_before_the_best_real_time_task():
    tasks = {"fifo": {"policy": SCHED_FIFO, "rt_priority": 99}, "dl": dl(4, 100, None, run(4 * MS), sleep())}
    assert ran(machine_of(Linux_5_15(), tasks), 10) == [("dl", 0, 4), ("fifo", 4, 10)]


# -- budgets ------------------------------------------------------------------------------------------


def test_a_budget_is_all_that_a_task_gets_in_a_period():
    machine = machine_of(Exact(), {"hog": dl(3, 10)})
    assert ran(machine, 33) == [("hog", 0, 3), ("hog", 10, 13), ("hog", 20, 23), ("hog", 30, 33)]


def test_who_wants_too_much_hurts_nobody_else():
    tasks = {"hog": dl(3, 10), "other": dl(5, 12, None, run(5 * MS), sleep(7 * MS), run(5 * MS), sleep())}
    assert ran(machine_of(Exact(), tasks), 20) == [
        ("hog", 0, 3), ("other", 3, 8), ("hog", 10, 13), ("other", 15, 20),
    ]  # fmt: skip


def test_a_budget_that_is_looked_at_in_ticks_is_overrun_and_paid_back():
    """3 ms end at the tick of 4; 2 are left for the next period, used up at the tick of 12; then 3 again."""
    machine = machine_of(AtTicks(), {"hog": dl(3, 10)})
    assert ran(machine, 25) == [("hog", 0, 4), ("hog", 10, 12), ("hog", 20, 24)]
    assert task_of(machine, "hog").dl.runtime == -1 * MS


def test_a_replenished_deadline_is_a_period_later():
    machine = machine_of(Exact(), {"hog": dl(3, 10)})
    ran(machine, 10)
    assert (task_of(machine, "hog").dl.deadline, task_of(machine, "hog").dl.runtime) == (20 * MS, 3 * MS)


def test_who_yields_gives_the_rest_of_its_budget_up():
    machine = machine_of(Exact(), {"a": dl(5, 10, None, run(1 * MS), yield_cpu(), run())})
    assert ran(machine, 16) == [("a", 0, 1), ("a", 10, 15)]


def test_a_constrained_task_gets_its_budget_at_the_period_not_at_the_deadline():
    machine = machine_of(Exact(), {"a": dl(3, 20, 8)})
    assert ran(machine, 24) == [("a", 0, 3), ("a", 20, 23)]


# -- waking -------------------------------------------------------------------------------------------


def entity(runtime_ms: float, period_ms: float, deadline_ms: float, left_ms: float, due_ms: float) -> DLEntity:
    made = DLEntity(*(round(ms * MS) for ms in (runtime_ms, deadline_ms, period_ms)))
    made.new, made.runtime, made.deadline = False, round(left_ms * MS), round(due_ms * MS)
    return made


@pytest.mark.parametrize(
    ("left_ms", "due_ms", "runtime_ms", "deadline_ms"),
    [
        (2, 9, 2, 9),  # 2 of 8 ms left is less than 4 of 10: kept
        (4, 9, 4, 11),  # 4 of 8 ms would be more: a new period from now, 1 ms
        (2, 0.5, 4, 11),  # the deadline is past
    ],
)
def test_a_waking_task_keeps_what_it_was_promised_unless_that_is_too_much(left_ms, due_ms, runtime_ms, deadline_ms):
    woken = entity(4, 10, 10, left_ms, due_ms)
    woken.wake_up(1 * MS)
    assert (woken.runtime, woken.deadline) == (runtime_ms * MS, deadline_ms * MS)


def test_a_constrained_task_that_wakes_early_keeps_its_deadline_with_less_budget():
    """4 ms in 10 is a density of 419430 / 2^20; of the 3 ms to its deadline that is 1,199,998 ns."""
    woken = entity(4, 40, 10, 3, 10)
    woken.wake_up(7 * MS)
    assert (woken.runtime, woken.deadline) == (1_199_998, 10 * MS)


def test_a_constrained_task_that_wakes_after_its_deadline_waits_for_its_period():
    machine = machine_of(Exact(), {"a": dl(3, 20, 8, run(1 * MS), sleep(10 * MS), run(2 * MS), sleep())})
    assert ran(machine, 30) == [("a", 0, 1), ("a", 20, 22)]


def test_sleeping_gains_no_bandwidth():
    """Run 3, sleep 1, and again: 3 ms of every 10 are all that a task with 3 of 10 gets."""

    def steps() -> Any:
        while True:
            yield run(3 * MS)
            yield sleep(1 * MS)

    machine = machine_of(Exact(), {"a": dl(3, 10, None), "b": dl(1, 10, None)})
    sly = machine.create("sly", steps(), policy=SCHED_DEADLINE, dl=DLEntity(3 * MS, 10 * MS, 10 * MS))
    assert sly is not None
    machine.start(sly)
    ran(machine, 1000)
    assert sly.sum_exec <= 300 * MS + 3 * MS


@pytest.mark.parametrize(("until", "too_much"), [(25 * MS, False), (24 * MS, True)])
def test_a_budget_is_compared_with_the_agreed_density(until, too_much):
    """10 ms of 50 agreed: 5 ms left are fine 25 ms before the deadline."""
    assert overflows(10 * MS, 50 * MS, 5 * MS, until) is too_much


# -- admission ----------------------------------------------------------------------------------------


def test_the_limit_is_95_percent_of_each_cpu():
    assert Admission(1).limit == 996_147
    one, two = Admission(1), Admission(2)
    assert [one.admit(50 * MS, 100 * MS) for _ in range(2)] == [True, False]
    assert [two.admit(50 * MS, 100 * MS) for _ in range(4)] == [True, True, True, False]


def test_95_percent_are_admitted_and_not_a_unit_more():
    assert Admission(1).admit(950 * MS, 1000 * MS)
    full = Admission(1)
    full.total = 1
    assert not full.admit(950 * MS, 1000 * MS)


def test_what_was_promised_to_the_dead_is_free_again():
    machine = machine_of(Exact(), {"a": dl(60, 100, None, run(1 * MS), exit_())})
    with pytest.raises(Refused, match=r"b: no bandwidth left for 60000000 ns every 100000000 ns \(EBUSY\)"):
        machine.create("b", [run()], policy=SCHED_DEADLINE, dl=DLEntity(60 * MS, 100 * MS, 100 * MS))
    ran(machine, 2)
    assert machine.create("c", [run()], policy=SCHED_DEADLINE, dl=DLEntity(60 * MS, 100 * MS, 100 * MS))


def test_a_ratio_is_rounded_down():
    assert to_ratio(30, 10) == 349_525
    assert to_ratio(0, 10) == 0


@pytest.mark.parametrize(
    ("runtime", "deadline", "period"),
    [(1023, 200_000, 200_000), (2 * MS, 1 * MS, 3 * MS), (1 * MS, 3 * MS, 2 * MS), (2000, 99_999, 99_999),
     (MS, MS, 4_194_304_001)],
)  # fmt: skip
def test_parameters_that_cannot_be_are_refused(runtime, deadline, period):
    with pytest.raises(Refused):
        DLEntity(runtime, deadline, period)


def test_no_period_means_the_deadline():
    assert DLEntity(1 * MS, 5 * MS, 0).dl_period == 5 * MS


# -- several CPUs ---------------------------------------------------------------------------------------


def test_two_cpus_run_the_two_earliest():
    tasks = {name: dl(5, period, None, run(5 * MS), sleep()) for name, period in (("c", 30), ("a", 10), ("b", 20))}
    machine = machine_of(Exact(), tasks, cpus=2)
    first = {turn[0] for cpu in (0, 1) for turn in ran(machine, 12, cpu) if turn[1] == 0}
    assert first == {"a", "b"}
