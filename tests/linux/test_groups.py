"""Groups and quotas: shares of a tree, throttling, and what the kernel would refuse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.linux.grouped import (
    GroupedCFS,
    GroupedEEVDF,
    GroupedEEVDF_6_6,
    GroupedEEVDF_6_12_Stable,
    GroupedEEVDF_7_2,
)
from schedlab.linux.groups import Group, GroupError, parents_first
from schedlab.linux.kinds import LINUX
from schedlab.linux.machine import Machine
from schedlab.linux.task import fork, run, sleep
from schedlab.sim import MS, Engine, S
from schedlab.trace import Recorder

POLICIES = (GroupedCFS, GroupedEEVDF_6_6, GroupedEEVDF, GroupedEEVDF_6_12_Stable, GroupedEEVDF_7_2)
Tasks = dict[str, tuple[str | None, Any]]  # name: its group, what it does


def ran(policy: Any, tasks: Tasks, until: int = 2 * S, **fields: Any) -> dict[str, float]:
    """ms of CPU time that each task had."""
    machine = Machine(policy, Engine(), Recorder(LINUX, on=False))
    for name, (group, does) in tasks.items():
        task = machine.create(name, does, group=group, **fields)
        assert task is not None
        machine.start(task)
    machine.boot()
    machine.engine.run(until)
    machine._charge(machine.cpus[0])
    return {task.name: task.sum_exec / MS for task in machine.tasks.values()}


def hogs(**groups: str | None) -> Tasks:
    return {name: (group, [run()]) for name, group in groups.items()}


def on_and_off(run_ms: float, sleep_ms: float) -> Any:
    while True:
        yield run(int(run_ms * MS))
        yield sleep(int(sleep_ms * MS))


@pytest.mark.parametrize("policy", POLICIES)
def test_one_task_of_one_group_has_as_much_as_three_of_another(policy: Any) -> None:
    had = ran(policy(groups=[Group("A"), Group("B")]), hogs(a="A", b0="B", b1="B", b2="B"))
    assert had["a"] == pytest.approx(1000, abs=20)
    assert [had[f"b{i}"] for i in range(3)] == pytest.approx([333] * 3, abs=20)


@pytest.mark.parametrize("policy", POLICIES)
def test_weights_of_100_and_300(policy: Any) -> None:
    """README of the recordings, w08b: 0.25 for each of one and three tasks."""
    had = ran(policy(groups=[Group("A"), Group("B", 300)]), hogs(a="A", b0="B", b1="B", b2="B"))
    assert list(had.values()) == pytest.approx([500] * 4, abs=20)


@pytest.mark.parametrize("policy", POLICIES)
def test_groups_in_groups(policy: Any) -> None:
    groups = [Group("inner", parent="outer"), Group("outer")]
    had = ran(policy(groups=groups), hogs(deep="inner", middle="outer", top=None), until=4 * S)
    assert [had[name] for name in ("deep", "middle", "top")] == pytest.approx([1000, 1000, 2000], abs=40)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_quota_is_not_exceeded_by_more_than_a_tick(policy: Any) -> None:
    had = ran(policy(groups=[Group("lim", quota=20 * MS)]), hogs(limited="lim"))
    assert 380 <= had["limited"] <= 405


@pytest.mark.parametrize("policy", POLICIES)
def test_a_quota_beside_a_free_task(policy: Any) -> None:
    """README of the recordings, w07: 20.2 to 21.2 %."""
    had = ran(policy(groups=[Group("lim", quota=20 * MS)]), hogs(limited="lim", free=None))
    assert had["limited"] / 2000 == pytest.approx(0.207, abs=0.012)
    assert sum(had.values()) == pytest.approx(2000)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_quota_inside_a_quota(policy: Any) -> None:
    groups = [Group("outer", quota=50 * MS), Group("inner", quota=20 * MS, parent="outer")]
    had = ran(policy(groups=groups), hogs(deep="inner", middle="outer"), until=4 * S)
    assert 700 <= had["deep"] <= 860
    assert 1900 <= had["deep"] + had["middle"] <= 2060


@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_not_used_is_not_saved(policy: Any) -> None:
    """A second of sleep does not fill the pool beyond one quota."""
    had = ran(policy(groups=[Group("lim", quota=20 * MS)]), {"late": ("lim", [sleep(1 * S), run()])}, until=1090 * MS)
    assert had["late"] <= 46


@pytest.mark.parametrize("policy", POLICIES)
def test_a_child_is_in_its_parents_group(policy: Any) -> None:
    policy = policy(groups=[Group("A"), Group("B")])
    machine = Machine(policy, Engine(), Recorder(LINUX, on=False))
    for name, does, group in (("parent", [fork("child", lambda: [run()]), run()], "A"), ("other", [run()], "B")):
        task = machine.create(name, does, group=group)
        assert task is not None
        machine.start(task)
    machine.boot()
    machine.engine.run(2 * S)
    machine._charge(machine.cpus[0])
    had = {task.name: task.sum_exec / MS for task in machine.tasks.values()}
    assert had["other"] == pytest.approx(1000, abs=20)
    assert had["parent"] + had["child"] == pytest.approx(1000, abs=20)


@pytest.mark.parametrize("policy", POLICIES)
def test_renice_inside_a_group(policy: Any) -> None:
    """The group's share stays; inside it 1024 to 335 from then on."""
    machine = Machine(policy(groups=[Group("A"), Group("B")]), Engine(), Recorder(LINUX, on=False))
    tasks: dict[str, Any] = {}
    for name, group in (("a", "A"), ("b0", "B"), ("b1", "B")):
        tasks[name] = machine.create(name, [run()], group=group)
        machine.start(tasks[name])
    machine.boot()
    machine.engine.run(2 * MS)
    running, waiting = sorted((tasks["b0"], tasks["b1"]), key=lambda task: task is not machine.cpus[0].curr)
    machine.renice(waiting, 5)
    machine.engine.run(6 * S)
    machine._charge(machine.cpus[0])
    assert tasks["a"].sum_exec / S == pytest.approx(3, abs=0.05)
    assert waiting.sum_exec / running.sum_exec == pytest.approx(335 / 1024, abs=0.02)
    machine.renice(machine.cpus[0].curr, 0)
    machine.engine.run(7 * S)


