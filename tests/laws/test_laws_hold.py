"""Random scenarios keep all laws that hold for everybody, and what their generation promises."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schedlab import goals, laws
from schedlab.linux.machine import Loop
from schedlab.linux.promises import SLICES
from schedlab.linux.schedulers import SCHEDULERS
from schedlab.scenario import Scenario
from tests.laws.scenarios import hogs, scenarios

MANY = settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
FEW = settings(MANY, max_examples=40)


def told(trace):
    """The breaches, with the scenario that a failing example can be run again with."""
    broken = laws.check(trace)
    assert not broken, f"{broken[:3]}\n{trace.scenario.to_data()}"


@MANY
@given(scenarios())
def test_a_run_keeps_every_law_that_it_promises(scenario: Scenario):
    try:
        trace = scenario.run()
    except Loop:  # tasks that only yield to each other are told, and there is no trace to judge
        return
    told(trace)


@FEW
@given(hogs(tuple(SLICES)))
def test_where_all_only_compute_slices_waits_and_shares_are_bounded(scenario: Scenario):
    trace = scenario.run()
    promised = {law.id for law in laws.promised(trace)}
    assert {"slice", "longest-wait"} <= promised
    assert ("fairness" in promised) is (len({task["nice"] for task in scenario.tasks}) == 1)
    told(trace)


@FEW
@given(scenarios())
def test_cpu_time_read_off_the_rows_is_what_the_machine_has_charged(scenario: Scenario):
    machines: list[Any] = []
    family = scenario.family
    build = family.build

    class Spy:
        def __getattr__(self, name):
            return getattr(family, name)

        def build(self, *arguments):
            running: Any = build(*arguments)
            machines.append(running.machine)
            return running

    scenario.family = Spy()
    try:
        trace = scenario.run()
    except Loop:
        return
    (machine,) = machines
    for cpu in machine.cpus:
        machine._charge(cpu)  # up to the end of the run
    names = goals.labels(trace)
    got = goals.cpu_time(trace)
    charged = {names[task.id]: task.sum_exec for task in machine.tasks.values()}
    assert got == charged, scenario.to_data()


@FEW
@given(scenarios())
def test_goals_are_possible_numbers(scenario: Scenario):
    try:
        trace = scenario.run()
    except Loop:
        return
    used, waited = goals.cpu_time(trace), goals.waits(trace)
    assert sum(used.values()) <= trace.end * scenario.cpus
    assert all(0 <= used[name] + waited[name] <= trace.end for name in used)
    assert all(goals.longest_waits(trace)[name] <= waited[name] for name in waited)
    assert 0 <= goals.fairness(trace) <= 1
    assert all(one.ns >= 0 for one in goals.latencies(trace))
    assert goals.switches(trace) <= len(trace)
    assert set(goals.completions(trace)) <= set(goals.births(trace))


BURSTS = st.lists(st.tuples(st.integers(1, 30_000_000), st.integers(0, 20_000_000)), min_size=1, max_size=4)


@MANY
@given(st.lists(BURSTS, min_size=1, max_size=4), st.sampled_from(sorted(SCHEDULERS)), st.integers(1, 3))
def test_a_task_that_ends_has_had_exactly_the_cpu_time_it_asked_for(lives, scheduler, cpus):
    """And a task alone on its machine ends after exactly its runs and sleeps."""
    given_tasks = [
        {"name": f"t{i}", "does": [step for run, sleep in life for step in ({"run": run}, {"sleep": sleep})]}
        for i, life in enumerate(lives)
    ]
    cpus = 1 if scheduler == "v0.01" else cpus
    trace = Scenario(scheduler, given_tasks, cpus=cpus).run()
    assert goals.cpu_time(trace) == {f"t{i}": sum(run for run, _ in life) for i, life in enumerate(lives)}
    if len(lives) == 1:
        assert trace.end == sum(run + sleep for run, sleep in lives[0])
