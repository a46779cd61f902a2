"""The two levels above the scheduler: the rules alone, then runs worked out by hand, then laws over random runs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schedlab import goals, laws
from schedlab.linux.coremap import CoreMap
from schedlab.linux.kinds import DISK, OUT, OUT_ASLEEP, READY, RUNNING, SLEEPING
from schedlab.linux.levels import Image, Job, best_mix, first, to_swap_in, to_swap_out
from schedlab.linux.machine import Loop
from schedlab.linux.schedulers import SCHEDULERS
from schedlab.scenario import Scenario, ScenarioError
from schedlab.sim import MS, S
from schedlab.trace import Trace
from tests.laws.scenarios import scenarios
from tests.linux.scene import rows_of, turns

SLEEPER = [{"run": "5ms"}, {"sleep": "10s"}]
FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)


def image(state: int, since: float, *, loaded: bool = True, locked: bool = False) -> Image:
    """An image that came to where it is at `since` (s)."""
    made = Image(SimpleNamespace(state=state), 1, round(since * S))
    made.loaded, made.locked = loaded, locked
    return made


def out(since: float, **more: Any) -> Image:
    return image(OUT, since, loaded=False, **more)


def job(kind: str) -> Job:
    return Job(kind, kind, {}, lambda job: None)


def ran_with(machine: dict[str, Any], tasks: Any, scheduler: str = "o1", **more: Any) -> Trace:
    """A run that has kept its laws."""
    trace = Scenario(scheduler, tasks, machine=machine, **more).run()
    assert laws.check(trace) == []
    return trace


# -- the rules --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "now", "seconds"),
    [(0, 0.999, 0), (0.999, 1, 1), (1, 1.999, 0), (0.5, 3.4, 3), (0, 127, 127), (0, 900, 127)],
)
def test_p_time_counts_the_whole_seconds_that_have_been_struck_up_to_127(since, now, seconds):
    assert image(READY, since).p_time(round(now * S)) == seconds


def test_who_is_out_longest_comes_in_first_and_of_equals_the_first_in_the_table():
    late, early, as_early = out(2.5), out(1.2), out(1.9)
    assert to_swap_in([late, early, as_early], 4 * S) is early
    assert to_swap_in([late, as_early, early], 4 * S) is as_early


def test_who_sleeps_or_is_on_its_way_is_not_brought_in():
    asleep = image(OUT_ASLEEP, 0, loaded=False)
    assert to_swap_in([asleep, out(0, locked=True), image(READY, 0)], 9 * S) is None


def test_the_first_that_sleeps_goes_at_once_however_short_it_is_in():
    hog, sleeper, other = image(READY, 0), image(SLEEPING, 9), image(SLEEPING, 0)
    assert to_swap_out([hog, sleeper, other], out(9), 9 * S) is sleeper


@pytest.mark.parametrize("state", [READY, RUNNING, DISK])
def test_who_does_not_sleep_goes_when_the_other_has_been_out_for_three_seconds_and_it_in_for_two(state):
    victim = image(state, 2)
    assert to_swap_out([victim], out(1), 4 * S - 1) is None  # out for 2 s
    assert to_swap_out([victim], out(1), 4 * S) is victim  # out for 3 s, in for 2 s
    assert to_swap_out([image(state, 3)], out(1), 4 * S) is None  # in for 1 s


def test_of_those_who_do_not_sleep_the_one_in_longest_goes_and_of_equals_the_first():
    young, old, as_old = image(READY, 1), image(DISK, 0.1), image(RUNNING, 0.9)
    assert to_swap_out([young, old, as_old], out(0), 5 * S) is old
    assert to_swap_out([young, as_old, old], out(0), 5 * S) is as_old


def test_nobody_goes_who_is_on_its_way_or_out_already():
    images = [image(SLEEPING, 0, locked=True), image(OUT_ASLEEP, 0, loaded=False), image(READY, 0, locked=True)]
    assert to_swap_out(images, out(0), 9 * S) is None


def test_balanced_admission_takes_the_kind_of_which_fewer_are_in_and_else_the_first():
    io, cpu = job("io"), job("cpu")
    assert best_mix([cpu, io], [job("cpu")]) is io
    assert best_mix([io, cpu], [job("io"), job("io"), job("cpu")]) is cpu
    assert best_mix([cpu, io], []) is cpu
    assert best_mix([cpu, io], [job("io"), job("cpu")]) is cpu
    another = job("cpu")
    assert best_mix([another, cpu], [job("cpu")]) is another  # none of the other kind waits
    assert first([another, io], [job("cpu")]) is another


# -- core --------------------------------------------------------------------------------------------


def test_the_first_hole_that_is_large_enough_is_taken_although_another_would_fit_better():
    core = CoreMap(100)
    assert [core.take(size) for size in (30, 10, 20, 10, 30)] == [0, 30, 40, 60, 70]
    core.give(0, 30)
    core.give(40, 20)
    assert core.take(20) == 0
    assert core.take(30) is None  # there are 10 and 20, but not in one piece
    core.give(30, 10)
    assert core.holes == [[20, 40]]
    assert core.take(30) == 20


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 30)), max_size=40))
def test_a_core_map_gives_what_is_free_in_one_piece_and_never_twice(asked):
    core, owner = CoreMap(64), [0] * 64
    had: list[tuple[int, int]] = []
    for number, (gives, size) in enumerate(asked, start=1):
        if gives and had:
            address, size = had.pop(size % len(had))
            core.give(address, size)
            owner[address : address + size] = [0] * size
            continue
        fits = [at for at in range(65 - size) if not any(owner[at : at + size])]
        address_or_none = core.take(size)
        assert address_or_none == (fits[0] if fits else None)
        if fits:
            owner[fits[0] : fits[0] + size] = [number] * size
            had.append((fits[0], size))


# -- medium term, by hand ------------------------------------------------------------------------------


def test_two_processes_that_do_not_fit_together_change_places_every_three_seconds():
    """b is out for 3 s at 3.0: a goes (600 ms), b comes (600 ms). a is out since 3.6, and b in since 4.2; at 6.0 that
    is 3 strikes and 2."""
    tasks = [{"name": "a", "memory": "60MB"}, {"name": "b", "memory": "60MB"}]
    trace = ran_with({"memory": "100MB", "swap": "10ms"}, tasks, until="11s")
    assert turns(trace) == [("a", 0, 3000), ("b", 4200, 6000), ("a", 7200, 9000), ("b", 10200, 11000)]
    assert rows_of(trace, "swap_out") == [(3000, "a"), (6000, "b"), (9000, "a")]
    assert rows_of(trace, "freed") == [(3600, "a"), (6600, "b"), (9600, "a")]
    assert rows_of(trace, "swap_in") == [(3600, "b"), (6600, "a"), (9600, "b")]
    assert rows_of(trace, "swapped_in") == [(4200, "b"), (7200, "a"), (10200, "b")]


def test_a_sleeper_goes_before_a_hog_that_is_in_longer():
    tasks = [
        {"name": "hog", "memory": "50MB"},
        {"name": "editor", "memory": "40MB", "does": SLEEPER},
        {"name": "late", "memory": "30MB", "start": "1s"},
    ]
    trace = ran_with({"memory": "100MB", "swap": "1ms"}, tasks, until="3s")
    assert rows_of(trace, "no_room") == [(1000, "late")]
    assert rows_of(trace, "swap_out") == [(1000, "editor")]
    assert rows_of(trace, "swap_in") == [(1040, "late")]
    assert rows_of(trace, "swapped_in") == [(1070, "late")]


def test_who_goes_to_sleep_makes_room_at_once_and_who_exits_is_noticed_at_the_next_second():
    """s sleeps at 300 ms: b comes in. s wakes at 5.3 s, out for 5 s, and b goes. s exits at 5.3 s; b is back at 6 s."""
    tasks = [
        {"name": "s", "memory": "70MB", "does": [{"run": "300ms"}, {"sleep": "5s"}]},
        {"name": "b", "memory": "60MB"},
    ]
    trace = ran_with({"memory": "100MB"}, tasks, until="7s")
    assert turns(trace) == [("s", 0, 300), ("b", 300, 5300), ("b", 6000, 7000)]
    assert rows_of(trace, "exit") == [(5300, "s")]
    assert rows_of(trace, "swap_in") == [(300, "b"), (5300, "s"), (6000, "b")]


def test_who_waits_for_a_disk_is_no_easy_victim():
    tasks = [
        {"name": "reader", "memory": "70MB", "does": [{"run": "10ms"}, {"disk": "10s"}]},
        {"name": "b", "memory": "60MB"},
    ]
    trace = ran_with({"memory": "100MB"}, tasks, until="4s")
    assert rows_of(trace, "swap_out") == [(3000, "reader")]
    assert turns(trace) == [("reader", 0, 10), ("b", 3000, 4000)]


def test_who_is_out_longest_comes_in_first():
    tasks = [
        {"name": "big", "memory": "90MB"},
        {"name": "c", "memory": "40MB", "start": "2s"},
        {"name": "b", "memory": "40MB", "start": "1s"},
    ]
    trace = ran_with({"memory": "100MB", "swap": "1ms"}, tasks, until="5s")
    assert rows_of(trace, "swap_out") == [(4000, "big")]
    assert rows_of(trace, "swapped_in") == [(4130, "b"), (4170, "c")]


def test_free_memory_in_two_pieces_is_not_enough_for_one_process():
    """b leaves a hole of 30 MB between a and c, and 10 MB are left behind c."""
    tasks = [
        {"name": "a", "memory": "30MB"},
        {"name": "b", "memory": "30MB", "does": [{"run": "100ms"}]},
        {"name": "c", "memory": "30MB"},
        {"name": "d", "memory": "40MB", "start": "1s"},
    ]
    trace = ran_with({"memory": "100MB"}, tasks, until="3s")
    assert rows_of(trace, "no_room") == [(1000, "d")]
    assert rows_of(trace, "swap_in") == []


def test_a_task_stops_inside_its_burst_and_goes_on_where_it_was():
    tasks = [
        {"name": "a", "memory": "60MB", "does": [{"run": "5s"}]},
        {"name": "b", "memory": "60MB", "does": [{"run": "1s"}]},
    ]
    trace = ran_with({"memory": "100MB"}, tasks)
    assert turns(trace) == [("a", 0, 3000), ("b", 3000, 4000), ("a", 5000, 7000)]


# -- forks -----------------------------------------------------------------------------------------------


def family(child_runs: str = "20ms") -> list[dict[str, Any]]:
    fork = {"fork": {"name": "child", "does": [{"run": child_runs}]}}
    return [{"name": "parent", "memory": "60MB", "does": [{"run": "10ms"}, fork, {"run": "10ms"}, {"sleep": "1s"}]}]


def test_a_child_without_room_is_written_to_the_swap_device_while_its_parent_waits():
    """Written from 10 to 70 ms. The parent sleeps at 80 and goes until 140, the child comes until 200."""
    trace = ran_with({"memory": "100MB", "swap": "1ms"}, family())
    assert rows_of(trace, "no_room") == [(10, "child")]
    assert rows_of(trace, "out_ready") == [(10, "child"), (1080, "parent")]
    assert turns(trace) == [("parent", 0, 10), ("parent", 70, 80), ("child", 200, 220)]
    assert rows_of(trace, "swap_out") == [(80, "parent")]
    assert rows_of(trace, "exit") == [(220, "child"), (1140, "parent")]


def test_a_child_with_room_has_as_much_memory_as_its_parent():
    trace = ran_with({"memory": "120MB"}, family())
    assert [(row.time, row.a) for row in trace.table("placed")] == [(0, 60 << 20), (10 * MS, 60 << 20)]


def test_a_parent_that_waits_for_its_childs_copy_is_nobodys_victim():
    """The copy takes from 10 to 6010 ms, and x is out for 3 s at 4.0. At 6.02 the parent sleeps, and goes."""
    tasks = [*family(), {"name": "x", "memory": "50MB", "start": "1s"}]
    trace = ran_with({"memory": "100MB", "swap": "100ms"}, tasks, until="7s")
    assert turns(trace) == [("parent", 0, 10), ("parent", 6010, 6020)]
    assert rows_of(trace, "swap_out") == [(6020, "parent")]


def test_children_of_kernel_threads_have_no_memory_either():
    tasks = [{"name": "kthreadd", "mm": "none", "does": [{"fork": {"name": "kswapd", "does": [{"run": "1ms"}]}}]}]
    assert ran_with({"memory": "1B"}, tasks).table("placed") == []


# -- what happens from outside to who is out ---------------------------------------------------------------

TWO = [{"name": "a", "memory": "60MB"}, {"name": "b", "memory": "60MB"}]  # a is out from 3 to 6 s
ONE_AT_A_TIME = {"memory": "100MB"}


def test_who_is_killed_while_it_is_out_never_comes_back():
    trace = ran_with(ONE_AT_A_TIME, TWO, until="8s", events=[{"at": "4s", "kill": "a"}])
    assert turns(trace) == [("a", 0, 3000), ("b", 3000, 8000)]
    assert rows_of(trace, "kill") == [(4000, "a")]


@pytest.mark.parametrize("at", ["3100ms", "3700ms"])
def test_the_memory_of_who_is_killed_on_its_way_is_free_when_the_transfer_is_over(at):
    """a is on its way out from 3.0 to 3.6, and b on its way in from 3.6 to 4.2."""
    victim = "a" if at == "3100ms" else "b"
    machine = {"memory": "100MB", "swap": "10ms"}
    trace = ran_with(machine, TWO, until="8s", events=[{"at": at, "kill": victim}])
    assert rows_of(trace, "freed") == ([(3600, "a")] if victim == "a" else [(3600, "a"), (4200, "b")])
    assert turns(trace)[1:] == ([("b", 4200, 8000)] if victim == "a" else [("a", 4800, 8000)])


def test_a_nice_value_and_a_class_can_change_while_a_task_is_out():
    events = [
        {"at": "4s", "renice": {"task": "a", "nice": 9}},
        {"at": "5s", "setscheduler": {"task": "a", "class": "fifo", "rt_priority": 3}},
    ]
    trace = ran_with(ONE_AT_A_TIME, TWO, until="7s", events=events)
    assert turns(trace)[-1] == ("a", 6000, 7000)
    assert trace.at(7 * S).state["nice"] == [9, 0]


@pytest.mark.parametrize("scheduler", ["o1", "cfs", "linux-6.12"])
def test_a_task_that_may_use_other_cpus_while_it_is_out_comes_back_on_one_of_them(scheduler):
    events = [{"at": "4s", "cpus": {"task": "a", "cpus": [1]}}]
    trace = ran_with(ONE_AT_A_TIME, TWO, scheduler, until="7s", cpus=2, events=events)
    assert turns(trace, 1)[-1] == ("a", 6000, 7000)


def test_a_key_wakes_who_is_out_and_the_swapper_brings_it_in():
    """The editor is out since 1.04 s and woken at 2 s; at 4 s it is out for 3 s, and the hog goes (50 ms)."""
    tasks = [
        {"name": "hog", "memory": "50MB"},
        {"name": "editor", "memory": "40MB", "does": SLEEPER},
        {"name": "late", "memory": "30MB", "start": "1s"},
    ]
    events = [{"at": "2s", "wake": "editor"}]
    trace = ran_with({"memory": "100MB", "swap": "1ms"}, tasks, until="5s", events=events)
    assert rows_of(trace, "out_ready") == [(1000, "late"), (2000, "editor"), (4000, "hog")][:2]
    assert rows_of(trace, "swap_out") == [(1000, "editor"), (4000, "hog")]
    assert rows_of(trace, "swapped_in") == [(1070, "late"), (4090, "editor")]
    assert rows_of(trace, "exit")[0][1] == "editor"  # its sleep was over


@pytest.mark.parametrize(("scheduler", "latest"), [("v0.01", 4150), ("o(n)", 4000), ("o1", 4000)])
def test_an_alarm_ends_the_sleep_of_who_is_out(scheduler, latest):
    """v0.01 looks for alarms when it chooses, and b may just have begun its 15 ticks of 10 ms."""
    tasks = [
        {"name": "s", "memory": "70MB", "does": [{"alarm": "4s"}, {"run": "10ms"}, {"sleep": "60s"}]},
        {"name": "b", "memory": "60MB", "does": [{"run": "10s"}]},
    ]
    trace = ran_with(ONE_AT_A_TIME, tasks, scheduler)
    ((woken, _s),) = [row for row in rows_of(trace, "out_ready") if row[1] == "s"]
    assert 4000 <= woken <= latest


# -- long term, by hand ------------------------------------------------------------------------------------

COMPUTES = {"kind": "cpu", "class": "fifo", "rt_priority": 1, "does": [{"run": "1s"}]}
READS = {
    "kind": "io",
    "class": "fifo",
    "rt_priority": 2,
    "does": [{"repeat": [{"run": "10ms"}, {"disk": "90ms"}], "times": 10}],
}
FOUR = [{"name": "c0", **COMPUTES}, {"name": "c1", **COMPUTES}, {"name": "i0", **READS}, {"name": "i1", **READS}]


def test_first_come_leaves_the_cpu_idle_when_only_io_bound_jobs_are_left():
    """c0 alone until 1 s; i0 beside c1 until 2 s; c1 has 100 ms left and ends at 2.12 s, and i1 is alone until 3 s."""
    trace = ran_with({"jobs": 2}, FOUR)
    assert rows_of(trace, "admit") == [(0, "c0"), (0, "c1"), (1000, "i0"), (2000, "i1")]
    assert goals.completions(trace) == {"c0": 1 * S, "i0": 2 * S, "c1": 2120 * MS, "i1": 3 * S}


def test_balanced_admission_keeps_the_cpu_busy_to_the_end():
    """c0 has 900 ms beside i0, and 100 more beside i1, until 1.12 s; c1 has 800 ms at 2 s, and ends at 2.2."""
    trace = ran_with({"jobs": 2, "admission": "balanced"}, FOUR)
    assert rows_of(trace, "admit") == [(0, "c0"), (0, "i0"), (1000, "i1"), (1120, "c1")]
    assert goals.completions(trace) == {"i0": 1 * S, "c0": 1120 * MS, "i1": 2 * S, "c1": 2200 * MS}
    assert sum(goals.cpu_time(trace).values()) == trace.end == 2200 * MS


def test_a_jobs_life_begins_when_it_is_submitted():
    trace = ran_with(
        {"jobs": 1}, [{"name": "a", "does": [{"run": "1s"}]}, {"name": "b", "start": "300ms", "does": ["exit"]}]
    )
    assert goals.births(trace) == {"a": 0, "b": 300 * MS}
    assert rows_of(trace, "submit") == [(0, "a"), (300, "b")]
    assert rows_of(trace, "spawn") == [(0, "a"), (1000, "b")]


def test_children_of_a_job_are_not_counted():
    fork = {"fork": {"name": "child", "does": [{"run": "1s"}]}}
    trace = ran_with(
        {"jobs": 1}, [{"name": "a", "does": [fork, {"run": "10ms"}]}, {"name": "b", "does": [{"run": "10ms"}]}]
    )
    ((ended, _a),) = [row for row in rows_of(trace, "exit") if row[1] == "a"]
    assert rows_of(trace, "admit") == [(0, "a"), (ended, "b")]
    assert ended < 100


def test_what_happens_to_a_job_in_the_pool_is_true_of_the_task_that_it_becomes():
    tasks = [{"name": name, "does": [{"run": "1s"}]} for name in ("a", "b", "c")]
    events = [
        {"at": "100ms", "renice": {"task": "b", "nice": 7}},
        {"at": "200ms", "cpus": {"task": "b", "cpus": [1]}},
        {"at": "300ms", "setscheduler": {"task": "b", "class": "rr"}},
        {"at": "400ms", "wake": "b"},
        {"at": "500ms", "kill": "c"},
        {"at": "600ms", "kill": "c"},
    ]
    trace = ran_with({"jobs": 1}, tasks, cpus=2, events=events)
    assert turns(trace, 1) == [("b", 1000, 2000)]
    assert trace.at(trace.end).state["nice"] == [0, 7, 0]
    assert rows_of(trace, "withdraw") == [(500, "c")]
    assert trace.names["told"] == ["kill of c: it has exited (ESRCH)"]
    assert rows_of(trace, "spawn") == [(0, "a"), (1000, "b")]


def test_an_admitted_job_may_still_have_to_wait_for_memory():
    tasks = [{**task, "memory": "60MB"} for task in TWO]
    trace = ran_with({"jobs": 2, "memory": "100MB"}, tasks, until="4s")
    assert rows_of(trace, "admit") == [(0, "a"), (0, "b")]
    assert rows_of(trace, "no_room") == [(0, "b")]


# -- under every scheduler, and laws -------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_under_every_scheduler_each_task_gets_all_of_its_work_done(scheduler):
    """More work than memory: hogs, a sleeper, a reader, and a shell that forks."""
    fork = {"fork": {"name": "child", "does": [{"run": "400ms"}]}}
    cycle = {"repeat": [{"run": "20ms"}, {"sleep": "180ms"}], "times": 20}
    reads = {"repeat": [{"run": "10ms"}, {"disk": "90ms"}], "times": 20}
    tasks: list[dict[str, Any]] = [
        {"name": "hog", "count": 2, "kind": "cpu", "memory": "40MB", "does": [{"run": "2s"}]},
        {"name": "editor", "kind": "io", "memory": "30MB", "does": [cycle]},
        {"name": "reader", "kind": "io", "memory": "20MB", "does": [reads]},
        {"name": "shell", "kind": "cpu", "memory": "35MB", "does": [{"run": "1s"}, fork, {"run": "1s"}]},
    ]
    machine = {"memory": "100MB", "swap": "1ms", "jobs": 4, "admission": "balanced"}
    trace = ran_with(machine, tasks, scheduler)
    assert trace.table("swap_out")
    asked = {"hog0": 2000, "hog1": 2000, "editor": 400, "reader": 200, "shell": 2000, "child": 400}
    assert {name: ns / MS for name, ns in goals.cpu_time(trace).items()} == asked


@st.composite
def crowded(draw: st.DrawFn) -> Scenario:
    """Anything that the family takes, in a machine with too little memory or too few places."""
    scenario = draw(scenarios())
    memory = draw(st.integers(10, 40))
    machine: dict[str, Any] = {
        **scenario.machine,
        "memory": memory,
        "swap": draw(st.sampled_from(["0ms", "1s", "900s"])),
    }
    if draw(st.booleans()):
        machine |= {"jobs": draw(st.integers(1, 3)), "admission": draw(st.sampled_from(["fifo", "balanced"]))}

    def placed(task: Any) -> dict[str, Any]:
        task = dict(task)
        if task.get("mm") != "none":
            task["memory"] = draw(st.integers(1, memory))
        if "jobs" in machine:
            task["kind"] = draw(st.sampled_from(["io", "cpu"]))
        return task

    events = [{**event, "spawn": placed(event["spawn"])} if "spawn" in event else event for event in scenario.events]
    longer = draw(st.sampled_from(["260ms", "4s"]))
    return scenario.but(
        tasks=[placed(task) for task in scenario.given_tasks], events=events, machine=machine, until=longer
    )


@FEW
@given(crowded())
def test_whatever_happens_memory_and_places_are_never_exceeded_and_nobody_is_lost(scenario):
    try:
        trace = scenario.run()
    except Loop:
        return
    promised = {law.id for law in laws.promised(trace)}
    assert "memory" in promised
    assert ("jobs" in promised) is ("jobs" in scenario.machine)
    assert laws.check(trace) == [], scenario.to_data()


WORK = st.fixed_dictionaries(
    {
        "memory": st.integers(1, 10),
        "does": st.lists(
            st.one_of(
                st.builds(lambda ms: {"run": f"{ms}ms"}, st.integers(1, 900)),
                st.builds(lambda ms: {"sleep": f"{ms}ms"}, st.integers(1, 1500)),
                st.builds(lambda ms: {"disk": f"{ms}ms"}, st.integers(1, 900)),
            ),
            min_size=1,
            max_size=5,
        ),
    }
)


@settings(FEW, max_examples=30)
@given(st.lists(WORK, min_size=1, max_size=5), st.sampled_from(sorted(SCHEDULERS)), st.integers(0, 400))
def test_every_task_ends_however_little_memory_there_is(work, scheduler, swap_ms):
    tasks = [{"name": f"t{i}", **one} for i, one in enumerate(work)]
    trace = ran_with({"memory": 10, "swap": f"{swap_ms * 100}s"}, tasks, scheduler)  # so much for a whole MB
    asked = [sum(int(step["run"][:-2]) for step in one["does"] if "run" in step) * MS for one in work]
    assert goals.cpu_time(trace) == {f"t{i}": ns for i, ns in enumerate(asked)}
    assert trace.at(trace.end).state["memory"] == [0] * len(work)


def test_an_explained_run_is_the_plain_one_and_more():
    trace = ran_with({"memory": "100MB", "jobs": 2}, TWO, until="4s")
    assert trace.explain().plain().digest() == trace.digest()


# -- what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "task", "says"),
    [
        ({"memory": "64 fortnights"}, {}, "machine.memory: '64 fortnights' is not a size; write a whole number and"),
        ({"memory": "1.5MB"}, {}, "machine.memory: '1.5MB' is not a size"),
        ({"memory": 0}, {}, "machine.memory: 0 is not in 1.."),
        ({"memory": "99999999999999TB"}, {}, "machine.memory: 109951162777598900488372224 is not in"),
        ({"memory": True}, {}, "machine.memory: a size such as '64MB', or whole bytes, not True"),
        ({"memory": [64]}, {}, "machine.memory: a size such as '64MB'"),
        ({"memory": "9" * 5000 + "MB"}, {}, "is not a size"),
        ({"memory": "1MB", "swap": "-1ms"}, {"memory": 1}, "machine.swap: "),
        ({"swap": "1ms"}, {}, "machine.swap: it needs machine.memory"),
        ({"memory": "1MB"}, {}, "the task 'a': say how much 'memory' it needs, because machine.memory is limited"),
        ({"memory": "1MB"}, {"memory": "2MB"}, "the task 'a': its memory, 2097152 bytes, is more than"),
        ({"memory": "1MB"}, {"memory": -5}, "tasks[0].memory: -5 is not in 1.."),
        ({"memory": "1MB"}, {"memory": "1KB", "mm": "none"}, "a kernel thread has no memory of its own"),
        ({}, {"memory": "1MB"}, "the task 'a': 'memory' needs machine.memory"),
        ({"jobs": 0}, {}, "machine.jobs: 0 is not in 1..100000"),
        ({"jobs": "two"}, {}, "machine.jobs: a whole number from 1 to 100000, not 'two'"),
        ({"jobs": 2, "admission": "balance"}, {}, "machine.admission: 'balance' is unknown; did you mean 'balanced'?"),
        ({"jobs": 2, "admission": ["fifo"]}, {}, "machine.admission: ['fifo'] is unknown"),
        ({"admission": "fifo"}, {}, "machine.admission: it needs machine.jobs"),
        ({"jobs": 2, "admission": "balanced"}, {}, "the task 'a': balanced admission must know its 'kind', 'io' or"),
        ({"jobs": 2}, {"kind": "disk"}, "tasks[0].kind: 'io' (I/O-bound) or 'cpu' (CPU-bound), not 'disk'"),
        ({"jobs": 2}, {"kind": ["io"]}, "tasks[0].kind: 'io' (I/O-bound) or 'cpu'"),
        ({}, {"kind": "io"}, "the task 'a': 'kind' needs machine.jobs"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_the_place_and_what_is_allowed(machine, task, says):
    with pytest.raises(ScenarioError) as error:
        Scenario("o1", [{"name": "a", **task}], until="1s", machine=machine)
    assert says in str(error.value)


def test_a_task_that_is_spawned_later_must_fit_too():
    with pytest.raises(ScenarioError, match="the task 'late': say how much 'memory' it needs"):
        Scenario("o1", TWO, until="1s", machine=ONE_AT_A_TIME, events=[{"at": "1ms", "spawn": {"name": "late"}}])


def test_sizes_count_in_1024s():
    for text, size in (("7B", 7), ("1KB", 1024), (" 2 MB ", 2 << 20), ("1GB", 1 << 30), ("1TB", 1 << 40)):
        trace = Scenario("o1", [{"memory": text}], until="1ms", machine={"memory": size}).run()
        assert trace.table("placed")[0].a == size
