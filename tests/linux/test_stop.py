"""The stop class: threads above all others that move what runs."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.goals import cpu_time
from schedlab.laws import check
from schedlab.scenario import Scenario
from schedlab.sim import MS
from schedlab.trace import Trace

KERNELS = ["linux-5.15", "linux-6.1", "linux-6.12", "linux-7.2"]


def at(trace: Trace, ms: int) -> list[tuple[str, str, int]]:
    """What happened then: kind, who, on which CPU."""
    return [
        (trace.kinds[row.kind].name, trace.name("task", row.who), row.where)
        for row in trace.rows()
        if row.time == ms * MS and trace.kinds[row.kind].name != "change"
    ]


def moved(scheduler: str, task: dict[str, Any], until: str = "40ms", times: int = 1) -> Trace:
    """A task that may use CPU 0, and 10 ms later CPU 1 only; then CPU 0 again, and so on."""
    other = {"name": "other", "cpus": [1]}
    events = [{"at": f"{10 * (k + 1)}ms", "cpus": {"task": task["name"], "cpus": [1 - k % 2]}} for k in range(times)]
    trace = Scenario(scheduler, [task, other], cpus=2, until=until, events=events).run()
    assert check(trace) == []
    return trace


@pytest.mark.parametrize("scheduler", KERNELS)
def test_the_thread_of_its_cpu_sends_a_running_task_away(scheduler):
    trace = moved(scheduler, {"name": "hog", "cpus": [0]})
    assert at(trace, 10)[:5] == [
        ("spawn", "migration/0", 0),
        ("wake", "migration/0", 0),
        ("switch", "migration/0", 0),
        ("migrate", "hog", 1),
        ("rest", "idle", 0),
    ]
    assert cpu_time(trace)["migration/0"] == 0


@pytest.mark.parametrize("scheduler", KERNELS)
@pytest.mark.parametrize(
    "task",
    [
        {"class": "fifo", "rt_priority": 99},
        {"class": "rr", "rt_priority": 50},
        {"class": "batch"},
        {"class": "idle"},
    ],
)
def test_it_stands_above_every_class(scheduler: str, task: dict[str, Any]) -> None:
    trace = moved(scheduler, {"name": "t", "cpus": [0], **task})
    assert ("switch", "migration/0", 0) in at(trace, 10)
    assert ("migrate", "t", 1) in at(trace, 10)


@pytest.mark.parametrize("scheduler", KERNELS)
def test_a_thread_is_there_from_its_first_work_on_and_no_sooner(scheduler):
    trace = moved(scheduler, {"name": "hog", "cpus": [0]}, until="60ms", times=5)
    threads = [name for name in trace.names["task"] if name.startswith("migration/")]
    assert threads == ["migration/0", "migration/1"]
    assert [row.where for row in trace.table("migrate")] == [1, 0, 1, 0, 1]
    still = Scenario(scheduler, [{"name": "hog"}], cpus=2, until="50ms").run()
    assert list(still.names["task"]) == ["hog"]


@pytest.mark.parametrize("scheduler", KERNELS)
def test_a_run_ends_though_its_threads_do_not(scheduler):
    tasks = [
        {"name": "a", "does": [{"run": "5ms"}, "exec", {"run": "5ms"}], "cpus": [0, 1]},
        {"name": "b", "does": [{"run": "30ms"}], "cpus": [0]},
    ]
    trace = Scenario(scheduler, tasks, cpus=2).run()
    assert trace.end <= 40 * MS


@pytest.mark.parametrize("scheduler", KERNELS)
def test_who_is_killed_or_changes_its_mask_twice_at_that_moment_is_not_moved_twice(scheduler):
    tasks = [{"name": "hog", "cpus": [0]}, {"name": "other", "cpus": [1]}]
    twice: list[dict[str, Any]] = [{"at": "10ms", "cpus": {"task": "hog", "cpus": [cpu]}} for cpu in (1, 0)]
    trace = Scenario(scheduler, tasks, cpus=2, until="20ms", events=twice).run()
    assert check(trace) == []
    assert trace.table("migrate") == []
    killed = [twice[0], {"at": "10ms", "kill": "hog"}]
    trace = Scenario(scheduler, tasks, cpus=2, until="20ms", events=killed).run()
    assert check(trace) == []
    assert trace.table("migrate") == []


@pytest.mark.parametrize("scheduler", KERNELS)
def test_nobody_may_meddle_with_the_threads(scheduler):
    thread = "migration/0"
    asked: list[dict[str, Any]] = [
        {"kill": thread}, {"wake": thread}, {"renice": {"task": thread, "nice": 5}},
        {"cpus": {"task": thread, "cpus": [1]}}, {"setscheduler": {"task": thread, "class": "fifo"}},
    ]  # fmt: skip
    tasks = [{"name": "hog", "cpus": [0]}, {"name": "other", "cpus": [1]}]
    moves: list[dict[str, Any]] = [
        {"at": f"{10 * (k + 1)}ms", "cpus": {"task": "hog", "cpus": [1 - k % 2]}} for k in range(3)
    ]
    meddling = [{"at": "15ms", **one} for one in asked]
    trace = Scenario(scheduler, tasks, cpus=2, until="40ms", events=[*moves, *meddling]).run()
    assert check(trace) == []
    said = [trace.name("told", row.a) for row in trace.table("told")]
    assert said == [f"{next(iter(one))} of {thread}: it is a thread of the kernel's own (EINVAL)" for one in asked]
    assert [(row.time // MS, row.where) for row in trace.table("migrate")] == [(10, 1), (20, 0), (30, 1)]


def test_a_single_scheduler_without_classes_moves_without_a_thread():
    trace = moved("eevdf", {"name": "hog", "cpus": [0]})
    assert ("migrate", "hog", 1) in at(trace, 10)
    assert list(trace.names["task"]) == ["hog", "other"]


@pytest.mark.parametrize("scheduler", KERNELS)
def test_an_explained_run_has_the_thread_among_those_asked_for(scheduler):
    explained = moved(scheduler, {"name": "hog", "cpus": [0]}).explain()
    assert ("switch", "migration/0", 0) in at(explained, 10)
