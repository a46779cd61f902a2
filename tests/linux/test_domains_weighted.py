"""Scheduling domains of 2.6.22 and 2.6.23: loads that weigh, imbalances, moves, pushes, and where tasks go."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab import goals
from schedlab.linux.cfs_2_6_23 import CFS_2_6_23
from schedlab.linux.domains import BUSY, IDLE, NEWLY_IDLE, Group
from schedlab.linux.domains_weighted import EVERYTHING, Weighing
from schedlab.linux.kinds import READY
from schedlab.linux.o1 import O1_2_6_22
from schedlab.linux.task import SCHED_FIFO, run, sleep, wait, wake
from schedlab.scenario import Scenario
from schedlab.sim import MS, US
from tests.linux.scene import machine_of, ran, task_of, trace_of, turns
from tests.linux.test_domains import crowd, empty, looks_of, made, moves


def weighed(loads: list[list[int]], nodes: int = 1, policy: Any = O1_2_6_22) -> Any:
    """The domains of a machine whose CPUs have tasks of these weights, and have had them for long."""
    _machine, domains = empty(len(loads), nodes, policy)
    for cpu, tasks in enumerate(loads):
        domains.queues[cpu].nr_running, domains.queues[cpu].load = len(tasks), sum(tasks)
        domains.cpu_load[cpu] = [sum(tasks)] * domains.cpu_loads
    return domains


def found(domains: Any, cpu: int = 0, idle: int = BUSY, level: int = 0) -> tuple[Any, int]:
    """The busiest group that a CPU finds, as CPU numbers, and the imbalance."""
    group, imbalance = domains.find_busiest_group(domains.cpus[cpu], domains.of[cpu][level], idle, ())
    return (None if group is None else group.cpus), imbalance


# -- weights and loads -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hz", "nice", "weight"),
    [(1000, 0, 128), (1000, -20, 1024), (1000, 19, 6), (1000, 10, 64), (250, 0, 128), (250, 19, 5)],
)
def test_in_2_6_22_a_task_weighs_what_its_slice_is(hz, nice, weight):
    """100 ms are 128; 800 ms are 1024; 5 of 100 ticks are 6.4, 1 of 25 ticks 5.1."""
    machine = machine_of(O1_2_6_22(), {"a": {"nice": nice}}, cpus=2, hz=hz)
    assert task_of(machine, "a").load_weight == weight


def test_a_real_time_task_weighs_more_than_any_other():
    """1024 for the slice of the best priority, and 50 * 128 // 100 more."""
    machine = machine_of(O1_2_6_22(), {"a": {"policy": SCHED_FIFO, "rt_priority": 50}}, cpus=2)
    assert task_of(machine, "a").load_weight == 1024 + 64


def test_the_load_of_a_queue_follows_nice_values_and_classes():
    machine = machine_of(O1_2_6_22(), {"a": {"allowed": frozenset({0})}, "b": {"allowed": frozenset({0})}}, cpus=2)
    rq = machine.policy.runqueues[0]  # type: ignore[attr-defined]  # O(1)'s
    a, b = task_of(machine, "a"), task_of(machine, "b")
    assert rq.load == 256
    machine.renice(a, 19)
    assert (rq.load, rq.nr_running) == (134, 2)
    machine.setscheduler(b, SCHED_FIFO, 50)
    assert (rq.load, rq.nr_running) == (6 + 1088, 2)


def test_each_smoothed_load_follows_half_as_fast_as_the_one_before():
    """Two tasks of nice 0 from now on: at once; half; a quarter, with the rest rounded up."""
    machine = crowd({"a": 0, "b": 0}, cpus=2, policy=O1_2_6_22())
    for task in machine.tasks.values():
        task.allowed = frozenset({0})
    domains = machine.policy.domains  # type: ignore[attr-defined]  # O(1)'s
    seen = []
    for tick in range(1, 4):
        ran(machine, tick)
        seen.append(list(domains.cpu_load[0]))
    assert seen == [[256, 128, 64], [256, 192, 112], [256, 224, 148]]


