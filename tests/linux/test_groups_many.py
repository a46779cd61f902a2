"""Groups on many CPUs: a part of the weight on each, one pool of quota for all, and who goes on first."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schedlab.goals import cpu_time, segments
from schedlab.laws import check
from schedlab.linux.grouped import GroupedCFS, GroupedEEVDF, GroupedEEVDF_7_2
from schedlab.linux.groups import Group
from schedlab.linux.kinds import LINUX
from schedlab.linux.machine import Machine
from schedlab.linux.task import run, sleep
from schedlab.scenario import Scenario
from schedlab.sim import MS, Engine, S
from schedlab.trace import Recorder

KERNELS = ["linux-5.15", "linux-6.1", "linux-6.12", "linux-7.2"]
POLICIES = (GroupedCFS, GroupedEEVDF, GroupedEEVDF_7_2)


def parts(scheduler: str, groups: dict[str, Any], tasks: list[dict[str, Any]], cpus: int, until: str = "4s") -> Any:
    """CPUs that each entry of the list of tasks had on average."""
    trace = Scenario(scheduler, tasks, cpus=cpus, until=until, groups=groups).run()
    assert check(trace) == []
    had = cpu_time(trace)
    return {
        task["name"]: sum(ns for name, ns in had.items() if name.startswith(task["name"])) / trace.end for task in tasks
    }


def stand(policy: Any, cpus: int, hz: int = 250) -> Machine:
    return Machine(policy, Engine(), Recorder(LINUX), cpus=cpus, hz=hz)


def put(machine: Machine, name: str, group: str | None, cpu: int, does: Any = None) -> Any:
    task: Any = machine.create(name, does or [run()], group=group, allowed=frozenset({cpu}))
    machine.start(task)
    return task


# -- shares -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", KERNELS)
def test_two_groups_have_half_of_four_cpus_each_whatever_their_numbers(scheduler):
    tasks: list[dict[str, Any]] = [
        {"name": "a", "group": "A", "count": 8},
        {"name": "b", "group": "B", "count": 4},
    ]
    assert parts(scheduler, {"A": {}, "B": {}}, tasks, cpus=4) == pytest.approx({"a": 2, "b": 2}, abs=0.1)


@pytest.mark.parametrize("scheduler", KERNELS)
def test_weights_of_100_and_300_on_two_cpus(scheduler):
    tasks = [{"name": "a", "group": "A", "count": 2}, {"name": "b", "group": "B", "count": 2}]
    groups = {"A": {}, "B": {"weight": 300}}
    assert parts(scheduler, groups, tasks, cpus=2) == pytest.approx({"a": 0.5, "b": 1.5}, abs=0.05)


@pytest.mark.parametrize("scheduler", KERNELS)
def test_a_group_with_one_task_cannot_use_more_than_one_cpu(scheduler):
    tasks: list[dict[str, Any]] = [{"name": "a", "group": "A"}, {"name": "b", "group": "B", "count": 3}]
    assert parts(scheduler, {"A": {"weight": 10_000}, "B": {}}, tasks, cpus=2) == pytest.approx(
        {"a": 1, "b": 1}, abs=0.05
    )


@pytest.mark.parametrize("policy", POLICIES)
def test_the_weight_is_divided_by_the_load_on_each_cpu(policy: Any) -> None:
    """Three hogs of A on CPU 0 and one on CPU 1: three quarters of 1024, and one; B is whole on CPU 1."""
    machine = stand(policy(groups=[Group("A"), Group("B")]), 2)
    for number in range(3):
        put(machine, f"a{number}", "A", 0)
    put(machine, "a3", "A", 1)
    put(machine, "b", "B", 1)
    machine.boot()
    machine.engine.run(2 * S)
    entities: Any = machine.policy.entities  # type: ignore[attr-defined]  # of groups
    assert [each.weight for each in entities["A"]] == pytest.approx([768, 256], abs=6)
    assert [each.weight for each in entities["B"]] == [2, 1024] or entities["B"][1].weight == 1024
    had = {task.name: task.sum_exec / S for task in machine.tasks.values()}
    assert had["a3"] == pytest.approx(2 * 256 / 1280, abs=0.05)
    assert had["b"] == pytest.approx(2 * 1024 / 1280, abs=0.05)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_group_that_is_alone_on_a_cpu_has_all_of_its_weight_there(policy: Any) -> None:
    machine = stand(policy(groups=[Group("A", 50)]), 2)
    put(machine, "a", "A", 0)
    machine.boot()
    machine.engine.run(1 * S)
    assert machine.policy.entities["A"][0].weight == 512  # type: ignore[attr-defined]  # of groups


@pytest.mark.parametrize("policy", POLICIES)
def test_a_task_of_a_group_weighs_as_much_as_its_part_of_the_group(policy: Any) -> None:
    """task_h_load(): four hogs of one group on a CPU, each a quarter of what the group's entity weighs."""
    machine = stand(policy(groups=[Group("A")]), 2)
    tasks = [put(machine, f"a{number}", "A", 0) for number in range(4)]
    machine.boot()
    machine.engine.run(1 * S)
    balancer = machine.policy.balancer  # type: ignore[attr-defined]  # of the fair class
    assert [balancer.loads.load_of(task) for task in tasks] == pytest.approx([255] * 4, abs=4)
    assert balancer.loads.current(machine.cpus[0]).load_avg == pytest.approx(1024, abs=6)


