"""Whole kernels in a scenario: what each class promises, what is refused, what can change while it runs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schedlab import goals, laws
from schedlab.linux.classes import ClassStack
from schedlab.linux.deadline import Deadline
from schedlab.scenario import Scenario, ScenarioError
from schedlab.sim import MS, S
from tests.linux.scene import turns

KERNELS = ("linux-5.15", "linux-6.1", "linux-6.12", "linux-7.2")
FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


class Exact(ClassStack):
    """The deadline class alone, budgets ending on the nanosecond."""

    classes = Deadline.classes

    def __init__(self) -> None:
        super().__init__([Deadline(exact=True)])


def periodic(name: str, runtime: int, period: int) -> dict[str, Any]:
    """A deadline task that uses exactly its budget in each period (ns), and then waits for the next."""
    does = [{"repeat": [{"run": runtime}, "yield"]}]
    return {"name": name, "class": "deadline", "runtime": runtime, "period": period, "does": does}


def misses(trace: Any, task: dict[str, Any]) -> list[int]:
    """The ends of the periods (ns) in which a task has not had its budget; all begin at 0."""
    had = [
        (piece.start, piece.stop) for piece in goals.segments(trace) if goals.labels(trace)[piece.task] == task["name"]
    ]
    period = task["period"]
    return [
        end
        for end in range(period, trace.end + 1, period)
        if sum(max(0, min(stop, end) - max(start, end - period)) for start, stop in had) < task["runtime"]
    ]


# -- deadlines ----------------------------------------------------------------------------------------


@FEW
@given(st.lists(st.tuples(st.sampled_from([5, 8, 10, 16, 20, 40]), st.integers(1, 6)), min_size=1, max_size=4))
def test_on_one_cpu_no_deadline_is_missed(wishes):
    """D = P and exact budgets: earliest deadline first serves whatever is admitted."""
    tasks, left = [], 95
    for number, (period, part) in enumerate(wishes):
        runtime = period * min(part * 15, left) // 100
        left -= -(-runtime * 100 // period)
        if runtime:
            tasks.append(periodic(f"t{number}", runtime * MS, period * MS))
    if not tasks:
        return
    trace = Scenario(Exact, tasks, until="160ms").run()
    assert [(task["name"], misses(trace, task)) for task in tasks if misses(trace, task)] == []


def test_on_two_cpus_what_is_admitted_may_still_miss():
    """1 of 10, 1 of 10 and 10 of 10.5: the two short ones go first on both CPUs, and the long one starts 1 ms late."""
    tasks: list[dict[str, Any]] = [
        periodic("a", 1 * MS, 10 * MS),
        periodic("b", 1 * MS, 10 * MS),
        periodic("c", 10 * MS, 10_500_000),
    ]
    trace = Scenario(Exact, tasks, cpus=2, until="31500us").run()
    assert misses(trace, tasks[0]) == misses(trace, tasks[1]) == []
    assert misses(trace, tasks[2])[0] == 10_500_000
    assert next(turn for cpu in (0, 1) for turn in turns(trace, cpu) if turn[0] == "c")[1:] == (1, 11)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_deadline_task_that_wants_too_much_hurts_nobody(kernel):
    tasks: list[dict[str, Any]] = [
        {"name": "greedy", "class": "deadline", "runtime": "2ms", "period": "10ms"},
        {"name": "fair"},
    ]
    used = goals.cpu_time(Scenario(kernel, tasks, until="2s").run())
    assert used["greedy"] == pytest.approx(400 * MS, abs=4 * MS)
    assert used["fair"] == 2 * S - used["greedy"]


# -- real time ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_real_time_loop_leaves_five_percent(kernel):
    tasks: list[dict[str, Any]] = [{"name": "loop", "class": "fifo", "rt_priority": 50}, {"name": "fair"}]
    used = goals.cpu_time(Scenario(kernel, tasks, until="20s").run())
    assert used["fair"] / (20 * S) == pytest.approx(0.05, rel=0.1)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_best_real_time_tasks_run_wherever_they_wait(kernel):
    """Three tasks on two CPUs: always the two best, and the third as soon as one of them sleeps."""
    nap = [{"run": "10ms"}, {"sleep": "5ms"}, {"run": "forever"}]
    tasks: list[dict[str, Any]] = [
        {"name": "low", "class": "fifo", "rt_priority": 1},
        {"name": "mid", "class": "fifo", "rt_priority": 2},
        {"name": "top", "class": "fifo", "rt_priority": 3, "does": nap},
    ]
    trace = Scenario(kernel, tasks, cpus=2, until="30ms").run()
    assert goals.cpu_time(trace) == {"low": 5 * MS, "mid": 30 * MS, "top": 25 * MS}


# -- groups -------------------------------------------------------------------------------------------


@FEW
@given(
    st.sampled_from(KERNELS),
    st.integers(1, 40),
    st.sampled_from([10, 20, 50, 100]),
    st.integers(1, 3),
    st.integers(0, 2),
)
def test_a_quota_is_never_exceeded_by_more_than_a_slice(kernel, quota, period, inside, outside):
    """By a tick, in which nobody looks, and the slice of 5 ms that may be left from the period before."""
    quota = min(quota, period)
    tasks: list[dict[str, Any]] = [{"name": f"in{i}", "group": "limited"} for i in range(inside)] + [
        {"name": f"out{i}"} for i in range(outside)
    ]
    scenario = Scenario(kernel, tasks, until="1s", groups={"limited": {"max": f"{quota}ms/{period}ms"}})
    trace = scenario.run()
    names = goals.labels(trace)
    had = [piece for piece in goals.segments(trace) if names[piece.task].startswith("in")]
    for start in range(0, S, period * MS):
        stop = start + period * MS
        used = sum(max(0, min(piece.stop, stop) - max(piece.start, start)) for piece in had)
        assert used <= quota * MS + 5 * MS + S // 250
    total = sum(piece.stop - piece.start for piece in had)
    assert total <= quota * MS * (S // (period * MS)) + 5 * MS + S // 250
    assert laws.check(trace) == []


@pytest.mark.parametrize("kernel", KERNELS)
def test_groups_share_by_weight_however_many_tasks_they_have(kernel):
    groups = {"one": {"weight": 300}, "many": {"weight": 100}}
    tasks: list[dict[str, Any]] = [{"name": "a", "group": "one"}, {"name": "b", "group": "many", "count": 5}]
    used = goals.cpu_time(Scenario(kernel, tasks, until="4s", groups=groups).run())
    assert used["a"] / (4 * S) == pytest.approx(0.75, abs=0.02)


# -- slices, classes and affinity that change -----------------------------------------------------------


def test_a_short_slice_is_served_sooner():
    """The same work and share; who asks for less at once waits less for it."""

    def wait(slice_: str) -> int:
        does = [{"repeat": [{"run": "500us"}, {"sleep": "9ms"}]}]
        tasks: list[dict[str, Any]] = [{"name": "hog", "count": 4}, {"name": "editor", "slice": slice_, "does": does}]
        return int(goals.longest_waits(Scenario("linux-6.12", tasks, until="2s").run())["editor"])

    assert wait("500us") < wait("20ms")


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_running_task_that_may_not_stay_is_moved_at_once(kernel):
    tasks: list[dict[str, Any]] = [
        {"name": "a", "cpus": [0]},
        {"name": "b", "cpus": [1], "does": [{"sleep": "forever"}]},
    ]
    trace = Scenario(
        kernel, tasks, cpus=2, until="20ms", events=[{"at": "7ms", "cpus": {"task": "a", "cpus": [1]}}]
    ).run()
    assert (turns(trace, 0), turns(trace, 1)) == ([("a", 0, 7)], [("a", 7, 20)])


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_task_changes_its_class_from_inside_and_from_outside(kernel):
    tasks: list[dict[str, Any]] = [
        {
            "name": "a",
            "does": [{"setscheduler": {"class": "fifo", "rt_priority": 9}}, {"run": "30ms"}, {"sleep": "forever"}],
        },
        {"name": "b"},
    ]
    events = [{"at": "10ms", "setscheduler": {"task": "b", "class": "fifo", "rt_priority": 10}}]
    trace = Scenario(kernel, tasks, until="20ms", events=events).run()
    assert turns(trace) == [("a", 0, 10), ("b", 10, 20)]
    assert [trace.sentence(i) for i in range(len(trace)) if trace.kinds[trace.kind[i]].name == "setscheduler"] == [
        "a is of class fifo now", "b is of class fifo now",
    ]  # fmt: skip


# -- what is refused ------------------------------------------------------------------------------------

BUDGET: dict[str, Any] = {"class": "deadline", "runtime": "6ms", "period": "10ms"}
DL: dict[str, Any] = {"name": "d", **BUDGET}


@pytest.mark.parametrize(
    ("given_tasks", "more", "says"),
    [
        ([{**DL, "runtime": "11ms"}], {}, r"needs 1024 ns <= runtime <= deadline <= period.*\(EINVAL\)"),
        ([{**DL, "runtime": "500ns"}], {}, r"\(EINVAL\)"),
        ([{"class": "deadline"}], {}, "needs 'runtime' and 'period'"),
        ([{**DL, "count": 2}], {}, r"'d1': no bandwidth is left for 6000000 ns every 10000000 ns \(EBUSY\)"),
        ([{**DL, "cpus": [0]}], {"cpus": 2}, r"must be allowed on all CPUs \(EPERM\)"),
        ([{"runtime": "1ms"}], {}, "only a deadline task has one; class is 'normal'"),
        ([{"class": "deadlin"}], {}, "'deadlin' is unknown; did you mean 'deadline'"),
        ([{"slice": "10us"}], {}, "10000 ns is not in 100000..100000000"),
        ([{"group": "aa"}], {"groups": {"a": {}}}, "there is no group 'aa'; did you mean 'a'"),
        ([{}], {"groups": {"a": {"parent": "b"}, "b": {"parent": "a"}}}, "a loop of groups"),
        ([{}], {"groups": {"a": {"max": "100us/100ms"}}}, r"less than 1000000 ns \(EINVAL\)"),
        ([{}], {"groups": {"a": {"wight": 3}}}, "no key 'wight'; did you mean 'weight'"),
        ([{"name": "t"}], {"events": [{"at": 0, "cpus": {"task": "t", "cpus": []}}]}, "a list of CPU numbers"),
        (
            [{"name": "t"}],
            {"events": [{"at": 0, "setscheduler": {"task": "t", "class": "fif"}}]},
            "did you mean 'fifo'",
        ),
        ([{}], {"options": {"base_slic": 1}}, "no key 'base_slic'; did you mean 'base_slice'"),
    ],
)
def test_what_cannot_be_is_refused(given_tasks, more, says):
    with pytest.raises(ScenarioError, match=says):
        Scenario("linux-6.12", given_tasks, until="50ms", **more)


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ({"spawn": {**DL, "name": "late"}}, r"at 5000000 ns: late: no bandwidth left .*\(EBUSY\)"),
        ({"setscheduler": {**BUDGET, "task": "t"}}, r"t: no bandwidth left .*\(EBUSY\)"),
        ({"cpus": {"task": "d", "cpus": [0]}}, r"must be allowed on all CPUs \(EBUSY\)"),
    ],
)  # fmt: skip
def test_what_the_kernel_refuses_later_is_told_with_its_time(event, says):
    with pytest.raises(ScenarioError, match=says):
        Scenario("linux-6.12", [DL, {"name": "t"}], until="50ms", events=[{"at": "5ms", **event}]).run()


@pytest.mark.parametrize("scheduler", ["cfs", "eevdf", "o1", "preemptive"])
def test_groups_belong_to_whole_kernels(scheduler):
    with pytest.raises(ScenarioError, match=r"groups: .* no control groups"):
        Scenario(scheduler, [{}], until="50ms", groups={"a": {}})


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_deadline_task_cannot_fork(kernel):
    does = [{"fork": {"name": "child"}}, {"run": "1ms"}]
    trace = Scenario(kernel, [{**DL, "does": does}], until="50ms").run()
    assert len(trace.table("no_slot")) == 1
    assert list(goals.cpu_time(trace)) == ["d"]


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_run_of_a_whole_kernel_can_be_explained(kernel):
    tasks: list[dict[str, Any]] = [
        DL,
        {"name": "rt", "class": "rr", "count": 2, "does": [{"repeat": [{"run": "2ms"}, {"sleep": "9ms"}]}]},
        {},
    ]
    trace = Scenario(kernel, tasks, until="100ms").run()
    explained = trace.explain()
    assert explained.plain().digest() == trace.digest()
    used = {
        explained.notes[explained.a[i]]["by"]
        for i, kind in enumerate(explained.kind)
        if explained.kinds[kind].name == "decided"
    }
    assert {"absolute_deadline", "rt_prio"} < used
