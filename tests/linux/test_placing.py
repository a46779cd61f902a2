"""Where a task wakes up, is forked and starts another program; nodes in balancing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.goals import cpu_time
from schedlab.laws import ALWAYS
from schedlab.linux.balance import HAS_SPARE, IMBALANCED, TASKS, Look, tolerable
from schedlab.linux.eevdf import EEVDF
from schedlab.linux.kinds import LINUX, SLEEPING
from schedlab.linux.machine import Machine
from schedlab.linux.task import run
from schedlab.linux.topology import Topology
from schedlab.scenario import Scenario
from schedlab.sim import MS, Engine
from schedlab.trace import Recorder, Trace

FAIR = ["cfs", "eevdf", "eevdf-6.6", "linux-5.15", "linux-6.12", "linux-7.2"]


class Scene:
    """Hogs on the CPUs of a machine, as many as are said; nothing runs on."""

    def __init__(self, hogs: list[int], nodes: int = 1, distances: list[list[int]] | None = None) -> None:
        each = len(hogs) // nodes
        topology = Topology([range(first, first + each) for first in range(0, len(hogs), each)], distances)
        self.policy: Any = EEVDF()
        self.machine = Machine(self.policy, Engine(), Recorder(LINUX), cpus=len(hogs), hz=1000, topology=topology)
        for cpu, many in enumerate(hogs):
            for number in range(many):
                self.task(f"hog{cpu}.{number}", cpu, queued=True, allowed=frozenset({cpu}))
        self.machine.boot()
        self.placing: Any = self.policy.placing
        self.balancer: Any = self.policy.balancer

    def task(self, name: str, cpu: int, queued: bool = False, allowed: frozenset[int] | None = None) -> Any:
        """A task that was last on this CPU."""
        task: Any = self.machine.create(name, [run()], allowed=frozenset({cpu}))
        if queued:
            self.machine.start(task)
        task.allowed = allowed
        return task

    def wakes(self, task: Any, waker: Any = None) -> int:
        self.machine.waker = waker
        return int(self.placing.select(task, "wake").id)

    def running(self, cpu: int) -> Any:
        return self.machine.cpus[cpu].curr

    def ran_for(self, ns: int) -> Scene:
        self.machine.engine.run(ns)
        return self


# -- waking up ------------------------------------------------------------------------------------------


def test_who_slept_on_an_idle_cpu_wakes_up_there():
    scene = Scene([1, 0, 0, 0])
    assert scene.wakes(scene.task("t", 2)) == 2


def test_else_on_the_next_idle_cpu_of_its_node():
    for hogs, found in (([1, 0, 1, 0], 3), ([1, 0, 1, 1], 1)):
        scene = Scene(hogs)
        assert scene.wakes(scene.task("t", 2)) == found
    scene = Scene([1, 1, 0, 0], nodes=2)
    assert scene.wakes(scene.task("t", 1)) == 1, "the idle CPUs are in the other node"


def test_the_cpu_before_the_last_is_asked_before_the_search():
    scene = Scene([0, 0, 0, 1, 1, 0])
    task = scene.task("t", 3)
    scene.placing.of(task).recent = scene.machine.cpus[1]
    assert scene.wakes(task) == 1
    assert scene.placing.of(task).recent is scene.machine.cpus[3]
    assert scene.wakes(scene.task("other", 3)) == 5


@pytest.mark.parametrize(
    ("used", "scan"),
    [(0, 4), (512, 2), (600, 2), (768, 0), (876, 0), (1024, 0)],
)
def test_a_busy_node_is_searched_less_far(used: int, scan: int) -> None:
    """1024 - used² * 117² / (10,000 * 1024), of 4 CPUs: at 512 it is 674 of 1024, at 600 543, at 768 237."""
    scene = Scene([0, 0, 0, 0])
    for queue in [rq.avg for rq in scene.policy.queues_of]:
        queue.util_avg = used
    scene.placing.set_scan(scene.balancer.domains[0][0])
    assert list(scene.placing.scan.values()) == [scan]


def test_where_nothing_is_searched_a_task_waits_beside_an_idle_cpu():
    scene = Scene([1, 1, 1, 0])
    task = scene.task("t", 0)
    assert scene.wakes(task) == 3
    scene.placing.scan = dict.fromkeys(scene.placing.scan, 0)
    assert scene.wakes(task) == 0


def test_a_cpu_on_which_only_idle_policy_runs_counts_as_idle():
    tasks: list[dict[str, Any]] = [
        {"name": "batch", "class": "idle", "cpus": [1]},
        {"name": "hog", "cpus": [0]},
        {"name": "sleeper", "does": [{"repeat": [{"run": "1ms"}, {"sleep": "3ms"}]}]},
    ]
    trace = Scenario("eevdf", tasks, cpus=2, until="100ms").run()
    wakes = [row for row in trace.table("wake") if trace.name("task", row.who) == "sleeper" and row.time > MS]
    assert {row.where for row in wakes} == {1}


def test_a_task_follows_its_waker_if_it_is_sooner_there_by_load():
    scene = Scene([1, 3, 1, 1]).ran_for(100 * MS)
    waker, task = scene.running(0), scene.task("t", 1)
    assert scene.wakes(task, waker) == 0, "1 hog against 3"
    assert scene.wakes(task) == 1, "a timer rings where it slept"
    back = scene.task("back", 0)
    assert scene.wakes(back, scene.running(1)) == 0
    pinned = scene.task("pinned", 1, allowed=frozenset({1, 2}))
    assert scene.wakes(pinned, waker) == 1, "it may not go to the waker's CPU"


def test_nodes_far_apart_are_no_place_to_follow_to():
    near, far = ([[10, ns], [ns, 10]] for ns in (30, 31))
    for distances, found in ((near, 0), (far, 1)):
        scene = Scene([1, 3], nodes=2, distances=distances).ran_for(100 * MS)
        assert scene.wakes(scene.task("t", 1), scene.running(0)) == found


def test_who_wakes_many_does_not_draw_them_to_itself():
    """Two CPUs share a cache: both must have flipped at least twice, one of them twice as often as the other."""
    scene = Scene([1, 3]).ran_for(100 * MS)
    waker, task = scene.running(0), scene.task("t", 1)
    mine, theirs = scene.placing.of(waker), scene.placing.of(task)
    mine.last_wakee = task
    for flips, wakees, wide in ((4, 2, True), (3, 2, False), (4, 1, False), (2, 4, True)):
        mine.flips, theirs.flips = flips, wakees
        assert scene.placing.wakes_many(waker, task) is wide, (flips, wakees)
        assert scene.wakes(task, waker) == (1 if wide else 0)


def test_flips_count_other_tasks_and_are_halved_after_a_second():
    scene = Scene([1, 0])
    waker, a, b = scene.running(0), scene.task("a", 1), scene.task("b", 1)
    for wakee in (a, b, b, a):
        scene.placing.wakes_many(waker, wakee)
    assert scene.placing.of(waker).flips == 3
    scene.machine.jiffies += 1000
    scene.placing.wakes_many(waker, a)
    assert scene.placing.of(waker).flips == 3
    scene.machine.jiffies += 1
    scene.placing.wakes_many(waker, a)
    assert scene.placing.of(waker).flips == 1


# -- fork and exec --------------------------------------------------------------------------------------


def test_a_child_goes_to_an_idle_cpu_the_first_from_its_parents_on():
    scene = Scene([1, 1, 0, 0])
    assert scene.placing.select(scene.task("child", 0), "fork").id == 2


def test_a_child_stays_if_no_group_is_idler():
    scene = Scene([1, 1]).ran_for(500 * MS)
    assert scene.placing.select(scene.task("child", 1), "fork").id == 1


def test_a_child_goes_where_the_load_is_clearly_less():
    """Both overloaded: 1024 * 17 / 100 = 174 is too little a difference."""
    scene = Scene([4, 2]).ran_for(500 * MS)
    assert scene.placing.select(scene.task("child", 0), "fork").id == 1
    assert scene.placing.select(scene.task("child", 1), "fork").id == 1
    even = Scene([3, 3]).ran_for(500 * MS)
    assert even.placing.select(even.task("child", 0), "fork").id == 0


def test_few_tasks_stay_in_the_node_of_their_parent():
    """imb_numa_nr of 16 CPUs a node is 2, so a second task does not leave, and a third one does."""
    hogs = [0] * 32
    for many, node in ((1, 0), (2, 1)):
        scene = Scene([1] * many + hogs[many:], nodes=2)
        assert scene.balancer.domains[0][1].tolerated == 2
        assert scene.placing.select(scene.task("child", 0), "fork").id // 16 == node


@pytest.mark.parametrize(("imbalance", "running", "left"), [(2, 1, 0), (2, 2, 0), (2, 3, 2), (3, 1, 3), (0, 9, 0)])
def test_a_small_imbalance_between_nodes_with_room_is_none(imbalance: int, running: int, left: int) -> None:
    assert tolerable(imbalance, running, tolerated=2) == left


@pytest.mark.parametrize("scheduler", ["o1", "o1-2.6.22", "cfs-2.6.23", *FAIR])
def test_exec_sends_a_running_program_to_an_idle_cpu(scheduler):
    tasks = [
        {"name": "a", "does": [{"run": "5ms"}, "exec", {"run": "5ms"}], "cpus": [0, 1]},
        {"name": "hog", "cpus": [0]},
    ]
    trace = Scenario(scheduler, tasks, cpus=2, until="30ms").run()
    (row,) = trace.table("execs")
    later = [move for move in trace.table("migrate") if move.time == row.time]
    assert [(move.a, move.where) for move in later] == ([(0, 1)] if row.where == 0 else [])
    assert cpu_time(trace)["a"] == 10 * MS


def test_before_2_6_exec_changes_nothing():
    tasks = [{"name": "a", "does": [{"run": "5ms"}, "exec", {"run": "5ms"}]}, {"name": "b", "does": [{"run": "50ms"}]}]
    trace = Scenario("o(n)", tasks, cpus=4).run()
    assert len(trace.table("execs")) == 1
    assert not [row for row in trace.table("migrate") if row.time]


def test_the_only_task_of_a_cpu_stays_at_exec():
    trace = Scenario("eevdf", [{"name": "a", "does": [{"run": "5ms"}, "exec", {"run": "5ms"}]}], cpus=4).run()
    assert not trace.table("migrate")


# -- nodes ----------------------------------------------------------------------------------------------


def crossings(trace: Trace, each: int) -> Counter[bool]:
    """How many moves left the node, and how many did not."""
    return Counter(row.a // each != row.where // each for row in trace.table("migrate"))


@pytest.mark.parametrize("scheduler", FAIR)
def test_a_full_node_gives_half_of_its_tasks_to_an_empty_one(scheduler):
    tasks = [{"name": "hog", "count": 12, "cpus": [0, 1, 2, 3]}]
    free = [{"at": "50ms", "cpus": {"task": f"hog{i}", "cpus": list(range(8))}} for i in range(12)]
    trace = Scenario(scheduler, tasks, cpus=8, until="2s", machine={"nodes": 2}, events=free).run()
    moved = crossings(trace, 4)
    assert moved[True] == 6
    assert moved[False] > 2 * moved[True], "inside a node tasks move more"


def test_two_tasks_on_a_node_of_four_are_left_alone():
    """Without nodes they are two on four CPUs as well, but here nobody looks across for one task more."""
    tasks = [{"name": "hog", "count": 2, "cpus": [0, 1]}]
    free = [{"at": "10ms", "cpus": {"task": f"hog{i}", "cpus": list(range(8))}} for i in range(2)]
    trace = Scenario("linux-6.12", tasks, cpus=8, until="2s", machine={"nodes": 2}, events=free).run()
    assert crossings(trace, 4)[True] == 0


def test_a_group_that_affinity_keeps_uneven_is_imbalanced_and_gives_one_away():
    """Four tasks may use CPU 3 and three CPUs of the other node: evened out by node, two would share CPU 3."""
    scene = Scene([0] * 8, nodes=2)
    mask = frozenset({3, 4, 5, 6})
    for name in ("a", "b"):
        scene.task(name, 3, queued=True, allowed=mask)
    scene.machine.boot()
    for domains in scene.balancer.domains:
        for domain in domains:
            domain.last_balance = -(10**6)
    near, far = scene.balancer.domains[0]
    assert not scene.balancer.balance(Look(scene.machine.cpus[0], near, idle=True, newly=False))
    assert far.own in scene.balancer.imbalanced
    assert scene.balancer.sums(far.own).kind == IMBALANCED
    look = Look(scene.machine.cpus[4], scene.balancer.domains[4][1], idle=True, newly=False)
    assert scene.balancer.busiest(look).cpus == far.own
    assert (look.counts, look.imbalance) == (TASKS, 1)


def test_what_may_not_come_here_may_come_to_a_neighbour():
    """LBF_DST_PINNED: CPU 4 looks for its node, and sends what only CPU 5 may have there."""
    scene = Scene([0] * 8, nodes=2).ran_for(1)
    for name in "abcdef":
        scene.task(name, 0, queued=True, allowed=frozenset({0, 5}))
    scene.machine.boot()
    scene.machine.engine.run(20 * MS)
    look = Look(scene.machine.cpus[4], scene.balancer.domains[4][1], idle=True, newly=False)
    assert scene.balancer.sums(scene.balancer.domains[4][1].own).kind == HAS_SPARE
    before = scene.policy.tasks_on(scene.machine.cpus[5])
    scene.balancer.balance(look)
    assert scene.policy.tasks_on(scene.machine.cpus[4]) == 0
    assert scene.policy.tasks_on(scene.machine.cpus[5]) >= before


@settings(max_examples=25, deadline=None)
@given(
    scheduler=st.sampled_from(FAIR),
    nodes=st.sampled_from([1, 2, 4]),
    masks=st.lists(st.sets(st.integers(0, 7), min_size=1, max_size=8), min_size=1, max_size=20),
    pace=st.integers(1, 9),
)
def test_whatever_the_masks_nobody_is_lost_and_no_mask_is_left(scheduler, nodes, masks, pace):
    does = [{"repeat": [{"run": f"{pace}ms"}, "exec", {"run": "300us"}, {"sleep": f"{10 - pace}ms"}]}]
    tasks = [
        {"name": f"t{i}", "cpus": sorted(mask), **({"does": does} if i % 2 else {})} for i, mask in enumerate(masks)
    ]
    trace = Scenario(scheduler, tasks, cpus=8, until="300ms", machine={"nodes": nodes}).run()
    assert all(not list(law.check(trace)) for law in ALWAYS)
    allowed = {f"t{i}": mask for i, mask in enumerate(masks)}
    for row in trace.table("migrate"):
        assert row.where in allowed[trace.name("task", row.who)]


# -- pushing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [{0, 4}, {0}])
def test_a_push_sends_the_running_task_away_if_it_may_go(mask):
    scene = Scene([0] * 8, nodes=2)
    task = scene.task("runs", 0, queued=True, allowed=frozenset(mask))
    scene.machine.boot()
    look = Look(scene.machine.cpus[4], scene.balancer.domains[4][1], idle=True, newly=False)
    look.domain.failed = 9
    assert scene.balancer.push(look, scene.machine.cpus[0]) is (4 in mask)
    assert look.domain.failed == (0 if 4 in mask else 9)
    scene.machine.engine.run(1 * MS)
    assert task.cpu.id == max(mask)


def test_a_push_comes_after_three_looks_more_than_warm_caches_are_spared():
    """Two tasks on CPU 0, one pinned; whenever node 1 looks, the other one is still warm, or runs."""
    scene = Scene([0] * 8, nodes=2)
    for name, mask in (("pinned", {0}), ("free", {0, 4})):
        scene.task(name, 0, queued=True, allowed=frozenset(mask))
    scene.machine.boot()
    look = Look(scene.machine.cpus[4], scene.balancer.domains[4][1], idle=True, newly=False)
    asked: list[int] = []

    def push(_look: Look, _source: Any) -> bool:
        asked.append(look.domain.failed)
        return False

    scene.balancer.push = push
    for _ in range(6):
        scene.balancer.moved(look, scene.machine.cpus[0], 0)
    assert asked == [5, 6], "cache_nice_tries of a wide domain is 2, and 2 more have to fail"


def test_who_sleeps_with_a_debt_is_not_pushed():
    """Its dequeue is delayed, so it stands in the list, but there is nothing to run."""
    scene = Scene([0] * 2)
    hog = scene.task("hog", 0, queued=True, allowed=frozenset({0, 1}))
    for name in ("sleeper", "other"):
        scene.task(name, 0, queued=True, allowed=frozenset({0}))
    scene.machine.boot()
    sleeper = next(task for task in scene.balancer.recent[0] if task.name == "sleeper")
    sleeper.sched_delayed, sleeper.state, sleeper.allowed = True, SLEEPING, None
    look = Look(scene.machine.cpus[1], scene.balancer.domains[1][0], idle=True, newly=False)
    scene.machine.cpus[0].curr = hog
    scene.balancer.push(look, scene.machine.cpus[0])
    assert sleeper in scene.balancer.recent[0]
    assert sleeper.cpu.id == 0