# -- quotas -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", KERNELS)
@pytest.mark.parametrize(("limit", "cpus"), [("20ms", 0.2), ("50ms/200ms", 0.25), ("250ms/100ms", 2.5)])
def test_a_quota_is_for_all_cpus_together(scheduler: str, limit: str, cpus: float) -> None:
    tasks = [{"name": "a", "group": "A", "count": 4}]
    had = parts(scheduler, {"A": {"max": limit}}, tasks, cpus=4)["a"]
    assert cpus <= had <= cpus * 1.03 + 0.01


@pytest.mark.parametrize("policy", POLICIES)
def test_each_cpu_takes_slices_of_5_ms_from_the_pool(policy: Any) -> None:
    """30 ms of quota, two hogs: at 5, 9 and 13 ms both have taken a slice; after 15 ms each the pool is empty."""
    machine = stand(policy(groups=[Group("A", quota=30 * MS)]), 2, hz=1000)
    for cpu in range(2):
        put(machine, f"a{cpu}", "A", cpu)
    machine.boot()
    machine.engine.run(16 * MS)
    pool = machine.policy.entities["A"][0].bandwidth  # type: ignore[attr-defined]  # of groups
    assert pool.runtime == 0
    assert all(cpu.curr is cpu.idle for cpu in machine.cpus)
    had = [task.sum_exec for task in machine.tasks.values()]
    assert 30 * MS <= sum(had) <= 32 * MS
    assert all(14 * MS <= ns <= 17 * MS for ns in had)


@pytest.mark.parametrize("policy", POLICIES)
def test_throttled_queues_go_on_in_the_order_in_which_they_stopped_but_the_timers_own_cpu_last(policy: Any) -> None:
    machine = stand(policy(groups=[Group("A", quota=12 * MS)]), 3, hz=1000)
    for cpu in (0, 2, 1):
        put(machine, f"a{cpu}", "A", cpu)
    machine.boot()
    machine.engine.run(50 * MS)
    entities: Any = machine.policy.entities["A"]  # type: ignore[attr-defined]  # of groups
    pool = entities[0].bandwidth
    stopped = [owner.cpu.id for owner in pool.throttled]
    assert sorted(stopped) == [0, 1, 2]
    went_on: list[int] = []
    usual = machine.policy.unthrottle  # type: ignore[attr-defined]  # of groups

    def unthrottle(owner: Any) -> None:
        went_on.append(owner.cpu.id)
        usual(owner)

    machine.policy.unthrottle = unthrottle  # type: ignore[attr-defined]  # of groups
    machine.policy.period_ends(machine.cpus[1], pool)  # type: ignore[attr-defined]  # of groups
    assert went_on == [cpu for cpu in stopped if cpu != 1] + [1]


@pytest.mark.parametrize("policy", POLICIES)
def test_where_the_pool_does_not_reach_the_last_still_wait(policy: Any) -> None:
    """Debts of 3, 3 and 3 ms and 7 ms in the pool: two are paid, with one ns each, and the third in part."""
    fair = policy(groups=[Group("A", quota=7 * MS)])
    machine = stand(fair, 3)
    for cpu in range(3):
        put(machine, f"a{cpu}", "A", cpu)
    owners = fair.entities["A"]
    pool = owners[0].bandwidth
    for owner in owners:
        if not owner.throttled:
            fair.take_down(owner)
            owner.throttled = True
            pool.throttled.append(owner)
        owner.runtime_remaining = -3 * MS
    pool.runtime = 7 * MS
    assert fair.distribute(machine.cpus[2], pool)
    assert [owner.throttled for owner in owners] == [False, False, True]
    assert [owner.runtime_remaining for owner in owners] == [1, 1, -2 * MS - 2]
    assert pool.runtime == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_what_an_idle_queue_gives_back_is_handed_out_5_ms_later(policy: Any) -> None:
    """The brief task of CPU 1 takes slices and sleeps; CPU 0 has used the rest up, and waits: the slack timer helps."""
    machine = stand(policy(groups=[Group("A", quota=22 * MS)]), 2, hz=1000)
    put(machine, "hog", "A", 0)
    put(machine, "brief", "A", 1, [run(6 * MS), sleep()])
    machine.boot()
    machine.engine.run(90 * MS)
    had = {task.name: task.sum_exec for task in machine.tasks.values()}
    assert had["brief"] == 6 * MS
    assert 15 * MS <= had["hog"] <= 17 * MS, "22 less 6, and less the 1 ms that CPU 1 keeps, and a tick"


