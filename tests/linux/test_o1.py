"""Linux 2.6.11 and 2.6.22, one behaviour each. Numbers are worked out from kernel/sched.c: a tick is 1 ms."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab import goals
from schedlab.linux.o1 import INTERRUPTED, NONINTERACTIVE, NORMAL, O1, O1_2_6_22
from schedlab.linux.task import SCHED_BATCH, SCHED_FIFO, SCHED_RR, disk, exit_, fork, reap, run, sleep, yield_cpu
from schedlab.scenario import Scenario
from schedlab.sim import MS, S
from tests.linux.scene import machine_of, ran, ran_in, rows_of, task_of, trace_of

FIFO: dict[str, Any] = {"policy": SCHED_FIFO, "rt_priority": 50}
RR: dict[str, Any] = {"policy": SCHED_RR, "rt_priority": 50}
BOTH = pytest.mark.parametrize("policy", [O1, O1_2_6_22])


def policy_at(policy: type[O1] = O1, hz: int = 1000, cpus: int = 1) -> O1:
    """A policy with the constants of a machine."""
    made = policy()
    machine_of(made, {}, hz=hz, cpus=cpus)
    return made


def task_at(policy: O1, nice: int = 0, sleep_avg_ms: int = 0) -> Any:
    task = policy.Task(1, "task")
    task.static_prio = 120 + nice
    task.sleep_avg = sleep_avg_ms * MS
    task.prio = policy.effective_prio(task)
    return task


def sleeper(ns: int, **fields: Any) -> dict[str, Any]:
    """Sleeps from the beginning, once."""
    return {"does": [sleep(ns), run()], **fields}


# -- formulas ------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("nice", "ms"),
    [(-20, 800), (-15, 700), (-10, 600), (-5, 500), (-1, 420), (0, 100), (1, 95), (5, 75), (10, 50), (18, 10), (19, 5)],
)
def test_a_slice_depends_on_the_nice_value_alone(policy, nice, ms):
    made = policy_at(policy)
    assert made.task_timeslice(task_at(made, nice)) == made.task_timeslice(task_at(made, nice, sleep_avg_ms=1000)) == ms


@pytest.mark.parametrize(
    ("nice", "in_2_6_11", "in_2_6_22"),
    [(-20, -3, -3), (-16, -2, -2), (-13, -1, -2), (-8, 0, 0), (-5, 1, 0), (-1, 2, 1), (0, 2, 2), (3, 2, 2), (4, 3, 3),
     (10, 4, 4), (19, 6, 6)],
)  # fmt: skip
def test_the_bonus_that_a_nice_value_needs_is_cut_towards_zero_and_later_rounded_down(nice, in_2_6_11, in_2_6_22):
    assert policy_at(O1).delta(nice) == in_2_6_11
    assert policy_at(O1_2_6_22).delta(nice) == in_2_6_22


@pytest.mark.parametrize(("nice", "least"), [(0, 7), (-20, 2), (10, 9)])
def test_a_task_is_interactive_from_a_bonus_on(nice, least):
    policy = policy_at()
    assert policy.is_interactive(task_at(policy, nice, least * 100))
    assert not policy.is_interactive(task_at(policy, nice, least * 100 - 1))


def test_a_task_of_nice_19_is_never_interactive():
    policy = policy_at()
    assert not policy.is_interactive(task_at(policy, 19, 1000))


@pytest.mark.parametrize(
    ("ms", "bonus", "prio"), [(0, 0, 125), (99, 0, 125), (100, 1, 124), (999, 9, 116), (1000, 10, 115)]
)
def test_a_tenth_of_a_second_of_sleep_is_one_priority(ms, bonus, prio):
    policy = policy_at()
    task = task_at(policy, 0, ms)
    assert (policy.current_bonus(task), task.prio) == (bonus, prio)


@pytest.mark.parametrize(("nice", "ms", "prio"), [(-20, 1000, 100), (19, 0, 139)])
def test_a_priority_never_leaves_the_normal_range(nice, ms, prio):
    policy = policy_at()
    assert task_at(policy, nice, ms).prio == prio


def test_a_sleep_of_799_ms_makes_interactive_at_once():
    policy = policy_at()
    assert policy.interactive_sleep(task_at(policy)) == 799 * MS


@pytest.mark.parametrize(("bonus", "ticks"), [(10, 10), (9, 10), (8, 20), (7, 40), (6, 80), (5, 160), (0, 5120)])
def test_interactive_tasks_take_turns_the_sooner_the_more_bonus(bonus, ticks):
    assert policy_at().timeslice_granularity(bonus) == ticks
    assert policy_at(cpus=4).timeslice_granularity(bonus) == 4 * ticks


# -- slices and arrays --------------------------------------------------------------------------------------


@BOTH
def test_the_best_priority_runs_its_slice_then_the_next(policy):
    tasks = {"n5": {"nice": 5}, "n0": {}, "n-5": {"nice": -5}}
    assert ran(machine_of(policy(), tasks), 1175) == [
        ("n-5", 0, 500), ("n0", 500, 600), ("n5", 600, 675), ("n-5", 675, 1175),
    ]  # fmt: skip


@BOTH
def test_who_has_used_its_slice_waits_until_all_have(policy):
    machine = machine_of(policy(), {"a": {}, "b": {}, "c": {}})
    assert ran(machine, 400) == [("a", 0, 100), ("b", 100, 200), ("c", 200, 300), ("a", 300, 400)]


def test_a_woken_task_is_active_even_if_it_was_expired():
    machine = machine_of(O1(), {"a": {"does": [run(100 * MS), sleep(20 * MS), run()]}, "b": {}, "c": {}})
    ran(machine, 150)
    policy = machine.policy
    assert isinstance(policy, O1)
    assert task_of(machine, "a").array is policy.runqueues[0].active


def test_an_interactive_task_goes_back_to_active_when_its_slice_ends():
    """Bonus 9 and no other schedule() charges it less than 7 in a slice: it runs on while an honest one waits."""
    policy = O1()
    machine = machine_of(policy, {"a": {"sleep_avg": 1 * S}, "b": {}})
    assert task_of(machine, "a").prio == 115
    ran(machine, 101)
    assert task_of(machine, "a").array is policy.runqueues[0].active
    assert task_of(machine, "a").time_slice == 99
    assert machine.cpus[0].curr.name == "a"


def test_the_time_of_the_first_expiry_is_kept_until_the_swap():
    policy = O1()
    machine = machine_of(policy, {"a": {}, "b": {}})
    rq = policy.runqueues[0]
    ran(machine, 150)
    assert (rq.expired_timestamp, rq.best_expired_prio) == (100, 120)
    ran(machine, 200)
    assert (rq.expired_timestamp, rq.best_expired_prio) == (0, 140)


def test_the_time_of_the_first_expiry_is_forgotten_when_the_cpu_goes_idle():
    policy = O1()
    machine = machine_of(policy, {"a": {"does": [run(105 * MS)]}})
    ran(machine, 104)
    assert policy.runqueues[0].expired_timestamp == 0  # its own expiry, and then the swap at once
    policy.runqueues[0].expired_timestamp = 104
    ran(machine, 110)
    assert policy.runqueues[0].expired_timestamp == 0


@BOTH
def test_expired_tasks_starve_after_a_second_for_each_runnable_task(policy):
    made = policy()
    machine = machine_of(made, {"a": {}, "b": {}})
    rq = made.runqueues[0]
    rq.expired_timestamp = 100
    machine.jiffies = 100 + 2000
    assert not made.expired_starving(rq, machine.cpus[0])
    machine.jiffies = 100 + 2001
    assert made.expired_starving(rq, machine.cpus[0])


@BOTH
def test_expired_tasks_starve_if_a_better_one_than_the_running_is_among_them(policy):
    made = policy()
    machine = machine_of(made, {"a": {"nice": 3}})
    rq = made.runqueues[0]
    rq.best_expired_prio = 123
    assert not made.expired_starving(rq, machine.cpus[0])
    rq.best_expired_prio = 122
    assert made.expired_starving(rq, machine.cpus[0])


def test_a_preempted_task_keeps_its_place_at_the_head():
    tasks = {"a": {}, "b": {}, "better": sleeper(30 * MS, nice=-1)}
    tasks["better"]["does"] = [sleep(30 * MS), run(5 * MS), sleep()]
    assert ran(machine_of(O1(), tasks), 110) == [("a", 0, 30), ("better", 30, 35), ("a", 35, 105), ("b", 105, 110)]


# -- sleep ---------------------------------------------------------------------------------------------


def test_a_sleep_of_a_tenth_of_a_second_is_worth_ten_times_as_much():
    """0.1 s times ten levels: 1 s. Running is charged every 10 ms: once 10 / 10, and then, by bonus 9, 10 / 9."""
    machine = machine_of(O1(), {"a": {"does": [sleep(100 * MS), run(50 * MS), sleep()]}})
    task = task_of(machine, "a")
    ran(machine, 101)
    assert (task.sleep_avg, task.prio) == (1 * S, 115)
    ran(machine, 151)
    assert task.sleep_avg == 1 * S - 1 * MS - 4 * (10 * MS // 9)


@pytest.mark.parametrize("had", [0, 1 * S])
def test_a_long_sleep_sets_sleep_avg_to_900_ms_up_or_down(had):
    machine = machine_of(O1(), {"a": sleeper(801 * MS, sleep_avg=had)})
    ran(machine, 802)
    assert task_of(machine, "a").sleep_avg == 900 * MS


def test_a_wait_for_the_disk_makes_just_interactive_and_no_more():
    machine = machine_of(O1(), {"a": {"does": [disk(100 * MS), run()]}})
    ran(machine, 101)
    assert task_of(machine, "a").sleep_avg == 799 * MS


def test_in_2_6_22_sleep_counts_as_it_is():
    machine = machine_of(O1_2_6_22(), {"a": sleeper(100 * MS)})
    ran(machine, 101)
    assert (task_of(machine, "a").sleep_avg, task_of(machine, "a").prio) == (100 * MS, 124)


def test_in_2_6_22_one_long_sleep_makes_just_interactive():
    machine = machine_of(O1_2_6_22(), {"hog": {}, "a": sleeper(801 * MS)})
    ran(machine, 902)
    task = task_of(machine, "a")
    assert task.prio == 118
    assert 798 * MS < task.sleep_avg <= 799 * MS


@BOTH
def test_a_sleeper_preempts_a_hog(policy):
    """60 ms: bonus 6 in 2.6.11 and priority 119; 0 in 2.6.22, where 125 does not preempt 125."""
    turns = ran(machine_of(policy(), {"a": sleeper(60 * MS), "hog": {}}), 70)
    assert turns == ([("hog", 0, 60), ("a", 60, 70)] if policy is O1 else [("hog", 0, 70)])


def test_an_equal_priority_does_not_preempt():
    machine = machine_of(O1(), {"a": sleeper(9 * MS), "hog": {}})
    assert ran(machine, 101) == [("hog", 0, 100), ("a", 100, 101)]
    assert rows_of(trace_of(machine), "keep") == []  # nobody has even been asked


def test_the_kind_of_sleep_is_kept_until_the_pick():
    machine = machine_of(O1(), {"a": sleeper(9 * MS), "hog": {}})
    ran(machine, 50)
    assert task_of(machine, "a").sleep_type == INTERRUPTED
    ran(machine, 100)
    assert task_of(machine, "a").sleep_type == NORMAL


def test_a_wait_for_the_disk_is_no_interactive_sleep():
    machine = machine_of(O1(), {"a": {"does": [disk(9 * MS), run()]}, "hog": {}})
    ran(machine, 50)
    assert task_of(machine, "a").sleep_type == NONINTERACTIVE


@pytest.mark.parametrize(("by_irq", "waited_ns"), [(True, 91 * MS), (False, 91 * MS * 38 // 128)])
def test_time_waited_in_the_queue_counts_as_sleep_too(by_irq, waited_ns):
    """9 ms asleep are worth 90; the wait from 9 to 100 ms is worth ten times itself, all of it after an interrupt."""
    machine = machine_of(O1(), {"a": sleeper(9 * MS, woken_by_irq=by_irq), "hog": {}})
    ran(machine, 100)
    assert task_of(machine, "a").sleep_avg == min(90 * MS + 10 * waited_ns, 1 * S)


# -- fork, exit, yield, nice ---------------------------------------------------------------------------


@BOTH
def test_a_fork_splits_the_slice_and_the_child_runs_first(policy):
    """At 1 ms the parent has 99: 50 for the child, 49 for itself; who preempts the child finds the parent behind it."""
    does = [run(1 * MS), fork("child", lambda: [run()]), run()]
    machine = machine_of(policy(), {"parent": {"does": does}})
    ran(machine, 1.5)
    assert (task_of(machine, "child").time_slice, task_of(machine, "parent").time_slice) == (50, 49)
    assert ran(machine, 100) == [("parent", 0, 1), ("child", 1, 51), ("parent", 51, 100)]


@BOTH
def test_a_parent_with_one_tick_left_expires_when_it_forks(policy):
    made = policy()
    machine = machine_of(made, {"parent": {}})
    parent = task_of(machine, "parent")
    parent.time_slice = 1
    child = machine.fork(parent, "child", [run()])
    assert child is not None
    assert (child.time_slice, parent.time_slice) == (1, 100)
    assert parent.array is made.runqueues[0].expired


@BOTH
def test_a_slice_that_the_child_has_not_used_up_comes_back(policy):
    does = [run(1 * MS), fork("child", lambda: [run(2 * MS), exit_()]), sleep(10 * MS), reap(), run()]
    machine = machine_of(policy(), {"parent": {"does": does}})
    ran(machine, 10)
    assert task_of(machine, "parent").time_slice == 49
    ran(machine, 13.5)  # the child had 50 and used 2 ticks; the parent ran at none
    assert task_of(machine, "parent").time_slice == 97


def test_a_child_inherits_sleep_in_whole_levels_less_a_twentieth():
    """Bonus 10: 95 % of 10 levels are 9, so 900 ms; the parent keeps its 10."""
    machine = machine_of(O1(), {"parent": {"sleep_avg": 1 * S}})
    child = machine.fork(task_of(machine, "parent"), "child", [run()])
    assert child is not None
    assert (child.sleep_avg, task_of(machine, "parent").sleep_avg) == (900 * MS, 1 * S)


def test_a_parent_is_left_with_three_quarters_of_its_sleep_and_one_of_its_childs():
    machine = machine_of(O1(), {"parent": {"sleep_avg": 800 * MS}})
    parent = task_of(machine, "parent")
    child = machine.fork(parent, "child", [run()])
    assert child is not None
    parent.sleep_avg, child.sleep_avg = 800 * MS, 400 * MS
    machine.policy.release(child)
    assert parent.sleep_avg == 700 * MS


@BOTH
def test_who_yields_waits_for_the_swap_with_the_rest_of_its_slice(policy):
    tasks = {"a": {"does": [run(int(10.5 * MS)), yield_cpu(), run()]}, "b": {}}
    assert ran(machine_of(policy(), tasks), 201) == [("a", 0, 10.5), ("b", 10.5, 110), ("a", 110, 200), ("b", 200, 201)]


def test_a_real_time_task_that_yields_stays_active():
    tasks = {"normal": {}, "a": {**RR, "does": [run(int(10.5 * MS)), yield_cpu(), run()]}, "b": {**RR}}
    assert ran(machine_of(O1(), tasks), 50) == [("a", 0, 10.5), ("b", 10.5, 50)]


@pytest.mark.parametrize(("policy", "prio"), [(O1, 125), (O1_2_6_22, 120)])
def test_a_new_nice_value_forgets_the_bonus_in_2_6_11_only(policy, prio):
    machine = machine_of(policy(), {"a": {"sleep_avg": 1 * S}})
    task = task_of(machine, "a")
    machine.renice(task, 5)
    assert (task.static_prio, task.prio) == (125, prio)


@BOTH
def test_a_new_nice_value_leaves_the_slice_that_is_running(policy):
    machine = machine_of(policy(), {"a": {}})
    ran(machine, 10)
    machine.renice(task_of(machine, "a"), 19)
    assert task_of(machine, "a").time_slice == 90


# -- real time, batch ------------------------------------------------------------------------------------


@BOTH
def test_a_fifo_task_runs_until_it_sleeps(policy):
    fifo = {**FIFO, "does": [run(500 * MS), sleep()]}
    assert ran(machine_of(policy(), {"normal": {}, "fifo": fifo}), 600) == [("fifo", 0, 500), ("normal", 500, 600)]


@BOTH
def test_round_robin_tasks_take_turns_of_the_slice_of_their_nice_value(policy):
    tasks = {"a": {**RR}, "b": {**RR, "nice": 10}}
    assert ran(machine_of(policy(), tasks), 250) == [("a", 0, 100), ("b", 100, 150), ("a", 150, 250)]


@BOTH
def test_the_higher_real_time_priority_goes_first(policy):
    tasks = {"low": {**FIFO, "rt_priority": 1}, "high": {**FIFO, "rt_priority": 99}}
    machine = machine_of(policy(), tasks)
    assert [task_of(machine, name).prio for name in tasks] == [98, 0]
    assert ran(machine, 50) == [("high", 0, 50)]


def test_a_batch_task_wakes_into_the_expired_array():
    policy = O1_2_6_22()
    machine = machine_of(policy, {"batch": sleeper(50 * MS, policy=SCHED_BATCH), "hog": {}})
    ran(machine, 60)
    assert task_of(machine, "batch").array is policy.runqueues[0].expired
    assert task_of(machine, "batch").sleep_avg == 0


@BOTH
def test_a_choice_looks_at_one_task_however_many_there_are(policy):
    made = policy()
    machine = machine_of(made, {f"t{i}": {} for i in range(40)})
    assert made.looks_at(machine.cpus[0]) == 1


def test_the_first_set_bit_is_the_best_priority():
    policy = O1()
    machine_of(policy, {"a": {"nice": 5}, "b": {"nice": -3}, "c": {**FIFO}})
    active = policy.runqueues[0].active
    assert active.bitmap == 1 << 130 | 1 << 122 | 1 << 49
    assert active.first().name == "c"


@pytest.mark.parametrize(("scheduler", "hz", "ms"), [("o1", 1000, 100), ("o1", 100, 100), ("o1-2.6.22", 250, 100)])
def test_a_slice_is_as_long_whatever_the_tick(scheduler, hz, ms):
    turns = ran_in(scheduler, [{"name": "a"}, {"name": "b"}], "300ms", machine={"hz": hz})
    assert turns == [("a", 0, ms), ("b", ms, 2 * ms), ("a", 2 * ms, 300)]


@pytest.mark.parametrize("scheduler", ["o1", "o1-2.6.22"])
def test_a_child_that_is_forked_with_a_nice_value_of_its_own_has_it(scheduler):
    def parent():
        yield fork("child", lambda: [run()], nice=10)
        yield run()

    trace = Scenario(scheduler, [{"name": "parent", "does": parent}], until="4s").run()
    had = goals.cpu_time(trace)
    assert had["child"] / had["parent"] == pytest.approx(0.5, abs=0.05), "50 ms against 100"