@settings(max_examples=40, deadline=None)
@given(
    which=st.sampled_from(POLICIES),
    weights=st.lists(st.integers(10, 1000), min_size=1, max_size=3),
    quotas=st.lists(st.one_of(st.none(), st.integers(5, 60)), min_size=3, max_size=3),
    nested=st.booleans(),
    tasks=st.lists(
        st.tuples(st.integers(-1, 2), st.floats(0.1, 30), st.one_of(st.just(0.0), st.floats(0.1, 30))),
        min_size=1,
        max_size=6,
    ),
)
def test_time_is_conserved_and_no_quota_is_exceeded(
    which: Any, weights: list[int], quotas: list[int | None], nested: bool, tasks: list[tuple[int, float, float]]
) -> None:
    groups = [
        Group(
            f"g{i}", weight, None if (quota := quotas[i]) is None else quota * MS, parent="g0" if nested and i else None
        )
        for i, weight in enumerate(weights)
    ]
    members: Tasks = {}
    for i, (group, run_ms, sleep_ms) in enumerate(tasks):
        name = f"g{group}" if 0 <= group < len(groups) else None
        members[f"t{i}"] = (name, on_and_off(run_ms, sleep_ms) if sleep_ms else [run()])
    had = ran(which(groups=groups), members, until=1 * S)
    assert sum(had.values()) <= 1000.001
    if any(group is None and isinstance(does, list) for group, does in members.values()):
        assert sum(had.values()) == pytest.approx(1000)
    for limited in groups:
        inside = {limited.name} | {other.name for other in groups if other.parent == limited.name}
        if limited.quota is not None:
            used = sum(had[name] for name, (where, _does) in members.items() if where in inside)
            # eleven fillings in a second, the slice's last millisecond, and a tick that is paid back later
            assert used <= 11 * limited.quota / MS + 1 + 4 + 0.01


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Group("g", weight=0), "cpu.weight is 0"),
        (lambda: Group("g", weight=10_001), "cpu.weight"),
        (lambda: Group("g", quota=999_999), "less than 1000000 ns"),
        (lambda: Group("g", quota=5 * MS, period=2 * S), "period"),
        (lambda: parents_first([Group("a"), Group("a")]), "same name"),
        (lambda: parents_first([Group("a", parent="b")]), "there is no group b"),
        (lambda: parents_first([Group("a", parent="b"), Group("b", parent="a")]), "a loop of groups"),
        (lambda: parents_first([Group("a", parent="a")]), "a loop of groups"),
    ],
)
def test_groups_that_cannot_be(make: Any, said: str) -> None:
    with pytest.raises(GroupError, match=said):
        make()


def test_a_task_of_no_known_group() -> None:
    with pytest.raises(GroupError, match="there is no group elsewhere"):
        ran(GroupedCFS(groups=[Group("A")]), hogs(task="elsewhere"))
