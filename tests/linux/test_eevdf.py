"""EEVDF of 6.12 and 6.6, one behaviour each, worked out from kernel/sched/fair.c: a tick is 4 ms, a slice 0.75."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.linux.eevdf import EEVDF, EEVDF_6_6
from schedlab.linux.fair import FIRST_VRUNTIME
from schedlab.linux.machine import Machine
from schedlab.linux.task import SCHED_BATCH, SCHED_IDLE, run, sleep, yield_cpu
from schedlab.sim import MS, US
from tests.linux.scene import machine_of, ran, rows_of, task_of, trace_of

ZERO = FIRST_VRUNTIME  # a queue's virtual time begins here
BOTH = pytest.mark.parametrize("policy", [EEVDF, EEVDF_6_6])


def fair(tasks: dict[str, dict[str, Any]], policy: type[EEVDF] = EEVDF, **settings: Any) -> tuple[Machine, Any]:
    """A machine and its queue."""
    made = policy()
    machine = machine_of(made, tasks, **settings)
    return machine, made.queues_of[0]


def sleeper(ns: int, **fields: Any) -> dict[str, Any]:
    return {"does": [sleep(ns), run()], **fields}


def naps(run_ns: int, sleep_ns: int) -> dict[str, Any]:
    """Runs, sleeps once, runs on."""
    return {"does": [run(run_ns), sleep(sleep_ns), run()]}


# -- slices ------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(("cpus", "us"), [(1, 750), (2, 1500), (4, 2250), (8, 3000), (16, 3000)])
def test_a_slice_grows_with_the_number_of_cpus_up_to_eight(policy, cpus, us):
    made = policy()
    machine_of(made, {}, cpus=cpus)
    assert made.base_slice_ns == us * US


def test_two_equal_tasks_change_at_every_tick():
    machine, _rq = fair({"a": {}, "b": {}})
    assert ran(machine, 16) == [("a", 0, 4), ("b", 4, 8), ("a", 8, 12), ("b", 12, 16)]


def test_in_6_6_who_runs_wins_a_tie_so_they_change_at_every_other_tick():
    """At 8 ms both have had 4 ms and both deadlines are 4.75: b runs on."""
    machine, _rq = fair({"a": {}, "b": {}}, EEVDF_6_6)
    assert ran(machine, 28) == [("a", 0, 4), ("b", 4, 12), ("a", 12, 20), ("b", 20, 28)]


@pytest.mark.parametrize(("policy", "request_us"), [(EEVDF, 375), (EEVDF_6_6, 750)])
def test_a_new_task_asks_for_half_a_slice_which_6_6_lost(policy, request_us):
    machine, _rq = fair({"a": {}, "b": {}}, policy)
    assert [task.deadline for task in machine.tasks.values()] == [ZERO + request_us * US] * 2


def test_a_request_of_a_heavy_task_is_shorter_in_virtual_time():
    machine, _rq = fair({"a": {"nice": -5}})
    task = task_of(machine, "a")
    assert task.deadline - task.vruntime == pytest.approx(375 * US * 1024 / 3121, abs=1)


def test_the_next_request_begins_where_the_task_has_come_to():
    """At 4 ms a has overrun its request by far; the new deadline is a slice from now, not from the old one."""
    machine, _rq = fair({"a": {}, "b": {}})
    ran(machine, 4)
    assert task_of(machine, "a").deadline == ZERO + 4 * MS + 750 * US


@pytest.mark.parametrize(("asked", "gets"), [(1, 100_000), (5 * MS, 5 * MS), (10**12, 100 * MS)])
def test_a_slice_that_a_task_asks_for_is_kept_within_limits(asked, gets):
    machine, _rq = fair({"a": {"custom_slice": asked}})
    assert task_of(machine, "a").slice == gets


def test_a_shorter_slice_is_no_larger_share():
    machine, _rq = fair({"a": {"custom_slice": 1 * MS}, "b": {"custom_slice": 10 * MS}}, hz=1000)
    ran(machine, 4_000)
    a, b = (task_of(machine, name).sum_exec for name in "ab")
    assert abs(a - b) <= 22 * MS


def test_shares_follow_the_weights():
    machine, _rq = fair({"a": {}, "b": {"nice": 5}})
    ran(machine, 10_000)
    a, b = (task_of(machine, name).sum_exec for name in "ab")
    assert a / b == pytest.approx(1024 / 335, rel=0.02)


# -- the average, lag, eligibility -------------------------------------------------------------------------


def test_v_is_the_weighted_average_of_all_who_are_queued():
    """a, of weight 1024, has had 4 ms of virtual time and b, of 335, nothing: V has come 4 * 1024 / 1359."""
    machine, rq = fair({"a": {}, "b": {"nice": 5}})
    machine.engine.run(4 * MS)
    a, b = task_of(machine, "a"), task_of(machine, "b")
    assert (a.vruntime, b.vruntime) == (ZERO + 4 * MS, ZERO)
    assert rq.average() == ZERO + 4 * MS * 1024 // 1359


def test_the_lags_of_all_add_up_to_nothing():
    machine, rq = fair({"a": {}, "b": {"nice": 5}, "c": {"nice": -7}})
    for ms in (4, 12, 40, 100):
        ran(machine, ms)
        lags = [task.weight * (rq.average() - task.vruntime) for task in machine.tasks.values()]
        load = sum(task.weight for task in machine.tasks.values())
        assert -load < sum(lags) <= 0  # V is rounded down


def test_who_has_had_exactly_its_share_is_eligible():
    machine, rq = fair({"a": {}, "b": {}})
    assert rq.average() == task_of(machine, "a").vruntime
    assert all(rq.eligible(task) for task in machine.tasks.values())


def test_a_nanosecond_more_is_not():
    machine, rq = fair({"a": {"does": [run(1), sleep()]}, "b": {}}, EEVDF)
    machine.engine.run(0)
    policy = machine.policy
    assert isinstance(policy, EEVDF)
    machine.engine.run(1)
    assert task_of(machine, "a").vruntime == ZERO + 1
    assert not rq.eligible(task_of(machine, "a"))
    assert rq.eligible(task_of(machine, "b"))


def test_a_task_alone_is_always_eligible():
    machine, rq = fair({"a": {}})
    ran(machine, 40)
    assert rq.eligible(task_of(machine, "a"))
    assert rq.average() == task_of(machine, "a").vruntime


# -- sleep -----------------------------------------------------------------------------------------------------


def test_in_6_6_a_task_takes_its_debt_to_sleep():
    """a has had 1 ms and b nothing: V is 0.5 ms, so a leaves with a lag of -0.5 ms."""
    machine, rq = fair({"a": naps(1 * MS, 30 * MS), "b": {}}, EEVDF_6_6)
    ran(machine, 2)
    assert task_of(machine, "a").vlag == -500 * US
    assert rq.nr_running == 1


def test_in_6_6_a_debt_is_stretched_when_the_task_comes_back():
    """-0.5 ms beside one other of the same weight is placed at -1 ms, so that the lag is -0.5 ms again."""
    machine, rq = fair({"a": naps(1 * MS, 30 * MS), "b": {}}, EEVDF_6_6)
    ran(machine, 31)
    a, b = task_of(machine, "a"), task_of(machine, "b")
    assert b.vruntime == ZERO + 30 * MS
    assert a.vruntime == b.vruntime + 1 * MS
    assert rq.average() - a.vruntime == -500 * US


def test_in_6_12_who_owes_time_stays_in_the_queue_when_it_falls_asleep():
    machine, rq = fair({"a": naps(1 * MS, 30 * MS), "b": {}})
    ran(machine, 2)
    a = task_of(machine, "a")
    assert a.sched_delayed
    assert a.on_rq
    assert (rq.nr_running, rq.load) == (2, 2048)


def test_in_6_12_it_leaves_when_it_would_be_picked_and_owes_nothing_then():
    """At the tick b has had 3 ms and a 1: V is 2, a is owed time, is picked, leaves, and its lag is cut to 0."""
    machine, rq = fair({"a": naps(1 * MS, 30 * MS), "b": {}})
    assert ran(machine, 5) == [("a", 0, 1), ("b", 1, 5)]
    a = task_of(machine, "a")
    assert not a.sched_delayed
    assert not a.on_rq
    assert a.vlag == 0
    assert rq.nr_running == 1


def test_in_6_12_who_wakes_before_it_is_even_stays_where_it_is():
    machine, _rq = fair({"a": naps(1 * MS, 500 * US), "b": {}})
    ran(machine, 1.5)
    a = task_of(machine, "a")
    assert (a.sched_delayed, a.vruntime, a.deadline) == (False, ZERO + 1 * MS, ZERO + 1 * MS + 750 * US)


def test_in_6_12_who_wakes_when_time_has_paid_its_debt_starts_at_v_of_the_others():
    """c wakes just before a, and so b is charged: b has had 4 ms, a 3, and c comes at V, 3.5. a would be owed time,
    which is not given: it starts at V of b and c, 3.75."""
    machine, _rq = fair({"c": sleeper(7 * MS), "a": naps(3 * MS, 4 * MS), "b": {}})
    machine.engine.run(7 * MS)
    a, b, c = (task_of(machine, name) for name in "abc")
    assert (b.vruntime, c.vruntime) == (ZERO + 4 * MS, ZERO + 3500 * US)
    assert not a.sched_delayed
    assert (a.vruntime, a.deadline) == (ZERO + 3750 * US, ZERO + 4500 * US)


def test_in_6_12_the_debt_is_judged_by_what_was_charged_last():
    """a wakes at 3 ms, when b has had 2, but nobody has charged b since it was picked: a stays where it is."""
    machine, _rq = fair({"a": naps(1 * MS, 2 * MS), "b": {}})
    ran(machine, 3)
    assert task_of(machine, "a").vruntime == ZERO + 1 * MS


@BOTH
def test_who_is_owed_nothing_leaves_at_once(policy):
    machine, rq = fair({"a": sleeper(30 * MS), "b": {}}, policy)
    ran(machine, 1)
    assert not task_of(machine, "a").on_rq
    assert task_of(machine, "a").vlag == 0
    assert rq.nr_running == 1


@BOTH
def test_a_lag_is_at_most_a_tick(policy):
    """Two slices are 1.5 ms, a tick 4: however far behind b is, it is owed no more than 4 ms."""
    machine, rq = fair({"a": {}, "b": {}}, policy)
    task = task_of(machine, "b")
    task_of(machine, "a").vruntime += 100 * MS
    machine.policy.update_entity_lag(rq, task)  # type: ignore[attr-defined]  # of EEVDF
    assert task.vlag == 4 * MS


# -- preemption ---------------------------------------------------------------------------------------------------


@BOTH
def test_a_slice_that_has_begun_is_not_interrupted_by_a_wake_up(policy):
    """At 0.2 ms the hog is within its request."""
    machine, _rq = fair({"s": sleeper(200 * US), "hog": {}}, policy)
    assert ran(machine, 5)[0] == ("hog", 0, 4)


@pytest.mark.parametrize(("policy", "hog_until"), [(EEVDF, 0.8), (EEVDF_6_6, 4)])
def test_a_tie_of_deadlines_goes_to_the_tree_in_6_12_and_to_who_runs_in_6_6(policy, hog_until):
    """At 0.8 ms the hog's request is fulfilled; the woken one is placed at V, so both deadlines are 1.55 ms."""
    machine, _rq = fair({"s": sleeper(800 * US), "hog": {}}, policy)
    assert ran(machine, 5)[0] == ("hog", 0, hog_until)


