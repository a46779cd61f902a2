"""CFS of 5.15, one behaviour each. Numbers are worked out from kernel/sched/fair.c: a tick is 4 ms, latency 6 ms."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.linux.cfs import CFS, CfsRq
from schedlab.linux.fair import FIRST_VRUNTIME, calc_delta_fair
from schedlab.linux.machine import Machine
from schedlab.linux.task import SCHED_BATCH, SCHED_IDLE, fork, run, sleep, yield_cpu
from schedlab.linux.weights import calc_delta, cpu_factor, inverse_of, inverse_of_load, weight_of
from schedlab.sim import MS
from tests.linux.scene import machine_of, ran, task_of

ZERO = FIRST_VRUNTIME  # a queue's virtual time begins here


def fair(tasks: dict[str, dict[str, Any]], **settings: Any) -> tuple[Machine, CfsRq]:
    """A machine and its queue."""
    policy = CFS()
    machine = machine_of(policy, tasks, **settings)
    return machine, policy.queues_of[0]


def sleeper(ns: int, **fields: Any) -> dict[str, Any]:
    return {"does": [sleep(ns), run()], **fields}


# -- arithmetic --------------------------------------------------------------------------------------


def test_virtual_time_begins_near_the_wrap():
    assert ZERO == -(2**20)


@pytest.mark.parametrize(("nice", "weight"), [(-20, 88761), (-1, 1277), (0, 1024), (1, 820), (5, 335), (19, 15)])
def test_a_nice_level_is_a_quarter_more(nice, weight):
    assert weight_of(nice) == weight


@pytest.mark.parametrize("nice", range(-20, 20))
def test_an_inverse_is_nearly_two_to_the_32_by_the_weight(nice):
    assert abs(inverse_of(nice) - 2**32 / weight_of(nice)) < 1


@pytest.mark.parametrize(
    ("delta", "weight", "load", "result"),
    [(6_000_000, 1024, 2048, 2_999_998), (1_000_000, 1024, 15, 68_266_666), (0, 1024, 1, 0), (999, 1024, 3072, 332)],
)
def test_a_product_is_cut_off_never_rounded_up(delta, weight, load, result):
    """1024 * floor(0xffffffff / 2048) is 1024 less than 2^31, and so half of 6 ms is 2 ns short."""
    assert calc_delta(delta, weight, inverse_of_load(load)) == result


def test_virtual_time_of_nice_0_is_real_time():
    machine, _rq = fair({"a": {}, "b": {"nice": 19}})
    assert calc_delta_fair(123_457, task_of(machine, "a")) == 123_457
    assert calc_delta_fair(1 * MS, task_of(machine, "b")) == pytest.approx(1024 / 15 * MS, rel=1e-6)


# -- slices ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cpus", "factor"), [(1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4), (64, 4)])
def test_times_grow_with_the_number_of_cpus_up_to_eight(cpus, factor):
    assert cpu_factor(cpus) == factor
    policy = CFS()
    machine_of(policy, {}, cpus=cpus)
    assert policy.latency_ns == 6 * MS * factor
    assert policy.min_granularity_ns == 750_000 * factor
    assert policy.wakeup_granularity_ns == 1 * MS * factor


@pytest.mark.parametrize(("tasks", "ns"), [(1, 6_000_000), (8, 6_000_000), (9, 6_750_000), (100, 75_000_000)])
def test_more_than_eight_tasks_stretch_the_period(tasks, ns):
    policy = CFS()
    machine_of(policy, {})
    assert policy.period(tasks) == ns


def test_a_slice_is_the_weights_part_of_the_period():
    machine, rq = fair({"a": {}, "b": {"nice": 5}})
    policy = machine.policy
    assert isinstance(policy, CFS)
    assert policy.ideal_slice(rq, task_of(machine, "a")) == pytest.approx(6 * MS * 1024 / 1359, abs=2)
    assert policy.ideal_slice(rq, task_of(machine, "b")) == pytest.approx(6 * MS * 335 / 1359, abs=2)


def test_no_slice_is_shorter_than_the_granularity():
    machine, rq = fair({"a": {}, "b": {"nice": 19}})
    policy = machine.policy
    assert isinstance(policy, CFS)
    assert policy.ideal_slice(rq, task_of(machine, "b")) == 750_000


def test_two_equal_tasks_change_at_every_tick_of_4_ms():
    machine, _rq = fair({"a": {}, "b": {}})
    assert ran(machine, 16) == [("a", 0, 4), ("b", 4, 8), ("a", 8, 12), ("b", 12, 16)]


def test_at_1000_hz_a_slice_of_3_ms_ends_with_the_first_tick_after_it():
    """At 3 ms a has had 3 ms, and is 3 ms ahead: neither is more than 3 ms, but its slice is 2 ns less."""
    machine, rq = fair({"a": {}, "b": {}}, hz=1000)
    policy = machine.policy
    assert isinstance(policy, CFS)
    assert policy.ideal_slice(rq, task_of(machine, "a")) == 3 * MS - 2
    assert ran(machine, 9) == [("a", 0, 3), ("b", 3, 6), ("a", 6, 9)]


def test_shares_follow_the_weights():
    machine, _rq = fair({"a": {}, "b": {"nice": 5}})
    ran(machine, 10_000)
    a, b = (task_of(machine, name).sum_exec for name in "ab")
    assert a / b == pytest.approx(1024 / 335, rel=0.01)


def test_virtual_runtimes_stay_together():
    machine, _rq = fair({"a": {}, "b": {"nice": 5}, "c": {"nice": -5}})
    ran(machine, 5_000)
    times = [task.vruntime for task in machine.tasks.values()]
    assert max(times) - min(times) < 4 * MS * 1024 / 335 + 6 * MS


# -- placement --------------------------------------------------------------------------------------------


def test_a_sleeper_comes_back_half_a_latency_behind_and_no_more():
    machine, rq = fair({"s": sleeper(50 * MS), "hog": {}})
    ran(machine, 50)
    assert task_of(machine, "hog").vruntime == ZERO + 50 * MS
    assert task_of(machine, "s").vruntime == ZERO + 47 * MS
    assert rq.curr.name == "s"


@pytest.mark.parametrize(("slept_ns", "first"), [(1_000_000, ("hog", 0, 4)), (1_000_001, ("hog", 0, 1.000001))])
def test_a_waking_task_preempts_when_it_is_more_than_a_granularity_ahead(slept_ns, first):
    """A short sleeper keeps its own virtual runtime, so after 1 ms it is 1 ms ahead."""
    machine, _rq = fair({"s": sleeper(slept_ns), "hog": {}})
    assert ran(machine, 8)[0] == first


def test_the_granularity_is_in_the_virtual_time_of_the_woken():
    """1 ms of nice 19 is 68 ms of virtual time, and the credit is 3: it waits for the hog's slice to end."""
    machine, _rq = fair({"s": sleeper(50 * MS, nice=19), "hog": {}})
    assert ran(machine, 53)[0] == ("hog", 0, 52)


