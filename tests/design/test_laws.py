"""What holds at every instant of every run of the toy machine."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedlab import laws
from schedlab.design.kinds import FINISHED, READY, RUNNING
from schedlab.design.results import results
from schedlab.scenario import Scenario
from schedlab.sim import MS, US
from schedlab.trace import Replay, Trace

SCHEDULERS = ("cooperative", "preemptive", "none", "sharing", "stealing")
times = st.integers(0, 40).map(lambda ms: ms * MS)
work = st.integers(1, 60_000).map(lambda us: us * US)
step = st.one_of(
    work.map(lambda ns: {"run": ns}),
    times.map(lambda ns: {"sleep": ns}),
    st.just("yield"),
    work.map(lambda ns: {"spawn": {"name": "child", "work": ns, "count": 2}}),
)
task = st.one_of(
    st.fixed_dictionaries({"work": work, "start": times, "cpu": st.integers(0, 2)}),
    st.fixed_dictionaries({"does": st.lists(step, min_size=1, max_size=6), "start": times, "cpu": st.integers(0, 2)}),
)
scenarios = st.builds(
    lambda scheduler, tasks, switch, message, seed: Scenario(
        scheduler, tasks, cpus=3, seed=seed, machine={"switch": switch, "message": message}
    ),
    st.sampled_from(SCHEDULERS),
    st.lists(task, min_size=1, max_size=12),
    st.sampled_from((0, 100 * US)),
    st.sampled_from((0, 50 * US)),
    st.integers(0, 5),
)


def states(trace: Trace):
    """Every instant: the state after all rows of one time, and until when it lasts."""
    replay = Replay(trace)
    for i, row in enumerate(trace.rows()):
        replay.forward()
        until = trace.time[i + 1] if i + 1 < len(trace) else trace.end
        if until > row.time:
            yield row.time, until, replay.state


@given(scenarios)
def test_a_task_runs_on_one_cpu_at_most_and_is_then_called_running(scenario):
    for _time, _until, state in states(scenario.run()):
        running = [task for task in state["running"] if task >= 0]
        assert len(set(running)) == len(running)
        assert sorted(running) == [task for task, held in enumerate(state["state"]) if held == RUNNING]


@given(scenarios)
def test_nobody_is_lost(scenario):
    trace = scenario.run()
    replay = trace.at(trace.end)
    assert set(replay.state["state"]) == {FINISHED}
    assert len(replay.state["state"]) == len(trace.names["task"])


@given(scenarios)
def test_every_row_can_be_undone(scenario):
    trace = scenario.run()
    replay = Replay(trace)
    seen = [{field: list(held) for field, held in replay.state.items()}]
    while replay.index < len(trace):
        replay.forward()
        seen.append({field: list(held) for field, held in replay.state.items()})
    while replay.index:
        assert replay.state == seen[replay.index]
        replay.back()
    assert replay.state == seen[0]


@given(scenarios.filter(lambda scenario: scenario.scheduler in ("cooperative", "preemptive", "stealing")))
def test_no_cpu_idles_while_somebody_waits(scenario):
    for time, _until, state in states(scenario.run()):
        assert -1 not in state["running"] or READY not in state["state"], f"at {time} ns"


@given(scenarios)
def test_each_task_gets_the_cpu_time_that_it_asks_for(scenario):
    trace = scenario.but(machine={}).run()
    given_ = dict.fromkeys(range(len(trace.names["task"])), 0)
    had: dict[int, int] = {}
    for number, entry in enumerate(scenario.given_tasks):
        steps = entry.get("does", [{"run": entry.get("work")}])
        given_[number] = sum(step["run"] for step in steps if "run" in step)
        spawned = [step["spawn"]["work"] for step in steps if "spawn" in step]
        given_[-1 - number] = 2 * sum(spawned)
    for time, until, state in states(trace):
        for running in state["running"]:
            if running >= 0:
                had[running] = had.get(running, 0) + until - time
    first = len(scenario.given_tasks)
    assert {n: had.get(n, 0) for n in range(first)} == {n: given_[n] for n in range(first)}
    children = sum(ns for number, ns in given_.items() if number < 0)
    assert sum(had.get(n, 0) for n in range(first, len(trace.names["task"]))) == children


@given(scenarios.filter(lambda scenario: scenario.scheduler == "preemptive"))
def test_no_slice_is_longer_than_the_quantum(scenario):
    trace = scenario.run()
    began: dict[int, int] = {}
    quantum, switch = 10 * MS, scenario.machine["switch"]
    for row in trace.rows():
        kind = trace.kinds[row.kind].name
        if kind in ("switch", "resume", "rest", "keep"):
            if row.where in began:
                assert row.time - began.pop(row.where) <= quantum + switch
            if row.who >= 0:
                began[row.where] = row.time


@given(scenarios)
def test_the_results_add_up(scenario):
    trace = scenario.run()
    counted = results(trace)
    busy = sum((until - time) * sum(task >= 0 for task in state["running"]) for time, until, state in states(trace))
    assert counted.makespan <= trace.end
    assert sum(counted.idle) + busy == 3 * counted.makespan


quanta = st.sampled_from((1 * MS, 3 * MS, "10ms"))
sliced = st.builds(
    lambda scheduler, tasks, quantum, cpus, switch, seed: Scenario(
        scheduler,
        [{**task, "cpu": task.get("cpu", 0) % cpus} for task in tasks],
        cpus=cpus, seed=seed, machine={"switch": switch}, options={"quantum": quantum},
    ),
    st.sampled_from([name for name in SCHEDULERS if name != "cooperative"]),
    st.lists(task, min_size=1, max_size=9),
    quanta,
    st.integers(1, 3),
    st.sampled_from((0, 100 * US)),
    st.integers(0, 5),
)  # fmt: skip
hogs = st.builds(
    lambda starts, quantum, switch: Scenario(
        "preemptive",
        [{"name": f"hog{i}", "work": "forever", "start": start} for i, start in enumerate(starts)],
        until="700ms", machine={"switch": switch}, options={"quantum": quantum},
    ),
    st.lists(times, min_size=2, max_size=6),
    quanta,
    st.sampled_from((0, 100 * US)),
)  # fmt: skip


@given(st.one_of(scenarios, sliced, hogs))
def test_a_run_keeps_every_law_that_it_promises(scenario):
    trace = scenario.run()
    broken = laws.check(trace)
    assert not broken, f"{broken[:3]}\n{scenario.to_data()}"


def promised(scheduler: str, **more: Any) -> set[str]:
    scenario = Scenario(scheduler, **{"tasks": [{"work": "5ms", "count": 2}], **more})
    return {law.id for law in laws.promised(scenario.run())} - {law.id for law in laws.ALWAYS}


def test_what_each_scheduler_promises():
    hog: dict[str, Any] = {"tasks": [{"work": "forever", "count": 2}], "until": "50ms"}
    spawner: dict[str, Any] = {"tasks": [{"does": [{"spawn": {"work": "1ms"}}]}]}
    assert promised("cooperative") == promised("none") == promised("sharing") == {"work-conserving"}
    assert promised("preemptive") == {"work-conserving", "slice", "longest-wait"}
    assert promised("preemptive", **hog) == {"work-conserving", "slice", "longest-wait", "fairness"}
    assert promised("preemptive", **spawner) == {"work-conserving", "slice"}
    assert promised("stealing", options={"quantum": "1ms"}, cpus=2) == {"work-conserving", "slice"}
    assert promised("stealing", options={"quantum": "1ms"}, machine={"message": "1us"}) == {"work-conserving"}
    assert promised("preemptive", events=[{"at": "1ms", "set": {"quantum": "2ms"}}]) == {"work-conserving"}


def test_a_cooperative_run_breaks_what_a_preemptive_one_promises():
    tasks = [{"name": "long", "work": "100ms"}, {"name": "short", "work": "1ms"}]
    kept = laws.promised(Scenario("preemptive", tasks).run())
    broken = laws.check(Scenario("cooperative", tasks).run(), kept)
    assert {violation.rule for violation in broken} == {"slice", "longest-wait"}


def test_own_queues_break_what_thieves_promise():
    tasks = [{"name": "t", "count": 4, "work": "10ms", "cpu": 0}]
    kept = laws.promised(Scenario("stealing", tasks, cpus=2).run())
    broken = laws.check(Scenario("none", tasks, cpus=2).run(), kept)
    assert {violation.rule for violation in broken} == {"work-conserving"}


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_stored_scenario_runs_the_same(scheduler):
    tasks = [{"name": "t", "count": 30, "work": {"pareto": "1ms", "most": "50ms"}, "every": "1ms", "cpu": [0, 0, 1]}]
    scenario = Scenario(scheduler, tasks, cpus=3, seed=4)
    assert Scenario.from_data(scenario.to_data()).run().digest() == scenario.run().digest()


def test_a_saved_trace_is_read_back(tmp_path):
    trace = Scenario("stealing", [{"name": "t", "count": 9, "work": "3ms"}], cpus=3).run()
    trace.save(tmp_path / "run.json")
    assert Trace.load(tmp_path / "run.json").digest() == trace.digest()