def test_2_6_23_smooths_in_five_ways_and_does_not_round_up():
    machine = crowd({"a": 0}, cpus=2, policy=CFS_2_6_23())
    domains = machine.policy.domains  # type: ignore[attr-defined]  # that of 2.6.23
    machine.engine.run(8 * MS)
    assert domains.cpu_load[0] == [1024, 768, 448, 240, 124]  # HZ 250: two ticks


def test_an_index_of_0_asks_for_the_load_now():
    domains = weighed([[128], [128]])
    domains.cpu_load[0] = [256, 64, 8]
    assert [domains.source_load(0, index) for index in range(4)] == [128, 128, 64, 8]
    assert [domains.target_load(0, index) for index in range(4)] == [128, 256, 128, 128]


# -- how much --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "there", "imbalance"),
    [
        ([], [128] * 4, 256),  # 512 against 0: 256 above the average, and a task stays in any case
        ([128], [128] * 3, 128),  # average 256
        ([128], [128] * 2, 0),  # 64, less than a task; not wide enough a gap, and nothing gained
        ([128] * 4, [128] * 5, 0),  # 125 % are not more than 125 %
        ([6] * 5, [1024, 128], 576),  # 561 to the average, less than the 576 a task; but the gap of 1122 is wide
        ([1024], [128], 0),
    ],
)
def test_the_imbalance_is_a_weight(here, there, imbalance):
    assert found(weighed([here, there]))[1] == imbalance


def test_a_group_without_a_task_too_many_is_never_the_busiest():
    assert found(weighed([[], [1024]]), idle=IDLE) == (None, 0)
    assert found(weighed([[], [], [128, 128], []], nodes=2), level=1, idle=IDLE) == (None, 0)


def test_a_heavy_task_stays_where_its_move_would_leave_nothing():
    """1030 against 0: 515 is what may come, by the average and as half of two tasks; only the light one fits in."""
    assert found(weighed([[], [1024, 6]]), idle=NEWLY_IDLE) == ((1,), 515)


def test_a_lone_task_that_is_heavier_than_the_imbalance_does_not_make_its_cpu_the_source():
    domains = weighed([[], [], [1024], [128, 128]], nodes=2)
    assert domains.find_busiest_queue(Group((2, 3), 256), 500, ()).id == 3
    assert domains.find_busiest_queue(Group((2, 3), 256), 1024, ()).id == 2
    assert domains.find_busiest_queue(Group((2, 3), 256), 1024, {2}).id == 3
    assert domains.find_busiest_queue(Group((2,), 128), 500, ()) is None


def test_less_than_a_task_moves_one_if_the_gap_is_a_task_and_ours_are_lighter():
    """224 on average; 96 are missing here, less than the 256 a task there, but the gap is 384."""
    assert found(weighed([[64, 64], [256, 256], [128], [128]])) == ((1,), 256)


def test_of_equal_tasks_the_gap_must_be_two():
    """Four CPUs: 160 on average, 32 are missing here; then 192, and 64."""
    assert found(weighed([[128], [128] * 2, [128], [128]])) == (None, 0)
    assert found(weighed([[128], [128] * 3, [128], [128]])) == ((1,), 128)


def test_2_6_23_moves_the_odd_one_where_2_6_22_leaves_it():
    """SCHED_LOAD_SCALE_FUZZ: 2048 - 1024 + 1024 is as much as two tasks."""
    assert found(weighed([[128], [128] * 2])) == (None, 0)
    assert found(weighed([[1024], [1024] * 2], policy=CFS_2_6_23)) == ((1,), 1024)


def test_where_no_rule_makes_it_a_task_2_6_23_keeps_the_small_imbalance():
    """2560 on average, 512 are missing here; 2048 is the gap, and with 1024 more it is not two tasks yet."""
    loads = [[2048], [2048, 2048], [2048], [2048]]
    assert found(weighed(loads, policy=CFS_2_6_23)) == ((1,), 512)
    assert found(weighed(loads)) == (None, 0)


# -- when ------------------------------------------------------------------------------------------------


def test_all_cpus_of_2_6_22_look_at_the_same_ticks(monkeypatch):
    """No offset: after 64 ms, then 128 later, then 256."""
    seen = looks_of(monkeypatch, Weighing)
    ran(crowd({"a": 0, "b": 1}, cpus=2, policy=O1_2_6_22()), 800)
    for cpu in (0, 1):
        assert [when for when, one, _span in seen if one == cpu] == [64, 192, 448, 704]