def test_a_shorter_request_interrupts_a_longer_one():
    short = sleeper(2 * MS, custom_slice=100 * US)
    machine, _rq = fair({"short": short, "hog": {"custom_slice": 10 * MS}})
    assert ran(machine, 3)[0] == ("hog", 0, 2)


def test_a_request_of_the_same_length_does_not():
    """The hog's first request is half a slice, 5 ms; that it is fulfilled is noticed at the tick of 8 ms."""
    other = sleeper(2 * MS, custom_slice=10 * MS)
    machine, _rq = fair({"other": other, "hog": {"custom_slice": 10 * MS}})
    assert ran(machine, 9)[0] == ("hog", 0, 8)


@BOTH
def test_who_runs_is_protected_until_its_request_is_fulfilled(policy):
    machine, _rq = fair({"a": {}, "b": {}}, policy)
    a = task_of(machine, "a")
    assert a.vlag == a.deadline
    ran(machine, 4)
    assert a.vlag != a.deadline


@BOTH
def test_an_idle_task_is_asked_to_go_but_is_protected_like_any_other(policy):
    """A wake-up asks for a choice at once; within its request the idle task is chosen again."""
    machine, _rq = fair({"s": sleeper(100 * US), "hog": {"policy": SCHED_IDLE}}, policy)
    assert ran(machine, 1) == [("hog", 0, 1)]
    assert rows_of(trace_of(machine), "keep") == [(0.1, "hog")]
    machine, _rq = fair({"s": sleeper(900 * US), "hog": {"policy": SCHED_IDLE}}, policy)
    assert ran(machine, 2) == [("hog", 0, 0.9), ("s", 0.9, 2)]


