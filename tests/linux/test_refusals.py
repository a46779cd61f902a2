"""What the kernel would refuse, and what can never work: told as such, never a hang and never a traceback of ours."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.goals import cpu_time
from schedlab.laws import check
from schedlab.linux.scx import DSQ_GLOBAL, SchedExt
from schedlab.scenario import Scenario, ScenarioError
from schedlab.sim import MS
from schedlab.trace import Trace

KERNELS = ["linux-5.15", "linux-6.1", "linux-6.12", "linux-7.2"]
EVERY = [
    "v0.01", "o(n)", "o(n)-2.4.24", "o1", "o1-2.6.22", "cfs-2.6.23", "cfs", "eevdf-6.6", "eevdf", *KERNELS,
    "scx_simple", "scx_simple-fifo",
]  # fmt: skip


def said(trace: Trace) -> list[tuple[int, str]]:
    """The kernel's log: ms and line."""
    return [(row.time // MS, trace.name("told", row.a)) for row in trace.table("told")]


# -- groups ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", KERNELS)
@pytest.mark.parametrize(
    ("groups", "why"),
    [
        ({"a": {"parent": "b"}, "b": {"parent": "c"}, "c": {"parent": "a"}}, "a loop of groups, through"),
        ({"a": {"parent": "a"}}, "a loop of groups, through a"),
        ({"a": {"parent": "b"}}, "'b' is no group"),
        ({"a": {"max": "999us"}}, r"a quota of 999000 ns is less than 1000000 ns \(EINVAL\)"),
        ({"a": {"max": "0ms"}}, "less than 1000000 ns"),
        ({"a": {"max": "5ms/2s"}}, "a period of 2000000000 ns is not in"),
        ({"a": {"weight": 0}}, "weight"),
        ({"a": {"weight": 10_001}}, "weight"),
        ({"a": {"weight": "heavy"}}, "weight"),
    ],
)
def test_groups_that_the_kernel_refuses(scheduler: str, groups: dict[str, Any], why: str) -> None:
    with pytest.raises(ScenarioError, match=why):
        Scenario(scheduler, [{"name": "t", "group": "a"}], until="10ms", groups=groups, cpus=2)


# -- deadline tasks -------------------------------------------------------------------------------------


def deadline(runtime: str, period: str) -> dict[str, Any]:
    return {"class": "deadline", "runtime": runtime, "period": period}


@pytest.mark.parametrize("scheduler", KERNELS)
@pytest.mark.parametrize(("cpus", "tasks"), [(1, 2), (2, 4), (4, 8)])
def test_more_bandwidth_than_there_is_is_busy(scheduler: str, cpus: int, tasks: int) -> None:
    """Half of a CPU each: two need 1.0 of 0.95 on one CPU."""
    given = [{"name": f"d{i}", **deadline("5ms", "10ms")} for i in range(tasks)]
    with pytest.raises(ScenarioError, match="EBUSY"):
        Scenario(scheduler, given, cpus=cpus, until="1s")
    Scenario(scheduler, given[1:], cpus=cpus, until="50ms").run()


@pytest.mark.parametrize("scheduler", KERNELS)
def test_bandwidth_that_is_asked_for_later_is_busy_then(scheduler):
    given = [{"name": "d", **deadline("6ms", "10ms")}, {"name": "late"}]
    later = [{"at": "20ms", "setscheduler": {"task": "late", **deadline("6ms", "10ms")}}]
    with pytest.raises(ScenarioError, match=r"at 20000000 ns: .*EBUSY"):
        Scenario(scheduler, given, until="1s", events=later).run()


@pytest.mark.parametrize("scheduler", KERNELS)
@pytest.mark.parametrize(
    "numbers",
    [
        {"runtime": "11ms", "period": "10ms"},
        {"runtime": "1us", "period": "10ms"},
        {"runtime": "5ms", "period": "10s"},
        {"runtime": "50us", "period": "90us"},
        {"runtime": "5ms", "deadline": "12ms", "period": "10ms"},
    ],
)
def test_numbers_that_no_deadline_task_may_have_are_invalid(scheduler: str, numbers: dict[str, str]) -> None:
    with pytest.raises(ScenarioError, match="EINVAL"):
        Scenario(scheduler, [{"name": "d", "class": "deadline", **numbers}], until="1s")


# -- affinity -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", [name for name in EVERY if name != "v0.01"])
@pytest.mark.parametrize("mask", [[], [2], [-1], [0, 9], "0", [True], [0.0], None])
def test_a_mask_with_no_cpu_or_with_one_that_is_not_there(scheduler: str, mask: Any) -> None:
    later = [{"at": "5ms", "cpus": {"task": "t", "cpus": mask}}]
    if mask is None:  # all CPUs
        Scenario(scheduler, [{"name": "t", "cpus": mask}], cpus=2, until="10ms", events=later).run()
        return
    with pytest.raises(ScenarioError, match="cpus"):
        Scenario(scheduler, [{"name": "t", "cpus": mask}], cpus=2, until="10ms")
    with pytest.raises(ScenarioError, match="cpus"):
        Scenario(scheduler, [{"name": "t"}], cpus=2, until="10ms", events=later)


# -- the dead -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", EVERY)
def test_what_is_asked_of_a_dead_task_is_told_and_nothing_happens(scheduler):
    tasks: list[dict[str, Any]] = [{"name": "brief", "does": [{"run": "5ms"}]}, {"name": "hog"}]
    asked: list[dict[str, Any]] = [
        {"at": "400ms", "renice": {"task": "brief", "nice": 5}},
        {"at": "450ms", "kill": "brief"},
        {"at": "500ms", "wake": "brief"},
    ]
    plain = Scenario(scheduler, tasks, until="600ms").run()
    trace = Scenario(scheduler, tasks, until="600ms", events=asked).run()
    assert said(trace) == [
        (400, "renice of brief: it has exited (ESRCH)"),
        (450, "kill of brief: it has exited (ESRCH)"),
    ]
    assert check(trace) == []
    assert cpu_time(trace) == cpu_time(plain)


def test_a_task_that_was_never_there_is_an_error():
    asked = [{"at": "30ms", "renice": {"task": "nobody", "nice": 5}}]
    with pytest.raises(ScenarioError, match="nobody"):
        Scenario("eevdf", [{"name": "hog"}], until="100ms", events=asked).run()


# -- sched_ext ------------------------------------------------------------------------------------------


class Hoards(SchedExt):
    """Takes every task and never gives one back."""

    def enqueue(self, task: Any, flags: int) -> None:
        """Kept."""


class Foreign(SchedExt):
    """Dispatches what is no task of its own."""

    def enqueue(self, task: Any, flags: int) -> None:
        """A text in place of a task."""
        self.dsq_insert("not a task", DSQ_GLOBAL)


@pytest.mark.parametrize(
    ("ops", "until", "why"), [(Hoards, "60s", "runnable task stall"), (Foreign, "1s", "runtime error")]
)
def test_a_scheduler_that_never_dispatches_or_dispatches_a_stranger_is_put_out(ops: Any, until: str, why: str) -> None:
    trace = Scenario(ops, [{"name": "a"}, {"name": "b"}], until=until).run()
    assert any(why in line for _time, line in said(trace)), said(trace)
    assert sum(cpu_time(trace).values()) > 0, "the fair class goes on with its tasks"