def test_2_6_23_lets_no_interval_be_longer_than_a_tenth_of_a_second_a_cpu():
    _machine, domains = empty(2, policy=CFS_2_6_23, hz=1000)
    (domain,) = domains.of[0]
    domain.interval = 4
    assert domains.interval_of(domain, idle=False) == 200
    domain.interval = 1
    assert domains.interval_of(domain, idle=False) == 64


def test_in_the_wide_domain_one_cpu_looks_for_its_node(monkeypatch):
    """CPU 0 and 1 are busy: the first of them; on the other node CPU 3 alone idles, so it looks."""
    seen = looks_of(monkeypatch, Weighing)
    machine, domains = empty(4, nodes=2, policy=O1_2_6_22)
    for cpu in (0, 1, 2):
        machine.cpus[cpu].curr = machine.create("busy", [])
    far = [domains.of[cpu][1] for cpu in range(4)]
    assert [domains.has_turn(machine.cpus[cpu], far[cpu]) for cpu in range(4)] == [True, False, False, True]
    far[1].failed = 3
    domains.rebalance(machine.cpus[1], BUSY)
    assert seen == []
    machine.jiffies = 1000
    domains.rebalance(machine.cpus[1], BUSY)
    assert [span for _when, _cpu, span in seen] == [2]
    assert (far[1].failed, far[1].interval) == (0, 2)


def test_a_cpu_that_runs_dry_plans_its_next_look_as_an_idle_one():
    machine = crowd({"a": 0, "b": 1}, cpus=2, policy=O1_2_6_22(), b=[run(10 * MS), sleep()])
    domains = machine.policy.domains  # type: ignore[attr-defined]  # O(1)'s
    ran(machine, 9)
    assert domains.next_balance[1] == 64
    ran(machine, 11)
    assert domains.next_balance[1] <= 15


# -- whom ------------------------------------------------------------------------------------------------


def test_what_is_heavier_than_the_imbalance_is_passed_over():
    machine = crowd({"a": 0, "heavy": 0, "light": 0, "mine": 1}, cpus=2, policy=O1_2_6_22())
    policy: Any = machine.policy
    for name, weight in (("heavy", 512), ("light", 64)):
        task_of(machine, name).load_weight = weight
    policy.runqueues[0].load += 384 - 64
    (domain,) = policy.domains.of[1]
    result = policy.domains.move_tasks(machine.cpus[1], machine.cpus[0], 9, 100, domain, machine.cpus[0].curr)
    assert result == (1, False)
    assert [name for _time, name, *_rest in moves(trace_of(machine))] == ["light"]


@pytest.mark.parametrize(("best", "came"), [(["one"], []), (["one", "two"], ["one"])])
def test_a_task_that_is_too_heavy_comes_if_it_is_the_best_here_and_not_the_only_best_there(best, came):
    """From the tail: of two that are best the second stays, and then the first may go."""
    machine = crowd({"runs": 0, "one": 0, "two": 0, "mine": 1}, cpus=2, policy=O1_2_6_22())
    policy: Any = machine.policy
    rq = policy.runqueues[0]
    for name in best:
        task = task_of(machine, name)
        task.array.remove(task)
        task.prio = rq.best_expired_prio = 110
        rq.expired.append(task)
    (domain,) = policy.domains.of[1]
    policy.domains.move_tasks(machine.cpus[1], machine.cpus[0], 9, 100, domain, machine.cpus[0].curr)
    assert [name for _time, name, *_rest in moves(trace_of(machine))] == came


def test_if_all_tasks_of_the_busiest_are_pinned_the_next_one_is_tried():
    machine = crowd({"p0": 1, "p1": 1, "p2": 1, "f0": 2, "f1": 2}, cpus=3, policy=O1_2_6_22())
    for task in machine.tasks.values():
        if task.name[0] == "p":
            task.allowed = frozenset({1})
    domains = machine.policy.domains  # type: ignore[attr-defined]  # O(1)'s
    for cpu in machine.cpus:
        domains.cpu_load[cpu.id] = [domains.queues[cpu.id].load] * 3
    (domain,) = domains.of[0]
    assert domains.load_balance(machine.cpus[0], domain, IDLE)
    assert [(name, source) for _time, name, source, _to in moves(trace_of(machine))] == [("f1", 2)]