@pytest.mark.parametrize("scheduler", KERNELS)
def test_the_trace_tells_when_a_group_is_throttled_and_why_its_tasks_wait(scheduler):
    """20 ms in 100: they end at a tick; a period begins when the first millisecond, which is free, is used up."""
    groups = {"batch": {"max": "20ms/100ms"}, "idle": {"max": "50ms"}}
    tasks = [{"name": "job", "group": "batch"}, {"name": "free"}]
    trace = Scenario(scheduler, tasks, until="350ms", groups=groups).run()
    stops, goes = trace.table("throttled"), trace.table("unthrottled")
    assert {trace.name("group", row.who) for row in (*stops, *goes)} == {"batch"}
    assert [b.time - a.time for a, b in pairwise(goes)] == [100 * MS] * 2
    assert all(0 <= row.a <= 4 * MS for row in stops)
    for stop, go in zip(stops, goes):
        assert stop.time < go.time
        mine = [one for one in segments(trace) if trace.name("task", one.task) == "job"]
        assert not [one for one in mine if one.start < go.time and one.stop > stop.time]
    said = [sentence for sentence in trace.sentences() if "group" in sentence]
    assert "CPU 0 has no time left for the group batch, which owes " in said[0]
    assert said[1].endswith("CPU 0 may run the group batch again")


@pytest.mark.parametrize("policy", POLICIES)
def test_a_task_of_a_throttled_group_is_not_pulled(policy: Any) -> None:
    fair = policy(groups=[Group("A", quota=5 * MS)])
    machine = stand(fair, 2, hz=1000)
    tasks = [put(machine, f"a{number}", "A", 0) for number in range(4)]
    machine.boot()
    for task in tasks:
        task.allowed = None
    machine.engine.run(60 * MS)
    assert fair.entities["A"][0].throttled
    assert not any(fair.may_pull(task, machine.cpus[1]) for task in tasks)


@settings(max_examples=30, deadline=None)
@example(  # the running member of an inner group goes to sleep just when the outer one has nothing left
    scheduler="linux-5.15",
    cpus=4,
    weights=[10_000, 900, 1],
    quotas=["20ms", "20ms", None],
    nested=True,
    tasks=[
        (0, 2, 10, -4), (1, 4, 15, 3), (1, 13, 14, 1), (-1, 5, 0, -4), (0, 20, 12, 1), (2, 15, 5, 0), (-1, 13, 11, 3),
        (0, 5, 0, 1), (2, 15, 5, 5),
    ],
)  # fmt: skip
@example(  # a group's entity is throttled while its own sleep is delayed
    scheduler="linux-6.12",
    cpus=2,
    weights=[1, 1],
    quotas=[None, "3ms/20ms", None],
    nested=False,
    tasks=[(0, 1, 0, 0), (0, 1, 0, 0), (0, 1, 0, 0), (1, 1, 0, 0), (1, 1, 1, 0)],
)
@given(
    scheduler=st.sampled_from(KERNELS),
    cpus=st.integers(2, 5),
    weights=st.lists(st.sampled_from([1, 20, 100, 900, 10_000]), min_size=1, max_size=3),
    quotas=st.lists(st.sampled_from([None, "3ms/20ms", "20ms", "150ms/100ms"]), min_size=3, max_size=3),
    nested=st.booleans(),
    tasks=st.lists(
        st.tuples(st.integers(-1, 2), st.integers(1, 20), st.integers(0, 15), st.integers(-5, 5)),
        min_size=1,
        max_size=9,
    ),
)
def test_whatever_the_groups_the_laws_hold_and_no_quota_is_exceeded_by_more_than_a_slice(
    scheduler: str, cpus: int, weights: list[int], quotas: list[Any], nested: bool, tasks: list[Any]
) -> None:
    groups: dict[str, dict[str, Any]] = {}
    for i, weight in enumerate(weights):
        groups[f"g{i}"] = {"weight": weight, **({"parent": "g0"} if nested and i else {})}
        if quotas[i]:
            groups[f"g{i}"]["max"] = quotas[i]
    given_tasks: list[dict[str, Any]] = []
    for i, (group, run_ms, sleep_ms, nice) in enumerate(tasks):
        does = [{"repeat": [{"run": f"{run_ms}ms"}, {"sleep": f"{sleep_ms}ms"}]}] if sleep_ms else [{"run": "forever"}]
        inside = {"group": f"g{group}"} if 0 <= group < len(weights) else {}
        given_tasks.append({"name": f"t{i}", "nice": nice, "does": does, **inside})
    trace = Scenario(scheduler, given_tasks, cpus=cpus, until="700ms", groups=groups).run()
    assert check(trace) == []
    limits = {"3ms/20ms": (3, 20), "20ms": (20, 100), "150ms/100ms": (150, 100)}
    for name, settings_ in groups.items():
        if "max" not in settings_:
            continue
        within = {name} | {other for other, its in groups.items() if its.get("parent") == name}
        members = {task["name"] for task in given_tasks if task.get("group") in within}
        used = sum(one.stop - one.start for one in segments(trace) if trace.name("task", one.task) in members) / MS
        quota, period = limits[settings_["max"]]
        fillings = -(-700 // period) + 1
        assert used <= fillings * quota + cpus * (5 + 4)