def test_a_child_starts_a_slice_behind_its_parent():
    """The parent has had 2 ms; of two tasks each slice is 3 ms, cut off."""
    machine, _rq = fair({"parent": {"does": [run(2 * MS), fork("child", lambda: [run()]), run()]}})
    turns = ran(machine, 11)
    assert turns == [("parent", 0, 8), ("child", 8, 11)]  # at 4 ms the parent is still 1 ms further left
    assert task_of(machine, "child").vruntime == ZERO + 2 * MS + 3 * MS - 2


def test_min_vruntime_never_goes_back():
    machine, rq = fair({"s": sleeper(50 * MS), "hog": {}})
    seen = []
    for ms in (49, 50, 52, 56, 60, 80):
        ran(machine, ms)
        seen.append(rq.min_vruntime)
    assert seen == sorted(seen)
    assert seen[1] == ZERO + 50 * MS


def test_the_load_counts_the_running_task_which_is_not_in_the_tree():
    machine, rq = fair({"a": {}, "b": {"nice": 5}})
    assert (rq.load, rq.nr_running) == (1359, 2)
    assert rq.curr is task_of(machine, "a")
    assert rq.leftmost() is task_of(machine, "b")


# -- yield, nice, classes -----------------------------------------------------------------------------------


def test_yielding_changes_no_virtual_runtime():
    machine, _rq = fair({"a": {"does": [run(1 * MS), yield_cpu(), run()]}, "b": {}})
    assert ran(machine, 4)[:2] == [("a", 0, 1), ("b", 1, 4)]
    assert task_of(machine, "a").vruntime == ZERO + 1 * MS


def test_who_yields_runs_on_when_the_next_is_too_far_behind():
    """polite has had 1 ms and hog 4: the second is 3 ms behind, more than a granularity."""
    polite = {"does": [run(1 * MS), yield_cpu(), run()]}
    machine, _rq = fair({"hog": {}, "polite": polite})
    assert ran(machine, 8) == [("hog", 0, 4), ("polite", 4, 8)]


def test_a_new_nice_value_keeps_the_virtual_runtime():
    machine, rq = fair({"a": {}, "b": {}})
    ran(machine, 2)
    machine.renice(task_of(machine, "a"), 5)
    assert task_of(machine, "a").vruntime == ZERO + 2 * MS
    assert rq.load == 1024 + 335
    assert machine.cpus[0].need_resched  # what runs got worse


def test_a_running_task_that_gets_better_stays():
    machine, _rq = fair({"a": {}, "b": {}})
    ran(machine, 2)
    machine.renice(task_of(machine, "a"), -5)
    assert not machine.cpus[0].need_resched


def test_anybody_preempts_an_idle_task_and_it_preempts_nobody():
    for idle, first in (("hog", ("hog", 0, 0.1)), ("s", ("hog", 0, 52))):
        tasks: dict[str, Any] = {"s": sleeper(100_000 if idle == "hog" else 50 * MS), "hog": {}}
        tasks[idle]["policy"] = SCHED_IDLE
        machine, _rq = fair(tasks)
        assert ran(machine, 53)[0] == first


def test_an_idle_task_weighs_three_whatever_its_nice_value():
    machine, rq = fair({"a": {"policy": SCHED_IDLE, "nice": -20}, "b": {}})
    assert task_of(machine, "a").weight == 3
    assert rq.load == 1027


def test_a_batch_task_that_wakes_waits_for_the_tick():
    machine, _rq = fair({"s": sleeper(50 * MS, policy=SCHED_BATCH), "hog": {}})
    assert ran(machine, 53)[0] == ("hog", 0, 52)


def test_among_eight_who_was_preempted_is_marked_to_come_back():
    tasks: dict[str, Any] = {"s": sleeper(30 * MS + 1)} | {f"hog{i}": {} for i in range(7)}
    machine, rq = fair(tasks)
    ran(machine, 30)
    runs = machine.cpus[0].curr
    ran(machine, 31)
    assert machine.cpus[0].curr.name == "s"
    assert rq.last is runs


def test_among_few_nobody_is_marked():
    machine, rq = fair({"s": sleeper(30 * MS + 1), "hog": {}})
    ran(machine, 31)
    assert machine.cpus[0].curr.name == "s"
    assert rq.last is None
