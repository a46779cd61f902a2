"""Spreading tasks over CPUs in the fair class: who pulls, when and how many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from schedlab.goals import longest_waits, shares
from schedlab.laws import ALWAYS
from schedlab.linux.balance import FULLY_BUSY, HAS_SPARE, LOAD, OVERLOADED, TASKS, Look
from schedlab.linux.cfs import CFS
from schedlab.linux.eevdf import EEVDF
from schedlab.linux.kinds import LINUX
from schedlab.linux.machine import Machine
from schedlab.linux.task import run
from schedlab.scenario import Scenario
from schedlab.sim import MS, Engine, S
from schedlab.trace import Recorder, Trace


def hogs(policy: Any, cpus: int, tasks: int, unpinned_at: int, until: int = 2 * S) -> Trace:
    """Hogs pinned to CPU 0, which may use every CPU from `unpinned_at` on; HZ 250 as in the recordings."""
    engine, recorder = Engine(), Recorder(LINUX)
    machine = Machine(policy(), engine, recorder, cpus=cpus, hz=250)
    for number in range(tasks):
        machine.start(machine.create(f"hog{number}", [run()], allowed=frozenset({0})))
    machine.boot()

    def unpin(_arg: Any) -> None:
        for task in machine.tasks.values():
            task.allowed = None

    engine.at(unpinned_at, unpin)
    engine.run(until)
    names = {"task": machine.names, "cpu": [cpu.name for cpu in machine.cpus]}
    return Trace(LINUX, recorder.columns, names, end=engine.now)


def moves(trace: Trace) -> list[tuple[int, int]]:
    """From which CPU to which, in order."""
    return [(row.a, row.where) for row in trace.table("migrate")]


def pulled(trace: Trace) -> Iterable[int]:
    return (row.time for row in trace.table("migrate"))


@pytest.mark.parametrize("policy", [CFS, EEVDF])
def test_an_idle_cpu_takes_half_of_the_difference_at_once_and_then_nothing_moves_again(policy):
    trace = hogs(policy, cpus=2, tasks=6, unpinned_at=200 * MS)
    assert moves(trace) == [(0, 1)] * 3
    assert len({row.time for row in trace.table("migrate")}) == 1


@pytest.mark.parametrize("policy", [CFS, EEVDF])
def test_of_three_idle_cpus_the_first_looks_for_all_and_for_itself_last(policy):
    trace = hogs(policy, cpus=4, tasks=6, unpinned_at=200 * MS)
    first = next(iter(pulled(trace)))
    at_once = [(row.a, row.where) for row in trace.table("migrate") if row.time == first]
    assert at_once == [(0, 2), (0, 2), (0, 2), (0, 3), (2, 1)], "as Linux 6.1 does it in data/linux"


def test_while_nothing_may_move_the_interval_doubles():
    free = hogs(CFS, cpus=2, tasks=6, unpinned_at=0)
    late = hogs(CFS, cpus=2, tasks=6, unpinned_at=200 * MS)
    assert next(iter(pulled(free))) <= 8 * MS
    assert next(iter(pulled(late))) - 200 * MS > 10 * MS


def test_the_odd_task_of_three_on_two_cpus_goes_round():
    trace = hogs(CFS, cpus=2, tasks=3, unpinned_at=0, until=4 * S)
    assert 20 <= len(moves(trace)) <= 90
    assert all(0.2 < share < 0.5 for share in shares(trace).values())


@pytest.mark.parametrize(("policy", "takes"), [(CFS, 1), (EEVDF, 0)])
def test_a_busy_cpu_with_room_takes_half_of_the_difference_until_6_6(policy: Any, takes: int) -> None:
    fair = policy()
    machine = Machine(fair, Engine(), Recorder(LINUX), cpus=2, hz=250)
    for number, cpu in enumerate((0, 0, 0, 1)):
        task: Any = machine.create(f"hog{number}", [run()], allowed=frozenset({cpu}))
        task.allowed = None
        fair.enqueue(task, machine.cpus[cpu], "new")
    balancer, (left, right) = fair.balancer, machine.cpus
    look = Look(right, balancer.domains[right.id][0], idle=False, newly=False)
    assert balancer.sums((right,)).kind == HAS_SPARE, "a new task counts as one that uses half"
    assert balancer.sums((left,)).kind == OVERLOADED
    balancer.busiest(look)
    assert (look.counts, look.imbalance) == (TASKS, takes)
    fair.queues_of[right.id].avg.util_avg = 900
    assert balancer.sums((right,)).kind == FULLY_BUSY
    assert balancer.busiest(look).cpus == (left,)
    assert (look.counts, look.imbalance) == (LOAD, 1024), "full: now load counts"


def test_a_pinned_task_never_moves():
    trace = Scenario("cfs", [{"name": "pinned", "count": 4, "cpus": [0]}], cpus=2, until="1s").run()
    assert moves(trace) == []


@pytest.mark.parametrize("scheduler", ["cfs", "eevdf", "linux-6.12"])
def test_a_queue_of_pinned_tasks_is_passed_over_for_the_next_busiest(scheduler):
    """LBF_ALL_PINNED: CPU 0 has the most load, but nothing that may leave; CPU 2 finds what waits on CPU 1."""
    pinned = [{"name": f"pinned{i}", "cpus": [0]} for i in range(6)]
    tasks = [*pinned, *({"name": name, "cpus": [1]} for name in "abc")]
    short = {"name": "short", "cpus": [2], "does": [{"run": "30ms"}]}
    unpinned = [{"at": "10ms", "cpus": {"task": name, "cpus": [1, 2]}} for name in "abc"]
    trace = Scenario(scheduler, [*tasks, short], cpus=3, until="400ms", events=unpinned).run()
    assert not trace.table("rest")
    assert moves(trace)[0] == (1, 2)
    assert trace.table("migrate")[0].time == 30 * MS


def test_a_cpu_that_runs_dry_takes_a_task_before_it_idles():
    tasks: list[dict[str, Any]] = [{"name": "left"}, {"name": "short", "does": [{"run": "30ms"}]}, {"name": "right"}]
    trace = Scenario("cfs", tasks, cpus=2, until="200ms").run()
    ended = next(row.time for row in trace.table("exit"))
    assert any(row.time == ended for row in trace.table("migrate"))
    assert not trace.table("rest")


@pytest.mark.parametrize("scheduler", ["cfs", "eevdf", "eevdf-6.6"])
def test_a_waking_task_goes_to_an_idle_cpu(scheduler):
    tasks: list[dict[str, Any]] = [
        {"name": "hog"},
        {"name": "sleeper", "does": [{"repeat": [{"sleep": "10ms"}, {"run": "2ms"}]}]},
    ]
    trace = Scenario(scheduler, tasks, cpus=2, until="500ms").run()
    assert all(not list(law.check(trace)) for law in ALWAYS)
    assert longest_waits(trace)["hog"] == 0


@pytest.mark.parametrize("scheduler", ["cfs", "eevdf"])
def test_a_task_keeps_its_distance_in_virtual_time_when_it_moves(scheduler):
    tasks = [{"name": "hog", "count": 5}, {"name": "light", "nice": 5, "count": 2}]
    scenario = Scenario(scheduler, tasks, cpus=2, until="1s")
    policy = scenario.policy()
    trace = scenario.run(policy=policy)
    assert moves(trace)
    for cpu in policy.machine.cpus:
        rq = policy.queues_of[cpu.id]
        spread = [task.vruntime - rq.min_vruntime for task in rq.tree]
        assert all(abs(one) < S for one in spread)
