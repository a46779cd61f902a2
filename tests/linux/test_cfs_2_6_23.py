"""CFS of 2.6.23, one behaviour each. Numbers are worked out from kernel/sched_fair.c: a tick is 4 ms, latency 20 ms."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.linux.cfs_2_6_23 import CFS_2_6_23, FairRq, calc_delta_mine
from schedlab.linux.machine import Machine
from schedlab.linux.task import SCHED_BATCH, SCHED_IDLE, fork, run, sleep, yield_cpu
from schedlab.sim import MS
from tests.linux.scene import machine_of, ran, task_of

ASLEEP: dict[str, Any] = {"does": [sleep()]}


def fair(tasks: dict[str, dict[str, Any]], **settings: Any) -> tuple[Machine, FairRq]:
    """A machine and its queue."""
    policy = CFS_2_6_23()
    machine = machine_of(policy, tasks, **settings)
    return machine, policy.queues_of[0]


def sleeper(ns: int, **fields: Any) -> dict[str, Any]:
    return {"does": [sleep(ns), run()], **fields}


@pytest.mark.parametrize(
    ("cpus", "latency_ms", "granularity_ms"),
    [(1, 20, 2), (2, 40, 4), (4, 60, 6), (8, 80, 8), (16, 100, 10), (32, 100, 12)],
)
def test_times_grow_with_the_number_of_cpus_to_a_tenth_of_a_second(cpus, latency_ms, granularity_ms):
    policy = CFS_2_6_23()
    machine_of(policy, {}, cpus=cpus)
    assert (policy.latency_ns, policy.min_granularity_ns) == (latency_ms * MS, granularity_ms * MS)
    assert policy.wakeup_granularity_ns * 2 == policy.min_granularity_ns
    assert policy.runtime_limit_ns == policy.latency_ns


@pytest.mark.parametrize(
    ("tasks", "ns"),
    [(1, 20_000_000), (2, 5_000_000), (3, 4_444_444), (4, 3_750_000), (5, 3_200_000), (8, 2_187_500), (9, 2_000_000)],
)
def test_the_granularity_of_a_tick_shrinks_with_the_number_of_tasks(tasks, ns):
    policy = CFS_2_6_23()
    machine_of(policy, {})
    assert policy.granularity(tasks) == ns


@pytest.mark.parametrize(
    ("delta", "weight", "load", "result"),
    [(4_000_000, 1024, 2048, 2_000_000), (4_000_000, 1024, 1024, 4_000_000), (3, 1024, 2048, 2), (1, 1024, 2048, 1)],
)
def test_shares_are_rounded_not_cut_off(delta, weight, load, result):
    assert calc_delta_mine(delta, weight, load) == result


def test_the_fair_clock_of_two_runs_at_half_speed():
    machine, rq = fair({"a": {}, "b": {}})
    assert rq.fair_clock == 1  # 0 means "does not wait"
    ran(machine, 4)
    assert rq.fair_clock == 1 + 2 * MS


def test_the_fair_clock_of_one_runs_with_the_wall():
    machine, rq = fair({"a": {}})
    ran(machine, 4)
    assert rq.fair_clock == 1 + 4 * MS
    assert task_of(machine, "a").wait_runtime == 0


def test_the_fair_clock_stands_still_while_the_cpu_is_idle():
    machine, rq = fair({"a": {"does": [run(3 * MS), sleep(50 * MS), run(1 * MS), sleep()]}})
    ran(machine, 60)
    assert rq.fair_clock == 1 + 4 * MS


def test_who_runs_pays_what_the_others_are_owed():
    """Of 4 ms each of two deserved 2: a owes 2. At 8 ms b, which has waited for 4 ms of fair clock, is owed 4."""
    machine, _rq = fair({"a": {}, "b": {}})
    ran(machine, 4)
    assert task_of(machine, "a").wait_runtime == -2 * MS
    ran(machine, 8)
    assert (task_of(machine, "a").wait_runtime, task_of(machine, "b").wait_runtime) == (-4 * MS, 4 * MS)


def test_a_key_is_the_fair_clock_less_what_is_owed_and_stays_while_a_task_waits():
    machine, _rq = fair({"a": {}, "b": {}})
    ran(machine, 4)
    assert (task_of(machine, "a").fair_key, task_of(machine, "b").fair_key) == (1 + 4 * MS, 1)


def test_two_equal_tasks_change_when_one_is_a_granularity_ahead_or_after_its_ideal_time():
    """At 8 ms a's key is 8 ms ahead, more than 5; at 20 ms b's is only 4 ahead, but it has run 12 ms, more than 10."""
    machine, _rq = fair({"a": {}, "b": {}})
    assert ran(machine, 28)[:3] == [("a", 0, 8), ("b", 8, 20), ("a", 20, 28)]


def test_the_running_task_stays_in_the_tree():
    machine, rq = fair({"a": {}, "b": {}})
    assert machine.cpus[0].curr.name == "a"
    assert rq.nr_running == 2
    assert [args[0].name for args in machine.policy.candidates(machine.cpus[0], None)] == ["a", "b"]


@pytest.mark.parametrize(("slept_ms", "credit_ms"), [(10, 10), (19, 19), (50, 20)])
def test_a_sleeper_is_owed_its_sleep_up_to_a_latency(slept_ms, credit_ms):
    machine, rq = fair({"s": sleeper(slept_ms * MS), "hog": {}})
    ran(machine, slept_ms)
    assert task_of(machine, "s").wait_runtime == credit_ms * MS
    assert rq.sleeper_bonus == credit_ms * MS
    assert machine.cpus[0].curr.name == "s"


def test_runners_pay_the_sleepers_back_from_their_share():
    """Awake at 10 ms and owed 10; of the 2 ms to the tick its share is 1, and that goes to the bonus."""
    machine, rq = fair({"s": sleeper(10 * MS), "hog": {}})
    ran(machine, 12)
    assert task_of(machine, "s").wait_runtime == 8 * MS
    assert rq.sleeper_bonus == 9 * MS


def test_no_credit_while_more_than_a_latency_is_not_paid_back():
    machine, rq = fair({"s": sleeper(10 * MS), "hog": {}})
    ran(machine, 9)
    rq.sleeper_bonus = 22 * MS + 1  # of which the hog pays 2 ms back until the sleeper wakes
    ran(machine, 10)
    assert task_of(machine, "s").wait_runtime == 0
    assert rq.sleeper_bonus == 20 * MS + 1


def test_a_batch_task_gets_no_credit_for_sleep():
    machine, rq = fair({"s": sleeper(10 * MS, policy=SCHED_BATCH), "hog": {}})
    ran(machine, 10)
    assert task_of(machine, "s").wait_runtime == rq.sleeper_bonus == 0


def test_waking_preempts_by_the_key_of_the_last_tick():
    """At 3 ms the hog's key is still 1 from its first enqueue: nobody is 1 ms further left. At 5 ms it is 4."""
    for slept_ms, first in ((3, ("hog", 0, 8)), (5, ("hog", 0, 5))):
        machine, _rq = fair({"s": sleeper(slept_ms * MS), "hog": {}})
        assert ran(machine, 9)[0] == first


