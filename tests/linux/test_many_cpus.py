"""Many CPUs, first mechanics: one queue under one lock (2.4) against a queue for each (2.6); affinity, idle balance."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab import goals, laws
from schedlab.linux.kinds import READY
from schedlab.linux.o1 import O1
from schedlab.linux.on import ON, PROC_CHANGE_PENALTY
from schedlab.linux.task import FOREVER, run, sleep
from schedlab.scenario import Scenario, ScenarioError
from schedlab.sim import MS, US
from schedlab.trace import Trace
from tests.linux.scene import machine_of, ran, task_of, trace_of, turns

GENERATIONS = ("o(n)", "o1", "o1-2.6.22", "cfs-2.6.23", "cfs", "eevdf-6.6", "eevdf")
LOCAL = GENERATIONS[1:]
BURSTS: list[dict[str, Any]] = [
    {"name": "t", "count": 8, "does": [{"repeat": [{"run": "1ms"}, {"sleep": "1ms"}], "times": 20}]}
]


def locks(trace: Trace) -> list[tuple[float, str, int, int, int]]:
    """Every lock row: when (ms), which lock, which CPU, waited and held (ns)."""
    return [(row.time / MS, trace.name("lock", row.who), row.where, row.a, row.b) for row in trace.table("lock")]


def moves(trace: Trace) -> list[tuple[float, str, int, int]]:
    """Every migration: when (ms), who, from, to."""
    return [(row.time / MS, trace.name("task", row.who), row.a, row.where) for row in trace.table("migrate")]


# -- the lock ------------------------------------------------------------------------------------------


def test_two_cpus_that_choose_at_once_wait_for_the_one_lock_of_2_4():
    trace = Scenario("o(n)", [{"name": "a"}, {"name": "b"}], cpus=2, until="1ms", machine={"lock": "5us"}).run()
    assert locks(trace) == [(0, "runqueue_lock", 0, 0, 5_000), (0, "runqueue_lock", 1, 5_000, 5_000)]


def test_the_wait_is_longer_for_each_cpu_in_line():
    tasks = [{"name": "a", "count": 4}]
    trace = Scenario("o(n)", tasks, cpus=4, until="1ms", machine={"lock": "3us"}).run()
    assert [waited for _time, _lock, _cpu, waited, _held in locks(trace)] == [0, 3_000, 6_000, 9_000]


def test_the_lock_of_2_4_is_held_longer_the_more_tasks_there_are():
    for tasks in (2, 20):
        given = [{"name": "a", "count": tasks}]
        trace = Scenario("o(n)", given, cpus=2, until="1ms", machine={"lock": "1us", "look": "100ns"}).run()
        assert {held for *_rest, held in locks(trace)} == {1_000 + 100 * tasks}


@pytest.mark.parametrize("scheduler", LOCAL)
def test_a_local_queue_has_a_lock_of_its_own_and_nobody_waits(scheduler):
    trace = Scenario(scheduler, BURSTS, cpus=4, machine={"lock": "5us", "look": "100ns"}).run()
    assert {(lock, cpu) for _time, lock, cpu, _waited, _held in locks(trace)} == {(f"cpu{i}", i) for i in range(4)}
    assert {(waited, held) for *_rest, waited, held in locks(trace)} == {(0, 5_100)}


def test_waiting_for_the_one_lock_grows_with_the_number_of_cpus():
    waited = []
    for cpus in (1, 2, 4):
        trace = Scenario("o(n)", BURSTS, cpus=cpus, machine={"lock": "20us"}).run()
        waited.append(sum(row.a for row in trace.table("lock")))
    assert waited[0] == 0 < waited[1] < waited[2]


def test_time_spent_at_the_lock_is_nobodys_time():
    """Two CPUs begin at 0: the second starts its task 10 us late, and both end as late as they began."""
    tasks = [{"name": "a", "count": 2, "does": [{"run": "1ms"}]}]
    trace = Scenario("o(n)", tasks, cpus=2, machine={"lock": "5us"}).run()
    assert goals.cpu_time(trace) == {"a0": 1 * MS, "a1": 1 * MS}
    assert sorted(goals.completions(trace).values()) == [1 * MS + 5 * US, 1 * MS + 10 * US]


def test_without_a_price_no_lock_is_recorded():
    assert locks(Scenario("o(n)", BURSTS, cpus=2).run()) == []


# -- one queue ----------------------------------------------------------------------------------------------


def test_one_queue_gives_three_tasks_on_two_cpus_two_thirds_each():
    trace = Scenario("o(n)", [{"name": "a", "count": 3}], cpus=2, until="18s").run()
    shares = goals.cpu_time(trace)
    assert sum(shares.values()) == 36_000 * MS
    assert all(ns == pytest.approx(12_000 * MS, rel=0.05) for ns in shares.values())


def test_in_2_4_any_idle_cpu_takes_any_task():
    """b ends at 5 ms on CPU 1: c, which waits in the one queue, goes on there."""
    tasks: list[dict[str, Any]] = [{"name": "c"}, {"name": "b", "does": [{"run": "5ms"}]}, {"name": "a"}]
    trace = Scenario("o(n)", tasks, cpus=2, until="10ms").run()
    running = {turn[0] for cpu in (0, 1) for turn in turns(trace, cpu) if turn[2] == 10}
    assert running == {"a", "c"}


def test_in_2_4_the_cpu_that_ran_a_task_last_likes_it_better():
    machine = machine_of(ON(), {"a": {}, "b": {}}, cpus=2)
    a, b = task_of(machine, "a"), task_of(machine, "b")
    policy = machine.policy
    assert isinstance(policy, ON)
    here = a.last_cpu
    assert here is not b.last_cpu
    assert policy.goodness(a, here, None) - policy.goodness(b, here, None) == PROC_CHANGE_PENALTY


def test_in_2_4_a_woken_task_goes_back_to_its_cpu_if_that_is_idle():
    tasks: dict[str, Any] = {name: {"does": [run(2 * MS), sleep(5 * MS), run(2 * MS), sleep()]} for name in "ab"}
    machine = machine_of(ON(), tasks, cpus=2)
    ran(machine, 20)
    trace = trace_of(machine)
    assert [[turn[0] for turn in turns(trace, cpu)] for cpu in (0, 1)] == [["b", "b"], ["a", "a"]]
    assert len(moves(trace)) <= 1


def test_in_2_4_a_woken_task_takes_the_cpu_that_has_been_idle_longest():
    """late last ran on CPU 0, which has the hog now. CPU 2 has been idle since 2 ms, CPU 1 since 4."""
    tasks: dict[str, Any] = {
        "hog": {"allowed": frozenset({0})},
        "one": {"does": [run(4 * MS), sleep()], "allowed": frozenset({1})},
        "two": {"does": [run(2 * MS), sleep()], "allowed": frozenset({2})},
        "late": {"does": [run(1 * MS), sleep(9 * MS), run(2 * MS), sleep()]},
    }
    machine = machine_of(ON(), tasks, cpus=3)
    ran(machine, 13)
    trace = trace_of(machine)
    assert turns(trace, 0) == [("late", 0, 1), ("hog", 1, 13)]
    assert turns(trace, 2) == [("two", 0, 2), ("late", 10, 12)]
    assert moves(trace) == [(10, "late", 0, 2)]


# -- queues of their own -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", LOCAL)
def test_new_tasks_are_spread_over_the_cpus(scheduler):
    trace = Scenario(scheduler, [{"name": "a", "count": 4}], cpus=4, until="10ms").run()
    assert sorted(trace.at(10 * MS).state["running"]) == [0, 1, 2, 3]


def test_local_queues_give_three_tasks_on_two_cpus_a_half_a_half_and_one():
    """Two stand in one queue and one in the other, and nobody is idle, so nobody takes."""
    trace = Scenario("o1", [{"name": "a", "count": 3}], cpus=2, until="10s").run()
    assert sorted(goals.cpu_time(trace).values()) == [5_000 * MS, 5_000 * MS, 10_000 * MS]


def test_in_2_6_an_idle_cpu_pulls_a_task_that_waits():
    tasks: list[dict[str, Any]] = [{"name": "a"}, {"name": "b", "does": [{"run": "10ms"}]}, {"name": "c"}]
    trace = Scenario("o1", tasks, cpus=2, until="20ms").run()
    assert moves(trace) == [(10, "c", 0, 1)]
    assert turns(trace, 1) == [("b", 0, 10), ("c", 10, 20)]


def test_an_idle_cpu_does_not_pull_what_runs():
    tasks: list[dict[str, Any]] = [{"name": "a"}, {"name": "b", "does": [{"run": "10ms"}]}]
    trace = Scenario("o1", tasks, cpus=2, until="50ms").run()
    assert moves(trace) == []
    assert turns(trace, 1) == [("b", 0, 10)]


def test_an_idle_cpu_pulls_from_the_longest_queue():
    """Two on CPU 0, three on CPU 1; when CPU 2 has done with its own at 5 ms it takes one of the three."""
    homes = {"zero0": 0, "zero1": 0, "one0": 1, "one1": 1, "one2": 1, "ends": 2}
    machine = machine_of(O1(), {}, cpus=3)
    for name, home in homes.items():
        made = machine.create(name, [run(5 * MS if name == "ends" else FOREVER)], allowed=frozenset({home}))
        assert made is not None
        machine.start(made)
        made.allowed = None
    machine.boot()
    ran(machine, 6)
    assert [(time, name[:3], source, to) for time, name, source, to in moves(trace_of(machine))] == [(5, "one", 1, 2)]


def test_a_pulled_task_keeps_its_slice_and_its_kind_of_array():
    machine = machine_of(O1(), {"a": {}, "b": {"does": [run(150 * MS)]}, "c": {}}, cpus=2)
    policy = machine.policy
    assert isinstance(policy, O1)
    ran(machine, 149)  # a used its slice up at 100 ms and waits in expired; c runs
    a = task_of(machine, "a")
    assert a.array is policy.runqueues[0].expired
    ran(machine, 150)
    assert a.cpu.id == 1
    assert a.time_slice == 100
    assert machine.cpus[1].curr is a


def test_expired_tasks_are_pulled_first():
    tasks: dict[str, Any] = {"a": {}, "b": {"does": [run(150 * MS)]}, "c": {}, "d": {"allowed": frozenset({0})}}
    machine = machine_of(O1(), tasks, cpus=2)
    ran(machine, 151)
    assert [(name, source, to) for _time, name, source, to in moves(trace_of(machine))] == [("a", 0, 1)]


# -- affinity -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", GENERATIONS)
def test_a_task_never_runs_where_it_may_not(scheduler):
    tasks = [
        {"name": "pinned", "count": 3, "cpus": [1], "does": BURSTS[0]["does"]},
        {"name": "two", "count": 2, "cpus": [0, 2], "does": BURSTS[0]["does"]},
        *BURSTS,
    ]
    trace = Scenario(scheduler, tasks, cpus=3).run()
    names = goals.labels(trace)
    used: dict[str, set[int]] = {}
    for segment in goals.segments(trace):
        used.setdefault(names[segment.task][:3], set()).add(segment.cpu)
    assert used["pin"] == {1}
    assert used["two"] <= {0, 2}


@pytest.mark.parametrize("scheduler", GENERATIONS)
def test_pinned_tasks_wait_for_each_other_beside_an_idle_cpu(scheduler):
    tasks = [{"name": "a", "count": 2, "cpus": [0], "does": [{"run": "20ms"}]}]
    trace = Scenario(scheduler, tasks, cpus=2).run()
    assert trace.end == 40 * MS
    assert turns(trace, 1) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [([2], "2 is not in 0..1"), ([], "a list of CPU numbers"), ("0", "a list of CPU numbers"), ([0.5], "not")],
)
def test_a_cpu_that_the_machine_does_not_have_is_refused(given, said):
    with pytest.raises(ScenarioError, match=said):
        Scenario("o1", [{"name": "a", "cpus": given}], cpus=2, until="1s")


# -- what always holds -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", GENERATIONS)
@pytest.mark.parametrize("cpus", [2, 5])
def test_no_task_is_on_two_cpus_and_none_is_lost(scheduler, cpus):
    trace = Scenario(scheduler, [*BURSTS, {"name": "hog", "count": 3}], cpus=cpus, until="300ms").run()
    assert laws.check(trace) == []
    for time in range(0, trace.end, 7 * MS):
        running = [task for task in trace.at(time).state["running"] if task >= 0]
        assert len(running) == len(set(running))


@pytest.mark.parametrize("scheduler", GENERATIONS)
def test_a_task_that_changes_its_cpu_is_recorded_as_moving(scheduler):
    trace = Scenario(scheduler, BURSTS, cpus=3).run()
    replay = trace.at(0)
    replay.seek(0)
    for row in trace.rows():
        replay.forward()
        if trace.kinds[row.kind].name in ("switch", "resume") and row.who >= 0:
            assert replay.state["home"][row.who] == row.where


def test_2_4_leaves_no_cpu_idle_while_somebody_waits():
    trace = Scenario("o(n)", [*BURSTS, {"name": "hog", "count": 2}], cpus=3, until="200ms").run()
    replay = trace.at(0)
    replay.seek(0)
    for i in range(len(trace)):
        replay.forward()
        lasts = i + 1 == len(trace) or trace.time[i + 1] > trace.time[i]
        assert not (lasts and -1 in replay.state["running"] and READY in replay.state["state"]), trace.time[i]