def test_the_interval_grows_to_512_ms_while_all_are_pinned():
    machine = crowd({"p0": 0, "p1": 0}, cpus=2, policy=O1_2_6_22())
    for task in machine.tasks.values():
        task.allowed = frozenset({0})
    domains = machine.policy.domains  # type: ignore[attr-defined]  # O(1)'s
    domains.cpu_load[0] = [256] * 3
    (domain,) = domains.of[1]
    seen = []
    for _look in range(11):
        assert not domains.load_balance(machine.cpus[1], domain, IDLE)
        seen.append(domain.interval)
    assert seen == [2, 4, 8, 16, 32, 64, 128, 256, 512, 512, 512]


@pytest.mark.parametrize(("cache", "hot"), [(0, False), (600 * US, False), (601 * US, True)])
def test_who_ran_less_than_two_moves_ago_is_warm_in_2_6_22(cache, hot):
    """What a move costs is what the machine says; a ran 1.2 ms before the clock of its CPU."""
    machine = machine_of(O1_2_6_22(), {}, cpus=2, cache_ns=cache)
    domains = machine.policy.domains  # type: ignore[attr-defined]  # O(1)'s
    machine.last_tick = 9 * MS
    machine.cpus[0].curr.timestamp = 10 * MS
    task = made(machine)
    task.last_ran = 10 * MS - 1_200 * US
    assert domains.is_hot(task, machine.cpus[0], domains.of[1][0]) is hot


def test_between_nodes_a_move_costs_more_so_that_tasks_are_warm_for_longer():
    _machine, domains = empty(4, nodes=2, policy=O1_2_6_22, cache_ns=1 * MS)
    assert [domain.kind.cache_hot_ns for domain in domains.of[0]] == [2 * MS, 4 * MS]
    _machine, domains = empty(4, nodes=2, policy=CFS_2_6_23, cache_ns=1 * MS)
    assert [domain.kind.cache_hot_ns for domain in domains.of[0]] == [0, 0]


# -- the push ----------------------------------------------------------------------------------------------


def test_the_fourth_failure_asks_for_a_push_and_then_every_one():
    machine = crowd({"runs": 0, "warm": 0, "pinned": 0}, cpus=2, policy=O1_2_6_22())
    task_of(machine, "pinned").allowed = task_of(machine, "warm").allowed = frozenset({0})
    domains: Any = machine.policy.domains  # type: ignore[attr-defined]  # O(1)'s
    domains.cpu_load[0] = [384] * 3
    (domain,) = domains.of[1]
    seen = []
    for _look in range(5):
        domains.load_balance(machine.cpus[1], domain, IDLE)
        seen.append((domain.failed, domain.interval, domains.queues[0].active_balance))
        domain.interval = 2
    assert seen == [(1, 1, False), (2, 1, False), (3, 1, False), (2, 4, True), (3, 1, True)]


def test_nobody_is_asked_to_push_what_may_not_come():
    machine = crowd({"runs": 0, "pinned": 0, "free": 0}, cpus=2, policy=O1_2_6_22())
    domains: Any = machine.policy.domains  # type: ignore[attr-defined]  # O(1)'s
    task_of(machine, "runs").allowed = frozenset({0})
    (domain,) = domains.of[1]
    domain.failed, domain.interval = 3, 1
    domains.failed(machine.cpus[1], machine.cpus[0], domain)
    assert (domain.failed, domain.interval, domains.queues[0].active_balance) == (4, 2, False)