def test_a_child_runs_first_and_owes_half_a_granularity():
    """Evaluated without the child: one task, so 20 ms. Its key is that much left of its parent's, and 1 ns."""
    machine, _rq = fair({"parent": {"does": [run(2 * MS), fork("child", lambda: [run()]), run()]}})
    ran(machine, 3)
    child, parent = task_of(machine, "child"), task_of(machine, "parent")
    assert machine.cpus[0].curr is child
    assert child.fair_key == parent.fair_key - 20 * MS - 1
    assert child.wait_runtime == -10 * MS


def test_a_new_nice_value_forgets_what_is_owed():
    machine, _rq = fair({"a": {}, "b": {}})
    ran(machine, 8)
    machine.renice(task_of(machine, "a"), 5)
    assert (task_of(machine, "a").wait_runtime, task_of(machine, "a").weight) == (0, 335)


def test_shares_follow_the_weights():
    machine, _rq = fair({"a": {}, "b": {"nice": 5}})
    ran(machine, 10_000)
    a, b = (task_of(machine, name).sum_exec for name in "ab")
    assert a / b == pytest.approx(1024 / 335, rel=0.02)


def test_an_idle_task_weighs_two():
    machine, _rq = fair({"a": {"policy": SCHED_IDLE, "nice": -20}})
    assert (task_of(machine, "a").weight, task_of(machine, "a").inverse) == (2, 1 << 31)


def test_who_yields_gets_a_new_key_and_may_run_on():
    machine, _rq = fair({"a": {"does": [run(1 * MS), yield_cpu(), run()]}, "b": {}})
    assert ran(machine, 8)[0] == ("a", 0, 1)
    alone, _rq = fair({"a": {"does": [run(1 * MS), yield_cpu(), run()]}})
    assert ran(alone, 8) == [("a", 0, 8)]