@BOTH
def test_a_batch_task_that_wakes_waits_for_the_tick(policy):
    machine, _rq = fair({"s": sleeper(900 * US, policy=SCHED_BATCH), "hog": {}}, policy)
    assert ran(machine, 5)[0] == ("hog", 0, 4)


@BOTH
def test_who_yields_puts_its_deadline_off_by_a_slice(policy):
    machine, _rq = fair({"a": {"does": [run(100 * US), yield_cpu(), run()]}, "b": {}}, policy)
    before = task_of(machine, "a").deadline
    assert ran(machine, 3) == [("a", 0, 0.1), ("b", 0.1, 3)]
    assert task_of(machine, "a").deadline == before + 750 * US


# -- nice ------------------------------------------------------------------------------------------------------


@BOTH
def test_a_new_nice_value_keeps_the_lag_in_service(policy):
    """At 3 ms b is owed 1.5 ms of virtual time at weight 1024; at weight 335 more of that, for as much service."""
    machine, rq = fair({"a": {}, "b": {}}, policy)
    machine.engine.run(3 * MS)
    b = task_of(machine, "b")
    machine.renice(b, 5)
    service = b.weight * (rq.average() - b.vruntime)
    assert b.weight == 335
    assert service == pytest.approx(1024 * 1500 * US, rel=1e-3)


@BOTH
def test_a_running_task_that_gets_worse_may_have_to_go(policy):
    machine, _rq = fair({"a": {}, "b": {}}, policy)
    machine.engine.run(200 * US)
    machine.renice(task_of(machine, "a"), 5)
    assert machine.cpus[0].need_resched