def test_a_push_serves_the_cpu_that_asked():
    machine = crowd({"runs": 0, "waits": 0}, cpus=3, policy=O1_2_6_22())
    for task in machine.tasks.values():
        task.allowed = frozenset({0, 2})
    task_of(machine, "waits").allowed = frozenset({0})
    domains: Any = machine.policy.domains  # type: ignore[attr-defined]  # O(1)'s
    assert domains.ask_to_push(machine.cpus[0], machine.cpus[2])
    assert not domains.ask_to_push(machine.cpus[0], machine.cpus[1])
    ran(machine, 5)
    assert [(name, to) for _time, name, _source, to in moves(trace_of(machine))] == [("runs", 2)]
    assert domains.queues[0].active_balance is False
    assert [turn[0] for turn in turns(trace_of(machine), 0)][-1] == "waits"
    assert EVERYTHING > 1 << 62


# -- where a task goes --------------------------------------------------------------------------------------


def woken(loads: list[list[int]], home: int, here: int, weight: int = 128, nodes: int = 1) -> int:
    """Where a task that ran at `home` goes if somebody on CPU `here` wakes it in 2.6.22."""
    domains = weighed(loads, nodes)
    task = made(domains.machine)
    task.cpu, task.load_weight = domains.cpus[home], weight
    return int(domains.wake(task, domains.cpus[here]).id)


@pytest.mark.parametrize(
    ("loads", "comes"),
    [
        ([[128], []], True),  # nothing here
        ([[128] * 3, [128]], True),  # with it 256 here: 25600 against 112 * 384
        ([[128] * 2, [128]], True),  # 25600 against 28672
        ([[128], [128]], False),  # 25600 against 14336; both together are more than a task
        ([[], [128]], False),
    ],
)
def test_a_task_comes_to_its_waker_if_there_is_little_more_to_do_then(loads, comes):
    assert woken(loads, home=0, here=1) == (1 if comes else 0)


def test_a_heavy_task_comes_less_easily():
    assert woken([[128] * 2, [128]], home=0, here=1, weight=1024) == 0


def test_between_nodes_112_percent_of_the_load_here_must_be_less_than_there():
    assert woken([[112], [], [100], []], home=0, here=2, nodes=2) == 2
    assert woken([[111], [], [100], []], home=0, here=2, nodes=2) == 0


def test_2_6_22_looks_for_no_idle_cpu_but_2_6_23_does_unless_more_wait_there():
    for policy, goes_to in ((O1_2_6_22, 0), (CFS_2_6_23, 1)):
        domains = weighed([[1], []], policy=policy)
        domains.cpus[0].curr = object()
        assert domains.wake_idle(made(domains.machine), domains.cpus[0]).id == goes_to
    domains.queues[0].nr_running = 2
    assert domains.wake_idle(made(domains.machine), domains.cpus[0]).id == 0


def goes_to(why: str, loads: list[list[int]], nodes: int = 1, policy: Any = O1_2_6_22, allowed: Any = None) -> int:
    """Where a task on CPU 0 goes that forks or starts another program."""
    domains = weighed(loads, nodes, policy)
    task = made(domains.machine, allowed=allowed)
    task.cpu = domains.cpus[0]
    return int(domains.select(task, why).id)


def test_exec_goes_to_the_idlest_cpu_of_the_idlest_node():
    loads = [[128] * 3, [128], [128] * 2, []]
    assert goes_to("exec", loads) == 3
    assert goes_to("exec", loads, nodes=2) == 3
    assert goes_to("exec", loads, nodes=2, allowed=frozenset({0, 1, 2})) == 2


def test_exec_in_a_node_that_is_idle_enough_goes_to_its_idlest_cpu():
    assert goes_to("exec", [[128] * 2, [], [128] * 2, [128] * 2], nodes=2) == 1


def test_fork_goes_to_another_node_only():
    loads = [[128] * 2, [], [128], []]
    assert goes_to("fork", loads) == 0
    assert goes_to("fork", loads, nodes=2) == 3
    assert goes_to("fork", [[128] * 2, [], [128] * 2, [128]], nodes=2) == 0


def test_a_child_that_begins_on_another_node_does_not_preempt_its_parent():
    does = [{"run": "2ms"}, {"fork": {"name": "child", "does": [{"run": "1ms"}]}}, {"run": "2ms"}]
    for kernel in ("o1-2.6.22", "cfs-2.6.23"):
        tasks = [{"name": "parent", "does": does}, {"name": "hog", "cpus": [0]}]
        trace = Scenario(kernel, tasks, cpus=4, until="6ms", machine={"nodes": 2}).run()
        assert [turn for cpu in (2, 3) for turn in turns(trace, cpu)] == [("child", 2, 3)]


# -- 2.6.23 ------------------------------------------------------------------------------------------------


def test_2_6_23_takes_the_leftmost_that_waits():
    machine = crowd({"a": 0, "b": 0, "c": 0, "mine": 1}, cpus=2, policy=CFS_2_6_23())
    policy: Any = machine.policy
    order = [task.name for task in policy.queues_of[0].tree if task is not machine.cpus[0].curr]
    (domain,) = policy.domains.of[1]
    policy.domains.move_tasks(machine.cpus[1], machine.cpus[0], 9, 1024, domain, machine.cpus[0].curr)
    assert [name for _time, name, *_rest in moves(trace_of(machine))] == order[:1]


@pytest.mark.parametrize(("imbalance", "comes"), [(1, True), (0, False)])
def test_2_6_23_takes_a_task_of_up_to_twice_the_imbalance_and_2048_more(imbalance, comes):
    """A task of 2050: half of it, 1025, is not more than 1 and 1024."""
    machine = crowd({"a": 0, "b": 0, "mine": 1}, cpus=2, policy=CFS_2_6_23())
    policy: Any = machine.policy
    task_of(machine, "b").weight = 2050
    policy.queues_of[0].load += 1026
    (domain,) = policy.domains.of[1]
    moved, pinned = policy.domains.move_tasks(
        machine.cpus[1], machine.cpus[0], 9, imbalance, domain, machine.cpus[0].curr
    )
    assert (moved, pinned) == (int(comes), False)


def test_2_6_23_lets_three_programs_on_two_cpus_take_turns():
    trace = Scenario("cfs-2.6.23", [{"name": "a", "count": 3}], cpus=2, until="10s").run()
    shares = goals.cpu_time(trace).values()
    assert sum(shares) == 20_000 * MS
    assert max(shares) < 1.2 * min(shares)
    assert len(moves(trace)) > 20


def test_a_sleeper_that_wakes_elsewhere_is_credited_by_the_clock_of_the_cpu_it_left():
    """Asleep on CPU 0 while its clock went on by 10 ms; CPU 1, where it wakes, has another time altogether."""
    machine = crowd({"a": 0, "b": 1}, cpus=2, policy=CFS_2_6_23())
    policy: Any = machine.policy
    sleeper = made(machine)
    left, right = policy.queues_of
    left.fair_clock, right.fair_clock = 50 * MS, 700 * MS
    sleeper.sleep_start_fair, sleeper.slept_at = 40 * MS, left
    left.curr.exec_start = right.curr.exec_start = machine.now
    policy.enqueue(sleeper, machine.cpus[1], "wake")
    assert sleeper.wait_runtime == 10 * MS


def test_a_task_that_is_pulled_keeps_its_balance():
    machine = crowd({"a": 0, "b": 0, "c": 1}, cpus=2, policy=CFS_2_6_23(), free_at=24)
    policy: Any = machine.policy
    waits = next(task for task in machine.tasks.values() if task.cpu.id == 0 and task.state == READY)
    policy.update_curr(policy.queues_of[0])
    waited = policy.queues_of[0].fair_clock - waits.wait_start_fair
    before = waits.wait_runtime
    policy.pull(waits, machine.cpus[0], machine.cpus[1])
    assert waits.wait_runtime == before + waited
    assert waits.fair_key == policy.queues_of[1].fair_clock - waits.wait_runtime


def test_a_task_that_wakes_another_does_so_from_its_own_cpu():
    tasks: dict[str, Any] = {
        "client": {"does": [run(20 * MS), wake("door"), sleep()], "allowed": frozenset({0})},
        "server": {"does": [wait("door"), run(1 * MS), sleep()], "allowed": frozenset({1})},
        "hog": {"allowed": frozenset({1})},
        "other": {"allowed": frozenset({1})},
    }
    machine = machine_of(O1_2_6_22(), tasks, cpus=2)
    task_of(machine, "server").allowed = None
    ran(machine, 21)
    assert moves(trace_of(machine)) == [(20, "server", 1, 0)]
    assert machine.waker is task_of(machine, "client")
